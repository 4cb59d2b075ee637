"""The example platform in a real browser: list, map, detail, verify, spot check."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.brokers import Broker, start_broker
from tests.platform.box import NASTY, FakeBox
from tests.servers.postgres import Postgres, find_server
from tests.uploader.helpers import CITY, NODE

pytestmark = pytest.mark.e2e
_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker."""
    running = start_broker(tmp_path)
    yield running
    running.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path, broker: Broker) -> Iterator[str]:
    """The platform's pages, run as people run them."""
    server = None
    if request.param == "postgres":
        binaries = find_server()
        if binaries is None:
            pytest.skip("PostgreSQL's server is not installed")
        server = Postgres(binaries)
        where = ["--postgres", server.fresh()]
    else:
        where = ["--store", str(tmp_path / "platform")]
    grid = ["--grid", "configs/grid.geojson", "--port", "0"]
    command = [sys.executable, "-m", "examples.platform", "--broker", f"127.0.0.1:{broker.port}"]
    running = subprocess.Popen(
        [*command, *where, *grid], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    line = next(line for line in running.stdout if line.startswith("http"))
    yield line.strip()
    running.terminate()
    running.wait(20)
    if server is not None:
        server.end()


def test_list_detail_verify_and_spot_check(
    address: str, broker: Broker, browser: Browser, tmp_path: Path
) -> None:
    """Everything a person does, with the box's answers on the page, in both languages."""
    box = FakeBox(broker, tmp_path / "box")
    box.start()
    box.send_until_answered()
    tab = browser.new_page(locale="zh-CN")
    tab.set_default_timeout(20_000)
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    tab.goto(address)

    tab.locator("#list .row").nth(1).wait_for()
    assert tab.locator("#map .dot").count() == 2
    assert "420111001002001" in str(tab.locator("#map").text_content())
    assert "序号 2 未收到" in tab.locator("#alarm").inner_text()
    assert NASTY in tab.locator("#list").inner_text()

    tab.locator("#list .row", has_text="plaza").first.click()
    images = tab.locator("#detail figure img")
    images.nth(1).wait_for()
    for image in images.all():
        width = "image => image.decode().then(() => image.naturalWidth)"
        assert image.evaluate(width) == 160
    assert "停留 5 分钟" in tab.locator("#detail").inner_text()
    tab.locator("button.verify[data-purpose=post_handling_check]").click()
    tab.locator("#detail .reply.replied.gone").wait_for()
    answer = tab.locator("#detail .reply.replied").inner_text()
    assert "处置后核查" in answer
    assert "已消失" in answer
    assert "3 次巡看中 0 次看到" in answer
    assert tab.locator("#detail .reply img").count() == 2
    asked = box.asked[0].data
    assert (asked.purpose, asked.case_id) == ("post_handling_check", "case-1")

    tab.locator("#lang").click()
    tab.get_by_text("Not there in three looks").wait_for()
    tab.locator("#to-check").click()
    tab.get_by_text("2 left to check").wait_for()
    tab.keyboard.press("2")
    tab.get_by_text("1 left to check").wait_for()
    tab.keyboard.press("1")
    tab.get_by_text("All checked.").wait_for()
    said = {a.data.case_id: a.data.feedback for a in box.asked if a.data.action == "feedback"}
    assert sorted(f.verdict for f in said.values() if f) == ["right", "wrong"]
    assert tab.title() != "hacked"
    assert errors == []


def test_other_sites_may_not_write(address: str, broker: Broker) -> None:
    """A form or script of another site, or another name of this machine, gets nowhere."""
    url = f"{address}/api/cases/{CITY}/{NODE}/case-1/verdict"
    json_kind = {"Content-Type": "application/json"}
    for headers, status in (
        ({"Content-Type": "text/plain"}, 403),
        (json_kind | {"Sec-Fetch-Site": "cross-site"}, 403),
        (json_kind | {"Host": "evil.example"}, 400),
        (json_kind, 400),  # no such case
    ):
        request = urllib.request.Request(url, b'{"verdict": "right"}', headers)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=10)
        assert caught.value.code == status, headers


def test_nothing_is_loaded_from_elsewhere() -> None:
    """The pages work without the Internet."""
    for path in (_ROOT / "examples/platform/static").iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//cdn", text), path
