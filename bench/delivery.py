"""Drafts per second, box to platform and back, against bare MQTT publishing of the same bytes.

    .venv/bin/python bench/delivery.py --runs 5 --drafts 300

One mosquitto, both ways in turn in each run, so that a noisy neighbour hits both alike:

* ``delivered``: drafts lie committed in the outbox, as after any outage. The uploader sends them
  with their evidence, the reference receiver (a process of its own) stores and syncs both and
  answers, the box settles the row. The clock runs from the connection's start to the last receipt.
* ``committed and delivered``: the same while one thread commits the drafts one by one, each with
  its evidence synced first, and the clock runs from the first of these.
* ``bare paho``: the same topics and bytes from memory, QoS 1, to one paho subscriber in a process
  of its own that keeps nothing. The clock stops when the broker has acknowledged the last
  publish and the subscriber has the last message.

``--backlog N`` measures memory instead: N undelivered rows, opened and partly drained.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.cases.draft import CaseDraft, EvidenceItem, Location, Source
from edge.cases.evidence import write_durably
from edge.cases.taxonomy import category
from edge.scenes.finding import Words
from edge.sqlite import transaction
from uploader.outbox import Outbox
from uploader.publisher import Uploader
from uploader.settings import Uplink

ROOT = Path(__file__).parents[1]
CITY, NODE = "420111", "bench-box"
CODES = ("0406", "0405", "0301", "0201")
RECEIVER = """
import asyncio, sys
from pathlib import Path
from uploader.intake.sqlite import SqliteStore
from uploader.receiver import Receiver
from uploader.settings import Downlink

async def accept(receiver):
    async for case in receiver.cases():
        await case.accept()

async def main():
    broker = Downlink(host="127.0.0.1", port=int(sys.argv[1]))
    async with Receiver(broker, SqliteStore(Path(sys.argv[2]))) as receiver:
        await asyncio.gather(*(accept(receiver) for _ in range(16)))

asyncio.run(main())
"""
SUBSCRIBER = """
import sys
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
seen = 0
def on_message(c, d, m):
    global seen
    seen += 1
    if seen == int(sys.argv[2]):
        print("all", flush=True)
        seen = 0
client.on_message = on_message
client.on_subscribe = lambda *a: print("ready", flush=True)
client.connect("127.0.0.1", int(sys.argv[1]))
client.subscribe([("bare/#", mqtt.SubscribeOptions(qos=1))])
client.loop_forever()
"""


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """mosquitto as shipped, on a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = folder / "mosquitto.conf"
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence false"]
    if os.geteuid() == 0:
        lines.append("user root")
    config.write_text("\n".join([*lines, "log_type error"]) + "\n")
    program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    assert program, "mosquitto is not installed"
    with program_running([program, "-c", str(config)]):
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield port


@contextmanager
def program_running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A child process, ended at the end."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as child:
        try:
            yield child
        finally:
            child.terminate()
            child.wait(10)


def make_draft(number: int, run: str, evidence: tuple[EvidenceItem, ...]) -> CaseDraft:
    """A plausible draft; only its ids differ."""
    now = datetime.now(UTC)
    kind = category(CODES[0])
    return CaseDraft(
        case_id=f"{run}-{number}",
        revision=1,
        status="new",
        kind="street_vending",
        category=kind,
        grid_cell="420111001002001",
        location=Location(114.3, 30.5, "homography"),
        place="plaza/stall-zone",
        sources=(Source("plaza", "stall-zone"),),
        first_seen=now,
        last_seen=now,
        sightings=3,
        score=0.87,
        title=Words("疑似占道经营：广场", "Suspected: trading on the carriageway, plaza"),
        reasons=(Words("停留 5 分钟", "stayed 5 minutes"),) * 3,
        evidence=evidence,
        models=("coco-nanodet 1.0",),
        box_id=NODE,
        created_at=now,
    )


@dataclass(frozen=True)
class Load:
    """What is sent: drafts, each with one file."""

    drafts: int
    size_bytes: int

    def contents(self, seed: str) -> list[bytes]:
        """Random bytes: nothing on the way can make them smaller."""
        rng = random.Random(seed)
        return [rng.randbytes(self.size_bytes) for _ in range(self.drafts)]


