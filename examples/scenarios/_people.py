"""People and vehicles cut from the recording, as sprites."""

from __future__ import annotations

from functools import cache, lru_cache

import cv2
import numpy as np
from _demo import Floats, cut_out, footage
from _goods import parasol, rubbish_bag
from _grounds import VTEST, plate
from _sprites import Sprite, joined, metre, over
from _words import words

# Frame of the recording, and the person's box on it.
_SEEN = {
    "man_coat": (540, (640, 288, 678, 391)),
    "man_side": (555, (643, 305, 669, 414)),
    "man_back": (510, (612, 273, 648, 375)),
    "man_grey": (60, (616, 234, 649, 343)),
    "woman_red": (435, (651, 265, 691, 366)),
    "woman_paper": (450, (559, 243, 593, 338)),
    "woman_blue": (120, (690, 217, 727, 304)),
    "woman_bag": (135, (564, 197, 599, 282)),
    "man_red": (585, (271, 328, 330, 451)),
    "man_red_back": (615, (570, 276, 605, 397)),
    "man_jeans": (225, (532, 285, 579, 401)),
    "man_jeans_slow": (240, (451, 250, 481, 355)),
    "man_stride": (390, (623, 285, 681, 396)),
    "man_walks": (375, (532, 259, 573, 363)),
    "man_wide": (210, (654, 295, 703, 410)),
    "man_dark": (0, (640, 241, 683, 327)),
    "man_bald": (510, (537, 224, 566, 327)),
    "man_stripes": (150, (590, 229, 624, 318)),
}
NAMES = tuple(_SEEN)
WALKERS = tuple(n for n in NAMES if n not in ("man_coat", "man_side", "man_back"))
_MADE_OF = "people cut from vtest.avi"
_ENLARGE = 3


@lru_cache(maxsize=1)
def _recording() -> tuple[dict[int, np.ndarray], np.ndarray]:
    wanted = {number for number, _ in _SEEN.values()}
    frames = {n: f for n, f in enumerate(footage(VTEST, count=700)) if n in wanted}
    return frames, plate()


@cache
def person(name: str) -> Sprite:
    """Somebody who walks through the recording, enlarged with care for later scaling."""
    number, (x0, y0, x1, y1) = _SEEN[name]
    frames, plate = _recording()
    box = (slice(y0 - 7, y1 + 8), slice(x0 - 7, x1 + 8))
    cut = cut_out(frames[number][box], plate[box])
    large = _enlarged(cut)
    scale = metre((x0 + x1) / 2, y1) * _ENLARGE
    foot = (large.shape[1] / 2, (y1 - y0 + 7) * _ENLARGE - 3.0)
    return Sprite(large, scale, foot, (0.30, 0.2), _MADE_OF)


def _enlarged(cut: Floats) -> Floats:
    """Larger without a rim of the old ground: colour is spread outwards before scaling."""
    alpha = cut[..., 3:] / 255
    solid = (alpha > 0.85).astype(np.float32)
    spread = cv2.GaussianBlur(cut[..., :3] * solid, (0, 0), 1.5)
    weight = cv2.GaussianBlur(solid[..., 0], (0, 0), 1.5)[..., None]
    colour = np.where(solid > 0, cut[..., :3], spread / np.maximum(weight, 1e-3))
    size = (cut.shape[1] * _ENLARGE, cut.shape[0] * _ENLARGE)
    whole = np.dstack((colour, cut[..., 3:])).astype(np.float32)
    return np.clip(cv2.resize(whole, size, interpolation=cv2.INTER_CUBIC), 0, 255)


@cache
def carrying(name: str, seed: int = 1) -> Sprite:
    """A delivery person: somebody with two full bags in the hands."""
    left, right = rubbish_bag(seed, 3, 0.36), rubbish_bag(seed + 1, 1, 0.34)
    return joined(
        (person(name), 0.0, 0.0), (left, -0.34, -0.30), (right, 0.33, -0.32),
        made_of=f"{_MADE_OF}, bags drawn",
    )  # fmt: skip


@cache
def under_parasol(name: str, cloth: str) -> Sprite:
    """Somebody under an umbrella of their own."""
    return joined((person(name), 0.0, 0.0), (parasol(cloth), 0.05, 0.0), made_of=_MADE_OF)


