"""Pictures of what went wrong: zones, boxes and a line of words; heads and plates blurred."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.detectors.base import Detection
from edge.evaluation.scenario import Scenario, Truth
from edge.evaluation.score import Outcome, Report
from edge.geometry import Box
from edge.redaction.parts import redacted
from edge.scenes.finding import SceneReport
from edge.streams.frame import Image

_WIDTH = 640
_ZONE = (60, 200, 255)  # BGR: yellow
_THING = (64, 64, 240)  # red: what made the rule fire
_SEEN = (200, 160, 60)  # blue: what else was detected
_QUALITY = 82


class Snapshots:
    """Keeps a picture of every report and of the middle of every truth of one scenario.

    Args:
        scenario: its zones are drawn and its truths awaited.
        keep: whether to keep any; without, this costs nothing.
    """

    def __init__(self, scenario: Scenario, *, keep: bool) -> None:
        self._zones = scenario.camera.zones
        self._awaited = list(scenario.truth) if keep else []
        self._keep = keep
        self._reports: dict[Report, bytes] = {}
        self._truths: dict[Truth, bytes] = {}

    def look(self, seen: SceneReport, at_s: float, found: Sequence[Report]) -> None:
        """Take in one look and the reports that came of it."""
        due = [truth for truth in self._awaited if at_s >= (truth.from_s + truth.to_s) / 2]
        if not self._keep or not (found or due):
            return
        picture = _jpeg(self._drawn(seen))
        self._reports |= dict.fromkeys(found, picture)
        self._truths |= dict.fromkeys(due, picture)
        self._awaited = [truth for truth in self._awaited if truth not in due]

    def write(self, outcome: Outcome, name: str, folder: Path) -> list[str]:
        """Write pictures of what was false or missed; returns their names."""
        mistakes = [
            *((f"false-{name}-{n}", self._reports.get(r)) for n, r in enumerate(outcome.false)),
            *((f"missed-{name}-{n}", self._truths.get(t)) for n, t in enumerate(outcome.missed)),
        ]
        written = []
        for stem, picture in mistakes:
            if picture is not None:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{stem}.jpg").write_bytes(picture)
                written.append(f"{stem}.jpg")
        return written

    def _drawn(self, seen: SceneReport) -> Image:
        look = seen.look
        image = _narrow(redacted(look.frame.image, look.detections))
        height, width = image.shape[:2]
        for zone in self._zones:
            corners = np.array([(x * width, y * height) for x, y in zone.polygon], np.int32)
            cv2.polylines(image, [corners], True, _ZONE, 1, cv2.LINE_AA)
        for detection in look.detections:
            draw_box(image, detection.box, _named(detection), _SEEN)
        for finding in seen.findings:
            draw_box(image, finding.box, f"{finding.category} {finding.score:.2f}", _THING, 2)
        return image


def draw_box(
    image: Image, box: Box, words: str, colour: tuple[int, int, int], thick: int = 1
) -> None:
    """Draw a box with a word above it, in place."""
    x0, y0, x1, y1 = box.pixels(image.shape[1], image.shape[0])
    cv2.rectangle(image, (x0, y0), (x1, y1), colour, thick)
    at = (x0 + 2, max(y0 - 3, 10))
    cv2.putText(image, words, at, cv2.FONT_HERSHEY_SIMPLEX, 0.35, colour, 1, cv2.LINE_AA)


def _named(detection: Detection) -> str:
    return f"{detection.meaning} {detection.score:.2f}"


def _narrow(image: Image) -> Image:
    height = max(round(image.shape[0] * _WIDTH / image.shape[1]), 1)
    return np.asarray(cv2.resize(image, (_WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(image: Image) -> bytes:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(data)