class Ours:
    """The whole way, box and platform kept running between runs, as they are in life."""

    def __init__(
        self, folder: Path, port: int, *, start: bool = True, backlog: int = 2_097_152
    ) -> None:
        self._folder = folder
        self._path = folder / "box" / "state.db"
        self._outbox = Outbox(self._path, city=CITY, node=NODE)
        self._uplink = Uplink(
            host="127.0.0.1", port=port, city=CITY, node=NODE, backlog_bytes_per_s=backlog
        )
        self._uploader = Uploader(self._uplink, self._path)
        if start:
            self.start()

    def start(self) -> None:
        """Begin to send."""
        self._uploader.start()

    def commit(self, load: Load, run: str) -> int:
        """What the desk does: evidence synced, row committed, uploader woken; the last number."""
        seq = 0
        for number, content in enumerate(load.contents(run)):
            path = self._folder / "box" / "evidence" / f"{run}-{number}" / "far.jpg"
            write_durably(path, content)
            sha256 = hashlib.sha256(content).hexdigest()
            item = EvidenceItem(
                "far", path, sha256, len(content), "image/jpeg", datetime.now(UTC), "plaza"
            )
            with transaction(self._outbox._db, self._path) as tx:
                seq = self._outbox.enqueue(tx, make_draft(number, run, (item,)))
            self._uploader.wake()
        return seq

    def run(self, load: Load, run: str) -> tuple[float, float]:
        """Drafts per second: committed and delivered at once; and delivered, once committed."""
        done = self._outbox.counts().done
        began = time.perf_counter()
        self.commit(load, run)
        self._wait(done + load.drafts)
        whole = load.drafts / (time.perf_counter() - began)
        self._uploader.stop()
        self.commit(load, f"{run}-again")
        self._uploader = Uploader(self._uplink, self._path)
        began = time.perf_counter()
        self._uploader.start()
        self._wait(done + 2 * load.drafts)
        return whole, load.drafts / (time.perf_counter() - began)

    def _wait(self, done: int) -> None:
        until = time.monotonic() + 300
        # Not counts(): asking for every row each time would be paid by what is measured.
        waits = "SELECT 1 FROM outbox WHERE state = 'pending' LIMIT 1"
        while self._outbox._db.execute(waits).fetchone():
            time.sleep(0.005)
            assert time.monotonic() < until, self._uploader.status()
        assert self._outbox.counts().done == done

    def is_done(self, seq: int) -> bool:
        """Whether the platform's receipt is here."""
        query = "SELECT state FROM outbox WHERE seq = ?"
        return bool(self._outbox._db.execute(query, (seq,)).fetchone()[0] == "done")

    def pending(self) -> int:
        """Rows that wait."""
        return self._outbox.counts().pending

    def payload(self) -> bytes:
        """A case message as it went over the wire."""
        query = "SELECT payload FROM outbox ORDER BY seq DESC LIMIT 1"
        return bytes(self._outbox._db.execute(query).fetchone()[0])

    def close(self) -> None:
        """Stop sending."""
        self._uploader.stop()


def bare(
    load: Load, port: int, run: str, payload: bytes, subscriber: subprocess.Popen[str]
) -> float:
    """Drafts per second of a loop around ``publish``."""
    contents = load.contents(run)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_socket_open = lambda _c, _d, sock: sock.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    )
    client.connect("127.0.0.1", port)
    client.loop_start()
    properties = Properties(PacketTypes.PUBLISH)
    began = time.perf_counter()
    for number, content in enumerate(contents):
        client.publish(f"bare/{number}/blob", content, 1, properties=properties)
        info = client.publish(f"bare/{number}/case", payload, 1, properties=properties)
    info.wait_for_publish(300)
    assert subscriber.stdout is not None
    assert subscriber.stdout.readline() == "all\n"
    rate = load.drafts / (time.perf_counter() - began)
    client.disconnect()
    client.loop_stop()
    return rate


def measure(load: Load, runs: int, folder: Path) -> dict[str, object]:
    """The ways in turn."""
    whole: list[float] = []
    delivered: list[float] = []
    others: list[float] = []
    with broker(folder) as port:
        receiver = [sys.executable, "-c", RECEIVER, str(port), str(folder / "platform")]
        counter = [sys.executable, "-c", SUBSCRIBER, str(port), str(load.drafts * 2)]
        with program_running(receiver), program_running(counter) as subscriber:
            assert subscriber.stdout is not None
            subscriber.stdout.readline()
            box = Ours(folder, port, backlog=0)
            box.run(Load(20, load.size_bytes), "warm")
            for number in range(runs):
                both, sent = box.run(load, f"run-{number}")
                whole.append(both)
                delivered.append(sent)
                others.append(bare(load, port, f"run-{number}", box.payload(), subscriber))
                sys.stderr.write(
                    f"run {number + 1}: committed and delivered {both:.1f}/s, delivered"
                    f" {sent:.1f}/s, bare {others[-1]:.1f}/s\n"
                )
            box.close()
    return {
        "delivered_per_s": round(statistics.median(delivered), 1),
        "committed_and_delivered_per_s": round(statistics.median(whole), 1),
        "bare_paho_per_s": round(statistics.median(others), 1),
        "ratio": _ratio(delivered, others),
        "ratio_with_commit": _ratio(whole, others),
        "runs": runs,
        "drafts": load.drafts,
        "evidence_bytes": load.size_bytes,
    }


