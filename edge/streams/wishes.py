"""Cameras that somebody wants to look at now, and again and again for a while (核查)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge.streams.turns import Turn


@dataclass(slots=True)
class Wish:
    """A camera, and when it is wanted next."""

    turn: Turn
    every_s: float
    until: float
    next_at: float


class Wishes:
    """All of them; few at a time."""

    def __init__(self) -> None:
        self._wishes: dict[str, Wish] = {}

    def add(self, turn: Turn, now: float, every_s: float, until: float) -> None:
        """From now on; with one there already: the shorter interval and the later end for both."""
        name = turn.camera.camera_id
        before = self._wishes.get(name)
        if before is not None and before.until > now:
            every_s, until = min(every_s, before.every_s), max(until, before.until)
        self._wishes[name] = Wish(turn, every_s, until, now)

    def due(self, now: float) -> Iterator[Wish]:
        """Those whose time has come and that nobody looks at; what is over is forgotten."""
        for name, wish in list(self._wishes.items()):
            if wish.until <= now:
                del self._wishes[name]
            elif wish.next_at <= now and not wish.turn.busy:
                yield wish
