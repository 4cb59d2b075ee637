"""What ``ultralytics`` costs a camera: ``predict(stream=True)``, every frame decoded and looked at.

    PYTHON -m bench.ultralytics_way URL [--frames 100] [--model yolov8n.yaml] [--size 416]

For a Python that has ultralytics (AGPL, with PyTorch: gigabytes); it imports nothing of ours, and
``bench.looks --ultralytics PYTHON`` runs it. A ``.yaml`` builds the network with random weights:
what an inference costs does not hang on them. NanoDet is no model of theirs, so the nearest is
taken, YOLOv8n at the same input size: 8.7 GFLOPs at 640, 3.7 at 416. One JSON line on stdout.
"""

import argparse
import json
import os
import time

os.environ.update(OMP_NUM_THREADS="1", YOLO_OFFLINE="true")

import torch
import ultralytics

FPS = 25


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("url")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--model", default="yolov8n.yaml")
    parser.add_argument("--size", type=int, default=416)
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = ultralytics.YOLO(given.model, task="detect")
    results = model.predict(
        given.url,
        stream=True,
        stream_buffer=True,  # no frame is passed over, as in the naive loop
        imgsz=given.size,
        device="cpu",
        verbose=False,
    )
    for _ in range(10):  # opening, and what is prepared at the first frames
        next(results)
    began, spent = time.perf_counter(), time.process_time()
    for _ in range(given.frames):
        next(results)
    spent, wall = time.process_time() - spent, time.perf_counter() - began
    found = {
        "cpu_s": spent / given.frames * FPS,
        "runs": FPS,
        "wall_fps": round(given.frames / wall, 1),
        "model": f"{given.model} at {given.size}",
        "version": ultralytics.__version__,
    }
    print(json.dumps(found), flush=True)
    os._exit(0)  # their reader threads would go on


if __name__ == "__main__":
    main()
