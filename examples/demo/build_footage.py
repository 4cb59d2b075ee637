"""Build the demo's clips from OpenCV's ``vtest.avi``.

    apt-get install opencv-doc
    python examples/demo/build_footage.py

The recording is a real fixed camera over a plaza. What it lacks, a vendor's stall, rubbish left
behind and a small ad, is composited onto it twelve seconds into each clip; nothing else is
changed. Same input, same output: every random number is seeded.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from _things import (
    carton,
    lay,
    person_cut,
    rubbish_bag,
    shadow,
    sticker,
    table,
    umbrella,
)

Frame = npt.NDArray[np.uint8]
Edit = Callable[[Frame, int], Frame]

HERE = Path(__file__).resolve().parent
SAMPLES = Path("/usr/share/doc/opencv-doc/examples/data")
FONT = HERE.parents[1] / "edge/cases/fonts/NotoSansSC-subset.otf"
FPS, SECONDS, APPEARS_S = 10, 60, 12
SIZE = (768, 576)

# The second camera sees the plaza through this quadrilateral of the first one's picture.
SIDE_VIEW = np.array([(300, 150), (768, 120), (768, 520), (250, 480)], np.float32)
# The wall camera is a part of the picture, enlarged 8:3.
WALL = (312, 40, 600, 256)


def footage(path: Path) -> Iterator[Frame]:
    """The recording's first minute."""
    with av.open(str(path)) as source:
        for number, frame in enumerate(source.decode(video=0)):
            if number >= FPS * SECONDS:
                return
            yield frame.to_ndarray(format="bgr24")


def empty_plaza(path: Path) -> Frame:
    """The plaza without people: the median over the recording."""
    sample = [frame for number, frame in enumerate(footage(path)) if number % 10 == 0]
    return np.median(np.stack(sample), axis=0).astype(np.uint8)


def appeared(number: int) -> float:
    """0–1: how far the thing has come into being; half a second, as if set down."""
    return float(np.clip((number / FPS - APPEARS_S) / 0.5, 0, 1))


def vending(vtest: Path, samples: Path) -> Edit:
    """A vendor with an umbrella and a table of fruit at the side of the plaza."""
    frames = list(footage(vtest))
    vendor = person_cut(frames[200], empty_plaza(vtest), (606, 256, 660, 376), 1.2)
    cover, goods = umbrella(210, 190), table(130, 78, samples)
    x, y = 580, 412

    def edit(frame: Frame, number: int) -> Frame:
        there = appeared(number)
        if there:
            sway = round(np.sin(number / 9))
            shadow(frame, (x + 65, y - 4), (90, 14), 0.4 * there)
            lay(frame, cover, x - 40, y - 192, there)
            lay(frame, vendor, x + 100 + sway, y - 14 - vendor.shape[0], there)
            lay(frame, goods, x, y - 74, there)
        return frame

    return edit


def piles() -> Edit:
    """Two rubbish bags and a carton, left on the plaza."""
    black = rubbish_bag(66, 60, seed=3, colour=(34, 32, 32))
    blue = rubbish_bag(54, 50, seed=8, colour=(120, 64, 34))
    box = carton(62, 50)

    def edit(frame: Frame, number: int) -> Frame:
        there = appeared(number)
        if there:
            shadow(frame, (545, 336), (78, 11), 0.5 * there)
            lay(frame, box, 552, 286, there)
            lay(frame, black, 480, 280, there)
            lay(frame, blue, 526, 294, there)
        return frame

    return edit


def side(edit: Edit) -> Edit:
    """The same place as another camera sees it: other angle, other colours."""
    corners = np.array([(0, 0), (SIZE[0], 0), SIZE, (0, SIZE[1])], np.float32)
    warp = cv2.getPerspectiveTransform(SIDE_VIEW, corners)

    def turned(frame: Frame, number: int) -> Frame:
        view = cv2.warpPerspective(edit(frame, number), warp, SIZE, flags=cv2.INTER_CUBIC)
        cooler = view.astype(np.float32) * (1.06, 1.0, 0.93) + 4
        return np.clip(cooler, 0, 255).astype(np.uint8)

    return turned


def ads(font: Path) -> Edit:
    """A close view of the wall and the permitted sign; a sticker with an invented number."""
    x0, y0, x1, y1 = WALL
    paper = sticker(["办证 刻章 贷款", "139 0000 0000"], font, width=206, height=88)
    paper = cv2.GaussianBlur(paper, (3, 3), 0.7)

    def edit(frame: Frame, number: int) -> Frame:
        view = cv2.resize(frame[y0:y1, x0:x1], SIZE, interpolation=cv2.INTER_CUBIC)
        there = appeared(number)
        if there:
            lay(view, paper, 430, 104, there)
        return view

    return edit


def encode(path: Path, frames: Iterator[Frame]) -> None:
    """H.264 as a street camera sends it: one key frame a second, no B frames."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.thread_count = 1  # one slice a picture; and always the same bytes
        stream.options = {
            "crf": "33", "preset": "slow", "g": str(FPS), "keyint_min": str(FPS),
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
    parser.add_argument("--samples", type=Path, default=SAMPLES, help="opencv-doc's data folder")
    parser.add_argument("--font", type=Path, default=FONT)
    parser.add_argument("--out", type=Path, default=HERE / "footage")
    options = parser.parse_args()
    vtest = options.samples / "vtest.avi"
    if not vtest.is_file():
        raise SystemExit(f"{vtest}: not there; install Debian's opencv-doc or give --samples")
    clips: dict[str, Edit] = {
        "vending": vending(vtest, options.samples),
        "piles": piles(),
        "piles_side": side(piles()),
        "ads": ads(options.font),
        "clear": lambda frame, _number: frame,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    for name, edit in clips.items():
        path = options.out / f"{name}.mp4"
        encode(path, (edit(frame.copy(), n) for n, frame in enumerate(footage(vtest))))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        print(f"{digest}  {path.name}  {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
