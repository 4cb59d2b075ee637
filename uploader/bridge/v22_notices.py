"""What the city says back: polled, kept, signed for, and passed on to the box that knows.

A check (核查) becomes a ``verify`` of the box and its answer a CHECK_FEEDBACK; a void (作废) and a
closing (结案) become ``feedback``, so that the box learns.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import structlog

from edge.errors import Code, DeliveryError, StoreError
from uploader.bridge import metrics
from uploader.bridge.faults import CityAwayError, CityRefusedError, Do
from uploader.bridge.ledger import CityCase, Ledger, Notice, uid_of
from uploader.bridge.settings import V22Settings
from uploader.bridge.v22 import V22Desk, read_pictures
from uploader.bridge.v22_client import V22Client
from uploader.bridge.v22_words import V22Words
from uploader.contract.messages import FeedbackData, Verdict
from uploader.receiver import Receiver, Reply

_log = structlog.get_logger(__name__)
_PER_PAGE = 50
_MOST_PAGES = 20
_AT_ONCE = 8
_BY = "city intake (V22)"


class V22Notices:
    """Polls notices and works on them until cancelled.

    Args:
        settings: how often, how many looks.
        client: makes the calls.
        words: which notice means what.
        desk: answers checks.
        ledger: keeps notices until they are dealt with.
    """

    def __init__(
        self,
        settings: V22Settings,
        client: V22Client,
        words: V22Words,
        desk: V22Desk,
        ledger: Ledger,
    ) -> None:
        self._settings = settings
        self._client = client
        self._words = words
        self._desk = desk
        self._ledger = ledger

    async def live(self, receiver: Receiver) -> None:
        """Poll, work, and again.

        Raises:
            DeliveryError: the bridge cannot go on (BRG-003).
            StoreError: the ledger is out of order.
        """
        busy: dict[tuple[str, str], asyncio.Task[None]] = {}
        places = asyncio.Semaphore(_AT_ONCE)
        try:
            while True:
                await self._poll()
                for notice in self._ledger.open_notices():
                    key = (notice.name, notice.notice_id)
                    if key not in busy:
                        busy[key] = asyncio.create_task(self._work(receiver, notice, places))
                await self._rest(busy)
        finally:
            for task in busy.values():
                task.cancel()
            await asyncio.gather(*busy.values(), return_exceptions=True)

    async def _rest(self, busy: dict[tuple[str, str], asyncio.Task[None]]) -> None:
        """Until the next poll; a task's fault comes out here."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._settings.poll_s
        while (left := until - loop.time()) > 0:
            if not busy:
                await asyncio.sleep(left)
                return
            done, _ = await asyncio.wait(
                busy.values(), timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            for key in [key for key, task in busy.items() if task in done]:
                busy.pop(key).result()

    async def _poll(self) -> None:
        for name in self._words.mapping.notices:
            try:
                await self._fetch(name)
            except CityAwayError as fault:
                _log.warning("notices_away", where=fault.where, what=fault.what)
            except CityRefusedError as fault:
                _log.warning("notices_refused", notice=name, words=fault.words)

    async def _fetch(self, name: str) -> None:
        """Keep what is ours, on disk, before signing for it."""
        kept = []
        for page in range(1, _MOST_PAGES + 1):
            asked = {"noticeName": name, "curPage": page, "numPerPage": _PER_PAGE}
            result = await self._client.call("GET_NOTICE_INFO", asked, uid_of(name, page))
            found = _items(result.get("resultList"))
            for item in found:
                notice = Notice(name, str(item["noticeId"]), _text(item.get("noticeData")))
                # A sender code may be shared: what is not ours is another system's to sign for.
                if self._ledger.case(str(_data(notice).get("caseId"))) is not None:
                    self._ledger.take_notice(notice)
                    kept.append({"noticeId": item["noticeId"]})
            if len(found) < _PER_PAGE:
                break
        if kept:
            numbers = [item["noticeId"] for item in kept]
            await self._client.call(
                "NOTICE_SIGNING", {"noticeList": kept}, uid_of("sign", name, numbers)
            )

    async def _work(self, receiver: Receiver, notice: Notice, places: asyncio.Semaphore) -> None:
        async with places:
            outcome = await self._outcome(receiver, notice)
        result = "open" if outcome is None else outcome.partition(":")[0]
        metrics.NOTICES.labels(notice=notice.name, result=result).inc()
        if outcome is None:
            return  # the next poll takes it up
        self._ledger.close_notice(notice, outcome)
        _log.info("notice_done", notice=notice.notice_id, name=notice.name, outcome=outcome)

    async def _outcome(self, receiver: Receiver, notice: Notice) -> str | None:
        """None: it is open still."""
        try:
            return await self._deal(receiver, notice)
        except CityRefusedError as fault:
            return None if fault.do is Do.AGAIN else f"refused: {fault.words}"
        except CityAwayError:
            return None
        except DeliveryError as fault:
            if fault.code is Code.BRG_STOPPED:
                raise
            _log.warning("box_silent", notice=notice.notice_id, what=fault.what)
            return None
        except StoreError as fault:
            if fault.code is not Code.EVI_MISSING:
                raise
            return f"left to people: {fault.what}"

    async def _deal(self, receiver: Receiver, notice: Notice) -> str:
        what = self._words.mapping.notices.get(notice.name, "note")
        data = _data(notice)
        case = self._ledger.case(str(data.get("caseId")))
        if case is None or what == "note":
            return "noted"
        if what == "check":
            return await self._check(receiver, notice, case)
        verdict: Verdict = "right" if what == "right" else self._void_verdict(data)
        reply = await receiver.request(
            case.box,
            "feedback",
            by=_BY,
            request_id=uid_of("notice", notice.name, notice.notice_id),
            case_id=case.case_id,
            feedback=FeedbackData(verdict=verdict, note=_reason(data), by=_BY),
        )
        return f"feedback {verdict}: {reply.data.result}"

    def _void_verdict(self, data: dict[str, Any]) -> Verdict:
        reason = _reason(data)
        for word, verdict in self._words.mapping.void_words.items():
            if word in reason:
                return verdict
        return "pointless"

    async def _check(self, receiver: Receiver, notice: Notice, case: CityCase) -> str:
        reply: Reply = await receiver.request(
            case.box,
            "verify",
            by=_BY,
            within_s=self._settings.check_within_s,
            request_id=uid_of("notice", notice.name, notice.notice_id),
            case_id=case.case_id,
            purpose="post_handling_check",
            looks=self._settings.check_looks,
            over_s=self._settings.check_over_s,
        )
        if reply.data.result not in {"present", "gone"}:
            # Neither "passed" nor "not passed" would be true: people look.
            _log.warning("check_open", case=case.case_id, result=reply.data.result)
            return f"left to people: {reply.data.result}, {reply.data.reason.zh}"
        chosen = {item.sha256 for item in self._words.chosen(reply.data.evidence)}
        pictures = await read_pictures([f for f in reply.evidence if f.info.sha256 in chosen])
        passed = reply.data.result == "gone"
        body = self._words.check(reply.data, case.case_id, passed=passed)
        await self._desk.answer_check(case, f"{notice.name}/{notice.notice_id}", body, pictures)
        return f"checked: {reply.data.result}"


def _data(notice: Notice) -> dict[str, Any]:
    try:
        found = json.loads(notice.data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _items(found: object) -> list[dict[str, Any]]:
    """Notices of a page, whatever else stands there."""
    listed = found if isinstance(found, list) else []
    return [
        item
        for item in listed
        if isinstance(item, dict) and isinstance(item.get("noticeId"), int | str)
    ]


def _text(data: object) -> str:
    """The document shows a JSON text in a JSON text; an object is as good."""
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)


def _reason(data: dict[str, Any]) -> str:
    for field in ("cancelReason", "applyReason", "disposeOpinion", "archiveOpinion", "opinion"):
        if isinstance(data.get(field), str) and data[field]:
            return str(data[field])[:1000]
    return ""
