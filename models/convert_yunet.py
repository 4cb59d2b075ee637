"""Make the face model of redaction from YuNet's own ONNX file, as its authors publish it.

    python models/convert_yunet.py yunet_n_dynamic.onnx

The file is ``onnx/yunet_n_dynamic.onnx`` of GitHub ``ShiqiYu/libfacedetection.train``, commit
0047ac24 (Apache-2.0). Its weights and operators stay. Landmarks, which nobody asks for, are left
out, and the nine other outputs become the one that the card's layout ``yolox`` reads: offsets and
log sizes as they are; YuNet's score is the root of class score times objectness, so the roots of
both are given, whose product it is. Batch, height and width are free; the sides must be multiples
of 32. Both networks are run on one input, and what they say must be the same.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, utils

SHA256 = "104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12"
STRIDES = (8, 16, 32)
TARGET = Path(__file__).resolve().parent / "yunet" / "model.onnx"


def one_output(source: onnx.ModelProto) -> onnx.ModelProto:
    """The network from ``images`` ``(N, 3, H, W)`` to ``output`` ``(N, rows, 6)``."""
    wanted = [f"{kind}_{stride}" for kind in ("bbox", "obj", "cls") for stride in STRIDES]
    model = utils.Extractor(source).extract_model(["input"], wanted)
    graph = model.graph
    for stride in STRIDES:
        for kind in ("obj", "cls"):
            # A sigmoid's rounding may leave 0-1; a root must not see it.
            name = f"{kind}_{stride}"
            graph.node.append(helper.make_node("Relu", [name], [f"{name}/least"]))
            graph.node.append(helper.make_node("Sqrt", [f"{name}/least"], [f"{name}/root"]))
        parts = [f"bbox_{stride}", f"obj_{stride}/root", f"cls_{stride}/root"]
        graph.node.append(helper.make_node("Concat", parts, [f"level_{stride}"], axis=2))
    levels = [f"level_{stride}" for stride in STRIDES]
    graph.node.append(helper.make_node("Concat", levels, ["output"], axis=1))
    for node in graph.node:
        node.input[:] = ["images" if name == "input" else name for name in node.input]
    graph.input[0].name = "images"
    del graph.output[:], graph.value_info[:]
    shape = ["batch", "rows", 6]
    graph.output.append(helper.make_tensor_value_info("output", TensorProto.FLOAT, shape))
    graph.name = "yunet"
    onnx.checker.check_model(model, full_check=True)
    return model


def apart(source: bytes, made: bytes) -> float:
    """Largest difference between what the two say of one picture of noise."""
    noise = np.random.default_rng(1).uniform(0, 255, (1, 3, 320, 416)).astype(np.float32)
    names = [f"{kind}_{stride}" for kind in ("bbox", "obj", "cls") for stride in STRIDES]
    parts = ort.InferenceSession(source).run(names, {"input": noise})
    boxes, objects, classes = (np.concatenate(parts[n : n + 3], axis=1) for n in (0, 3, 6))
    (joined,) = ort.InferenceSession(made).run(None, {"images": noise})
    scores = np.sqrt(np.clip(objects * classes, 0, None))
    differences = (joined[..., :4] - boxes, joined[..., 4:5] * joined[..., 5:] - scores)
    return max(float(np.abs(difference).max()) for difference in differences)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path)
    data = parser.parse_args().source.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise SystemExit(f"sha256 is {found}, this recipe knows {SHA256}")
    made = one_output(onnx.load_from_string(data)).SerializeToString(deterministic=True)
    if (difference := apart(data, made)) > 1e-5:
        raise SystemExit(f"the two differ by {difference:.1e}")
    TARGET.write_bytes(made)
    print(f"{TARGET}: {len(made)} bytes, sha256 {hashlib.sha256(made).hexdigest()}")


if __name__ == "__main__":
    main()
