"""A GA/T 1400 view library: register, keep alive, one Scene a case, later pictures as Images.

As public implementations do it: HTTP digest, ``User-Identify`` on every request, JSON objects,
a ``StatusCode`` for each object in the answer.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import structlog

from uploader.bridge import metrics
from uploader.bridge.faults import (
    CityAwayError,
    CityRefusedError,
    Do,
    stopped,
)
from uploader.bridge.gat1400_words import Gat1400Words
from uploader.bridge.http import Answer, Http
from uploader.bridge.ledger import CityCase, Ledger, uid_of
from uploader.bridge.once import Job, Once
from uploader.bridge.settings import Gat1400Settings
from uploader.bridge.v22 import read_pictures
from uploader.bridge.v22_words import Picture
from uploader.receiver import Case, Receiver

_log = structlog.get_logger(__name__)
_CONTENT_TYPE = "application/VIID+JSON;charset=UTF-8"
_GOODBYE_S = 5.0
_UNKNOWN_HERE = {401, 403}


class Gat1400City:
    """A view library.

    Args:
        settings: address and credentials.
        http: carries the calls, with digest authentication.
        ledger: knows what was asked and answered, and gives out serial numbers.
        words: says our case as objects.
    """

    def __init__(
        self, settings: Gat1400Settings, http: Http, ledger: Ledger, words: Gat1400Words
    ) -> None:
        self._settings = settings
        self._http = http
        self._ledger = ledger
        self._words = words
        self._calls = Once(settings, ledger)
        self._url = settings.url.rstrip("/")
        self._registered = False
        self._door = asyncio.Lock()

    async def take(self, case: Case) -> None:
        """Bring one revision there; told again, it does only what is still missing.

        Raises:
            CityAwayError: no answer; try again (BRG-002).
            CityRefusedError: it answered, and said no (BRG-004).
            ContractError: the case cannot be said in the city's words (BRG-001, BRG-004).
            DeliveryError: the bridge cannot go on (BRG-003).
            StoreError: the ledger or the receiver's store is out of order.
        """
        data = case.data
        known = self._ledger.case(data.case_id)
        if known is None and data.status in {"gone", "withdrawn"}:
            return
        facts = self._words.facts(data, case.box, self._ledger.number(f"case {data.case_id}"))
        there = self._ledger.files(data.case_id)
        chosen = {item.sha256 for item in self._words.chosen(data.evidence)} - there
        pictures = [
            (picture, self._ledger.number(f"picture {data.case_id} {picture.info.sha256}"))
            for picture in await read_pictures(
                [f for f in case.evidence if f.info.sha256 in chosen]
            )
        ]
        scene_id = str(facts["scene_id"])
        if known is None:
            body = self._words.scene(facts, pictures)
            await self._once(case, "Scenes", scene_id, body, pictures)
        elif pictures:
            body = self._words.images(facts, pictures)
            first = body["ImageListObject"]["Image"][0]["ImageInfo"]["ImageID"]
            await self._once(case, "Images", first, body, pictures)

    async def live(self, receiver: Receiver) -> None:  # noqa: ARG002 - nothing comes back
        """Register and keep alive until cancelled; then say goodbye.

        Raises:
            DeliveryError: the library refuses this device (BRG-003).
        """
        try:
            while True:
                with suppress(CityAwayError):
                    await self._keep_alive()
                await asyncio.sleep(self._settings.keepalive_s)
        finally:
            if self._registered:
                with suppress(CityAwayError, TimeoutError):
                    async with asyncio.timeout(_GOODBYE_S):
                        await self._system("UnRegister")

    async def _once(
        self,
        case: Case,
        what: str,
        object_id: str,
        body: dict[str, Any],
        pictures: list[tuple[Picture, int]],
    ) -> None:
        data = case.data
        entry = CityCase(data.case_id, case.box, object_id, None)
        numbers = entry if what == "Scenes" else self._ledger.case(data.case_id)

        async def send() -> CityCase | None:
            await self._post(what, body)
            return numbers

        async def there() -> CityCase | None:
            return numbers if await self._has(what, object_id) else None

        files = tuple(picture.info.sha256 for picture, _ in pictures)
        revision = 0 if what == "Scenes" else data.revision
        uid = uid_of("gat1400", data.case_id, revision, what)
        await self._calls.make(Job(uid, data.case_id, data.revision, what, files), send, there)

    async def _post(self, what: str, body: dict[str, Any]) -> None:
        for last in (False, True):
            await self._register()
            answer = await self._call(what, "POST", f"/VIID/{what}", body)
            if answer.status in _UNKNOWN_HERE and not last:
                metrics.REFUSED.labels(action=what, does=Do.LOGIN).inc()
                self._registered = False  # its registration ran out
                continue
            try:
                self._judge(what, answer)
            except CityRefusedError as refused:
                metrics.REFUSED.labels(action=what, does=refused.do).inc()
                raise
            return

    async def _has(self, what: str, object_id: str) -> bool:
        await self._register()
        answer = await self._call(f"{what} there", "GET", f"/VIID/{what}/{object_id}", None)
        return answer.status == 200 and object_id in answer.text_all

    async def _keep_alive(self) -> None:
        await self._register()
        answer = await self._system("Keepalive")
        if answer.status >= 300 or _statuses(answer) != [0]:
            self._registered = False
            await self._register()

    async def _register(self) -> None:
        async with self._door:
            if self._registered:
                return
            answer = await self._system("Register")
            if answer.status in {400, *_UNKNOWN_HERE, 404}:
                raise self._refused_here(f"HTTP {answer.status}")
            codes = _statuses(answer)
            if codes != [0]:
                if any(self._words.mapping.codes.get(str(c)) is Do.AGAIN for c in codes):
                    raise CityAwayError(self._http.where, f"register: {codes}", lost=False)
                raise self._refused_here(f"StatusCode {codes}")
            self._registered = True
            _log.info("library_registered", where=self._http.where)

    def _refused_here(self, what: str) -> Exception:
        return stopped(
            self._http.where,
            f"the view library does not register this device: {what}",
            "Check gat1400.url, device_id, username and password",
        )

    async def _system(self, name: str) -> Answer:
        body = {f"{name}Object": {"DeviceID": self._settings.device_id}}
        return await self._call(name, "POST", f"/VIID/System/{name}", body, free=True)

    async def _call(
        self, action: str, method: str, path: str, body: object, *, free: bool = False
    ) -> Answer:
        headers = {"Content-Type": _CONTENT_TYPE, "User-Identify": self._settings.device_id}
        return await self._http.call(
            action, method, self._url + path, body=body, headers=headers, free=free
        )

    def _judge(self, what: str, answer: Answer) -> None:
        where = f"{self._http.where} {what}"
        if answer.status in _UNKNOWN_HERE:
            raise stopped(where, f"HTTP {answer.status}", "Ask for the right to write there")
        codes = _statuses(answer)
        if answer.status >= 300 and not codes:
            if answer.status in {400, 413, 415}:
                raise CityRefusedError(where, f"HTTP {answer.status}: {answer.text}", Do.DEAD)
            raise CityAwayError(where, f"HTTP {answer.status}")
        if not codes:
            raise CityAwayError(where, "an answer without a StatusCode")
        bad = [code for code in codes if code != 0]
        if bad:
            does = {self._words.mapping.codes.get(str(code), Do.DEAD) for code in bad}
            do = Do.DEAD if does != {Do.AGAIN} else Do.AGAIN
            raise CityRefusedError(where, f"StatusCode {bad}: {answer.text}", do)


def _statuses(answer: Answer) -> list[int]:
    """Every ``StatusCode`` of an answer, of one object or of a list of them."""
    body = answer.body or {}
    listed = body.get("ResponseStatusListObject")
    found = listed.get("ResponseStatusObject") if isinstance(listed, dict) else None
    if found is None:
        found = body.get("ResponseStatusObject")
    items = found if isinstance(found, list) else [found]
    codes = [str(item.get("StatusCode")) for item in items if isinstance(item, dict)]
    return [int(code) for code in codes if code.isdecimal()]
