"""What the platform does by itself: takes cases in, asks boxes, tells them what people said."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Coroutine
from typing import Any

import structlog

from edge.clock import iso, utc_now
from edge.errors import GridpatrolError
from examples.platform.desk import Desk
from uploader.contract.messages import FeedbackData, Purpose, Verdict
from uploader.intake.events import GapClosed, GapFound, KeyChanged, Presence, Refused
from uploader.receiver import Receiver

_log = structlog.get_logger(__name__)
_BY = "examples.platform"


class Office:
    """Runs while it is open as an async context.

    Args:
        receiver: open.
        desk: where cases go.
    """

    def __init__(self, receiver: Receiver, desk: Desk) -> None:
        self._receiver = receiver
        self._desk = desk
        self._tasks: set[asyncio.Task[None]] = set()
        self.news: deque[dict[str, str]] = deque(maxlen=50)
        self.fault: str | None = None

    async def __aenter__(self) -> Office:
        self._begin(self._take())
        self._begin(self._listen())
        # What a restart interrupted goes on: a box answers a repeated request as it did before.
        for asked in await self._desk.open_requests():
            name = asked["request_id"]
            self._begin(self._verify(asked["box"], asked["case_id"], asked["purpose"], name))
        for case in await self._desk.untold():
            self._begin(self._feed_back(case["box"], case["case_id"], case["verdict"]))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def verify(self, box: str, case_id: str, purpose: Purpose) -> str:
        """Ask the box to look again; the reply is on the desk once it is here."""
        request_id = str(uuid.uuid4())
        await self._desk.asked(request_id, box, case_id, purpose)
        self._begin(self._verify(box, case_id, purpose, request_id))
        return request_id

    async def judge(self, box: str, case_id: str, verdict: Verdict) -> None:
        """Keep what a person says, and tell the box, whenever it can be reached."""
        await self._desk.judge(box, case_id, verdict)
        self._begin(self._feed_back(box, case_id, verdict))

    async def _take(self) -> None:
        async for case in self._receiver.cases():
            await self._desk.file(case)
            await case.accept()

    async def _listen(self) -> None:
        async for event in self._receiver.events():
            match event:
                case GapFound():
                    text = f"{event.gap}"
                case GapClosed():
                    text = f"{event.gap}: closed"
                case Refused():
                    text = f"box {event.box}: {event.reason}"
                case KeyChanged():
                    text = f"box {event.box}: another key, {event.kid}"
                case Presence():
                    text = f"box {event.box}: {event.state.reason}"
                case _:
                    continue
            self.news.appendleft({"at": iso(utc_now()), "text": text})

    async def _verify(self, box: str, case_id: str, purpose: Purpose, request_id: str) -> None:
        try:
            reply = await self._receiver.request(
                box,
                "verify",
                by=_BY,
                case_id=case_id,
                purpose=purpose,
                request_id=request_id,
                over_s=10.0,
            )
        except GridpatrolError as fault:
            _log.warning("verify_unanswered", fault=str(fault))
            await self._desk.unanswered(request_id)
        else:
            await self._desk.replied(request_id, reply)

    async def _feed_back(self, box: str, case_id: str, verdict: Verdict) -> None:
        said = FeedbackData(verdict=verdict, note="", by=_BY)
        try:
            await self._receiver.request(
                box, "feedback", by=_BY, case_id=case_id, feedback=said, within_s=3600.0
            )
        except GridpatrolError as fault:
            _log.warning("feedback_unanswered", fault=str(fault))
        else:
            await self._desk.told(box, case_id)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fault = str(error)
            _log.error("task_failed", error=str(error))
