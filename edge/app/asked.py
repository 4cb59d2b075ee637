"""What the platform asks: verify (核查), look, feedback. Each request ends in exactly one answer.

The desk never waits: it is told of every look that passes through the box, takes those that a
request needs, and says which requests are done. The cameras are only asked to hurry.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from edge.app.answering import Answered, Answerer
from edge.app.in_chinese import in_chinese
from edge.app.sighting import Aim, Eyes, Sighting
from edge.app.visits import Visit
from edge.cases.record import CaseRecord
from edge.cases.store import CaseStore
from edge.clock import Clock, utc_now
from edge.config.model import CameraSettings
from edge.errors import Code, GridpatrolError, RequestError, ReviewError
from edge.scenes.finding import SceneReport, Words
from edge.telemetry.logs import get_logger
from uploader.contract.messages import RequestData

log = get_logger(__name__)

_AT_ONCE = 8
_SHORTEST_S = 0.3
"""No camera is made to look more often than this."""

Hurry = Callable[[str, float, float], None]
"""Camera id, seconds between looks, for how many seconds."""


@dataclass
class _Task:
    request: RequestData
    case: CaseRecord | None
    visits: list[Visit]
    began: float
    until: float

    def is_over(self, now: float) -> bool:
        if now >= self.until:
            return True
        # Nothing more is to be hoped for from a camera that stayed down over the whole time.
        asked_out = now >= self.began + self.request.over_s
        return all(v.is_done(now) or (v.trouble and asked_out) for v in self.visits)


class RequestDesk:
    """Requests in progress. One thread calls it.

    Args:
        box_id: requests for another box are refused.
        cameras: settings by camera id.
        eyes: judge single looks.
        store: where cases are looked up.
        answerer: makes the answers, and takes in feedback.
        hurry: asks a camera to look now.
        wish: asks for a main-stream picture of a camera's next look; False where there is none.
        wish_s: how long that is waited for.
        patience_s: how long a camera may take to open, beyond the time asked for.
        clock: what time it is.
        ticks: seconds that only ever grow.
    """

    def __init__(
        self,
        *,
        box_id: str,
        cameras: Mapping[str, CameraSettings],
        eyes: Eyes,
        store: CaseStore,
        answerer: Answerer,
        hurry: Hurry,
        patience_s: float,
        wish: Callable[[str], bool] = lambda _camera_id: False,
        wish_s: float = 0.0,
        clock: Clock = utc_now,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._box_id = box_id
        self._cameras = cameras
        self._eyes = eyes
        self._store = store
        self._answerer = answerer
        self._hurry = hurry
        self._wish = wish
        self._wish_s = wish_s
        self._patience_s = patience_s
        self._clock = clock
        self._ticks = ticks
        self._waiting: deque[RequestData] = deque()
        self._tasks: list[_Task] = []

    def submit(self, request: RequestData) -> None:
        """Take a request; its answer comes out of :meth:`finished`."""
        self._waiting.append(request)

    def sees(self, report: SceneReport) -> None:
        """A look was analysed."""
        for visit in self._visits(report.look.frame.camera_id):
            visit.sees(report, self._ticks())

    def sees_main(self, report: SceneReport) -> None:
        """A look was seen on the main stream, too."""
        for visit in self._visits(report.look.frame.camera_id):
            visit.sees_main(report)

    def no_main(self, camera_id: str) -> None:
        """The main stream's picture does not come."""
        for visit in self._visits(camera_id):
            visit.main_until = float("-inf")

    def blind(self, camera_id: str, why: Words) -> None:
        """A look was not fit to be analysed."""
        for visit in self._visits(camera_id):
            visit.blind(self._clock(), why, self._ticks())

    def failed(self, camera_id: str, code: str, detail: str) -> None:
        """A camera went down, or an attempt to open it failed."""
        for visit in self._visits(camera_id):
            visit.failed(code, Words(in_chinese(code), detail))

    def finished(self) -> list[Answered]:
        """Requests that are done now; those that wait are begun. Never blocks."""
        done = []
        while self._waiting and len(self._tasks) < _AT_ONCE:
            request = self._waiting.popleft()
            answer = self._surely(request, partial(self._begin, request))
            if answer is not None:
                done.append(answer)
        now = self._ticks()
        for task in [task for task in self._tasks if task.is_over(now)]:
            self._tasks.remove(task)
            answer = self._surely(task.request, partial(self._end, task))
            if answer is not None:
                done.append(answer)
        return done

    def _surely(self, request: RequestData, work: Callable[[], Answered | None]) -> Answered | None:
        """Whatever goes wrong with one request, it gets its answer and the others go on.

        Raises:
            GridpatrolError: the disk has failed; a new process takes the request up again.
        """
        try:
            return work()
        except GridpatrolError as error:
            if error.fatal:
                raise
            return self._answerer.failed(request, error)
        except Exception:
            log.exception("request_failed", request=request.request_id)
            return self._answerer.failed(request, _unexpected(request))

    def _visits(self, camera_id: str) -> list[Visit]:
        return [v for task in self._tasks for v in task.visits if v.aim.camera_id == camera_id]

    def _begin(self, request: RequestData) -> Answered | None:
        """Start it; an answer at once where there is nothing to wait for."""
        left_s = (request.expires_at - self._clock()).total_seconds()
        if left_s <= 0:
            return self._answerer.expired(request)
        try:
            if request.box_id not in (None, self._box_id):
                raise refusal(request, f"it is meant for box {request.box_id}")
            if request.action == "feedback":
                return self._answerer.feedback(request)
            case = self._case(request)
            visits = self._planned(request, case)
        except (RequestError, ReviewError) as error:
            return self._answerer.refused(request, error)
        now = self._ticks()
        until = now + min(request.over_s + self._patience_s, left_s)
        self._tasks.append(_Task(request, case, visits, now, until))
        for camera_id in {visit.aim.camera_id for visit in visits}:
            every_s = max(visits[0].spacing_s, _SHORTEST_S)
            self._hurry(camera_id, every_s, until - now)
            if self._wish(camera_id):
                for visit in visits:
                    visit.main_until = min(now + self._wish_s, until)
        return None

    def _end(self, task: _Task) -> Answered:
        if task.request.action == "look":
            return self._answerer.looked(task.request, task.visits[0])
        return self._answerer.verified(task.request, task.case, task.visits)

    def _case(self, request: RequestData) -> CaseRecord | None:
        if request.case_id is None:
            return None
        case = self._store.case(request.case_id)
        if case is None:
            raise RequestError(
                Code.REV_CASE,
                request.case_id,
                "no such case on this box",
                "Ask the box that the case's messages name",
            )
        return case

    def _planned(self, request: RequestData, case: CaseRecord | None) -> list[Visit]:
        """The visits that a request calls for.

        Raises:
            RequestError: it names nothing that this box could look at.
        """
        if request.action == "look":
            camera_id = request.camera_id or (case.sources[0].camera_id if case else None)
            return [self._visit(request, Aim(self._known(request, camera_id).id, ""), _shown)]
        if request.action != "verify":
            raise refusal(request, f"this version knows no action {request.action!r}")
        aims = self._aims(request, case)
        if not aims:
            raise refusal(request, "neither its case nor its camera has a zone on this box now")
        return [self._visit(request, aim, self._eyes.judge) for aim in aims]

    def _aims(self, request: RequestData, case: CaseRecord | None) -> list[Aim]:
        if case is None:
            camera = self._known(request, request.camera_id)
            wanted = request.zone_id
            return [Aim(camera.id, z.id) for z in camera.zones if wanted in (None, z.id)]
        return [
            Aim(
                source.camera_id,
                source.zone_id,
                case.box if source.camera_id == case.boxed_by else None,
            )
            for source in case.sources
            if request.camera_id in (None, source.camera_id)
            and request.zone_id in (None, source.zone_id)
            and self._watches(source.camera_id, source.zone_id, case.kind)
        ]

    def _watches(self, camera_id: str, zone_id: str, kind: str) -> bool:
        camera = self._cameras.get(camera_id)
        return camera is not None and any(
            zone.id == zone_id and zone.watch == kind for zone in camera.zones
        )

    def _known(self, request: RequestData, camera_id: str | None) -> CameraSettings:
        camera = self._cameras.get(camera_id or "")
        if camera is None:
            raise refusal(request, f"this box has no camera {camera_id or '(none was named)'}")
        return camera

    def _visit(
        self,
        request: RequestData,
        aim: Aim,
        judge: Callable[[Aim, SceneReport], Sighting],
    ) -> Visit:
        looks = 1 if request.action == "look" else request.looks
        return Visit(
            aim,
            judge,
            wanted=looks,
            spacing_s=request.over_s / (looks - 1) if looks > 1 else 0.0,
            since=self._clock(),
        )


def refusal(request: RequestData, what: str) -> RequestError:
    """A request that cannot be done as it was asked (ASK-001)."""
    return RequestError(
        Code.ASK_UNKNOWN,
        f"request {request.request_id}",
        what,
        "Compare with docs/platform.md and the box's up/reported",
    )


def _unexpected(request: RequestData) -> RequestError:
    return RequestError(
        Code.ASK_FAULT,
        f"request {request.request_id}",
        "the box could not work on it",
        "Report this fault with the box's log",
    )


def _shown(_aim: Aim, report: SceneReport) -> Sighting:
    at: datetime = report.look.frame.captured_at
    return Sighting(at, None, None, Words("画面", "a picture"))
