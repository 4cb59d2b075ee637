"""The status page: loopback unless told otherwise, works without the Internet.

Who may do what is said in one list, :data:`edge.console.access.gate.RULES`; log-in, users and audit
log have their routes in :mod:`edge.console.access.routes`.

- ``/``: the page
- ``/api/status``: box, way to the platform, cameras; ``cases_version`` grows with the cases
- ``/api/cases``: the cases on the board, newest first
- ``POST /api/outbox/{seq}/resend``: 200, or 404 when it is no dead letter
- ``/looks/{camera}.jpg``: latest look with boxes and zones, heads and plates blurred
- ``/evidence/{sha256}/clip``: a clip of a case on the board
- ``/evidence/{sha256}.jpg``: a picture of a case on the board; with ``?small`` its thumbnail, where
  it has one; 409 with the reason where the file is not as it was sealed
- ``/metrics``: Prometheus
- ``/healthz``: 200, or 503 with the reasons; :func:`edge.console.wire.faults_of` has the rule
"""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from edge.cases.metadata import thumbnail_in
from edge.config.console import ConsoleSettings
from edge.console.access.gate import HostCheck, guard
from edge.console.access.policy import Access, may_act
from edge.console.access.routes import door_routes
from edge.console.access.tls import check_tls
from edge.console.answers import NOT_LOGGED, STATIC, failed, forbidden, refused
from edge.console.board import Board
from edge.console.looked import Looking
from edge.console.viewer import viewer
from edge.console.wire import cases_of, faults_of, notes_of, status_of
from edge.errors import Code, GridpatrolError, StoreError
from edge.telemetry.metrics import REGISTRY
from uploader.contract.messages import MAX_EVIDENCE_BYTES

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_CLIPS = {".webm": "video/webm", ".mp4": "video/mp4"}
Resend = Callable[[int], bool]


