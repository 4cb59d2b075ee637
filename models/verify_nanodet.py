"""Compare the converted NanoDet with YOLOX-nano on real pictures, and with its own source graph.

    python models/verify_nanodet.py --reference yolox_nano_coco_416.onnx --video vtest.avi \\
        --pictures street=FOLDER:100 --source package/models --tfjs node_modules

Both models run through the product's own detector, so this also checks cards and decoding. A
detection counts as matched when the other model has one of the same meaning with IoU >= 0.5.
``--source`` and ``--tfjs`` (a node_modules folder with @tensorflow/tfjs) add the numerical check.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import av
import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from edge.detectors.base import Detection, Look  # noqa: E402
from edge.detectors.card import ModelCard, load_card  # noqa: E402
from edge.detectors.objects import ObjectDetector  # noqa: E402
from edge.streams.frame import Frame, Image  # noqa: E402

Laying = tuple[str, int]
Found = list[tuple[Detection, ...]]
GROUPS = ("person", "vehicle", "two_wheeler", "umbrella", "table", "seat", "bag", "goods")
SCORES = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55)
REFERENCE_SCORE = 0.4
FLOOR = 0.2  # detections are gathered down to here, then filtered
EXPLANATION = f"""\
NanoDet at score {{}}, YOLOX-nano at {REFERENCE_SCORE}; matched: same meaning, IoU at least 0.5.
Neither model is the truth: a NanoDet detection that YOLOX-nano lacks may be right or wrong, which
is why the last column asks again with YOLOX-nano at {FLOOR}."""
LAYINGS = (("centre", 114), ("centre", 0), ("top_left", 114), ("top_left", 0))


@dataclass(frozen=True)
class Pictures:
    """A named set of pictures."""

    name: str
    images: list[Image]


@dataclass
class Tally:
    """Matched of all, both ways."""

    found: int = 0
    reference: int = 0
    confirmed: int = 0
    own: int = 0

    def add(self, ours: Sequence[Detection], theirs: Sequence[Detection]) -> None:
        """Count one picture's detections of one group."""
        self.reference += len(theirs)
        self.own += len(ours)
        self.found += sum(any(_same(t, o) for o in ours) for t in theirs)
        self.confirmed += sum(any(_same(o, t) for t in theirs) for o in ours)


@dataclass
class Runs:
    """What a model found on each set, and how long a picture took."""

    found: dict[str, Found] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)

    @property
    def all(self) -> Found:
        """Every set's pictures, one after the other."""
        return [picture for found in self.found.values() for picture in found]


def _same(one: Detection, other: Detection) -> bool:
    return one.meaning == other.meaning and one.box.iou(other.box) >= 0.5


def video_frames(path: Path, every: int) -> Iterator[Image]:
    """Every so many frames of a file."""
    with av.open(str(path)) as clip:
        for number, frame in enumerate(clip.decode(video=0)):
            if number % every == 0:
                yield frame.to_ndarray(format="bgr24")


def folder_pictures(spec: str) -> Pictures:
    """``name=folder`` or ``name=folder:count``; the first ``count`` by file name."""
    name, _, rest = spec.partition("=")
    folder, _, count = rest.partition(":")
    paths = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in {".jpg", ".png"})
    images = (cv2.imread(str(path)) for path in paths[: int(count) if count else None])
    return Pictures(name, [image for image in images if image is not None])


def opened(card: Path, weights: Path, folder: Path, **changes: str) -> ObjectDetector:
    """A detector from a card with some lines changed."""
    folder.mkdir()
    text = card.read_text(encoding="utf-8")
    for key, value in {"score": str(FLOOR), **changes}.items():
        text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
    (folder / "model.toml").write_text(text, encoding="utf-8")
    (folder / load_card(folder).file).symlink_to(weights.resolve())
    return ObjectDetector(folder, provider="cpu", threads=1)


