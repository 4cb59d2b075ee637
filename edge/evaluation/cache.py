"""Detections kept on disk: ablations run the same videos again and again.

A detector's answers to one video are kept under a key made of the video, the detector's model and
settings, the regions it reads and the source of the detectors' room: whatever could change an
answer changes the key. Only the slow detectors (objects, text) are kept.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import edge.detectors
import edge.streams
from edge.config.model import Settings
from edge.detectors.base import Detection, Detector, Look, OnlyCameras
from edge.detectors.static import StaticObjectDetector
from edge.detectors.tiles import TiledDetector
from edge.detectors.unchanged import Gated

_Answers = dict[int, tuple[Detection, ...]]


class CachedDetector:
    """A detector whose answers to one video are remembered by number of the picture.

    Args:
        detector: asked when the answer is not known. Detectors that remember earlier pictures
            must see all of them, so a file holds a whole video's answers or is not used at all.
        file: where the answers are kept.
    """

    def __init__(self, detector: Detector, file: Path) -> None:
        self._detector = detector
        self._file = file
        self._known: _Answers = _read(file)
        self._new: _Answers = {}

    @property
    def name(self) -> str:
        """Name of the detector inside."""
        return self._detector.name

    def detect(self, looks: Sequence[Look]) -> list[tuple[Detection, ...]]:
        """What the detector says, or said before."""
        numbers = [look.frame.sequence for look in looks]
        if all(number in self._known for number in numbers):
            return [self._known[number] for number in numbers]
        answers = self._detector.detect(looks)
        self._new.update(zip(numbers, answers, strict=True))
        return answers

    def save(self) -> None:
        """Keep the new answers; call it after the video's last picture."""
        if self._new and not self._known:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part = self._file.with_suffix(f".{os.getpid()}.part")
            part.write_bytes(pickle.dumps(self._new))
            part.replace(self._file)  # two processes may write the same answers


def cached(
    detectors: Sequence[Detector],
    settings: Settings,
    video: Path,
    cadence_s: float | None,
    folder: Path,
) -> list[Detector]:
    """The detectors, the slow ones with a memory below ``folder``."""
    zones = [(zone.watch, zone.polygon) for camera in settings.cameras for zone in camera.zones]
    made: list[Detector] = []
    for detector in detectors:
        inner: Detector = detector
        while isinstance(inner, Gated | OnlyCameras | TiledDetector):
            inner = inner.detector
        if isinstance(inner, StaticObjectDetector):
            made.append(detector)
            continue
        told = (settings.detectors.model_dump_json(exclude={"static", "second_look"}), zones)
        parts = (_digest(video), cadence_s, _source(), detector.name, _weights(inner), told)
        key = hashlib.sha256(repr(parts).encode()).hexdigest()
        made.append(CachedDetector(detector, folder / f"{key[:32]}.pickle"))
    return made


def _weights(detector: Detector) -> str:
    card = getattr(detector, "card", None)
    return card.model_dump_json() if card is not None else ""


def _read(file: Path) -> _Answers:
    try:
        answers: _Answers = pickle.loads(file.read_bytes())  # noqa: S301 - written by ourselves
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError):
        return {}
    return answers


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _source() -> str:
    rooms = (edge.detectors, edge.streams)
    files = sorted(f for room in rooms for f in Path(str(room.__file__)).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
