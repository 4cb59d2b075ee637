"""The pictures of ``docs/console.md``: a real console with users, in both languages.

Run from the repository: ``python examples/console/pictures.py [FOLDER]``. Needs Debian's chromium.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from edge.config.console import ConsoleSettings
from edge.console.access.invitation import invitation
from edge.console.access.policy import Access
from edge.console.board import Board
from edge.console.views import CameraView
from edge.console.web import ConsoleServer

_PASSWORD = "only for this picture"  # noqa: S105 - of a console that is gone with the script
_LANGUAGES = {"": "en-GB", ".zh": "zh-CN"}
_THEMES = {"": "light", ".zh": "dark"}  # one of each is enough to see both


def main() -> None:
    """Write ``console-*.jpg`` into the folder, ``docs/images`` by default."""
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for end, locale in _LANGUAGES.items():
            access = Access(ConsoleSettings(access="login"), Path(folder, locale))
            board = Board("box-01", [CameraView("cam-1", "市场街三号杆", "Market Street")])
            server = ConsoleServer("127.0.0.1", 0, board, access=access)
            url = server.start().rstrip("/")
            try:
                _walk(chromium, access, url, out, end)
            finally:
                server.stop()
        chromium.close()


def _walk(chromium: Browser, access: Access, url: str, out: Path, end: str) -> None:
    context = chromium.new_context(
        locale=_LANGUAGES[end],
        color_scheme="dark" if _THEMES[end] == "dark" else "light",
        viewport={"width": 1000, "height": 560},
    )
    page = context.new_page()
    page.goto(invitation(access, url))
    page.locator("#go").wait_for()
    _shoot(page, out / f"console-enter{end}")
    page.locator("#password").fill(_PASSWORD)
    page.locator("#again").fill(_PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#logout").wait_for()
    page.goto(f"{url}/users")
    for name, role in (("li", "operator"), ("wang", "viewer")):
        page.locator("#name").fill(name)
        page.locator("#role").select_option(role)
        page.keyboard.press("Tab")
        page.locator("#form button").click()
        page.locator(f"[data-user={name}]").wait_for()
    _shoot(page, out / f"console-users{end}")
    page.request.post(f"{url}/api/login", data={})  # without the page's token: refused, written
    page.goto(f"{url}/audit")
    page.locator("#entries tr").first.wait_for()
    _shoot(page, out / f"console-audit{end}")
    page.locator("#logout").click()
    page.wait_for_url("**/login")
    page.locator("#name").fill("li")
    page.locator("#password").fill("not the password")
    page.keyboard.press("Enter")
    page.locator("#failed").wait_for()
    page.set_viewport_size({"width": 390, "height": 560})
    _shoot(page, out / f"console-login{end}")
    context.close()


def _shoot(page: Page, path: Path) -> None:
    if "--png" in sys.argv:
        page.screenshot(path=path.with_name(f"{path.name}.png"), full_page=True)
    else:
        page.screenshot(
            path=path.with_name(f"{path.name}.jpg"), type="jpeg", quality=85, full_page=True
        )


if __name__ == "__main__":
    main()
