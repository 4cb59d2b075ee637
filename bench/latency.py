"""How long it takes: from a look to its detections, and from a dwell satisfied to the receipt.

    .venv/bin/python -m bench.latency                       # short form
    .venv/bin/python -m bench.latency --only receipt --runs 9
    .venv/bin/python -m bench.latency --only looks --runs 5 --seconds 60

``looks``: cameras on patrol over RTSP; from the moment a visit has its decoded picture to the
moment the core has detections, rules and cases of it. ``receipt``: the demo's scenes in 1080p over
RTSP, ``gridpatrol run`` with its default models, mosquitto, ``gridpatrol consume``; from the
capture of the look on which a rule fired to the platform's receipt written to the box's disk.
Evidence is made, blurred, signed, sent and stored in between; waiting for a look is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import av
import cv2

from bench.box import Box, busy_cores, camera, configure, consuming, running
from bench.delivery import broker
from bench.footage import FPS, SIZE, make_clips, serve
from edge.app.run import open_edge
from edge.config.load import load_settings
from edge.shipped import shipped
from edge.telemetry.logs import configure_logs

_LEAD_S, SCENE_FPS, _WAIT_S = 3, 10, 100.0
_MOUNTS = 8
_STAGES = ("second_look", "cases")
SCENES = {
    "piles": (
        "piled_materials",
        [[0.436, 0.521], [0.56, 0.408], [0.859, 0.408], [0.931, 0.573], [0.833, 0.677]],
    ),
    "vending": ("street_vending", [[0.61, 0.52], [1.0, 0.52], [1.0, 0.85], [0.573, 0.63]]),
    "ads": ("illegal_ads", [[0.02, 0.13], [0.98, 0.13], [0.98, 0.38], [0.02, 0.33]]),
}


def looks(folder: Path, runs: int, seconds: float, rates: Sequence[float]) -> dict[str, object]:
    """Milliseconds from picture to detections by looks a second."""
    clips, found = make_clips(folder), {}
    with serve({f"m{n}": clips["h264"] for n in range(_MOUNTS)}, fps=FPS) as urls:
        for rate in rates:
            taken: list[float] = []
            for run in range(runs):
                taken += _looks(
                    folder / f"looks-{rate:g}-{run}", list(urls.values()), rate, seconds
                )
            found[f"{rate:g}/s"] = show(f"picture to detections, {rate:g} looks/s", taken)
    return found


def _looks(folder: Path, urls: Sequence[str], rate: float, seconds: float) -> list[float]:
    folder.mkdir()
    count = round(rate * 10)
    cameras = [
        camera(f"cam-{n}", urls[n % len(urls)], mode="patrolled", every_s=10.0)
        for n in range(count)
    ]
    more = {
        "console": {"enabled": False},
        "streams": {"patrol": {"looks_per_s": 1.2 * rate}},
    }
    edge = open_edge(load_settings(configure(folder, cameras, more=more)))
    analyse, taken, stop = edge._pipeline.analyse, [], threading.Event()
    from_now = time.monotonic() + 15.0  # what starts up is left out

    def timed(frames):  # type: ignore[no-untyped-def]
        result = analyse(frames)
        if time.monotonic() > from_now:
            now = datetime.now(UTC)
            taken.extend((now - frame.captured_at).total_seconds() * 1000 for frame in frames)
        return result

    edge._pipeline.analyse = timed  # type: ignore[method-assign]
    threading.Timer(15.0 + seconds, stop.set).start()
    edge.serve(stop)
    return taken


def scenes(folder: Path) -> dict[str, Path]:
    """The demo's scenes as 1080p H.264, a key frame a second, with a lead in which nothing is."""
    made = {name: _encode(shipped("demo") / f"footage/{name}.mp4", folder) for name in SCENES}
    for name in SCENES:
        lead = _encode(shipped("demo") / f"footage/{name}.mp4", folder, seconds=_LEAD_S)
        made[f"{name}-lead"] = lead
    return made


