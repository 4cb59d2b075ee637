"""The redactor: no picture without it, and none when it fails.

Its models are opened when the first picture needs them. Whatever goes wrong, missing weights as
well as a fault in the middle, comes out as one error: whoever wanted a picture gets none, and asks
again with the next one.
"""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge.detectors.base import Detection, Look
from edge.errors import Code, GridpatrolError, RedactionError
from edge.geometry import Box
from edge.redaction.cover import covered
from edge.redaction.parts import Policy, private_parts
from edge.streams.frame import Frame, Image
from edge.telemetry import metrics

_OPEN_AGAIN_S = 30.0


class Finds(Protocol):
    """What is needed of a finder; see :class:`edge.redaction.finder.Finder`."""

    def find(self, image: Image, *, quick: bool = False) -> tuple[Detection, ...]:
        """What may have to be covered."""
        ...


@dataclass(slots=True)
class _Known:
    """What was found on a frame, and the seconds that it took and nobody has counted yet."""

    found: tuple[Detection, ...]
    seconds: float = 0.0


class Redactor:
    """Makes copies of pictures that may leave the box. Thread-safe.

    Args:
        policy: what is covered; ``none`` opens no models and never fails.
        open_finder: opens the models.
        ticks: seconds that only ever grow.
    """

    def __init__(
        self,
        policy: Policy,
        open_finder: Callable[[], Finds],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.policy = policy
        self._open_finder = open_finder
        self._ticks = ticks
        self._lock, self._knows = threading.Lock(), threading.Lock()
        self._finder: Finds | None = None
        self._fault: RedactionError | None = None
        self._try_at = float("-inf")
        # Several cases and revisions may show one look. Kept for as long as a frame is.
        self._known: weakref.WeakKeyDictionary[Frame, _Known] = weakref.WeakKeyDictionary()

    def open(self) -> None:
        """Open the models now, so that a fault is seen before the first picture needs them.

        Raises:
            RedactionError: they cannot be opened.
        """
        if self.policy != "none":
            self._opened()

    def prepare(self, looks: Iterable[Look]) -> None:
        """Look for what :meth:`safe` will cover, from another thread; never raises.

        What fails here is tried again by :meth:`safe`, which says why.
        """
        for look in looks if self.policy != "none" else ():
            with contextlib.suppress(Exception):
                began = time.perf_counter()
                known = self._look_at(look.frame)
                known.seconds = time.perf_counter() - began

    def safe(self, look: Look) -> Image:
        """A copy of a look's picture with everything private covered.

        Raises:
            RedactionError: it could not be done; the picture must not leave.
        """
        return self._surely(look, lambda: self._whole(look))

    def safe_small(self, look: Look, image: Image) -> Image:
        """The same of a scaled-down picture of the look, on which nobody far can be made out.

        Raises:
            RedactionError: it could not be done; the picture must not leave.
        """
        return self._surely(look, lambda: self._quickly(image, look.detections))

    def safe_part(self, look: Look, box: Box, *, quick: bool = True) -> Image:
        """The same of a part of the look's picture, cut out.

        Args:
            look: which one.
            box: which part.
            quick: nobody far can be made out on what is made of it. Otherwise it is searched as a
                whole picture is, and the picture itself for what is larger than the part.

        Raises:
            RedactionError: it could not be done; the picture must not leave.
        """
        return self._surely(look, lambda: self._part(look, box, quick=quick))

    def safe_run(self, images: Sequence[Image], camera_id: str) -> list[Image]:
        """The same of pictures of one camera in a row, close after each other.

        On each is covered what was found on it, on the one before or on the one after: who is
        missed once does not flash up.

        Raises:
            RedactionError: it could not be done of all of them; none may leave.
        """
        if self.policy == "none":
            return [image.copy() for image in images]
        try:
            found = [self._opened().find(image) for image in images]
            return [
                self._cover(image, [each for near in found[max(n - 1, 0) : n + 2] for each in near])
                for n, image in enumerate(images)
            ]
        except RedactionError:
            raise
        except Exception as error:  # whatever it is: without a result nothing may leave
            raise _failed(camera_id, error) from error

    def _surely(self, look: Look, work: Callable[[], Image]) -> Image:
        began = time.perf_counter()
        try:
            safe = work()
        except RedactionError:
            raise
        except Exception as error:  # whatever it is: without a result nothing may leave
            raise _failed(look.frame.camera_id, error) from error
        ahead = 0.0
        with self._knows:
            if (known := self._known.get(look.frame)) is not None:
                ahead, known.seconds = known.seconds, 0.0
        metrics.REDACTION_SECONDS.observe(time.perf_counter() - began + ahead)
        return safe

    def _whole(self, look: Look) -> Image:
        image = look.frame.image
        if self.policy == "none":
            return image.copy()
        with self._knows:
            known = self._known.get(look.frame)
        if known is None:
            known = self._look_at(look.frame)
        return self._cover(image, (*look.detections, *known.found))

    def _look_at(self, frame: Frame) -> _Known:
        known = _Known(self._opened().find(frame.image))
        with self._knows:
            self._known[frame] = known
        return known

    def _part(self, look: Look, box: Box, *, quick: bool) -> Image:
        x0, y0, x1, y1 = box.pixels(look.frame.width, look.frame.height)
        rows, columns = slice(y0, max(y1, y0 + 1)), slice(x0, max(x1, x0 + 1))
        image, large = look.frame.image, look.detections
        if not quick and self.policy != "none":
            large += self._opened().find(image, quick=True)
        known = self._cover(image, large)[rows, columns]
        if self.policy == "none":
            return known
        found = self._opened().find(image[rows, columns], quick=quick)
        return self._cover(known, found)

    def _quickly(self, image: Image, known: Sequence[Detection]) -> Image:
        if self.policy == "none":
            return image.copy()
        return self._cover(image, (*known, *self._opened().find(image, quick=True)))

    def _cover(self, image: Image, found: Sequence[Detection]) -> Image:
        height, width = image.shape[:2]
        return covered(image, private_parts(found, self.policy, width, height))

    def _opened(self) -> Finds:
        """The models, opened at the first call; a failure stands for a while.

        Raises:
            RedactionError: they cannot be opened.
        """
        with self._lock:
            if self._finder is not None:
                return self._finder
            if self._fault is not None and self._ticks() < self._try_at:
                raise self._fault
            try:
                self._finder = self._open_finder()
            except Exception as error:  # whatever it is: without models nothing may leave
                self._try_at = self._ticks() + _OPEN_AGAIN_S
                self._fault = _failed("evidence.redaction", error)
                raise self._fault from error
            self._fault = None
            return self._finder


def _failed(where: str, error: Exception) -> RedactionError:
    known = isinstance(error, GridpatrolError)
    why = str(error) if known else f"{type(error).__name__}: {error}".splitlines()[0][:160]
    return RedactionError(
        Code.RED_FAILED,
        where,
        f"a picture could not be redacted ({why.rstrip('.')})",
        "Nothing is sent without it; what is held goes out once it works again",
    )
