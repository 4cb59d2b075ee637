"""The page on which people judge cases (抽检), one key each, and what their verdicts come to.

- ``/review``: the page
- ``/api/review``: the next cases, how many are left, precision by camera and category and by week,
  proposals
- ``POST /api/review/{case}``: ``{"verdict": "right" | "wrong" | "duplicate" | "pointless"}``;
  ``null`` takes it back. 200, 404 for no such case, 422 for no such verdict
- ``/review/{case}/{near|far}.jpg``: the redacted pictures the case was opened with
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from edge.cases.taxonomy import category
from edge.clock import iso, utc_now
from edge.console.access.policy import may_act
from edge.console.answers import NOT_LOGGED, STATIC, failed, refused
from edge.console.looked import Looking
from edge.console.viewer import Viewer, viewer
from edge.errors import Code, ReviewError, StoreError
from edge.review.precision import (
    LEAST_VERDICTS,
    Precision,
    Proposal,
    Row,
    Week,
    by_camera_and_category,
    by_week,
    propose,
)
from edge.review.sample import ROLES, Sampled, SpotCheck
from edge.review.verdicts import Judged, Verdict, VerdictStore
from edge.scenes.finding import Words

_AHEAD = 6
"""Cases sent at once: the next pictures load while somebody looks at this one."""
_ASKED = timedelta(days=30)
_WEEKS = 12
TARGET = 0.9
"""Precision that proposals keep; as ``gridpatrol review propose`` has it."""
_LONGEST_BODY = 1024


@dataclass(frozen=True, slots=True)
class ReviewRoom:
    """What the page works with.

    Attributes:
        check: the queue.
        names: of cameras, by id.
        time_zone: IANA name; weeks begin on its Mondays.
        looking: is told who is shown what.
    """

    check: SpotCheck
    names: dict[str, Words]
    time_zone: str
    looking: Looking


def review_routes(room: ReviewRoom) -> Sequence[BaseRoute]:
    """The page and its data; see above."""

    async def page(_request: Request) -> Response:
        return FileResponse(STATIC / "review.html")

    # The database and the disk: plain functions, which Starlette runs beside the event loop.
    def overview(request: Request) -> Response:
        try:
            may = may_act(viewer(request))
            return JSONResponse({**_overview(room), "can_judge": may})
        except StoreError as error:
            return failed(error)

    def picture(request: Request) -> Response:
        case_id = request.path_params["case"]
        path = room.check.picture(case_id, request.path_params["role"])
        if path is None:
            return Response(status_code=404)
        if not room.looking.saw(request, room.check.cameras(case_id), "review", case_id):
            return refused(Code.CON_NOT_LOGGED, NOT_LOGGED, 503)
        return FileResponse(path)

    async def judge(request: Request) -> Response:
        case_id, body = request.path_params["case"], await _body(request)
        return await run_in_threadpool(_give, room, case_id, body, _reviewer(viewer(request)))

    return [
        Route("/review", page),
        Route("/api/review", overview),
        Route("/api/review/{case}", judge, methods=["POST"]),
        Route("/review/{case}/{role}.jpg", picture),
    ]


async def _body(request: Request) -> bytes:
    """What was sent; nothing where that is longer than a verdict can be."""
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > _LONGEST_BODY:
            return b""
    return data


def _give(room: ReviewRoom, case_id: str, body: bytes, reviewer: str) -> Response:
    try:
        wanted = json.loads(body)["verdict"]
        verdict = None if wanted is None else Verdict(wanted)
    except (ValueError, KeyError, TypeError, RecursionError):
        allowed = ", ".join(Verdict)
        return refused(Code.CON_INPUT, f'send {{"verdict": one of {allowed}, or null}}', 422)
    try:
        store = VerdictStore(room.check.database)
        try:
            if verdict is None:
                change = "back" if store.take_back(case_id, reviewer) else "same"
            else:
                now = utc_now()
                change = store.give(case_id, verdict, at=now, now=now, reviewer=reviewer)
        finally:
            store.close()
    except ReviewError as error:
        return refused(error.code, f"{error.where}: {error.what}", 404)
    except StoreError as error:
        return failed(error)
    return JSONResponse({"case": case_id, "change": change})


REVIEWER = "console"
"""Who judges on a page without log-in."""


def _reviewer(who: Viewer) -> str:
    return REVIEWER if who.name == "local" else who.name


def _overview(room: ReviewRoom) -> dict[str, object]:
    queue, left = room.check.queue(_AHEAD, since=utc_now() - _ASKED)
    store = VerdictStore(room.check.database)
    try:
        judged = store.judged()
    finally:
        store.close()
    zone = ZoneInfo(room.time_zone)
    return {
        "left": left,
        "judged": len(judged),
        "queue": [_sampled(sampled, room) for sampled in queue],
        "rows": [_row(row, room) for row in by_camera_and_category(judged)],
        "weeks": [_week(week) for week in by_week(judged, zone)[-_WEEKS:]],
        "target": TARGET,
        "least": LEAST_VERDICTS,
        "proposals": _proposals(judged, room),
    }


def _sampled(sampled: Sampled, room: ReviewRoom) -> dict[str, object]:
    case = sampled.case
    kind = category(case.category)
    return {
        "id": case.case_id,
        "kind": case.kind,
        "name": {"zh": kind.name_zh, "en": kind.name_en},
        "code": kind.codes[0].code,
        "camera": _name(sampled.source.camera_id, room),
        "zone": sampled.source.zone_id,
        "cell": case.grid_cell,
        "state": case.state,
        "first_seen": iso(case.first_seen),
        "dwell_s": round((case.last_seen - case.first_seen).total_seconds()),
        "sightings": case.sightings,
        "score": case.score,
        "reasons": [{"zh": words.zh, "en": words.en} for words in sampled.reasons],
        "pictures": [role for role in ROLES if room.check.picture(case.case_id, role)],
        "beside": [
            {
                "id": other.case_id,
                "place": _place(other.place, room),
                "first_seen": iso(other.first_seen),
                "there": room.check.picture(other.case_id, "near") is not None,
            }
            for other in sampled.beside
        ],
    }


def _row(row: Row, room: ReviewRoom) -> dict[str, object]:
    kind = category(row.category)
    return {
        "camera": _name(row.camera_id, room),
        "kind": row.kind,
        "name": {"zh": kind.name_zh, "en": kind.name_en},
        "counts": {verdict.value: count for verdict, count in row.counts.items()},
        "precision": _share(row.precision),
    }


def _week(week: Week) -> dict[str, object]:
    return {"monday": week.monday.isoformat(), "precision": _share(week.precision)}


def _proposals(judged: list[Judged], room: ReviewRoom) -> list[dict[str, object]]:
    proposals = propose(judged, target=TARGET)
    return [_proposal(one, room) for one in proposals if one.outcome in ("raise", "out_of_reach")]


def _proposal(one: Proposal, room: ReviewRoom) -> dict[str, object]:
    return {
        "camera": _name(one.camera_id, room),
        "zone": one.zone_id,
        "outcome": one.outcome,
        "min_score": one.min_score,
        "before": _share(one.before),
        "after": _share(one.after),
        "right_lost": one.right_lost,
    }


def _share(found: Precision) -> dict[str, object]:
    return {
        "right": found.right,
        "judged": found.judged,
        "share": found.share,
        "low": round(found.low, 3),
        "high": round(found.high, 3),
    }


def _place(place: str, room: ReviewRoom) -> dict[str, str]:
    """A place without a name of its own is ``camera/zone``: then the camera's name tells."""
    camera, _, zone = place.partition("/")
    if not zone or camera not in room.names:
        return {"zh": place, "en": place}
    name = room.names[camera]
    return {"zh": f"{name.zh} {zone}", "en": f"{name.en} {zone}"}


def _name(camera_id: str, room: ReviewRoom) -> dict[str, str]:
    name = room.names.get(camera_id, Words(camera_id, camera_id))
    return {"id": camera_id, "zh": name.zh, "en": name.en}