@cache
def printed(name: str, text: str) -> Sprite:
    """Somebody with wording on the shirt."""
    body = person(name)
    image = body.image.copy()
    ys, xs = np.nonzero(image[..., 3] > 128)
    top, height = ys.min(), ys.max() - ys.min()
    chest = slice(top + round(height * 0.21), top + round(height * 0.40))
    inside = (ys >= chest.start) & (ys < chest.stop)
    x0, x1 = np.percentile(xs[inside], (12, 88)).astype(int)
    shirt = words(text, height=120, ink=(20, 20, 24), ground=(222, 220, 214), pad=14)
    room = image[chest, x0:x1]
    print_ = cv2.resize(shirt, (room.shape[1], room.shape[0]), interpolation=cv2.INTER_AREA)
    shade = room[..., :3].mean(axis=2, keepdims=True)
    light = np.clip(shade / max(float(shade.mean()), 1.0), 0.8, 1.2)
    room[..., :3] = np.clip(print_[..., :3] * light, 0, 250)
    return Sprite(image, body.px_per_m, body.foot, body.base, f"{_MADE_OF}, shirt drawn")


@cache
def van() -> Sprite:
    """The white van that is parked in the recording."""
    _, plate = _recording()
    x0, y0, x1, y1 = 642, 32, 732, 102
    view = plate[y0:y1, x0:x1]
    outline = np.array(
        [(12, 34), (15, 20), (20, 13), (30, 11), (58, 11), (66, 14), (70, 21), (77, 26), (82, 33),
         (84, 42), (82, 53), (78, 57), (66, 58), (64, 63), (58, 63), (54, 58), (14, 53), (11, 46)]
    )  # fmt: skip
    mask = np.full(view.shape[:2], cv2.GC_BGD, np.uint8)
    cv2.fillPoly(mask, [outline], cv2.GC_PR_FGD)
    core = (outline - outline.mean(axis=0)) * 0.8 + outline.mean(axis=0)
    cv2.fillPoly(mask, [core.astype(np.int32)], cv2.GC_FGD)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)
    cv2.grabCut(view.copy(), mask, None, *models, 4, cv2.GC_INIT_WITH_MASK)
    body = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    alpha = np.clip((cv2.GaussianBlur(body, (3, 3), 0.8) - 0.35) / 0.55, 0, 1) * 255
    cut = np.dstack((view.astype(np.float32), alpha)).astype(np.float32)
    large = _on_wheels(_enlarged(cut))
    large[..., :3] *= 0.93
    large[..., :3] += 0.3 * (large[..., :3] - cv2.GaussianBlur(large[..., :3], (0, 0), 2.0))
    high = 50 * _ENLARGE / 1.95  # a small van is 1.95 m high
    return Sprite(
        np.clip(large, 0, 255), high, (46 * _ENLARGE, 61 * _ENLARGE), (1.15, 0.6),
        "van cut from vtest.avi, its wheels drawn",
    )  # fmt: skip


def _on_wheels(body: Floats) -> Floats:
    """The van's underside and wheels, which the recording loses in the shadow beneath it."""
    out = np.zeros_like(body)
    k, shift = _ENLARGE, 3

    def scaled(points: list[tuple[float, float]]) -> np.ndarray:
        return (np.array(points) * k * (1 << shift)).astype(np.int32)

    under = scaled([(14, 50), (58, 56), (74, 52), (74, 56.5), (62, 60), (56, 60.5), (16, 56)])
    cv2.fillPoly(out, [under], (26, 25, 25, 255), cv2.LINE_AA, shift)
    for x, y, wide, high in ((20, 56, 4.0, 5.0), (60.5, 59, 3.6, 5.4), (74, 54.5, 2.2, 4.6)):
        middle, axes = scaled([(x, y)])[0], scaled([(wide, high)])[0]
        spot = ((int(middle[0]), int(middle[1])), (int(axes[0]), int(axes[1])))
        cv2.ellipse(out, *spot, 0, 0, 360, (30, 29, 28, 255), -1, cv2.LINE_AA, shift)
    over(out, body)
    return out
