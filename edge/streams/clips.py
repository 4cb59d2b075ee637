"""A clip of a held camera, cut from its ring in the worker, where strangers' video is decoded.

The core never decodes what a camera coded: it gets pictures that were coded anew here, or, where
nothing is redacted, the camera's own coded pictures in an MP4 file.
"""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction

import av
import cv2
import numpy as np

from edge.clock import utc_now
from edge.pictures import MOST_PIXELS, size_fault
from edge.streams.mailbox import Outbox
from edge.streams.messages import Clip, Cut
from edge.streams.ring import Kept, Kind, PacketRing

log = logging.getLogger(__name__)  # in workers, where nothing else is set up

SHORTEST_S, LONGEST_S = 5.0, 15.0
PICTURES_PER_S = 5
_WIDEST = 960
_QUALITY = 92
_TICKS = 90_000


class Clipper(threading.Thread):
    """Cuts one clip and ends."""

    def __init__(self, cut: Cut, ring: PacketRing, outbox: Outbox) -> None:
        super().__init__(name=f"{cut.camera_id} clip", daemon=True)
        self._cut = cut
        self._ring = ring
        self._outbox = outbox

    def run(self) -> None:
        """Until the clip is told, or why there is none."""
        try:
            clip = cut_clip(self._cut, self._ring)
        except Exception as error:  # whatever it is costs a clip, never the camera
            log.exception("camera %s: no clip", self._cut.camera_id)
            clip = Clip(self._cut.camera_id, why=f"it could not be cut ({type(error).__name__})")
        self._outbox.put(clip)


def cut_clip(cut: Cut, ring: PacketRing) -> Clip:
    """The newest seconds of a ring, as the core wants them."""
    kind, kept = ring.kept()
    have_s = time.monotonic() - kept[0].came_s if kept else 0.0
    if kind is None or have_s < SHORTEST_S:
        return Clip(cut.camera_id, why=f"only {have_s:.1f} s of its stream are kept")
    began_at = utc_now()
    now_s = time.monotonic()
    if cut.as_it_came:
        kept = _from_a_key(kept, now_s, cut.seconds)
        seconds = now_s - kept[0].came_s if kept else 0.0
        if not SHORTEST_S <= seconds <= LONGEST_S:
            return Clip(cut.camera_id, why="its key frames are too far apart")
        video = remuxed(kind, kept, seconds)
        return Clip(cut.camera_id, seconds, began_at - timedelta(seconds=seconds), video=video)
    seconds = min(cut.seconds, have_s)
    pictures = sampled(kind, kept, now_s - seconds)
    if len(pictures) < SHORTEST_S * PICTURES_PER_S:
        return Clip(cut.camera_id, why=f"only {len(pictures)} pictures of it can be decoded")
    seconds = len(pictures) / PICTURES_PER_S
    return Clip(cut.camera_id, seconds, began_at - timedelta(seconds=seconds), tuple(pictures))


def _from_a_key(kept: Sequence[Kept], now_s: float, seconds: float) -> list[Kept]:
    """From the newest key frame that leaves so many seconds; at most :data:`LONGEST_S`."""
    keys = [n for n, each in enumerate(kept) if each.is_key]
    fit = [n for n in keys if now_s - kept[n].came_s <= LONGEST_S]
    long = [n for n in fit if now_s - kept[n].came_s >= seconds]
    start = long[-1] if long else (fit[0] if fit else len(kept))
    return list(kept[start:])


def remuxed(kind: Kind, kept: Sequence[Kept], seconds: float) -> bytes:
    """Coded pictures in an MP4 file, evenly over so many seconds: not coded anew."""
    file = io.BytesIO()
    step = seconds / len(kept)
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_mux_stream(
            kind.codec,
            width=kind.width,
            height=kind.height,
            time_base=Fraction(1, _TICKS),
        )
        for number, each in enumerate(kept):
            # The parameter sets may have come beside the stream only (SDP).
            data = each.data if number else kind.extradata + each.data
            packet = av.Packet(data)
            packet.stream = stream
            packet.time_base = Fraction(1, _TICKS)
            packet.dts = round(number * step * _TICKS)
            packet.pts = packet.dts + round(each.ahead_s * _TICKS)
            packet.duration = round(step * _TICKS)
            packet.is_keyframe = each.is_key
            out.mux(packet)
    return file.getvalue()


def sampled(kind: Kind, kept: Sequence[Kept], since_s: float) -> list[bytes]:
    """Pictures at :data:`PICTURES_PER_S` since a moment, scaled down, as JPEG."""
    decoder = av.CodecContext.create(kind.codec, "r")
    decoder.extradata = kind.extradata or None
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(MOST_PIXELS)}
    pictures: list[bytes] = []
    frames = 0
    first = max((n for n, each in enumerate(kept) if each.is_key and each.came_s <= since_s),
                default=0)  # fmt: skip
    times = [each.came_s for each in kept[first:]]
    size: tuple[int, int] | None = None
    for each in (*kept[first:], None):
        try:
            decoded = decoder.decode(av.Packet(each.data) if each else None)
        except av.error.FFmpegError:
            continue  # the next key frame mends it
        for frame in decoded:
            at_s = times[min(frames, len(times) - 1)]
            frames += 1
            if at_s < since_s + len(pictures) / PICTURES_PER_S:
                continue
            if frame.is_corrupt or size_fault(frame.width, frame.height) is not None:
                continue
            size = size or _fitted(frame.width, frame.height)
            image = frame.to_ndarray(format="bgr24", width=size[0], height=size[1])
            done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            if done:
                pictures.append(np.asarray(data).tobytes())
    return pictures[: int(LONGEST_S * PICTURES_PER_S)]


def _fitted(width: int, height: int) -> tuple[int, int]:
    """At most so wide, sides even: video is coded so."""
    scale = min(_WIDEST / width, 1.0)
    return max(round(width * scale) & ~1, 2), max(round(height * scale) & ~1, 2)
