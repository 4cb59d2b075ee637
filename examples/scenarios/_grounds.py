"""Grounds: what a fixed camera sees before anything is added, and how large a metre is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import av
import cv2
import numpy as np
import numpy.typing as npt
from _demo import SAMPLES, Frame, Passers, empty_plaza, footage, tripod
from _sprites import metre

Feet = npt.NDArray[np.uint16]
"""For each pixel the row on which the recorded person there stands; 0 where nobody is."""

VTEST = SAMPLES / "vtest.avi"


@lru_cache(maxsize=1)
def plate() -> Frame:
    """The recording's place without people."""
    return empty_plaza(VTEST)


class Ground(Protocol):
    """A place on which scenarios happen."""

    size: tuple[int, int]
    tone: tuple[float, float, float]
    made_of: str
    ships: bool

    def look(self, index: int) -> tuple[Frame, Feet | None]:
        """The picture of one look, and who stands where on it."""
        ...

    def metre(self, u: float, v: float) -> float:
        """Pixels for a metre of height above a ground pixel."""
        ...


class Plaza:
    """OpenCV's ``vtest.avi``: every look two seconds of recording after the one before.

    After 80 seconds the recording starts again half a second later, so that 159 looks differ.
    """

    size = (768, 576)
    tone = (1.0, 1.0, 1.0)
    ships = True
    made_of = "ground: vtest.avi of opencv-doc (recorded, Apache-2.0)"

    def __init__(self) -> None:
        self.plate = plate()
        passers = Passers(self.plate)
        fixed = np.where(tripod(self.plate) > 0.5, 490, 0).astype(np.uint16)
        self.looks: list[Frame] = []
        self._feet: list[Feet] = []
        for number, frame in enumerate(footage(VTEST, count=795)):
            if number % 5:
                continue
            feet = fixed.copy()
            for body, bottom, _ in passers.bodies(frame):
                feet[body] = np.maximum(feet[body], bottom)
            self.looks.append(frame)
            self._feet.append(feet)
        self.feet_of_nobody = fixed

    def look(self, index: int) -> tuple[Frame, Feet | None]:
        """Recorded people included."""
        at = (index * 4) % len(self.looks)
        return self.looks[at], self._feet[at]

    def metre(self, u: float, v: float) -> float:
        """From the camera's known geometry."""
        return metre(u, v)


@dataclass
class EmptyPlaza:
    """The same plaza without people: the recording's median."""

    plaza: Plaza
    size: tuple[int, int] = (768, 576)
    tone: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ships: bool = True
    made_of: str = "ground: median of vtest.avi of opencv-doc (recorded, Apache-2.0)"

    def look(self, index: int) -> tuple[Frame, Feet | None]:  # noqa: ARG002
        """Always the same picture; noise comes from the sensor's model."""
        return self.plaza.plate, self.plaza.feet_of_nobody

    def metre(self, u: float, v: float) -> float:
        """From the camera's known geometry."""
        return metre(u, v)


@dataclass
class QuietAtNight:
    """The plaza of a patrol film: its people by day, hardly anybody by night.

    Attributes:
        awake: whether the recording's people are there at a look.
    """

    plaza: Plaza
    awake: Callable[[int], bool]
    size: tuple[int, int] = (768, 576)
    tone: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ships: bool = True
    made_of: str = Plaza.made_of

    @property
    def plate(self) -> Frame:
        """The place without people."""
        return self.plaza.plate

    def look(self, index: int) -> tuple[Frame, Feet | None]:
        """The recording, or its median at night."""
        if self.awake(index):
            return self.plaza.look(index)
        return self.plaza.plate, self.plaza.feet_of_nobody

    def metre(self, u: float, v: float) -> float:
        """From the camera's known geometry."""
        return metre(u, v)


