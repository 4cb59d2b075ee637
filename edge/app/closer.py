"""A closer look: what is found on a sub-stream is photographed on the main stream.

A case is not made from the small picture. Its findings are kept back, one picture of the main
stream is asked for, and with it they go on: the objects are detected anew on that very picture,
as what is covered before it is stored must be what it shows, while what only time tells (dwell,
background, wording) stays what the sub-stream has told. The rules themselves are not asked
again: they remember pictures of the one stream and would take another for a turned camera.

Nothing is lost over it. Where no picture comes in time, or shows another view or not the thing,
the case is made from the sub-stream and says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from edge.app.in_chinese import in_chinese
from edge.detectors.base import Detection, Look
from edge.errors import Code, StreamError
from edge.geometry import enclosing
from edge.scenes.finding import Finding, SceneReport, Words
from edge.streams.frame import Frame
from edge.streams.messages import Missed
from edge.streams.thumbs import same_view, thumb
from edge.telemetry import metrics

_GAP_S = 5.0
"""Least time between two pictures of a camera: each costs an open of its main stream."""
_TOLD_BY_TIME = ("static_object", "text", "qr")
_MOVING = ("person", "two_wheeler", "vehicle")
_STEP = 1.0  # box heights that somebody may have moved between the two pictures
_STOPPED = Words(
    "设备停止前主码流照片未到，证据取自子码流",
    "the box stopped before the main stream's picture came: evidence is of the sub-stream",
)
_GONE = Words("主码流画面中已不见该物", "the main-stream picture no longer shows it")


@dataclass
class _Waiting:
    """A camera whose picture is to come.

    Attributes:
        report: its newest look.
        ask_at: when the picture may be asked for.
        until: when it is no longer waited for.
        findings: kept back, by zone.
        missed: why it does not come.
        stopped: the box cannot wait for it.
    """

    report: SceneReport
    ask_at: float
    until: float
    asked: bool = False
    findings: dict[str, Finding] = field(default_factory=dict)
    missed: StreamError | None = None
    stopped: bool = False


class Closer:
    """Keeps findings back until their picture has come. One thread calls it.

    Args:
        cameras: those with a main stream beside the one that is looked at.
        fetch: asks for one picture of a camera's main stream.
        wait_s: how long it is waited for.
        ticks: seconds that only ever grow.
    """

    def __init__(
        self,
        cameras: Collection[str],
        fetch: Callable[[str], None],
        *,
        wait_s: float,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cameras = frozenset(cameras)
        self._fetch = fetch
        self._wait_s = wait_s
        self._ticks = ticks
        self._waiting: dict[str, _Waiting] = {}
        self._asked_at: dict[str, float] = {}
        self._wished: set[str] = set()

    def serves(self, camera_id: str) -> bool:
        """Whether the camera has a main stream beside the one that is looked at."""
        return camera_id in self._cameras

    def wish(self, camera_id: str) -> bool:
        """Somebody wants to see the camera's next look on the main stream, if it has one."""
        if camera_id in self._cameras:
            self._wished.add(camera_id)
        return camera_id in self._cameras

    def hold(self, report: SceneReport, findings: Collection[Finding], *, gone: bool) -> None:
        """Take in a look of a sub-stream.

        Args:
            report: the look.
            findings: those of its findings that need a picture; the last of each zone stands.
            gone: a case would be gone with it, which needs one too.
        """
        camera_id = report.look.frame.camera_id
        waiting = self._waiting.get(camera_id)
        if waiting is None:
            if not (findings or gone or camera_id in self._wished):
                return
            ask_at = max(self._ticks(), self._asked_at.get(camera_id, -_GAP_S) + _GAP_S)
            waiting = _Waiting(report, ask_at, ask_at + self._wait_s)
            self._waiting[camera_id] = waiting
        self._wished.discard(camera_id)
        waiting.report = report
        waiting.findings |= {finding.zone_id: finding for finding in findings}
        self.step()

    def step(self) -> bool:
        """Ask for pictures that are due; whether some are no longer waited for."""
        now = self._ticks()
        for camera_id, waiting in self._waiting.items():
            if not waiting.asked and waiting.ask_at <= now:
                waiting.asked, self._asked_at[camera_id] = True, now
                self._fetch(camera_id)
        return any(w.missed is not None or w.until <= now for w in self._waiting.values())

    def missed(self, news: Missed) -> None:
        """A picture does not come."""
        waiting = self._waiting.get(news.camera_id)
        if waiting is not None and waiting.asked:
            waiting.missed = _fault(news.camera_id, Code(news.code), news.detail)

    def give_up(self) -> None:
        """The box stops, or begins anew: nothing is waited for any more."""
        for waiting in self._waiting.values():
            waiting.stopped, waiting.until = True, self._ticks()

    def unfit(self, frame: Frame, why: str) -> None:
        """A picture has come that shows nothing."""
        self.missed(Missed(frame.camera_id, str(Code.CAM_PICTURE), why))

    def came(self, look: Look) -> SceneReport | None:
        """A picture has come, with what the detectors see on it.

        Returns:
            What was kept back, now seen on it; None when nobody waits for it any more, or it is
            not of use: then :meth:`overdue` gives what was kept back.
        """
        camera_id = look.frame.camera_id
        waiting = self._waiting.get(camera_id)
        if waiting is None:
            return None
        sub = waiting.report.look.frame
        if not same_view(thumb(look.frame.small), thumb(sub.small)):
            what = "its main stream shows another view than its sub-stream"
            waiting.missed = _fault(camera_id, Code.CAM_VIEW, what)
            return None
        del self._waiting[camera_id]
        look = look.plus([d for d in waiting.report.look.detections if d.meaning in _TOLD_BY_TIME])
        findings = tuple(_on(look, finding) for finding in waiting.findings.values())
        suspects = {
            zone: tuple(moved(part, look) or part for part in parts)
            for zone, parts in waiting.report.suspects.items()
        }
        return replace(_without(waiting), look=look, findings=findings, suspects=suspects)

    def overdue(self) -> list[tuple[SceneReport, StreamError]]:
        """What was kept back in vain, and why; it goes on with the picture it was found on."""
        now = self._ticks()
        given_up = []
        for camera_id, waiting in list(self._waiting.items()):
            if waiting.missed is None and waiting.until > now:
                continue
            del self._waiting[camera_id]
            metrics.EVIDENCE_PICTURES.labels(stream="sub").inc(max(len(waiting.findings), 1))
            what = f"its main stream gave no picture within {self._wait_s:g} s"
            error = waiting.missed or _fault(camera_id, Code.CAM_TIMEOUT, what)
            why = (
                _STOPPED
                if waiting.stopped and not waiting.missed
                else Words(
                    f"主码流未取得照片（{in_chinese(error.code)}），证据取自子码流",
                    f"no picture of the main stream ({error.code}): evidence is of the sub-stream",
                )
            )
            findings = tuple(_saying(finding, why) for finding in waiting.findings.values())
            given_up.append((replace(_without(waiting), findings=findings, remarks=(why,)), error))
        return given_up


