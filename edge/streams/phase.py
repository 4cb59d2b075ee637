"""When a camera's key frames come, so that a visit opens it just before the next one.

A camera sends a key frame every second or two by its own clock, whoever watches. Who comes at any
moment waits half of that on average, and receives all packets meanwhile: a third of what a visit
costs (``docs/performance.md``). The interval is measured once, by the camera's time stamps; every
visit after that corrects it. Cameras without a steady beat, and those that send a key frame to
whoever begins to watch, are opened at once as before.
"""

from __future__ import annotations

from dataclasses import dataclass

_PROMPT_S = 0.15
_PROMPT_VISITS = 2
_MARGIN_S = 0.06
_MARGIN_UP, _MARGIN_DOWN, _MARGIN_MOST = 2.0, 0.98, 0.25
_LONGEST_S = 10.0
_OFF_BEAT = 0.25
_MISSES = 3
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Timing:
    """How a visit went, monotonic seconds.

    Attributes:
        opened_s: what opening took.
        waited_s: from then to the first key frame.
        key_at: when the first key frame had come.
        interval_s: to the next one; None when that was not waited for.
    """

    opened_s: float
    waited_s: float
    key_at: float
    interval_s: float | None = None


class Phase:
    """One camera's beat. ``now`` is monotonic seconds."""

    __slots__ = ("_interval_s", "_key_at", "_margin_s", "_misses", "_opened_s", "_prompt", "_tries")

    def __init__(self) -> None:
        self._interval_s: float | None = None
        self._key_at = 0.0
        self._opened_s = 0.0
        self._margin_s = _MARGIN_S
        self._prompt = 0
        self._misses = 0
        self._tries = _TRIES

    @property
    def measure(self) -> bool:
        """Whether a visit should stay for a second key frame."""
        return self._interval_s is None and self._prompt < _PROMPT_VISITS and self._tries > 0

    def not_before(self, now: float) -> float:
        """The best moment to begin opening: now, or a little before the next key frame."""
        if self._interval_s is None:
            return now
        lead_s = self._opened_s + self._margin_s
        beats = (now + lead_s - self._key_at) / self._interval_s
        return self._key_at + (int(beats) + 1) * self._interval_s - lead_s

    def learn(self, timing: Timing) -> None:
        """A visit was made."""
        self._opened_s = max(timing.opened_s, 0.9 * self._opened_s)
        if self._interval_s is None:
            self._begin(timing)
        else:
            self._correct(timing, self._interval_s)
        self._key_at = timing.key_at

    def _begin(self, timing: Timing) -> None:
        if timing.waited_s < _PROMPT_S:
            self._prompt += 1
        elif timing.interval_s is not None:
            self._tries -= 1
            if _PROMPT_S < timing.interval_s <= _LONGEST_S:
                self._interval_s, self._misses, self._margin_s = timing.interval_s, 0, _MARGIN_S

    def _correct(self, timing: Timing, interval_s: float) -> None:
        since_s = timing.key_at - self._key_at
        beats = max(round(since_s / interval_s), 1)
        off_s = since_s - beats * interval_s
        if abs(off_s) <= _OFF_BEAT * interval_s:
            self._interval_s = interval_s + 0.5 * off_s / beats
            self._misses = 0
            if timing.waited_s > interval_s / 2:  # it came just too late, and waited for all of it
                self._margin_s = min(self._margin_s * _MARGIN_UP, _MARGIN_MOST * interval_s)
            else:
                self._margin_s = max(self._margin_s * _MARGIN_DOWN, _MARGIN_S)
            return
        self._misses += 1
        if self._misses >= _MISSES:
            self._interval_s = None  # measured anew, a few times; then given up
