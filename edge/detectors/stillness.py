"""How long each pixel has differed from the background and kept its value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import cv2
import numpy as np

from edge.detectors.background import Floats, Mask, largest_of, pure_log

_SAME = 0.10  # two looks at one still thing differ by less, in ln(level + 24)
_SAME_SPREAD = 0.15  # under another light all of a thing changes alike
_SAME_COLOUR = 0.2
_FORGIVEN = 1  # looks that may miss in a row: compression, a bird
_OF_THE_NEWEST = 0.2  # share of the newest look in the mean of a thing that stands long
_LONGEST_GAP = 3.0  # usual steps between looks that one step may count for at most


class Stillness:
    """Ages of the pixels of one camera's view."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.age_s: Floats = np.zeros(shape, np.float32)
        self.looks = np.zeros(shape, np.uint16)
        self._missed = np.zeros(shape, np.uint8)
        self._kept: Floats | None = None
        self._mean: Floats | None = None
        self._last_at: datetime | None = None
        self._usual_s: float | None = None

    def forget(self) -> None:
        """Start over: the view is another."""
        self.age_s[:] = 0.0
        self.looks[:] = 0
        self._kept = None
        self._mean = None

    @property
    def mean(self) -> Floats:
        """The looks since each pixel is what it is, averaged: without rain, noise and passers-by.

        Of pixels that age, these looks alone; of the others the last few. Only to be asked after
        an update.
        """
        assert self._mean is not None  # noqa: S101 - see above
        return self._mean

    def ripe(self, stay_s: float) -> Mask:
        """Pixels that have stood for so long, on three looks at least, and show it now.

        Who walks through a shadow that has fallen long ago must not be taken for what stays.
        """
        return np.asarray(
            (self.age_s >= stay_s) & (self.looks >= 2) & (self._missed == 0), np.bool_
        )

    def update(
        self,
        picture: Floats,
        different: Mask,
        hidden: Mask,
        at: datetime,
        known: Sequence[Mask] = (),
    ) -> None:
        """Take in one look.

        Pixels behind passers-by keep their age; a parked car's grow although it hides them.

        Args:
            picture: logarithms, laid over the background.
            different: pixels that differ from the background.
            hidden: pixels where people or vehicles stand.
            at: when it was taken.
            known: things seen on the look before.
        """
        step_s = self._step(at)
        calm = np.asarray(cv2.blur(picture, (5, 5)), np.float32)
        if self._kept is None:
            self._kept, self._mean = calm, picture.copy()
            self._missed[:] = 0
            return
        for thing in known:
            self._relight(calm, thing & ~hidden)
        apart = largest_of(cv2.absdiff(calm, self._kept))
        stays = different & (apart < _SAME)
        self.age_s[stays] += step_s
        self.looks[stays] += 1
        self._missed[stays] = 0
        gone = ~stays & ~hidden
        self._missed[gone] += self._missed[gone] < 255
        over = gone & (self._missed > _FORGIVEN)
        self.age_s[over] = 0.0
        self.looks[over] = 0
        fresh = over | (~stays & (self.age_s == 0))
        # A still thing's value follows slowly, so that dusk does not make it a new one.
        share = (0.3 * stays + fresh).astype(np.float32)
        self._kept += cv2.merge([share, share, share]) * (calm - self._kept)
        self._average(picture, hidden, fresh & different)

    def _average(self, picture: Floats, hidden: Mask, fresh: Mask) -> None:
        if self._mean is None:
            self._mean = picture.copy()
            return
        share = np.maximum(1.0 / (self.looks + 1.0), _OF_THE_NEWEST).astype(np.float32)
        share[self.looks == 0] = _OF_THE_NEWEST
        share[fresh] = 1.0
        share[hidden] = 0.0
        self._mean += cv2.merge([share, share, share]) * (picture - self._mean)

    def _step(self, at: datetime) -> float:
        """Seconds this look counts for; a camera that was away for an hour has not seen it."""
        gap_s = max((at - self._last_at).total_seconds(), 0.0) if self._last_at else 0.0
        self._last_at = at
        if gap_s == 0.0:
            return 0.0
        if self._usual_s is None:
            self._usual_s = gap_s
        step_s = min(gap_s, _LONGEST_GAP * self._usual_s)
        self._usual_s += 0.2 * (step_s - self._usual_s)
        return step_s

    def _relight(self, calm: Floats, thing: Mask) -> None:
        """A thing that changes as a whole is the same thing under another light."""
        if self._kept is None or not thing.any():
            return
        now, before = calm[thing], self._kept[thing]
        # Light multiplies levels, so the offset of the logarithms is taken out here.
        change = pure_log(now) - pure_log(before)
        middle = np.median(change, axis=0)
        spread = float(np.median(np.abs(change - middle).max(axis=1)))
        if spread < _SAME_SPREAD and float(np.ptp(middle)) < _SAME_COLOUR:
            self._kept[thing] = now