def _ratio(ours: list[float], others: list[float]) -> float:
    """Median over the runs, each against its neighbour."""
    pairs = zip(ours, others, strict=True)
    return round(statistics.median(mine / other for mine, other in pairs), 3)


def latency(load: Load, backlog: int, folder: Path) -> dict[str, object]:
    """From commit to receipt of one live draft at a time, alone and with a backlog."""
    found: dict[str, object] = {"backlog_drafts": backlog, "evidence_bytes": load.size_bytes}
    for name, behind in (("alone", 0), ("with_backlog", backlog)):
        place = folder / name
        place.mkdir()
        with broker(place) as port:
            receiver = [sys.executable, "-c", RECEIVER, str(port), str(place / "platform")]
            with program_running(receiver):
                time.sleep(2)
                box = Ours(place, port, start=False)
                box.commit(Load(behind, load.size_bytes), "behind")
                box.start()
                took = []
                for number in range(load.drafts):
                    time.sleep(0.1)
                    seq = box.commit(Load(1, load.size_bytes), f"live-{number}")
                    began = time.perf_counter()
                    while not box.is_done(seq):
                        time.sleep(0.002)
                    took.append(1000 * (time.perf_counter() - began))
                left = box.pending()
                box.close()
        found[f"{name}_p50_ms"] = round(statistics.median(took), 1)
        found[f"{name}_p95_ms"] = round(statistics.quantiles(took, n=20)[-1], 1)
        found[f"{name}_left"] = left
    return found


def resident_mb() -> float:
    """Memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def fill(path: Path, rows: int) -> None:
    """A backlog of cases without pictures."""
    outbox = Outbox(path, city=CITY, node=NODE)
    for first in range(0, rows, 5000):
        with transaction(outbox._db, path) as tx:
            for number in range(first, min(rows, first + 5000)):
                outbox.enqueue(tx, make_draft(number, "backlog", ()))
    outbox.close()


def memory(rows: int, seconds: float, folder: Path) -> dict[str, object]:
    """Open a backlog and drain some of it; in a process of its own, so that nothing is counted
    that the filling left behind."""
    path = folder / "box" / "state.db"
    filler = f"import bench.delivery as d, pathlib as p; d.fill(p.Path({str(path)!r}), {rows})"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", filler], check=True, env=env)
    with broker(folder) as port:
        receiver = [sys.executable, "-c", RECEIVER, str(port), str(folder / "platform")]
        with program_running(receiver):
            time.sleep(2)
            before = resident_mb()
            began = time.perf_counter()
            outbox = Outbox(path, city=CITY, node=NODE)
            outbox.due(datetime.now(UTC), 1)
            opened_ms = 1000 * (time.perf_counter() - began)
            opened = resident_mb()
            uplink = Uplink(
                host="127.0.0.1", port=port, city=CITY, node=NODE, backlog_bytes_per_s=0
            )
            uploader = Uploader(uplink, path)
            uploader.start()
            peak = 0.0
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                time.sleep(0.2)
                peak = max(peak, resident_mb())
            due = []
            for _ in range(200):
                began = time.perf_counter()
                outbox.due(datetime.now(UTC), 1)
                due.append(1000 * (time.perf_counter() - began))
            done = outbox.counts().done
            uploader.stop()
    return {
        "backlog_rows": rows,
        "rss_before_mb": before,
        "rss_opened_mb": opened,
        "rss_draining_peak_mb": peak,
        "opened_ms": round(opened_ms, 1),
        "due_ms_median": round(statistics.median(due), 3),
        "drained": done,
        "seconds": seconds,
    }


def main() -> None:
    """One JSON line on stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--drafts", type=int, default=300)
    parser.add_argument("--size", type=int, default=100_000, help="bytes of evidence a draft")
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    parser.add_argument("--backlog", type=int, default=0, help="rows: measure memory instead")
    parser.add_argument(
        "--latency", type=int, default=0, help="drafts behind: of live ones instead"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="of draining the backlog")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if given.folder is not None:
        given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        if given.backlog:
            result = memory(given.backlog, given.seconds, Path(folder))
        elif given.latency:
            result = latency(Load(given.drafts, given.size), given.latency, Path(folder))
        else:
            result = measure(Load(given.drafts, given.size), given.runs, Path(folder))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
