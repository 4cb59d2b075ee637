"""How often a camera is looked at, and how it is hurried when somebody asks to look now."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hurry:
    """Look at a camera now, and for a while more often than it is configured.

    Attributes:
        camera_id: which one.
        every_s: seconds between looks meanwhile; never fewer looks than configured.
        for_s: seconds after which it is looked at as before.
    """

    camera_id: str
    every_s: float
    for_s: float


@dataclass(frozen=True, slots=True)
class Rest:
    """A camera's hours are over, or have begun again.

    Attributes:
        camera_id: which one.
        off: it is closed until it is said otherwise, or somebody asks to look.
    """

    camera_id: str
    off: bool


class Pace:
    """The seconds between two looks of one camera. Any thread.

    Args:
        every_s: as configured.
    """

    def __init__(self, every_s: float) -> None:
        self._usual_s = every_s
        self._hurried_s = every_s
        self._until = 0.0
        self._off = False
        self._asked = threading.Event()

    def hurry(self, every_s: float, for_s: float) -> None:
        """Whoever rests goes on at once; two who ask both get what they need."""
        now = time.monotonic()
        if now < self._until:
            every_s = min(every_s, self._hurried_s)
        self._hurried_s = min(every_s, self._usual_s)
        self._until = max(self._until, now + for_s)
        self._asked.set()

    def rest_off(self, off: bool) -> None:
        """Its hours are over, or have begun."""
        self._off = off
        self._asked.set()

    @property
    def is_off(self) -> bool:
        """Whether it should be closed now: outside its hours, and nobody asks."""
        return self._off and time.monotonic() >= self._until

    def every_s(self) -> float:
        """Seconds between two looks now."""
        return self._hurried_s if time.monotonic() < self._until else self._usual_s

    def rest(self, seconds: float) -> bool:
        """Wait; True, and at once, when somebody has asked to hurry since the last wait."""
        asked = self._asked.wait(seconds)
        self._asked.clear()
        return asked
