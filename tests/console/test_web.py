"""The status page over real HTTP, and in a real browser."""

from __future__ import annotations

import json
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.console.board import Board, CameraView, ZoneView
from edge.console.web import ConsoleServer
from edge.errors import GridpatrolError
from tests.cases.test_desk import Office, report

ZONE = ZoneView("z-1", "piled_materials", ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9)))


@dataclass
class Page:
    board: Board
    url: str

    def get(self, path: str, host: str | None = None) -> tuple[int, bytes, dict[str, str]]:
        request = urllib.request.Request(self.url + path, headers={"Host": host} if host else {})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read(), dict(error.headers)


@pytest.fixture
def page() -> Iterator[Page]:
    board = Board(
        "box-01", [CameraView("cam-1", "一号", "One"), CameraView("cam-2", "二号", "Two")]
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
    assert told["cases"][0]["codes"][0] == {"scheme": "GB/T 30428.2-2013", "code": "0136"}
    picture = cv2.imdecode(np.frombuffer(page.get("/looks/cam-1.jpg")[1], np.uint8), 1)
    assert picture.shape == (180, 240, 3)
    assert page.get(f"/evidence/{sha256}.jpg")[2]["content-type"] == "image/jpeg"
    assert b"gridpatrol_looks" in page.get("/metrics")[1]


def test_what_is_not_there_is_404(page: Page) -> None:
    """Unknown cameras, hashes and paths out of the folder."""
    for path in ("/looks/cam-2.jpg", "/looks/none.jpg", "/evidence/ab.jpg", "/static/../web.py"):
        assert page.get(path)[0] == 404, path


def test_foreign_host_names_are_refused(page: Page) -> None:
    """DNS rebinding: the page answers to loopback names only."""
    assert page.get("/api/status", host="evil.example")[0] == 400


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


def test_the_look_shows_zone_and_hides_heads(page: Page) -> None:
    """Blue where the zone's edge runs; the person's head has no detail."""
    page.board.look(report(0, "cam-1", "z-1"), (ZONE,))
    data = page.board.look_jpeg("cam-1")
    assert data is not None
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), 1)
    edge = picture[16:21, 60:180].reshape(-1, 3).mean(axis=0)
    assert edge[0] > edge[2] + 15, "no blue zone edge"
    head = picture[24:34, 28:44].astype(int)
    assert abs(np.diff(head, axis=1)).mean() < 30


def test_only_the_latest_cases_are_kept(page: Page, tmp_path: Path) -> None:
    """The board is bounded."""
    from dataclasses import replace

    from edge.console.board import CASES_KEPT

    (draft,) = Office(tmp_path).sees(0)
    for number in range(CASES_KEPT + 50):
        page.board.case(replace(draft, case_id=f"case-{number}"))
    kept = page.board.snapshot().cases
    assert len(kept) == CASES_KEPT
    assert kept[0].case_id == f"case-{CASES_KEPT + 49}"


@pytest.mark.skipif(not shutil.which("chromium"), reason="Debian's chromium is not installed")
def test_in_a_real_browser(page: Page, tmp_path: Path) -> None:
    """Both languages, a case with its pictures, details by keyboard, no script errors."""
    from playwright.sync_api import sync_playwright

    show_a_case(page, tmp_path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        tab = browser.new_page(locale="zh-CN")
        errors: list[str] = []
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(page.url)
        tab.wait_for_selector(".case h3")
        assert "乱堆物堆料" in tab.inner_text(".case h3")
        tab.locator("#camera-cam-1 img").wait_for()
        tab.click("#lang")
        tab.locator(".case h3", has_text="piling").wait_for()
        tab.focus(".case button")
        tab.keyboard.press("Enter")
        tab.wait_for_selector("dialog[open] img")
        assert "GB/T 47678.5-2026" in tab.inner_text("dialog")
        tab.keyboard.press("Escape")
        assert not tab.is_visible("dialog")
        page.board.camera_state("cam-2", "down", "no answer within 10 s")
        tab.get_by_text("no answer within 10 s").wait_for()
        for picture in tab.locator("img").all():
            assert picture.evaluate("image => image.naturalWidth") > 0
        browser.close()
    assert not errors
