"""The status page over real HTTP, and in a real browser."""

from __future__ import annotations

import json
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser

from edge.cases.draft import EvidenceItem
from edge.cases.metadata import thumbnail_in
from edge.console import web
from edge.console.board import Board
from edge.console.drawing import ZoneView
from edge.console.views import CameraView
from edge.console.web import ConsoleServer
from edge.errors import GridpatrolError
from tests.cases.test_desk import Office, report
from tests.redaction.ways import by_detections

ZONE = ZoneView("z-1", "piled_materials", ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9)))


@dataclass
class Page:
    board: Board
    url: str

    def get(
        self, path: str, host: str | None = None, method: str = "GET"
    ) -> tuple[int, bytes, dict[str, str]]:
        headers = {"Host": host} if host else {}
        request = urllib.request.Request(self.url + path, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read(), dict(error.headers)


@pytest.fixture
def page() -> Iterator[Page]:
    board = Board(
        "box-01",
        [CameraView("cam-1", "一号", "One"), CameraView("cam-2", "二号", "Two")],
        by_detections(),
    )
    server = ConsoleServer("127.0.0.1", 0, board)
    yield Page(board, server.start().rstrip("/"))
    server.stop()


def show_a_case(page: Page, folder: Path) -> str:
    (draft,) = Office(folder).sees(0)
    page.board.look(report(0, "cam-1", "z-1"), (ZONE,))
    page.board.case(draft)
    return draft.evidence[0].sha256


def test_everything_is_served(page: Page, tmp_path: Path) -> None:
    """Page, status, look, evidence, metrics."""
    sha256 = show_a_case(page, tmp_path)
    status, body, headers = page.get("/")
    assert status == 200
    assert b"app.js" in body
    assert "default-src 'self'" in headers["content-security-policy"]
    told = json.loads(page.get("/api/status")[1])
    assert told["cameras"][0]["findings"] == ["piled_materials"]
    cases = json.loads(page.get("/api/cases")[1])
    assert cases["cases_version"] == told["cases_version"] == 1
    assert cases["cases"][0]["codes"][0] == {"scheme": "GB/T 30428.2-2013", "code": "0136"}
    picture = cv2.imdecode(np.frombuffer(page.get("/looks/cam-1.jpg")[1], np.uint8), 1)
    assert picture.shape == (180, 240, 3)
    assert page.get(f"/evidence/{sha256}.jpg")[2]["content-type"] == "image/jpeg"
    whole, small = (page.get(f"/evidence/{sha256}.jpg{query}")[1] for query in ("", "?small"))
    assert small == thumbnail_in(whole)
    assert b"gridpatrol_looks" in page.get("/metrics")[1]


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", bytes(3_000_000)])
def test_a_picture_that_is_not_as_it_was_sealed_is_not_shown(
    page: Page, tmp_path: Path, data: bytes
) -> None:
    """It was never seen by redaction here; the line says which file and why."""
    sha256 = show_a_case(page, tmp_path)
    (path,) = (each.path for each in sealed(page) if each.sha256 == sha256)
    path.write_bytes(data)
    for query in ("", "?small"):
        status, body, headers = page.get(f"/evidence/{sha256}.jpg{query}")
        assert (status, body[:9]) == (409, b"[EVI-002]")
        assert headers["content-type"].startswith("text/plain")
    path.unlink()
    assert page.get(f"/evidence/{sha256}.jpg")[0] == 404


def sealed(page: Page) -> tuple[EvidenceItem, ...]:
    return page.board.snapshot().cases[0].draft.evidence


def test_what_is_not_there_is_404(page: Page) -> None:
    """Unknown cameras, hashes and paths out of the folder."""
    for path in ("/looks/cam-2.jpg", "/looks/none.jpg", "/evidence/ab.jpg", "/static/../web.py"):
        assert page.get(path)[0] == 404, path


def test_foreign_host_names_are_refused(page: Page) -> None:
    """DNS rebinding: the page answers to loopback names only."""
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::2]"):
        assert page.get("/api/status", host=host)[0] == 400, host
    for host in ("localhost", "127.0.0.1:1", "[::1]:8470"):
        assert page.get("/api/status", host=host)[0] == 200, host


@pytest.mark.parametrize("path", ["/", "/api/status", "/looks/cam-1.jpg", "/static/app.js", "/x"])
def test_nothing_can_be_changed_and_every_answer_is_guarded(page: Page, path: str) -> None:
    """GET and HEAD only; the headers are on errors too, and on refused host names."""
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert page.get(path, method=method)[0] in (404, 405)
    for headers in (page.get(path)[2], page.get(path, host="evil.example")[2]):
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"


def test_the_page_needs_nothing_from_elsewhere(page: Page) -> None:
    """No address outside this box in anything the browser loads."""
    for file in sorted((Path(web.__file__).parent / "static").iterdir()):
        status, body, _ = page.get(f"/static/{file.name}")
        assert status == 200
        text = body.decode().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, file.name


