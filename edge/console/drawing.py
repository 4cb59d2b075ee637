"""Looks as the page shows them: zones and boxes drawn, redacted, small enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.detectors.base import Detection
from edge.redaction.redactor import Redactor
from edge.scenes.finding import SceneReport
from edge.streams.frame import Image

MAX_WIDTH = 1280
LEAST_WIDTH = 960
"""What a picture that is kept to be shown is not made narrower than."""
_JPEG_QUALITY = 82
_TINT = 0.16
_INK = (24, 20, 16)
_FONT = cv2.FONT_HERSHEY_SIMPLEX

# BGR, one colour a kind; the page's style sheet uses the same.
_KIND_COLOURS = {
    "street_vending": (60, 140, 255),
    "piled_materials": (220, 150, 60),
    "illegal_ads": (190, 90, 220),
}
# Passers-by and traffic are drawn quietly and without a label: they are context.
_QUIET = {"person": (170, 200, 120), "vehicle": (180, 180, 180), "two_wheeler": (180, 180, 180)}
_OTHER = (80, 220, 255)


@dataclass(frozen=True, slots=True)
class ZoneView:
    """A zone as it is drawn."""

    id: str
    watch: str
    polygon: tuple[tuple[float, float], ...]


def look_jpeg(report: SceneReport, zones: Sequence[ZoneView], redactor: Redactor) -> bytes:
    """The look as JPEG, at most :data:`MAX_WIDTH` wide; nobody's head is drawn as it was seen.

    Raises:
        RedactionError: the picture must not be shown.
    """
    image = redactor.safe_small(report.look, _small(report.look.frame.image))
    stroke = max(1, round(image.shape[1] / 500))
    firing = {finding.zone_id for finding in report.findings}
    for zone in zones:
        _draw_zone(image, zone, zone.id in firing, stroke)
    for detection in report.look.detections:
        _draw_box(image, detection, stroke)
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return bytes(data)


def _small(image: Image) -> Image:
    height, width = image.shape[:2]
    if width <= MAX_WIDTH:
        return image
    size = (MAX_WIDTH, max(1, round(height * MAX_WIDTH / width)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _draw_zone(image: Image, zone: ZoneView, firing: bool, stroke: int) -> None:
    height, width = image.shape[:2]
    corners = np.array([(x * width, y * height) for x, y in zone.polygon], np.int32)
    colour = _KIND_COLOURS.get(zone.watch, _OTHER)
    if firing:
        tinted = image.copy()
        cv2.fillPoly(tinted, [corners], colour)
        cv2.addWeighted(tinted, _TINT, image, 1 - _TINT, 0, dst=image)
    cv2.polylines(image, [corners], True, colour, stroke + 1 if firing else stroke, cv2.LINE_AA)


def _draw_box(image: Image, detection: Detection, stroke: int) -> None:
    height, width = image.shape[:2]
    x0, y0, x1, y1 = detection.box.pixels(width, height)
    colour = _QUIET.get(detection.meaning, _OTHER)
    cv2.rectangle(image, (x0, y0), (x1, y1), colour, stroke, cv2.LINE_AA)
    if detection.meaning in _QUIET:
        return
    text = f"{detection.label} {detection.score:.2f}"
    scale = max(0.4, width / 1500)
    (text_width, text_height), below = cv2.getTextSize(text, _FONT, scale, 1)
    left = min(x0, max(width - text_width - 6, 0))
    top = max(y0 - text_height - below - 4, 0)
    corner = (left + text_width + 6, top + text_height + below + 4)
    cv2.rectangle(image, (left, top), corner, colour, cv2.FILLED)
    at = (left + 3, top + text_height + 2)
    cv2.putText(image, text, at, _FONT, scale, _INK, 1, cv2.LINE_AA)
