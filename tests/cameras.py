"""Real RTSP servers for tests: GStreamer's where it is installed, else the embedded one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import av
import numpy as np

from edge.demo.children import free_port, wait_for_port

SYSTEM_PYTHON = "/usr/bin/python3"
_GST = Path(__file__).parent / "servers" / "gst_rtsp.py"


@cache
def has_gstreamer() -> bool:
    """Whether Debian's GStreamer RTSP server can be used."""
    probe = (
        "import gi; gi.require_version('GstRtspServer','1.0');"
        "from gi.repository import Gst, GstRtspServer; Gst.init(None);"
        "import sys; sys.exit(0 if Gst.ElementFactory.find('h264parse') else 1)"
    )
    try:
        done = subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


class RtspServer:
    """A server process; ``url(name)`` gives the address of a clip."""

    def __init__(
        self,
        clips: Mapping[str, Path],
        *,
        port: int | None = None,
        user: str | None = None,
        password: str | None = None,
        fps: int = 10,
    ) -> None:
        self.port = port or free_port()
        self.kind = "gstreamer" if has_gstreamer() else "embedded"
        self._clips = dict(clips)
        self._login = ["--user", user, "--password", password or ""] if user else []
        self._fps = fps
        self.start()

    def start(self) -> None:
        if self.kind == "gstreamer":
            mounts = [f"{name}={path}:{self._fps}" for name, path in self._clips.items()]
            command = [SYSTEM_PYTHON, str(_GST), str(self.port), *self._login, *mounts]
            environment = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
        else:
            folder = next(iter(self._clips.values())).parent
            command = [sys.executable, "-m", "edge.demo.rtsp", str(self.port), str(folder)]
            environment = dict(os.environ)
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert wait_for_port(self.port, timeout_s=20), "the RTSP server did not start"

    def url(self, name: str, login: str = "") -> str:
        if self.kind == "gstreamer":
            return f"rtsp://{login}127.0.0.1:{self.port}/{name}"
        file = self._clips[name].with_suffix(".mp4").name
        return f"rtsp://{login}127.0.0.1:{self.port}/{file}?play_count=0"

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()

    stop = kill


def make_clip(
    path: Path,
    *,
    seconds: float = 4,
    fps: int = 10,
    gop: int = 10,
    size: tuple[int, int] = (320, 240),
) -> Path:
    """A small H.264 clip with a moving square on noise, as .mp4 with an Annex-B twin (.h264)."""
    width, height = size
    rng = np.random.default_rng(7)
    ground = rng.integers(60, 180, (height, width, 3), np.uint8)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"g": str(gop), "bf": "0", "sc_threshold": "0", "preset": "ultrafast"}
        stream.codec_context.thread_count = 1  # one slice a picture, as cameras send it
        for number in range(int(seconds * fps)):
            picture = ground.copy()
            x = (number * 7) % (width - 40)
            picture[100:140, x : x + 40] = (30, 30, 220)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    to_annex_b(path)
    return path


def to_annex_b(path: Path, into: Path | None = None) -> Path:
    """The elementary stream of an .mp4: what GStreamer can loop without a gap."""
    target = into or path.with_suffix(".h264")
    with av.open(str(path)) as source, av.open(str(target), "w", format="h264") as out:
        video = source.streams.video[0]
        copy = out.add_stream_from_template(video)
        for packet in source.demux(video):
            if packet.dts is None:
                continue
            packet.stream = copy
            out.mux(packet)
    return target
