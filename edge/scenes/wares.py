"""What stands beside a person, and how much it says that they sell: the data of the vending rule.

The table is ``vending.toml`` beside this file. A group's *evidence* is the sum of its things'
weights; its *certainty* is that at least one of the things is truly there and truly wares,
``1 - prod(1 - weight * score)``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from edge.scenes.finding import Words
from edge.scenes.places import Place
from edge.scenes.zones import Zone

_FILE = Path(__file__).with_name("vending.toml")
Positive = Annotated[float, Field(gt=0)]
Part = Annotated[float, Field(ge=0, le=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Kind(_Table):
    """One kind of thing, as ``vending.toml`` describes it."""

    zh: str
    en: str
    weight: Part
    stall: bool = False
    most: Annotated[int, Field(ge=1)] = 1
    presence: Part = 0.5


class Need(_Table):
    """What a group must reach; the file explains each."""

    evidence: Positive
    person_looks: Annotated[int, Field(ge=1)]
    reach: Positive
    arrives_before_s: Positive
    unattended_s: Positive
    static_full: Positive
    parasol: Positive
    vehicle_wide: Positive
    vehicle_high: Positive
    frontage_share: Positive


class Customers(_Table):
    """What people who come and go add."""

    weight: Part
    most: Annotated[int, Field(ge=0)]
    needs: Positive
    stay_s: Positive


class ServedBy(_Table):
    """From what customers alone one knows that somebody sells."""

    stop_s: Positive
    customers: Annotated[int, Field(ge=2)]
    left: Annotated[int, Field(ge=1)]


class Seldom(_Table):
    """What things without a name need where looks lie far apart."""

    looks: Annotated[int, Field(ge=1)]
    customers: Annotated[int, Field(ge=0)]
    things: Annotated[int, Field(ge=1)]
    alone: Annotated[int, Field(ge=1)]


class VendingData(_Table):
    """The whole file."""

    need: Need
    customers: Customers
    served: ServedBy
    seldom: Seldom
    things: dict[str, Kind]


@cache
def vending_data() -> VendingData:
    """The table, checked.

    Raises:
        pydantic.ValidationError: the file that ships is wrong, which a test would show.
    """
    return VendingData.model_validate(tomllib.loads(_FILE.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Ware:
    """A thing that counts, with its weight in this place.

    Attributes:
        place: where it stands.
        weight: 0–1.
        stall: whether it is a sales stand rather than goods.
        name_zh, name_en: what it is called in a case.
    """

    place: Place
    weight: float
    stall: bool
    name_zh: str
    name_en: str

    @property
    def named(self) -> bool:
        """Whether a detector knows what it is and it says something by itself."""
        return self.place.meaning not in ("static_object", "two_wheeler", "seat")

    @classmethod
    def of(cls, place: Place, share: float = 1.0) -> Ware:
        """A thing with its kind's weight times a share."""
        kind = vending_data().things[place.meaning]
        return cls(place, kind.weight * share, kind.stall, kind.zh, kind.en)


def counted(wares: Sequence[Ware]) -> tuple[Ware, ...]:
    """The heaviest of each kind, as many of it as count."""
    kept: list[Ware] = []
    for ware in sorted(wares, key=lambda w: -w.weight):
        most = vending_data().things[ware.place.meaning].most
        if sum(w.place.meaning == ware.place.meaning for w in kept) < most:
            kept.append(ware)
    return tuple(kept)


def evidence(wares: Sequence[Ware]) -> float:
    """Sum of the weights."""
    return sum(ware.weight for ware in wares)


def certainty(wares: Sequence[Ware]) -> float:
    """That at least one of the things is what it seems, 0–1."""
    return 1.0 - prod(1.0 - ware.weight * min(ware.place.score, 1.0) for ware in wares)


def words_of(wares: Sequence[Ware], zone: Zone) -> Words:
    """What stands there, and since when."""
    since = [zone.clock(ware.place.first_seen) for ware in wares]
    zh = "、".join(f"{w.name_zh}（自 {at}）" for w, at in zip(wares, since, strict=True))
    en = ", ".join(f"{w.name_en} (since {at})" for w, at in zip(wares, since, strict=True))
    return Words(f"现场有{zh}", f"there stand: {en}")
