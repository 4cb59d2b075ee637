"""A scenario's video: how long it lasts, and its pictures with their time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from edge.errors import Code, EvaluationError, StreamError
from edge.streams.planes import Picture, decoded
from edge.streams.source import Source, key_frames, open_container


@dataclass(frozen=True, slots=True)
class Length:
    """Coded pictures in a video, and seconds of the scenario's clock that they last."""

    pictures: int
    seconds: float


def measure(video: Path, cadence_s: float | None) -> Length:
    """Count the coded pictures and decode the first one; cheap.

    Raises:
        EvaluationError: missing, not a video, or nothing in it can be decoded.
    """
    if not video.is_file():
        raise _broken(video, "no such file")
    try:
        with av.open(str(video)) as container:
            if not container.streams.video:
                raise _broken(video, "holds no video")
            stream = container.streams.video[0]
            decoded = False
            count, last_s = 0, 0.0
            for packet in container.demux(stream):
                if packet.size:
                    count += 1
                    last_s = max(last_s, float((packet.pts or 0) * packet.time_base))
                if not decoded:
                    decoded = bool(packet.decode())
            duration_s = (container.duration or 0) / av.time_base
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _broken(video, f"cannot be decoded ({type(error).__name__})") from error
    if not decoded:
        raise _broken(video, "holds no picture that can be decoded")
    return Length(count, count * cadence_s if cadence_s else max(duration_s, last_s))


def timed_pictures(
    video: Path, cadence_s: float | None, look_every_s: float
) -> Iterator[tuple[Picture, float]]:
    """Every coded picture with its second on the scenario's clock.

    With a cadence each picture stands for a key frame; without, key frames are taken at the
    video's own times, as the product takes them from a camera.

    Raises:
        EvaluationError: the video breaks in the middle.
    """
    if cadence_s is None:
        yield from _key_frames(video, look_every_s)
        return
    number = 0
    try:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            for frame in container.decode(stream):
                yield decoded(frame), number * cadence_s
                number += 1
    except (av.error.FFmpegError, OSError) as error:
        what = f"breaks after picture {number} ({type(error).__name__})"
        raise _broken(video, what) from error


def _key_frames(video: Path, look_every_s: float) -> Iterator[tuple[Picture, float]]:
    source = Source("video", str(video), look_every_s, False, 10.0, 10.0)
    try:
        with open_container(source) as container:
            yield from key_frames(source, container, live=False)
    except StreamError as error:
        raise _broken(video, error.what) from error


def _broken(video: Path, what: str) -> EvaluationError:
    return EvaluationError(Code.EVL_VIDEO, str(video), what, "Build or repair the video")
