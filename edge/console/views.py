"""What the board hands out: immutable values, as the page and the terminal show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from edge.cases.draft import CaseDraft, EvidenceItem
from edge.disk import Level
from uploader.letters import LetterView
from uploader.waiting_view import WaitingView

CameraState = Literal["starting", "up", "down", "failed", "resting"]


@dataclass(frozen=True, slots=True)
class CameraView:
    """A camera and how it does."""

    id: str
    name_zh: str
    name_en: str
    state: CameraState = "starting"
    detail: str = ""
    look_at: datetime | None = None
    sequence: int = 0
    looks: int = 0
    dropped: int = 0
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UplinkView:
    """The way to the platform."""

    connected: bool = False
    pending: int = 0
    dead: int = 0
    last_error: str = ""
    rejected: tuple[LetterView, ...] = ()
    waiting: WaitingView = field(default_factory=WaitingView)


@dataclass(frozen=True, slots=True)
class PatrolView:
    """The patrol (轮巡): see :mod:`edge.streams.patrol`.

    Attributes:
        cameras: patrolled ones.
        stretch: factor on every revisit time because the box cannot keep up; 1 when it can.
        platforms: larger factors where the cap of an upstream platform binds.
        overdue: cameras past their (stretched) revisit time now.
        open_streams: patrolled cameras open now.
        failing: cameras that could not be looked at when last tried.
    """

    cameras: int = 0
    stretch: float = 1.0
    platforms: Mapping[str, float] = field(default_factory=dict)
    overdue: int = 0
    open_streams: int = 0
    failing: int = 0


@dataclass(frozen=True, slots=True)
class StorageView:
    """The disk: see :mod:`edge.disk`."""

    level: Level = Level.OK
    free_bytes: int = 0


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as it stands.

    Attributes:
        draft: its latest revision.
        before: for a case that is gone or withdrawn, the pictures of the revision before.
    """

    draft: CaseDraft
    before: tuple[EvidenceItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment; cases newest first, ``cases_version`` grows with every change.

    ``no_purpose``: cameras without a purpose in force, where that is not accepted.
    """

    box_id: str
    started_at: datetime
    now: datetime
    looks_per_s: float
    cameras: tuple[CameraView, ...]
    cases: tuple[CaseView, ...]
    cases_version: int
    uplink: UplinkView
    storage: StorageView
    patrol: PatrolView
    no_purpose: tuple[str, ...] = ()
