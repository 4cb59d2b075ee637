"""The last seconds of a held camera as they came, still compressed: what a clip is cut from."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

import av

from edge.streams.whole import begins_picture

_MOST_BYTES = 6 << 20
"""Of one camera: 10 s and a GOP of 2 s at 4 Mbit/s. Shorter is what a richer stream leaves."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One coded picture.

    Attributes:
        came_s: when it came, monotonic seconds.
        data: as the camera coded it.
        is_key: it can be decoded by itself.
        ahead_s: how much later it is shown than decoded.
    """

    came_s: float
    data: bytes
    is_key: bool
    ahead_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What a decoder must know: FFmpeg's name of the codec, its parameter sets, the size."""

    codec: str
    extradata: bytes
    width: int
    height: int


class PacketRing:
    """Coded pictures from a key frame on, bounded in seconds and in bytes. Thread-safe.

    Args:
        seconds: so much is there at least, once it has come, if the bytes allow it.
        most_bytes: never more is kept.
    """

    def __init__(self, seconds: float, *, most_bytes: int = _MOST_BYTES) -> None:
        self._seconds = seconds
        self._most = most_bytes
        self._lock = threading.Lock()
        self._kept: deque[Kept] = deque()
        self._keys: deque[float] = deque()
        self._bytes = 0
        self._kind: Kind | None = None

    def __len__(self) -> int:
        return self._bytes

    def begin(self, stream: av.VideoStream) -> None:
        """Another connection: what came before does not go on in it."""
        context = stream.codec_context
        kind = Kind(context.name, bytes(context.extradata or b""), context.width, context.height)
        with self._lock:
            self._kind = kind
            self._forget()

    def end(self) -> None:
        """The connection is over."""
        with self._lock:
            self._forget()
            self._kind = None

    def add(self, packet: av.Packet, *, lost: bool = False) -> None:
        """Keep a packet; ``lost``: some before it never came, and what follows hangs on them."""
        kind = self._kind
        if kind is None or packet.size == 0:
            return
        if lost:
            with self._lock:
                self._forget()
        first = kind.codec not in {"h264", "hevc"} or begins_picture(kind.codec, packet)
        ahead_s = 0.0
        if packet.pts is not None and packet.dts is not None and packet.time_base:
            ahead_s = max(float((packet.pts - packet.dts) * packet.time_base), 0.0)
        kept = Kept(time.monotonic(), bytes(packet), packet.is_keyframe and first, ahead_s)
        self.put(kept, goes_on=not first)

    def put(self, kept: Kept, *, goes_on: bool = False) -> None:
        """Keep a coded picture.

        Args:
            kept: the picture.
            goes_on: it is a further part of the one before.
        """
        with self._lock:
            if goes_on and self._kept:
                last = self._kept[-1]
                self._kept[-1] = Kept(last.came_s, last.data + kept.data, last.is_key, last.ahead_s)
            elif self._kept or (kept.is_key and not goes_on):
                self._kept.append(kept)
                if kept.is_key:
                    self._keys.append(kept.came_s)
            else:
                return  # nothing to decode it with
            self._bytes += len(kept.data)
            self._drop(kept.came_s)

    def kept(self) -> tuple[Kind | None, list[Kept]]:
        """What is there now, from a key frame on."""
        with self._lock:
            return self._kind, list(self._kept)

    def _drop(self, now_s: float) -> None:
        """Whole GOPs go: without its key frame the rest of one is of no use."""
        while self._kept and (
            self._bytes > self._most
            or (len(self._keys) > 1 and now_s - self._keys[1] >= self._seconds)
        ):
            self._keys.popleft()
            self._bytes -= len(self._kept.popleft().data)
            while self._kept and not self._kept[0].is_key:
                self._bytes -= len(self._kept.popleft().data)

    def _forget(self) -> None:
        self._kept.clear()
        self._keys.clear()
        self._bytes = 0
