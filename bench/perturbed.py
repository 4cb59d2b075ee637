"""Whether the rules stand at a knife's edge: the same scenarios, seen a little otherwise.

    python bench/perturbed.py --scenarios .scenarios --only vend- --cache .eval-cache

A stall that is found must still be found, and a queue still be none, when the picture is mirrored,
darker, smaller or worse packed, when looks are lost, or when they come more seldom. Each way is
written as a folder of scenarios of its own and run through the rooms as ``gridpatrol eval cases``
does; truth keeps its pictures: at a slower pace it lasts longer. ``as-is`` is the control (read
and packed once more, nothing else); ``60s`` and ``180s`` are a patrol's pace.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from ruamel.yaml import YAML

from edge.evaluation.cases import Judged, run_cases
from edge.evaluation.load import load_scenarios
from edge.evaluation.scenario import Scenario
from edge.evaluation.variants import Variant
from edge.evaluation.video import timed_pictures
from edge.streams.frame import Image
from edge.streams.planes import as_bgr
from edge.telemetry.logs import configure_logs

Change = Callable[[Image, int], Image]

_LEARNT = 30  # looks; while a place is learned every look counts, and none is lost


@dataclass(frozen=True)
class Way:
    """One way to see a scenario otherwise.

    Attributes:
        change: what happens to a picture; gets its number.
        pace: the looks come so many times as far apart.
        every_s: seconds between looks instead, 0 to keep them.
        lose: each so-many-th look is lost, 0 for none.
        mirror: left is right, in the zones too.
    """

    change: Change = lambda image, _number: image
    pace: float = 1.0
    every_s: float = 0.0
    lose: int = 0
    mirror: bool = False


def _light(factor: float) -> Change:
    return lambda image, _number: cv2.convertScaleAbs(image, alpha=factor)  # type: ignore[return-value]


def _packed(image: Image, _number: int) -> Image:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _smaller(image: Image, _number: int) -> Image:
    height, width = (int(side * 0.375) * 2 for side in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _shaken(image: Image, number: int) -> Image:
    dx, dy = np.random.default_rng(number).uniform(-1.5, 1.5, 2)
    moved = np.array([[1, 0, dx], [0, 1, dy]])
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.warpAffine(image, moved, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _mirrored(image: Image, _number: int) -> Image:
    return np.ascontiguousarray(image[:, ::-1])


WAYS = {
    "as-is": Way(),
    "slower": Way(pace=1.5),
    "lost": Way(lose=3),
    "darker": Way(_light(0.75)),
    "brighter": Way(_light(1.25)),
    "mirrored": Way(_mirrored, mirror=True),
    "smaller": Way(_smaller),
    "jpeg40": Way(_packed),
    "shaken": Way(_shaken),
    "60s": Way(every_s=60.0),
    "180s": Way(every_s=180.0),
}


def written(scenario: Scenario, way: Way, folder: Path) -> None:
    """Write the scenario as it is seen that way: a YAML file and its video."""
    document: dict[str, Any] = YAML(typ="safe").load(scenario.file.read_text("utf-8"))
    cadence_s = scenario.cadence_s or scenario.camera.look_every_s
    wanted_s = max(way.every_s, cadence_s) if way.every_s else cadence_s * way.pace
    slower = wanted_s / cadence_s
    video = folder / f"{scenario.name}.mp4"
    if way.change is WAYS["as-is"].change and way.every_s:
        video.symlink_to(scenario.video.resolve())  # only the clock runs otherwise
    else:
        _write(video, _kept(scenario, way), wanted_s)
    document["video"] = video.name
    camera = document["camera"]
    camera["look_every_s"] = max(float(camera.get("look_every_s", 2.0)), wanted_s)
    if way.lose:
        document.pop("cadence_s", None)  # the video's own time has the gaps
        camera["look_every_s"] = wanted_s / 2
    else:
        document["cadence_s"] = wanted_s
    for truth in document.get("truth") or ():
        truth["from"], truth["to"] = truth["from"] * slower, truth["to"] * slower
        truth["to"] = min(truth["to"], (scenario.length_s - 2 * cadence_s) * slower)
    for zone in camera["zones"] if way.mirror else ():
        zone["polygon"] = [[1 - x, y] for x, y in zone["polygon"]]
    YAML().dump(document, folder / f"{scenario.name}.yaml")


def _kept(scenario: Scenario, way: Way) -> Iterator[tuple[int, Image]]:
    timed = timed_pictures(scenario.video, scenario.cadence_s, scenario.camera.look_every_s)
    for number, (picture, _) in enumerate(timed):
        if not way.lose or number < _LEARNT or number % way.lose != way.lose - 1:
            yield number, way.change(as_bgr(picture), number)


def _write(path: Path, pictures: Iterable[tuple[int, Image]], every_s: float) -> None:
    """An all-intra video, packed so that little is lost once more."""
    base = Fraction(1, 1000)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=1000, options={"crf": "12", "preset": "veryfast"})
        stream.pix_fmt, stream.time_base, stream.gop_size = "yuv420p", base, 1
        for number, image in pictures:
            if not stream.codec_context.is_open:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="bgr24")
            frame.pts, frame.time_base = round(number * every_s * 1000), base
            for packet in stream.encode(frame):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)


def seen(
    scenarios: Sequence[Scenario], way: Way, memory: Path | None, processes: int
) -> list[Judged]:
    """The scenarios, run as they look that way."""
    with tempfile.TemporaryDirectory(prefix="gridpatrol-perturbed-") as name:
        for scenario in scenarios:
            written(scenario, way, Path(name))
        changed = load_scenarios(Path(name))
        return run_cases(changed, Variant(), memory=memory, processes=processes)


def row(name: str, judged: Sequence[Judged]) -> str:
    """One line of the table, and one for each mistake."""
    found, missed, false = (
        sum(len(getattr(entry.outcome, what)) for entry in judged)
        for what in ("found", "missed", "false")
    )
    lines = [f"{name:9} found {found:3} of {found + missed:3}   false {false:3}"]
    for entry in judged:
        lines += [f"    missed {entry.scenario.name}" for _ in entry.outcome.missed]
        lines += [
            f"    false  {entry.scenario.name} at {report.at_s:.0f} s: {'; '.join(report.reasons)}"
            for report in entry.outcome.false
        ]
    return "\n".join(lines)


def main() -> None:
    """Run the ways asked for, one after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--scenarios", type=Path, default=Path(".scenarios"))
    parser.add_argument("--only", default="", help="comma: only names that hold one of these")
    parser.add_argument("--ways", default=",".join(WAYS), help="comma: " + ", ".join(WAYS))
    parser.add_argument("--cache", type=Path, help="folder that keeps detections for the next run")
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    configure_logs(json_lines=True, level="ERROR")
    wanted = chosen.only.split(",")
    scenarios = [s for s in load_scenarios(chosen.scenarios) if any(w in s.name for w in wanted)]
    for name in chosen.ways.split(","):
        print(row(name, seen(scenarios, WAYS[name], chosen.cache, chosen.processes)), flush=True)


if __name__ == "__main__":
    main()
