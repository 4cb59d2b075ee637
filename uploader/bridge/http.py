"""One paced HTTP client for a city's system; it says whether a request can have arrived."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from edge.errors import Code, ConfigError
from uploader.bridge import metrics
from uploader.bridge.faults import CityAwayError
from uploader.bridge.settings import HttpSettings
from uploader.bridge.sm2 import needed

_CONNECT_S = 10.0
_TOO_MANY = 429
_SERVER = 500
_TIMEOUT = 408


class Answer:
    """What came back.

    Attributes:
        status: of HTTP.
        body: the object, if it was JSON.
        text_all, text: the text, and so much of it as a message may quote.
    """

    def __init__(self, status: int, body: dict[str, Any] | None, text: str) -> None:
        self.status = status
        self.body = body
        self.text_all = text
        self.text = text[:200]


class Http:
    """Calls one city's system, one call at a time and no faster than agreed.

    Args:
        settings: address, time-outs, pace.
        digest: user and password, where the system wants HTTP digest.

    Raises:
        ConfigError: the extra ``bridge`` is not installed (RUN-002), or ``ca_file`` is no
            certificate (BRG-001).
    """

    def __init__(self, settings: HttpSettings, digest: tuple[str, str] | None = None) -> None:
        needed("httpx")
        import httpx

        # At INFO it logs every URL, and the token is in the query.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        logging.getLogger("httpcore").setLevel(logging.WARNING)
        self._httpx = httpx
        self.where = urlsplit(settings.url).netloc
        self._gap_s = 60.0 / settings.per_minute
        self._next_at = 0.0
        self._turn = asyncio.Lock()
        self._client = httpx.AsyncClient(
            auth=httpx.DigestAuth(*digest) if digest else None,
            timeout=httpx.Timeout(settings.timeout_s, connect=min(_CONNECT_S, settings.timeout_s)),
            verify=_trust(settings.ca_file),
            trust_env=False,
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def call(
        self,
        action: str,
        method: str,
        url: str,
        *,
        body: object = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        free: bool = False,
    ) -> Answer:
        """One request.

        Args:
            action: its name in the metrics.
            method, url, query, headers: of the request.
            body: sent as JSON in UTF-8.
            free: do not wait for the pace (logins, keep-alives).

        Raises:
            CityAwayError: no answer, or one that says nothing of the request (BRG-002).
        """
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
        async with self._turn:
            if not free:
                await self._pace()
            began = time.monotonic()
            try:
                answer = await self._send(method, url, content, query, headers)
            except CityAwayError:
                metrics.CALLS.labels(action=action, result="away").inc()
                metrics.CITY_UP.set(0)
                raise
        metrics.CALLS.labels(action=action, result="answered").inc()
        metrics.CALL_SECONDS.labels(action=action).observe(time.monotonic() - began)
        metrics.CITY_UP.set(1)
        return answer

    async def _pace(self) -> None:
        now = time.monotonic()
        if self._next_at > now:
            await asyncio.sleep(self._next_at - now)
        self._next_at = max(now, self._next_at) + self._gap_s

    async def _send(
        self,
        method: str,
        url: str,
        content: bytes | None,
        query: dict[str, str] | None,
        headers: dict[str, str],
    ) -> Answer:
        httpx = self._httpx
        try:
            reply = await self._client.request(
                method, url, content=content, params=query, headers=headers
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise CityAwayError(self.where, _why(error), lost=False) from None
        except httpx.HTTPError as error:
            raise CityAwayError(self.where, _why(error)) from None
        if reply.status_code in {_TOO_MANY, _TIMEOUT} or reply.status_code >= _SERVER:
            # A gateway's 502 or 504 does not say how far the request got behind it.
            raise CityAwayError(
                self.where,
                f"HTTP {reply.status_code}",
                lost=reply.status_code != _TOO_MANY,
                wait_s=_retry_after(reply.headers.get("Retry-After")),
            )
        return Answer(reply.status_code, _object(reply.content), reply.text)


def _why(error: Exception) -> str:
    # The text of some names the URL, and with it the token.
    return f"no answer ({type(error).__name__})"


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _retry_after(text: str | None) -> float | None:
    return min(float(text), 3600.0) if text is not None and text.isdigit() else None


def _trust(ca_file: Path | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            Code.BRG_MAPPING, str(ca_file), str(error), "Give a PEM file of certificates"
        ) from error
