"""The ways of watching a camera that are compared; each gives the CPU seconds of a camera-second.

The rivals are reproduced from their documented defaults, with our model in place of theirs, and
always to their advantage: one inference per picture with motion however many regions it has.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av
import cv2
import numpy as np

from bench.footage import FPS
from edge.detectors.base import Look
from edge.detectors.objects import ObjectDetector
from edge.detectors.unchanged import Changes, Gated, Limits
from edge.streams.frame import Frame, Image, Picture
from edge.streams.phase import Phase
from edge.streams.source import Source
from edge.streams.visit import Visiting

REVISIT_S = 30.0
_ARRIVE_S = 0.37
"""Between two visits, so that they arrive at other places between two key frames."""


@dataclass(frozen=True)
class Cost:
    """CPU seconds of all threads for a second of one camera, and inferences a second."""

    cpu_s: float
    runs: float


def analyse(detector: ObjectDetector, image: Image) -> None:
    """One inference with its pre- and post-processing."""
    detector.detect([Look(Frame("bench", datetime.now(UTC), image, "key_frame", 0))])


def naive(url: str, detector: ObjectDetector, frames: int) -> Cost:
    """OpenCV's loop: every frame decoded, the model on each."""
    capture = cv2.VideoCapture(url)
    capture.read()
    began = time.process_time()
    for _ in range(frames):
        there, image = capture.read()
        assert there
        analyse(detector, np.asarray(image, np.uint8))
    spent = time.process_time() - began
    capture.release()
    return Cost(spent / frames * FPS, FPS)


def frigate(url: str, detector: ObjectDetector, frames: int) -> Cost:
    """Frigate 0.17: decode all, 5 pictures a second at native size, motion, model on motion.

    Motion at a height of 100: contrast stretched, difference from a running mean (frame_alpha
    0.01) above 30, dilated, contours of 10 pixels or more.
    """
    mean: np.ndarray | None = None

    def moved(frame: av.VideoFrame) -> bool:
        nonlocal mean
        grey = frame.to_ndarray(format="gray")
        small = cv2.resize(grey, (178, 100)).astype(np.float32)
        low, high = np.percentile(small, (4, 96))
        small = np.clip((small - low) * (255.0 / max(high - low, 1.0)), 0, 255)
        small = cv2.GaussianBlur(small, (3, 3), 1)
        mean = small if mean is None else mean
        mask = cv2.dilate((cv2.absdiff(small, mean) > 30).astype(np.uint8), None)
        cv2.accumulateWeighted(small, mean, 0.01)
        found = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
        return any(cv2.contourArea(contour) >= 10 for contour in found)

    return _decode_all(url, detector, frames, 5, moved)


def viseron(url: str, detector: ObjectDetector, frames: int) -> Cost:
    """Viseron 3: decode all, motion on one picture a second at 300 x 300, model where it moves.

    Background subtractor with alpha 0.1 and threshold 15, motion from 8 % of the picture.
    """
    mean: np.ndarray | None = None

    def moved(frame: av.VideoFrame) -> bool:
        nonlocal mean
        small = cv2.resize(frame.to_ndarray(format="gray"), (300, 300))
        blurred = cv2.GaussianBlur(small, (21, 21), 0).astype(np.float32)
        mean = blurred if mean is None else mean
        cv2.accumulateWeighted(blurred, mean, 0.1)
        return float((cv2.absdiff(blurred, mean) > 15).mean()) >= 0.08

    return _decode_all(url, detector, frames, 1, moved)


def ultralytics(url: str, python: str, frames: int) -> Cost:
    """``predict(stream=True)`` in the Python that has it; see ``bench/ultralytics_way.py``.

    Raises:
        SystemExit: it does not run there.
    """
    program = Path(__file__).with_name("ultralytics_way.py")
    done = subprocess.run(
        [python, str(program), url, "--frames", str(frames)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"ultralytics does not run: {done.stderr.strip()[-300:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Cost(found["cpu_s"], found["runs"])


def _decode_all(
    url: str,
    detector: ObjectDetector,
    frames: int,
    fps: int,
    moved: Callable[[av.VideoFrame], bool],
) -> Cost:
    runs, number, began = 0, -1, 0.0
    options = {"rtsp_transport": "tcp", "probesize": "32768", "analyzeduration": "0"}
    with av.open(url, options=options) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            if number < 0 and not frame.key_frame:
                continue  # joined between two key frames: what is decoded until then is broken
            if number < 0:
                number, began = 0, time.process_time()
            if number % (FPS // fps) == 0 and moved(frame):
                runs += 1
                analyse(detector, np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))
            number += 1
            if number >= frames:
                break
        spent = time.process_time() - began
    return Cost(spent / frames * FPS, runs / frames * FPS)


def gridpatrol(
    url: str, detector: ObjectDetector, visits: int, *, gate: bool, beat: bool = True
) -> Cost:
    """Patrol: open, one key frame, close, every 30 s; the model where something has changed.

    Args:
        url: the camera.
        detector: what every way uses.
        visits: how many are counted; those in which a camera's beat is measured, once for
            thousands of visits, are not.
        gate: whether quiet looks are answered without the model.
        beat: whether a visit comes just before the camera's key frame.
    """
    source = Source("bench", url, REVISIT_S, True, 10.0, 10.0)
    gated = Gated(detector, changes := Changes(Limits(10 if gate else 1, 300.0), {}))
    phase, runs, spent, counted = Phase(), 0.0, 0.0, 0
    while counted < visits:
        time.sleep(_ARRIVE_S)
        now = time.monotonic()
        time.sleep(phase.not_before(now) - now if beat else 0.0)
        measure = beat and phase.measure
        visiting = Visiting(source, 1, measure=measure)
        began = time.process_time()
        looks: list[Look] = []
        visiting.make(lambda picture, looks=looks: looks.append(_look(picture)))
        ran = changes.matters(looks[0])
        gated.detect(looks)
        if not measure:
            spent += time.process_time() - began
            runs += ran
            counted += 1
        if visiting.timing is not None:
            phase.learn(visiting.timing)
    return Cost(spent / visits / REVISIT_S, runs / visits / REVISIT_S)


def _look(picture: Picture) -> Look:
    return Look(Frame("bench", datetime.now(UTC), picture, "visit", 0))
