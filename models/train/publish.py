"""Make model folders of a trained network: fp32 and int8, calibrated, each with its card.

    python models/train/publish.py models/train/rubbish.toml --trained DIR/model.onnx --data DIR

Writes ``models/NAME`` and ``models/NAME-int8``. Pictures for quantisation and for calibration are
those the recipe names; none of them is a picture that accuracy is reported on.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from data import Sample, fitted, load_entries, names_in, read_picture
from onnx import version_converter
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from edge.detectors.objects import ObjectDetector
from edge.geometry import Box

_MODELS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_MODELS))

from sides import free_sides  # noqa: E402

_KNOTS = 9


class _Reader(CalibrationDataReader):
    def __init__(self, pictures: Iterator[np.ndarray], name: str) -> None:
        self._pictures, self._name = pictures, name

    def get_next(self) -> dict[str, np.ndarray] | None:
        picture = next(self._pictures, None)
        return None if picture is None else {self._name: picture}


def quantise(source: Path, target: Path, pictures: list[np.ndarray], side: int) -> None:
    """Static int8, weights per channel, ranges by percentile.

    Depthwise convolutions, the first two and the predictions stay fp32: they are little of the work
    and most of the loss (AP50 .89 in fp32, .32 with all of it int8 by min-max, .90 like this).
    """
    prepared = target.with_suffix(".prepared.onnx")
    # Weights per channel need opset 13; the base was exported with 11.
    onnx.save(version_converter.convert_version(onnx.load(str(source)), 13), str(prepared))
    quant_pre_process(str(prepared), str(prepared), skip_symbolic_shape=True)
    session = ort.InferenceSession(str(prepared), providers=["CPUExecutionProvider"])
    blobs = (
        fitted(Sample(p, np.zeros((0, 4), np.float32), np.zeros(0, np.int64)), side)
        .picture.transpose(2, 0, 1)[None]
        .astype(np.float32)
        for p in pictures
    )
    graph = onnx.load(str(prepared)).graph
    convolutions = [n for n in graph.node if n.op_type == "Conv"]
    kept = {n.name for n in convolutions if _groups(n) > 1 or "_preds" in n.input[1]}
    kept |= {n.name for n in convolutions[:2]}
    quantize_static(
        str(prepared),
        str(target),
        _Reader(blobs, session.get_inputs()[0].name),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        nodes_to_exclude=sorted(kept),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.Percentile,
        extra_options={"CalibPercentile": 99.99},
    )
    prepared.unlink()


def _groups(node: onnx.NodeProto) -> int:
    return next((a.i for a in node.attribute if a.name == "group"), 1)


def outcomes(folder: Path, samples: list[Sample]) -> tuple[np.ndarray, np.ndarray]:
    """Raw score and right-or-wrong (IoU 0.5, each truth once) of every detection."""
    detector = ObjectDetector(folder, provider="cpu")
    names = detector.card.output.classes
    scores, right = [], []
    for sample in samples:
        height, width = sample.picture.shape[:2]
        truths = [
            (names[kind], Box.clipped(x0 / width, y0 / height, x1 / width, y1 / height))
            for (x0, y0, x1, y1), kind in zip(sample.boxes, sample.kinds, strict=True)
        ]
        free = set(range(len(truths)))
        for found in sorted(detector.find([sample.picture], least=0.02)[0], key=lambda d: -d.score):
            best = max(
                (i for i in free if truths[i][0] == found.label),
                key=lambda i: truths[i][1].iou(found.box),
                default=None,
            )
            hit = best is not None and truths[best][1].iou(found.box) >= 0.5
            if hit:
                free.discard(best)
            scores.append(found.score)
            right.append(hit)
    return np.array(scores), np.array(right, float)


def rising(scores: np.ndarray, right: np.ndarray) -> tuple[list[float], list[float]]:
    """Isotonic regression (pool adjacent violators), thinned to a few knots from 0 to 1."""
    order = np.argsort(scores)
    blocks: list[list[float]] = []  # mean of right, weight, mean of score
    for score, hit in zip(scores[order], right[order], strict=True):
        blocks.append([hit, 1.0, score])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            b = blocks.pop()
            a = blocks[-1]
            weight = a[1] + b[1]
            blocks[-1] = [
                (a[0] * a[1] + b[0] * b[1]) / weight,
                weight,
                (a[2] * a[1] + b[2] * b[1]) / weight,
            ]
    at = np.array([b[2] for b in blocks])
    share = np.array([b[0] for b in blocks])
    edges = np.quantile(scores, np.linspace(0, 1, _KNOTS * 2))
    raw = np.unique(
        np.concatenate(([0.0], np.linspace(0.1, 0.9, _KNOTS), edges[-3:], [1.0])).round(2)
    )
    means = np.interp(raw, at, share, left=0.0, right=min(float(share[-1]), 0.99))
    means[0] = 0.0
    # A flat stretch would make equals of scores that are not, and cost average precision.
    rising_means = np.maximum.accumulate(means) * 0.98 + 0.02 * raw
    return [round(float(v), 3) for v in raw], [round(float(v), 4) for v in rising_means]


def write_card(folder: Path, recipe: dict, version: str, calibration: tuple | None) -> None:
    """``model.toml`` from the recipe's ``[card]`` section, the file's hash and the calibration."""
    card, side = recipe["card"], recipe["side"]
    weights = (folder / "model.onnx").read_bytes()
    name = folder.name
    lines = [
        f'name = "{name}"',
        f'version = "{version}"',
        'file = "model.onnx"',
        f'sha256 = "{hashlib.sha256(weights).hexdigest()}"',
        *(
            f'{key} = """{card[key].strip()}"""'
            for key in ("licence", "source", "attribution", "trained_on")
        ),
        f"watch = {card['watch']}".replace("'", '"'),
        "\n[input]",
        f'name = "{card["input"]}"',
        f"width = {side}",
        f"height = {side}",
        'colour = "bgr"',
        'letterbox = "top_left"',
        "step = 32",
        "\n[output]",
        'layout = "yolox"',
        f"classes = {list(recipe['classes'])}".replace("'", '"'),
        "\n[thresholds]",
        f"score = {card['score']}",
        "nms_iou = 0.5",
        "\n[meanings]",
        *(f'{key} = "{value}"' for key, value in card["meanings"].items()),
    ]
    if calibration:
        lines += ["\n[calibration]", f"raw = {calibration[0]}", f"right = {calibration[1]}"]
    (folder / "model.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Publish fp32 and int8."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--trained", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    recipe = tomllib.loads(given.recipe.read_text())
    version = recipe["card"]["version"]
    samples = load_entries(recipe["calibration"], given.data)
    rng = random.Random(recipe["seed"])
    left = {
        n
        for e in recipe["positives"]
        if "leave_out" in e
        for n in names_in(given.data / e["leave_out"])
    }
    paths = [
        path
        for pattern in recipe["quantise"]
        for path in sorted(given.data.glob(pattern))
        if path.name not in left
    ]
    pictures = [read_picture(p) for p in rng.sample(paths, 48)]
    name = recipe["card"]["name"]
    for folder in (_MODELS / name, _MODELS / f"{name}-int8"):
        folder.mkdir(exist_ok=True)
        if folder.name == name:
            shutil.copy(given.trained, folder / "model.onnx")
        else:
            quantise(given.trained, folder / "model.onnx", pictures, recipe["side"])
        onnx.save(free_sides(onnx.load(folder / "model.onnx")), folder / "model.onnx")
        write_card(folder, recipe, version, None)
        scores, right = outcomes(folder, samples)
        write_card(folder, recipe, version, rising(scores, right))
        print(f"{folder.name}: calibrated on {len(samples)} pictures, {len(scores)} detections")


if __name__ == "__main__":
    main()
