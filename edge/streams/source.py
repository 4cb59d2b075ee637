"""Open a camera and yield its key frames: RTSP, a video file, or a folder of pictures.

What we look for stands still for minutes, so only key frames are decoded: 7–8 times cheaper than
every frame (``docs/performance.md``). Packets that are not wanted are dropped before decoding.
Cameras' clocks are not believed: what a live stream sends came when it arrived.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import av

from edge.errors import Code, PictureError, StreamError
from edge.pictures import read_picture, size_fault
from edge.streams.frame import Reason
from edge.streams.patience import Patience
from edge.streams.planes import Picture, decoded
from edge.streams.ring import PacketRing
from edge.streams.whole import WholeKeyFrames, packets

log = logging.getLogger(__name__)  # in workers, too, where nothing else is set up

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_LIVE_SCHEMES = frozenset({"rtsp", "rtsps"})
# Small probes open an RTSP stream in a fraction of the time, and probing decodes only key frames:
# 2 ms of CPU for an open instead of 10 (bench/visits.py).
_RTSP_OPTIONS = {
    "rtsp_transport": "tcp",
    "probesize": "32768",
    "analyzeduration": "0",
    "skip_frame": "nokey",
    # Over TCP nothing comes out of order, but without a queue FFmpeg does not say what is missing.
    "reorder_queue_size": "2",
}


@dataclass(frozen=True, slots=True)
class Source:
    """What a worker needs to know of a camera.

    Attributes:
        camera_id: the configured id.
        url: RTSP URL with credentials, or a path. Never log it: use ``camera_id``.
        look_every_s: least time between two pictures handed on, seconds.
        visit: patrolled: pictures are those of a visit.
        open_timeout_s, read_timeout_s: seconds until a silent camera counts as failed.
        key_frame_timeout_s: seconds without a whole key frame until a live camera that does send
            something counts as failed, visited or held.
        clip_s: seconds kept in memory for clips while it is held; 0: none.
        evidence_url: the main stream where ``url`` is the sub-stream; empty: there is only one.
    """

    camera_id: str
    url: str
    look_every_s: float
    visit: bool
    open_timeout_s: float
    read_timeout_s: float
    key_frame_timeout_s: float = 20.0
    evidence_url: str = ""
    clip_s: float = 0.0

    @property
    def is_live(self) -> bool:
        """Whether it is a network stream rather than a replay."""
        return is_live(self.url)

    @property
    def main(self) -> Source:
        """The main stream of a camera whose sub-stream is looked at."""
        return replace(self, url=self.evidence_url, evidence_url="")

    @property
    def path(self) -> Path:
        """The file or folder of a replay."""
        return Path(self.url.removeprefix("file://"))


def is_live(url: str) -> bool:
    """Whether a URL names a network stream rather than a replay."""
    return urlsplit(url).scheme in _LIVE_SCHEMES


Every = Callable[[], float]
"""Least seconds between two pictures now."""

Alive = Callable[[], None]
"""Called with every packet: the camera sends, the thread does not hang."""


def pictures(
    source: Source,
    every: Every | None = None,
    alive: Alive | None = None,
    ring: PacketRing | None = None,
) -> Iterator[tuple[Picture, Reason]]:
    """Yield pictures until the camera fails; a replay starts again from its beginning.

    Args:
        source: the camera.
        every: asked before each picture; ``source.look_every_s`` if None.
        alive: called between pictures too, whenever a live camera sends anything.
        ring: keeps what a live camera sends.

    Raises:
        StreamError: the camera cannot be opened, stalls, ends or sends what cannot be decoded.
    """
    if source.is_live:
        yield from _live(source, every, alive, ring)
    elif source.path.is_dir():
        yield from _folder(source)
    else:
        while True:
            yield from _file(source, every)


def _live(
    source: Source, every: Every | None, alive: Alive | None, ring: PacketRing | None
) -> Iterator[tuple[Picture, Reason]]:
    reason: Reason = "visit" if source.visit else "key_frame"
    try:
        with open_container(source) as container:
            for image, _ in key_frames(
                source, container, live=True, every=every, alive=alive, ring=ring
            ):
                yield image, reason
    finally:
        if ring is not None:  # another connection does not go on where this one ended
            ring.end()
    # A killed server ends the loop without an exception: for a live stream that is a failure.
    raise ended(source)


def _file(source: Source, every: Every | None) -> Iterator[tuple[Picture, Reason]]:
    """Replay at the recording's own pace."""
    began = time.monotonic()
    seen = 0
    with open_container(source) as container:
        for image, at_s in key_frames(source, container, live=False, every=every):
            time.sleep(max(began + at_s - time.monotonic(), 0.0))
            seen += 1
            yield image, "key_frame"
        duration_s = (container.duration or 0) / av.time_base
    if not seen:
        raise StreamError(
            Code.CAM_NO_VIDEO,
            source.camera_id,
            "the file holds no picture",
            "Give a file with at least one key frame",
        )
    time.sleep(max(began + duration_s - time.monotonic(), 0.0))


