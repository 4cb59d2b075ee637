"""Log-in, users and the audit log over HTTP; JSON in, JSON out.

- ``GET /api/me``: mode, name and role (null without log-in), the token for changes
- ``POST /api/login`` {name, password}: 200 with the cookie, 401, or 429 with ``Retry-After``
- ``POST /api/enter`` {token, password}: uses up a link, sets the password and logs in
- ``POST /api/logout``
- ``GET /api/users``; ``POST /api/users`` {name, role}; ``…/{name}/role`` {role}, ``/link``,
  ``/remove``: what makes a link answers {link}, a path on this box
- ``GET /api/audit``: the newest :data:`SHOWN` entries
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from edge.console.access.accounts import Accounts
from edge.console.access.audit import Audit
from edge.console.access.gate import ABOUT
from edge.console.access.policy import RANK, Access, throttle_key
from edge.console.answers import STATIC, failed, refused
from edge.console.viewer import SCOPE
from edge.errors import AccessError, Code

SHOWN = 500
_BODY_MOST = 4096


def link_path(token: str) -> str:
    """Behind the ``#``, so that no log, proxy or Referer sees the token."""
    return f"/enter#{token}"


class Door:
    """The handlers of log-in, users and audit."""

    def __init__(self, access: Access, accounts: Accounts, audit: Audit) -> None:
        self._access = access
        self._accounts = accounts
        self._audit = audit

    def routes(self) -> list[Route]:
        """All of them; :data:`edge.console.access.gate.RULES` says for whom."""
        return [
            Route("/login", self._page("login.html")),
            Route("/enter", self._page("login.html")),
            Route("/users", self._page("users.html")),
            Route("/audit", self._page("audit.html")),
            Route("/api/login", self.login, methods=["POST"]),
            Route("/api/enter", self.enter, methods=["POST"]),
            Route("/api/logout", self.logout, methods=["POST"]),
            Route("/api/users", self.users),
            Route("/api/users", self.add, methods=["POST"]),
            Route("/api/users/{name}/role", self.role, methods=["POST"]),
            Route("/api/users/{name}/link", self.link, methods=["POST"]),
            Route("/api/users/{name}/remove", self.remove, methods=["POST"]),
            Route("/api/audit", self.log),
        ]

    def _page(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        async def page(_request: Request) -> Response:
            return FileResponse(STATIC / name)

        return page

    async def login(self, request: Request) -> Response:
        """Failures look and last the same, whether or not there is such a user."""
        told = await _told(request, "name", "password")
        if told is None:
            return _unreadable()
        name, password = told["name"].strip().lower(), told["password"]
        address = self._access.address(request)
        if (wait := self._wait(address, name)) > 0:
            return await self._too_many(address, wait)
        if not await run_in_threadpool(self._accounts.check, name, password):
            # What is no user may be a password in the wrong field: never written down.
            known = any(user.name == name for user in self._accounts.users())
            who = name if known else "?"
            self._audit.write(who, "login", outcome=str(Code.CON_WRONG), address=address)
            return refused(Code.CON_WRONG, "name or password is wrong", 401)
        self._access.addresses.give_back(throttle_key(address))
        self._access.names.give_back(name)
        return await run_in_threadpool(self._let_in, request, name, "login")

    async def enter(self, request: Request) -> Response:
        """By a one-time link."""
        told = await _told(request, "token", "password")
        if told is None:
            return _unreadable()
        address = self._access.address(request)
        if (wait := self._access.addresses.take(throttle_key(address))) > 0:
            return await self._too_many(address, wait)
        try:
            name = await run_in_threadpool(self._accounts.enter, told["token"], told["password"])
        except AccessError as error:
            return failed(error, 400)
        if name is None:
            self._audit.write("?", "enter", outcome=str(Code.CON_LINK), address=address)
            what = "this link is used up, too old, or replaced; ask an admin for another"
            return refused(Code.CON_LINK, what, 410)
        self._access.addresses.give_back(throttle_key(address))
        return await run_in_threadpool(self._let_in, request, name, "enter")

    def _let_in(self, request: Request, name: str, action: str) -> Response:
        if old := self._access.token(request):
            self._accounts.close_session(old)
        token = self._accounts.open_session(name)
        self._audit.write(name, action, address=self._access.address(request))
        answer = JSONResponse({"name": name})
        answer.set_cookie(
            self._access.cookie,
            token,
            httponly=True,
            samesite="lax",
            secure=self._access.settings.tls is not None,
            max_age=self._access.settings.session.absolute_h * 3600,
        )
        return answer

    def logout(self, request: Request) -> Response:
        """The session ends here, not only in the browser."""
        if token := self._access.token(request):
            self._accounts.close_session(token)
        answer = JSONResponse({})
        secure = self._access.settings.tls is not None
        answer.delete_cookie(self._access.cookie, httponly=True, samesite="lax", secure=secure)
        return answer

    def users(self, _request: Request) -> Response:
        """Everybody."""
        return JSONResponse({"users": [asdict(user) for user in self._accounts.users()]})

    async def add(self, request: Request) -> Response:
        """A new user and the link for them."""
        told = await _told(request, "name", "role")
        if told is None or told["role"] not in RANK:
            return _unreadable()
        name, role = told["name"].strip().lower(), told["role"]
        request.scope[ABOUT] = f"{name[:40]} {role}"
        try:
            token = await run_in_threadpool(self._accounts.add, name, role)
        except AccessError as error:
            return failed(error, 409)
        return JSONResponse({"link": link_path(token)})

    async def role(self, request: Request) -> Response:
        """Another role; their sessions end."""
        told = await _told(request, "role")
        if told is None or told["role"] not in RANK:
            return _unreadable()
        request.scope[ABOUT] = told["role"]
        name, role = request.path_params["name"], told["role"]
        try:
            await run_in_threadpool(self._accounts.set_role, name, role)
        except AccessError as error:
            return failed(error, 409)
        return JSONResponse({})

    def link(self, request: Request) -> Response:
        """A link to choose a new password with."""
        try:
            token = self._accounts.link(request.path_params["name"])
        except AccessError as error:
            return failed(error, 409)
        return JSONResponse({"link": link_path(token)})

    def remove(self, request: Request) -> Response:
        """A user goes."""
        try:
            self._accounts.remove(request.path_params["name"])
        except AccessError as error:
            return failed(error, 409)
        return JSONResponse({})

    def log(self, _request: Request) -> Response:
        """Newest first."""
        return JSONResponse({"entries": [asdict(entry) for entry in self._audit.newest(SHOWN)]})

    def _wait(self, address: str, name: str) -> float:
        """Seconds until this address may try this name; a refused address costs the name none."""
        wait = self._access.addresses.take(throttle_key(address))
        return wait or self._access.names.take(name)

    async def _too_many(self, address: str, wait: float) -> Response:
        if self._access.warned.take(throttle_key(address)) == 0:  # once, not once a try
            code = str(Code.CON_TOO_MANY)
            await run_in_threadpool(self._audit.write, "?", "login", "", code, address=address)
        seconds = math.ceil(wait)
        answer = refused(Code.CON_TOO_MANY, f"too many tries; the next one in {seconds} s", 429)
        answer.headers["Retry-After"] = str(seconds)
        return answer


def door_routes(access: Access) -> list[Route]:
    """All there are: without users only who the page is shown to."""
    routes = [_me_route(access)]
    if access.accounts and access.audit:
        routes += Door(access, access.accounts, access.audit).routes()
    return routes


def _me_route(access: Access) -> Route:
    """Who the page is being shown to; there without log-in, too."""

    async def me(request: Request) -> Response:
        who = request.scope.get(SCOPE)
        return JSONResponse(
            {
                "mode": access.mode,
                "name": who.name if who else None,
                "role": who.role if who else None,
                "accounts": access.accounts is not None,
                "csrf": access.csrf(request, who),
            }
        )

    return Route("/api/me", me)


async def _told(request: Request, *names: str) -> dict[str, str] | None:
    """These strings out of a small JSON object; None when it is anything else."""
    text = b""
    async for chunk in request.stream():
        text += chunk
        if len(text) > _BODY_MOST:
            return None
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not all(isinstance(told.get(name), str) for name in names):
        return None
    return {name: told[name] for name in names}


def _unreadable() -> Response:
    return refused(Code.CON_INPUT, "not the JSON object that is asked for here", 400)
