"""Why a camera is watched, and by whose authority; who may be kept as having looked, and how long.

Personal Information Protection Law (个人信息保护法) art. 26: images of public places are taken for
public security only, under a clear sign. State Council decree 799 adds who may look, with a log.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from edge.config.section import Section

_Line = Annotated[str, Field(max_length=300)]


class PurposeSettings(Section):
    """The record of one camera, or of all that have none of their own."""

    why_zh: Annotated[str, Field(min_length=1, max_length=300)]
    why_en: _Line = ""
    authority: Annotated[str, Field(min_length=1, max_length=300)]
    legal_basis: _Line = ""
    unit: _Line = ""
    signposted: bool | None = None
    since: date | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> PurposeSettings:
        if self.since and self.until and self.until < self.since:
            raise ValueError(f"until ({self.until}) is before since ({self.since})")
        return self

    def in_force(self, day: date) -> bool:
        """Whether it holds on a day, both ends included."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day <= self.until
        )

    def record(self) -> dict[str, str | bool | None]:
        """As it is sealed and shown."""
        record: dict[str, str | bool | None] = self.model_dump(mode="json")
        return record


class PurposeRules(Section):
    """What happens to cameras that nobody said a purpose for, and how long the log is kept."""

    missing: Literal["accept", "warn", "refuse"] = "warn"
    default: PurposeSettings | None = None
    access_days: Annotated[int, Field(ge=30, le=3650)] = 190
