"""How long cases are kept, in which order they go when room is short, and what never goes.

Days are counted from the last receipt of a case (of an unseen one: from when it was gone). The
status decides before the category, that before ``keep_delivered_days``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from edge.cases.taxonomy import load_taxonomy
from edge.config.model import StorageSettings

Status = Literal["closed", "withdrawn", "answered", "unseen", "rejected"]
"""What became of a case: the platform has it, also its end or its withdrawal; it is no case but
the answer to a request; it was gone before its turn came; or the platform rejected it."""

_FIRST_TO_GO: Mapping[Status, int] = {"unseen": 0, "answered": 1, "withdrawn": 2, "closed": 3}
"""When room is short. What was rejected is not there: it never reached anybody."""
_LONGEST_WINDOW = timedelta(hours=max(c.window_hours for c in load_taxonomy().values()))
"""A case gone for longer is never seen again: another one would be opened."""
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Kept:
    """A case, or an answer, that lies on the box.

    Attributes:
        subject: case id or request id.
        kind: event kind; ``reply`` for an answer.
        status: what became of it.
        since: when its days began to count; None: they do not count yet.
        protected: why it must not go, whatever its age: ``open``, ``undelivered``, ``rejected``,
            ``waiting``, ``asked``, or ``held`` and by which hold; empty: it may.
    """

    subject: str
    kind: str
    status: Status
    since: datetime | None
    protected: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why something goes.

    Attributes:
        why: ``age``, or ``room``: before its time, because the disk is nearly full.
        rule: the key of the configuration that decided, with its value.
    """

    why: Literal["age", "room"]
    rule: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The configuration's ``storage`` as far as it says what is kept.

    Attributes:
        days: for what nothing else is said of.
        by_category, by_status: days by event kind, and by status.
        at_least_days: nothing younger goes, not even for room.
    """

    days: float = 30.0
    by_category: Mapping[str, float] = field(default_factory=dict)
    by_status: Mapping[str, float] = field(default_factory=dict)
    at_least_days: float = 0.0

    @classmethod
    def of(cls, storage: StorageSettings) -> Rules:
        """As configured."""
        chosen = storage.retention
        return cls(
            storage.keep_delivered_days,
            {str(kind): days for kind, days in chosen.by_category.items()},
            {str(status): days for status, days in chosen.by_status.items()},
            chosen.at_least_days,
        )

    def rule(self, kept: Kept) -> tuple[float | None, str]:
        """Days that it is kept, None for ever; and the key that says so, with its value."""
        if kept.status in self.by_status:
            days = self.by_status[kept.status]
            return days, f"by_status.{kept.status} {days:g} d"
        if kept.status == "rejected":
            return None, "rejected"
        if kept.kind in self.by_category:
            days = self.by_category[kept.kind]
            return days, f"by_category.{kept.kind} {days:g} d"
        return self.days, f"keep_delivered_days {self.days:g} d"

    def due(self, kept: Kept) -> datetime:
        """When it goes by its age; the end of time: never."""
        days, _ = self.rule(kept)
        return NEVER if days is None else self._after(kept, days)

    def due_for_room(self, kept: Kept) -> datetime:
        """From when it may go because the disk is nearly full; the end of time: never."""
        if kept.status not in _FIRST_TO_GO:
            return NEVER
        return self._after(kept, self.at_least_days)

    def judge(self, kept: Kept, now: datetime, *, short: bool) -> Verdict | None:
        """Whether it goes, and why.

        Args:
            kept: what is asked about.
            now: the present moment.
            short: whether the disk is nearly full.
        """
        if kept.protected:
            return None
        if self.due(kept) <= now:
            return Verdict("age", self.rule(kept)[1])
        if short and self.due_for_room(kept) <= now:
            return Verdict(
                "room", f"tight_free_mb, {kept.status}, at_least {self.at_least_days:g} d"
            )
        return None

    def _after(self, kept: Kept, days: float) -> datetime:
        if kept.since is None or kept.protected:
            return NEVER
        span = timedelta(days=days)
        if kept.status == "unseen":
            span = max(span, _LONGEST_WINDOW)
        return kept.since + span


def order(kept: Kept) -> tuple[int, datetime]:
    """In which order things go: the least important first, then the oldest."""
    return _FIRST_TO_GO.get(kept.status, len(_FIRST_TO_GO)), kept.since or NEVER
