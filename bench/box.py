"""The running product under measurement: ``gridpatrol run`` as a child, and what it uses.

Everything is read from ``/proc`` and from the product's own ``/metrics``: nothing inside it knows
that it is measured. Memory is PSS (what is shared is divided among those who share it) and USS
(what would be free if the processes ended), summed over the core and its workers.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.demo.children import Child, free_port, wait_for_port

ROOT = Path(__file__).parents[1]
_TICK = os.sysconf("SC_CLK_TCK")
_ZONE = [[0.0, 0.3], [1.0, 0.3], [1.0, 1.0], [0.0, 1.0]]
_CELL = [[114.0, 30.0], [115.0, 30.0], [115.0, 31.0], [114.0, 31.0], [114.0, 30.0]]


@dataclass(frozen=True)
class Used:
    """What a set of processes uses at one moment.

    Attributes:
        cpu_s: CPU seconds so far, of living processes and children they have buried.
        pss_mb, uss_mb, rss_mb: summed over the processes, MiB.
        descriptors, threads, processes: counts.
    """

    cpu_s: float
    pss_mb: float
    uss_mb: float
    rss_mb: float
    descriptors: int
    threads: int
    processes: int


def family(pid: int) -> list[int]:
    """The process and all its descendants."""
    found = [pid]
    for parent in found:  # grows while it is walked
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and of the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / _TICK


def used(pids: Sequence[int]) -> Used:
    """Summed over the processes that still live."""
    total = {"cpu": 0.0, "Pss": 0.0, "Uss": 0.0, "Rss": 0.0}
    descriptors = threads = processes = 0
    for pid in pids:
        with suppress(OSError):
            total["cpu"] += cpu_s(pid)
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
                name, _, rest = line.partition(":")
                name = "Uss" if name.startswith("Private_") else name
                if name in total:
                    total[name] += int(rest.split()[0]) / 1024
            descriptors += len(list(Path(f"/proc/{pid}/fd").iterdir()))
            threads += len(list(Path(f"/proc/{pid}/task").iterdir()))
            processes += 1
    return Used(
        total["cpu"], total["Pss"], total["Uss"], total["Rss"], descriptors, threads, processes
    )


def machine_cpu_s() -> float:
    """CPU seconds that everybody on this machine has used."""
    fields = [int(f) for f in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICK


def busy_cores(seconds: float) -> float:
    """Cores in use now; the state of the machine in one number."""
    before, began = machine_cpu_s(), time.perf_counter()
    time.sleep(seconds)
    return (machine_cpu_s() - before) / (time.perf_counter() - began)


def camera(name: str, url: str, *, mode: str, every_s: float, **more: Any) -> dict[str, Any]:
    """A camera of the configuration, with one zone that is watched for street vending."""
    number = int(re.sub(r"\D", "", name) or 0)
    place = {"lon": 114.1 + number % 50 * 0.01, "lat": 30.1 + number // 50 * 0.01}
    zone = {"id": "road", "watch": "street_vending", "polygon": _ZONE, "dwell_s": 3600}
    return {
        "id": name,
        "url": url,
        "mode": mode,
        "look_every_s": every_s,
        "position": place,
        "zones": [zone],
    } | more


def configure(
    folder: Path, cameras: Sequence[dict[str, Any]], *, more: dict[str, Any] | None = None
) -> Path:
    """Write a configuration; its path.

    Args:
        folder: gets it, the grid and the state; must exist.
        cameras: see :func:`camera`.
        more: sections that replace those below.
    """
    cells = folder / "grid.geojson"
    shape = {"type": "Polygon", "coordinates": [_CELL]}
    feature = {"type": "Feature", "properties": {"code": "420111001001001"}, "geometry": shape}
    cells.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    document = {
        "box": {"id": "bench", "city": "420111", "state_dir": str(folder / "state")},
        "mqtt": {"host": "127.0.0.1"},
        "grid": {"cells": str(cells)},
        "detectors": {
            "gate": {"enabled": False},
            "static": {"enabled": False},
            "object": {"models": ["coco-nanodet"], "provider": "cpu", "threads": 1},
        },
        "cameras": list(cameras),
    } | (more or {})
    path = folder / "gridpatrol.yaml"
    path.write_text(json.dumps(document), "utf-8")  # JSON is YAML
    return path


class Box:
    """``gridpatrol run`` on a configuration made here.

    Args:
        folder: see :func:`configure`.
        cameras: see :func:`camera`.
        cores: that it may use; None leaves it all.
        more: sections of the configuration that replace the bench's own.
    """

    def __init__(
        self,
        folder: Path,
        cameras: Sequence[dict[str, Any]],
        *,
        cores: Sequence[int] | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        self.port, self.state = free_port(), folder / "state"
        config = configure(folder, cameras, more={"console": {"port": self.port}} | (more or {}))
        self.log = folder / "edge.log"
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        before = os.sched_getaffinity(0)
        if cores is not None:
            os.sched_setaffinity(0, cores)  # children inherit it
        try:
            arguments = ["-m", "edge.cli", "run", "-c", str(config)]
            self.child = Child(arguments, log=self.log, environment=environment)
        finally:
            os.sched_setaffinity(0, before)
        if not wait_for_port(self.port, timeout_s=120):
            self.stop()
            sys.exit(f"gridpatrol does not start; {self.log.read_text()[-2000:]}")

    @property
    def pids(self) -> list[int]:
        """Core first, then its workers."""
        return family(self.child.process.pid)

    def used(self) -> Used:
        """By the whole product."""
        return used(self.pids)

    def metric(self, name: str, **labels: str) -> float:
        """Sum of a metric over all label sets that have these labels."""
        total = 0.0
        for line in self._metrics().splitlines():
            matched = re.match(rf"{name}(?:\{{(.*)\}})? (\S+)$", line)
            if matched and all(f'{k}="{v}"' in (matched[1] or "") for k, v in labels.items()):
                total += float(matched[2])
        return total

    def looks(self) -> float:
        """Analysed so far."""
        return self.metric("gridpatrol_looks_total")

    def wait_for_looks(self, number: float, timeout_s: float) -> bool:
        """Whether so many came in time."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            if self.looks() >= number:
                return True
            time.sleep(1.0)
        return False

    def stop(self) -> None:
        """End it."""
        self.child.stop()

    def _metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as reply:
            text: str = reply.read().decode()
        return text


