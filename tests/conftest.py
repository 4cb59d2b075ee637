"""Fixtures that every part of the tests may use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.cameras import RtspServer, has_gstreamer, make_clip


def pytest_report_header() -> str:
    """Say plainly which servers these tests run against."""
    return f"RTSP server: {'GStreamer (Debian)' if has_gstreamer() else 'embedded'}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """End-to-end tests first: they wait for minutes, and begun last all others wait for them."""
    items.sort(key=lambda item: "e2e" not in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def _real_servers_where_required() -> None:
    """CI must not quietly fall back to the embedded servers."""
    if os.environ.get("GRIDPATROL_REQUIRE_REAL_SERVERS") == "1":
        assert has_gstreamer(), "GStreamer's RTSP server is required here and missing"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A four-second clip, .mp4 with its .h264 twin."""
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def rtsp(clip: Path) -> Iterator[RtspServer]:
    """A server that loops the clip as ``clip``."""
    server = RtspServer({"clip": clip.with_suffix(".h264")})
    yield server
    server.stop()


@pytest.fixture
def noon() -> datetime:
    """A fixed moment: 12:00 in Shanghai."""
    return datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Debian's chromium."""
    if not shutil.which("chromium"):
        pytest.skip("Debian's chromium is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()
