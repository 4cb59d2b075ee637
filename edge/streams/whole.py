"""Key frames put together, decoded, and handed on only when they are whole.

FFmpeg conceals what is missing: half a picture comes out as a picture, the rest of it grey or
smeared. Such a picture would be analysed, stored as evidence and learned as background.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator

import av
import av.logging
import numpy as np

from edge.pictures import MOST_PIXELS, size_fault

_START = b"\x00\x00\x01"
_START_CODE = re.compile(re.escape(_START))
_MESSAGES = (39, 40)  # SEI before and after a picture
_MISSED = "RTP: missed"
_PLANAR = ("yuv420p", "yuvj420p")
_GRID = 8
"""Chroma samples between two looks for holes: the side of the smallest block of H.265."""


class WholeKeyFrames:
    """Takes the packets of a stream in their order and gives its whole key frames.

    Behind some servers a key frame of several slices comes in several packets, because parameter
    sets stand between them (GStreamer repeats them before each slice); they are put together.
    A decoder is made anew for each key frame: it holds none back, and nothing of another picture
    can fill the gaps of this one. That costs nothing that can be measured.

    Args:
        stream: the video stream the packets come from.

    Attributes:
        damaged: key frames that were wanted and not whole.
    """

    def __init__(self, stream: av.VideoStream) -> None:
        context = stream.codec_context
        self._codec: str = context.name
        self._extradata: bytes | None = context.extradata
        # In MP4 and the like a packet is a picture, with lengths in place of start codes.
        lengths = bool(self._extradata) and bytes(self._extradata)[0] == 1
        self._may_part = self._codec in {"h264", "hevc"} and not lengths
        # FFmpeg's H.265 decoder passes over its errors without a word unless it must stop at them.
        self._is_strict = self._codec == "hevc" and not lengths
        self._parted = False
        self._parts: list[av.Packet] = []
        self._lost = False
        self._tried = False
        self._at_s = 0.0
        self.damaged = 0

    def feed(
        self, packet: av.Packet, at_s: float, *, wanted: Callable[[], bool], lost: bool
    ) -> Iterator[tuple[av.VideoFrame, float]]:
        """The key frame that this packet completes, if any, and when its first packet came.

        Args:
            packet: the next one, whatever it holds; an empty one ends the stream.
            at_s: when it came, seconds.
            wanted: asked whether to decode a key frame that begins here.
            lost: RTP packets were lost since the packet before.
        """
        is_key = packet.is_keyframe and packet.size > 0
        if not is_key and not self._parts:
            return
        if is_key and self._may_part and not begins_picture(self._codec, packet):
            if self._parts:
                self._parted = True
                self._parts.append(packet)
                self._lost = self._lost or lost
                self._tried = False
            return
        yield from self._finish()
        if is_key and wanted():
            self._parts, self._lost, self._at_s = [packet], lost, at_s
            if not self._parted:  # almost no camera parts its pictures: do not wait for more
                yield from self._attempt()

    def _finish(self) -> Iterator[tuple[av.VideoFrame, float]]:
        if self._parts and not self._tried:
            yield from self._attempt()
        self.damaged += bool(self._parts)
        self._parts, self._tried = [], False

    def _attempt(self) -> Iterator[tuple[av.VideoFrame, float]]:
        self._tried = True
        frame = None if self._lost else self._decode()
        if frame is not None and not frame.is_corrupt and not _has_holes(frame):
            self._parts, self._tried = [], False
            yield frame, self._at_s

    def _decode(self) -> av.VideoFrame | None:
        decoder = av.CodecContext.create(self._codec, "r")
        decoder.extradata = self._extradata
        decoder.thread_count = 1
        packet = self._parts[0]
        if len(self._parts) > 1 or self._is_strict:
            coded = b"".join(bytes(part) for part in self._parts)
            packet = av.Packet(_without_messages(coded) if self._is_strict else coded)
            packet.pts = self._parts[0].pts
        decoder.options = {"max_pixels": str(MOST_PIXELS)}
        if self._is_strict:
            decoder.options = {**decoder.options, "err_detect": "explode"}
        try:
            frames = [*decoder.decode(packet), *decoder.decode(None)]
        except av.error.FFmpegError:
            return None
        if len(frames) != 1 or size_fault(frames[0].width, frames[0].height) is not None:
            return None  # a stream may change its size on the way
        return frames[0]


def packets(container: av.container.InputContainer) -> Iterator[tuple[av.Packet, bool]]:
    """Every packet of every stream, and whether RTP packets were lost before it.

    FFmpeg tells of lost packets in its log only, and only where it is allowed to reorder them
    (``reorder_queue_size``). One iteration at a time in a thread: the log is listened to by thread.
    """
    logging.getLogger("libav").setLevel(logging.CRITICAL + 1)  # its lines may hold addresses
    if av.logging.get_level() != av.logging.WARNING:
        av.logging.set_skip_repeated(False)
        av.logging.set_level(av.logging.WARNING)
    with av.logging.Capture() as lines:
        for packet in container.demux():
            lost = False
            if lines:
                lost = any(text.startswith(_MISSED) for _, _, text in lines)
                lines.clear()
            yield packet, lost


def begins_picture(codec: str, packet: av.Packet) -> bool:
    """Whether the first slice in it is the first of a picture; True without a slice."""
    data = memoryview(packet)
    for start in _START_CODE.finditer(data):
        unit = data[start.end() : start.end() + 3]
        if len(unit) < 3:
            return True
        # "first slice" is the first bit of a slice's header, written so in H.265; in H.264 it is
        # the address 0, which is coded as a single 1.
        if codec == "h264" and unit[0] & 31 in (1, 2, 5):
            return bool(unit[1] & 0x80)
        if codec == "hevc" and (unit[0] >> 1) & 63 < 32:
            return bool(unit[2] & 0x80)
    return True


def _without_messages(coded: bytes) -> bytes:
    """H.265 without SEI: a strict decoder stops at what cameras' makers write there."""
    front, *units = _START_CODE.split(coded)
    kept = [unit for unit in units if not unit or (unit[0] >> 1) & 63 not in _MESSAGES]
    return _START.join([front, *kept])


def _has_holes(frame: av.VideoFrame) -> bool:
    """Whether blocks were never decoded: zero in all planes, darker than any green there is.

    FFmpeg's H.265 decoder does not say when slices are missing or end early.
    """
    if frame.format.name not in _PLANAR:
        return False
    light, *chroma = (
        np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        for plane in frame.planes
    )
    u, v = (plane[::_GRID, ::_GRID] for plane in chroma)
    y = light[:: 2 * _GRID, :: 2 * _GRID]
    return bool(((y == 0) & (u == 0) & (v == 0)).any())