class _SafeHeaders(BaseHTTPMiddleware):
    async def dispatch(
        self, request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def _resending(resend: Resend | None) -> Callable[[Request], Response]:
    """The handler that sends a rejected letter again."""

    def handler(request: Request) -> Response:
        if resend is None:
            return forbidden("run gridpatrol outbox resend on the box")
        seq = request.path_params["seq"]
        try:
            if resend(seq):
                return JSONResponse({"seq": seq})
        except GridpatrolError as error:
            return failed(error)
        return refused(Code.CON_NO_LETTER, f"no rejected letter has the number {seq}", 404)

    return handler


async def _store_failed(_request: Request, error: Exception) -> Response:
    """Users or audit log cannot be read or written: nobody is let in."""
    return failed(error) if isinstance(error, GridpatrolError) else Response(None, 500)


def _sealed(path: Path, sha256: str) -> bytes:
    """A picture as it was sealed; anything else was never redacted here and is not shown.

    Raises:
        StoreError: it is gone (EVI-001), or not what it was (EVI-002).
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_EVIDENCE_BYTES else b""
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise StoreError(Code.EVI_MISSING, path.name, what, "Restore it") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        fix = "Compare with the platform's copy"
        raise StoreError(Code.EVI_ALTERED, path.name, "is not as it was sealed", fix)
    return data


def make_app(
    board: Board,
    access: Access,
    *,
    resend: Resend | None = None,
    more: Sequence[BaseRoute] = (),
    looking: Looking | None = None,
) -> Starlette:
    """The page and its data.

    Args:
        board: what is shown.
        access: who may see and do what.
        resend: makes a dead letter due again and tells whether there was one; None refuses.
        more: pages beside this one; each route needs a rule in :mod:`edge.console.access.gate`.
        looking: is told who is shown what; None: nobody is.

    Raises:
        LookupError: one has none.
    """

    async def index(_request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def status(request: Request) -> Response:
        may = resend is not None and may_act(viewer(request))
        return JSONResponse({**status_of(board.snapshot()), "can_resend": may})

    async def cases(_request: Request) -> Response:
        return JSONResponse(cases_of(board.snapshot()))

    # Drawing and disk reads: plain functions, which Starlette runs beside the event loop.
    def look(request: Request) -> Response:
        camera = request.path_params["camera"]
        data = board.look_jpeg(camera)
        if data and looking:
            looking.saw(request, [camera], "live")
        return Response(data, media_type="image/jpeg") if data else Response(status_code=404)

    def stored(request: Request) -> tuple[Path, bytes] | Response:
        """A file of a case on the board, as it was sealed; who is shown it is written down."""
        sha256 = request.path_params["sha256"]
        found = board.evidence(sha256)
        if found is None or not found[0].is_file():
            return Response(status_code=404)
        path, case = found
        cameras = sorted({source.camera_id for source in case.sources})
        if looking and not looking.saw(request, cameras, "case", case.case_id):
            return refused(Code.CON_NOT_LOGGED, NOT_LOGGED, 503)
        try:
            return path, _sealed(path, sha256)
        except StoreError as error:
            return Response(str(error), 409, media_type="text/plain; charset=utf-8")

    def evidence(request: Request) -> Response:
        found = stored(request)
        if isinstance(found, Response):
            return found
        small = thumbnail_in(found[1]) if "small" in request.query_params else None
        return Response(small or found[1], media_type="image/jpeg")

    def clip(request: Request) -> Response:
        found = stored(request)
        if isinstance(found, Response):
            return found
        media_type = _CLIPS.get(found[0].suffix)
        if media_type is None:
            return Response(status_code=404)
        return FileResponse(
            found[0], media_type=media_type
        )  # answers ranges: some players want them

    def metrics(_request: Request) -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    async def health(_request: Request) -> Response:
        now = board.snapshot()
        faults = faults_of(now)
        body = {"ok": not faults, "faults": faults, "notes": notes_of(now)}
        return JSONResponse(body, 503 if faults else 200)

    routes: list[BaseRoute] = [
        Route("/", index),
        Route("/api/status", status),
        Route("/api/cases", cases),
        Route("/api/outbox/{seq:int}/resend", _resending(resend), methods=["POST"]),
        Route("/looks/{camera}.jpg", look),
        Route("/evidence/{sha256}.jpg", evidence),
        Route("/evidence/{sha256}/clip", clip),
        Route("/metrics", metrics),
        Route("/healthz", health),
        *more,
        *door_routes(access),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    return Starlette(
        routes=guard(routes, access),
        middleware=[Middleware(_SafeHeaders), Middleware(HostCheck, access=access)],
        exception_handlers={GridpatrolError: _store_failed},
    )


class ConsoleServer:
    """Serves the page from a thread of its own.

    Args:
        host, port: where to listen; port 0 takes a free one.
        board: what is shown.
        resend: see :func:`make_app`.
        more: pages beside it.
        access: who may come; without it whoever reaches loopback, and nothing is written down.
        looking: is told who is shown what.

    Raises:
        AccessError: certificate or key is not fit (CON-007).
    """

    def __init__(
        self,
        host: str,
        port: int,
        board: Board,
        resend: Resend | None = None,
        *,
        more: Sequence[BaseRoute] = (),
        access: Access | None = None,
        looking: Looking | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self.access = access or Access(ConsoleSettings(host=host))
        self._tls = self.access.settings.tls
        if self._tls is not None:
            check_tls(self._tls)
        self._server = uvicorn.Server(
            uvicorn.Config(
                make_app(board, self.access, resend=resend, more=more, looking=looking),
                log_config=None,
                access_log=False,
                lifespan="off",
                proxy_headers=False,  # it would believe X-Forwarded-For of anybody on loopback
                server_header=False,
                ssl_certfile=self._tls.cert if self._tls else None,
                ssl_keyfile=self._tls.key if self._tls else None,
            )
        )
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Open the port and serve; returns the page's address.

        Raises:
            GridpatrolError: the port is taken or not allowed.
        """
        listener = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
            listener.listen()  # from here on the address that is returned answers
        except OSError as error:
            listener.close()
            raise GridpatrolError(
                Code.RUN_PORT,
                f"{self._host}:{self._port}",
                f"the status page cannot listen there ({error.strerror})",
                "Change console.port, or set it to 0 for a free one",
            ) from error
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="console", daemon=True
        )
        self._thread.start()
        name = f"[{self._host}]" if ":" in self._host else self._host
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{name}:{listener.getsockname()[1]}/"

    def stop(self) -> None:
        """Stop serving."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=5.0)
        self.access.close()
