"""What a patrol (轮巡) is told and what it says: cameras, budgets, visits, its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Why = Literal["asked", "revisit", "spare", "retry"]


@dataclass(frozen=True, slots=True)
class Patrolled:
    """A camera that is opened, looked at and closed, again and again.

    Attributes:
        camera_id: the configured id.
        revisit_s: most seconds between two looks, while the box keeps up.
        platform: the upstream platform whose open streams are capped together.
        lasts_s: how long the shortest thing it is watched for usually lasts; looking more often
            than that finds nothing more.
        looks: key frames a visit takes.
        preset: handed through to the visit, for cameras that turn.
    """

    camera_id: str
    revisit_s: float
    platform: str = ""
    lasts_s: float = 1800.0
    looks: int = 1
    preset: str | None = None

    def __post_init__(self) -> None:
        if not (self.revisit_s > 0 and self.lasts_s > 0 and self.looks >= 1):
            raise ValueError(f"{self.camera_id}: revisit_s, lasts_s and looks must be above 0")


@dataclass(frozen=True, slots=True)
class Budget:
    """What all visits together may cost.

    Attributes:
        looks_per_s: looks a second.
        streams: streams open at once.
        platform_streams: the same for single platforms; one that is not named has no cap.
    """

    looks_per_s: float
    streams: int
    platform_streams: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        caps = (self.streams, *self.platform_streams.values())
        if not (self.looks_per_s > 0 and min(caps) >= 1):
            raise ValueError("a patrol needs looks_per_s above 0 and at least 1 stream everywhere")


@dataclass(frozen=True, slots=True)
class Policy:
    """How a patrol decides; the defaults are those of ``bench/patrol.py``.

    Attributes:
        plan: share of the budgets that revisits are planned to use; the rest takes up unevenness.
        window: share of the revisit time, at its end, in which a camera is due.
        retry_min_s, retry_max_s: first and longest wait before a failing camera is tried again.
        failing_share: most of the stream time that failing cameras may take.
        half_life_s: how fast what was seen at a camera is forgotten.
        prior_per_s: events a second expected of a camera nothing is known about.
        leap_s: a step of the clock counts for no more than this (the box slept).
        first_hold_s: how long a visit is expected to take before one was made.
    """

    plan: float = 0.8
    window: float = 0.02
    retry_min_s: float = 5.0
    retry_max_s: float = 300.0
    failing_share: float = 0.25
    half_life_s: float = 6 * 3600.0
    prior_per_s: float = 2 / 86400.0
    leap_s: float = 30.0
    first_hold_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Visit:
    """Open this camera, take its looks, close it, and tell the patrol what came of it.

    Attributes:
        camera_id: which one.
        number: counts the visits of this patrol.
        why: somebody asked, its time has come, there was budget to spare, or a failing camera is
            tried again.
        opened_at: the patrol's clock, seconds.
        looks: key frames to take.
        preset: the camera's preset, if any.
    """

    camera_id: str
    number: int
    why: Why
    opened_at: float
    looks: int = 1
    preset: str | None = None


@dataclass(frozen=True, slots=True)
class PatrolState:
    """What operators should see.

    Attributes:
        cameras: all of them.
        stretch: factor on every revisit time because the box cannot keep up; 1 when it can.
        platform_stretch: larger factors where a platform's own cap binds; empty otherwise.
        open_streams: streams open now.
        overdue: the cameras due now that have passed their (stretched) revisit time.
        failing: cameras that failed at their last visit, by error code.
        resting: cameras outside their hours.
    """

    cameras: int
    stretch: float
    platform_stretch: Mapping[str, float]
    open_streams: int
    overdue: int
    failing: Mapping[str, int]
    resting: int
