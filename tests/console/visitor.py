"""Somebody who talks to the console over real HTTP and keeps cookies, as a browser does."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from edge.config.console import Role
from edge.console.access.policy import CSRF_HEADER, Access

PASSWORD = "four words of rain"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Visitor:
    """One browser; ``headers`` go along with every request."""

    def __init__(self, url: str, **headers: str) -> None:
        self.url = urlsplit(url)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.cookies: dict[str, str] = {}

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        return self._ask(method, path, None, headers or {})

    def post(self, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        """As the page does: with its token."""
        given = {CSRF_HEADER: self.get("/api/me").json()["csrf"], **(headers or {})}
        return self.raw_post(path, body, given)

    def raw_post(
        self, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body)
        return self._ask("POST", path, data, headers or {})

    def log_in(self, access: Access, name: str, role: Role) -> None:
        """By a new user's link."""
        assert access.accounts is not None
        token = access.accounts.add(name, role)
        assert self.post("/api/enter", {"token": token, "password": PASSWORD}).status == 200

    def _ask(
        self, method: str, path: str, body: str | bytes | None, headers: dict[str, str]
    ) -> Answer:
        if self.url.scheme == "https":
            trusting = ssl._create_unverified_context()  # noqa: S323
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self.url.netloc, timeout=20, context=trusting
            )
        else:
            connection = http.client.HTTPConnection(self.url.netloc, timeout=20)
        sent = {**self.headers, **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            read = Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()
        for cookie in read.headers.get_all("set-cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return read


def token(url: str) -> dict[str, str]:
    """The header with which a page changes something, where there is no log-in."""
    return {CSRF_HEADER: Visitor(url).get("/api/me").json()["csrf"]}
