"""Evidence pictures: boxes, and a caption in Chinese and English."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from edge.detectors.base import Detection
from edge.geometry import Box
from edge.streams.frame import Image

_FONT = "NotoSansSC-subset.otf"
_BAR = (24, 28, 36)
_INK = (245, 247, 250)
_DIM = (176, 184, 196)
_FRAME = (56, 132, 255)  # BGR: orange


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    with as_file(files("edge.cases") / "fonts" / _FONT) as path:
        return ImageFont.truetype(str(path), size)


def far_view(image: Image, box: Box, parts: Sequence[Detection], caption: Sequence[str]) -> Image:
    """The whole picture with the place framed and every part boxed, and a caption below."""
    canvas = np.ascontiguousarray(image)
    height, width = canvas.shape[:2]
    thin = max(1, round(width / 640))
    for part in parts:
        x0, y0, x1, y1 = part.box.pixels(width, height)
        cv2.rectangle(canvas, (x0, y0), (x1, y1), (80, 220, 255), thin)
    x0, y0, x1, y1 = box.grown(0.05).pixels(width, height)
    cv2.rectangle(canvas, (x0, y0), (x1, y1), _FRAME, thin + 1)
    return with_caption(canvas, caption)


def near_view(image: Image, box: Box, caption: Sequence[str], *, min_width: int = 480) -> Image:
    """The place cut out with some surroundings, enlarged when it is small, and captioned."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = near_window(box).pixels(width, height)
    crop = image[y0:y1, x0:x1]
    scale = max(min_width / crop.shape[1], 1.0)
    if scale > 1.0:
        crop = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return with_caption(np.asarray(crop, np.uint8), caption)


def near_window(box: Box) -> Box:
    """The part of the picture that a near view of the box shows."""
    grown = box.grown(0.35)
    side = 0.18  # never less than this share of the picture: a near view needs its whereabouts
    dx, dy = max(side - grown.width, 0) / 2, max(side - grown.height, 0) / 2
    return Box.clipped(grown.x0 - dx, grown.y0 - dy, grown.x1 + dx, grown.y1 + dy)


def with_caption(image: Image, lines: Sequence[str]) -> Image:
    """The picture with a bar below that holds the lines; long lines are set smaller."""
    height, width = image.shape[:2]
    size, pad, step = _type(width)
    bar = Pillow.new("RGB", (width, bar_height(width, len(lines))), _BAR)
    draw = ImageDraw.Draw(bar)
    for number, line in enumerate(lines):
        font = _fitting(line, size, width - 2 * pad)
        ink = _INK if number == 0 else _DIM
        draw.text((pad, pad + number * step), line, font=font, fill=ink)
    strip = np.asarray(bar, np.uint8)[:, :, ::-1]
    return np.concatenate((image[:height], strip), axis=0)


def bar_height(width: int, lines: int) -> int:
    """Pixels that the bar of so many lines adds below a picture of that width."""
    _, pad, step = _type(width)
    return pad * 2 + step * lines


def _type(width: int) -> tuple[int, int, int]:
    """Size of the letters, margin and distance of lines, in pixels."""
    size = max(13, min(round(width / 46), 34))
    return size, round(size * 0.7), round(size * 1.45)


def _fitting(line: str, size: int, width: int) -> ImageFont.FreeTypeFont:
    while size > 9 and _font(size).getlength(line) > width:
        size -= 1
    return _font(size)
