"""A small RTSP server of our own that misbehaves as told; GStreamer's will not.

RTP goes through the RTSP connection (interleaved TCP), as the product asks for it.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal

import av
import cv2
import numpy as np

from edge.streams import planes
from edge.streams.planes import as_bgr

Codec = Literal["h264", "h265"]
Unit = Sequence[bytes]
"""The NAL units of one coded picture."""

MTU = 1200
_FORMAT: dict[Codec, tuple[str, str]] = {"h264": ("libx264", "h264"), "h265": ("libx265", "hevc")}
_NAL = re.compile(rb"\x00\x00\x01")


def kind(codec: Codec, nal: bytes) -> int:
    """The type of a NAL unit."""
    return nal[0] & 31 if codec == "h264" else (nal[0] >> 1) & 63


def is_slice(codec: Codec, nal: bytes) -> bool:
    return kind(codec, nal) in ((1, 5) if codec == "h264" else range(32))


def is_key(codec: Codec, nal: bytes) -> bool:
    return kind(codec, nal) == 5 if codec == "h264" else 16 <= kind(codec, nal) <= 21


@cache
def units(
    codec: Codec,
    *,
    count: int = 20,
    gop: int = 10,
    slices: int = 1,
    size: tuple[int, int] = (640, 352),
    b_frames: int = 0,
) -> list[Unit]:
    """A coded clip: blurred noise, squares that move; parameter sets before every key frame."""
    encoder = _FORMAT[codec][0]
    width, height = size
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    ground = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    ground = cv2.add(ground, rng.integers(0, 30, ground.shape, np.uint8))
    stream = av.CodecContext.create(encoder, "w")
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.framerate, stream.time_base = Fraction(25), Fraction(1, 25)
    stream.thread_count = 1
    common = f"slices={slices}:scenecut=0:bframes={b_frames}:keyint={gop}:min-keyint={gop}"
    stream.options = {
        "preset": "superfast",
        "x264-params": f"{common}:sliced-threads=0",
        "x265-params": f"{common}:open-gop=0:repeat-headers=1:log-level=none:pools=1",
    }
    coded = []
    for number in range(count):
        image = ground.copy()
        x = number * 13 % (width - 60)
        image[height // 4 : height // 4 + 60, x : x + 60] = (30, 30, 220)
        image[-90:-30, x : x + 60] = (200, 60, 30)
        picture = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
        picture.pts = number
        coded += stream.encode(picture)
    coded += stream.encode(None)
    return [split(bytes(packet)) for packet in coded]


def split(stream: bytes) -> list[bytes]:
    """NAL units of an Annex B stream."""
    pieces = _NAL.split(stream)
    return [piece.rstrip(b"\x00") for piece in pieces if piece.rstrip(b"\x00")]


def joined(unit: Sequence[bytes]) -> bytes:
    return b"".join(b"\x00\x00\x00\x01" + nal for nal in unit)


def decoded(codec: Codec, clip: Sequence[Unit]) -> list[np.ndarray]:
    """The key frames as they should arrive, BGR."""
    pictures = []
    for unit in clip:
        if not any(is_key(codec, nal) for nal in unit):
            continue
        decoder = av.CodecContext.create(_FORMAT[codec][1], "r")
        decoder.thread_count = 1
        frames = [*decoder.decode(av.Packet(joined(unit))), *decoder.decode(None)]
        assert len(frames) == 1
        assert not frames[0].is_corrupt
        pictures.append(as_bgr(planes.decoded(frames[0])))
    return pictures


def as_rtp(codec: Codec, nal: bytes) -> Iterator[bytes]:
    """Payloads of one NAL unit: whole, or in fragments (RFC 6184, RFC 7798)."""
    if len(nal) <= MTU:
        yield nal
        return
    head = 1 if codec == "h264" else 2
    for at in range(head, len(nal), MTU):
        first = 0x80 if at == head else 0
        last = 0x40 if at + MTU >= len(nal) else 0
        flags = first | last | kind(codec, nal)
        if codec == "h264":
            front = bytes((nal[0] & 0xE0 | 28, flags))
        else:
            front = bytes((nal[0] & 0x81 | 49 << 1, nal[1], flags))
        yield front + nal[at : at + MTU]


@dataclass
class Script:
    """What the server does.

    Attributes:
        clip: coded pictures, played in a loop.
        silent_from: the request that gets no answer any more; ``connect``: nothing is answered;
            ``media``: all requests are answered, but no picture comes.
        garbage: bytes in place of every answer.
        drop: whether the so-many-th RTP packet is lost.
        clock: the RTP time stamp of the so-many-th picture.
        mangle: changes the NAL units of a picture before they are sent.
        sprop: whether the description holds the parameter sets.
        fps: pictures a second.
        reports: NTP seconds of the RTCP sender report before the so-many-th picture.
        talk: sound goes along with the pictures.
    """

    codec: Codec = "h264"
    clip: Sequence[Unit] = ((),)
    silent_from: str = ""
    garbage: bytes = b""
    drop: Callable[[int], bool] = lambda _: False
    clock: Callable[[int], int] = lambda number: number * 3600
    mangle: Callable[[int, Unit], Unit] = lambda _, unit: unit
    fps: float = 50.0
    reports: Callable[[int], int] | None = None
    talk: bool = False


class BadRtsp:
    """Serves a script to everybody who connects."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._open: list[socket.socket] = []
        self._over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/x"

    def stop(self) -> None:
        self._over.set()
        for connection in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def __enter__(self) -> BadRtsp:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self.script.garbage:
                while True:
                    connection.sendall(self.script.garbage)
                    time.sleep(0.01)
            if self.script.silent_from != "connect":
                self._answer(connection)
            self._over.wait()

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as requests:
            while not self._over.is_set():
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    byte = requests.read(1)
                    if not byte:
                        return
                    head += byte
                method = head.split(b" ", 1)[0].decode()
                if method == self.script.silent_from:
                    return
                sequence = re.search(rb"CSeq: *(\d+)", head)
                assert sequence
                channels = "2-3" if b"/audio" in head else "0-1"
                connection.sendall(self._response(method, sequence[1].decode(), channels))
                if method == "PLAY":
                    self._play(connection)
                    return

    def _response(self, method: str, sequence: str, channels: str) -> bytes:
        lines = ["RTSP/1.0 200 OK", f"CSeq: {sequence}", "Session: 12345"]
        body = ""
        if method == "OPTIONS":
            lines.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
        elif method == "DESCRIBE":
            name = self.script.codec.upper()
            body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
            body += f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 {name}/90000\r\na=control:video\r\n"
            if self.script.talk:
                body += "m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:audio\r\n"
            lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        elif method == "SETUP":
            lines.append(f"Transport: RTP/AVP/TCP;unicast;interleaved={channels}")
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def _play(self, connection: socket.socket) -> None:
        script = self.script
        number, sent = 0, 0
        began = time.monotonic()
        while not self._over.is_set():
            if script.silent_from == "media":
                self._over.wait()
                return
            unit = script.mangle(number, script.clip[number % len(script.clip)])
            if script.reports:
                connection.sendall(_frame(1, _report(script.reports(number), script.clock(number))))
            payloads = [part for nal in unit for part in as_rtp(script.codec, nal)]
            out = b""
            if script.talk:
                head = struct.pack(">BBHII", 0x80, 8, number & 0xFFFF, number * 160, 0x5678)
                out += _frame(2, head + b"\xd5" * 160)
            for index, payload in enumerate(payloads):
                marker = 0x80 if index == len(payloads) - 1 else 0
                stamp = script.clock(number) & 0xFFFFFFFF
                head = struct.pack(">BBHII", 0x80, 96 | marker, sent & 0xFFFF, stamp, 0x1234)
                if not script.drop(sent):
                    out += _frame(0, head + payload)
                sent += 1
            connection.sendall(out)
            number += 1
            self._over.wait(max(began + number / script.fps - time.monotonic(), 0.0))


def _frame(channel: int, packet: bytes) -> bytes:
    return struct.pack(">cBH", b"$", channel, len(packet)) + packet


def _report(ntp_s: int, stamp: int) -> bytes:
    """An RTCP sender report."""
    return struct.pack(
        ">BBHIIIIII", 0x80, 200, 6, 0x1234, ntp_s & 0xFFFFFFFF, 0, stamp & 0xFFFFFFFF, 0, 0
    )
