"""How small a QR code may be and still be found on a wall, and what finding it costs.

    .venv/bin/python bench/qr_codes.py --codes 60

Codes of 25 to 33 modules are drawn on walls made in code, turned by up to 30 degrees about both
axes, with blur up to sigma 1.2 px, sensor noise and JPEG quality 60. Each size is given in pixels
per module as seen from the front. ``--photos`` names a folder of ordinary photos instead: how many
of them the finder fires on.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
from phone_numbers import SIZE, seen, turned, wall, wilson

from edge.detectors.qr import Code, QrFinder
from edge.streams.frame import Image

_SUPER = 3
_CELL = 12
_QUIET = 2  # modules of white beside those the encoder leaves
_PHOTO_WIDTH = 1280


def draw_code(rng: np.random.Generator, module_px: float) -> tuple[Image, np.ndarray]:
    """A picture with one code, and the code's corners on it, pixels."""
    payload = "https://example.com/" + "".join(rng.choice(list("abcdef0123456789"), 14))
    flat = cv2.QRCodeEncoder.create().encode(payload)
    large = cv2.resize(flat, None, fx=_CELL, fy=_CELL, interpolation=cv2.INTER_NEAREST)
    sheet = cv2.copyMakeBorder(large, *(4 * [_QUIET * _CELL]), cv2.BORDER_CONSTANT, value=255)
    sheet = (30 + sheet * (200 / 255)).astype(np.uint8)
    side = sheet.shape[0]
    corners = turned(round(side * module_px / _CELL), round(side * module_px / _CELL), rng)
    corners -= corners.min(axis=0)
    room = np.maximum(np.array(SIZE) - corners.max(axis=0) - 20, 1)
    corners += (10 + rng.uniform(0, 1, 2) * room).astype(np.float32)
    square = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32)
    warp = cv2.getPerspectiveTransform(square, corners * _SUPER)
    size = (SIZE[0] * _SUPER, SIZE[1] * _SUPER)
    smooth = cv2.GaussianBlur(sheet, (0, 0), 0.3 * _CELL / (module_px * _SUPER))
    mask = cv2.warpPerspective(np.full((side, side), 255, np.uint8), warp, size) > 127
    placed = cv2.warpPerspective(smooth, warp, size, flags=cv2.INTER_LINEAR)
    ground = cv2.resize(wall(rng), size, interpolation=cv2.INTER_LINEAR)
    ground[mask] = (placed[mask, None] * rng.uniform(0.6, 1.0)).astype(np.uint8)
    return seen(cv2.resize(ground, SIZE, interpolation=cv2.INTER_AREA), rng), corners


def on_code(code: Code, corners: np.ndarray) -> bool:
    """Whether what was found lies on the code that was drawn."""
    x, y = (code.box[0] + code.box[2]) / 2, (code.box[1] + code.box[3]) / 2
    return cv2.pointPolygonTest(corners.astype(np.float32), (x, y), measureDist=False) > 0


def measure(module_px: float, codes: int, seed: int) -> dict[str, object]:
    """One size: how many were found, how many could be decoded."""
    rng, finder = np.random.default_rng(seed), QrFinder()
    found = decoded = beside = 0
    seconds: list[float] = []
    for _ in range(codes):
        picture, corners = draw_code(rng, module_px)
        began = time.perf_counter()
        all_found = finder.find(picture, (0, 0, *SIZE))
        seconds.append(time.perf_counter() - began)
        here = [code for code in all_found if on_code(code, corners)]
        found += bool(here)
        decoded += any(code.payload for code in here)
        beside += len(all_found) - len(here)
    low, high = wilson(found, codes)
    return {
        "module_px": module_px, "codes": codes, "found": found, "decoded": decoded,
        "interval_95": [round(low, 3), round(high, 3)], "beside": beside,
        "ms_median": round(1000 * float(np.median(seconds))),
    }  # fmt: skip


def fires(photos: Path) -> dict[str, object]:
    """On how many photos something is taken for a code."""
    finder, names = QrFinder(), []
    files = sorted(file for file in photos.rglob("*") if file.suffix in (".jpg", ".png"))
    for file in files:
        picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
        scale = _PHOTO_WIDTH / picture.shape[1]
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if finder.find(picture, (0, 0, picture.shape[1], picture.shape[0])):
            names.append(file.name)
    return {"photos": len(files), "fires_on": len(names), "names": names}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--codes", type=int, default=60, help="codes of each size")
    parser.add_argument("--sizes", type=float, nargs="+", default=(1.25, 1.5, 1.75, 2, 2.5, 3, 4))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--photos", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.photos:
        print(json.dumps(fires(options.photos)))
        return
    for module_px in options.sizes:
        print(json.dumps(measure(module_px, options.codes, options.seed)), flush=True)


if __name__ == "__main__":
    main()
