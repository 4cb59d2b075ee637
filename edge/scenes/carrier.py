"""Whether wording hangs on a wall or came with something larger: a bus, a van, a cart.

No model knows every vehicle, least of all at dusk. But what is put up on a wall changes the wall
where it hangs and nowhere else; an advert on a bus arrives together with the bus. So the picture
is compared with those of shortly before the wording came: shortly, since by then neither the
light nor the season has changed much.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.background import Floats, Mask, as_log, differs, lay_over, shrink
from edge.detectors.base import Look
from edge.detectors.regions import light_only, standing
from edge.detectors.sameness import Grey, fingerprint, likeness
from edge.geometry import Box
from edge.scenes.before import WallBefore
from edge.scenes.places import Place
from edge.streams.frame import Image

JUDGED_AFTER_S = 60.0
"""Wording is judged when it has stayed so long: nobody stands before it any more."""
_SPACING_S = 10.0
_KEPT = 14  # pictures: at two seconds a look those of two minutes
_BEFORE, _FEWEST = 6, 3  # pictures compared with; OCR may be two of them behind
_AREA = 0.03  # of the picture; what is smaller carries no advert that could be read
_TIMES = 3.0  # the wording's own area, and its height: paper and cloth have a margin
_MARGIN = 0.5
_STILL_THERE = 0.6
_PATIENCE = 3


@dataclass
class _Carrier:
    box: Box
    print: Grey
    unlike: int = 0


class Carriers:
    """Large things that came with wording on them, in one zone. One thread calls it."""

    def __init__(self) -> None:
        self._earlier: deque[tuple[datetime, Image]] = deque(maxlen=_KEPT)
        self._there: list[_Carrier] = []
        self._judged: list[tuple[Place, bool]] = []

    def see(self, look: Look, places: Sequence[Place]) -> None:
        """Take in a look, before anything on it is judged.

        Args:
            look: the newest one.
            places: all that are alive; what is known of others is forgotten.
        """
        at, image = look.frame.captured_at, look.frame.image
        if not self._earlier or at - self._earlier[-1][0] >= timedelta(seconds=_SPACING_S):
            small = shrink(image)
            if self._earlier and self._earlier[-1][1].shape != small.shape:
                self._earlier.clear()
            self._earlier.append((at, small))
        self._judged = [e for e in self._judged if any(e[0] is place for place in places)]
        for thing in self._there:
            alike = likeness(_print(image, thing.box), thing.print) >= _STILL_THERE
            thing.unlike = 0 if alike else thing.unlike + 1
        self._there = [thing for thing in self._there if thing.unlike < _PATIENCE]

    def carry(self, place: Place, around: Box, look: Look, before: WallBefore) -> bool:
        """Whether what stands at a place is a part of something larger that came with it.

        Args:
            place: where wording has stayed for ``JUDGED_AFTER_S``; judged once.
            around: the box around all of the wording there.
            look: the newest one.
            before: what the wall showed in the learning time: if it shows that again around the
                wording, something has driven away and nothing has come.
        """
        for known, carried in self._judged:
            if known is place:
                return carried
        image = look.frame.image
        carried = any(place.box.covered_by(thing.box) >= _STILL_THERE for thing in self._there)
        box = None if carried else self._came_with(place.first_seen, around, look)
        if box is not None and not before.showed(image, box):
            self._there.append(_Carrier(box, _print(image, box)))
            carried = True
        self._judged.append((place, carried))
        return carried

    def _came_with(self, since: datetime, around: Box, look: Look) -> Box | None:
        """The box around the larger thing that is there since then, None when there is none."""
        new = self._new(since, look)
        if new is None:
            return None
        height, width = new.shape
        count, labels, stats, _ = cv2.connectedComponentsWithStats(new.astype(np.uint8))
        x0, y0, x1, y1 = around.pixels(width, height)
        inside = np.bincount(labels[y0:y1, x0:x1].ravel(), minlength=count)
        inside[0] = 0
        index = int(inside.argmax())
        if not inside[index]:
            return None
        left, top, wide, high = (int(value) for value in stats[index][:4])
        box = Box.clipped(left / width, top / height, (left + wide) / width, (top + high) / height)
        x0, y0, x1, y1 = around.grown(_MARGIN).pixels(width, height)
        beyond = int(stats[index][4]) - int((labels[y0:y1, x0:x1] == index).sum())
        large = beyond / new.size >= max(_AREA, _TIMES * around.area)
        return box if large and box.height >= _TIMES * around.height else None

    def _new(self, since: datetime, look: Look) -> Mask | None:
        """Pixels that differ from most pictures of before and from few since; None: unknown."""
        now = as_log(shrink(look.frame.image))
        hidden = standing(look, now.shape[:2])
        before = [picture for at, picture in self._earlier if at < since][-_BEFORE:]
        after = [p for at, p in self._earlier if since < at < look.frame.captured_at][-_BEFORE:]
        new, known = _unlike(now, before, hidden)
        passing, of = _unlike(now, after, hidden)
        if known < _FEWEST:
            return None
        stays = (2 * new >= known) & (2 * passing <= of) & ~hidden
        closed = cv2.morphologyEx(
            stays.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)
        )
        return np.asarray(closed > 0, np.bool_)


def _unlike(now: Floats, others: Sequence[Image], hidden: Mask) -> tuple[NDArray[np.int32], int]:
    """For each pixel the number of pictures it differs from in more than light, and of how many."""
    votes, asked = np.zeros(now.shape[:2], np.int32), 0
    for picture in others:
        laid = lay_over(as_log(picture), now, hidden)
        if laid.fits:
            out = hidden | laid.unseen
            votes += differs(now, laid.picture, out) & ~light_only(now, laid.picture) & ~out
            asked += 1
    return votes, asked


def _print(image: Image, box: Box) -> Grey:
    return fingerprint(image, box.pixels(image.shape[1], image.shape[0]))