def _without(waiting: _Waiting) -> SceneReport:
    """The newest look; a zone whose finding was kept back is not clear, whatever it says."""
    clear = tuple(zone for zone in waiting.report.clear_zones if zone not in waiting.findings)
    return replace(waiting.report, clear_zones=clear)


def _fault(camera_id: str, code: Code, what: str) -> StreamError:
    return StreamError(
        code, camera_id, f"no main-stream picture: {what}", "Its sub-stream's picture is taken"
    )


def _saying(finding: Finding, why: Words) -> Finding:
    return replace(finding, reasons=(*finding.reasons, why))


def _on(look: Look, finding: Finding) -> Finding:
    """The finding as the main stream shows it; as it was found, if that shows it no more."""
    parts = [moved(part, look) for part in finding.parts]
    if not all(parts):
        metrics.EVIDENCE_PICTURES.labels(stream="sub").inc()
        return _saying(finding, _GONE)
    metrics.EVIDENCE_PICTURES.labels(stream="main").inc()
    found = tuple(part for part in parts if part is not None)
    box = enclosing([finding.box, *(part.box for part in found if part.meaning in _MOVING)])
    return replace(finding, look=look, parts=found, box=box)


def moved(part: Detection, look: Look) -> Detection | None:
    """A part on another picture, some seconds later; None for somebody who has left."""
    alike = [d for d in look.of(part.meaning) if d.meaning not in _TOLD_BY_TIME]
    best = max(alike, key=lambda d: d.box.iou(part.box), default=None)
    if best is not None and best.box.iou(part.box) > 0:
        return best
    if part.meaning not in _MOVING:
        return part  # things stay where they are
    near = min(alike, key=lambda d: _apart(d, part), default=None)
    return near if near is not None and _apart(near, part) <= _STEP * part.box.height else None


def _apart(one: Detection, other: Detection) -> float:
    (x0, y0), (x1, y1) = one.box.foot, other.box.foot
    return max(abs(x0 - x1), abs(y0 - y1))
