"""A clip on the page: beside its pictures, in a real browser, and never altered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Browser

from edge.cases.caption import Caption
from edge.cases.clip import safe_clip
from tests.cases.test_desk import NOON, Office, report
from tests.console.test_web import ZONE, Page, page
from tests.redaction.ways import by_detections

__all__ = ["page"]


def test_a_clip_is_played(page: Page, tmp_path: Path, browser: Browser) -> None:
    office = Office(tmp_path)
    (new,) = office.sees(0)
    pictures = [np.full((180, 320, 3), (40, 60, n * 4), np.uint8) for n in range(40)]
    jpegs = [bytes(cv2.imencode(".jpg", each)[1]) for each in pictures]
    caption = Caption("疑似占道经营", "Suspected: street vending", "", "一号")
    clip = safe_clip(
        jpegs, by_detections(), caption,
        began_at=NOON, time_zone="Asia/Shanghai", camera_id="cam-1",
    )  # fmt: skip
    added = office.desk.add_clip(new.case_id, clip)
    assert added is not None
    page.board.look(report(0, "cam-1", "z-1"), (ZONE,))
    page.board.case(new)
    page.board.case(added)
    (item,) = added.evidence
    status, body, headers = page.get(f"/evidence/{item.sha256}/clip")
    assert (status, body, headers["content-type"]) == (200, clip.data, "video/webm")
    (far, *_) = new.evidence
    assert page.get(f"/evidence/{far.sha256}/clip")[0] == 404, "a picture is no clip"
    tab = browser.new_page(locale="zh-CN")
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    tab.goto(page.url)
    tab.click(".case button")
    tab.wait_for_selector("dialog video")
    assert tab.locator("dialog img").count() == len(new.evidence), "the pictures are still there"
    played = (
        "video => new Promise((done, failed) => { video.muted = true; "
        "video.onended = () => done(video.currentTime); "
        "video.onerror = () => failed(video.error.message); "
        "video.playbackRate = 8; video.play(); })"
    )
    assert 7 < tab.locator("dialog video").evaluate(played) < 9
    tab.screenshot(path=str(tmp_path / "clip.png"), full_page=True)
    assert not errors
    item.path.write_bytes(clip.data[:-1])
    assert page.get(f"/evidence/{item.sha256}/clip")[0] == 409
    gone = replace(new, status="gone", revision=3)
    page.board.case(gone)
    roles = [each.role for each in page.board.snapshot().cases[0].before]
    assert "clip" in roles
