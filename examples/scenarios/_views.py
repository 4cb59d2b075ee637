"""Views and ways that the second report set's catalogues share."""

from __future__ import annotations

from _casting import Line
from _desk import Desk
from _film import Points
from _stage import Lens
from _world import World

MIRROR = Lens((768, 576), [(768, 150), (210, 150), (210, 568), (768, 568)])
"""The plaza from its other side: mirrored, closer."""
WEST = Lens((768, 432), [(170, 110), (600, 110), (600, 352), (170, 352)])
"""The plaza's far end, wide."""
PAVED: Points = ((215, 225), (768, 200), (768, 490), (440, 388), (215, 280))
ROAD: Points = ((20, 716), (500, 522), (740, 515), (900, 600), (930, 716))
COBBLES: Points = ((0, 716), (0, 480), (110, 520), (380, 565), (430, 640), (420, 716))
PAVEMENT: Points = ((0, 440), (960, 440), (960, 500), (0, 500))
ROW: tuple[Line, ...] = ((560, 515, 300, 760), (700, 780, 640, 515), (760, 740, 600, 518))


def along_row(row: float, spread: float = 6) -> tuple[Line, ...]:
    """Both ways across the picture at a row."""
    return ((-60, row, 1020, row + spread), (1020, row + spread, -60, row))


def desk_of(world: World) -> Desk:
    """The desk's material."""
    assert world.desk is not None, "built only with --data"  # noqa: S101 - build.py filters
    return world.desk
