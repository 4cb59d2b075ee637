"""Answers: what a request came to, in words, with pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from edge.app.in_chinese import in_chinese
from edge.app.visits import Outcome, Visit, together
from edge.cases.answers import AnswerLabel, AnswerRoom
from edge.cases.desk import CaseDesk
from edge.cases.draft import CaseDraft, EvidenceItem
from edge.cases.record import CaseRecord
from edge.cases.store import CaseStore
from edge.clock import Clock, utc_now
from edge.config.model import CameraSettings
from edge.errors import Code, GridpatrolError, RequestError
from edge.grid.locate import where_stands
from edge.review.verdicts import Verdict, VerdictStore
from edge.scenes.finding import Words
from uploader.contract.build import evidence_of
from uploader.contract.messages import BilingualText, LookResult, ReplyData, RequestData

_MOST_LOOKS = 20
_TITLES = {
    "present": Words("核查：仍在", "Verify: still there"),
    "gone": Words("核查：已消失", "Verify: gone"),
    "cannot_tell": Words("核查：无法判断", "Verify: cannot tell"),
}
_VERDICTS = {
    Verdict.RIGHT: Words("属实", "right"),
    Verdict.WRONG: Words("不属实", "wrong"),
    Verdict.DUPLICATE: Words("重复", "duplicate"),
    Verdict.POINTLESS: Words("无处置意义", "pointless"),
}

Result = Literal["present", "gone", "cannot_tell", "done", "refused", "expired", "failed"]


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that is done.

    Attributes:
        reply: the one answer, to be stored before it is sent.
        evidence: its files, on disk.
        drafts: revisions of cases that it led to, committed.
    """

    reply: ReplyData
    evidence: tuple[EvidenceItem, ...] = ()
    drafts: tuple[CaseDraft, ...] = ()


