"""The desk's material: grounds and real bags from a folder that is used but not passed on."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from _cutouts import Cutouts
from _grounds import Clip, Still
from _sprites import Sprite

_FACADE = "ground: building-facades-advertising, test (photograph, CC0)"
_RIYADH = "ground: street photograph, Riyadh region (no licence stated, desk only)"
_AMSTERDAM = "ground: garbage-object-detection, Amsterdam (photograph, MIT; desk only)"
_INTEL = "ground: intel-iot-devkit sample-videos (recorded, CC BY 4.0)"
_BAGS = "rubbish bag cut from Woosong photographs, test/valid (CC BY 4.0)"

# Photographs by the first letters of their names: eye level's row, the camera's height.
_FACADES = {
    "img_189": (466, 1.7), "img_561": (280, 1.7), "img_488": (247, 1.7), "img_551": (341, 1.7),
    "img_389": (200, 1.7), "img_289": (250, 1.7), "img_384": (280, 1.7), "img_188": (600, 1.7),
    "img_97": (470, 1.7), "img_398": (360, 1.7), "img_192": (455, 1.7), "img_487": (469, 1.7),
    "img_500": (392, 1.7), "img_560": (324, 1.7), "img_550": (348, 1.7),
    "img_91": (440, 1.7), "img_182": (390, 1.7), "img_183": (470, 1.7), "img_283": (620, 1.7),
    "img_193": (640, 1.7), "img_485": (640, 1.7),
}  # fmt: skip
_STREETS = {
    "d18e01": (70, 1.4), "c3efa1": (155, 1.45), "515d78": (131, 1.4), "c29a5d": (67, 1.4),
    "206fa8": (127, 1.4), "e1f302": (160, 1.4), "2c2a2d": (135, 1.45), "7eea5f": (140, 1.4),
    "8d001c": (177, 1.4), "a785ae": (150, 1.4), "31290f": (222, 1.4), "2cac24": (193, 1.4),
    "17288e": (280, 1.4), "30f47c": (162, 1.4), "0c60ae": (127, 1.4), "1f7f45": (192, 1.4),
    "1e33ea": (160, 1.4), "16038e": (182, 1.4),
}  # fmt: skip
_PAVEMENTS = {
    "mdc_photo_mdc_8a2d00": (116, 1.6), "mdc_photo_mdc_6cc72a": (164, 1.6),
}  # fmt: skip


class Desk:
    """Grounds and objects below one folder.

    Args:
        data: the folder; what is missing in it is named when it is asked for.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._stills: dict[str, Still] = {}

    def facade(self, name: str) -> Still:
        """A street front."""
        horizon, mast = _FACADES[name]
        return self._still("labelled/facade_ads/test/images", name + ".", horizon, mast, _FACADE)

    def street(self, name: str) -> Still:
        """An ordinary street."""
        horizon, mast = _STREETS[name]
        return self._still("labelled/street_disorder_ksa/images", name, horizon, mast, _RIYADH)

    def pavement(self, name: str) -> Still:
        """A pavement with street containers or a hedge."""
        horizon, mast = _PAVEMENTS[name]
        return self._still("images/amsterdam_garbage", name, horizon, mast, _AMSTERDAM)

    @cached_property
    def cutouts(self) -> Cutouts:
        """Photographed vehicles, pots, furniture and cases with their outline."""
        return Cutouts(self._data / "cutouts")

    @cached_property
    def motorcycle(self) -> Still:
        """A pavement with a motorcycle and a van that stand there."""
        name = "mdc_photo_cdv_photo_052_1505673185558"
        path = self._find("images/amsterdam_garbage", name)
        return Still(path, 190, 1.6, _AMSTERDAM, crop=(0.0, 0.32, 1.0, 0.92))

    @cached_property
    def containers(self) -> Still:
        """Two street containers beside a lawn, nothing around them."""
        path = self._find("images/amsterdam_garbage", "mdc_photo_mdc_ac3cb0")
        return Still(path, 107, 1.6, _AMSTERDAM, crop=(0.0, 0.3, 1.0, 0.86))

    @cached_property
    def paving(self) -> Still:
        """One container on wide paving, cars behind."""
        path = self._find("images/amsterdam_garbage", "mdc_photo_mdc_d24c7a")
        return Still(path, 33, 1.6, _AMSTERDAM, crop=(0.0, 0.15, 1.0, 0.71))

    @cached_property
    def room(self) -> Clip:
        """People come to a table one by one; it stands there from the start."""
        path = self._find("videos", "one-by-one-person-detection")
        return Clip(path, horizon=-60, mast_m=2.2, made_of=_INTEL)

    @cached_property
    def asphalt(self) -> Clip:
        """Cars drive over asphalt, seen from above."""
        path = self._find("videos", "car-detection")
        return Clip(path, horizon=-900, mast_m=9.0, made_of=_INTEL, step_s=0.4)

    def bag(self, name: str, number: int, high_m: float = 0.6) -> Sprite:
        """A real bag: the label's polygon of a photograph, test or valid."""
        root = self._data / "labelled/trashbag_woosong"
        parts = [root / part / "images" for part in ("test", "valid")]
        image = next((path for part in parts for path in sorted(part.glob(name + "*"))), None)
        if image is None:
            raise SystemExit(f"{root}: no test or valid picture {name}*")
        label = image.parents[1] / "labels" / f"{image.stem}.txt"
        photo = cv2.imread(str(image)).astype(np.float32)
        values = label.read_text(encoding="utf-8").splitlines()[number].split()[1:]
        points = np.array(values, np.float64).reshape(-1, 2) * (photo.shape[1], photo.shape[0])
        mask = np.zeros(photo.shape[:2], np.uint8)
        cv2.fillPoly(mask, [points.astype(np.int32)], 1)
        inner = cv2.erode(mask, np.ones((3, 3), np.uint8)).astype(np.float32)
        alpha = cv2.GaussianBlur(inner, (0, 0), 1.6) * 255
        ys, xs = np.nonzero(mask)
        window = (slice(ys.min(), ys.max() + 1), slice(xs.min(), xs.max() + 1))
        cut = np.dstack((photo, alpha))[window].astype(np.float32)
        ground = np.linspace(1.05, 0.72, cut.shape[0], dtype=np.float32)[:, None, None]
        cut[..., :3] *= ground  # darker where it meets the ground
        scale = cut.shape[0] / high_m
        wide = cut.shape[1] / scale
        return Sprite(
            cut, scale, (cut.shape[1] / 2, cut.shape[0] * 0.96), (wide / 2, wide / 3), _BAGS
        )

    def _still(self, folder: str, name: str, horizon: float, mast: float, made_of: str) -> Still:
        if name not in self._stills:
            self._stills[name] = Still(self._find(folder, name), horizon, mast, made_of)
        return self._stills[name]

    def _find(self, folder: str, name: str) -> Path:
        found = sorted((self._data / folder).glob(name + "*"))
        if not found:
            raise SystemExit(f"{self._data / folder}: no file {name}*; see README.md")
        return found[0]
