"""How many new cases a day and an hour the platform's desk is sent, and which never wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from edge.config.model import Settings

URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Quota:
    """What the desk can take of this box.

    Attributes:
        daily: new cases in a day of ``time_zone``; None: no bound.
        per_hour: new cases in any 60 minutes; None: no bound.
        time_zone: of the box; its midnight begins a day.
        always: ``urgent`` and event kinds that go at once; they count, but nothing stops them.
        first: event kinds in the order in which they go; those not named follow together.
    """

    daily: int | None = None
    per_hour: int | None = None
    time_zone: str = "UTC"
    always: tuple[str, ...] = (URGENT,)
    first: tuple[str, ...] = ()

    def exempts(self, kind: str, *, urgent: bool) -> bool:
        """Whether such a case never waits."""
        return kind in self.always or (urgent and URGENT in self.always)

    def day(self, now: datetime) -> str:
        """The date that this moment belongs to, like ``2026-11-24``."""
        return now.astimezone(ZoneInfo(self.time_zone)).date().isoformat()


def quota_of(settings: Settings) -> Quota | None:
    """The quota that a configuration asks for; None: everything goes at once."""
    pace = settings.cases.pace
    if pace.daily_quota is None and pace.per_hour is None:
        return None
    return Quota(pace.daily_quota, pace.per_hour, settings.box.time_zone, pace.always, pace.first)
