"""Ahead of the case: what must be covered on its pictures is looked for beside the analysis.

Finding people on a picture takes longer than everything else about a case. So a finding that
needs pictures is kept back, a thread looks for what is private on them, and the looks of all
cameras go on meanwhile. The case is made after it, on the thread that makes all cases, and with
the redacted picture only: what the thread could not do is tried there once more, and when that
fails, too, nothing is written, as ever. Nothing that waits here was promised to anybody: what is
lost with the process still stands in the street.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from edge.geometry import same_spot
from edge.redaction.redactor import Redactor
from edge.scenes.finding import Finding, SceneReport
from edge.telemetry import metrics

_ROOM = 16
"""Of these each holds its picture: 9 MB in 1080p."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What goes on once its picture is ready.

    Attributes:
        report: the look; its findings are those that wait.
        gone: cases are gone with it.
        done: the thread has ended with it, well or not.
    """

    report: SceneReport
    gone: bool
    done: Future[None]


class Ahead:
    """Keeps back what needs pictures until they are ready. One thread calls it.

    Args:
        redactor: prepares pictures.
        room: so many may wait; whoever brings more waits for the oldest.
    """

    def __init__(self, redactor: Redactor, *, room: int = _ROOM) -> None:
        self._redactor = redactor
        self._room = room
        self._thread = ThreadPoolExecutor(1, "redaction")
        self._waiting: list[Waiting] = []

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_due(self) -> bool:
        """Whether :meth:`ready` would give something."""
        return bool(self._waiting) and self._waiting[0].done.done()

    def hold(self, report: SceneReport, findings: Sequence[Finding], *, gone: bool) -> None:
        """Keep back what of a look needs pictures.

        Args:
            report: the look.
            findings: those of its findings that would make or change a case, see :meth:`holds`.
            gone: a case would be gone with it, see :meth:`holds_end`.
        """
        if not findings and not gone:
            return
        looks = [finding.look for finding in findings] + ([report.look] if gone else [])
        frames = {id(look.frame): look for look in looks}
        done = self._thread.submit(self._redactor.prepare, list(frames.values()))
        self._waiting.append(Waiting(replace(report, findings=tuple(findings)), gone, done))
        metrics.REDACTION_WAITING.set(len(self._waiting))

    def ready(self, *, every: bool = False) -> Sequence[Waiting]:
        """What has its pictures, in the order in which it came.

        Args:
            every: wait for all of it.
        """
        over = len(self._waiting) if every else max(len(self._waiting) - self._room, 0)
        wait([waiting.done for waiting in self._waiting[:over]])
        count = next(
            (n for n, w in enumerate(self._waiting) if not w.done.done()), len(self._waiting)
        )
        due, self._waiting = self._waiting[:count], self._waiting[count:]
        metrics.REDACTION_WAITING.set(len(self._waiting))
        return due

    def close(self) -> None:
        """End the thread after the picture it is at."""
        self._thread.shutdown(cancel_futures=True)

    def holds(self, finding: Finding) -> bool:
        """Whether the finding of an earlier look of that spot waits."""
        return any(
            (held.camera_id, held.zone_id, held.kind)
            == (finding.camera_id, finding.zone_id, finding.kind)
            and same_spot(held.box, finding.box)
            for waiting in self._waiting
            for held in waiting.report.findings
        )

    def holds_end(self, camera_id: str) -> bool:
        """Whether an earlier look of that camera waits, with which cases are gone."""
        return any(w.gone and w.report.look.frame.camera_id == camera_id for w in self._waiting)
