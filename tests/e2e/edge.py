"""A whole edge box under test: ``gridpatrol run`` on real streams and a real broker."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.cameras import to_annex_b

ROOT = Path(__file__).resolve().parents[2]
ZONES = {"north": [0.05, 0.05, 0.45, 0.95], "south": [0.55, 0.05, 0.95, 0.95]}
LOOP_S = 8


def until(done: Callable[[], bool], timeout_s: float) -> bool:
    """Whether it became true in time."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if done():
            return True
        time.sleep(0.2)
    return done()


def make_story(path: Path) -> Path:
    """Eight seconds that loop: a still street; from second 2 to 6 a box stands in each half."""
    rng = np.random.default_rng(11)
    ground = rng.integers(100, 150, (60, 80, 3), np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = {"g": "3", "bf": "0", "sc_threshold": "0", "preset": "ultrafast"}
        for number in range(LOOP_S * 10):
            picture = ground.copy()
            if 20 <= number < 60:
                picture[100:160, 50:110] = (20, 20, 200)
                picture[100:160, 210:270] = (200, 30, 20)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    to_annex_b(path)
    return path


def make_still(path: Path, *, boxes: bool, scale: int = 1) -> Path:
    """Two seconds of the same street that loop, with or without a box in each half."""
    rng = np.random.default_rng(11)
    picture = rng.integers(100, 150, (60, 80, 3), np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    if boxes:
        picture[100:160, 50:110] = (20, 20, 200)
        picture[100:160, 210:270] = (200, 30, 20)
    picture = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320 * scale, 240 * scale, "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = {"g": "3", "bf": "0", "sc_threshold": "0", "preset": "ultrafast"}
        for _ in range(20):
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    to_annex_b(path)
    return path


def write_config(folder: Path, urls: Sequence[str], broker_port: int) -> Path:
    """Short times: cases come, go and come again with every loop of the story."""
    cameras = [
        {
            "id": f"cam-{number}",
            "url": url,
            "position": {"lon": 114.4125, "lat": 30.3405},
            "look_every_s": 0.3,
            "zones": [
                {
                    "id": name,
                    "watch": "piled_materials",
                    "polygon": [[x0, y0], [x1, y0], [x1, y1], [x0, y1]],
                    "dwell_s": 0.5,
                    "gone_after_s": 0.5,
                }
                for name, (x0, y0, x1, y1) in ZONES.items()
            ],
        }
        for number, url in enumerate(urls, start=1)
    ]
    document = {
        "box": {"id": "box-01", "city": "420111", "state_dir": str(folder / "state")},
        "mqtt": {"host": "127.0.0.1", "port": broker_port, "receipt_timeout_s": 2},
        "grid": {"cells": str(ROOT / "configs/grid.geojson")},
        "streams": {"reconnect_min_s": 0.2, "reconnect_max_s": 1},
        # What is found is not the question here, only what becomes of it: a quick start matters.
        "detectors": {
            "object": {"models": ["coco-nanodet"]},
            "static": {"learn_s": 1, "stay_s": 0.5},
            "text": {"enabled": False},
            "second_look": {"enabled": False},
        },
        "console": {"enabled": False},
        "cameras": cameras,
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
    return path


class Edge:
    """``gridpatrol run`` as a child process."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.state = config.parent / "state"
        self.log = config.parent / "edge.log"
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge.cli", "run", "-c", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def committed(self) -> list[tuple[str, int]]:
        """Every committed (case id, revision), as the box itself has it."""
        path = self.state / "gridpatrol.db"
        if not path.exists():
            return []
        with sqlite3.connect(path, timeout=10) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'revisions'").fetchone():
                return []
            return db.execute("SELECT case_id, revision FROM revisions").fetchall()


class Platform:
    """``gridpatrol consume --json`` as a child process; remembers every line it prints."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.events: list[dict[str, Any]] = []
        with (folder.parent / "platform.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "edge.cli", "consume", "--json",
                 "--port", str(port), "--out", str(folder)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.events.append(json.loads(line))

    def received(self) -> Counter[tuple[str, int]]:
        """How often each revision took effect."""
        data = [event["event"]["data"] for event in list(self.events)]
        return Counter((d["case_id"], d["revision"]) for d in data)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)
