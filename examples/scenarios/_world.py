"""The world: every ground, made when first asked for."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from _demo import SAMPLES
from _desk import Desk
from _grounds import Closer, EmptyPlaza, Plaza, Still

_DOC = "of opencv-doc (photograph, Apache-2.0)"
LANE = "ground: leuvenA.jpg " + _DOC
_ROW = "ground: leuvenB.jpg " + _DOC


class World:
    """Grounds by name.

    Args:
        data: the folder of desk data, or None when only what may ship is built.
    """

    def __init__(self, data: Path | None = None) -> None:
        self.desk = Desk(data) if data is not None else None

    @cached_property
    def plaza(self) -> Plaza:
        """The recording, people included."""
        return Plaza()

    @cached_property
    def empty(self) -> EmptyPlaza:
        """The recording's place without people."""
        return EmptyPlaza(self.plaza)

    @cached_property
    def wall(self) -> Closer:
        """The plaza's wall with its permitted sign, as the demo's wall camera sees it."""
        return Closer(self.plaza, (312, 40, 600, 256))

    @cached_property
    def lane(self) -> Still:
        """A cobbled lane between brick houses."""
        return Still(SAMPLES / "leuvenA.jpg", 430, 1.75, LANE, tone=(0.72, 0.72, 0.72), ships=True)

    @cached_property
    def bricks(self) -> Still:
        """The lane's left house, close."""
        return Still(
            SAMPLES / "leuvenA.jpg", 100, 2.0, LANE, width=960, tone=(0.72, 0.72, 0.72), ships=True,
            crop=(0.0, 0.20, 0.31, 0.53),
        )  # fmt: skip

    @cached_property
    def hotel(self) -> Still:
        """The foot of a large building: entrance, canopy, planters."""
        return Still(
            SAMPLES / "building.jpg", 359, 1.7, "ground: building.jpg " + _DOC, width=960,
            tone=(0.95, 0.95, 0.95), ships=True, crop=(0.30, 0.40, 1.0, 1.0),
        )  # fmt: skip

    @cached_property
    def graffiti(self) -> Still:
        """A painted wall."""
        return Still(
            SAMPLES / "graf1.png", 100, 2.0, "ground: graf1.png " + _DOC, width=800, ships=True
        )

    @cached_property
    def row(self) -> Still:
        """A row of brick houses on a cobbled lane, seen along its footway."""
        return Still(SAMPLES / "leuvenB.jpg", 475, 1.75, _ROW, tone=(0.74, 0.74, 0.74), ships=True)

    @cached_property
    def gate(self) -> Still:
        """The stone gate at the lane's other side, close."""
        return Still(
            SAMPLES / "leuvenA.jpg", 271, 1.75, LANE, tone=(0.66, 0.66, 0.66), ships=True,
            crop=(0.5, 0.41, 1.0, 1.0),
        )  # fmt: skip

    @cached_property
    def garden(self) -> Still:
        """The large building from its lawn, with a hedge and a road behind it."""
        return Still(
            SAMPLES / "building.jpg", 459, 1.7, "ground: building.jpg " + _DOC,
            tone=(0.9, 0.9, 0.9), ships=True, crop=(0.0, 0.3, 0.69, 1.0),
        )  # fmt: skip

    @cached_property
    def palace(self) -> Still:
        """A yellow wall with a small window, seen from below; no ground."""
        return Still(
            SAMPLES / "home.jpg", 900, 2.0, "ground: home.jpg " + _DOC, ships=True,
            crop=(0.39, 0.48, 1.0, 1.0),
        )  # fmt: skip

    @cached_property
    def mural(self) -> Still:
        """The painted wall from another side."""
        return Still(
            SAMPLES / "graf3.png", 100, 2.0, "ground: graf3.png " + _DOC, width=800, ships=True
        )
