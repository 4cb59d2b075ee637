"""How many damaged key frames are taken for whole ones, when a relay hides that packets were lost.

.venv/bin/python -m bench.damaged --trials 150

From key frames of the bench's footage so many network packets' worth of bytes are cut out, as
when a platform took them in over UDP and sends on what is left, numbered anew. Losses on the way
to the box itself are told by the numbers of RTP packets and are not in question here.
"""

from __future__ import annotations

import argparse
import io
import random
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np

from bench.footage import CODECS, make_clips
from edge.streams.planes import as_bgr, decoded
from edge.streams.whole import WholeKeyFrames, packets

_PACKET = 1400
_FORMATS = {"h264": "h264", "h265": "hevc"}


def key_pictures(clip: Path) -> list[bytes]:
    """The clip's key frames as they are coded, with parameter sets."""
    with av.open(str(clip)) as container:
        return [bytes(p) for p in container.demux() if p.is_keyframe and p.size]


def torn(coded: bytes, losses: int, dice: random.Random) -> bytes:
    """Without so many packets; the first, with parameter sets and headers, is spared."""
    pieces = [coded[at : at + _PACKET] for at in range(0, len(coded), _PACKET)]
    gone = dice.sample(range(1, len(pieces)), min(losses, len(pieces) - 1))
    return b"".join(piece for at, piece in enumerate(pieces) if at not in gone)


def by_ffmpeg(codec: str, coded: bytes) -> np.ndarray | None:
    """What FFmpeg makes of it when nobody asks further."""
    decoder = av.CodecContext.create(_FORMATS[codec], "r")
    decoder.thread_count = 1
    try:
        frames = [*decoder.decode(av.Packet(coded)), *decoder.decode(None)]
    except av.error.FFmpegError:
        return None
    return as_bgr(decoded(frames[0])) if frames else None


def by_product(codec: str, coded: bytes) -> np.ndarray | None:
    """What the product hands on."""
    with av.open(io.BytesIO(coded), format=_FORMATS[codec]) as container:
        whole = WholeKeyFrames(container.streams.video[0])
        for packet, lost in packets(container):
            for frame, _ in whole.feed(packet, 0.0, wanted=lambda: True, lost=lost):
                return as_bgr(decoded(frame))
    return None


def share_wrong(found: np.ndarray, original: np.ndarray) -> float:
    """Share of pixels that are visibly not those of the original."""
    if found.shape != original.shape:
        return 1.0
    return float((cv2.absdiff(found, original).max(axis=2) > 16).mean())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--clips", type=Path, help="a folder with street.h264 and street.h265")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = options.clips or Path(place)
        if not options.clips:
            make_clips(folder)
        print(f"{'codec':<8}{'lost':>5}{'by FFmpeg':>12}{'handed on':>12}   wrong pixels in them")
        for codec in CODECS:
            measure(codec, key_pictures(folder / f"street.{codec}"), options.trials)


def measure(codec: str, keys: list[bytes], trials: int) -> None:
    """Print the codec's rows."""
    originals = [by_ffmpeg(codec, key) for key in keys]
    for key, original in zip(keys, originals, strict=True):  # whole ones must pass
        assert np.array_equal(by_product(codec, key), original)
    for losses in (1, 3, 10):
        dice = random.Random(losses)
        concealed, passed = 0, []
        for trial in range(trials):
            which = trial % len(keys)
            original = originals[which]
            assert original is not None
            coded = torn(keys[which], losses, dice)
            plain = by_ffmpeg(codec, coded)
            concealed += plain is not None and share_wrong(plain, original) > 0.001
            ours = by_product(codec, coded)
            if ours is not None and (wrong := share_wrong(ours, original)) > 0.001:
                passed.append(wrong)
        worst = f"up to {max(passed):.1%}" if passed else "-"
        print(
            f"{codec:<8}{losses:>5}{concealed / trials:>12.1%}{len(passed) / trials:>12.1%}"
            f"   {worst}",
            flush=True,
        )


if __name__ == "__main__":
    main()
