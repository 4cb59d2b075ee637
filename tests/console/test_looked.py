"""Why a camera is watched and who looked, over real HTTP and in a real browser."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from edge.config.purpose import PurposeSettings
from edge.console.board import Board
from edge.console.drawing import ZoneView
from edge.console.looked import Looking, looked_routes
from edge.console.views import CameraView
from edge.console.web import ConsoleServer
from edge.console.wire import notes_of
from edge.evidence.chain import open_chain
from edge.evidence.purposes import record
from edge.sqlite import transaction
from tests.cases.test_desk import NOON, Office, report
from tests.evidence.box import make_sealer
from tests.redaction.ways import by_detections

ZONE = ZoneView("z-1", "piled_materials", ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9)))
PATROL = PurposeSettings(
    why_zh="街面秩序巡查", why_en="street order", authority="城管〔2026〕3 号", signposted=True
)


@pytest.fixture
def looking(tmp_path: Path) -> Looking:
    return Looking(tmp_path)


@pytest.fixture
def picture(tmp_path: Path, looking: Looking) -> Iterator[tuple[Board, str, str]]:
    """The board, the page's URL, and a picture of a case."""
    board = Board("box-01", [CameraView("cam-1", "一号", "One")], by_detections())
    office = Office(tmp_path)
    with closing(office.store):
        (draft,) = office.sees(0)
    board.look(report(0, "cam-1", "z-1"), (ZONE,))
    board.case(draft)
    server = ConsoleServer("127.0.0.1", 0, board, more=looked_routes(looking), looking=looking)
    yield board, server.start().rstrip("/"), f"evidence/{draft.evidence[0].sha256}.jpg"
    server.stop()


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_whoever_is_shown_a_picture_stands_in_the_log(picture: tuple[Board, str, str]) -> None:
    _, url, path = picture
    assert get(f"{url}/looks/nobody.jpg")[0] == 404  # nothing was shown
    for _ in range(3):
        assert get(f"{url}/looks/cam-1.jpg")[0] == 200
    assert get(f"{url}/{path}")[0] == 200
    found = json.loads(get(f"{url}/api/cameras/cam-1")[1])
    looked = [(e["what"], e["times"], e["name"], e["address"]) for e in found["looked"]]
    assert sorted(looked) == [("case", 1, "local", "127.0.0.1"), ("live", 3, "local", "127.0.0.1")]


def test_what_cannot_be_written_down_is_not_shown_but_for_the_wall(
    picture: tuple[Board, str, str], looking: Looking
) -> None:
    _, url, path = picture
    looking.log._db.execute("PRAGMA query_only = ON")
    status, body = get(f"{url}/{path}")
    assert (status, json.loads(body)["code"]) == (503, "CON-010")
    assert get(f"{url}/looks/cam-1.jpg")[0] == 200
    looking.log._db.execute("PRAGMA query_only = OFF")
    assert get(f"{url}/{path}")[0] == 200
    assert {entry.what for entry in looking.log.entries("cam-1")} == {"live", "case"}


def test_the_record_is_shown_in_both_languages(
    tmp_path: Path, picture: tuple[Board, str, str], browser: Browser
) -> None:
    _, url, _ = picture
    _, chain, _ = make_sealer(tmp_path, node="box-01", clock=lambda: NOON)
    database = tmp_path / "gridpatrol.db"
    with closing(open_chain(database)) as db, transaction(db, database) as tx:
        record(tx, chain, {"cam-1": PATROL.record()})
    page = browser.new_page(locale="zh-CN")
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(url)
    page.get_by_role("button", name="一号", exact=True).click()
    sheet = page.locator("#watching")
    expect(sheet).to_contain_text("街面秩序巡查")
    expect(sheet).to_contain_text("城管〔2026〕3 号")
    expect(sheet.locator(".looked")).to_contain_text("实时画面")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="One", exact=True).click()
    expect(sheet).to_contain_text("Why it is watched")
    expect(sheet).to_contain_text("street order / 街面秩序巡查")
    assert wrong == []


def test_a_camera_without_a_purpose_is_said_to_have_none(
    picture: tuple[Board, str, str], browser: Browser
) -> None:
    board, url, _ = picture
    assert notes_of(board.snapshot()) == []
    board.ask_purposes(lambda: ("cam-1",))
    (note,) = notes_of(board.snapshot())
    assert "cam-1" in note
    assert "CON-011" in note
    page = browser.new_page(locale="en-GB")
    page.goto(url)
    expect(page.locator("#purpose")).to_contain_text("for 1 camera:")
    page.get_by_role("button", name="One", exact=True).click()
    expect(page.locator("#watching")).to_contain_text("No purpose is on record.")
