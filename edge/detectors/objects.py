"""The object detector: any YOLO-family ONNX model with a card, on ONNX Runtime."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge.detectors.base import Detection, Look
from edge.detectors.card import ModelCard, load_card
from edge.detectors.decode import DECODERS, EVERY, Floats
from edge.detectors.session import check_shape, open_session
from edge.errors import Code, ModelError
from edge.geometry import Box
from edge.streams.planes import Picture, resized


@dataclass(frozen=True, slots=True)
class _Fit:
    """How a picture was laid into the model's input."""

    left: int
    top: int
    width: float
    height: float


class ObjectDetector:
    """Finds objects of a model's classes; :meth:`detect` keeps only classes with a meaning.

    Thread-safe: one session may be called from several threads.

    Attributes:
        card: the model's card.
        session: ONNX Runtime's, for whoever measures it.

    Args:
        folder: the model's folder.
        provider: ``auto``, ``cpu``, ``cuda``, ``tensorrt`` or ``openvino``.
        threads: intra-op threads.
        at_once: pictures worked on side by side on a CPU, each in a thread of its own; an
            accelerator gets batches instead.

    Raises:
        ModelError: wrong hash, corrupt file, wrong shape or class count, missing provider.
    """

    def __init__(
        self, folder: Path, *, provider: str = "auto", threads: int = 1, at_once: int = 1
    ) -> None:
        self.card = load_card(folder)
        if self.card.output.layout not in DECODERS:
            raise ModelError(
                Code.MDL_CARD,
                str(folder / "model.toml"),
                f"layout {self.card.output.layout} finds no objects",
                "Name it under detectors.second_look.look_alikes",
            )
        self.session = open_session(folder, self.card, provider, threads)
        self._batch = check_shape(folder, self.card, self.session)
        # Batches win nothing on a CPU; pictures side by side use its other cores, as preparing
        # and running them hold no lock of Python's (docs/scaling.md).
        on_cpu = self.session.get_providers()[0] == "CPUExecutionProvider"
        beside = at_once > 1 and on_cpu
        self._threads = ThreadPoolExecutor(at_once, "inference") if beside else None
        if on_cpu:
            self._batch = 1  # what ONNX Runtime once held for a batch it never gives back
        self._meanings = [self.card.meanings.get(name, "") for name in self.card.output.classes]
        self._means = np.array([bool(meaning) for meaning in self._meanings])
        self._mean = np.array(self.card.input.mean, np.float32)
        self._std = np.array(self.card.input.std, np.float32)
        # Other providers build the model anew for every size of its input.
        self._cuts = on_cpu and self.card.input.step > 0
        self._cards: dict[tuple[int, int], ModelCard] = {}
        thresholds = self.card.thresholds
        self._thresholds = np.array(
            [thresholds.per_class.get(name, thresholds.score) for name in self.card.output.classes],
            np.float32,
        )

    @property
    def name(self) -> str:
        """Name and version from the card."""
        return self.card.title

    def serves(self, kind: str) -> bool:
        """Whether the card says that the model is of use for zones watched for that kind."""
        return not self.card.watch or kind in self.card.watch

    def detect(self, looks: Sequence[Look]) -> list[tuple[Detection, ...]]:
        """Detections of each look; batched as far as the model allows."""
        return self.find([look.frame.picture for look in looks])

    def find(
        self, pictures: Sequence[Picture], *, least: float | None = None, every_class: bool = False
    ) -> list[tuple[Detection, ...]]:
        """Detections of each picture, boxes in 0–1 of that picture.

        Args:
            pictures: any sizes; of planes only what the model's input needs is converted.
            least: score from which a detection is kept, instead of the card's thresholds.
            every_class: keep classes without a meaning too; theirs is ``""``.
        """
        thresholds = self._thresholds if least is None else np.full_like(self._thresholds, least)
        wanted = thresholds if every_class else np.where(self._means, thresholds, np.inf)
        if self._threads is not None and len(pictures) > 1:
            one = partial(self._run, thresholds=wanted)
            return [found for (found,) in self._threads.map(one, [[p] for p in pictures])]
        found: list[tuple[Detection, ...]] = []
        for _, alike in groupby(pictures, lambda picture: self.card_for(picture).input):
            group = list(alike)
            for start in range(0, len(group), self._batch):
                found += self._run(group[start : start + self._batch], wanted)
        return found

    def with_input(self, side: float) -> ObjectDetector:
        """The same network, in the same session, on a larger or smaller input.

        Only for cards with ``input.step``: theirs have free sides. Other sizes show what is
        smaller, or larger, than what the model finds on its own input.

        Args:
            side: pixels, rounded up to the step.
        """
        pixels = max(-(-round(side) // self.card.input.step), 1) * self.card.input.step
        size = {"width": pixels, "height": pixels}
        other = copy.copy(self)
        other.card = self.card.model_copy(update={"input": self.card.input.model_copy(update=size)})
        other._cards = {}
        return other

    def card_for(self, picture: Picture) -> ModelCard:
        """The card with the input that a picture is laid into: whole, or cut to what it fills."""
        if not self._cuts:
            return self.card
        inner = _inner(picture, self.card)
        card = self._cards.get(inner)
        if card is None:
            self._cards[inner] = card = self.card.cut(*inner)
        return card

    def _run(self, pictures: Sequence[Picture], thresholds: Floats) -> list[tuple[Detection, ...]]:
        """One run of the model on pictures whose input is of one size."""
        card = self.card_for(pictures[0])
        shape = (len(pictures), 3, card.input.height, card.input.width)
        tensor = np.empty(shape, np.float32)
        fits = [
            self._lay(picture, card, blob) for picture, blob in zip(pictures, tensor, strict=True)
        ]
        outputs = self.session.run(None, {card.input.name: tensor})[0]
        return [
            self._read(output, card, fit, thresholds)
            for output, fit in zip(outputs, fits, strict=True)
        ]

    def _lay(self, picture: Picture, card: ModelCard, blob: Floats) -> _Fit:
        """Lay a picture into the model's input, ``(3, height, width)``, which is written over."""
        wanted = card.input
        inner_w, inner_h = _inner(picture, self.card)
        centred = wanted.letterbox == "centre"
        left = (wanted.width - inner_w) // 2 if centred else 0
        top = (wanted.height - inner_h) // 2 if centred else 0
        right, bottom = left + inner_w, top + inner_h
        inner = resized(picture, inner_w, inner_h, cv2.INTER_LINEAR)
        order = (2, 1, 0) if wanted.colour == "rgb" else (0, 1, 2)
        for place, channel in enumerate(order):
            mean, std = self._mean[place], self._std[place]
            into = blob[place]
            into[:top] = into[bottom:] = into[:, :left] = into[:, right:] = (
                wanted.pad - mean
            ) / std
            laid = into[top:bottom, left:right]
            np.subtract(inner[:, :, channel], mean, out=laid)
            laid /= std
        scale = _scale(picture, self.card)
        return _Fit(left, top, picture.shape[1] * scale, picture.shape[0] * scale)

    def _read(
        self, output: Floats, card: ModelCard, fit: _Fit, thresholds: Floats
    ) -> tuple[Detection, ...]:
        known = self.card.calibration
        # Calibration moves scores: what it makes of those below the threshold is not known yet.
        least = EVERY if known is not None else float(thresholds.min())
        boxes, scores = DECODERS[self.card.output.layout](output, card, least)
        if not len(scores):
            return ()
        if known is not None:
            scores = np.interp(scores, known.raw, known.right).astype(np.float32)
        best = scores.argmax(axis=1)
        top = scores[np.arange(len(scores)), best]
        wanted = np.flatnonzero(top >= thresholds[best])
        if not len(wanted):
            return ()
        kept = _suppress(boxes[wanted], top[wanted], best[wanted], self.card.thresholds.nms_iou)
        return tuple(
            Detection(
                label=self.card.output.classes[best[index]],
                meaning=self._meanings[best[index]],
                box=Box.clipped(
                    float(boxes[index, 0] - fit.left) / fit.width,
                    float(boxes[index, 1] - fit.top) / fit.height,
                    float(boxes[index, 2] - fit.left) / fit.width,
                    float(boxes[index, 3] - fit.top) / fit.height,
                ),
                score=float(top[index]),
                model=self.name,
            )
            for index in wanted[kept]
        )


def _scale(picture: Picture, card: ModelCard) -> float:
    height, width, _ = picture.shape
    return float(min(card.input.width / width, card.input.height / height))


def _inner(picture: Picture, card: ModelCard) -> tuple[int, int]:
    """Width and height of a picture as it is laid into the model's input, pixels."""
    scale = _scale(picture, card)
    return max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1)


def _suppress(
    boxes: Floats, scores: Floats, classes: npt.NDArray[np.int64], iou: float
) -> npt.NDArray[np.int64]:
    """Non-maximum suppression within each class."""
    sizes = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1)
    kept = cv2.dnn.NMSBoxesBatched(sizes.tolist(), scores.tolist(), classes.tolist(), 0.0, iou)
    return np.asarray(kept, np.int64).reshape(-1)
