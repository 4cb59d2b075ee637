"""A whole box on a camera with two streams: small looks, large evidence; or small, never none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from tests.brokers import Broker, start_broker
from tests.cameras import RtspServer
from tests.e2e.edge import Edge, make_still, until, write_config

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The street without and with a box in each half, small and large."""
    folder = tmp_path_factory.mktemp("clips")
    return {
        f"{size}-{name}": make_still(
            folder / f"{size}-{name}.mp4", boxes=name == "full", scale=scale
        ).with_suffix(".h264")
        for size, scale in (("small", 1), ("large", 4))
        for name in ("empty", "full")
    }


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = start_broker(tmp_path)
    yield made
    made.stop()


def a_case(folder: Path, clips: dict[str, Path], broker: Broker, main: str | None) -> Edge:
    """A box that has made a case; ``main`` is the mount of the main stream, None: a dead one."""
    mounts = {"sub": clips["small-empty"], "main": clips["large-empty"]}
    camera = RtspServer(mounts)
    config = write_config(folder, [camera.url("sub")], broker.port)
    document = json.loads(config.read_text())
    (settings,) = document["cameras"]
    settings["detect_url"] = settings["url"]
    settings["url"] = camera.url(main) if main else "rtsp://127.0.0.1:9/main"
    for zone in settings["zones"]:
        zone["gone_after_s"] = 600
    config.write_text(json.dumps(document))
    edge = Edge(config)
    try:
        assert until((edge.state / "backgrounds" / "cam-1.png").exists, 60), edge.log.read_text()
        camera.stop()
        camera = RtspServer(
            {"sub": clips["small-full"], "main": clips["large-full"]}, port=camera.port
        )
        assert until(lambda: len(edge.committed()) >= 2, 90), edge.log.read_text()
    finally:
        edge.stop()
        camera.stop()
    return edge


def widths(edge: Edge) -> list[int]:
    """Pixels across of each far view."""
    pictures = (edge.state / "evidence").glob("*/r1/far.jpg")
    return [cv2.imread(str(path)).shape[1] for path in pictures]


@pytest.mark.timeout(300)
def test_looks_are_small_and_evidence_is_large(
    tmp_path: Path, clips: dict[str, Path], broker: Broker
) -> None:
    edge = a_case(tmp_path, clips, broker, "main")
    assert widths(edge) == [1280, 1280]
    background = cv2.imread(str(edge.state / "backgrounds" / "cam-1.png"))
    assert background.shape[:2] == (240, 320)
    assert '"level": "error"' not in edge.log.read_text()


@pytest.mark.timeout(300)
def test_a_dead_main_stream_still_gives_the_case(
    tmp_path: Path, clips: dict[str, Path], broker: Broker
) -> None:
    edge = a_case(tmp_path, clips, broker, None)
    assert widths(edge) == [320, 320]
    with sqlite3.connect(edge.state / "gridpatrol.db") as db:
        payloads = [row[0] for row in db.execute("SELECT payload FROM outbox WHERE what = 'case'")]
    assert all(b"CAM-001" in payload for payload in payloads), "it says so"
    assert "CAM-001" in edge.log.read_text()
