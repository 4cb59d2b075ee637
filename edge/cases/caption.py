"""Evidence pictures: boxes, and a caption in Chinese and English."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from zoneinfo import ZoneInfo

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from edge.cases.metadata import About
from edge.detectors.base import Detection
from edge.geometry import Box
from edge.streams.frame import Image

_FONT = "NotoSansSC-subset.otf"
_BAR = (24, 28, 36)
_INK = (245, 247, 250)
_DIM = (176, 184, 196)
_FRAME = (56, 132, 255)  # BGR: orange
_SMALLEST = 13  # pixels; Chinese is not readable below some eleven
_WIDE = 960
_LINES, _NARROW_LINES = 3, 6
_GAP = "  "
"""Between the parts of a line."""
_MORE = "…"
_LEAST_LEFT = 7  # letters of a name that is cut
_MOST_ENLARGED = 8.0

_Line = list[str]


@dataclass(frozen=True, slots=True)
class Caption:
    """What the bar below a picture says.

    Attributes:
        zh, en: what it is.
        when: moment and time zone; never cut.
        place: name of the camera; cut first.
        facts: grid cell, case: short, cut last.
        note: how the picture was chosen or made; cut with the place.
    """

    zh: str
    en: str
    when: str
    place: str
    facts: tuple[str, ...] = ()
    note: str = ""


def caption_of(about: About) -> Caption:
    """The caption of a picture."""
    local = about.at.astimezone(ZoneInfo(about.time_zone))
    case = f"案卷 {about.case_id[:8]} r{about.revision}" if about.case_id else ""
    asked = f"核查 {about.request_id[:8]}" if about.request_id else ""
    cell = f"单元网格 {about.grid_cell}" if about.grid_cell else ""
    return Caption(
        about.title.zh,
        about.title.en,
        f"{local:%Y-%m-%d %H:%M:%S %Z}",
        about.camera_name,
        tuple(fact for fact in (cell, case, asked) if fact),
        f"{about.note.zh} {about.note.en}" if about.note else "",
    )


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    with as_file(files("edge.cases") / "fonts" / _FONT) as path:
        return ImageFont.truetype(str(path), size)


def far_view(image: Image, box: Box, parts: Sequence[Detection], caption: Caption) -> Image:
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


def near_view(image: Image, box: Box, caption: Caption, *, min_width: int = 480) -> Image:
    """The place cut out with some surroundings, enlarged when it is small, and captioned."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = near_window(box).pixels(width, height)
    return cut_out(image[y0:y1, x0:x1], caption, min_width=min_width)


def cut_out(crop: Image, caption: Caption, *, min_width: int = 480) -> Image:
    """What :func:`near_view` makes of the part of the picture that :func:`near_window` says."""
    scale = min(max(min_width / crop.shape[1], 1.0), _MOST_ENLARGED)
    if scale > 1.0:
        crop = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return with_caption(np.asarray(crop, np.uint8), caption)


def near_window(box: Box) -> Box:
    """The part of the picture that a near view of the box shows."""
    grown = box.grown(0.35)
    side = 0.18  # never less than this share of the picture: a near view needs its whereabouts
    dx, dy = max(side - grown.width, 0) / 2, max(side - grown.height, 0) / 2
    return Box.clipped(grown.x0 - dx, grown.y0 - dy, grown.x1 + dx, grown.y1 + dy)


def with_caption(image: Image, caption: Caption) -> Image:
    """The picture with a bar below; what does not fit is set smaller, then the place is cut."""
    height, width = image.shape[:2]
    _, pad, step = _type(width)
    bar = Pillow.new("RGB", (width, bar_height(width)), _BAR)
    draw = ImageDraw.Draw(bar)
    for number, (font, text) in enumerate(_fitted(caption, width)):
        ink = _INK if number == 0 else _DIM
        draw.text((pad, pad + number * step), text, font=font, fill=ink)
    strip = np.asarray(bar, np.uint8)[:, :, ::-1]
    return np.concatenate((image[:height], strip), axis=0)


def uncaptioned(image: Image) -> Image:
    """The picture above the bar."""
    height, width = image.shape[:2]
    return image[: height - bar_height(width)]


def lines_of(caption: Caption, width: int) -> list[str]:
    """What the bar of a picture of that width says, line by line."""
    return [text for _, text in _fitted(caption, width)]


def bar_height(width: int) -> int:
    """Pixels that the bar adds below a picture of that width; nothing else matters."""
    _, pad, step = _type(width)
    return pad * 2 + step * (_LINES if width >= _WIDE else _NARROW_LINES)


def _type(width: int) -> tuple[int, int, int]:
    """Size of the letters, margin and distance of lines, in pixels.

    A picture of 8K is looked at shrunk: its letters grow with it.
    """
    size = max(_SMALLEST, min(round(width / 46), max(34, round(width / 56))))
    return size, round(size * 0.7), round(size * 1.45)


def _fitted(caption: Caption, width: int) -> list[tuple[ImageFont.FreeTypeFont, str]]:
    size, pad, _ = _type(width)
    soft = (caption.place, caption.note)
    return [_fitting(line, size, width - 2 * pad, soft) for line in _laid_out(caption, width)]


def _laid_out(caption: Caption, width: int) -> list[_Line]:
    """The lines of the bar: on a narrow picture the English and the facts take several."""
    facts = [caption.when, caption.place, *caption.facts, caption.note]
    facts = [fact for fact in facts if fact]
    if width >= _WIDE:
        return [[caption.zh], [caption.en], facts]
    size, pad, _ = _type(width)
    room = width - 2 * pad
    english = _wrapped(caption.en.split(" "), " ", size, room, 2)
    rest = _wrapped(facts, _GAP, size, room, _NARROW_LINES - 1 - len(english))
    return [[caption.zh], *([" ".join(words)] for words in english), *rest]


def _wrapped(pieces: Sequence[str], gap: str, size: int, room: int, most: int) -> list[_Line]:
    """Pieces put into at most so many lines; the last takes what is left."""
    lines: list[_Line] = []
    for piece in pieces:
        if lines and (
            len(lines) == most or _font(size).getlength(gap.join([*lines[-1], piece])) <= room
        ):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return lines


def _fitting(
    line: _Line, size: int, room: int, soft: Sequence[str]
) -> tuple[ImageFont.FreeTypeFont, str]:
    """The line in letters as large as fit; at the smallest it is cut, what is soft first."""
    smallest = max(round(size * 0.8), _SMALLEST - 2)
    while size > smallest and _font(size).getlength(_GAP.join(line)) > room:
        size -= 1
    font, parts = _font(size), list(line)
    may_go = [n for n, part in enumerate(parts) if part in soft]
    while font.getlength(_GAP.join(parts)) > room and any(parts):
        soft_left = [n for n in may_go if len(parts[n]) > _LEAST_LEFT]
        cut = max(soft_left or range(len(parts)), key=lambda n: font.getlength(parts[n]))
        kept = parts[cut].removesuffix(_MORE)[:-1].rstrip()
        parts[cut] = kept + _MORE if kept else ""
    return font, _GAP.join(parts)
