"""``gridpatrol demo``: RTSP cameras, edge, broker and consumer on this machine.

Everything is the real thing: the edge is ``gridpatrol run`` on ``examples/demo/gridpatrol.yaml``,
the consumer is ``gridpatrol consume``; only the cameras replay recorded footage.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from rich.console import Console

from edge.demo.broker import start_broker
from edge.demo.children import Child, free_port, wait_for_port
from edge.errors import Code, GridpatrolError
from edge.scenes.finding import EventKind
from edge.shipped import shipped

_READY_S = 15.0
_STATUS_PORT = 8470


class Arrivals(threading.Thread):
    """Reads the consumer's JSON lines: what has reached the platform.

    Args:
        consumer: ``gridpatrol consume --json`` with its stdout piped.
        show: called with a readable line for each case.
    """

    def __init__(self, consumer: Child, show: Console | None) -> None:
        super().__init__(name="arrivals", daemon=True)
        self._consumer = consumer
        self._show = show
        self.cases: Counter[str] = Counter()

    def run(self) -> None:
        """Read until the consumer ends."""
        for line in self._consumer.out:
            try:
                case = json.loads(line)
            except ValueError:
                continue
            data = case["event"]["data"]
            if data["status"] == "new":
                self.cases[data["category"]["kind"]] += 1
            if self._show is not None:
                self._show.print(case["line"], markup=False, highlight=False, soft_wrap=True)

    @property
    def complete(self) -> bool:
        """Whether a case of each kind has arrived."""
        return all(self.cases[kind.value] for kind in EventKind)


def run_demo(out: Path, stop: threading.Event, *, must_find_all: bool) -> int:
    """Run until asked to stop; returns the exit status.

    Args:
        out: folder for state, logs and evidence; made when missing, kept afterwards.
        stop: set when the demo is to end.
        must_find_all: exit with 1 unless a case of each kind reached the consumer.

    Raises:
        GridpatrolError: a server could not be started.
    """
    out = out.resolve()
    platform = out / "platform"
    platform.mkdir(parents=True, exist_ok=True)
    live = sys.stdout.isatty()
    console = Console(highlight=False, soft_wrap=True)
    mqtt, rtsp, status = free_port(), free_port(), _status_port()
    _introduce(console, platform, status)
    broker = start_broker(out, mqtt)
    children: list[Child] = []
    try:
        environment = os.environ | {
            "GRIDPATROL_DEMO_OUT": str(out),
            "GRIDPATROL_DEMO_RTSP": f"127.0.0.1:{rtsp}",
            "GRIDPATROL_DEMO_MQTT_PORT": str(mqtt),
            "GRIDPATROL_DEMO_STATUS_PORT": str(status),
        }
        children += _servers(out, environment, rtsp, mqtt, platform)
        arrivals = Arrivals(children[-1], None if live else console)
        arrivals.start()
        edge = Child(
            ["-m", "edge.cli", "run", "-c", str(shipped("demo") / "gridpatrol.yaml")],
            # On a terminal the edge shows its live status and its log goes to a file; otherwise
            # its JSON lines come out on stderr.
            log=out / "edge.log" if live else None,
            environment=environment,
            stdout=None,
        )
        children.append(edge)
        while not stop.wait(0.5):
            edge.revive()
    finally:
        for child in reversed(children):
            child.stop()
        broker.stop()
    return _conclude(arrivals, platform, must_find_all)


def _servers(
    out: Path, environment: dict[str, str], rtsp: int, mqtt: int, platform: Path
) -> list[Child]:
    cameras = Child(
        ["-m", "edge.demo.rtsp", str(rtsp), str(shipped("demo") / "footage")],
        log=out / "rtsp.log",
        environment=environment,
    )
    if not wait_for_port(rtsp, timeout_s=_READY_S):
        cameras.stop()
        raise GridpatrolError(
            Code.RUN_PORT,
            f"127.0.0.1:{rtsp}",
            "the RTSP server did not start",
            f"See {out / 'rtsp.log'}",
        )
    consumer = Child(
        ["-m", "edge.cli", "consume", "--json", "--port", str(mqtt), "--out", str(platform)],
        log=out / "consumer.log",
        environment=environment,
        stdout=subprocess.PIPE,
    )
    return [cameras, consumer]


def _status_port() -> int:
    """The usual port of the status page, or a free one when it is taken."""
    return free_port() if wait_for_port(_STATUS_PORT, timeout_s=0.05) else _STATUS_PORT


def _introduce(console: Console, platform: Path, status: int) -> None:
    console.print("gridpatrol demo  城管视频智能巡查演示", markup=False)
    console.print(
        "Real fixed-camera footage (OpenCV samples, vtest.avi); the stall, the bags and the "
        "sticker are composited onto it by examples/demo/build_footage.py.\n"
        "实拍固定摄像头画面；摊位、垃圾袋与小广告为后期合成。",
        markup=False,
    )
    console.print(f"status page   http://127.0.0.1:{status}/", markup=False)
    console.print(f"evidence      {platform}", markup=False)


def _conclude(arrivals: Arrivals, platform: Path, must_find_all: bool) -> int:
    summary = {
        "cases": {kind.value: arrivals.cases[kind.value] for kind in EventKind},
        "evidence_dir": str(platform),
    }
    sys.stdout.write(json.dumps(summary, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    return 1 if must_find_all and not arrivals.complete else 0
