"""Stream workers and the patrol, as the settings call for them."""

from __future__ import annotations

import os
import time

from edge.app.patrolling import budget_of, patrolled
from edge.config.model import CameraSettings, Settings
from edge.streams.backoff import Backoff
from edge.streams.pool import StreamPool
from edge.streams.rounds import Rounds
from edge.streams.source import Source, is_live


def sources_of(settings: Settings) -> list[Source]:
    """What stream workers and probes need to know of each camera."""
    return [
        Source(
            camera_id=camera.id,
            url=(camera.detect_url or camera.url).get_secret_value(),
            look_every_s=camera.look_every_s,
            visit=_is_patrolled(camera),
            open_timeout_s=settings.streams.open_timeout_s,
            read_timeout_s=settings.streams.read_timeout_s,
            key_frame_timeout_s=settings.streams.key_frame_timeout_s,
            clip_s=settings.evidence.clip.seconds if settings.evidence.clip else 0.0,
            evidence_url=camera.url.get_secret_value() if camera.detect_url else "",
        )
        for camera in settings.active_cameras
    ]


def build_pool(settings: Settings) -> StreamPool:
    """Workers for held cameras, visitors and a patrol for the others; nothing is started yet."""
    streams = settings.streams
    sources = sources_of(settings)
    visited = [source for source in sources if source.visit]
    rounds = None
    if visited:
        cameras = {camera.id: camera for camera in settings.active_cameras}
        rounds = Rounds(
            [patrolled(cameras[source.camera_id]) for source in visited],
            visited,
            budget_of(settings),
            time.monotonic(),
        )
    return StreamPool(
        [source for source in sources if not source.visit],
        cameras_per_worker=streams.cameras_per_worker,
        backoff=Backoff(streams.reconnect_min_s, streams.reconnect_max_s),
        hang_after_s=streams.hang_after_s,
        rounds=rounds,
        visitors=visitors(streams.patrol.max_open, len(visited), os.cpu_count() or 1),
    )


def _is_patrolled(camera: CameraSettings) -> bool:
    """A recording is played on in any case: a visit would begin it anew."""
    return camera.mode == "patrolled" and is_live(camera.url.get_secret_value())


def visitors(max_open: int, cameras: int, cores: int) -> list[int]:
    """Patrolled cameras that each worker may have open: as many workers as there are cores.

    More would cost memory and gain nothing; with one a crash would cost every visit under way.
    """
    open_at_once = min(max_open, cameras)
    workers = min(max(cores, 2), 4, open_at_once)
    return [(open_at_once + i) // workers for i in range(workers)]
