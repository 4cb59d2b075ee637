"""The text detector: OCR of the parts of a picture that are watched for illegal ads.

PP-OCRv4 through ``rapidocr-onnxruntime`` costs hundreds of milliseconds, so it reads crops, not
pictures, and each camera only every ``every_s``; in between the last reading stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np
from rapidocr_onnxruntime import RapidOCR

from edge.detectors.base import Detection, Look
from edge.geometry import Box
from edge.streams.frame import Image

_NAME = "rapidocr PP-OCRv4"
_MIN_SIDE = 480
"""Crops are enlarged to this many pixels: small wording is read better when it is not small."""
_MAX_ENLARGE = 3.0


@dataclass(frozen=True, slots=True)
class _Reading:
    at: datetime
    found: tuple[Detection, ...]


class TextDetector:
    """Reads wording inside given regions. One thread calls it.

    Args:
        regions: for each camera the boxes to read (around its zones watched for ads).
        every_s: least seconds between two readings of one camera.
        min_score: readings less certain are dropped, 0–1.
    """

    name = _NAME

    def __init__(
        self, regions: Mapping[str, Sequence[Box]], *, every_s: float, min_score: float
    ) -> None:
        self._regions = regions
        self._every_s = every_s
        self._min_score = min_score
        self._engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
        self._readings: dict[str, _Reading] = {}

    def detect(self, looks: Sequence[Look]) -> list[tuple[Detection, ...]]:
        """Wording on each look; empty for cameras without regions."""
        return [self._read_look(look) for look in looks]

    def _read_look(self, look: Look) -> tuple[Detection, ...]:
        regions = self._regions.get(look.frame.camera_id, ())
        if not regions:
            return ()
        now = look.frame.captured_at
        last = self._readings.get(look.frame.camera_id)
        if last is not None and 0 <= (now - last.at).total_seconds() < self._every_s:
            return last.found
        found = tuple(d for region in regions for d in self._read(look.frame.image, region))
        self._readings[look.frame.camera_id] = _Reading(now, found)
        return found

    def _read(self, image: Image, region: Box) -> list[Detection]:
        height, width = image.shape[:2]
        x0, y0, x1, y1 = region.pixels(width, height)
        if x1 - x0 < 8 or y1 - y0 < 8:
            return []
        crop = image[y0:y1, x0:x1]
        scale = min(max(_MIN_SIDE / min(crop.shape[:2]), 1.0), _MAX_ENLARGE)
        if scale > 1.0:
            crop = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        lines, _ = self._engine(np.ascontiguousarray(crop))
        found = []
        for corners, text, score in lines or ():
            if float(score) < self._min_score or not str(text).strip():
                continue
            xs = [x0 + float(x) / scale for x, _ in corners]
            ys = [y0 + float(y) / scale for _, y in corners]
            box = Box.clipped(min(xs) / width, min(ys) / height, max(xs) / width, max(ys) / height)
            found.append(Detection("text", "text", box, float(score), _NAME, text=str(text)))
        return found
