"""Regions that have changed and stay: is it a thing, or light, or the gap a thing has left?"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import cv2
import numpy as np

from edge.detectors.background import Floats, Mask, largest_of, mean_of, pure_log
from edge.detectors.base import Detection, Look
from edge.detectors.structure import shows_through
from edge.geometry import Box

MOVING = ("person", "vehicle", "two_wheeler")

_LIGHT_RANGE = 0.82  # a shadow or lamp changes ln(level + 24) by no more; black bags do
_SAME_CHROMA = 0.14  # channels change alike under light, but for a little blue in shadow
_NEW_EDGE = 0.06  # slope per pixel of what is not in the background
_NEW_TEXTURE = 0.35  # share of such pixels around; one hard edge of a shadow gives less
_THIN = 2.3  # pixels from a region's rim to its middle; the seam of a shift is thinner
_SHARP = 0.35  # share of a thing's contrast that it has at its very rim
_APART = 0.13  # from the change around it, in ln(level + 24)
_FULL_CONTRAST = 0.5  # in ln(level + 24), from which strength is 1
_MORE_THAN_A_PERSON = 2.0  # times the person's box; their own rim and bags are less
_GROUND_SHOWS = 0.5  # likeness of slopes; lamps and dawn keep 0.75 and more, things 0.25 at most
_CLEARLY = 1.3  # rim in the background so much stronger than now: the thing is gone for sure


@dataclass(frozen=True, slots=True)
class Compared:
    """Pictures of one place, logarithms, laid over each other.

    Attributes:
        now: the newest look.
        mean: of the looks since each pixel is what it is: without rain and noise.
        background: without what may have been left there.
    """

    now: Floats
    mean: Floats
    background: Floats


@dataclass(frozen=True)
class Region:
    """A connected change.

    Attributes:
        box: around it.
        pixels: where it is.
        strength: contrast to the background, 0-1; 0 when nothing was left there.
        vacated: something that was part of the background is gone for sure.
        light: the ground shows through it for sure, under another light.
    """

    box: Box
    pixels: Mask
    strength: float
    vacated: bool
    light: bool = False


@dataclass(frozen=True)
class _Verdict:
    strength: float = 0.0
    vacated: bool = False
    light: bool = False


def standing(look: Look, shape: tuple[int, ...]) -> Mask:
    """Where people and vehicles stand on a look, with a margin; a mask of that shape."""
    mask = np.zeros(shape, np.bool_)
    for detection in look.of(*MOVING):
        x0, y0, x1, y1 = detection.box.grown(0.12).pixels(shape[1], shape[0])
        mask[y0:y1, x0:x1] = True
    return mask


def light_only(now: Floats, background: Floats) -> Mask:
    """Pixels where only the light has changed: all channels alike, the ground's texture kept."""
    change = now - background
    calm = cv2.blur(change, (5, 5))
    mean = mean_of(calm)
    pure = cv2.blur(pure_log(now) - pure_log(background), (5, 5))
    grey = mean_of(pure)
    chroma = largest_of(cv2.absdiff(pure, cv2.merge([grey, grey, grey])))
    slope = _slope(mean_of(change))
    # Where the ground itself has strong edges, half a pixel of sway looks like a new edge.
    allowed = cv2.dilate(_slope(mean_of(background)), np.ones((3, 3), np.uint8))
    new_edges = (slope > _NEW_EDGE + 0.6 * allowed).astype(np.float32)
    texture = cv2.blur(new_edges, (9, 9))
    return np.asarray(
        (np.abs(mean) < _LIGHT_RANGE) & (chroma < _SAME_CHROMA) & (texture < _NEW_TEXTURE), np.bool_
    )


