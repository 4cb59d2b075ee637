"""From a model's raw output to scored boxes, for each layout a card may name.

Every function takes one picture's output and gives ``boxes (n, 4)`` as x0, y0, x1, y1 in input
pixels and ``scores (n, classes)``. Rows without any score from ``least`` may be left out: where
boxes cost more than scores, only those that can count are decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from edge.detectors.card import ModelCard

Floats = npt.NDArray[np.float32]
EVERY = -np.inf


@lru_cache(maxsize=16)
def _cells(width: int, height: int, strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Cell indices ``(n, 2)`` and strides ``(n, 1)`` of every prediction, in output order."""
    corners, sizes = [], []
    for stride in strides:
        # Rounded up: a 416 input has 13 cells at stride 32, a 360 one has 12.
        columns, rows = -(-width // stride), -(-height // stride)
        ys, xs = np.mgrid[:rows, :columns]
        corners.append(np.stack((xs, ys), axis=-1).reshape(-1, 2))
        sizes.append(np.full((rows * columns, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def expected_rows(card: ModelCard) -> int:
    """How many predictions the card's input size and strides give."""
    if card.output.layout == "yolov8":
        strides: tuple[int, ...] = (8, 16, 32)
    else:
        strides = card.output.strides
    return len(_cells(card.input.width, card.input.height, strides)[0])


def decode_yolov8(output: Floats, _card: ModelCard, _least: float = EVERY) -> tuple[Floats, Floats]:
    """Layout ``(4 + classes, n)``: centre x, y, width, height in pixels; scores after sigmoid."""
    rows = output.T
    centre, half = rows[:, :2], rows[:, 2:4] / 2
    return np.concatenate((centre - half, centre + half), axis=1), rows[:, 4:]


def decode_yolox(output: Floats, card: ModelCard, _least: float = EVERY) -> tuple[Floats, Floats]:
    """Layout ``(n, 5 + classes)``: offsets to the cell, log sizes, objectness, class scores."""
    cells, strides = _cells(card.input.width, card.input.height, card.output.strides)
    centre = (output[:, :2] + cells) * strides
    half = np.exp(np.minimum(output[:, 2:4], 10.0)) * strides / 2
    return np.concatenate((centre - half, centre + half), axis=1), output[:, 5:] * output[:, 4:5]


def decode_nanodet(output: Floats, card: ModelCard, least: float = EVERY) -> tuple[Floats, Floats]:
    """Layout ``(n, classes + 4 * bins)``: scores, then a distribution over each side's distance.

    Generalised focal loss (Li et al., 2020): the distance is the expectation of a softmax over
    ``bins`` steps of one stride, from the cell's centre.
    """
    cells, strides = _cells(card.input.width, card.input.height, card.output.strides)
    count = len(card.output.classes)
    if least > EVERY:
        kept = (output[:, :count] >= least).any(axis=1)
        output, cells, strides = output[kept], cells[kept], strides[kept]
    logits = output[:, count:].reshape(len(output), 4, card.output.bins)
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    weights /= weights.sum(axis=2, keepdims=True)
    distance = (weights @ np.arange(card.output.bins, dtype=np.float32)) * strides
    centre = (cells + 0.5) * strides
    boxes = np.concatenate((centre - distance[:, :2], centre + distance[:, 2:]), axis=1)
    return boxes, output[:, :count]


def decode_fastestdet(
    output: Floats, card: ModelCard, _least: float = EVERY
) -> tuple[Floats, Floats]:
    """Layout ``(5 + classes, rows, columns)``: objectness, offsets and sizes before their squash.

    Offsets are tanh, sizes sigmoid of the whole input; class scores weigh less than objectness
    (FastestDet, dog-qiuqiu).
    """
    cells, strides = _cells(card.input.width, card.input.height, card.output.strides)
    rows = output.reshape(len(output), -1).T
    centre = (np.tanh(rows[:, 1:3]) + cells) * strides
    whole = np.array((card.input.width, card.input.height), np.float32)
    half = whole / (1 + np.exp(-np.clip(rows[:, 3:5], -30, 30))) / 2
    boxes = np.concatenate((centre - half, centre + half), axis=1)
    known = np.clip(rows, 0.0, 1.0)
    return boxes, known[:, :1] ** 0.6 * known[:, 5:] ** 0.4


Decoder = Callable[[Floats, ModelCard, float], tuple[Floats, Floats]]

DECODERS: dict[str, Decoder] = {
    "yolov8": decode_yolov8,
    "yolox": decode_yolox,
    "nanodet": decode_nanodet,
    "fastestdet": decode_fastestdet,
}


def expected_shape(card: ModelCard) -> tuple[int, ...]:
    """Shape of the output for one picture that the card's layout, classes and size call for."""
    count = len(card.output.classes)
    if card.output.layout == "classifier":
        return 1, count
    rows = expected_rows(card)
    match card.output.layout:
        case "yolov8":
            return 1, 4 + count, rows
        case "yolox":
            return 1, rows, 5 + count
        case "nanodet":
            return 1, rows, count + 4 * card.output.bins
        case "fastestdet":
            (stride,) = card.output.strides
            return 1, 5 + count, -(-card.input.height // stride), -(-card.input.width // stride)
