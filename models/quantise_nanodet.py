"""Make ``coco-nanodet-int8`` of ``coco-nanodet``: static int8, weights per channel.

    python models/quantise_nanodet.py

Convolutions and their activations are quantised, ranges (min-max) from the demo's footage as it is,
mirrored, by night and cut closer. The three convolutions that predict stay fp32, for a twentieth of
what is gained: on 90 pictures of streets 4 detections instead of 8 that fp32 lacks. With joins in
int8 nothing is found any more; with ranges by percentile a twentieth is lost.
``python -m bench.int8`` measures what it gains and what it loses.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from edge.detectors.objects import ObjectDetector  # noqa: E402
from edge.streams.frame import Image  # noqa: E402

SOURCE, TARGET = HERE / "coco-nanodet", HERE / "coco-nanodet-int8"
FOOTAGE = HERE.parent / "examples/demo/footage"
CLIPS, EVERY = ("clear", "vending", "piles", "ads"), 50
QUANTISED = ["Conv", "LeakyRelu"]


def pictures() -> Iterator[Image]:
    """Every so many frames of the footage, each in four ways."""
    for name in CLIPS:
        with av.open(str(FOOTAGE / f"{name}.mp4")) as clip:
            for number, frame in enumerate(clip.decode(video=0)):
                if number % EVERY:
                    continue
                image = frame.to_ndarray(format="bgr24")
                height, width = image.shape[:2]
                yield image
                yield np.ascontiguousarray(image[:, ::-1])
                yield (image * 0.35).astype(np.uint8)
                yield np.ascontiguousarray(image[height // 3 :, width // 3 :])


def laid(detector: ObjectDetector, image: Image) -> np.ndarray:
    """The picture as the model's input."""
    card = detector.card_for(image)
    blob = np.empty((1, 3, card.input.height, card.input.width), np.float32)
    detector._lay(image, card, blob[0])
    return blob


class Reader(CalibrationDataReader):
    """The pictures as the product would feed them."""

    def __init__(self, detector: ObjectDetector) -> None:
        self._name = detector.card.input.name
        self._blobs = (laid(detector, image) for image in pictures())

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next input, None after the last."""
        blob = next(self._blobs, None)
        return None if blob is None else {self._name: blob}


def folded(source: Path, target: Path) -> None:
    """Weights in fp32 (they are stored in half), constants folded, resizing along all axes.

    What ONNX Runtime quantises it runs with its own graph optimiser, which gets a resize along two
    axes only wrong.
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3
    ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    model = onnx.load(str(target))
    known = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    for number, node in enumerate(n for n in model.graph.node if n.op_type == "Resize"):
        factors = np.array([1, 1, *known[node.input[2]]], np.float32)
        name = f"factors{number}"
        model.graph.initializer.append(numpy_helper.from_array(factors, name))
        node.input[2] = name
        kept = [a for a in node.attribute if a.name != "axes"]
        del node.attribute[:]
        node.attribute.extend(kept)
    onnx.save(model, str(target))


def card(source: str, weights: bytes) -> str:
    """The source's card with another name, hash and origin, without its measured figures."""
    text = source.partition("# Measured;")[0].rstrip() + "\n"
    changes = {
        "name": '"coco-nanodet-int8"',
        "sha256": f'"{hashlib.sha256(weights).hexdigest()}"',
        "source": '"coco-nanodet, quantised by models/quantise_nanodet.py"',
    }
    for key, value in changes.items():
        text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", text, count=1)
    first = (
        "# coco-nanodet in int8, about twice as quick on a CPU with VNNI; see docs/scaling.md.\n"
    )
    return first + text.partition("\n")[2]


def main() -> None:
    """Write the model and its card."""
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        prepared = Path(place) / "prepared.onnx"
        folded(SOURCE / "model.onnx", prepared)
        quant_pre_process(
            str(prepared), str(prepared), skip_symbolic_shape=True, skip_optimization=True
        )
        # What goes through no activation predicts; the last three of them are the heads.
        graph = onnx.load(str(prepared)).graph
        activated = {node.input[0] for node in graph.node if node.op_type == "LeakyRelu"}
        plain = [n.name for n in graph.node if n.op_type == "Conv" and n.output[0] not in activated]
        quantize_static(
            str(prepared),
            str(TARGET / "model.onnx"),
            Reader(ObjectDetector(SOURCE, provider="cpu")),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=QUANTISED,
            nodes_to_exclude=plain[-3:],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    text = card((SOURCE / "model.toml").read_text("utf-8"), (TARGET / "model.onnx").read_bytes())
    (TARGET / "model.toml").write_text(text, encoding="utf-8")
    print(f"{TARGET.name}: {(TARGET / 'model.onnx').stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
