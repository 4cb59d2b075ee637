"""A GA/T 1400 view library: a real HTTP server with digest, registration and objects."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import defaultdict, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.brokers import free_port

DEVICE, USER, PASSWORD = "42011100085030000001", "gridpatrol", "b7Qz"
SLOW_S = 1.2
_REALM, _NONCE = "viid", "8qx43l7i"


class ViewLibrary:
    """Keeps what is posted; ``plan[path]`` holds faults, as in :class:`tests.bridge.city.V22City`,
    or a StatusCode.

    Attributes:
        done: every object kept, in order: ``("Scene" | "Image", object)``.
        said: register, keep-alive and goodbye, in order.
    """

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.done: list[tuple[str, dict[str, Any]]] = []
        self.said: list[str] = []
        self.plan: dict[str, deque[str]] = defaultdict(deque)
        self.registered: set[str] = set()
        library = self

        class Handler(_Handler):
            pass

        Handler.library = library
        port = int(self.url.rpartition(":")[2])
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Go away."""
        self._server.shutdown()
        self._server.server_close()

    def scenes(self) -> list[str]:
        """Ids of every Scene kept."""
        return [item["SceneID"] for kind, item in self.done if kind == "Scene"]

    def keep(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Objects take effect."""
        if path == "/VIID/Scenes":
            found = body["SceneListObject"]["SceneObject"]
            self.done += [("Scene", item) for item in found]
            ids = [item["SceneID"] for item in found]
        else:
            found = body["ImageListObject"]["Image"]
            self.done += [("Image", item) for item in found]
            ids = [item["ImageInfo"]["ImageID"] for item in found]
        states = [{"RequestURL": path, "StatusCode": 0, "StatusString": "OK", "Id": i} for i in ids]
        return {"ResponseStatusListObject": {"ResponseStatusObject": states}}


class _Handler(BaseHTTPRequestHandler):
    library: ViewLibrary
    protocol_version = "HTTP/1.1"

    def log_message(self, *_words: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        kind, _, name = self.path.removeprefix("/VIID/").partition("/")
        for what, item in self.library.done:
            info = item if what == "Scene" else item["ImageInfo"]
            if kind == f"{what}s" and name in {info.get("SceneID"), info.get("ImageID")}:
                self._say(200, {f"{what}Object": info})
                return
        self._say(404, _status(self.path, 4))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._knows():
            self.send_response(401)
            challenge = f'Digest realm="{_REALM}", nonce="{_NONCE}", qop="auth"'
            self.send_header("WWW-Authenticate", challenge)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        assert self.headers["User-Identify"] == DEVICE
        assert self.headers["Content-Type"].startswith("application/VIID+JSON")
        name = self.path.rpartition("/")[2]
        if self.path.startswith("/VIID/System/"):
            assert body == {f"{name}Object": {"DeviceID": DEVICE}}
            self.library.said.append(name)
            if name == "Register":
                self.library.registered.add(DEVICE)
            well = DEVICE in self.library.registered
            self._say(200 if well else 403, _status(self.path, 0 if well else 4))
        elif DEVICE not in self.library.registered:
            self._say(403, _status(self.path, 4))
        else:
            self._objects(name, body)

    def _objects(self, name: str, body: dict[str, Any]) -> None:
        plan = self.library.plan[name]
        fault = plan.popleft() if plan else ""
        if fault == "forget":
            self.library.registered.clear()
            self._say(403, _status(self.path, 4))
        elif fault.isdigit():
            self._say(200, _status(self.path, int(fault)))
        elif fault.startswith("http:"):
            self._say(int(fault[5:]), {})
        elif fault == "drop":
            self._hang_up()
        else:
            if fault == "slow":
                time.sleep(SLOW_S)
            answer = self.library.keep(self.path, body)
            if fault == "lost":
                self._hang_up()
            else:
                self._say(200, answer)

    def _knows(self) -> bool:
        given = dict(re.findall(r'(\w+)="?([^",]+)', self.headers.get("Authorization", "")))
        if not given:
            return False
        one = _md5(USER, _REALM, PASSWORD)
        two = _md5("POST", self.path)
        parts = (one, _NONCE, given["nc"], given["cnonce"], given["qop"], two)
        return given["username"] == USER and given["response"] == _md5(*parts)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _say(self, status: int, answer: dict[str, Any]) -> None:
        content = json.dumps(answer).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True


def _md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()


def _status(path: str, code: int) -> dict[str, Any]:
    return {"ResponseStatusObject": {"RequestURL": path, "StatusCode": code, "StatusString": "x"}}