@contextmanager
def running(folder: Path, cameras: Sequence[dict[str, Any]], **more: Any) -> Iterator[Box]:
    """A box, ended at the end; the folder is made."""
    folder.mkdir(parents=True)
    box = Box(folder, cameras, **more)
    try:
        yield box
    finally:
        box.stop()


@contextmanager
def consuming(folder: Path, port: int) -> Iterator[Child]:
    """The reference consumer at a broker's port; what it receives goes below ``folder``."""
    consumer = Child(
        [
            *("-m", "edge.cli", "consume", "--json"),
            *("--port", str(port), "--out", str(folder / "platform")),
        ],
        log=folder / "consumer.log",
        environment=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        yield consumer
    finally:
        consumer.stop()


@dataclass(frozen=True)
class Span:
    """What a box did between two moments.

    Attributes:
        others_s: CPU seconds of everybody else, RTSP server and neighbours.
        main_s: CPU seconds of the core's main thread, which nothing else can take over.
    """

    seconds: float
    looks: float
    cpu_s: float
    others_s: float
    main_s: float

    @property
    def looks_per_s(self) -> float:
        """Looks a second."""
        return self.looks / self.seconds

    @property
    def ms_per_look(self) -> float:
        """CPU of core and workers."""
        return self.cpu_s / self.looks * 1000


def span(box: Box, seconds: float) -> Span:
    """Watch it for so long. Asking for the looks costs the product CPU, and is left out."""
    looks = box.looks()
    began, cpu, all_cpu, main = time.perf_counter(), _cpu(box), machine_cpu_s(), _main_s(box)
    time.sleep(seconds)
    took, ours, everybody = time.perf_counter() - began, _cpu(box) - cpu, machine_cpu_s() - all_cpu
    alone = _main_s(box) - main
    return Span(took, box.looks() - looks, ours, everybody - ours, alone)


def _main_s(box: Box) -> float:
    pid = box.child.process.pid
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _cpu(box: Box) -> float:
    total = 0.0
    for pid in box.pids:
        with suppress(OSError):
            total += cpu_s(pid)
    return total


def middle(values: Sequence[float]) -> str:
    """Median and range, for a table."""
    return f"{statistics.median(values):.3g} ({min(values):.3g}–{max(values):.3g})"
