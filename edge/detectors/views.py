"""Which view a camera shows: the known one, another known one, or one that must be learned.

A mast sways and a bus fills the picture for a moment; that is the same view. A head that was
turned, or a mount that has slipped, is not: zones no longer fit either, so it is told as a fault.
Infra-red light makes another picture of the same place; it gets a background of its own.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

from edge.detectors.background import (
    Floats,
    Laid,
    Mask,
    View,
    as_log,
    is_grey,
    lay_over,
    remember,
    remembered,
)
from edge.streams.frame import Image

_LEARN_LOOKS = 8  # never call a background learned from fewer
_LOST_LOOKS = 3  # looks in a row that do not fit until the view counts as another
_MOST_VIEWS = 4  # day, night, and a second preset of each
_SLIPPED = 0.02  # of the width; zones drawn on the old view are off by as much
_SAME_SHIFT = 0.004  # a swaying mast never shows the same shift so often
_SHIFT_LOOKS = 8
_KEEP_EVERY = timedelta(minutes=10)


class Views:
    """The views of one camera.

    Args:
        camera_id: names the files.
        learn_s: seconds over which a background is learned.
        memory: folder that keeps backgrounds over a restart, or None.
    """

    def __init__(self, camera_id: str, *, learn_s: float, memory: Path | None) -> None:
        self._camera_id = camera_id
        self._learn_s = learn_s
        self._memory = memory
        self._views: list[View] = []
        self._now: View | None = None
        self._lost = 0
        self._shifts: deque[tuple[float, float]] = deque(maxlen=_SHIFT_LOOKS)
        self._kept_at: datetime | None = None
        self.changed = False
        """Whether the last look began or took up another view: what was aged is void."""
        self.moved = False
        """Whether the last look showed that the camera was turned or has slipped."""

    @property
    def learned(self) -> bool:
        """Whether the present view has a background."""
        return self._now is not None and self._now.background is not None

    @property
    def background(self) -> Floats:
        """Of the present view; only to be asked after a look was laid over it."""
        assert self._now is not None  # noqa: S101 - see above
        assert self._now.background is not None  # noqa: S101 - see above
        return self._now.background

    def lay(self, small: Image, hidden: Mask, at: datetime, things: Mask | None) -> Laid | None:
        """The look over its background; None while there is none it fits.

        Args:
            small: ``(height, 320, 3)``.
            hidden: where people and vehicles stand.
            at: when it was taken.
            things: pixels of things left behind on the look before.
        """
        self.changed = self.moved = False
        logs, grey = as_log(small), is_grey(small)
        if self._now is None:
            self._start(logs, grey, at)
        assert self._now is not None  # noqa: S101 - just started
        if self._now.background is None and (back := self._known(logs, grey, hidden)):
            self._take_up(back[0])
            return back[1]
        laid = self._over(self._now, logs, grey, hidden)
        if laid is None:
            self._lost += 1
            return self._seek(logs, grey, hidden, at, things)
        self._lost = 0
        if self._has_slipped(laid):
            self._views.remove(self._now)
            self._begin(View(self._now.grey, at), moved=True)
            return None
        if self._now.background is None:
            self._learn(self._now, laid, hidden, at)
            return None
        return laid

    def follow(self, picture: Floats, rate: Floats, at: datetime) -> None:
        """Move the background towards a laid look by a share per pixel, 0-1."""
        background = self.background
        background += cv2.merge([rate, rate, rate]) * (picture - background)
        if self._kept_at is None or not timedelta() <= at - self._kept_at < _KEEP_EVERY:
            self._keep(at)

    def _start(self, logs: Floats, grey: bool | None, at: datetime) -> None:
        """After a restart the remembered background is used when it still fits."""
        self._now = View(grey is True, at)
        self._views.append(self._now)
        if self._memory is None:
            return
        for kind in (False, True):
            kept = remembered(self._memory, self._file(kind), logs.shape)
            if kept is not None:
                self._views.append(View(kind, at, kept))

    def _over(self, view: View, logs: Floats, grey: bool | None, hidden: Mask) -> Laid | None:
        if grey is not None and view.grey != grey:
            return None
        reference = view.reference
        if reference is None:
            return Laid(logs, np.zeros(hidden.shape, np.bool_), (0.0, 0.0), True)
        laid = lay_over(logs, reference, hidden)
        return laid if laid.fits else None

    def _known(self, logs: Floats, grey: bool | None, hidden: Mask) -> tuple[View, Laid] | None:
        """Another learned view that the look fits."""
        for view in self._views:
            if view is not self._now and view.background is not None:
                laid = self._over(view, logs, grey, hidden)
                if laid is not None and max(map(abs, laid.shift)) < _SLIPPED:
                    return view, laid
        return None

    def _seek(
        self, logs: Floats, grey: bool | None, hidden: Mask, at: datetime, things: Mask | None
    ) -> Laid | None:
        if self._lost < _LOST_LOOKS:
            return None
        back = self._known(logs, grey, hidden)
        if back is not None:
            self._take_up(back[0])
            return back[1]
        assert self._now is not None  # noqa: S101 - a view was lost
        only_light = grey is not None and self._now.grey != grey
        new = (
            View(not self._now.grey, at, things=things) if only_light else View(self._now.grey, at)
        )
        self._begin(new, moved=not only_light)
        return None

    def _take_up(self, view: View) -> None:
        self._views = [v for v in self._views if v.background is not None]
        self._now = view
        self._lost = 0
        self._shifts.clear()
        self.changed = True

    def _begin(self, view: View, *, moved: bool) -> None:
        self._take_up(view)
        self._views = [*self._views[1 - _MOST_VIEWS :], view]
        self.moved = moved

    def _has_slipped(self, laid: Laid) -> bool:
        self._shifts.append(laid.shift)
        if len(self._shifts) < _SHIFT_LOOKS:
            return False
        shifts = np.array(self._shifts)
        middle = shifts.mean(axis=0)
        steady = bool(np.abs(shifts - middle).max() < _SAME_SHIFT)
        return steady and float(np.abs(middle).max()) >= _SLIPPED

    def _learn(self, view: View, laid: Laid, hidden: Mask, at: datetime) -> None:
        sample = laid.picture.copy()
        sample[hidden | laid.unseen] = np.nan  # people must not become background
        view.samples.append(sample)
        spent = at - view.learned_from
        if len(view.samples) < _LEARN_LOOKS or spent < timedelta(seconds=self._learn_s):
            if len(view.samples) > 4 * _LEARN_LOOKS:
                del view.samples[1::2]  # a long learning time keeps a thinned history
            return
        view.settle()
        self.changed = True
        self._keep(at)

    def _keep(self, at: datetime) -> None:
        if self._memory is not None and self._now is not None:
            remember(self._memory, self._file(self._now.grey), self.background)
        self._kept_at = at

    def _file(self, grey: bool) -> str:
        return f"{self._camera_id}.infrared" if grey else self._camera_id
