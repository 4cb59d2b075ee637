"""V22's protocol: a token in the query, an envelope around every action, codes in the answer."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from uploader.bridge import metrics
from uploader.bridge.faults import CityAwayError, CityRefusedError, Do, stopped
from uploader.bridge.http import Answer, Http
from uploader.bridge.settings import V22Settings
from uploader.bridge.sm2 import encryption

_log = structlog.get_logger(__name__)
_TOKEN = "egova_openapi_token"  # noqa: S105 - the name of a parameter
_ACTION = "/openapi/v1/action"
_PUBLIC_KEY = "/oauth/extras/openapi/pubkey"
_LOGIN = "/oauth/extras/openapi/client"
_EARLY_S = 60.0
_GENTLE_HTTP = {401: Do.LOGIN, 403: Do.LOGIN, 400: Do.DEAD, 413: Do.DEAD, 415: Do.DEAD}


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    until: float


def refusal(where: str, answer: Answer, codes: Mapping[str, Do]) -> CityRefusedError | None:
    """What a city's answer says no to; None: it says yes.

    Raises:
        CityAwayError: it says nothing, in its own words, of the request (BRG-002).
    """
    if answer.body is None or answer.status >= 300:
        do = _GENTLE_HTTP.get(answer.status)
        if do is None:
            raise CityAwayError(where, f"HTTP {answer.status}, no answer in its own words")
        return CityRefusedError(where, f"HTTP {answer.status}: {answer.text}", do)
    if answer.body.get("success") is True and answer.body.get("code") == 0:
        return None
    code = answer.body.get("code")
    words = f"[{code}] {answer.body.get('message') or 'no words'}"[:1000]
    return CityRefusedError(where, words, codes.get(str(code), Do.DEAD))


class V22Client:
    """Makes calls; logs in when there is no token, or the one there is has gone stale.

    Args:
        settings: address and credentials.
        http: carries the calls.
        codes: what each error code calls for.
    """

    def __init__(self, settings: V22Settings, http: Http, codes: Mapping[str, Do]) -> None:
        self._settings = settings
        self._http = http
        self._codes = codes
        self._encrypt = encryption(settings.secret_encryption)
        self._token: _Token | None = None
        self._door = asyncio.Lock()
        self._url = settings.url.rstrip("/")
        self._oauth = (settings.oauth_url or settings.url).rstrip("/")

    async def call(self, action: str, data: Mapping[str, Any], uid: str) -> dict[str, Any]:
        """One action; returns its ``result``.

        Args:
            action: its name.
            data: its arguments.
            uid: of the request; the same at every attempt.

        Raises:
            CityAwayError: no answer, or none that can be read (BRG-002).
            CityRefusedError: the city said no (BRG-004).
            DeliveryError: nothing will pass until people act (BRG-003).
        """
        body = {
            "uid": uid,
            "senderCode": self._settings.sender_code,
            "action": action,
            "data": data,
        }
        for last in (False, True):
            token = await self._fresh_token()
            answer = await self._http.call(
                action, "POST", self._url + _ACTION, body=body, query={_TOKEN: token.text}
            )
            refused = refusal(f"{self._http.where} {action}", answer, self._codes)
            if refused is None:
                result = answer.body.get("result") if answer.body else None
                return result if isinstance(result, dict) else {}
            metrics.REFUSED.labels(action=action, does=refused.do).inc()
            if refused.do is Do.LOGIN and not last:
                if self._token is token:  # revoked, or the city was restarted
                    self._token = None
                continue
            if refused.do in {Do.STOP, Do.LOGIN}:
                raise stopped(
                    f"{self._http.where} {action}",
                    refused.words,
                    "Ask the city's side about this account, its rights and the sender code",
                )
            raise refused
        raise AssertionError("the second round returns or raises")

    async def _fresh_token(self) -> _Token:
        async with self._door:
            if self._token is None or time.monotonic() >= self._token.until:
                self._token = await self._log_in()
            return self._token

    async def _log_in(self) -> _Token:
        key = await self._ask("GET", _PUBLIC_KEY)
        public_key = key.get("message")
        try:
            secret = self._encrypt(self._settings.client_secret.get_secret_value(), str(public_key))
        except ValueError as error:
            raise self._no_login(f"its public key is no SM2 key ({error})") from None
        body = {
            "client_id": self._settings.client_id,
            "client_secret": secret,
            "grant_type": "client_credentials",
            "uid": str(uuid.uuid4()),
        }
        answer = await self._ask("POST", _LOGIN, body)
        result = answer.get("result")
        token = result.get("token") if isinstance(result, dict) else None
        if not isinstance(token, dict) or not isinstance(token.get("access_token"), str):
            raise self._no_login("its answer holds no token")
        lives_s = token.get("expires_in")
        seconds = float(lives_s) if isinstance(lives_s, int | float) else 600.0
        _log.info("city_login", where=self._http.where, seconds=seconds)
        return _Token(
            token["access_token"], time.monotonic() + max(seconds - _EARLY_S, seconds / 2)
        )

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = await self._http.call("login", method, self._oauth + path, body=body, free=True)
        if answer.body is None and 300 <= answer.status < 500:
            raise self._no_login(f"HTTP {answer.status} at {path}")
        if answer.body is None:
            raise CityAwayError(self._http.where, f"no JSON at {path}", lost=False)
        if answer.body.get("success") is not True or answer.body.get("code") != 0:
            code, words = answer.body.get("code"), answer.body.get("message")
            if self._codes.get(str(code)) is Do.AGAIN:
                raise CityAwayError(self._http.where, f"login: [{code}] {words}", lost=False)
            raise self._no_login(f"login refused: [{code}] {words}")
        return answer.body

    def _no_login(self, what: str) -> Exception:
        return stopped(
            self._http.where,
            what,
            "Check v22.url, oauth_url, client_id, client_secret and the city's firewall",
        )
