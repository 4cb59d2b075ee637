"""The report in a real browser, opened as a file without any server, and on paper."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from edge.export import make
from edge.export.choose import Asked
from edge.export.make import make_export
from edge.export.report import Frame
from edge.signing import load_or_make_signer
from tests.cases.test_desk import NOON, Office

FRAME = Frame("420111/box-01", "张三", '"><script>document.title="run"</script>', "Asia/Shanghai")
DAY = NOON.date()


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """Two cases of a desk, with captioned pictures; one has gone."""
    return exported(tmp_path)


def exported(folder: Path) -> Path:
    office = Office(folder / "state")
    office.sees(0)
    office.sees(1, "cam-2", "z-1", place="另一处 elsewhere")
    office.clear(10, "cam-1")
    office.clear(100, "cam-1")
    signer = load_or_make_signer(folder / "state/keys/box.pem")
    out = folder / "export.zip"
    done = make_export(folder / "state", FRAME, Asked(first=DAY, last=DAY), signer, out)
    assert done.left_out == []
    shutil.unpack_archive(out, folder / "unpacked")
    return folder / "unpacked"


def opened(browser: Browser, path: Path) -> Page:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(path.as_uri())
    assert all(url.startswith(("file:", "data:")) for url in asked)
    return page


def shown(page: Page) -> list[bool]:
    script = "Array.from(document.images).map(i => i.complete && i.naturalWidth > 0)"
    return list(page.evaluate(script))


def test_it_opens_alone_with_every_picture(
    unpacked: Path, browser: Browser, tmp_path: Path
) -> None:
    """Embedded: the page may be mailed by itself. Text stays text."""
    alone = tmp_path / "alone/report.html"
    alone.parent.mkdir()
    shutil.copy(unpacked / "report.html", alone)
    page = opened(browser, alone)
    pictures = shown(page)
    assert len(pictures) == len(list(unpacked.rglob("*.jpg"))) + 2, "and one in the contents each"
    assert page.locator("td img.small").count() == 2
    assert all(pictures)
    assert "证据导出报告" in page.title()
    body = page.inner_text("body")
    for words in ("已消失", "gone", "远景", "far view", "2026-11-24 12:00", "另一处", "<script>"):
        assert words in body


def test_many_pictures_stand_beside_it(
    tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And are found there; only the thumbnails in the contents stand inside."""
    monkeypatch.setattr(make, "EMBED_UP_TO", 0)
    unpacked = exported(tmp_path)
    text = (unpacked / "report.html").read_text(encoding="utf-8")
    assert text.count("data:image") == text.count('<img class="small"') == 2
    pictures = shown(opened(browser, unpacked / "report.html"))
    assert pictures
    assert all(pictures)


def test_it_prints_on_a4(unpacked: Path, browser: Browser) -> None:
    """Nothing is wider than the paper, and no case begins in the middle of a page."""
    page = opened(browser, unpacked / "report.html")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 695, "height": 1000})  # 210 mm less the margins, at 96 dpi
    assert page.evaluate("document.documentElement.scrollWidth") <= 695
    breaks = (
        "Array.from(document.querySelectorAll('section')).map(s => getComputedStyle(s).breakBefore)"
    )
    assert set(page.evaluate(breaks)) == {"page"}
    sheet = page.pdf(prefer_css_page_size=True)
    assert sheet.startswith(b"%PDF")
    assert b"/MediaBox [0 0 594" in sheet or b"/MediaBox [0 0 595" in sheet