def run(detector: ObjectDetector, sets: Sequence[Pictures]) -> Runs:
    """Everything a detector finds, one picture at a time."""
    runs = Runs()
    for pictures in sets:
        runs.found[pictures.name] = []
        for number, image in enumerate(pictures.images):
            look = Look(Frame("bench", datetime.now(UTC), image, "still", number))
            start = time.perf_counter()
            runs.found[pictures.name] += detector.detect([look])
            runs.milliseconds.append((time.perf_counter() - start) * 1000)
    return runs


def compare(ours: Found, theirs: Found, groups: Sequence[str], ours_at: float, at: float) -> Tally:
    """Our detections of some meanings above one score against theirs above another."""
    tally = Tally()
    for own, other in zip(ours, theirs, strict=True):
        for group in groups:
            tally.add(
                [d for d in own if d.meaning == group and d.score >= ours_at],
                [d for d in other if d.meaning == group and d.score >= at],
            )
    return tally


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.0%})" if whole else "none"


def row(title: str, ours: Found, theirs: Found, groups: Sequence[str], score: float) -> list[str]:
    """One line of a table, none where there is nothing to compare."""
    tally = compare(ours, theirs, groups, score, REFERENCE_SCORE)
    weak = compare(ours, theirs, groups, score, FLOOR)
    if not tally.reference and not tally.own:
        return []
    cells = (
        title,
        _share(tally.found, tally.reference),
        _share(tally.confirmed, tally.own),
        _share(weak.confirmed, weak.own),
        f"{_f1(tally):.3f}",
    )
    return [f"| {' | '.join(cells)} |"]


def table(title: str, rows: Iterable[list[str]]) -> list[str]:
    """A table with its heading."""
    head = f"| {title} | YOLOX-nano's that NanoDet finds | NanoDet's that YOLOX-nano sees "
    head += f"| … at score {FLOOR} | F1 |"
    return ["", head, "|---|---|---|---|---|", *(line for lines in rows for line in lines)]


def _f1(tally: Tally) -> float:
    recall = tally.found / max(tally.reference, 1)
    precision = tally.confirmed / max(tally.own, 1)
    return 2 * recall * precision / max(recall + precision, 1e-9)


def source_check(card: ModelCard, image: Image, source: Path, modules: Path) -> list[str]:
    """Raw outputs of the ONNX file and of the package's own graph on one picture."""
    blob = cv2.resize(image, (card.input.width, card.input.height)).astype(np.float32)
    blob = (
        (blob - np.array(card.input.mean, np.float32)) / np.array(card.input.std, np.float32)
    ).transpose(2, 0, 1)
    tensor = np.ascontiguousarray(blob[None], dtype=np.float32)
    session = ort.InferenceSession(
        str(HERE / "coco-nanodet" / card.file), providers=["CPUExecutionProvider"]
    )
    converted = session.run(None, {card.input.name: tensor})[0][0]
    with tempfile.TemporaryDirectory() as scratch:
        given, result = Path(scratch, "in.f32"), Path(scratch, "out.f32")
        given.write_bytes(tensor.tobytes())
        said = subprocess.run(
            ["node", str(HERE / "source_outputs.cjs"), str(source), str(given), str(result)],
            env=os.environ | {"NODE_PATH": str(modules.resolve())},
            check=True,
            capture_output=True,
            text=True,
        )
        original: npt.NDArray[np.float32] = np.fromfile(result, np.float32)
    rows, classes = len(converted), len(card.output.classes)
    scores, bins = original[: rows * classes], original[rows * classes :]
    worst = [
        float(np.abs(theirs.reshape(rows, -1) - ours).max())
        for theirs, ours in ((scores, converted[:, :classes]), (bins, converted[:, classes:]))
    ]
    return [
        *("", "## The conversion", ""),
        f"TensorFlow.js {said.stdout.split()[-1]} (CPU backend) ran the package's own graph on one "
        "real picture; ONNX Runtime ran the converted file on the same numbers.",
        "",
        "| output | values | range | largest difference |",
        "|---|---|---|---|",
        f"| class scores | {scores.size} | {scores.min():.3g} … {scores.max():.3g} "
        f"| {worst[0]:.1e} |",
        f"| distance bins | {bins.size} | {bins.min():.3g} … {bins.max():.3g} | {worst[1]:.1e} |",
    ]


