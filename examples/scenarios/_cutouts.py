"""Photographed things with their outline: a folder of PNG pictures with alpha, and their list."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from _sprites import Sprite

COLUMNS = ("file", "class", "source", "licence", "height_m", "annotation", "part")
# Half depth of the ground a thing covers, for its shadow, as a share of its half width.
_DEEP = {"car": 0.5, "truck": 0.5, "bus": 0.35, "bench": 0.5, "couch": 0.6}


class Cutouts:
    """The folder that ``cutouts.py`` makes; a picture is read when first asked for.

    Args:
        folder: holds ``cutouts.csv`` and the pictures it names.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sprites: dict[str, Sprite] = {}
        self._rows: dict[str, dict[str, str]] = {}

    def one(self, name: str) -> Sprite:
        """A thing by the name of its file without ``.png``; a SystemExit says what is missing."""
        if name not in self._sprites:
            self._sprites[name] = self._read(name)
        return self._sprites[name]

    def some(self, *names: str) -> Sequence[Sprite]:
        """Several things."""
        return [self.one(name) for name in names]

    def _read(self, name: str) -> Sprite:
        row = self._listed().get(name)
        image = cv2.imread(str(self._folder / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        if row is None or image is None:
            raise SystemExit(f"{self._folder}: no cut-out {name}; see README.md, cutouts.py")
        scale = image.shape[0] / float(row["height_m"])
        half = image.shape[1] / scale / 2
        return Sprite(
            image.astype(np.float32), scale, (image.shape[1] / 2, image.shape[0] - 2.0),
            (half * 0.95, half * _DEEP.get(row["class"], 0.7)),
            f"{row['class']} cut from {row['source']} (photograph, {row['licence']}; desk only)",
        )  # fmt: skip

    def _listed(self) -> dict[str, dict[str, str]]:
        path = self._folder / "cutouts.csv"
        if not self._rows and path.is_file():
            with path.open(encoding="utf-8", newline="") as file:
                self._rows = {Path(row["file"]).stem: row for row in csv.DictReader(file)}
        return self._rows
