"""A street made by hand: coloured people and things, told look by look what is where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np

from edge.config.model import CameraSettings
from edge.detectors.base import Detection, Look
from edge.geometry import Box
from edge.scenes.finding import Finding
from edge.scenes.watch import SceneWatcher
from edge.streams.frame import Frame, Image

WIDTH, HEIGHT = 640, 360
RED, BLUE, GREEN, WHITE, BLACK = (
    (40, 40, 200), (190, 60, 30), (50, 150, 40), (225, 225, 225), (25, 25, 25),
)  # fmt: skip
WHOLE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
TALL = 0.3
"""Body height of everybody, in picture heights."""

Person = tuple[float, tuple[int, int, int], tuple[int, int, int]]
"""Where (x of the feet), coat, trousers."""


def body(x: float, foot: float = 0.8) -> Box:
    half = TALL * 0.36 / 2 * HEIGHT / WIDTH
    return Box.clipped(x - half, foot - TALL, x + half, foot)


def thing(meaning: str, x: float, wide: float, high: float, foot: float = 0.8) -> Detection:
    """A thing whose size is given in body heights."""
    half = wide * TALL / 2 * HEIGHT / WIDTH
    box = Box.clipped(x - half, foot - high * TALL, x + half, foot)
    return Detection(meaning, meaning, box, 0.6, "test 1")


def picture(people: Sequence[Person], second: float) -> Image:
    """Ground with the people drawn on it; the light trembles a little."""
    ground = np.random.default_rng(7).integers(90, 150, (HEIGHT, WIDTH, 3))
    for x, coat, trousers in people:
        x0, y0, x1, y1 = body(x).pixels(WIDTH, HEIGHT)
        middle = (y0 + y1) // 2
        ground[y0:middle, x0:x1] = coat
        ground[middle:y1, x0:x1] = trousers
    light = 1.0 + 0.15 * np.sin(second / 7)
    return np.clip(ground * light, 0, 255).astype(np.uint8)


def watcher(dwell_s: float = 60, *, look_every_s: float = 2.0, **zone: object) -> SceneWatcher:
    camera = CameraSettings.model_validate(
        {
            "id": "cam-1",
            "url": "rtsp://10.0.0.1/x",
            "look_every_s": look_every_s,
            "position": {"lon": 114.4, "lat": 30.3},
            "zones": [
                {"id": "z-1", "watch": "street_vending", "polygon": WHOLE, "dwell_s": dwell_s}
                | zone
            ],
        }
    )
    return SceneWatcher(camera, time_zone="Asia/Shanghai", learn_signs_s=5, learn_s=20)


def play(
    scene: SceneWatcher,
    start: datetime,
    seconds: int,
    people: Callable[[int], Sequence[Person]],
    things: Callable[[int], Sequence[Detection]] = lambda _: (),
    *,
    every_s: int = 2,
    certainty: float = 0.7,
) -> list[tuple[int, Finding]]:
    """Show the street; every finding with the second it was made."""
    found = []
    since: dict[tuple[str, Box], datetime] = {}
    for second in range(0, seconds, every_s):
        now = start + timedelta(seconds=second)
        who = people(second)
        seen = [Detection("person", "person", body(x), certainty, "test 1") for x, _, _ in who]
        for t in things(second):
            first = since.setdefault((t.meaning, t.box), now)
            still = t.meaning == "static_object"
            age_s = (now - first).total_seconds()
            if not still or age_s >= 20:  # the detector waits until it has stood for a while
                seen.append(
                    Detection(
                        t.label, t.meaning, t.box, t.score, t.model, since=first if still else None
                    )
                )
        frame = Frame("cam-1", now, picture(who, second), "key_frame", second)
        report = scene.observe(Look(frame, tuple(seen)))
        found += [(second, finding) for finding in report.findings]
    return found
