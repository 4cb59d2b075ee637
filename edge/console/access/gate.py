"""What every route asks of whoever comes: the one list, and the gate that holds to it.

A route without a rule does not start: nothing is open because somebody forgot.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.config.console import Role
from edge.console.access.policy import RANK, Access
from edge.console.answers import failed, forbidden, refused
from edge.console.viewer import SCOPE, Viewer
from edge.errors import Code, GridpatrolError

ABOUT = "gridpatrol.about"
"""Scope key by which a handler adds to what the audit log says of a change."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use a route.

    Attributes:
        needs: the least role; ``probe``: whoever may see health and metrics; ``anybody``.
        action: what the audit log calls a change; empty: the handler writes its own line.
        page: a person opens it: without log-in they are led to it.
        polled: the page asks by itself: that keeps no session alive.
    """

    needs: Role | Literal["anybody", "probe"]
    action: str = ""
    page: bool = False
    polled: bool = False


RULES: dict[str, Rule] = {
    "GET /": Rule("viewer", page=True),
    "GET /api/status": Rule("viewer", polled=True),
    "GET /api/cases": Rule("viewer", polled=True),
    "GET /looks/{camera}.jpg": Rule("viewer", polled=True),
    "GET /evidence/{sha256}.jpg": Rule("viewer", polled=True),
    "GET /evidence/{sha256}/clip": Rule("viewer"),
    "POST /api/outbox/{seq:int}/resend": Rule("operator", "letter.resend"),
    "GET /review": Rule("viewer", page=True),
    "GET /api/review": Rule("viewer", polled=True),
    "POST /api/review/{case}": Rule("operator", "case.verdict"),
    "GET /review/{case}/{role}.jpg": Rule("viewer"),
    "GET /api/cameras/{camera}": Rule("viewer"),
    "GET /metrics": Rule("probe"),
    "GET /healthz": Rule("probe"),
    "GET /static": Rule("anybody"),
    "GET /login": Rule("anybody"),
    "GET /enter": Rule("anybody"),
    "GET /api/me": Rule("anybody", polled=True),
    "POST /api/login": Rule("anybody"),
    "POST /api/enter": Rule("anybody"),
    "POST /api/logout": Rule("viewer", "logout"),
    "GET /users": Rule("admin", page=True),
    "GET /api/users": Rule("admin"),
    "POST /api/users": Rule("admin", "user.add"),
    "POST /api/users/{name}/role": Rule("admin", "user.role"),
    "POST /api/users/{name}/link": Rule("admin", "user.link"),
    "POST /api/users/{name}/remove": Rule("admin", "user.remove"),
    "GET /audit": Rule("admin", page=True),
    "GET /api/audit": Rule("admin"),
}


def guard(routes: Iterable[BaseRoute], access: Access) -> list[BaseRoute]:
    """The same routes, each behind its rules.

    Raises:
        LookupError: one has no rule in :data:`RULES`.
    """
    guarded: list[BaseRoute] = []
    for route in routes:
        if not isinstance(route, Route | Mount):
            raise LookupError(f"{route} is no kind of route that has a rule")
        route.app = Gate(route.app, rules_of(route), access)
        guarded.append(route)
    return guarded


def rules_of(route: Route | Mount) -> dict[str, Rule]:
    """Rule by method; HEAD is as GET.

    Raises:
        LookupError: one has no rule.
    """
    methods = (route.methods or set()) if isinstance(route, Route) else {"GET"}
    try:
        return {m: RULES[f"{m} {route.path}"] for m in methods - {"HEAD"}}
    except KeyError as missing:
        raise LookupError(f"{missing} has no rule in edge.console.access.gate") from None


class Gate:
    """ASGI: lets through whom the rule lets through, and writes down who changed what."""

    def __init__(self, app: ASGIApp, rules: dict[str, Rule], access: Access) -> None:
        self._app = app
        self._rules = rules
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        rule = self._rules.get("GET" if request.method == "HEAD" else request.method)
        if rule is None:
            await PlainTextResponse("Method Not Allowed", 405)(scope, receive, send)
            return
        try:
            who = await run_in_threadpool(self._access.who, request, used=not rule.polled)
            scope[SCOPE] = who
            refusal = self._refusal(request, who, rule)
            if refusal is not None:
                if who is not None:  # strangers are counted elsewhere: they must not fill the log
                    await self._note(rule, request, who, str(Code.CON_FORBIDDEN))
                await refusal(scope, receive, send)
                return
        except GridpatrolError as error:
            await failed(error)(scope, receive, send)
            return
        if rule.action and who is not None:
            await self._noted(rule, request, who, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, request: Request, who: Viewer | None, rule: Rule) -> Response | None:
        needs = rule.needs
        if needs == "probe":
            if self._access.may_probe(request, who):
                return None
            what = "health and metrics are for this machine, users, and console.probe_token"
            return refused(Code.CON_LOGIN, what, 401)
        if needs != "anybody":
            if who is None:
                return self._strange(rule)
            if RANK[who.role] < RANK[needs]:
                what = f"{who.name} is {who.role}; this takes {needs}"
                return forbidden(what)
        if request.method not in ("GET", "HEAD") and not self._access.from_here(request, who):
            what = "the page's token is missing or old; load the page again"
            return forbidden(what)
        return None

    def _strange(self, rule: Rule) -> Response:
        if self._access.mode == "login":
            if rule.page:
                return RedirectResponse("/login", 303)
            return refused(Code.CON_LOGIN, "log in first", 401)
        what = "came through a proxy, but console.access is local"
        if self._access.mode == "proxy":
            what = "no user that the proxy named and console.proxy gives a role"
        return forbidden(what)

    async def _noted(
        self, rule: Rule, request: Request, who: Viewer, receive: Receive, send: Send
    ) -> None:
        """Written down before the answer goes out."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = int(message["status"])
                await self._note(rule, request, who, "ok" if status < 400 else str(status))
            await send(message)

        await self._app(request.scope, receive, noting)

    async def _note(self, rule: Rule, request: Request, who: Viewer, outcome: str) -> None:
        if not self._access.audit:
            return
        about = " ".join(str(value) for value in request.path_params.values())
        more = request.scope.get(ABOUT, "")
        await run_in_threadpool(
            self._access.audit.write,
            who.name,
            rule.action or f"{request.method} {request.url.path}",
            f"{about} {more}".strip(),
            outcome,
            role=who.role,
            address=who.address,
        )


class HostCheck:
    """ASGI: only names of this box are answered, which stops DNS rebinding."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            request = Request(scope)
            if not self._access.answers_to(request.headers.get("host", "")):
                what = "this box is not called so; console.hosts lists its names"
                await refused(Code.CON_FORBIDDEN, what, 400)(scope, receive, send)
                return
        await self._app(scope, receive, send)