@dataclass
class Still:
    """A photograph as a fixed view.

    Attributes:
        path: the picture.
        horizon: row of eye level, pixels of the fitted picture.
        mast_m: height of the camera over the ground.
        width: the picture is fitted to this many pixels.
        tone: blue, green, red gain that makes sprites fit its light.
        crop: part of the photograph, 0-1: x0, y0, x1, y1.
    """

    path: Path
    horizon: float
    mast_m: float
    made_of: str
    width: int = 960
    tone: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ships: bool = False
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    size: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        image = cv2.imread(str(self.path))
        if image is None:
            raise SystemExit(f"{self.path}: not there; see examples/scenarios/README.md")
        x0, y0, x1, y1 = (
            round(share * side)
            for share, side in zip(self.crop, (image.shape[1], image.shape[0]) * 2, strict=True)
        )
        image = image[y0:y1, x0:x1]
        height = round(image.shape[0] * self.width / image.shape[1] / 2) * 2
        way = cv2.INTER_AREA if self.width < image.shape[1] else cv2.INTER_CUBIC
        self.plate = np.asarray(
            cv2.resize(image, (self.width, height), interpolation=way), np.uint8
        )
        self.size = (self.width, height)

    def look(self, index: int) -> tuple[Frame, Feet | None]:  # noqa: ARG002
        """Always the same picture; noise comes from the sensor's model."""
        return self.plate, None

    def metre(self, u: float, v: float) -> float:  # noqa: ARG002
        """A level ground seen by a camera that is nearly level."""
        return max(v - self.horizon, 4.0) / self.mast_m


@dataclass
class Closer:
    """A part of the plaza's picture, enlarged to the full picture: a camera that looks closer."""

    plaza: Plaza | QuietAtNight
    box: tuple[int, int, int, int]
    size: tuple[int, int] = (768, 576)
    tone: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ships: bool = True
    made_of: str = "ground: part of vtest.avi of opencv-doc, enlarged (recorded, Apache-2.0)"

    def look(self, index: int) -> tuple[Frame, Feet | None]:
        """The recording's pixels, larger."""
        frame, _ = self.plaza.look(index)
        x0, y0, x1, y1 = self.box
        near = cv2.resize(frame[y0:y1, x0:x1], self.size, interpolation=cv2.INTER_CUBIC)
        return np.asarray(near, np.uint8), None

    def metre(self, u: float, v: float) -> float:
        """The plaza's, enlarged."""
        zoom = self.size[0] / (self.box[2] - self.box[0])
        return metre(self.box[0] + u / zoom, self.box[1] + v / zoom) * zoom


class Clip:
    """A recorded fixed camera, one look every two seconds, over and over."""

    tone = (1.0, 1.0, 1.0)
    ships = False

    def __init__(
        self, path: Path, *, horizon: float, mast_m: float, made_of: str, step_s: float = 2.0
    ):
        self.made_of = made_of
        self._horizon, self._mast = horizon, mast_m
        self.looks: list[Frame] = []
        with av.open(str(path)) as source:
            rate = float(source.streams.video[0].average_rate or 10)
            every = max(round(rate * step_s), 1)
            for number, frame in enumerate(source.decode(video=0)):
                if number % every == 0:
                    self.looks.append(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))
        self.size = (self.looks[0].shape[1], self.looks[0].shape[0])
        self.plate = np.asarray(np.median(np.stack(self.looks[::2]), axis=0), np.uint8)

    def look(self, index: int) -> tuple[Frame, Feet | None]:
        """Forward, then again from the start."""
        frame = self.looks[index % len(self.looks)]
        change = cv2.absdiff(frame, self.plate).max(axis=2)
        moved = cv2.medianBlur((change > 30).astype(np.uint8), 5)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(moved)
        feet = np.zeros(moved.shape, np.uint16)
        for part in range(1, count):
            if stats[part, cv2.CC_STAT_AREA] > 900:
                bottom = stats[part, cv2.CC_STAT_TOP] + stats[part, cv2.CC_STAT_HEIGHT]
                feet[labels == part] = bottom
        return frame, feet

    def metre(self, u: float, v: float) -> float:  # noqa: ARG002
        """A level ground."""
        return max(v - self._horizon, 4.0) / self._mast
