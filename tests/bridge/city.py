"""A city's system that behaves as V22's document says, and misbehaves as it is told.

A real HTTP server on loopback. What it has *done* is kept apart from what it has *answered*:
only the first counts, and the second may get lost.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import defaultdict, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import gmalg

from tests.brokers import free_port

CLIENT_ID, SECRET, SENDER = "1778685023958671360", "e65ee4f21c", "gridpatrol"
SLOW_S = 1.2
_NAMES = ("REPORT", "UPLOAD_MEDIA", "CHECK_FEEDBACK", "UPDATE_CASE_INFO", "APPLY_CANCEL")


class V22City:
    """The system; ``plan[action]`` holds faults, one for each coming call of that action.

    Faults: an error code; ``drop`` (connection closed, nothing done), ``lost`` (done, then
    closed), ``slow`` (answers after the client's patience, and then it is done), ``late`` (done,
    and answered a little later), ``http:502``, ``page`` (a gateway's HTML with status 200),
    ``mute`` (done, "success" without a number).

    Attributes:
        done: every effect in order: ``(action, data)``.
        cases: what it has, by caseId.
        notices: waiting, by name.
        dedups: it knows a caseId again, and refuses it.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v22-api"
        self.done: list[tuple[str, dict[str, Any]]] = []
        self.cases: dict[str, dict[str, Any]] = {}
        self.notices: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.plan: dict[str, deque[str]] = defaultdict(deque)
        self.asked: list[str] = []
        self.tokens: set[str] = set()
        self.logins = 0
        self.token_lives_s = 7200
        self.login_code = 0
        self.dedups = False
        self.lock = threading.Lock()
        self._private, self.public = _key_pair()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Listen; always on the same port."""
        city = self

        class Handler(_Handler):
            pass

        Handler.city = city
        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Go away; what was done stays."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._server = None

    def count(self, action: str) -> int:
        """Effects of an action."""
        return sum(1 for name, _ in self.done if name == action)

    def reported(self) -> list[str]:
        """Case ids of every REPORT that took effect."""
        return sorted(data["caseId"] for name, data in self.done if name == "REPORT")

    def notify(self, name: str, **data: Any) -> int:
        """Put up a notice."""
        number = 400 + sum(len(found) for found in self.notices.values())
        text = json.dumps(data, ensure_ascii=False)
        self.notices[name].append({"noticeId": number, "noticeData": text})
        return number

    def log_in(self, body: dict[str, Any]) -> dict[str, Any]:
        """The token interface."""
        if self.login_code:
            return _no(self.login_code, "客户端认证失败")
        secret = gmalg.SM2(self._private).decrypt(bytes.fromhex(body["client_secret"])).decode()
        known = (body["client_id"], secret, body["grant_type"], bool(body["uid"]))
        if known != (CLIENT_ID, SECRET, "client_credentials", True):
            return _no(-400005, "客户端认证失败")
        token = uuid.uuid4().hex
        self.tokens.add(token)
        self.logins += 1
        return _yes({"token": {"access_token": token, "expires_in": self.token_lives_s}})

    def act(self, body: dict[str, Any]) -> dict[str, Any]:
        """An action takes effect."""
        action, data = body["action"], body["data"]
        assert body["senderCode"] == SENDER
        assert body["uid"]
        with self.lock:
            if action == "GET_REC_INFO":
                return _yes({"recInfo": self.cases.get(data["caseId"])})
            if action == "GET_NOTICE_INFO":
                return _yes({"resultList": list(self.notices[data["noticeName"]])})
            if action == "NOTICE_SIGNING":
                signed = {item["noticeId"] for item in data["noticeList"]}
                for name, found in self.notices.items():
                    self.notices[name] = [n for n in found if n["noticeId"] not in signed]
                return _yes({})
            if action not in _NAMES:
                return _no(-400004, "未知操作")
            return self._write(action, data)

    def _write(self, action: str, data: dict[str, Any]) -> dict[str, Any]:
        case = self.cases.get(data["caseId"])
        if action == "REPORT":
            if case is not None and self.dedups:
                return _no(-1, "工单已存在")
            case = {"recId": 1251239 + len(self.done), "taskNum": f"2026{len(self.done):08}"}
            self.cases[data["caseId"]] = case | {"medias": []}
        if data["caseId"] not in self.cases:
            return _no(-500003, "数据记录异常")
        self.done.append((action, data))
        self.cases[data["caseId"]]["medias"] += [
            {"mediaName": m["mediaName"], "mediaUsage": m["mediaUsage"]}
            for m in data.get("medias", [])
        ]
        kept = self.cases[data["caseId"]]
        return _yes({"recId": kept["recId"], "taskNum": kept["taskNum"]})


class _Handler(BaseHTTPRequestHandler):
    city: V22City
    protocol_version = "HTTP/1.1"

    def log_message(self, *_words: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        assert self.path == "/v22-api/oauth/extras/openapi/pubkey"
        self._say(_yes({}, self.city.public.hex()))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        url = urlsplit(self.path)
        if url.path == "/v22-api/oauth/extras/openapi/client":
            self._say(self.city.log_in(body))
            return
        assert url.path == "/v22-api/openapi/v1/action", url.path
        token = parse_qs(url.query).get("egova_openapi_token", [""])[0]
        if token not in self.city.tokens:
            self._say(_no(-400001, "认证错误"))
            return
        self._act(body)

    def _act(self, body: dict[str, Any]) -> None:
        action = body["action"]
        self.city.asked.append(action)
        plan = self.city.plan[action]
        fault = plan.popleft() if plan else ""
        if fault == "drop":
            self._hang_up()
        elif fault.startswith("-"):
            self._say(_no(int(fault), "没有这回事"))
        elif fault.startswith("http:"):
            self._raw(int(fault[5:]), b"<html>bad gateway</html>")
        elif fault == "page":
            self._raw(200, b"<html>please log in to the proxy</html>")
        elif fault == "lost":
            self.city.act(body)
            self._hang_up()
        elif fault == "mute":
            self.city.act(body)
            self._say(_yes({}))
        else:
            if fault == "slow":
                time.sleep(SLOW_S)
            answer = self.city.act(body)
            if fault == "late":
                time.sleep(SLOW_S / 3)
            self._say(answer)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _say(self, answer: dict[str, Any]) -> None:
        self._raw(200, json.dumps(answer, ensure_ascii=False).encode())

    def _raw(self, status: int, content: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True


def _key_pair() -> tuple[bytes, bytes]:
    sm2 = gmalg.SM2()
    private, public = sm2.generate_keypair()
    return private, public


def _yes(result: dict[str, Any], message: str | None = None) -> dict[str, Any]:
    return {
        "success": True,
        "code": 0,
        "message": message,
        "result": result,
        "uid": "x",
        "hasError": False,
    }


def _no(code: int, words: str) -> dict[str, Any]:
    return {"success": False, "code": code, "message": words, "result": None, "hasError": True}
