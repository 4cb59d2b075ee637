"""One visit: open a camera, take its looks, close it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import av

from edge.streams.phase import Timing
from edge.streams.planes import Picture
from edge.streams.source import Alive, Source, ended, key_frames, open_container, video_stream
from edge.streams.whole import begins_picture

_MEASURE_S = 12.0
_WORTH_MEASURING_S = 0.15


class Visiting:
    """A visit in progress.

    Attributes:
        brought: pictures handed on so far.
        timing: how it went; None before the first picture.
    """

    def __init__(self, source: Source, looks: int, *, measure: bool) -> None:
        self._source = source
        self._looks = looks
        self._measure = measure
        self.brought = 0
        self.timing: Timing | None = None

    def make(self, hand_on: Callable[[Picture], None], alive: Alive | None = None) -> None:
        """Make it; each picture is handed on as soon as it is decoded.

        Args:
            hand_on: takes a picture.
            alive: called whenever the camera sends anything.

        Raises:
            StreamError: the camera cannot be opened, stalls, ends or sends what cannot be decoded.
        """
        began = time.monotonic()
        with open_container(self._source) as container:
            opened = time.monotonic()
            for image, at_s in key_frames(
                self._source, container, live=True, every=lambda: 0.0, alive=alive
            ):
                self.brought += 1
                hand_on(image)
                if self.timing is None:
                    self.timing = Timing(opened - began, at_s - opened, at_s)
                if self.brought >= self._looks:
                    self._stay(container)
                    return
        raise ended(self._source)

    def _stay(self, container: av.container.InputContainer) -> None:
        """Measure the time between two key frames, where who opens the camera has to wait."""
        timing = self.timing
        if timing is None or not self._measure or timing.waited_s < _WORTH_MEASURING_S:
            return
        stream = video_stream(self._source, container)
        codec = stream.codec_context.name
        first_pts: int | None = None
        first_at = 0.0
        try:
            for packet in container.demux(stream):
                now = time.monotonic()
                is_key = packet.is_keyframe and packet.size > 0 and begins_picture(codec, packet)
                if is_key and packet.pts is not None:
                    if first_pts is not None:
                        self.timing = replace(
                            timing, interval_s=_interval_s(packet, first_pts, now - first_at)
                        )
                        return
                    first_pts, first_at = packet.pts, now
                if now - timing.key_at > _MEASURE_S:
                    return
        except (av.error.FFmpegError, OSError):
            return  # the looks are there; the next visit may measure


def _interval_s(packet: av.Packet, since_pts: int, arrived_s: float) -> float:
    """By the camera's time stamps, which do not jitter; by our clock where they make no sense."""
    stamped_s = float((packet.pts - since_pts) * packet.time_base) if packet.pts else 0.0
    return stamped_s if abs(stamped_s - arrived_s) <= 0.2 * arrived_s else arrived_s
