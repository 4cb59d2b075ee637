"""What every part of the configuration is made of."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,30}[a-z0-9]$")]
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600)]
Share = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Share, Share]
Kind = Literal["street_vending", "piled_materials", "illegal_ads"]
"""An event kind: what zones are watched for."""
Tiles = Annotated[str, Field(pattern=r"^(auto|off|[1-9]x[1-9])$")]


class Section(BaseModel):
    """Base of every part of the file: frozen, and strict about unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _known_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}; use an IANA name like Asia/Shanghai") from (
            error
        )
    return name


TimeZone = Annotated[str, AfterValidator(_known_time_zone)]


def refuse_repeats(what: str, ids: list[str]) -> None:
    """Complain of ids that stand twice; for validators, so by ValueError."""
    repeated = sorted({name for name in ids if ids.count(name) > 1})
    if repeated:
        raise ValueError(f"{what} used twice: {', '.join(repeated)}")
