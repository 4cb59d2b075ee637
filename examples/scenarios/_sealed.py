"""Streets that the sealed set's catalogues share, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from _casting import Line, crowd
from _cutouts import Cutouts
from _day import Clock, along
from _film import Points, Scenario, Script
from _grounds import Ground
from _people import NAMES, person
from _sprites import Sprite, joined
from _stage import Actor, Lens, Path, stands
from _streets import Lamp, Spot, Street
from _views import desk_of
from _world import World

NEAR_VEHICLE = 0.75
"""How dark the ground below a vehicle is."""


def cut(world: World) -> Cutouts:
    """The desk's photographed things."""
    return desk_of(world).cutouts


def parked(sprite: Sprite, path: Path) -> Actor:
    """A photographed vehicle."""
    return Actor(sprite, path, shadow=NEAR_VEHICLE)


def waiters() -> list[Sprite]:
    """People who may wait somewhere."""
    return [person(name) for name in NAMES[3:13]]


def traveller(world: World, name: str, case: str) -> Sprite:
    """Somebody beside a photographed suitcase."""
    return joined(
        (cut(world).one(case), 0.5, 0.02), (person(name), 0.0, 0.0),
        made_of="people cut from vtest.avi; " + cut(world).one(case).made_of,
    )  # fmt: skip


def passing(line: Line, count: int, seed: int, until: float = 260.0) -> list[Actor]:
    """People who cross the picture both ways along a line."""
    u0, v0, u1, v1 = line
    return crowd((line, (u1, v1, u0, v0)), count, seed, until)


def pot(world: World, name: str, u: float, v: float, since: float = 0.0) -> Actor:
    """A photographed pot that stays."""
    return Actor(cut(world).one(name), stands(u, v, since), shadow=0.35)


def entry(kind: str, letters: str) -> Callable[..., Scenario]:
    """How a catalogue writes a short scenario of this set."""

    def one(
        name: str, make: Callable[[World], Script], *tags: str, core: bool = False, **more: object
    ) -> Scenario:
        return Scenario(f"{letters}-sealed-{name}", kind, "report", tags, make, core=core, **more)  # type: ignore[arg-type]

    return one


def _view(  # noqa: PLR0917 - a view is its lines, from far to near
    ground: Callable[[World], Ground], walk: Sequence[Line], wait: Line, kerb: Spot, zone: Points,
    front: Points, lamp: Lamp, top: float = 0.0,
) -> Street:  # fmt: skip
    seen = [(0.0, top), (960.0, top), (960.0, top + 540), (0.0, top + 540)]
    return Street(
        lambda world, _: ground(world), Lens((768, 432), seen),
        along(*walk, spread=5), along(wait, spread=4), kerb, zone, front, (lamp,),
    )  # fmt: skip


def ground_of(street: Street, world: World) -> Ground:
    """The street's photograph, at any hour."""
    return street.ground(world, Clock(0.0))


def _strip(top: float, bottom: float) -> Points:
    return ((0, top), (960, top), (960, bottom), (0, bottom))


DOORS = _view(
    lambda w: desk_of(w).street("31290f"), [(0, 362, 960, 366)], (420, 352, 560, 356),
    (420, 420), _strip(330, 470), ((40, 90), (950, 90), (950, 335), (40, 335)), (480, 330, 300),
)  # fmt: skip
CORNER = _view(
    lambda w: desk_of(w).street("2cac24"), [(120, 300, 940, 330), (300, 380, 940, 300)],
    (420, 300, 640, 310), (560, 400), ((60, 290), (300, 262), (940, 290), (955, 500), (330, 470)),
    ((300, 190), (740, 190), (740, 262), (300, 262)), (520, 330, 300),
)  # fmt: skip
TILES = _view(
    lambda w: desk_of(w).street("17288e"), [(120, 318, 900, 428)], (250, 338, 520, 374),
    (560, 500), ((0, 300), (960, 420), (960, 538), (0, 538)),
    ((130, 20), (955, 0), (955, 372), (130, 300)), (500, 330, 320),
)  # fmt: skip
DRIVE = _view(
    lambda w: desk_of(w).street("30f47c"), [(0, 300, 960, 318)], (520, 262, 640, 266),
    (600, 300), ((400, 235), (790, 235), (800, 420), (330, 420)),
    ((320, 60), (940, 60), (940, 210), (320, 210)), (560, 280, 320),
)  # fmt: skip
GARAGES = _view(
    lambda w: desk_of(w).street("0c60ae"), [(0, 228, 960, 262)], (300, 224, 480, 232),
    (300, 262), ((0, 215), (520, 215), (900, 268), (960, 400), (0, 400)),
    ((20, 60), (900, 60), (900, 210), (20, 210)), (480, 260, 320),
)  # fmt: skip
ARCADE = _view(
    lambda w: desk_of(w).street("1f7f45"), [(0, 302, 960, 304)], (420, 298, 560, 300),
    (600, 340), ((345, 290), (960, 290), (960, 430), (345, 430)),
    ((340, 110), (950, 110), (950, 285), (340, 285)), (600, 300, 320),
)  # fmt: skip
JUNCTION = _view(
    lambda w: desk_of(w).street("1e33ea"), [(430, 245, 960, 350)], (640, 262, 780, 290),
    (560, 300), ((420, 235), (560, 225), (960, 300), (960, 460), (330, 460)),
    ((500, 90), (940, 90), (940, 230), (500, 230)), (640, 280, 320),
)  # fmt: skip
PORCELAIN = _view(
    lambda w: desk_of(w).facade("img_91"), [(0, 640, 960, 644)], (420, 622, 560, 626),
    (500, 672), _strip(602, 690), ((20, 300), (940, 300), (940, 590), (20, 590)),
    (480, 560, 300), 150,
)  # fmt: skip
TAVERN = _view(
    lambda w: desk_of(w).facade("img_182"), [(0, 668, 960, 672)], (690, 600, 860, 604),
    (560, 690), ((0, 640), (700, 640), (740, 570), (955, 570), (955, 695), (0, 695)),
    ((20, 250), (940, 250), (940, 520), (20, 520)), (500, 560, 320), 160,
)  # fmt: skip
WHISKY = _view(
    lambda w: desk_of(w).facade("img_183"), [(0, 680, 960, 684)], (200, 664, 560, 668),
    (430, 694), _strip(645, 695), ((20, 210), (940, 210), (940, 620), (20, 620)),
    (480, 600, 300), 160,
)  # fmt: skip
HEDGE = _view(
    lambda w: desk_of(w).pavement("mdc_photo_mdc_8a2d00"), [(0, 330, 480, 300)],
    (120, 290, 340, 290), (240, 360), ((0, 262), (480, 262), (540, 480), (640, 690), (0, 690)),
    ((20, 20), (560, 20), (560, 240), (20, 240)), (300, 320, 300), 100,
)  # fmt: skip
SETTS = _view(
    lambda w: desk_of(w).pavement("mdc_photo_mdc_6cc72a"), [(0, 450, 960, 455)],
    (300, 420, 700, 422), (480, 470), _strip(408, 640),
    ((20, 20), (940, 20), (940, 150), (20, 150)), (480, 420, 330), 150,
)  # fmt: skip