def arguments() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reference", type=Path, required=True, help="YOLOX-nano COCO, .onnx")
    parser.add_argument("--video", type=Path, help="every 20th frame of it is used")
    parser.add_argument("--pictures", action="append", default=[], metavar="NAME=FOLDER[:COUNT]")
    parser.add_argument("--source", type=Path, help="the package's models folder")
    parser.add_argument("--tfjs", type=Path, help="a node_modules folder with @tensorflow/tfjs")
    parser.add_argument("--out", type=Path, default=HERE / "coco-nanodet" / "AGREEMENT.md")
    return parser.parse_args()


def _command(options: argparse.Namespace) -> list[str]:
    """The command as anyone may repeat it, without this machine's folders."""
    parts = [f"--reference {options.reference.name}"]
    parts += [f"--video {options.video.name}"] if options.video else []
    for spec in options.pictures:
        name, _, rest = spec.partition("=")
        count = rest.partition(":")[2]
        parts.append(f"--pictures {name}=FOLDER" + (f":{count}" if count else ""))
    if options.source and options.tfjs:
        parts.append("--source package/models --tfjs node_modules")
    return ["```", "python models/verify_nanodet.py \\", "  " + " \\\n  ".join(parts), "```"]


def main() -> None:
    """Run everything and write the report."""
    options = arguments()
    sets = [folder_pictures(spec) for spec in options.pictures]
    if options.video:
        sets.insert(0, Pictures(options.video.stem, list(video_frames(options.video, 20))))
    card_path = HERE / "coco-nanodet" / "model.toml"
    card = load_card(card_path.parent)
    weights = card_path.parent / card.file
    variants: dict[Laying, Runs] = {}
    with tempfile.TemporaryDirectory() as scratch:
        reference_card = HERE / "cards" / "yolox-nano-coco.toml"
        theirs = run(opened(reference_card, options.reference, Path(scratch, "reference")), sets)
        for number, (place, pad) in enumerate(LAYINGS):
            changes = {"letterbox": f'"{place}"', "pad": str(pad)}
            detector = opened(card_path, weights, Path(scratch, str(number)), **changes)
            variants[place, pad] = run(detector, sets)
    check: list[str] = []
    if options.source and options.tfjs:
        check = source_check(card, sets[0].images[-1], options.source, options.tfjs)
    lines = report(card, variants, theirs)
    lines[1:1] = ["", "Made by this command (folders are yours):", "", *_command(options), *check]
    options.out.write_text("\n".join([*lines, ""]), encoding="utf-8")
    print("\n".join(lines))


def report(card: ModelCard, variants: dict[Laying, Runs], theirs: Runs) -> list[str]:
    """The tables."""
    score = card.thresholds.score
    ours = variants[card.input.letterbox, card.input.pad]
    by_group = (
        row(f"{name} ({len(found)}), {group}", found, theirs.found[name], (group,), score)
        for name, found in ours.found.items()
        for group in GROUPS
    )
    by_score = (row(str(at), ours.all, theirs.all, GROUPS, at) for at in SCORES)
    by_laying = (
        row(f"{place}, {pad}", runs.all, theirs.all, GROUPS, score)
        for (place, pad), runs in variants.items()
    )
    return [
        "# How the shipped NanoDet agrees with YOLOX-nano and with its source",
        *("", "## Agreement", "", EXPLANATION.format(score)),
        *table("pictures, meaning", by_group),
        *("", "## Score threshold", *table("NanoDet's score", by_score)),
        *("", "## Letterbox and padding", *table("letterbox, pad", by_laying)),
        *("", "## Time", ""),
        "Median per picture on one CPU thread, resizing and box decoding included: NanoDet "
        f"{median(ours.milliseconds):.1f} ms, YOLOX-nano {median(theirs.milliseconds):.1f} ms.",
    ]


if __name__ == "__main__":
    main()
