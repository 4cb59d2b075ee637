"""What the patrol is told while the box runs: its budget, what looks showed, hours of duty."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from edge.app.gate import Gate
from edge.app.pipeline import Analysed
from edge.cases.desk import CaseDesk
from edge.config.model import CameraSettings, Settings
from edge.streams.beats import Budget, Patrolled, PatrolState
from edge.streams.frame import Frame
from edge.streams.pool import StreamPool

_LASTS_S = {"street_vending": 1200.0, "piled_materials": 7200.0, "illegal_ads": 86400.0}
"""How long a short event of each kind lasts; looking much more often finds nothing more. Assumed:
a stall stays twenty minutes, a heap two hours, a sticker a day."""

_HOURS_EVERY_S = 10.0
_BUDGET_EVERY_S = 5.0
_TELL_EVERY_S = 1.0
_FIRST_LOOK_S = 0.2
_FORGET_LOOKS = 50.0
_USE = 0.9
_LEAST_SHARE = 0.2


class Capacity:
    """Looks a second that are left for patrolled cameras, from how long looks take.

    Args:
        held_per_s: looks a second that held cameras are configured to.
    """

    def __init__(self, held_per_s: float) -> None:
        self._held_per_s = held_per_s
        self._look_s = _FIRST_LOOK_S

    def took(self, seconds: float, looks: int) -> None:
        """So many looks took so long together, wall time: cores are shared with the decoders."""
        weight = 1.0 - math.exp(-looks / _FORGET_LOOKS)
        self._look_s += weight * (seconds / looks - self._look_s)

    @property
    def looks_per_s(self) -> float:
        """Held cameras come first, but never take all of it."""
        most = _USE / max(self._look_s, 1e-4)
        return max(most - self._held_per_s, _LEAST_SHARE * most)


class Patrolling:
    """Tells the pool. One thread calls it; ``now`` is monotonic seconds.

    Args:
        settings: the cameras, their hours, the budget.
        pool: who looks.
        desk: knows the open cases.
        gate: is told how seldom looks are; None: there is none.
    """

    def __init__(
        self, settings: Settings, pool: StreamPool, desk: CaseDesk, gate: Gate | None = None
    ) -> None:
        self._gate = gate
        self._pool = pool
        self._desk = desk
        cameras = settings.active_cameras
        self._zones = {
            camera.id: ZoneInfo(camera.time_zone or settings.box.time_zone) for camera in cameras
        }
        self._ends = {
            camera.id: purpose
            for camera in cameras
            if settings.purpose.missing == "refuse" and (purpose := settings.purpose_of(camera))
        }
        self._timed = [camera for camera in cameras if camera.hours or camera.id in self._ends]
        self._resting: set[str] = set()
        self._look_at_hours = self._look_at_budget = self._tell = -math.inf
        held = sum(1.0 / camera.look_every_s for camera in cameras if camera.mode == "held")
        self._capacity = Capacity(held) if settings.streams.patrol.looks_per_s == "auto" else None

    def step(self, now: float, wall: datetime) -> PatrolState | None:
        """Cameras whose hours have ended rest; now and then, how the patrol stands."""
        if now >= self._look_at_hours:
            self._look_at_hours = now + _HOURS_EVERY_S
            self._keep_hours(wall)
        if now < self._tell:
            return None
        self._tell = now + _TELL_EVERY_S
        patrol = self._pool.patrol
        if patrol is not None and self._gate is not None:
            self._gate.stretched(max([patrol.stretch, *patrol.platform_stretch.values()]))
        return patrol

    def analysed(
        self, frames: Sequence[Frame], came_to: Analysed, took_s: float, now: float
    ) -> None:
        """A batch of looks: what it showed, and what it cost."""
        new = Counter(d.sources[0].camera_id for d in came_to.drafts if d.revision == 1)
        for frame in frames:
            if frame.reason == "visit":
                self._pool.found(
                    frame.camera_id,
                    events=new[frame.camera_id],
                    open_cases=self._desk.open_at(frame.camera_id),
                )
        if self._capacity is None or not frames:
            return
        self._capacity.took(took_s, len(frames))
        if now >= self._look_at_budget:
            self._look_at_budget = now + _BUDGET_EVERY_S
            self._pool.budget(self._capacity.looks_per_s)

    def _keep_hours(self, wall: datetime) -> None:
        for camera in self._timed:
            off = not self._on_duty(camera, wall)
            if off != (camera.id in self._resting):
                self._pool.rest(camera.id, off=off)
                (self._resting.add if off else self._resting.remove)(camera.id)

    def _on_duty(self, camera: CameraSettings, wall: datetime) -> bool:
        local = wall.astimezone(self._zones[camera.id])
        purpose = self._ends.get(camera.id)
        if purpose is not None and not purpose.in_force(local.date()):
            return False
        return not camera.hours or any(hours.contains(local.time()) for hours in camera.hours)


def budget_of(settings: Settings) -> Budget:
    """What all visits may cost, as configured; "auto" begins with what a slow box can do."""
    patrol = settings.streams.patrol
    looks_per_s = patrol.looks_per_s
    if looks_per_s == "auto":
        looks_per_s = Capacity(0.0).looks_per_s
    return Budget(looks_per_s, patrol.max_open, dict(patrol.platforms))


def patrolled(camera: CameraSettings) -> Patrolled:
    """A camera as the patrol must know it."""
    return Patrolled(
        camera.id,
        camera.look_every_s,
        camera.platform or "",
        min((_LASTS_S[zone.watch] for zone in camera.zones), default=_LASTS_S["illegal_ads"]),
        camera.looks_per_visit,
    )
