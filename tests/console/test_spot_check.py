"""The spot check over real HTTP and in a real browser, on real cases and pictures."""

from __future__ import annotations

import json
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from edge.clock import iso, utc_now
from edge.config.console import ConsoleSettings
from edge.console.access.policy import Access
from edge.console.board import Board
from edge.console.looked import Looking
from edge.console.spot_check import ReviewRoom, review_routes
from edge.console.web import ConsoleServer
from edge.geometry import Box
from edge.review.sample import SpotCheck
from edge.review.verdicts import Verdict, VerdictStore
from edge.scenes.finding import Words
from tests.cases.test_desk import NOON, Office, camera
from tests.console.visitor import Visitor, token

NAMES = {"cam-1": Words("一号", "One"), "cam-2": Words("二号", "Two")}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Three cases of today."""
    office = Office(tmp_path, camera("cam-1"), camera("cam-2"))
    late_s = (utc_now() - NOON).total_seconds() - 600
    with closing(office.store):
        office.sees(late_s, "cam-1", box=Box(0.1, 0.1, 0.2, 0.2))
        office.sees(late_s + 1, "cam-1", "z-2", box=Box(0.7, 0.7, 0.8, 0.8))
        office.sees(late_s + 2, "cam-2")
    return office


@pytest.fixture
def room(office: Office) -> ReviewRoom:
    check = SpotCheck(office.folder / "gridpatrol.db", office.folder / "evidence")
    return ReviewRoom(check, NAMES, "Asia/Shanghai", Looking(office.folder))


def serve(room: ReviewRoom) -> tuple[ConsoleServer, str]:
    server = ConsoleServer("127.0.0.1", 0, Board("box-01", []), more=review_routes(room))
    return server, server.start().rstrip("/")


@pytest.fixture
def url(room: ReviewRoom) -> Iterator[str]:
    server, url = serve(room)
    yield url
    server.stop()


def ask(url: str, body: object = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def overview(url: str) -> dict[str, object]:
    status, body = ask(f"{url}/api/review")
    assert status == 200
    found: dict[str, object] = json.loads(body)
    return found


def verdicts(office: Office) -> dict[str, Verdict]:
    with closing(VerdictStore(office.folder / "gridpatrol.db")) as store:
        return {case.case_id: case.verdict for case in store.judged()}


def test_verdicts_are_taken_and_taken_back(office: Office, url: str) -> None:
    first = overview(url)["queue"][0]  # type: ignore[index]
    case = first["id"]
    assert first["camera"]["en"] in {"One", "Two"}
    assert ask(f"{url}/review/{case}/far.jpg")[1][:2] == b"\xff\xd8"
    assert ask(f"{url}/api/review/{case}", {"verdict": "wrong"}, token(url))[0] == 200
    assert verdicts(office) == {case: Verdict.WRONG}
    after = overview(url)
    assert case not in [entry["id"] for entry in after["queue"]]  # type: ignore[attr-defined]
    (row,) = after["rows"]  # type: ignore[misc]
    assert row["precision"]["judged"] == 1
    assert ask(f"{url}/api/review/{case}", {"verdict": None}, token(url))[0] == 200
    assert verdicts(office) == {}


@pytest.mark.parametrize(
    ("body", "by_page", "status", "code"),
    [
        ({"verdict": "right"}, False, 403, "CON-001"),
        ({"verdict": "perhaps"}, True, 422, "CON-003"),
        ({"verdict": ["right"]}, True, 422, "CON-003"),
        (["right"], True, 422, "CON-003"),
        (b"\xff{", True, 422, "CON-003"),
        (b"[" * 100_000, True, 422, "CON-003"),
        (b"[" * 1000, True, 422, "CON-003"),
        ({}, True, 422, "CON-003"),
    ],
)
def test_bad_verdicts_change_nothing(
    office: Office, url: str, body: object, by_page: bool, status: int, code: str
) -> None:
    case = overview(url)["queue"][0]["id"]  # type: ignore[index]
    headers = token(url) if by_page else {}
    got, answer = ask(f"{url}/api/review/{case}", body, headers)
    assert (got, json.loads(answer)["code"]) == (status, code)
    assert verdicts(office) == {}


def test_an_unknown_case_is_said_to_be_unknown(office: Office, url: str) -> None:
    got, answer = ask(f"{url}/api/review/nobody", {"verdict": "right"}, token(url))
    assert (got, json.loads(answer)["code"]) == (404, "REV-002")
    assert ask(f"{url}/review/..%2f..%2fgridpatrol/far.jpg")[0] == 404
    assert verdicts(office) == {}


def test_a_viewer_takes_a_look_and_an_operator_judges(
    office: Office, room: ReviewRoom, tmp_path: Path
) -> None:
    """By log-in; the verdict has the name of who gave it."""
    access = Access(ConsoleSettings(access="login"), tmp_path / "state")
    server = ConsoleServer(
        "127.0.0.1", 0, Board("box-01", []), more=review_routes(room), access=access
    )
    url = server.start().rstrip("/")
    try:
        looks, acts = Visitor(url), Visitor(url)
        looks.log_in(access, "li", "viewer")
        acts.log_in(access, "wang", "operator")
        found = looks.get("/api/review").json()
        assert (found["can_judge"], acts.get("/api/review").json()["can_judge"]) == (False, True)
        case = found["queue"][0]["id"]
        assert looks.post(f"/api/review/{case}", {"verdict": "right"}).status == 403
        assert verdicts(office) == {}
        assert acts.post(f"/api/review/{case}", {"verdict": "right"}).status == 200
    finally:
        server.stop()
    with closing(sqlite3.connect(office.folder / "gridpatrol.db")) as db:
        assert db.execute("SELECT reviewer FROM verdicts").fetchall() == [("wang",)]


def test_a_database_that_cannot_be_read_is_said_in_one_line(office: Office, url: str) -> None:
    database = office.folder / "gridpatrol.db"
    for beside in office.folder.glob("gridpatrol.db*"):
        beside.unlink()
    database.write_bytes(b"no database" * 1000)
    status, body = ask(f"{url}/api/review")
    assert (status, json.loads(body)["code"]) == (503, "STO-003")


def test_one_key_each_in_a_browser(office: Office, url: str, browser: Browser) -> None:
    """Judged, undone, skipped by keyboard; the numbers beside it follow; both languages."""
    page = browser.new_page(locale="zh-CN")
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    page.goto(f"{url}/review")
    expect(page.locator("#left")).to_have_text("还有 3 件待抽检")
    expect(page.locator("#case img").first).to_be_visible()
    first = page.locator("#case").get_attribute("data-key")
    page.keyboard.press("2")
    expect(page.locator("#said")).to_contain_text("误报")
    expect(page.locator("#left")).to_have_text("还有 2 件待抽检")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    page.keyboard.press("u")
    expect(page.locator("#left")).to_have_text("还有 3 件待抽检")
    assert page.locator("#case").get_attribute("data-key") == first
    page.keyboard.press("s")
    expect(page.locator("#case")).not_to_have_attribute("data-key", first or "")
    page.get_by_role("button", name="English").click()
    for key in ("1", "3", "4"):
        page.keyboard.press(key)
        expect(page.locator("#said")).to_contain_text("judged")
        page.evaluate("document.getElementById('said').textContent = ''")
    expect(page.locator("#none")).to_contain_text("Nothing to check.")
    assert sorted(verdicts(office).values()) == ["duplicate", "pointless", "right"]
    assert wrong == []


def test_the_page_fits_a_phone(url: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{url}/review")
    expect(page.locator("#case img").first).to_be_visible()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390


def judge_many(office: Office, count: int) -> None:
    """So many copies of a real case, over two weeks; every third is wrong, with a low score."""
    now = utc_now()
    database = office.folder / "gridpatrol.db"
    with closing(sqlite3.connect(database)) as db:
        db.execute("CREATE TEMP TABLE one AS SELECT * FROM cases ORDER BY first_seen LIMIT 1")
        for number in range(count):
            began = iso(now - timedelta(hours=number * 336 / count))
            score = 0.41 if number % 3 == 0 else 0.9
            new = (f"copy-{number}", began, score)
            db.execute("UPDATE one SET case_id = ?, first_seen = ?, score = ?", new)
            db.execute("INSERT INTO cases SELECT * FROM one")
        db.commit()
    with closing(VerdictStore(database)) as store:
        for number in range(count):
            verdict = Verdict.WRONG if number % 3 == 0 else Verdict.RIGHT
            store.give(f"copy-{number}", verdict, at=now, now=now)


def test_weeks_and_proposals_are_shown(office: Office, url: str, browser: Browser) -> None:
    """A zone with many wrong ones of low scores gets a threshold proposed, with its price."""
    judge_many(office, 60)
    page = browser.new_page(locale="en-GB")
    page.goto(f"{url}/review")
    expect(page.locator("#rows svg")).to_have_count(1)
    assert page.locator("#trend circle").count() >= 2
    expect(page.locator("#proposals")).to_contain_text("raise min_score to 0.9")
    expect(page.locator("#proposals code")).to_contain_text("gridpatrol review apply")
