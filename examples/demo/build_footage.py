"""Build the demo's clips from OpenCV's ``vtest.avi``.

    apt-get install opencv-doc
    python examples/demo/build_footage.py

The recording is a real fixed camera over a plaza. What it lacks, a vendor's stall, rubbish left
behind and a small ad, is composited onto it twelve seconds into each clip; nothing else is
changed. Same input, same output: every random number is seeded.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from _camera import (
    APPEARS_S,
    FPS,
    HEIGHT,
    WIDTH,
    Frame,
    Passers,
    empty_plaza,
    footage,
    tripod,
)
from _records import Polygon, Record, to_markdown, to_toml
from _rubbish import pile
from _stall import Place, stall, vendor
from _sticker import paper, pasted

Edit = Callable[[Frame, int], Frame]

HERE = Path(__file__).resolve().parent
VTEST = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")
FONT = HERE.parents[1] / "edge/cases/fonts/NotoSansSC-subset.otf"

# The table's near lower corners and the vendor's feet: along the edge of the tarmac.
TABLE = ((586.0, 412.0), (684.0, 449.0))
VENDOR = (722.0, 447.0)
EAST_SIDE: Polygon = ((0.61, 0.52), (1.0, 0.52), (1.0, 0.85), (0.573, 0.63))

PILE = (484.0, 344.0)
FOOTWAY: Polygon = (
    (0.436, 0.521), (0.56, 0.408), (0.859, 0.408), (0.931, 0.573), (0.833, 0.677), (0.612, 0.625)
)  # fmt: skip

# The second camera sees the plaza through this quadrilateral of the first one's picture.
SIDE_VIEW = ((300, 150), (768, 120), (768, 520), (250, 480))
# The wall camera is a part of the picture, enlarged 8:3.
CLOSE_VIEW = (312, 40, 600, 256)
AD = ("办证 开锁", "139 0000 0000")
AD_AT = [(440.0, 107.0), (618.0, 110.0), (617.0, 189.0), (439.0, 185.0)]
WALL: Polygon = ((0.02, 0.13), (0.98, 0.13), (0.98, 0.38), (0.02, 0.33))


def appeared(number: int) -> float:
    """0-1: how far the thing has come into being, within three frames."""
    return float(np.clip((number - APPEARS_S * FPS) / 3, 0, 1))


def vending(vtest: Path, plaza: Frame) -> tuple[Edit, Record]:
    """A fruit vendor under an umbrella, at the edge of the tarmac."""
    goods = stall(plaza, vtest.parent, Place(*TABLE))
    person = vendor(vtest, plaza, VENDOR)
    passers = Passers(plaza)
    (x0, y0), (x1, y1) = TABLE
    table_edge = y0 + (np.arange(WIDTH) - x0) * (y1 - y0) / (x1 - x0)
    feet = np.full(WIDTH, VENDOR[1])

    def edit(frame: Frame, number: int) -> Frame:
        there = appeared(number)
        if not there:
            return frame
        sway = 0.8 * np.sin(number / 11) + 0.3 * np.sin(number / 4.3)
        out = goods.laid(frame, there, passers.before(frame, table_edge), number=number)
        near = passers.before(frame, feet)
        return person.laid(out, there, near, number=number + 7000, dx=float(sway))

    boxes = (("stall", goods.box()), ("vendor", person.box()))
    return edit, Record(
        "a vendor beside a fruit stall with an umbrella",
        "recording; stall drawn; fruit and vendor cut from OpenCV's samples",
        EAST_SIDE,
        boxes,
    )


def piles(plaza: Frame) -> tuple[Edit, Record]:
    """Three rubbish bags and a carton, left on the footway."""
    rubbish = pile(plaza, *PILE)
    passers = Passers(plaza, tripod(plaza))
    near = np.full(WIDTH, PILE[1])

    def edit(frame: Frame, number: int) -> Frame:
        there = appeared(number)
        if not there:
            return frame
        return rubbish.laid(frame, there, passers.before(frame, near), number=number)

    return edit, Record(
        "three rubbish bags and a carton on the footway",
        "recording; bags and carton drawn",
        FOOTWAY,
        (("pile", rubbish.box()),),
        on_ground=True,
    )


def side(edit: Edit, first: Record) -> tuple[Edit, Record]:
    """The same place as another camera sees it: other angle, other colours."""
    corners = np.array([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)], np.float32)
    warp = cv2.getPerspectiveTransform(np.array(SIDE_VIEW, np.float32), corners)

    def seen(points: Polygon) -> list[tuple[float, float]]:
        pixels = np.array([[(x * WIDTH, y * HEIGHT) for x, y in points]], np.float64)
        return [(x / WIDTH, y / HEIGHT) for x, y in cv2.perspectiveTransform(pixels, warp)[0]]

    def turned(frame: Frame, number: int) -> Frame:
        view = cv2.warpPerspective(
            edit(frame, number), warp, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC
        )
        cooler = view.astype(np.float32) * (1.06, 1.0, 0.93) + 4
        return np.asarray(np.clip(cooler, 0, 255), np.uint8)

    ((thing, (x0, y0, x1, y1)),) = first.boxes
    xs, ys = np.array(seen([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])).T
    box = (float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))
    return turned, Record(
        f"{first.shows}, from a second camera",
        "`piles.mp4` before encoding, seen in another perspective",
        seen(first.zone),
        ((thing, box),),
        on_ground=True,
        warp=warp,
    )


def ads(plaza: Frame, font: Path) -> tuple[Edit, Record]:
    """A close view of the wall and the permitted sign; a paper with an invented number."""
    x0, y0, x1, y1 = CLOSE_VIEW

    def closer(frame: Frame) -> Frame:
        part = frame[y0:y1, x0:x1]
        near = cv2.resize(part, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        return np.asarray(near, np.uint8)

    ad = pasted(paper(AD, font, 178, 78), closer(plaza), AD_AT)
    nobody = np.zeros((HEIGHT, WIDTH), np.float32)  # the path along the wall is out of view

    def edit(frame: Frame, number: int) -> Frame:
        view, there = closer(frame), appeared(number)
        return ad.laid(view, there, nobody, number=number) if there else view

    return edit, Record(
        "a small ad with a phone number on a wall, and a permitted sign",
        "recording, enlarged; paper drawn",
        WALL,
        (("ad", ad.box()),),
    )


def encode(path: Path, frames: Iterator[Frame], crf: int) -> None:
    """H.264 as a street camera sends it: one key frame a second, no B frames."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.thread_count = 1  # one slice a picture; and always the same bytes
        stream.options = {
            "crf": str(crf), "preset": "slow", "g": str(FPS), "keyint_min": str(FPS),
            "sc_threshold": "0", "bf": "0",
        }  # fmt: skip
        for frame in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--vtest", type=Path, default=VTEST, help="OpenCV's vtest.avi")
    parser.add_argument("--font", type=Path, default=FONT, help="a font with Chinese characters")
    parser.add_argument("--out", type=Path, default=HERE / "footage")
    parser.add_argument("--crf", type=int, default=35, help="x264's quality; lower is better")
    options = parser.parse_args()
    if not options.vtest.is_file():
        raise SystemExit(f"{options.vtest}: not there; install Debian's opencv-doc or give --vtest")
    plaza = empty_plaza(options.vtest)
    bags = piles(plaza)
    clips: dict[str, tuple[Edit, Record]] = {
        "vending": vending(options.vtest, plaza),
        "piles": bags,
        "piles_side": side(*bags),
        "ads": ads(plaza, options.font),
        "clear": (lambda frame, _: frame, Record("the plaza, nothing added", "recording")),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    for name, (edit, _) in clips.items():
        path = options.out / f"{name}.mp4"
        frames = (edit(frame, n) for n, frame in enumerate(footage(options.vtest)))
        encode(path, frames, options.crf)
        print(f"{path.name}  {path.stat().st_size // 1024} KiB")
    records = {name: record for name, (_, record) in clips.items()}
    (options.out / "footage.toml").write_text(to_toml(records), encoding="utf-8")
    (options.out / "SOURCES.md").write_text(to_markdown(records, options.out), encoding="utf-8")


if __name__ == "__main__":
    main()
