"""What a crop shows: a small classifier with classes for what is mistaken for rubbish and wares.

Unlike an object detector it is told where to look, so it has a say on things that no detector
has a class for: a street container, a planter, a shadow.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge.detectors.card import load_card
from edge.detectors.session import check_shape, open_session
from edge.errors import Code, ModelError
from edge.geometry import Box
from edge.streams.frame import Image

_CONTEXTS = (1.5, 2.2)
"""The thing with a little and with more of its surroundings, each also mirrored."""

Corners = tuple[float, float, float, float]


class Namer:
    """Gives the shares of the classes for a place in a picture. Thread-safe.

    Args:
        folder: the model's folder; its card has layout ``classifier``.
        provider, threads: as for an object detector.

    Raises:
        ModelError: wrong hash, corrupt file, another layout or number of classes.
    """

    def __init__(self, folder: Path, *, provider: str = "auto", threads: int = 1) -> None:
        self.card = load_card(folder)
        if self.card.output.layout != "classifier":
            raise ModelError(
                Code.MDL_CARD,
                str(folder / "model.toml"),
                f"layout {self.card.output.layout} is an object detector",
                "Give detectors.second_look.look_alikes a model of layout classifier",
            )
        self._session = open_session(folder, self.card, provider, threads)
        check_shape(folder, self.card, self._session)

    @property
    def _side(self) -> int:
        return self.card.input.width

    def name(self, image: Image, box: Box) -> list[dict[str, float]]:
        """Shares of the classes, which sum to 1, on each of four views.

        Args:
            image: the whole picture, BGR.
            box: of the thing.
        """
        corners = (box.x0, box.y0, box.x1, box.y1)
        views = [centred(image, corners, context, self._side) for context in _CONTEXTS]
        shares = self._run(*views, *(cv2.flip(view, 1) for view in views))
        return [dict(zip(self.card.output.classes, map(float, row), strict=True)) for row in shares]

    def _run(self, *views: Image) -> npt.NDArray[np.float32]:
        card = self.card
        images = blob(views, card.input.mean, card.input.std)
        result: npt.NDArray[np.float32] = self._session.run(None, {card.input.name: images})[0]
        return result


def blob(
    views: Sequence[Image], mean: Sequence[float], std: Sequence[float]
) -> npt.NDArray[np.float32]:
    """Views of one size as network input, ``(n, 3, side, side)``."""
    shifted = np.subtract(np.stack(views), np.asarray(mean, np.float32), dtype=np.float32)
    scaled = np.divide(shifted, np.asarray(std, np.float32), dtype=np.float32)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def centred(image: Image, box: Corners, context: float, side: int) -> Image:
    """A square view, ``(side, side, 3)``, with the box in its middle.

    Args:
        image: the whole picture.
        box: x0, y0, x1, y1, 0-1 of the picture.
        context: the view is so many times as large as the longer side of the box.
        side: pixels. Beyond the rim the rim is repeated.
    """
    height, width = image.shape[:2]
    x0, y0, x1, y1 = box
    extent = max((x1 - x0) * width, (y1 - y0) * height, 1.0) * context
    across = np.arange(max(round(extent), 1)) + round(-extent / 2)
    xs = np.clip(across + round((x0 + x1) / 2 * width), 0, width - 1)
    ys = np.clip(across + round((y0 + y1) / 2 * height), 0, height - 1)
    inside = image[np.ix_(ys, xs)]
    shrinks = extent > side
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(inside, (side, side), interpolation=way), np.uint8)
