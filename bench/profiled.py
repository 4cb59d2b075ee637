"""Where the time of the busy product goes, by py-spy over the core and its stream workers.

    pip install py-spy                      # in an environment of its own, say
    .venv/bin/python -m bench.profiled --py-spy PATH [--held | --patrolled]

Samples of threads that run, not of those that wait, by the line of ours (or the library's entry)
that was innermost; then the same as shares by stage. ``--held`` (default): replayed key frames of
1080p at saturation; ``--patrolled``: visits over RTSP.
"""

from __future__ import annotations

import argparse
import linecache
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bench.box import busy_cores, camera, running, span
from bench.footage import FPS, make_clips, serve
from bench.overhead import make_key_frames

_FRAME = re.compile(r"(?P<name>\S+) \((?P<file>[^)]*):(?P<line>\d+)\)$")
_IDLE = re.compile(
    r"time\.sleep|\bwait\(|\.poll\(|select\(|acquire\(|_threads\.map|thread\.py|selectors"
)
"""Lines on which a thread waits; py-spy takes some of them for running when a machine is busy."""
STAGES = (
    ("inference", r"session\.run|onnxruntime"),
    ("letterbox, model input", r"objects\.py.*(_lay|np\.empty)"),
    ("boxes out of the model", r"decode\.py|objects\.py.*(_read|_suppress)"),
    ("opening streams", r"av\.open"),
    ("receiving packets", r"demux|unwrap|whole\.py packets"),
    ("decoding", r"decoder\.decode|packet\.decode"),
    ("picture through shared memory", r"slot\.py"),
    ("shrinking, converting, quality", r"frame\.py|planes\.py|quality\.py"),
    ("change gate, static objects", r"unchanged\.py|static\.py|views\.py|background|stillness"),
    ("people's looks, rules", r"edge/scenes"),
    ("cases and evidence", r"edge/cases"),
    ("console, metrics", r"edge/console|telling\.py|prometheus|starlette|uvicorn|telemetry"),
    ("patrol, workers, waiting", r"edge/streams|multiprocessing|patrolling\.py"),
)
"""First match wins, against file, function and the text of the line, innermost frame first."""


def stage_of(stack: list[str]) -> str:
    """The stage of a sample; frames of libraries count for the line of ours that called them."""
    for frame in reversed(stack):
        matched = _FRAME.search(frame)
        if matched is None:
            continue
        text = linecache.getline(matched["file"], int(matched["line"])).strip()
        whole = f"{matched['file']} {matched['name']} {text}"
        for stage, pattern in STAGES:
            if re.search(pattern, whole):
                return stage
    return "other"


def line_of(stack: list[str]) -> str:
    """The innermost line of our own code."""
    for frame in reversed(stack):
        matched = _FRAME.search(frame)
        if matched is not None and re.search(r"/(edge|uploader)/", matched["file"]):
            text = linecache.getline(matched["file"], int(matched["line"])).strip()
            name = "/".join(Path(matched["file"]).parts[-2:])
            return f"{name} {matched['name']}: {text[:70]}"
    return stack[-1]


def record(py_spy: str, pid: int, seconds: int, out: Path) -> list[tuple[list[str], int]]:
    """Stacks, outermost first, with how often each was seen."""
    subprocess.run(
        [
            *(py_spy, "record", "--pid", str(pid), "--subprocesses", "--nonblocking"),
            *("--rate", "200", "--duration", str(seconds), "--format", "raw", "--full-filenames"),
            *("--output", str(out)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found = []
    for line in out.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        found.append((stack.split(";"), int(count)))
    return found


def show(samples: list[tuple[list[str], int]], lines: int) -> None:
    """Two tables."""
    stages, places = Counter[str](), Counter[str]()
    for stack, count in samples:
        if _IDLE.search(line_of(stack)):
            continue
        stages[stage_of(stack)] += count
        places[line_of(stack)] += count
    total = sum(stages.values())
    print(f"{total} samples of threads that work")
    for name, count in stages.most_common():
        print(f"{count / total:>7.1%}  {name}")
    print()
    for name, count in places.most_common(lines):
        print(f"{count / total:>7.1%}  {name}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--py-spy", default=shutil.which("py-spy"), help="the program")
    parser.add_argument("--patrolled", action="store_true", help="visits over RTSP")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--lines", type=int, default=25, help="of the second table")
    given = parser.parse_args()
    if not given.py_spy:
        sys.exit("py-spy is not installed; pip install py-spy, then name it with --py-spy")
    print(f"cores in use before: {busy_cores(2.0):.2f}")
    with tempfile.TemporaryDirectory(prefix="gridpatrol-bench-") as place:
        folder = Path(place)
        if given.patrolled:
            clips = make_clips(folder)
            with serve({f"m{n}": clips["h264"] for n in range(4)}, fps=FPS) as urls:
                chosen = [
                    camera(f"cam-{n}", url, mode="patrolled", every_s=8.0)
                    for n, url in enumerate(list(urls.values()) * 16)
                ]
                _profile(folder, chosen, given)
        else:
            clip = folder / "keys.mp4"
            make_key_frames(clip)
            chosen = [camera(f"cam-{n}", str(clip), mode="held", every_s=0.2) for n in range(8)]
            _profile(folder, chosen, given)


def _profile(folder: Path, chosen: list[dict[str, object]], given: argparse.Namespace) -> None:
    with running(folder / "box", chosen) as box:
        box.wait_for_looks(len(chosen), 60)
        plain = span(box, given.seconds / 2)
        print(f"{plain.looks_per_s:.1f} looks/s, {plain.ms_per_look:.1f} CPU ms a look unwatched")
        samples = record(given.py_spy, box.pids[0], given.seconds, folder / "stacks")
    show(samples, given.lines)


if __name__ == "__main__":
    main()
