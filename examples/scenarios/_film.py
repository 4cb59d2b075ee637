"""A scenario becomes two files: a film of key frames, and the YAML that says what is true."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from _demo import Frame
from _stage import Stage
from _weather import Effect
from ruamel.yaml import YAML
from shapely.geometry import Polygon, box

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Zone:
    """A zone in pixels of the ground; extra keys go into the camera's settings as they are."""

    id: str
    corners: Points
    dwell_s: float = 60.0
    extra: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Truth:
    """What is physically there: from and to in seconds of the scenario's clock."""

    zone: str
    since: float
    until: float
    code: str | None = None


@dataclass(frozen=True)
class Script:
    """What happens in a scenario."""

    stage: Stage
    zones: Sequence[Zone]
    truth: Sequence[Truth] = ()
    scene: Sequence[Effect] = ()
    sensor: Sequence[Effect] = ()


@dataclass(frozen=True)
class Scenario:
    """One entry of the catalogue; ``make`` gets the world of grounds and gives the script.

    Attributes:
        kb: aimed size of a key frame, kilobytes.
        patrol: product's default times instead of the short ones of five-minute scenarios.
        group: first, fresh, days or sealed: figures are reported for each.
    """

    name: str
    kind: str
    split: str
    tags: Sequence[str]
    make: Callable[..., Script]
    looks: int = 130
    cadence_s: float = 2.0
    starts_at: str = "2026-06-01T09:00:00+08:00"
    kb: float = 50.0
    core: bool = True
    patrol: bool = False
    group: str = "first"

    @property
    def negative(self) -> bool:
        """Whether no case must come of it."""
        return "negative" in self.tags


def build(scenario: Scenario, script: Script, folder: Path, *, looks: int | None = None) -> Path:
    """Write the film and its YAML; returns the latter's path. ``looks`` cuts it short."""
    if looks is not None and looks < scenario.looks:
        scenario = replace(scenario, looks=looks)
    folder.mkdir(parents=True, exist_ok=True)
    encode(folder / f"{scenario.name}.mp4", pictures(scenario, script), scenario)
    path = folder / f"{scenario.name}.yaml"
    yaml = YAML(typ="safe")
    yaml.default_flow_style = None
    yaml.allow_unicode = True
    yaml.width = 110
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(described(scenario, script), file)
    return path


def pictures(scenario: Scenario, script: Script) -> Iterator[Frame]:
    """The looks, in order."""
    rng = np.random.default_rng(zlib.crc32(scenario.name.encode()))
    for index in range(scenario.looks):
        t = index * scenario.cadence_s
        picture = script.stage.picture(index, t)
        for effect in script.scene:
            picture = effect(picture, t, rng)
        picture = script.stage.seen(picture, t)
        for effect in script.sensor:
            picture = effect(picture, t, rng)
        yield picture


def encode(path: Path, frames: Iterator[Frame], scenario: Scenario) -> None:
    """H.264 of key frames only, each about as large as a street camera's."""
    bits = int(scenario.kb * 8192)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as out:
        # x264 counts bits by the second; one picture a second keeps its arithmetic plain.
        stream = out.add_stream("libx264", rate=1)
        first = next(frames)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1  # always the same bytes
        stream.bit_rate = bits
        stream.options = {
            "preset": "veryfast", "g": "1", "bf": "0", "rc-lookahead": "0",
            "maxrate": str(bits), "bufsize": str(2 * bits),
        }  # fmt: skip
        for number, picture in enumerate(_with(first, frames)):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1)
            for packet in stream.encode(frame):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)


def _with(first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from rest


def described(scenario: Scenario, script: Script) -> dict[str, object]:
    """The scenario as the evaluation reads it."""
    detectors: dict[str, object] = {"static": {"learn_s": 40, "stay_s": 30}}
    if scenario.kind == "illegal_ads":
        detectors["text"] = {"learn_s": 40, "every_s": 10}
    entry: dict[str, object] = {
        "name": scenario.name,
        "video": f"{scenario.name}.mp4",
        "split": scenario.split,
        "kind": scenario.kind,
        "tags": list(scenario.tags),
        "starts_at": scenario.starts_at,
        "cadence_s": scenario.cadence_s,
        "camera": {
            "position": {"lon": 114.41, "lat": 30.34},
            "look_every_s": scenario.cadence_s,
            "zones": [_zone(zone, scenario, script) for zone in script.zones],
        },
        "truth": [
            {
                "category": truth.code or scenario.kind,
                "zone": truth.zone,
                "from": float(truth.since),
                "to": float(min(truth.until, scenario.looks * scenario.cadence_s)),
            }
            for truth in script.truth
            if truth.since < scenario.looks * scenario.cadence_s
        ],
        "made_of": made_of(script),
        "ships": scenario.core,
        "set": scenario.group,
    }
    if not scenario.patrol:
        entry["detectors"] = detectors
    return entry


def made_of(script: Script) -> str:
    """What is recorded and what is composited, without repeats."""
    stage = script.stage
    parts = [stage.ground.made_of]
    parts += [actor.sprite.made_of for actor in stage.actors] + [w.made_of for w in stage.walls]
    whole = "; ".join(dict.fromkeys(parts))
    return f"{whole}; weather, light and sensor noise computed; only key frames, all-intra H.264"


def _zone(zone: Zone, scenario: Scenario, script: Script) -> dict[str, object]:
    entry: dict[str, object] = {
        "id": zone.id,
        "watch": scenario.kind,
        "polygon": seen_polygon(zone.corners, script.stage),
    }
    if not scenario.patrol:
        entry["dwell_s"] = zone.dwell_s
    return entry | dict(zone.extra)


def seen_polygon(corners: Points, stage: Stage) -> list[list[float]]:
    """A polygon of the ground, 0-1 of the picture the lens gives; what is outside is cut off."""
    points = np.array([corners], np.float64)
    width, height = stage.ground.size
    if stage.lens is not None:
        points = cv2.perspectiveTransform(points, stage.lens.matrix(stage.ground))
        width, height = stage.lens.size
    whole = Polygon([(x / width, y / height) for x, y in points[0]])
    inside = whole.intersection(box(0, 0, 1, 1))
    return [[round(x, 4), round(y, 4)] for x, y in list(inside.exterior.coords)[:-1]]
