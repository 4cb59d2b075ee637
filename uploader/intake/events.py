"""What a receiver tells besides cases, and the watch that finds gaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from uploader.contract.messages import CheckpointData, ReportedData, StateData
from uploader.intake.records import Gap
from uploader.topics import BoxTopics


@dataclass(frozen=True, slots=True)
class Connected:
    """The receiver has reached the broker, or lost it (``up`` false)."""

    up: bool


@dataclass(frozen=True, slots=True)
class Presence:
    """A box came or went. Of several workers on one store, one is told."""

    box: str
    state: StateData


@dataclass(frozen=True, slots=True)
class Reported:
    """A box says which configuration it runs."""

    box: str
    data: ReportedData


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """A box says how long its evidence chain is; it was kept."""

    box: str
    data: CheckpointData


@dataclass(frozen=True, slots=True)
class ChainBroken:
    """What a box says of its chain contradicts what it said: cut off, written or begun anew."""

    box: str
    reason: str


@dataclass(frozen=True, slots=True)
class GapFound:
    """Messages of a box are missing for longer than ``gap_after_s``."""

    gap: Gap


@dataclass(frozen=True, slots=True)
class GapClosed:
    """What was missing has come, or part of it: what still lacks is found anew."""

    gap: Gap


@dataclass(frozen=True, slots=True)
class Refused:
    """A message was kept among the refused ones, and why."""

    box: str
    reason: str


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """A box reports another key than the one trusted; ``Receiver.trust`` accepts it."""

    box: str
    kid: str
    public_key: str


ReceiverEvent = (
    Connected
    | Presence
    | Reported
    | Checkpointed
    | ChainBroken
    | GapFound
    | GapClosed
    | Refused
    | KeyChanged
)


@dataclass(frozen=True, slots=True)
class Ready:
    """A revision may wait for the application."""


@dataclass(frozen=True, slots=True)
class Replied:
    """The reply to this request is complete."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The worker is over; with the fault, if it was one."""

    fault: BaseException | None


Happening = ReceiverEvent | Ready | Replied | Ended


def presence(box: BoxTopics, state: StateData) -> Presence:
    """A presence event."""
    return Presence(box.name, state)


class GapWatch:
    """Tells of a gap once it has stayed: what is merely on the way is none.

    Args:
        after_s: how long a gap must stay.
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._since: dict[Gap, float] = {}
        self._told: set[Gap] = set()

    def look(self, gaps: Iterable[Gap], now: float) -> list[GapFound | GapClosed]:
        """Compare with the last look.

        Args:
            gaps: all there are.
            now: seconds on a monotonic clock.
        """
        since = {}
        for gap in gaps:
            # What is left of a larger gap is as old as that.
            before = [at for old, at in self._since.items() if _within(gap, old)]
            since[gap] = min(before, default=now)
        closed = [GapClosed(gap) for gap in sorted(self._told - set(since))]
        found = [
            GapFound(gap)
            for gap, at in since.items()
            if gap not in self._told and now - at >= self._after_s
        ]
        self._since = since
        self._told = (self._told & set(since)) | {event.gap for event in found}
        return [*closed, *found]


def _within(gap: Gap, old: Gap) -> bool:
    return gap.box == old.box and old.first <= gap.first and gap.last <= old.last
