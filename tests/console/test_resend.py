"""Sending a rejected letter again from the page: real outbox, real HTTP, a real browser."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from edge.console.board import Board
from edge.console.web import ConsoleServer, Resend
from edge.sqlite import transaction
from tests.console.visitor import token
from tests.uploader.helpers import CITY, NODE, NOON, make_draft
from tests.uploader.test_letters import REASON, settle
from uploader.letters import Letters
from uploader.outbox import Counts, Outbox
from uploader.outbox_schema import open_outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """Two dead letters."""
    path = tmp_path / "gridpatrol.db"
    outbox = Outbox(path, city=CITY, node=NODE, clock=lambda: NOON)
    for number in range(2):
        with transaction(open_outbox(path), path) as tx:
            outbox.enqueue(tx, make_draft(number, tmp_path))
    settle(outbox, "rejected")
    return outbox


@pytest.fixture
def resend(tmp_path: Path) -> Resend:
    def again(seq: int) -> bool:
        return bool(Letters(tmp_path / "gridpatrol.db", clock=lambda: NOON).resend([seq]))

    return again


@pytest.fixture
def board(outbox: Outbox, tmp_path: Path) -> Board:
    board = Board("box-01", [])
    dead = Letters(tmp_path / "gridpatrol.db").find("dead", 9)
    board.uplink(True, 0, len(dead), "", tuple(dead))
    return board


@pytest.fixture
def url(board: Board, resend: Resend) -> Iterator[str]:
    server = ConsoleServer("127.0.0.1", 0, board, resend)
    yield server.start().rstrip("/")
    server.stop()


def post(url: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(url + path, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_button(url: str, outbox: Outbox, browser: Browser) -> None:
    """One click: the letter is due again, the other one stays, the page says so."""
    tab = browser.new_page(locale="zh-CN")
    tab.goto(url)
    tab.get_by_text(REASON).first.wait_for()
    button = tab.get_by_role("button", name="重新发送 2")
    button.focus()
    tab.wait_for_timeout(1500)  # the page has asked anew meanwhile: the button kept its focus
    assert button.evaluate("element => element === document.activeElement")
    tab.keyboard.press("Enter")
    tab.get_by_text("2 号已重新排队").wait_for()
    assert outbox.counts() == Counts(pending=1, done=0, dead=1)
    tab.close()


def test_who_may_not(url: str, outbox: Outbox) -> None:
    """A page from elsewhere does not know the token; a number nobody knows is named."""
    status, said = post(url, "/api/outbox/1/resend", {"Origin": "http://evil.example"})
    assert (status, said["code"]) == (403, "CON-001")
    status, said = post(url, "/api/outbox/99/resend", token(url))
    assert (status, said["code"]) == (404, "CON-002")
    assert outbox.counts() == Counts(pending=0, done=0, dead=2)
    assert post(url, "/api/outbox/1/resend", token(url))[0] == 200
    assert post(url, "/api/outbox/1/resend", token(url))[0] == 404  # twice is once


def test_a_store_that_fails_is_said(board: Board, tmp_path: Path) -> None:
    """One line with the store's own code."""
    (tmp_path / "no.db").write_bytes(b"not a database" * 100)

    def again(seq: int) -> bool:
        return bool(Letters(tmp_path / "no.db").resend([seq]))

    server = ConsoleServer("127.0.0.1", 0, board, again)
    url = server.start().rstrip("/")
    try:
        status, said = post(url, "/api/outbox/1/resend", token(url))
    finally:
        server.stop()
    assert status == 503
    assert str(said["code"]).startswith("STO-")
