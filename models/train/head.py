"""Two learned layers on the pooled features of a detector's early stages, as one ONNX graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnx.utils import Extractor

_STAGE = "PartitionedCall/onnx_tf_prefix_Concat_42"
"""coco-nanodet's third stage: 256 channels at stride 16."""
_STRIDE, _CHANNELS, _HIDDEN, _EPOCHS, _SEED = 16, 256, 64, 30, 7


def stage(model: Path, side: int) -> onnx.ModelProto:
    """coco-nanodet up to its third stage, pooled: ``images`` to ``pooled`` (batch, 768).

    Pooled are the mean and the maximum of the middle, where the thing is, and the mean of all.
    """
    whole = shape_inference.infer_shapes(onnx.load(str(model)))
    part = Extractor(whole).extract_model(["images"], [_STAGE])
    graph = part.graph
    del graph.value_info[:], graph.output[:]
    cells = side // _STRIDE
    ends = (cells // 5, cells - cells // 5)
    for name, values in (("lo", [ends[0]] * 2), ("hi", [ends[1]] * 2), ("axes", [2, 3])):
        graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
    graph.node.extend(
        [
            helper.make_node("Slice", [_STAGE, "lo", "hi", "axes"], ["inner"]),
            helper.make_node("ReduceMean", ["inner", "axes"], ["f0"], keepdims=0),
            helper.make_node("ReduceMean", [_STAGE, "axes"], ["f1"], keepdims=0),
            helper.make_node("ReduceMax", ["inner", "axes"], ["f2"], keepdims=0),
            helper.make_node("Concat", ["f0", "f1", "f2"], ["pooled"], axis=1),
        ]
    )
    for dim in graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_value = side
    shape = ["batch", 3 * _CHANNELS]
    graph.output.append(helper.make_tensor_value_info("pooled", TensorProto.FLOAT, shape))
    return part


def finished(part: onnx.ModelProto, head: torch.nn.Sequential, classes: int) -> onnx.ModelProto:
    """The stage with the learned layers: ``images`` to ``shares`` (batch, classes)."""
    graph = part.graph
    del graph.output[:]
    layers = [layer for layer in head if isinstance(layer, torch.nn.Linear)]
    at = "pooled"
    for n, layer in enumerate(layers):
        for name, value in (("w", layer.weight), ("b", layer.bias)):
            array = value.detach().numpy().astype(np.float32)
            graph.initializer.append(numpy_helper.from_array(array, f"{name}{n}"))
        graph.node.append(helper.make_node("Gemm", [at, f"w{n}", f"b{n}"], [f"g{n}"], transB=1))
        last = n == len(layers) - 1
        kind = {"op_type": "Softmax", "axis": 1} if last else {"op_type": "Relu"}
        at = "shares" if last else f"h{n}"
        graph.node.append(helper.make_node(inputs=[f"g{n}"], outputs=[at], **kind))
    shape = ["batch", classes]
    graph.output.append(helper.make_tensor_value_info("shares", TensorProto.FLOAT, shape))
    onnx.checker.check_model(part)
    return part


def learn(features: np.ndarray, labels: np.ndarray, classes: int) -> torch.nn.Sequential:
    """The two layers on top, with the normalisation of features folded into the first."""
    torch.manual_seed(_SEED)
    torch.set_num_threads(1)
    mean, spread = features.mean(0), features.std(0) + 1e-3
    x = torch.tensor((features - mean) / spread, dtype=torch.float32)
    y = torch.tensor(labels)
    weights = (len(y) / classes / torch.bincount(y)) ** 0.5
    first = torch.nn.Linear(x.shape[1], _HIDDEN)
    head = torch.nn.Sequential(
        torch.nn.Dropout(0.3), first, torch.nn.ReLU(),
        torch.nn.Dropout(0.3), torch.nn.Linear(_HIDDEN, classes),
    )  # fmt: skip
    optimiser = torch.optim.AdamW(head.parameters(), 1e-3, weight_decay=0.3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _EPOCHS)
    for _ in range(_EPOCHS):
        for batch in torch.randperm(len(x)).split(256):
            noisy = x[batch] + 0.1 * torch.randn(len(batch), x.shape[1])
            loss = torch.nn.functional.cross_entropy(
                head(noisy), y[batch], weights, label_smoothing=0.05
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
    with torch.no_grad():
        scaled = first.weight / torch.tensor(spread, dtype=torch.float32)
        first.bias -= scaled @ torch.tensor(mean, dtype=torch.float32)
        first.weight.copy_(scaled)
    return head.eval()