class Answerer:
    """Makes answers. One thread calls it.

    Args:
        box_id: this box.
        time_zone: of captions, for cameras without their own.
        cameras: settings by camera id.
        store: the cases.
        desk: takes back what people say is wrong.
        room: keeps the pictures.
        verdicts: keep what people say.
        clock: what time it is.
    """

    def __init__(
        self,
        *,
        box_id: str,
        time_zone: str,
        cameras: Mapping[str, CameraSettings],
        store: CaseStore,
        desk: CaseDesk,
        room: AnswerRoom,
        verdicts: VerdictStore,
        clock: Clock = utc_now,
    ) -> None:
        self._box_id = box_id
        self._time_zone = time_zone
        self._cameras = cameras
        self._store = store
        self._desk = desk
        self._room = room
        self._verdicts = verdicts
        self._clock = clock

    def close(self) -> None:
        """Close the store of verdicts."""
        self._verdicts.close()

    def verified(
        self, request: RequestData, case: CaseRecord | None, visits: Sequence[Visit]
    ) -> Answered:
        """The answer to a verify.

        Raises:
            StoreError: the pictures could not be written.
        """
        outcome = together([visit.outcome() for visit in visits], every=case is None)
        before = self._before(case) if case is not None else None
        pictured = [v for v in visits if v.pictured is not None]
        pictured.sort(key=lambda v: v.aim.box is None)
        reasons = [outcome.reason]
        evidence: tuple[EvidenceItem, ...] = ()
        if pictured:
            evidence = self._pictures(request, outcome, pictured[0], before)
            if case is not None and before is None:
                reasons.append(Words("处置前照片已不在本机", "no earlier picture is on the box"))
            elif before is not None and before.camera_id != pictured[0].aim.camera_id:
                reasons.append(Words("前后照片不同机位", "before and after are of two cameras"))
        if before is not None:
            evidence = (before, *evidence)
        return self._answer(
            request, outcome.decision, reasons, evidence, code=outcome.code, visits=visits
        )

    def looked(self, request: RequestData, visit: Visit) -> Answered:
        """The answer to a look: a fresh picture, or why there is none.

        Raises:
            StoreError: the picture could not be written.
        """
        if visit.pictured is None:
            outcome = visit.outcome()
            return self._answer(request, "failed", [outcome.reason], code=outcome.code)
        camera = self._cameras[visit.aim.camera_id]
        label = self._label(request, camera, Words("现场画面", "Fresh picture"))
        evidence = self._room.fresh(visit.pictured[0], label)
        return self._answer(request, "done", [Words("已取得画面", "a fresh picture")], evidence)

    def feedback(self, request: RequestData) -> Answered:
        """Keep what people say of a case; an open case that is wrong is taken back.

        Raises:
            ReviewError: no such case.
            RequestError: nothing is said, or in words of a later version.
            StoreError: nothing was stored.
        """
        said = request.feedback
        if said is None or request.case_id is None or said.verdict not in set(Verdict):
            raise RequestError(
                Code.ASK_UNKNOWN,
                f"request {request.request_id}",
                "feedback needs case_id and a verdict: right, wrong, duplicate or pointless",
                "Compare with docs/platform.md",
            )
        verdict, now = Verdict(said.verdict), self._clock()
        self._verdicts.give(
            request.case_id, verdict, at=None, now=now, reviewer=said.by, note=said.note
        )
        words = _VERDICTS[verdict]
        reasons = [Words(f"已记录：{words.zh}", f"kept: {words.en}")]
        drafts: tuple[CaseDraft, ...] = ()
        if verdict is Verdict.WRONG:
            drafts = self._withdraw(request.case_id, said.by, said.note)
            if drafts:
                reasons.append(Words("案卷已撤回", "the case was withdrawn"))
        return Answered(self._answer(request, "done", reasons).reply, (), drafts)

    def expired(self, request: RequestData) -> Answered:
        """The request came, or its turn came, too late; it was not run."""
        reason = Words("请求已过期，未执行", "the request had expired; it was not run")
        return self._answer(request, "expired", [reason], code=Code.ASK_EXPIRED)

    def refused(self, request: RequestData, error: GridpatrolError) -> Answered:
        """The request cannot be done as it was asked."""
        return self._faulty(request, "refused", error)

    def failed(self, request: RequestData, error: GridpatrolError) -> Answered:
        """The request was begun and could not be brought to its end."""
        return self._faulty(request, "failed", error)

    def _faulty(
        self, request: RequestData, result: Literal["refused", "failed"], error: GridpatrolError
    ) -> Answered:
        reason = Words(
            f"{error.code}：{in_chinese(error.code)}", f"{error.code}: {error.what}. {error.fix}"
        )
        return self._answer(request, result, [reason], code=error.code)

    def _withdraw(self, case_id: str, by: str, note: str) -> tuple[CaseDraft, ...]:
        said = f"{by}: {note}" if note else by
        why = Words(f"人工复核认定不属实（{said}）", f"found wrong on review ({said})")
        draft = self._desk.withdraw(case_id, why)
        return () if draft is None else (draft,)

    def _before(self, case: CaseRecord) -> EvidenceItem | None:
        revisions = self._store.seen_revisions(case.case_id)
        return self._room.before(case.case_id, revisions, case.boxed_by)

    def _pictures(
        self, request: RequestData, outcome: Outcome, visit: Visit, before: EvidenceItem | None
    ) -> tuple[EvidenceItem, ...]:
        if visit.pictured is None:
            return ()
        look, sighting = visit.pictured
        label = self._label(request, self._cameras[visit.aim.camera_id], _TITLES[outcome.decision])
        return self._room.now(look, visit.aim.box, sighting.parts, label, before)

    def _label(self, request: RequestData, camera: CameraSettings, title: Words) -> AnswerLabel:
        return AnswerLabel(
            request.request_id,
            title,
            camera.name_zh or camera.name_en or camera.id,
            camera.time_zone or self._time_zone,
            self._box_id,
            where_stands(camera.position),
        )

    def _answer(
        self,
        request: RequestData,
        result: Result,
        reasons: Sequence[Words],
        evidence: tuple[EvidenceItem, ...] = (),
        *,
        code: Code | None = None,
        visits: Sequence[Visit] = (),
    ) -> Answered:
        reply = ReplyData(
            request_id=request.request_id,
            action=request.action,
            result=result,
            reason=_joined(reasons),
            looks=_looks(visits),
            evidence=tuple(evidence_of(item) for item in evidence),
            at=self._clock(),
            box_id=self._box_id,
            case_id=request.case_id,
            code=str(code) if code is not None else None,
        )
        return Answered(reply, evidence)


def _joined(reasons: Sequence[Words]) -> BilingualText:
    zh, en = "；".join(r.zh for r in reasons), "; ".join(r.en for r in reasons)
    return BilingualText(zh=zh[:4000], en=en[:4000])


def _looks(visits: Sequence[Visit]) -> tuple[LookResult, ...]:
    """Every look in the order of time; the camera is named when there are several."""
    several = len({visit.aim.camera_id for visit in visits}) > 1
    taken = [(sighting, visit.aim.camera_id) for visit in visits for sighting in visit.sightings]
    taken.sort(key=lambda pair: pair[0].at)
    return tuple(
        LookResult(
            at=sighting.at,
            present=sighting.present,
            score=sighting.score,
            note=(f"{camera}: " if several else "") + f"{sighting.note.zh} / {sighting.note.en}",
        )
        for sighting, camera in taken[:_MOST_LOOKS]
    )