def _folder(source: Source) -> Iterator[tuple[Picture, Reason]]:
    names = sorted(p for p in source.path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
    readable, why = 0, ""
    for name in names:
        try:
            image = read_picture(name)
            if (fault := size_fault(image.shape[1], image.shape[0])) is not None:
                raise PictureError(Code.PIC_SIZE, str(name), fault, "Give a camera's pictures")
        except PictureError as error:
            why = why or f": {error.code} {name.name} {error.what}"
            log.warning("camera %s: %s", source.camera_id, error)
            continue
        readable += 1
        yield image, "still"
        time.sleep(source.look_every_s)
    if not readable:
        raise StreamError(
            Code.CAM_NO_VIDEO,
            source.camera_id,
            f"no readable picture in the folder ({len(names)} candidates{why})",
            f"Put pictures there: {', '.join(sorted(PICTURE_SUFFIXES))}",
        )


def open_container(source: Source) -> av.container.InputContainer:
    """Open with time-outs.

    Raises:
        StreamError: with a code that says why not.
    """
    options = dict(_RTSP_OPTIONS) if source.is_live else {}
    began = time.monotonic()
    try:
        return av.open(
            source.url if source.is_live else str(source.path),
            options=options,
            timeout=(source.open_timeout_s, source.read_timeout_s),
        )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        # FFmpeg gives all kinds of errors for a wait that was broken off.
        waited = source.is_live and time.monotonic() - began > source.open_timeout_s * 0.95
        raise explain(source, TimeoutError() if waited else error) from None


def video_stream(source: Source, container: av.container.InputContainer) -> av.VideoStream:
    """The first video stream.

    Raises:
        StreamError: there is none, or it has a size that no camera's picture has.
    """
    if not container.streams.video:
        raise StreamError(
            Code.CAM_NO_VIDEO,
            source.camera_id,
            "no video in the stream (audio only?)",
            "Choose the camera's video profile",
        )
    stream = container.streams.video[0]
    fault = size_fault(stream.width, stream.height) if stream.width else None  # 0: not known yet
    if fault is not None:
        raise StreamError(
            Code.CAM_SIZE,
            source.camera_id,
            f"its picture is refused: {fault}",
            "Choose another size at the camera",
        )
    return stream


def key_frames(
    source: Source,
    container: av.container.InputContainer,
    *,
    live: bool,
    every: Every | None = None,
    alive: Alive | None = None,
    ring: PacketRing | None = None,
) -> Iterator[tuple[Picture, float]]:
    """Wanted key frames, whole ones only: arrival in seconds for live streams, else media time.

    Args:
        source: the camera.
        container: opened; read to its end.
        live: a camera, not a recording: time is when packets arrive, and it must send a whole key
            frame every ``source.key_frame_timeout_s``.
        every, alive, ring: as for :func:`pictures`.

    Raises:
        StreamError: no video in it, a stall, no whole key frame, or packets that cannot be read.
    """
    stream = video_stream(source, container)
    whole = WholeKeyFrames(stream)
    if ring is not None:
        ring.begin(stream)
    patience = Patience(source.camera_id, source.key_frame_timeout_s)
    at_s = last_s = -float("inf")

    def wanted() -> bool:
        every_s = every() if every else source.look_every_s
        # Cameras are never quite on time; the clock of a recording may jump back.
        if 0 <= at_s - last_s < every_s * 0.9:
            patience.begin_anew(whole.damaged)
            return False
        return True

    try:
        for packet, lost in packets(container):
            if alive:
                alive()
            if live:
                patience.check(whole.damaged)
            if packet.stream_index != stream.index:
                continue
            if ring is not None:
                ring.add(packet, lost=lost)
            at_s = time.monotonic() if live else float((packet.pts or 0) * packet.time_base)
            for frame, came_s in whole.feed(packet, at_s, wanted=wanted, lost=lost):
                last_s = came_s
                yield decoded(frame), came_s
                patience.begin_anew(whole.damaged)
    except (av.error.FFmpegError, OSError) as error:
        raise explain(source, error) from None


def ended(source: Source) -> StreamError:
    """What a live stream that stops without an error has done."""
    return StreamError(
        Code.CAM_ENDED, source.camera_id, "the stream ended", "It is opened again by itself"
    )


def explain(source: Source, error: Exception) -> StreamError:
    """Say what a failed open or read means; FFmpeg's own text may hold the password, so not it."""
    camera = source.camera_id
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return StreamError(
            Code.CAM_AUTH, camera, "the camera refused user name or password", "Correct them"
        )
    if isinstance(error, av.error.HTTPNotFoundError | FileNotFoundError):
        what = "the camera knows no such stream" if source.is_live else "no such file"
        return StreamError(Code.CAM_NOT_FOUND, camera, what, "Correct the path in the URL")
    if isinstance(error, av.error.ExitError | TimeoutError):
        return StreamError(
            Code.CAM_TIMEOUT,
            camera,
            f"no usable answer within {source.open_timeout_s:g} s (open) or "
            f"{source.read_timeout_s:g} s (read)",
            "Check that the camera is powered and the network lets RTSP through",
        )
    if isinstance(error, av.error.InvalidDataError):
        what = "no usable answer" if source.is_live else "not a video, or truncated"
        return StreamError(Code.CAM_BROKEN, camera, what, "Check the stream with a player")
    if isinstance(error, ConnectionError):
        return StreamError(
            Code.CAM_UNREACHABLE, camera, "connection refused", "Check address, port and power"
        )
    reason = getattr(error, "strerror", None) or type(error).__name__
    return StreamError(
        Code.CAM_UNREACHABLE, camera, f"cannot be opened ({reason})", "Check address and port"
    )
