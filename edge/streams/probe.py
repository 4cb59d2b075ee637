"""Look at a camera once, for ``gridpatrol check``: which cameras work, and why not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection

import av

from edge.errors import Code, StreamError
from edge.streams.patience import Patience
from edge.streams.planes import as_bgr, decoded
from edge.streams.source import Source, explain, open_container, pictures, video_stream
from edge.streams.thumbs import Thumb, thumb
from edge.streams.whole import WholeKeyFrames, packets

_SPAWN = get_context("spawn")
_AT_ONCE = 8
_KEY_FRAME_WAIT_S = 15.0


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What a camera turned out to be.

    Attributes:
        camera_id: the configured id.
        stream: ``main`` or ``sub``, of a camera with both; else empty.
        codec: FFmpeg's name, ``pictures`` for a folder; empty on failure.
        width, height: pixels.
        fps: nominal frames a second; 0 when the camera does not say.
        key_interval_s: seconds between the first two key frames; None when only one was seen.
        opened_s: seconds until the first picture.
        code, problem: why not; empty when all is well.
        thumb: its first picture, to compare streams by.
    """

    camera_id: str
    stream: str = ""
    codec: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    key_interval_s: float | None = None
    opened_s: float = 0.0
    code: str = ""
    problem: str = ""
    thumb: Thumb | None = None

    @property
    def works(self) -> bool:
        """Whether a picture was decoded."""
        return not self.code


def probe_all(sources: Sequence[Source]) -> list[Probe]:
    """Probe every stream of every camera in parallel, each in a process of its own.

    A stream that crashes the decoder is reported like any other fault.
    """
    streams = [
        (stream, name)
        for source in sources
        for stream, name in (
            ((source, "sub"), (source.main, "main")) if source.evidence_url else ((source, ""),)
        )
    ]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as threads:
        probes = threads.map(_probe_apart, [stream for stream, _ in streams])
        return [
            replace(probe, stream=name) for probe, (_, name) in zip(probes, streams, strict=True)
        ]


def _probe_apart(source: Source) -> Probe:
    ours, theirs = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_report, args=(source, theirs), daemon=True)
    process.start()
    theirs.close()
    patience_s = (
        source.open_timeout_s
        + max(source.read_timeout_s, source.key_frame_timeout_s)
        + _KEY_FRAME_WAIT_S
        + 10.0
    )
    try:
        if ours.poll(patience_s):
            result: Probe = ours.recv()
            return result
        return _failed(source, Code.CAM_WORKER_HUNG, "the decoder hangs. Check the camera")
    except EOFError:
        return _failed(source, Code.CAM_WORKER_DIED, "the decoder crashed. Check the camera")
    finally:
        process.kill()
        process.join()
        ours.close()


def _failed(source: Source, code: Code, problem: str) -> Probe:
    return Probe(source.camera_id, code=str(code), problem=problem)


def _report(source: Source, pipe: Connection) -> None:
    pipe.send(probe(source))


def probe(source: Source) -> Probe:
    """Open one camera, decode one picture, time its key frames."""
    began = time.monotonic()
    try:
        if not source.is_live and source.path.is_dir():
            image, _ = next(pictures(source))
            height, width = image.shape[:2]
            return Probe(source.camera_id, codec="pictures", width=width, height=height)
        with open_container(source) as container:
            return _measure(source, container, began)
    except StreamError as error:
        return _failed(source, error.code, f"{error.what}. {error.fix}")


def _measure(source: Source, container: av.container.InputContainer, began: float) -> Probe:
    stream = video_stream(source, container)
    whole = WholeKeyFrames(stream)
    patience = Patience(source.camera_id, source.key_frame_timeout_s)
    first: av.VideoFrame | None = None
    opened_s = 0.0
    # (time stamp or None, arrival) of each key frame after the first: that one has no time stamp
    # over RTSP, and servers may send it in a burst.
    later: list[tuple[float | None, float]] = []
    try:
        for packet, lost in packets(container):
            now = time.monotonic()
            if first is None:
                patience.check(whole.damaged)
            elif len(later) > 1 or now - began > _KEY_FRAME_WAIT_S:
                break
            if packet.stream_index != stream.index:
                continue
            for frame, arrival in whole.feed(packet, now, wanted=lambda: True, lost=lost):
                stamp = None if frame.pts is None else float(frame.pts * stream.time_base)
                if first is None:
                    first, opened_s = frame, now - began
                else:
                    later.append((stamp, arrival))
    except (av.error.FFmpegError, OSError) as error:
        raise explain(source, error) from None
    if first is None:
        raise StreamError(
            Code.CAM_BROKEN, source.camera_id, "no picture could be decoded", "Check the stream"
        )
    return Probe(
        source.camera_id,
        codec=stream.codec_context.name,
        width=first.width,
        height=first.height,
        fps=round(float(stream.average_rate or 0), 2),
        key_interval_s=_interval(later),
        opened_s=round(opened_s, 2),
        thumb=thumb(as_bgr(decoded(first))),
    )


def _interval(key_frames: Sequence[tuple[float | None, float]]) -> float | None:
    """Seconds between two key frames: by the stream's clock, by arrival when that stands still."""
    if len(key_frames) < 2:
        return None
    (stamp, arrival), (next_stamp, next_arrival) = key_frames[:2]
    if stamp is not None and next_stamp is not None and next_stamp > stamp:
        return round(next_stamp - stamp, 2)
    return round(next_arrival - arrival, 2)
