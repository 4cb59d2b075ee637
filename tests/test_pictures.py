"""Bad pictures: empty, cut off, huge, slivers. One clear line, and nothing else is held up."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from edge.cases.draft import EvidenceItem
from edge.cases.pair import at_the_angle_of
from edge.detectors.background import as_log, remember, remembered
from edge.detectors.base import Look
from edge.errors import PictureError, StreamError
from edge.geometry import Box
from edge.pictures import MOST_PIXELS, picture_size, read_picture, size_fault
from edge.scenes.finding import SceneReport
from edge.streams.frame import Frame, Image, shrunk
from edge.streams.probe import probe_all
from edge.streams.source import pictures
from tests.cases.test_desk import NOON, Office, report
from tests.scenes.test_showing import street
from tests.streams.test_pool import source


def jpeg(image: Image = street()) -> bytes:  # noqa: B008 - never changed
    return bytes(cv2.imencode(".jpg", image)[1])


def header_of_a_huge_png(width: int, height: int) -> bytes:
    """A few bytes that call for gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + data + chunk(b"IEND", b"")


def fifty_megapixels() -> bytes:
    buffer = io.BytesIO()
    Pillow.new("L", (8660, 5774), 90).save(buffer, "JPEG", quality=30)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "PIC-001", "empty"),
        (b"not a picture", "PIC-001", "not a picture"),
        (jpeg()[:200], "PIC-001", ""),
        (jpeg()[: len(jpeg()) // 2], "PIC-001", "truncated"),
        (fifty_megapixels(), "PIC-002", "50 megapixels"),
        (header_of_a_huge_png(60_000, 60_000), "PIC-002", "too large"),
        (header_of_a_huge_png(9_000, 9_000), "PIC-002", "81 megapixels"),
    ],
)
def test_one_line_with_a_stable_code(data: bytes, code: str, says: str, tmp_path: Path) -> None:
    """From a file, and from bytes; the line names the file and what to do."""
    path = tmp_path / "bad.jpg"
    path.write_bytes(data)
    for each, where in ((path, str(path)), (data, "picture")):
        with pytest.raises(PictureError) as caught:
            read_picture(each)
        assert caught.value.code == code
        assert caught.value.where == where
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_no_pictures(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(PictureError, match="PIC-001"):
            read_picture(path)


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_colour_comes_out_as_bgr(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.tif" if mode in ("CMYK", "I;16") else "a.png")
    Pillow.new(mode, (40, 30)).save(path)
    assert read_picture(path).shape == (30, 40, 3)


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_damage_anywhere_gives_a_picture_or_the_error(at: int, damage: bytes) -> None:
    """Never another exception, whatever the bytes are."""
    data = bytearray(jpeg(street()[::4, ::4]))
    at %= len(data)
    data[at : at + len(damage)] = damage
    try:
        assert read_picture(bytes(data)).ndim == 3
    except PictureError as error:
        assert error.code in ("PIC-001", "PIC-002")
    assert len(picture_size(bytes(data))) == 2


@given(st.integers(0, 5000))
@settings(max_examples=100, deadline=None)
def test_a_file_cut_anywhere_is_never_taken_for_whole(length: int) -> None:
    data = jpeg(street()[::4, ::4])
    with pytest.raises(PictureError, match="PIC-001"):
        read_picture(data[: length % (len(data) - 2)])


def test_huge_pictures_cost_no_memory() -> None:
    """The size is read before anything is allocated: 3.6 gigapixels in a process that has 1 GB."""
    lines = (
        "import sys",
        "from edge.pictures import read_picture, picture_size",
        "from edge.errors import PictureError",
        "data = sys.stdin.buffer.read()",
        "try: read_picture(data)",
        "except PictureError as error: print(error.code)",
        # Not ru_maxrss: that begins with what the parent had when it forked.
        "status = open('/proc/self/status').read()",
        "print(status.partition('VmHWM:')[2].split()[0])",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        input=header_of_a_huge_png(13_000, 13_000),
        capture_output=True,
        check=True,
    )
    code, peak_kb = done.stdout.split()
    assert code == b"PIC-002"
    assert int(peak_kb) < 300_000, "decoded, it would be 500 MB more"


def test_a_size_is_read_from_the_header_alone() -> None:
    """For bridges, which pass on what they get: no picture has none, and none is decoded."""
    assert picture_size(fifty_megapixels()) == (8660, 5774)
    for data in (b"", b"x", header_of_a_huge_png(60_000, 60_000)):
        assert picture_size(data) == (0, 0)


def test_sizes_that_no_camera_has() -> None:
    for width, height in ((8660, 5774), (1, 900), (900, 1), (640, 15), (1700, 100)):
        assert size_fault(width, height) is not None
    for width, height in ((7680, 4320), (1080, 1920), (16, 16), (640, 360), (1600, 100)):
        assert size_fault(width, height) is None
    assert MOST_PIXELS > 7680 * 4320


def test_a_folder_of_pictures_goes_on_without_the_bad_ones(tmp_path: Path) -> None:
    """Two good ones among all kinds of bad; grey and portrait are good."""
    bad = {
        "a": b"",
        "b": jpeg()[:2000],
        "c": fifty_megapixels(),
        "d": jpeg(np.zeros((900, 1, 3), np.uint8)),
    }
    grey, portrait = street()[:, :, 0], np.ascontiguousarray(np.rot90(street()))
    good = {"e": jpeg(grey), "f": jpeg(portrait)}
    for name, data in (bad | good).items():
        (tmp_path / f"{name}.jpg").write_bytes(data)
    camera = source("cam-1", tmp_path)
    shapes = [picture.shape for picture, _ in pictures(camera)]
    assert shapes == [(360, 640, 3), (640, 360, 3)]


def test_a_folder_with_only_bad_ones_says_what_is_wrong_with_the_first(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(StreamError, match=r"CAM-003.*PIC-001 a\.jpg is empty"):
        list(pictures(source("cam-1", tmp_path)))


def test_a_video_of_fifty_megapixels_is_refused_by_name(tmp_path: Path) -> None:
    """Not decoded by the box, and not taken for a damaged stream."""
    path = tmp_path / "huge.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=Fraction(1))
        stream.width, stream.height, stream.pix_fmt = 8660, 5774, "yuvj420p"
        frame = av.VideoFrame.from_ndarray(np.full((5774, 8660), 90, np.uint8), format="gray")
        for packet in (*stream.encode(frame.reformat(format="yuvj420p")), *stream.encode(None)):
            container.mux(packet)
    (probe,) = probe_all([source("cam-1", path)])
    assert probe.code == "CAM-014"
    assert "50 megapixels" in probe.problem


def test_a_sliver_has_a_small_picture_that_is_small() -> None:
    assert shrunk(np.zeros((900, 1, 3), np.uint8), 320).nbytes < 5_000_000


@pytest.mark.parametrize(
    "shape", [(900, 1), (1, 900), (17, 16), (1920, 1080), (16, 256), (360, 640)]
)
def test_evidence_of_any_shape_is_made(shape: tuple[int, int], tmp_path: Path) -> None:
    """Whatever a picture came through, case and gone, with its pictures sealed and readable."""
    office = Office(tmp_path)
    image = np.random.default_rng(2).integers(0, 255, (*shape, 3), np.uint8)
    seen = report(0, "cam-1", "z-1")
    look = Look(Frame("cam-1", NOON, image, "still", 1), seen.look.detections)
    box = Box(0.3, 0.3, 0.7, 0.7)
    from dataclasses import replace

    found = replace(seen.findings[0], look=look, box=box)
    (draft,) = office.desk.observe(SceneReport(look, (found,), ()))
    for item in draft.evidence:
        assert read_picture(item.path).size < 30_000_000


@pytest.mark.parametrize("data", [b"", jpeg()[:3000], fifty_megapixels()])
def test_a_bad_picture_before_is_no_reason_not_to_answer(data: bytes, tmp_path: Path) -> None:
    """What cannot be read is not aligned with; the picture of now goes out as it is."""
    path = tmp_path / "far.jpg"
    path.write_bytes(data)
    before = EvidenceItem("before", path, "", len(data), "image/jpeg", NOON, "cam-1")
    assert at_the_angle_of(before, street()) is None


def test_a_background_torn_by_a_power_cut_is_learned_anew(tmp_path: Path) -> None:
    floats = as_log(street())
    remember(tmp_path, "cam-1", floats)
    path = tmp_path / "cam-1.png"
    assert remembered(tmp_path, "cam-1", floats.shape) is not None
    path.write_bytes(path.read_bytes()[:5000])
    assert remembered(tmp_path, "cam-1", floats.shape) is None
    path.write_bytes(b"")
    assert remembered(tmp_path, "cam-1", floats.shape) is None