def test_both_languages_have_the_same_words() -> None:
    """A key that one language lacks would show as "undefined"."""
    text = (Path(web.__file__).parent / "static/words.js").read_text(encoding="utf-8")
    zh, en = text.split("\n  en: {")
    keys = re.compile(r"[{,\s](\w+): (?=[\"({\[]|\(?\w+\)? =>)")
    assert sorted(keys.findall(zh.split("zh: {")[1])) == sorted(keys.findall(en))


def test_the_page_on_ipv6() -> None:
    """The address is one that a browser takes."""
    server = ConsoleServer("::1", 0, Board("box-01", []))
    try:
        url = server.start()
    except GridpatrolError:
        pytest.skip("this machine has no IPv6 loopback")
    try:
        assert url.startswith("http://[::1]:")
        assert Page(Board("box-01", []), url.rstrip("/")).get("/api/status")[0] == 200
    finally:
        server.stop()


def test_a_stopped_page_frees_its_port(page: Page) -> None:
    """Stopping is quick, also while a browser keeps its connection open."""
    board = Board("box-01", [])
    first = ConsoleServer("127.0.0.1", 0, board)
    port = int(first.start().rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as idle:
        idle.sendall(b"GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(12) == b"HTTP/1.1 200"
        began = time.monotonic()
        first.stop()
        assert time.monotonic() - began < 3
    second = ConsoleServer("127.0.0.1", port, board)
    second.start()
    second.stop()


def test_health_says_why(page: Page) -> None:
    """503 with the reason until a camera and the platform are there."""
    page.board.uplink(False, 3, 0, "[MQT-001] refused")
    status, body, _ = page.get("/healthz")
    assert status == 503
    assert "MQT-001" in body.decode()
    page.board.uplink(True, 0, 0, "")
    assert page.get("/healthz")[0] == 200
    for camera in ("cam-1", "cam-2"):
        page.board.camera_state(camera, "down", "gone")
    assert page.get("/healthz")[0] == 503


def test_a_taken_port_is_a_clear_error() -> None:
    """One line with a code."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        board = Board("box-01", [])
        with pytest.raises(GridpatrolError, match="RUN-001"):
            ConsoleServer("127.0.0.1", other.getsockname()[1], board).start()


def test_in_a_real_browser(page: Page, tmp_path: Path, browser: Browser) -> None:
    """Both languages, a case with its pictures, details by keyboard, no script errors."""
    office = Office(tmp_path)
    (new,) = office.sees(0)
    page.board.look(report(0, "cam-1", "z-1"), (ZONE,))
    page.board.case(new)
    tab = browser.new_page(locale="zh-CN", color_scheme="dark")
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    tab.goto(page.url)
    tab.wait_for_selector(".case h3")
    assert tab.locator("html").get_attribute("data-theme") == "dark"
    assert "乱堆物堆料" in tab.inner_text(".case h3")
    assert "一号" in tab.inner_text(".case .where")
    tab.locator("#camera-cam-1 img").wait_for()
    assert tab.inner_text("#camera-cam-1 .chips") == "乱堆物料"
    tab.click("#lang")
    tab.locator(".case h3", has_text="piling").wait_for()
    tab.focus(".case button")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("dialog[open] img")
    assert "GB/T 47678.5-2026" in tab.inner_text("dialog")
    # While it is open the case is told to be gone: the dialog follows, with both pairs.
    office.clear(10)
    (gone,) = office.clear(80)
    page.board.case(gone)
    tab.locator("dialog h3", has_text="Before").wait_for()
    assert tab.locator("dialog img").count() == len(new.evidence) + len(gone.evidence)
    tab.keyboard.press("Escape")
    assert not tab.is_visible("dialog")
    page.board.camera_state("cam-2", "down", "no answer within 10 s")
    tab.get_by_text("no answer within 10 s").wait_for()
    for picture in tab.locator("img:visible").all():
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert not errors


def test_the_browser_follows_without_losing_its_place(
    page: Page, tmp_path: Path, browser: Browser
) -> None:
    """New cases arrive above, are read out, and leave keyboard focus where it was."""
    (draft,) = Office(tmp_path).sees(0)
    tab = browser.new_page(locale="en-GB")
    tab.goto(page.url)
    tab.get_by_text("Nothing to report.").wait_for()
    page.board.case(replace(draft, case_id="case-1"))
    tab.locator("[data-id=case-1] button").focus()
    page.board.case(replace(draft, case_id="case-2"))
    tab.locator("[data-id=case-2]").wait_for()
    assert tab.locator(".case").first.get_attribute("data-id") == "case-2"
    focus = "document.activeElement.closest('.case')?.dataset.id"
    assert tab.evaluate(focus) == "case-1"
    assert "New case: Disorderly piling of goods, One." in tab.inner_text("#news")
    page.board.case(replace(draft, case_id="case-1", revision=2, status="update"))
    tab.locator("[data-id=case-1] .tag", has_text="update").wait_for()
    assert tab.evaluate(focus) == "case-1"
    page.board.uplink(False, 2, 0, "[MQT-001] refused")
    tab.locator("#away", has_text="2 waiting on this box").wait_for()
    tab.set_viewport_size({"width": 360, "height": 700})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
