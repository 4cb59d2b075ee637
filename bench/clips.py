"""What a clip costs: cutting it in the worker, redacting and coding it in the core; and the ring.

    .venv/bin/python -m bench.clips [--size 1920x1080] [--seconds 10]

The demo's vending footage, enlarged and coded as a camera would at 25 pictures a second and about
4 Mbit/s; CPU of this process, all threads.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import av

from edge.app.detecting import build_detectors, build_redactor
from edge.cases.caption import Caption
from edge.cases.clip import safe_clip
from edge.config.model import Settings
from edge.streams.clips import remuxed, sampled
from edge.streams.ring import Kept, Kind, PacketRing

_FOOTAGE = Path(__file__).resolve().parents[1] / "examples/demo/footage/vending.mp4"
_FPS, _GOP, _BITS_PER_S, _AFTER_S = 25, 50, 4_000_000, 20


def coded(size: tuple[int, int], seconds: float) -> tuple[Kind, list[Kept]]:
    """The footage from when the stall is there, coded."""
    file, kept = io.BytesIO(), []
    with (
        av.open(str(_FOOTAGE)) as source,
        av.open(file, "w", format="h264") as out,
    ):
        stream = out.add_stream("libx264", rate=_FPS)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.bit_rate = _BITS_PER_S
        stream.options = {"g": str(_GOP), "bf": "0", "preset": "ultrafast"}
        source.seek(_AFTER_S * av.time_base)
        frames = source.decode(video=0)
        for number in range(int(seconds * _FPS)):
            if number % 5 in (0, 2):  # 10 pictures a second become 25
                image = next(frames).to_ndarray(format="bgr24", width=size[0], height=size[1])
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")):
                kept.append(Kept(len(kept) / _FPS, bytes(packet), packet.is_keyframe))
        kept += [Kept(len(kept) / _FPS, bytes(p), p.is_keyframe) for p in stream.encode()]
        extradata = bytes(stream.codec_context.extradata or b"")
    return Kind("h264", extradata, *size), kept


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=10.0)
    chosen = parser.parse_args(arguments)
    width, height = (int(side) for side in chosen.size.split("x"))
    kind, kept = coded((width, height), chosen.seconds + 4)
    ring = PacketRing(chosen.seconds)
    for each in kept:
        ring.put(each)
    _, there = ring.kept()
    print(f"ring: {len(ring) / 2**20:.2f} MiB, {there[-1].came_s - there[0].came_s:.1f} s")

    began = time.process_time()
    pictures = sampled(kind, kept, kept[-1].came_s - chosen.seconds)
    print(
        f"cut and decoded: {1000 * (time.process_time() - began):.0f} ms, "
        f"{len(pictures)} pictures, {sum(map(len, pictures)) / 2**20:.1f} MiB"
    )
    began = time.process_time()
    video = remuxed(kind, there, there[-1].came_s - there[0].came_s)
    print(f"remuxed: {1000 * (time.process_time() - began):.0f} ms, {len(video)} bytes")

    zone = {"id": "zone-1", "watch": "street_vending", "polygon": [[0, 0], [1, 0], [1, 1]]}
    camera = {"id": "cam-1", "url": "x", "position": {"lon": 114, "lat": 30}, "zones": [zone]}
    box = {"id": "box-01", "city": "420111"}
    document = {"box": box, "mqtt": {"host": "x"}, "grid": {"cells": "x"}, "cameras": [camera]}
    settings = Settings.model_validate(document)
    redactor = build_redactor(settings, build_detectors(settings))
    redactor.open()
    began, at = time.process_time(), time.perf_counter()
    clip = safe_clip(
        pictures,
        redactor,
        Caption("短片", "clip", "", "bench"),
        began_at=datetime.now(UTC),
        time_zone="Asia/Shanghai",
        camera_id="c",
    )
    print(
        f"redacted, captioned, coded: {1000 * (time.process_time() - began):.0f} ms of CPU, "
        f"{time.perf_counter() - at:.1f} s, {len(clip.data)} bytes of {clip.media_type}"
    )


if __name__ == "__main__":
    main()
