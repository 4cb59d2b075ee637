"""The streets of the day-long films: where people walk, where cars stop, where lamps stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from _day import CADENCE_S, Clock, Where, along
from _grounds import Closer, Ground, QuietAtNight
from _stage import Lens
from _world import World

Spot = tuple[float, float]
Lamp = tuple[float, float, float]


@dataclass(frozen=True)
class Street:
    """One view.

    Attributes:
        walk: where people walk.
        wait: where one stands and waits.
        kerb: where a car stops.
        zone: corners on the ground; ``front`` those on the walls.
    """

    ground: Callable[[World, Clock], Ground]
    lens: Lens
    walk: Where
    wait: Where
    kerb: Spot
    zone: Sequence[Spot]
    front: Sequence[Spot]
    lamps: Sequence[Lamp]


def _wide(x0: float, y0: float, x1: float, y1: float, size: tuple[int, int] = (768, 432)) -> Lens:
    return Lens(size, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _quiet(world: World, clock: Clock) -> QuietAtNight:
    return QuietAtNight(world.plaza, lambda index: 6.5 < clock.hour(index * CADENCE_S) < 22)


def _facade(name: str) -> Callable[[World, Clock], Ground]:
    def ground(world: World, _: Clock) -> Ground:
        assert world.desk is not None, "built only with --data"  # noqa: S101 - build.py filters
        return world.desk.facade(name)

    return ground


def _street(name: str) -> Callable[[World, Clock], Ground]:
    def ground(world: World, _: Clock) -> Ground:
        assert world.desk is not None, "built only with --data"  # noqa: S101
        return world.desk.street(name)

    return ground


def _containers(world: World, _: Clock) -> Ground:
    assert world.desk is not None, "built only with --data"  # noqa: S101
    return world.desk.containers


_PAVED = ((215, 225), (768, 200), (768, 490), (440, 388), (215, 280))
_SMALL = (640, 360)

MIRROR = Street(
    _quiet, Lens((768, 432), [(768, 150), (130, 150), (130, 509), (768, 509)]),
    along((250, 240, 760, 400), (720, 250, 330, 245)), along((560, 300, 700, 340)), (610, 330),
    _PAVED, _PAVED, ((430, 300, 150), (700, 360, 130)),
)  # fmt: skip
PLAZA = Street(
    _quiet, Lens(_SMALL, [(190, 170), (768, 160), (768, 485), (190, 495)]),
    along((250, 240, 760, 400), (720, 250, 330, 245)), along((560, 300, 700, 340)), (640, 345),
    _PAVED, _PAVED, ((520, 300, 160),),
)  # fmt: skip
WALL = Street(
    lambda world, clock: Closer(_quiet(world, clock), (312, 40, 600, 256)),  # type: ignore[arg-type]
    _wide(0, 144, 768, 576),
    along((40, 560, 740, 480)), along((300, 540, 500, 520)), (420, 560),
    ((8, 300), (760, 300), (760, 560), (8, 560)), ((8, 90), (760, 90), (760, 500), (8, 500)),
    ((300, 460, 190),),
)  # fmt: skip
LANE = Street(
    lambda world, _: world.lane, _wide(0, 180, 960, 720),
    along((330, 515, 560, 715), (440, 715, 330, 512)), along((260, 590, 360, 560)), (420, 600),
    ((40, 700), (330, 510), (560, 510), (760, 716), (60, 716)),
    ((20, 240), (420, 240), (420, 520), (20, 640)), ((330, 590, 190), (600, 640, 150)),
)  # fmt: skip
ROW = Street(
    lambda world, _: world.row, _wide(0, 170, 960, 710, _SMALL),
    along((560, 520, 330, 700), (680, 700, 640, 518)), along((330, 610, 460, 570)), (420, 640),
    ((60, 706), (500, 525), (740, 515), (900, 600), (930, 706)),
    ((20, 300), (540, 300), (540, 560), (20, 690)), ((420, 600, 180), (760, 620, 150)),
)  # fmt: skip
HOTEL = Street(
    lambda world, _: world.hotel, _wide(0, 28, 960, 568),
    along((0, 470, 960, 472), spread=5), along((500, 468, 780, 470)), (420, 488),
    ((0, 440), (960, 440), (960, 505), (0, 505)), ((300, 60), (950, 60), (950, 440), (300, 440)),
    ((330, 440, 170), (820, 430, 180)),
)  # fmt: skip
GATE = Street(
    lambda world, _: world.gate, _wide(0, 230, 960, 770),
    along((-20, 660, 330, 580), (380, 740, 180, 570)), along((60, 620, 190, 600)), (150, 690),
    ((0, 760), (0, 480), (110, 520), (380, 565), (430, 640), (420, 760)),
    ((20, 240), (940, 240), (940, 700), (20, 700)), ((180, 620, 260),),
)  # fmt: skip
GARDEN = Street(
    lambda world, _: world.garden, _wide(0, 134, 960, 674, _SMALL),
    along((420, 552, 960, 548), spread=4), along((600, 550, 900, 548)), (430, 558),
    ((0, 520), (960, 520), (960, 590), (0, 590)), ((10, 300), (950, 300), (950, 600), (10, 600)),
    ((700, 500, 220),),
)  # fmt: skip
PALACE = Street(
    lambda world, _: world.palace, _wide(0, 76, 960, 616),
    along((0, 900, 10, 900)), along((0, 900, 10, 900)), (0, 900),
    ((20, 250), (955, 120), (955, 605), (20, 605)), ((20, 250), (955, 120), (955, 605), (20, 605)),
    ((620, 520, 330),),
)  # fmt: skip
DINER = Street(
    _facade("img_398"), _wide(0, 0, 960, 540),
    along((0, 498, 960, 500), spread=6), along((380, 492, 560, 495)), (240, 532),
    ((0, 470), (960, 470), (960, 538), (0, 538)), ((20, 150), (940, 150), (940, 470), (20, 470)),
    ((480, 420, 260),),
)  # fmt: skip
CANTEEN = Street(
    _facade("img_192"), _wide(0, 154, 960, 694, _SMALL),
    along((120, 630, 960, 640), spread=6), along((420, 628, 560, 630)), (560, 690),
    ((0, 605), (960, 605), (960, 690), (0, 690)), ((20, 200), (940, 200), (940, 600), (20, 600)),
    ((480, 560, 280),),
)  # fmt: skip
PASSAGE = Street(
    _facade("img_487"), _wide(0, 118, 960, 658),
    along((0, 632, 960, 636), spread=6), along((520, 628, 600, 630)), (360, 652),
    ((0, 595), (960, 595), (960, 656), (0, 656)), ((340, 250), (950, 250), (950, 600), (340, 600)),
    ((430, 520, 250),),
)  # fmt: skip
WINE = Street(
    _facade("img_500"), _wide(0, 0, 960, 540),
    along((0, 528, 960, 530), spread=3), along((400, 526, 560, 528)), (500, 538),
    ((0, 490), (960, 490), (960, 538), (0, 538)), ((20, 60), (940, 60), (940, 430), (20, 430)),
    ((430, 380, 260),),
)  # fmt: skip
CHAINS = Street(
    _facade("img_560"), _wide(0, 0, 960, 540, _SMALL),
    along((0, 500, 960, 505), spread=6), along((200, 498, 330, 500)), (500, 536),
    ((0, 470), (960, 470), (960, 538), (0, 538)), ((20, 20), (940, 20), (940, 430), (20, 430)),
    ((860, 300, 260),),
)  # fmt: skip
VILLAS = Street(
    _street("e1f302"), _wide(0, 0, 960, 540),
    along((0, 345, 960, 350), (200, 320, 40, 420)), along((120, 320, 260, 330)), (240, 345),
    ((0, 270), (420, 270), (700, 330), (960, 330), (960, 440), (0, 440)),
    ((0, 20), (940, 20), (940, 260), (0, 260)), ((300, 330, 280),),
)  # fmt: skip
LOT = Street(
    _street("7eea5f"), _wide(0, 0, 960, 540),
    along((0, 300, 960, 290), (300, 240, 700, 330)), along((620, 270, 760, 275)), (420, 290),
    ((0, 200), (900, 190), (960, 260), (960, 430), (0, 430)),
    ((500, 20), (940, 20), (940, 180), (500, 180)), ((500, 260, 300),),
)  # fmt: skip
CONTAINERS = Street(
    _containers, _wide(0, 60, 960, 600, _SMALL),
    along((0, 430, 500, 420), (60, 340, 120, 470)), along((420, 400, 500, 420)), (0, 900),
    ((0, 250), (600, 250), (640, 520), (0, 520)), ((0, 100), (940, 100), (940, 300), (0, 300)),
    ((350, 330, 300),),
)  # fmt: skip
