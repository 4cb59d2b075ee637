"""Free the sides of an ONNX model's input, so that a wide picture needs no square one around it.

    python models/sides.py models/rubbish/model.onnx

Weights and operators stay: sizes that the exporter wrote into the graph become ratios, and the
input's height and width become names. For pictures of the full size the output is the same, bit for
bit. The card then says ``input.step``, and needs the new sha256.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def free_sides(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose input may have any height and width that its strides divide.

    Raises:
        ValueError: a resize whose ratio cannot be told.
    """
    freed = onnx.ModelProto()
    freed.CopyFrom(model)
    _sizes_to_ratios(freed, _shapes(model))
    (image,) = freed.graph.input
    for axis, name in ((2, "height"), (3, "width")):
        image.type.tensor_type.shape.dim[axis].dim_param = name
    for output in freed.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = "rows"
    del freed.graph.value_info[:]  # shapes of what lies between
    onnx.checker.check_model(freed, full_check=True)
    return freed


def _shapes(model: onnx.ModelProto) -> dict[str, list[int]]:
    graph = onnx.shape_inference.infer_shapes(model).graph
    return {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in graph.value_info
    }


def _sizes_to_ratios(model: onnx.ModelProto, shapes: dict[str, list[int]]) -> None:
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "Resize" or len(node.input) < 4 or not node.input[3]:
            continue
        sizes = constants[node.input[3]]
        wanted = numpy_helper.to_array(sizes)
        given = shapes.get(node.input[0], [])[-len(wanted) :]
        if len(given) != len(wanted) or not all(given):
            raise ValueError(f"{node.name}: the size before it is not known")
        ratios = numpy_helper.from_array((wanted / given).astype(np.float32), f"{node.name}/scales")
        model.graph.initializer.append(ratios)
        model.graph.initializer.remove(sizes)
        node.input[2], node.input[3] = ratios.name, ""
        del node.input[3]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path, nargs="+", help="written over")
    for path in parser.parse_args().model:
        path.write_bytes(free_sides(onnx.load(path)).SerializeToString(deterministic=True))
        print(f"{path}  sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
