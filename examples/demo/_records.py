"""What is written about the clips: where each thing stands, and where the pictures come from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from _camera import APPEARS_S, FPS, HEIGHT, SECONDS, WIDTH, ground

Box = tuple[float, float, float, float]
Polygon = Sequence[tuple[float, float]]

# Corners of the ground that both cameras of the piles see, in the first one's pixels.
_GROUND_AT = ((340, 300), (640, 300), (740, 420), (440, 372))


@dataclass(frozen=True)
class Record:
    """What a clip shows. Boxes and polygons are 0-1 of the picture."""

    shows: str
    made_from: str
    zone: Polygon = ()
    boxes: tuple[tuple[str, Box], ...] = ()
    on_ground: bool = False
    warp: np.ndarray | None = None


def _points(points: Polygon, digits: int = 4) -> str:
    return "[" + ", ".join(f"[{x:.{digits}f}, {y:.{digits}f}]" for x, y in points) + "]"


def seen_by(record: Record, points: Polygon) -> Polygon:
    """Pixels of the recording, as 0-1 of the clip's picture."""
    pixels = np.array([points], np.float64)
    if record.warp is not None:
        pixels = cv2.perspectiveTransform(pixels, record.warp)
    return [(float(x) / WIDTH, float(y) / HEIGHT) for x, y in pixels[0]]


def to_toml(clips: dict[str, Record]) -> str:
    """``footage.toml``: what a configuration or a test needs to know."""
    origin = ground(WIDTH / 2, _GROUND_AT[2][1])
    lines = [
        "# Written by build_footage.py. Boxes and polygons are 0-1 of the picture;",
        "# homography.ground is metres east and north of a local origin.",
    ]
    for name, record in clips.items():
        lines += ["", f"[{name}]", f'file = "{name}.mp4"', f'shows = "{record.shows}"']
        lines += [f"seconds = {SECONDS}", f"fps = {FPS}", f"size = [{WIDTH}, {HEIGHT}]"]
        if record.boxes:
            lines.append(f"appears_s = {APPEARS_S}")
        if record.zone:
            lines.append(f"zone = {_points(record.zone, 3)}")
        for thing, box in record.boxes:
            lines += ["", f"[{name}.boxes]"] if thing == record.boxes[0][0] else []
            lines.append(f"{thing} = [{', '.join(f'{v:.4f}' for v in box)}]")
        if record.on_ground:
            metres = [ground(u, v) for u, v in _GROUND_AT]
            local = [(x - origin[0], y - origin[1]) for x, y in metres]
            lines += ["", f"[{name}.homography]", f"image = {_points(seen_by(record, _GROUND_AT))}"]
            lines.append(f"ground = {_points(local, 2)}")
    return "\n".join(lines) + "\n"


_SOURCES = """# Where the demo's footage comes from

Written by `build_footage.py`, which makes every clip again from the same sources.

## The recording

`vtest.avi` from OpenCV's samples (`samples/data/vtest.avi`), a real fixed camera over a plaza
(768x576, 10 frames a second), as Debian's package `opencv-doc` installs it. OpenCV is under the
Apache License 2.0, and the package's copyright file has no other entry for this file.

The scene appears to be that of the PETS 2009 benchmark data, S2.L1 view 001. The note on that data
reads: copyright University of Reading; free download for the purposes of the PETS 2009 workshop
and academic and industrial research; where the data is disseminated, the source should be
acknowledged, which is done here.

Changes: cut to the first minute, encoded again (H.264, a key frame every second), and from second
12 on what the table says.

## What is composited onto it

| clip | shows | made from | sha256 |
|---|---|---|---|
{rows}

Umbrella, table, crates, bags, carton and paper are drawn by the scripts beside this file. Oranges,
apples, limes and lemons are cut from `orange.jpg`, `apple.jpg` and `fruits.jpg` of OpenCV's
samples (Apache License 2.0). The vendor is a passer-by of the recording's last seconds, which the
clips do not show otherwise. The wording is set in Noto Sans SC (SIL Open Font License 1.1). The
phone number is invented.
"""


def to_markdown(clips: dict[str, Record], folder: Path) -> str:
    """``SOURCES.md``: source, licence and checksum of every clip."""
    rows = []
    for name, record in clips.items():
        digest = hashlib.sha256((folder / f"{name}.mp4").read_bytes()).hexdigest()
        rows.append(f"| `{name}.mp4` | {record.shows} | {record.made_from} | `{digest}` |")
    return _SOURCES.format(rows="\n".join(rows))
