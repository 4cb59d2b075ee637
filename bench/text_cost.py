"""What reading a wall costs, and what is spared by reading only what is new.

    .venv/bin/python bench/text_cost.py                  # the demo's footage
    .venv/bin/python bench/text_cost.py --video wall.mp4 --every 10

The footage is replayed one look a second through the object model and the text detector; beside
the work done stands what the same passes would have cost had each searched and read everything.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av

from edge.detectors.base import Look
from edge.detectors.objects import ObjectDetector
from edge.detectors.text import TextDetector
from edge.geometry import Box
from edge.shipped import shipped
from edge.streams.frame import Frame


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--video", type=Path, default=shipped("demo") / "footage/ads.mp4")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two passes")
    parser.add_argument("--region", type=float, nargs=4, default=(0.02, 0.13, 0.98, 0.38))
    options = parser.parse_args()
    objects = ObjectDetector(shipped("models") / "coco-nanodet", provider="cpu", threads=1)
    regions = {"bench": (Box(*options.region),)}
    text = TextDetector(regions, every_s=options.every, min_score=0.6)
    began, looks = datetime(2026, 1, 1, tzinfo=UTC), 0
    with av.open(str(options.video)) as container:
        for picture in container.decode(video=0):
            if picture.time is None or picture.time < looks:
                continue
            image = picture.to_ndarray(format="bgr24")
            frame = Frame("bench", began + timedelta(seconds=looks), image, "key_frame", looks)
            look = Look(frame)
            text.detect([look.plus(objects.detect([look])[0])])
            looks += 1
    work = text.work
    passes = work.searches + work.searches_spared
    lines = work.readings + work.readings_spared
    search_ms = 1000 * (work.search_s + work.qr_s) / max(work.searches, 1)
    read_ms = 1000 * work.read_s / max(work.readings, 1)
    done = 1000 * (work.search_s + work.qr_s + work.read_s)
    result = {name: round(value, 3) for name, value in asdict(work).items()} | {
        "looks": looks,
        "ms_per_search": round(search_ms),
        "ms_per_line": round(read_ms),
        "ms_per_look": round(done / max(looks, 1), 1),
        "ms_per_look_if_all_were_read": round(
            (passes * search_ms + lines * read_ms) / max(looks, 1), 1
        ),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
