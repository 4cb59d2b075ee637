"""What the benchmarks look at: a street at 1080p25 over RTSP from GStreamer's server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import av
import cv2
import numpy as np

from edge.demo.children import free_port
from edge.shipped import shipped

FPS, GOP_S, SECONDS = 25, 2, 12
SIZE = (1920, 1080)
CODECS = ("h264", "h265")
SERVER = Path(__file__).parents[1] / "tests/servers/gst_rtsp.py"

_ENCODERS = {
    "h264": (
        "libx264",
        "h264",
        "4M",
        {
            "preset": "veryfast",
            "bf": "0",
            "sc_threshold": "0",
            "x264-params": "slices=1:sliced-threads=0:aud=1",
        },
    ),
    "h265": (
        "libx265",
        "hevc",
        "2500k",
        {
            "preset": "ultrafast",
            "x265-params": f"keyint={FPS * GOP_S}:min-keyint={FPS * GOP_S}:bframes=0:scenecut=0"
            ":repeat-headers=1:log-level=none",
        },
    ),
}


def make_clips(folder: Path, *, quiet: bool = False) -> dict[str, Path]:
    """The demo's footage as a street camera would send it: raw streams by codec.

    Args:
        folder: gets them.
        quiet: nothing moves, only the sensor's noise.
    """
    rng = np.random.default_rng(1)
    with av.open(str(shipped("demo") / "footage/clear.mp4")) as source:
        frames = [f.to_ndarray(format="bgr24") for f in source.decode(video=0)][: SECONDS * 10]
    frames = frames[:1] * len(frames) if quiet else frames
    noise = [rng.integers(0, 6, (SIZE[1], SIZE[0], 3), np.uint8) for _ in range(5)]
    clips = {codec: folder / f"street.{codec}" for codec in CODECS}
    outs = []
    for codec, path in clips.items():
        encoder, container, rate, options = _ENCODERS[codec]
        out = av.open(str(path), "w", format=container)
        stream = out.add_stream(encoder, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.options = options | {"b": rate, "g": str(FPS * GOP_S)}
        outs.append((out, stream))
    for number in range(SECONDS * FPS):
        image = cv2.resize(frames[number * 10 // FPS], SIZE, interpolation=cv2.INTER_LINEAR)
        picture = av.VideoFrame.from_ndarray(cv2.add(image, noise[number % 5]), format="bgr24")
        picture = picture.reformat(format="yuv420p")
        picture.pts = number
        for out, stream in outs:
            out.mux(stream.encode(picture))
    for out, stream in outs:
        out.mux(stream.encode())
        out.close()
    return clips


def served(clips: dict[str, Path]) -> AbstractContextManager[dict[str, str]]:
    """URLs by codec while the server runs; all clients share a stream that runs on, as a camera's.

    Raises:
        SystemExit: GStreamer's RTSP server is not installed.
    """
    return serve(clips, fps=FPS)


@contextmanager
def serve(mounts: dict[str, Path], *, fps: int, shared: bool = True) -> Iterator[dict[str, str]]:
    """GStreamer's RTSP server on a free port; URLs by mount.

    Args:
        mounts: raw streams by name.
        fps: of the streams.
        shared: all clients of a mount join one stream that runs on; otherwise each begins anew.

    Raises:
        SystemExit: it is not installed.
    """
    port = free_port()
    server = subprocess.Popen(
        [
            *("/usr/bin/python3", str(SERVER), str(port), *(["--shared"] if shared else [])),
            *(f"{name}={path}:{fps}" for name, path in mounts.items()),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    if server.stdout.readline().strip() != "ready":
        sys.exit("GStreamer's RTSP server does not start; install it with tests/servers/install.sh")
    urls = {name: f"rtsp://127.0.0.1:{port}/{name}" for name in mounts}
    # A shared stream stops when its last client leaves.
    kept = list(urls.values()) if shared else []
    listeners = [subprocess.Popen([sys.executable, __file__, url]) for url in kept]
    try:
        yield urls
    finally:
        for process in (*listeners, server):
            os.kill(process.pid, signal.SIGKILL)
            process.wait()


def listen(url: str) -> None:
    """Take in a stream for ever: a shared one stops when its last client leaves."""
    with av.open(url, options={"rtsp_transport": "tcp"}) as container:
        for _ in container.demux():
            pass


if __name__ == "__main__":
    listen(sys.argv[1])