def _encode(source: Path, folder: Path, seconds: int | None = None) -> Path:
    path = folder / f"{source.stem}{'' if seconds is None else '-lead'}.h264"
    with av.open(str(source)) as clip, av.open(str(path), "w", format="h264") as out:
        stream = out.add_stream("libx264", rate=SCENE_FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.options = {
            **{"preset": "veryfast", "bf": "0", "g": str(SCENE_FPS), "sc_threshold": "0"},
            "x264-params": "slices=1:sliced-threads=0:aud=1",
        }
        for number, frame in enumerate(clip.decode(video=0)):
            if seconds is not None and number >= seconds * SCENE_FPS:
                break
            image = cv2.resize(frame.to_ndarray(format="bgr24"), SIZE)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        out.mux(stream.encode())
    return path


def receipt(folder: Path, runs: int, each: int) -> dict[str, object]:
    """Milliseconds to commit and to receipt, over the first revision of every case."""
    made, mounts = scenes(folder), {}
    for number in range(each):  # events one after the other, not all at once
        for place, name in enumerate(SCENES):
            leads = number * len(SCENES) + place
            path = folder / f"{name}-{number}.h264"
            lead = made[f"{name}-lead"].read_bytes()
            path.write_bytes(lead * leads + made[name].read_bytes())
            mounts[f"{name}-{number}"] = path
    whole, commit = [], []
    for run in range(runs):
        with serve(mounts, fps=SCENE_FPS, shared=False) as urls:
            for first, drafted in _receipts(folder / f"receipt-{run}", urls):
                commit.append(drafted)
                whole.append(first)
    return {
        "to_commit": show("dwell satisfied to committed", commit),
        "to_receipt": show("dwell satisfied to receipt", whole),
        "cases": len(whole),
        "cameras": len(mounts),
    }


def _receipts(folder: Path, urls: dict[str, str]) -> list[tuple[float, float]]:
    """(to receipt, to commit) of each new case, ms."""
    cameras = []
    for number, (name, url) in enumerate(urls.items()):
        watch, polygon = SCENES[name.partition("-")[0]]
        zone = {"id": "zone", "watch": watch, "polygon": polygon, "dwell_s": 8, "gone_after_s": 300}
        cameras.append(camera(f"cam-{number}", url, mode="held", every_s=2.0, zones=[zone]))
    folder.mkdir()
    with broker(folder) as port:
        more = {
            "mqtt": {"host": "127.0.0.1", "port": port, "receipt_timeout_s": 5},
            "detectors": {
                "static": {"learn_s": 8, "stay_s": 6},
                "text": {"every_s": 3, "learn_s": 8},
            },
        }
        with consuming(folder, port), running(folder / "box", cameras, more=more) as box:
            return _until_settled(box, len(cameras))


def _until_settled(box: Box, cases: int) -> list[tuple[float, float]]:
    until, found = time.monotonic() + _WAIT_S, []
    query = (
        "SELECT payload, created_at, settled_at FROM outbox WHERE revision = 1 AND what = 'case'"
    )
    while time.monotonic() < until:
        time.sleep(1)
        with sqlite3.connect(f"file:{box.state}/gridpatrol.db?mode=ro", uri=True, timeout=10) as db:
            rows = db.execute(query + " AND state = 'done'").fetchall()
        found = [_ms(json.loads(payload), *times) for payload, *times in rows]
        if len(found) >= cases:
            break
    stages = {
        stage: box.metric("gridpatrol_look_seconds_sum", stage=stage) for stage in _STAGES
    } | {"redaction, of these": box.metric("gridpatrol_redaction_seconds_sum")}
    each = ", ".join(f"{name} {1000 * s / max(len(found), 1):.0f}" for name, s in stages.items())
    print(f"  {len(found)} cases of {cases} cameras; ms a case: {each}", flush=True)
    return found


def _ms(event: dict[str, dict[str, str]], created: str, settled: str) -> tuple[float, float]:
    seen = datetime.fromisoformat(event["data"]["last_seen"])
    return tuple(  # type: ignore[return-value]
        (datetime.fromisoformat(moment) - seen).total_seconds() * 1000
        for moment in (settled, created)
    )


def show(name: str, ms: Sequence[float]) -> dict[str, float]:
    """Print and return p50, p99 and the longest."""
    if len(ms) < 2:
        return {"n": len(ms)}
    cut = statistics.quantiles(ms, n=100, method="inclusive")
    found = {"n": len(ms), "p50": cut[49], "p90": cut[89], "p99": cut[98], "max": max(ms)}
    print(f"{name}, ms: " + ", ".join(f"{k} {v:.0f}" for k, v in found.items()), flush=True)
    return {key: round(value, 1) for key, value in found.items()}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=("looks", "receipt"))
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30.0, help="of looks, each run")
    parser.add_argument("--rates", type=float, nargs="+", default=[2.0, 8.0], help="looks/s")
    parser.add_argument("--cameras", type=int, default=4, help="of each of the three scenes")
    given = parser.parse_args()
    configure_logs(json_lines=True, level="ERROR")
    print(f"cores in use before: {busy_cores(2.0):.2f} of {os.cpu_count()}", flush=True)
    result: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="gridpatrol-bench-") as place:
        folder = Path(place)
        if given.only != "receipt":
            result["looks"] = looks(folder, given.runs, given.seconds, given.rates)
        if given.only != "looks":
            result["receipt"] = receipt(folder, given.runs, given.cameras)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
