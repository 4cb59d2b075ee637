"""One case at a time into V22: REPORT once, then what is new, each call once in effect."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from uploader.bridge import metrics
from uploader.bridge.faults import CityAwayError, CityRefusedError
from uploader.bridge.ledger import CityCase, Ledger, uid_of
from uploader.bridge.once import Job, Once
from uploader.bridge.settings import V22Settings
from uploader.bridge.v22_client import V22Client
from uploader.bridge.v22_words import Picture, V22Words, media_name
from uploader.receiver import Case, EvidenceFile

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    """A call to be made once; ``about`` tells apart what case, revision and action do not."""

    box: str
    case_id: str
    revision: int
    action: str
    body: dict[str, Any]
    pictures: Sequence[Picture]
    about: str = ""

    @property
    def uid(self) -> str:
        # A case is reported once, whichever revision comes to do it.
        revision = "" if self.action == "REPORT" else self.revision
        return uid_of(self.case_id, revision, self.action, self.about)

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(picture.info.sha256 for picture in self.pictures)


class V22Desk:
    """Brings revisions to the city.

    Args:
        settings: patience and attempts.
        client: makes the calls.
        words: says our case in the city's words.
        ledger: knows what was asked and answered.
    """

    def __init__(
        self, settings: V22Settings, client: V22Client, words: V22Words, ledger: Ledger
    ) -> None:
        self._client = client
        self._words = words
        self._ledger = ledger
        self._calls = Once(settings, ledger)

    async def take(self, case: Case) -> None:
        """Bring one revision to the city; told again, it does only what is still missing.

        Raises:
            CityAwayError: no answer; try again (BRG-002).
            CityRefusedError: it answered, and said no (BRG-004).
            ContractError: the case cannot be said in the city's words (BRG-001, BRG-004).
            DeliveryError: the bridge cannot go on (BRG-003).
            StoreError: the ledger or the receiver's store is out of order.
        """
        data = case.data
        facts = self._words.facts(data, case.box)
        known = self._ledger.case(data.case_id)
        if known is None:
            attached = data.attached_to and not self._words.mapping.report_attached
            if attached or data.status in {"gone", "withdrawn"}:
                return  # another case of theirs, or one that they never had
            pictures = await self._pictures(case, frozenset())
            body = self._words.say("REPORT", facts, pictures)
            await self._once(_job(case, "REPORT", body, pictures))
            return
        pictures = await self._pictures(case, self._ledger.files(data.case_id))
        if pictures:
            body = self._words.say("UPLOAD_MEDIA", facts, pictures)
            await self._once(_job(case, "UPLOAD_MEDIA", body, pictures))
        for action in self._words.mapping.status.get(data.status, ()):
            body = self._words.say(action, facts)
            await self._once(_job(case, action, body, ()))

    async def answer_check(
        self, case: CityCase, about: str, body: dict[str, Any], pictures: Sequence[Picture]
    ) -> None:
        """Answer a check (核查): its pictures first, then the word.

        Raises:
            CityAwayError, CityRefusedError, DeliveryError, StoreError: as :meth:`take`.
        """
        new = [p for p in pictures if p.info.sha256 not in self._ledger.files(case.case_id)]
        if new:
            media = self._words.say("UPLOAD_MEDIA", {"case_id": case.case_id}, new)
            for item in media["medias"]:
                item["mediaUsage"] = self._words.mapping.medias.usage["after"]
            await self._once(_Job(case.box, case.case_id, 0, "UPLOAD_MEDIA", media, new, about))
        await self._once(_Job(case.box, case.case_id, 0, "CHECK_FEEDBACK", body, (), about))

    async def _pictures(self, case: Case, there: frozenset[str]) -> list[Picture]:
        files = {file.info.sha256: file for file in case.evidence}
        chosen = self._words.chosen(case.data.evidence)
        for item in case.data.evidence:
            if item not in chosen and item.sha256 not in {c.sha256 for c in chosen}:
                metrics.FILES_LEFT_OUT.labels(role=item.role).inc()
                _log.warning("file_left_out", case=case.data.case_id, role=item.role, b=item.bytes)
        return await read_pictures([files[c.sha256] for c in chosen if c.sha256 not in there])

    async def _once(self, job: _Job) -> None:
        about = Job(job.uid, job.case_id, job.revision, job.action, job.files)
        await self._calls.make(about, lambda: self._send(job), lambda: self._there(job))

    async def _send(self, job: _Job) -> CityCase | None:
        result = await self._client.call(job.action, job.body, job.uid)
        if job.action != "REPORT":
            return None
        # "Success" without a number is none yet.
        accepted = _city_case(job.case_id, job.box, result) or await self._there(job)
        if accepted is None:
            raise CityAwayError("REPORT", "accepted without recId, and GET_REC_INFO knows nothing")
        return accepted

    async def _there(self, job: _Job) -> CityCase | None:
        """Whether the city has the effect of a call; None: not, or it cannot be told."""
        info = await self._info(job.case_id)
        found = _city_case(job.case_id, job.box, info)
        if found is None or job.action == "REPORT":
            return found
        names = {media_name(picture.info) for picture in job.pictures}
        medias = info.get("medias")
        listed = medias if isinstance(medias, list) else []
        have = {str(media.get("mediaName")) for media in listed if isinstance(media, dict)}
        return found if names and names <= have else None

    async def _info(self, case_id: str) -> dict[str, Any]:
        body = self._words.say("GET_REC_INFO", {"case_id": case_id})
        try:
            result = await self._client.call("GET_REC_INFO", body, uid_of(case_id, time.time_ns()))
        except CityRefusedError as fault:
            unknown = self._words.mapping.answers.unknown_case
            if any(fault.words.startswith(f"[{code}]") for code in unknown):
                return {}
            raise CityAwayError(fault.where, fault.words) from fault
        info = result.get("recInfo")
        return info if isinstance(info, dict) else {}


def _job(case: Case, action: str, body: dict[str, Any], pictures: Sequence[Picture]) -> _Job:
    return _Job(case.box, case.data.case_id, case.data.revision, action, body, pictures)


async def read_pictures(files: Sequence[EvidenceFile]) -> list[Picture]:
    """The bytes of files, whole and checked."""
    return [Picture(file.info, await file.read()) for file in files]


def _city_case(case_id: str, box: str, found: dict[str, Any]) -> CityCase | None:
    rec_id, task_num = found.get("recId"), found.get("taskNum")
    if not isinstance(rec_id, int | str) or rec_id == "":
        return None
    return CityCase(case_id, box, str(rec_id), None if task_num is None else str(task_num))
