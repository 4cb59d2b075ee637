"""Log-in, users and audit log in a real browser: both languages, keyboard, phone width."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from edge.config.console import ConsoleSettings
from edge.console.access.invitation import invitation
from edge.console.access.policy import Access
from edge.console.board import Board
from edge.console.views import CameraView
from edge.console.web import ConsoleServer
from tests.console.visitor import PASSWORD
from uploader.letters import LetterView

LETTER = LetterView(
    seq=1,
    what="case",
    subject="box-01-0001",
    revision=1,
    status="new",
    kind="piled_materials",
    attempts=1,
    created_at="2026-11-24T04:00:00.000Z",
    next_at="2026-11-24T04:00:00.000Z",
    files=2,
    reason="no such cell",
)


@pytest.fixture
def access(tmp_path: Path) -> Access:
    return Access(ConsoleSettings(access="login"), tmp_path / "state")


@pytest.fixture
def url(access: Access) -> Iterator[str]:
    board = Board("box-01", [CameraView("cam-1", "一号", "One")])
    board.uplink(True, 0, 1, "", (LETTER,))
    server = ConsoleServer("127.0.0.1", 0, board, lambda seq: seq == 1, access=access)
    yield server.start().rstrip("/")
    server.stop()


def opened(browser: Browser, locale: str, **more: object) -> tuple[Page, list[str]]:
    """A page of its own cookies, and what went wrong on it."""
    page = browser.new_context(locale=locale, **more).new_page()  # type: ignore[arg-type]
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        # A refused request is what some of this is about; scripts and the policy must be quiet.
        lambda line: (
            wrong.append(line.text)
            if line.type == "error" and "Failed to load resource" not in line.text
            else None
        ),
    )
    return page, wrong


def enter(page: Page, link: str) -> None:
    page.goto(link)
    page.locator("#password").fill(PASSWORD)
    page.locator("#again").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#logout").wait_for()


@pytest.mark.parametrize(
    ("locale", "unequal", "refused", "who", "users"),
    [
        ("zh-CN", "两次输入不一致", "用户名或密码错误", "admin · 管理", "用户"),
        ("en-GB", "not the same", "Name or password is wrong", "admin · admin", "Users"),
    ],
)
def test_from_the_link_to_the_log_in(
    access: Access,
    url: str,
    browser: Browser,
    locale: str,
    unequal: str,
    refused: str,
    who: str,
    users: str,
) -> None:
    """First start: the link, a password, in; out; a wrong one; in again. By keyboard alone."""
    link = invitation(access, url)
    page, wrong = opened(
        browser, locale, color_scheme="dark", viewport={"width": 390, "height": 800}
    )
    page.goto(link)
    assert "#" not in page.url
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.type("something else")
    page.keyboard.press("Enter")
    expect(page.locator("#failed")).to_contain_text(unequal)
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".who")).to_have_text(who)
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("link", name=users, exact=True).wait_for()
    page.locator("#logout").press("Enter")
    page.wait_for_url("**/login")
    for password in ("not the password", PASSWORD):
        page.locator("#name").fill("admin")
        page.locator("#password").fill(password)
        page.keyboard.press("Enter")
        if password != PASSWORD:
            expect(page.locator("#failed")).to_contain_text(refused)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator(".who")).to_have_text(who)
    page.goto(link)  # once is once
    page.locator("#password").fill(PASSWORD)
    page.locator("#again").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#failed")).to_be_visible()
    assert wrong == []


def test_users_on_the_page(access: Access, url: str, browser: Browser) -> None:
    """Added, let in by the link, made operator and thrown out by it, removed; all in the log."""
    page, wrong = opened(browser, "zh-CN")
    enter(page, invitation(access, url))
    page.get_by_role("link", name="用户", exact=True).click()
    page.locator("[data-user=admin]").wait_for()  # the script runs, so Enter is the page's
    page.locator("#name").fill("li")
    page.keyboard.press("Enter")
    expect(page.locator("#url")).to_contain_text("/enter#")
    expect(page.locator("[data-user=li]")).to_contain_text("尚未设置密码")
    theirs, wrong_too = opened(browser, "en-GB")
    enter(theirs, page.locator("#url").inner_text())
    theirs.locator("#rejected-help").wait_for()
    assert theirs.get_by_role("button", name="Send again").count() == 0
    assert theirs.get_by_role("link", name="Users").count() == 0
    page.get_by_label("角色 li").select_option("operator")
    expect(page.locator("#done")).to_have_text("已完成。")
    theirs.wait_for_url("**/login")  # the page asks every second, and is a stranger's now
    theirs.locator("#name").fill("li")
    theirs.locator("#password").fill(PASSWORD)
    theirs.keyboard.press("Enter")
    theirs.get_by_role("button", name="Send again 1").click()
    theirs.get_by_text("No. 1 is due again").wait_for()
    remove = page.get_by_role("button", name="删除 li")
    remove.click()
    page.get_by_role("button", name="确认删除").click()
    expect(page.locator("[data-user=li]")).to_have_count(0)
    theirs.wait_for_url("**/login")
    page.get_by_role("button", name="删除 admin").click()
    page.get_by_role("button", name="确认删除").click()
    expect(page.locator("#failed")).to_contain_text("CON-008")
    page.get_by_role("link", name="操作日志").click()
    expect(page.locator("#entries tr")).to_have_count(9)
    expect(page.locator("#entries")).to_contain_text("重新发送")
    expect(page.locator("#entries")).to_contain_text("li operator")
    page.get_by_role("button", name="English").click()
    expect(page.locator("#entries")).to_contain_text("role changed")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto(f"{url}/users")
    page.locator("[data-user=admin]").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert wrong == []
    assert wrong_too == []


def test_a_box_that_started_anew(access: Access, url: str, browser: Browser) -> None:
    """Its tokens are others: the page gets one and goes on, without a word."""
    page, _wrong = opened(browser, "en-GB")
    enter(page, invitation(access, url))
    button = page.get_by_role("button", name="Send again 1")
    button.wait_for()
    access._secret = b"another process"
    button.click()
    page.get_by_text("No. 1 is due again").wait_for()
