"""Named look-alikes: what is taken for rubbish, a stall or an ad, and is none. Data, not code.

A row says: when the second look sees one of ``seen_as`` (a label or a meaning of any configured
model) lie over the thing, strongly enough, then the thing is that. A model that has classes of
its own for look-alikes (a bin that is not overfull, say) needs only a row here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A named negative.

    Attributes:
        key: stable name, as metrics and the store cite it.
        zh, en: its name for people.
        seen_as: labels or meanings of detections that stand for it.
        kinds: event kinds it may be mistaken for.
        cover: share of the thing's box that such a detection must cover, 0–1.
        score: mean score over the views from which it counts, 0–1.
        times: a detection more than so many times as large as the thing is its surroundings.
        firm: counts even where the classifier says that it is a thing.
    """

    key: str
    zh: str
    en: str
    seen_as: frozenset[str]
    kinds: frozenset[str]
    cover: float = 0.6
    score: float = 0.35
    times: float = 8.0
    firm: bool = True


_PILES = frozenset({"piled_materials"})
_WARES = frozenset({"piled_materials", "street_vending"})
_STALLS = frozenset({"street_vending"})
_ADS = frozenset({"illegal_ads"})

# Scores: measured with coco-nanodet on photos, see docs/second-look.md. Bags of rubbish pass for
# people, plants (green bags up to 0.62) and animals now and then, never for vehicles: the row of
# vehicles may hold back at less.
# Benches, sofas and refrigerators are no look-alikes of piles: out in the street they are dumped
# furniture (0135).
LOOK_ALIKES: tuple[LookAlike, ...] = (
    LookAlike(
        "parked_vehicle", "停放的车辆", "a parked vehicle",
        frozenset({"vehicle", "car", "bus", "truck", "train"}), _WARES, score=0.25, times=4.0,
    ),
    LookAlike(
        "parked_two_wheeler", "停放的两轮车", "a parked bicycle or motorcycle",
        frozenset({"two_wheeler", "bicycle", "motorcycle"}), _PILES, score=0.25, times=4.0,
    ),
    LookAlike(
        "person_standing", "站着的人", "a person", frozenset({"person"}), _PILES,
        score=0.4, times=4.0,
    ),
    LookAlike(
        "planter", "花盆绿植", "a planter", frozenset({"potted plant", "vase"}), _WARES,
        score=0.65, firm=False,
    ),
    LookAlike(
        "bin", "未满溢的垃圾桶", "a bin that is not overfull",
        frozenset({"bin", "garbage_bin", "trash_bin", "dustbin"}), _PILES,
    ),
    LookAlike(
        "street_furniture", "市政设施", "street furniture",
        frozenset({"fire hydrant", "parking meter", "traffic light", "stop sign"}), _WARES,
        firm=False,
    ),
    LookAlike(
        "animal", "动物", "an animal",
        frozenset({"cat", "dog", "bird", "horse", "sheep", "cow"}), _WARES, score=0.5,
        firm=False,
    ),
    LookAlike(
        "shop_interior", "店内陈设", "the inside of a shop",
        frozenset({"tv", "refrigerator", "couch", "oven", "microwave", "sink"}), _STALLS,
        score=0.4, firm=False,
    ),
    LookAlike(
        "vehicle_advert", "车身广告", "wording on a vehicle",
        frozenset({"vehicle", "car", "bus", "truck", "train"}), _ADS, cover=0.8, times=400.0,
    ),
    LookAlike(
        "worn_wording", "衣物上的文字", "wording on somebody's clothes",
        frozenset({"person"}), _ADS, cover=0.8, times=60.0,
    ),
)  # fmt: skip

NAMED = "named:"
"""Prefix of what the classifier of look-alikes (``models/look-alikes``) says of a thing."""

# Share of the class, mean over the views: at 0.7 two of 300 labelled bags, heaps and boxes of the
# half that was not learned from would be held back (models/train/look_alikes.py). What lies in the
# dark looks flat before it looks like anything: that row counts from 0.9. Stalls and their
# wares are not among what it learned, so on those it has no say but for planters.
_BY_NAME = (
    ("bin", "bin", "未满溢的垃圾桶", "a bin that is not overfull", _PILES),
    ("planter", "planter", "花盆绿植", "a planter", _WARES),
    ("vehicle", "parked_vehicle", "停放的车辆", "a parked vehicle", _PILES),
    ("two_wheeler", "parked_two_wheeler", "停放的两轮车", "a parked bicycle or motorcycle", _PILES),
    ("person", "person_standing", "站着的人", "a person", _PILES),
    ("shop", "shop_interior", "店内陈设", "the inside of a shop", _PILES),
    ("flat", "light_on_ground", "地面、阴影或光斑", "bare ground, a shadow or light", _PILES),
)
LOOK_ALIKES += tuple(
    LookAlike(key, zh, en, frozenset({NAMED + name}), kinds, score=0.9 if name == "flat" else 0.7)
    for name, key, zh, en, kinds in _BY_NAME
)