def regions(
    changed: Mask,
    different: Mask,
    seen: Compared,
    *,
    min_area: float,
    max_area: float,
) -> list[Region]:
    """Connected changes of a fitting size, each judged.

    Args:
        changed: pixels that have stood long enough.
        different: pixels that differ now; a thing's rim is often still too young.
        seen: what is compared.
        min_area, max_area: shares of the picture.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    whole = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, kernel, iterations=2)
    whole = cv2.morphologyEx(whole, cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(whole)
    height, width = whole.shape
    found = []
    for index in range(1, count):
        x, y, w, h, size = (int(value) for value in stats[index])
        if not min_area <= size / (height * width) <= max_area:
            continue
        pixels = labels == index
        verdict = _judge(seen.now, seen.background, pixels & changed, different)
        if verdict.strength > 0 and _ground_shows(seen, pixels):
            verdict = _Verdict(light=True)
        box = Box.clipped(x / width, y / height, (x + w) / width, (y + h) / height)
        found.append(Region(box, pixels, verdict.strength, verdict.vacated, verdict.light))
    return found


def _ground_shows(seen: Compared, region: Mask) -> bool:
    window = _around(region, 3)
    grown = cv2.dilate(region[window].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return shows_through(seen.mean[window], seen.background[window], grown) > _GROUND_SHOWS


def _around(region: Mask, margin: int) -> tuple[slice, slice]:
    ys, xs = np.nonzero(region)
    return (
        slice(max(int(ys.min()) - margin, 0), int(ys.max()) + margin + 1),
        slice(max(int(xs.min()) - margin, 0), int(xs.max()) + margin + 1),
    )


def _judge(now: Floats, background: Floats, region: Mask, different: Mask) -> _Verdict:
    window = _around(region, 12)  # the rim is judged by its surroundings
    here, before, inside = now[window], background[window], region[window]
    change = here - before
    solid = inside.astype(np.uint8)
    reach = cv2.dilate(solid, np.ones((9, 9), np.uint8)) > 0
    around = (cv2.dilate(solid, np.ones((21, 21), np.uint8)) > 0) & ~reach
    # Against the change around it: a shadow that has fallen on all of the place is no contrast.
    light = np.median(change[around], axis=0) if around.any() else np.zeros(3, np.float32)
    apart = np.abs(change - light).max(axis=2)
    # With its rim, which is often still too young, and without the shadow it stands in.
    inside = (inside | (reach & different[window])) & (apart > _APART)
    edged = cv2.copyMakeBorder(inside.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    if not inside.any() or cv2.distanceTransform(edged, cv2.DIST_L2, 3).max() < _THIN:
        return _Verdict()
    contrast = float(apart[inside].mean())
    if _rim_contrast(change, inside) < _SHARP * contrast:
        return _Verdict()
    rim, rim_before = _rim_contrast(here, inside), _rim_contrast(before, inside)
    if rim < rim_before:
        return _Verdict(vacated=rim_before > _CLEARLY * rim)
    return _Verdict(strength=min(contrast / _FULL_CONTRAST, 1.0))


class Traffic:
    """Where people and vehicles were seen lately: who stood still there is no pile.

    A parked car that the model misses on most looks is still a parked car. Passing ones leave
    boxes in ever new places, standing ones in one place; only those count. People are recognised
    on most looks, so one counts who was there when the thing appeared: customers who come to
    stand before a cart, or a vendor in the middle of a stall, do not make it a person.
    """

    _KEPT_LOOKS = 240
    _FEWEST = 3
    _SHARE = 0.15  # of the looks since the thing appeared
    _ARRIVAL = 10  # looks in which a thing that has just come is recognised best

    def __init__(self) -> None:
        self._seen: deque[tuple[datetime, tuple[Detection, ...]]] = deque(maxlen=self._KEPT_LOOKS)

    def note(self, look: Look) -> None:
        """Remember one look."""
        self._seen.append((look.frame.captured_at, look.of(*MOVING)))

    def stood(self, box: Box, since: datetime, *, known: bool = False) -> bool:
        """Whether a person or vehicle has stood where the box is since about then.

        Args:
            box: of the region, as it lies on the newest look.
            since: when it appeared.
            known: it was found to be a thing on an earlier look; people have only come since.
        """
        newest = self._seen[-1][1] if self._seen else ()
        if any(_is_part_of(box, other) for other in newest):
            return True
        spell = [seen for at, seen in self._seen if at >= since - timedelta(seconds=1)]
        return any(
            self._stays(standing, spell)
            for seen in spell
            for standing in seen
            if not (known and standing.meaning == "person") and _is_part_of(box, standing)
        )

    def _stays(self, standing: Detection, spell: Sequence[tuple[Detection, ...]]) -> bool:
        """Whether what was seen on one look was there from the start of the spell."""
        person = standing.meaning == "person"
        # One "bicycle" seen where customers stand is not borne out by the customers.
        hits = [
            any(
                (other.meaning == "person") == person and other.box.iou(standing.box) >= 0.5
                for other in seen
            )
            for seen in spell
        ]
        on_arrival = sum(hits[: self._ARRIVAL])
        if on_arrival >= self._FEWEST:
            return True
        # Who was not there when it appeared has come to stand before it.
        enough = max(self._FEWEST, self._SHARE * len(spell))
        return not person and on_arrival > 0 and sum(hits) >= enough


def _is_part_of(box: Box, other: Detection) -> bool:
    """Whether a region may be that person or vehicle, even where its box misses the rim.

    A region much larger than the person in it is a thing that they stand in or before.
    """
    if box.covered_by(other.box.grown(0.15)) > 0.5:
        return True
    alone = other.meaning == "vehicle" or box.area <= _MORE_THAN_A_PERSON * other.box.area
    return alone and other.box.covered_by(box) > 0.6


def _slope(grey: Floats) -> Floats:
    across = np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=1)) * 0.5
    down = np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=1)) * 0.5
    return np.asarray(cv2.max(across, down), np.float32)


def _rim_contrast(picture: Floats, region: Mask) -> float:
    """How strongly the inside of a region's rim differs from the outside next to it."""
    mask = region.astype(np.uint8)
    kernel = np.ones((5, 5), np.uint8)
    outside = (cv2.dilate(mask, kernel) > 0) & ~region
    inside = region & (cv2.erode(mask, kernel) == 0)
    mean_in, weight_in = _local_mean(picture, inside)
    mean_out, weight_out = _local_mean(picture, outside)
    rim = (weight_in > 0) & (weight_out > 0)
    return float(np.abs(mean_in[rim] - mean_out[rim]).max(axis=1).mean()) if rim.any() else 0.0


def _local_mean(picture: Floats, mask: Mask) -> tuple[Floats, Floats]:
    """Mean of the masked pixels within 7 x 7 of each pixel, and their share there."""
    weight = cv2.blur(mask.astype(np.float32), (7, 7))
    total = cv2.blur(picture * mask[..., None].astype(np.float32), (7, 7))
    return total / np.maximum(weight, 1e-6)[..., None], weight
