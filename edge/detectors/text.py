"""The text detector: OCR of the parts of a picture that are watched for illegal ads.

PP-OCRv4 through ``rapidocr-onnxruntime`` costs hundreds of milliseconds, so as little as possible
is read: wording is looked for only in regions that have changed, and a line is read only when it
is new, looks different, or has not yet been read often enough to be sure. Between the readings,
every ``every_s``, a line is reported as long as the picture still shows it there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rapidocr_onnxruntime import RapidOCR

from edge.detectors.base import Detection, Look
from edge.detectors.consensus import Reading, consensus, is_number
from edge.detectors.qr import Code, QrFinder
from edge.detectors.reading import LineReader
from edge.detectors.sameness import DARK, Grey, RegionWatch, fingerprint, likeness
from edge.detectors.text_regions import Pixels, Quad, RegionFinder, bounds
from edge.geometry import Box
from edge.streams.frame import Image

_NAME = "rapidocr PP-OCRv4"
_QR_NAME = "opencv QRCodeDetector"
_SURE_AFTER = 3
"""Looks a line is read on before its reading stands; a number is read most carefully."""
_SAME_LINE = 0.4  # overlap from which two boxes are one line
_UNCHANGED = 0.80
_STILL_THERE = 0.45
_LOOK_AGAIN = 15
"""Passes after which an unchanged region is searched all the same."""
_PASSERS = ("person", "vehicle", "two_wheeler")
_MAX_LINES = 150
_MAX_READINGS = 24


@dataclass
class Work:
    """What has been done and spared so far.

    Attributes:
        searches: regions searched for wording.
        searches_spared: regions that had not changed.
        readings: lines read, once for each look.
        readings_spared: lines whose earlier reading stood.
        search_s, read_s, qr_s: seconds spent.
    """

    searches: int = 0
    searches_spared: int = 0
    readings: int = 0
    readings_spared: int = 0
    search_s: float = 0.0
    read_s: float = 0.0
    qr_s: float = 0.0


@dataclass(eq=False)
class _Line:
    quad: Quad
    print: Grey
    readings: list[Reading] = field(default_factory=list)
    looks: int = 0

    @property
    def box(self) -> Pixels:
        x0, y0, x1, y1 = bounds(self.quad)
        return int(x0), int(y0), int(x1 + 0.999), int(y1 + 0.999)


@dataclass(eq=False)
class _Region:
    pixels: Pixels
    watch: RegionWatch = field(default_factory=RegionWatch)
    lines: list[_Line] = field(default_factory=list)
    codes: list[tuple[Code, Grey]] = field(default_factory=list)
    passes: int = 0


@dataclass
class _Wall:
    size: tuple[int, int]
    regions: list[_Region]
    read_at: datetime | None = None


class TextDetector:
    """Reads wording and QR codes inside given regions. One thread calls it.

    Args:
        regions: for each camera the boxes to read (around its zones watched for ads).
        every_s: least seconds between two readings of one camera.
        min_score: readings less certain are dropped, 0–1.

    Attributes:
        work: what was done and what was spared.
    """

    name = _NAME

    def __init__(
        self, regions: Mapping[str, Sequence[Box]], *, every_s: float, min_score: float
    ) -> None:
        self._boxes = regions
        self._every_s = every_s
        self._min_score = min_score
        engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
        self._finder = RegionFinder(engine)
        self._reader = LineReader(engine)
        self._qr = QrFinder()
        self._walls: dict[str, _Wall] = {}
        self.work = Work()

    def detect(self, looks: Sequence[Look]) -> list[tuple[Detection, ...]]:
        """Wording (``text``) and codes (``qr``) on each look; empty for cameras without regions."""
        return [self._read_look(look) for look in looks]

    def _read_look(self, look: Look) -> tuple[Detection, ...]:
        boxes = self._boxes.get(look.frame.camera_id, ())
        if not boxes:
            return ()
        image, now = look.frame.image, look.frame.captured_at
        height, width = image.shape[:2]
        wall = self._walls.get(look.frame.camera_id)
        if wall is None or wall.size != (width, height):
            # A camera whose picture changes its size shows everything anew.
            regions = [_Region(box.pixels(width, height)) for box in boxes]
            wall = self._walls[look.frame.camera_id] = _Wall((width, height), regions)
        due = wall.read_at is None or not 0 <= (now - wall.read_at).total_seconds() < self._every_s
        passers = [d.box.pixels(width, height) for d in look.of(*_PASSERS)]
        for region in wall.regions if due else ():
            self._pass_over(image, region, passers)
        if due:
            wall.read_at = now
        return tuple(d for region in wall.regions for d in self._shown(image, region))

    def _pass_over(self, image: Image, region: _Region, passers: Sequence[Pixels]) -> None:
        """Bring what is known of a region up to date."""
        if _dark(image, region.pixels):
            return
        region.passes += 1
        if region.watch.changed(image, region.pixels, passers) or region.passes > _LOOK_AGAIN:
            self._search(image, region)
            region.watch.remember(image, region.pixels, passers)
            region.passes = 0
        else:
            self.work.searches_spared += 1
        self._read(image, region, passers)

    def _search(self, image: Image, region: _Region) -> None:
        began = time.perf_counter()
        found = self._finder.find(image, region.pixels)[:_MAX_LINES]
        self.work.searches += 1
        self.work.search_s += time.perf_counter() - began
        region.lines = _matched(image, region.lines, found)
        began = time.perf_counter()
        region.codes = _codes(image, region.codes, self._qr.find(image, region.pixels))
        self.work.qr_s += time.perf_counter() - began

    def _read(self, image: Image, region: _Region, passers: Sequence[Pixels]) -> None:
        """Read the lines that are new, look different, or are not sure yet, unless hidden."""
        began = time.perf_counter()
        unread = []
        for line in region.lines:
            if line.looks and any(_overlap(line.box, passer) > 0 for passer in passers):
                continue
            alike = likeness(fingerprint(image, line.box), line.print)
            if alike < _STILL_THERE and line.looks:
                continue  # hidden by something nobody has recognised
            if line.looks < _SURE_AFTER or alike < _UNCHANGED:
                unread.append(line)
            else:
                self.work.readings_spared += 1
        for line, readings in zip(
            unread, self._reader.read(image, [line.quad for line in unread]), strict=True
        ):
            line.readings = (line.readings + readings)[-_MAX_READINGS:]
            line.looks += 1
            line.print = fingerprint(image, line.box)
        self.work.readings += len(unread)
        self.work.read_s += time.perf_counter() - began

    def _shown(self, image: Image, region: _Region) -> list[Detection]:
        height, width = image.shape[:2]
        dark = _dark(image, region.pixels)
        found = []
        for line in region.lines:
            if not line.readings or not (dark or _there(image, line.box, line.print)):
                continue
            said = consensus(line.readings)
            if said.score >= self._min_score or (is_number(said.text) and said.score >= 0.5):
                box = _box(bounds(line.quad), width, height)
                found.append(Detection("text", "text", box, said.score, _NAME, text=said.text))
        for code, seen in region.codes:
            if dark or _there(image, _whole(code.box), seen):
                box = _box(code.box, width, height)
                score = 0.95 if code.payload else 0.7
                found.append(Detection("qr", "qr", box, score, _QR_NAME, text=code.payload))
        return found


def _matched(image: Image, known: Sequence[_Line], found: Sequence[Quad]) -> list[_Line]:
    """Lines after a search: those known keep their readings while they look the same."""
    lines = []
    rest = list(known)
    for quad in found:
        here = _Line(quad, fingerprint(image, _whole(bounds(quad))))
        best = max(rest, key=lambda line: _iou(line.box, here.box), default=None)
        if best is not None and _iou(best.box, here.box) >= _SAME_LINE:
            rest.remove(best)
            if likeness(fingerprint(image, best.box), best.print) >= _STILL_THERE:
                best.quad = best.quad if best.looks >= _SURE_AFTER else quad
                lines.append(best)
                continue
        lines.append(here)
    # The search misses a line now and then that the picture still shows.
    lines += [
        line
        for line in rest
        if likeness(fingerprint(image, line.box), line.print) >= _UNCHANGED
        and all(_iou(line.box, other.box) < 0.1 for other in lines)
    ]
    return lines[:_MAX_LINES]


def _codes(
    image: Image, known: Sequence[tuple[Code, Grey]], found: Sequence[Code]
) -> list[tuple[Code, Grey]]:
    """Codes after a search: one that the picture still shows is not gone for being missed once."""
    codes = [(code, fingerprint(image, _whole(code.box))) for code in found]
    codes += [
        (code, seen)
        for code, seen in known
        if likeness(fingerprint(image, _whole(code.box)), seen) >= _UNCHANGED
        and all(_overlap(_whole(code.box), _whole(other.box)) == 0 for other in found)
    ]
    return codes


def _there(image: Image, box: Pixels, seen: Grey) -> bool:
    return likeness(fingerprint(image, box), seen) >= _STILL_THERE


def _dark(image: Image, region: Pixels) -> bool:
    x0, y0, x1, y1 = region
    part = image[y0:y1:4, x0:x1:4]
    return part.size == 0 or float(part.mean()) < DARK


def _whole(box: tuple[float, float, float, float]) -> Pixels:
    return int(box[0]), int(box[1]), int(box[2] + 0.999), int(box[3] + 0.999)


def _box(pixels: tuple[float, float, float, float], width: int, height: int) -> Box:
    x0, y0, x1, y1 = pixels
    return Box.clipped(x0 / width, y0 / height, x1 / width, y1 / height)


def _overlap(left: Pixels, right: Pixels) -> int:
    wide = min(left[2], right[2]) - max(left[0], right[0])
    high = min(left[3], right[3]) - max(left[1], right[1])
    return max(wide, 0) * max(high, 0)


def _iou(left: Pixels, right: Pixels) -> float:
    both = _overlap(left, right)
    area = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (left, right)) - both
    return both / area if area > 0 else 0.0
