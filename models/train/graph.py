"""A YOLOX ONNX graph as a trainable torch module, and back again.

The permissive path of training: the base is an ONNX file, its convolutions are run by torch,
fine-tuned, and written back into the same graph. No exporter, no framework's checkpoint format,
and what was trained is by construction what runs. Batch norms are folded into the convolutions of
such a file; ``unfold`` puts them back for training, ``save`` folds them in again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

HeadMaps = tuple[Tensor, Tensor, Tensor]
"""Of one stride, logits: boxes ``(b, 4, h, w)``, objectness ``(b, 1, h, w)``, classes."""


def _key(name: str) -> str:
    return name.replace(".", "/")


class YoloxGraph(nn.Module):
    """The convolutional part of a YOLOX graph: pictures in, one set of maps a stride out.

    Args:
        path: an ONNX file exported by YOLOX: prediction convolutions named ``*_preds.<stride>``.

    Attributes:
        early: names of the weights before the spatial pyramid pooling, most of the backbone.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.model = onnx.load(str(path))
        graph = self.model.graph
        self._constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant":
                value = helper.get_attribute_value(node.attribute[0])
                self._constants[node.output[0]] = numpy_helper.to_array(value)
        self._input = graph.input[0].name
        self._steps = [
            (node, {a.name: helper.get_attribute_value(a) for a in node.attribute})
            for node in graph.node
            if node.op_type != "Constant"
        ]
        self.weights = nn.ParameterDict()
        self.early: list[str] = []
        heads: dict[str, dict[str, str]] = {}
        pooled = False
        for node, _ in self._steps:
            pooled = pooled or node.op_type == "MaxPool"
            if node.op_type != "Conv":
                continue
            for name in node.input[1:]:
                self.weights[_key(name)] = nn.Parameter(torch.tensor(self._constants[name]))
                if not pooled:
                    self.early.append(_key(name))
            for part in ("reg", "obj", "cls"):
                if f"{part}_preds" in node.input[1]:
                    heads.setdefault(node.input[1].split(".")[2], {})[part] = node.output[0]
        self._heads = [(h["reg"], h["obj"], h["cls"]) for _, h in sorted(heads.items())]
        self.norms = nn.ModuleDict()
        self._seen: dict[str, Tensor] | None = None

    def forward(self, pictures: Tensor) -> list[HeadMaps]:
        """Maps of each stride, smallest stride first, for ``(b, 3, h, w)`` BGR 0-255."""
        values = {self._input: pictures}
        missing = {name for head in self._heads for name in head}
        for node, attributes in self._steps:
            values[node.output[0]] = self._run(node, attributes, values)
            missing.discard(node.output[0])
            if not missing:
                break
        return [(values[r], values[o], values[c]) for r, o, c in self._heads]

    def _run(self, node: onnx.NodeProto, attributes: dict, values: dict[str, Tensor]) -> Tensor:
        first = values[node.input[0]]
        match node.op_type:
            case "Conv":
                return self._convolved(node, attributes, first)
            case "Sigmoid":
                return torch.sigmoid(first)
            case "Mul":
                return first * values[node.input[1]]
            case "Add":
                return first + values[node.input[1]]
            case "Concat":
                return torch.cat([values[name] for name in node.input], dim=attributes["axis"])
            case "MaxPool":
                size, pad = attributes["kernel_shape"][0], attributes["pads"][0]
                return F.max_pool2d(first, size, attributes["strides"][0], pad)
            case "Resize":
                return F.interpolate(first, scale_factor=2.0, mode="nearest")
            case "Slice":
                return first[self._window(node)]
        raise ValueError(f"{node.op_type} is not part of a YOLOX graph this file knows")

    def _convolved(self, node: onnx.NodeProto, attributes: dict, first: Tensor) -> Tensor:
        key = _key(node.input[1])
        top, left, *_ = attributes["pads"]
        out = F.conv2d(
            first,
            self.weights[key],
            self.weights[_key(node.input[2])],
            stride=attributes["strides"],
            padding=(top, left),
            groups=attributes.get("group", 1),
        )
        if self._seen is not None:
            self._seen[key] = out
        return self.norms[key](out) if key in self.norms else out

    @torch.no_grad()
    def unfold(self, pictures: Tensor) -> None:
        """Put a batch norm behind every convolution but the predictions; outputs stay as they are.

        Each begins as the identity: its scale and shift are the spread and the mean that these
        pictures give. Without them nothing reins in a large step.
        """
        self._seen = {}
        self(pictures)
        for key, out in self._seen.items():
            if "_preds" in key:
                continue
            norm = nn.BatchNorm2d(out.shape[1], eps=1e-3, momentum=0.03)
            mean, spread = out.float().mean((0, 2, 3)), out.float().var((0, 2, 3))
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(spread)
            norm.weight.copy_((spread + norm.eps).sqrt())
            norm.bias.copy_(mean)
            self.norms[key] = norm
        self._seen = None

    def _folded(self) -> dict[str, Tensor]:
        """Weights by name with the batch norms folded in: a convolution's bias is beside it."""
        folded = {name: weight.detach().float() for name, weight in self.weights.items()}
        for node, _ in self._steps:
            key = _key(node.input[1]) if node.op_type == "Conv" else ""
            if key not in self.norms:
                continue
            norm, bias = self.norms[key], _key(node.input[2])
            scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
            folded[key] = folded[key] * scale[:, None, None, None]
            folded[bias] = (folded[bias] - norm.running_mean) * scale + norm.bias.detach()
        return folded

    def _window(self, node: onnx.NodeProto) -> tuple[slice, ...]:
        starts, ends, axes, steps = (self._constants[name] for name in node.input[1:5])
        window = [slice(None)] * 4
        for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
            window[int(axis)] = slice(int(start), None if end > 10**9 else int(end), int(step))
        return tuple(window)

    def set_classes(self, ancestors: list[list[int]]) -> None:
        """New class heads, each begun from the mean of the old classes it descends from."""
        for name in [n for n in self.weights if "cls_preds" in n]:
            old = self.weights[name].data
            self.weights[name] = nn.Parameter(torch.stack([old[i].mean(0) for i in ancestors]))

    def save(self, path: Path, side: int) -> None:
        """Write the trained weights into the graph, for square pictures of ``side`` pixels."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        graph = model.graph
        classes = 0
        folded = self._folded()
        for entry in graph.initializer:
            if _key(entry.name) in folded:
                array = folded[_key(entry.name)].numpy()
                entry.CopyFrom(numpy_helper.from_array(array, entry.name))
                if "cls_preds" in entry.name and array.ndim == 4:
                    classes = array.shape[0]
        shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
        for node in graph.node:
            if node.op_type == "Constant" and node.output[0] in shapes:
                tensor = node.attribute[0].t
                tensor.CopyFrom(_reshaped(tensor, classes))
        for entry in graph.initializer:
            if entry.name in shapes:
                entry.CopyFrom(_reshaped(entry, classes))
        rows = sum((side // stride) ** 2 for stride in (8, 16, 32))
        for size, dim in zip(
            (side, side), graph.input[0].type.tensor_type.shape.dim[2:], strict=True
        ):
            dim.dim_value = size
        out = graph.output[0].type.tensor_type.shape.dim
        out[1].dim_value, out[2].dim_value = rows, 5 + classes
        del graph.value_info[:]
        onnx.checker.check_model(model)
        onnx.save(model, str(path))


def _reshaped(tensor: onnx.TensorProto, classes: int) -> onnx.TensorProto:
    """The shape ``(1, channels, cells)`` of a Reshape, for other classes and another input size."""
    shape = np.array([1, 5 + classes, -1], np.int64)
    return numpy_helper.from_array(shape, tensor.name)
