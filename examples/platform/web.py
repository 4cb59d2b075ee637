"""The pages: read by anybody on this machine, written only from the page itself.

There is no login: it binds loopback. Behind a proxy that knows who is who, give its name with
``--host``; requests of other sites are refused either way.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from edge.errors import StoreError
from examples.platform.desk import Desk
from examples.platform.office import Office
from uploader.receiver import Receiver

_STATIC = Path(__file__).with_name("static")
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PURPOSES = ("pre_filing_verify", "post_handling_check")
_VERDICTS = ("right", "wrong", "duplicate", "pointless")
_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"RIFF": "image/webp"}


class _Guard(BaseHTTPMiddleware):
    """Adds headers, and refuses what another site's page would have a browser send."""

    async def dispatch(
        self, request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        if request.method != "GET":
            site = request.headers.get("sec-fetch-site", "same-origin")
            kind = request.headers.get("content-type", "")
            if site != "same-origin" or not kind.startswith("application/json"):
                return Response(status_code=403)
        response = await call_next(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def make_app(
    receiver: Receiver, desk: Desk, office: Office, *, grid: dict[str, Any], hosts: list[str]
) -> Starlette:
    """The platform's pages and data.

    Args:
        receiver, desk, office: open.
        grid: GeoJSON of the unit grid, drawn under the cases.
        hosts: names these pages answer to.
    """

    async def index(_request: Request) -> Response:
        return FileResponse(_STATIC / "index.html")

    async def overview(_request: Request) -> Response:
        counts = await receiver.counts()
        return JSONResponse(
            {
                "boxes": [asdict(box) for box in await receiver.boxes()],
                "gaps": [asdict(gap) | {"text": str(gap)} for gap in await receiver.gaps()],
                "counts": asdict(counts),
                "news": list(office.news),
                "fault": office.fault,
            }
        )

    async def cases(_request: Request) -> Response:
        return JSONResponse(await desk.cases())

    async def one(request: Request) -> Response:
        found = await desk.case(*_name(request))
        return JSONResponse(found) if found else Response(status_code=404)

    async def verify(request: Request) -> Response:
        purpose = (await _body(request)).get("purpose")
        if purpose not in _PURPOSES or await desk.case(*_name(request)) is None:
            return Response(status_code=400)
        return JSONResponse({"request_id": await office.verify(*_name(request), purpose)})

    async def judge(request: Request) -> Response:
        verdict = (await _body(request)).get("verdict")
        if verdict not in _VERDICTS or await desk.case(*_name(request)) is None:
            return Response(status_code=400)
        await office.judge(*_name(request), verdict)
        return Response(status_code=204)

    async def unchecked(_request: Request) -> Response:
        case, left = await desk.unchecked()
        return JSONResponse({"case": case, "left": left})

    async def evidence(request: Request) -> Response:
        try:
            content = await receiver.evidence(request.path_params["sha256"])
        except StoreError:
            return Response(status_code=404)
        return Response(content, media_type=_media_type(content))

    async def grid_json(_request: Request) -> Response:
        return JSONResponse(grid)

    case = "/api/cases/{city}/{node}/{case_id}"
    return Starlette(
        routes=[
            Route("/", index),
            Route("/api/overview", overview),
            Route("/api/cases", cases),
            Route("/api/unchecked", unchecked),
            Route("/api/grid", grid_json),
            Route(case, one),
            Route(f"{case}/verify", verify, methods=["POST"]),
            Route(f"{case}/verdict", judge, methods=["POST"]),
            Route("/evidence/{sha256:str}", evidence),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts),
            Middleware(_Guard),
        ],
    )


def _name(request: Request) -> tuple[str, str]:
    path = request.path_params
    return f"{path['city']}/{path['node']}", path["case_id"]


async def _body(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.body())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _media_type(content: bytes) -> str:
    """What it is by its first bytes; what a message claims would be believed by a browser."""
    if content[4:8] == b"ftyp":
        return "video/mp4"
    known = (kind for magic, kind in _MAGIC.items() if content.startswith(magic))
    return next(known, "application/octet-stream")
