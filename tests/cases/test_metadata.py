"""What evidence pictures say of themselves, read back by what did not write it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags
from PIL import Image as Pillow

from edge.cases import jpeg
from edge.cases.caption import uncaptioned
from edge.cases.jpeg import THUMBNAIL_PX, thumbnail
from edge.cases.metadata import About, thumbnail_in
from edge.config.cameras import Position
from edge.grid.coordinates import to_gcj02
from edge.grid.locate import where_stands
from edge.scenes.finding import Words
from edge.streams.frame import Image
from tests.cases.test_desk import Office

AT = datetime(2026, 11, 26, 4, 30, 15, 250_000, tzinfo=UTC)
ABOUT = About(
    Words("疑似占道经营（0406）", "Suspected: street vending"),
    AT,
    "Asia/Shanghai",
    "cam-1",
    "天府大道口",
    (104.065735, -30.659462),
    "box-01",
    "face+plate",
    case_id="31cfb413-0000-5000-8000-000000000000",
    revision=2,
    codes=("GB/T 30428.2-2013 0406",),
    grid_cell="420111001001001",
    note=Words("择优", "best of 3 looks"),
)
GP = "{urn:gridpatrol:xmp:v1:}"
NOISE = np.random.default_rng(3).integers(0, 255, (720, 1280, 3), np.uint8)


def evidence_jpeg(image: Image, quality: int, about: About, role: str) -> bytes:
    return jpeg.evidence_jpeg(image, quality, about, role, thumbnail(image))


def opened(data: bytes) -> Pillow.Image:
    return Pillow.open(io.BytesIO(data))


def xmp_of(data: bytes) -> ElementTree.Element:
    packet = opened(data).info["xmp"].decode("utf-8")
    return ElementTree.fromstring(packet[packet.index("<x:") : packet.rindex("<?")])  # noqa: S314


def degrees(parts: tuple[float, ...], ref: str) -> float:
    value = float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600
    return -value if ref in "SW" else value


def test_exif_says_when_where_and_whose() -> None:
    said = opened(evidence_jpeg(NOISE, 85, ABOUT, "far")).getexif()
    more, gps = said.get_ifd(ExifTags.IFD.Exif), said.get_ifd(ExifTags.IFD.GPSInfo)
    assert more[ExifTags.Base.DateTimeOriginal] == "2026:11:26 12:30:15"
    assert more[ExifTags.Base.OffsetTimeOriginal] == "+08:00"
    assert more[ExifTags.Base.SubsecTimeOriginal] == "250"
    assert said[ExifTags.Base.Artist] == "box-01"
    assert said[ExifTags.Base.Software].startswith("gridpatrol ")
    assert len(more[ExifTags.Base.ImageUniqueID]) == 32
    assert "疑似占道经营" in utf8(said[ExifTags.Base.ImageDescription])
    assert degrees(gps[2], gps[1]) == pytest.approx(-30.659462, abs=1e-7)
    assert degrees(gps[4], gps[3]) == pytest.approx(104.065735, abs=1e-7)
    assert (gps[29], [float(part) for part in gps[7]]) == ("2026:11:26", [4, 30, 15])


def test_a_camera_placed_in_gcj02_stands_where_it_is() -> None:
    """GPS in EXIF means WGS-84: a map picker's degrees must not be passed off as that."""
    lon, lat = to_gcj02(104.065735, 30.659462)
    stands = where_stands(Position(lon=lon, lat=lat, datum="gcj02"))
    assert abs(lon - stands[0]) > 0.001
    gps = opened(evidence_jpeg(NOISE, 85, replace(ABOUT, position=stands), "far")).getexif()
    found = gps.get_ifd(ExifTags.IFD.GPSInfo)
    assert degrees(found[4], found[3]) == pytest.approx(104.065735, abs=2e-6)


def test_a_camera_without_a_place_claims_none() -> None:
    said = opened(evidence_jpeg(NOISE, 85, replace(ABOUT, position=None), "far")).getexif()
    assert ExifTags.Base.GPSInfo not in said


def test_xmp_names_case_category_cell_manifest_and_redaction() -> None:
    root = xmp_of(evidence_jpeg(NOISE, 85, ABOUT, "near"))
    text = {node.tag: node.text for node in root.iter() if node.tag.startswith(GP)}
    assert text[f"{GP}CaseId"] == ABOUT.case_id
    assert (text[f"{GP}Revision"], text[f"{GP}Role"]) == ("2", "near")
    assert text[f"{GP}GridCell"] == ABOUT.grid_cell
    assert text[f"{GP}CameraName"] == "天府大道口"
    assert text[f"{GP}Manifest"] == f"{ABOUT.case_id}/r2/manifest.json"
    assert text[f"{GP}Redaction"] == "face+plate"
    assert f"{GP}RequestId" not in text, "what has no value is not there"
    items = [node.text for node in root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li")]
    assert "GB/T 30428.2-2013 0406" in items


def test_the_same_picture_has_the_same_bytes() -> None:
    first, again = (evidence_jpeg(NOISE, 85, ABOUT, "far") for _ in range(2))
    assert first == again
    assert first != evidence_jpeg(NOISE, 85, replace(ABOUT, revision=3), "far")


@given(st.text(max_size=300), st.text(max_size=300), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_name_survives_or_is_cut_but_never_breaks_the_file(
    name: str, box: str, positioned: bool
) -> None:
    """Markup, control signs, other scripts: the XML parses and EXIF reads back as UTF-8."""
    about = replace(
        ABOUT, camera_name=name, box_id=box, position=ABOUT.position if positioned else None
    )
    data = evidence_jpeg(NOISE[:64, :64], 85, about, "far")
    found = xmp_of(data).find(f".//{GP}CameraName")
    printable = "".join(sign for sign in name if sign >= " " and sign not in "\ufffe\uffff")
    assert (found.text if found is not None else "") in (printable, None if not printable else "")
    said = opened(data).getexif()[ExifTags.Base.ImageDescription]
    assert name.replace("\0", "").strip() in utf8(said).replace("\0", "")


def utf8(text: str | bytes) -> str:
    """Pillow takes what EXIF calls ASCII for Latin-1."""
    return (text.encode("latin-1") if isinstance(text, str) else text).decode("utf-8")


@pytest.mark.parametrize(
    "shape", [(720, 1280), (1280, 720), (1, 900), (900, 1), (1, 1), (100, 50), (2160, 3840)]
)
def test_thumbnails_are_small_and_of_this_very_picture(shape: tuple[int, int]) -> None:
    """At most 320 pixels a side, under 64 KB even of noise, and showing what the picture shows."""
    image = grey_ramp(*shape)
    data = evidence_jpeg(image, 85, ABOUT, "far")
    inside = thumbnail_in(data)
    assert inside is not None
    with opened(inside) as small:
        assert max(small.size) == min(THUMBNAIL_PX, max(shape))
        shrunk = np.asarray(small.convert("L"), float)
    assert shrunk.mean() == pytest.approx(float(image.mean()), abs=4)


def grey_ramp(height: int, width: int) -> Image:
    noise = np.random.default_rng(4).integers(0, 60, (height, width, 1))
    ramp = np.linspace(20, 190, width).reshape(1, -1, 1)
    return np.repeat((ramp + noise).astype(np.uint8), 3, axis=2)


def test_what_holds_no_thumbnail_gives_none() -> None:
    plain = io.BytesIO()
    Pillow.new("RGB", (9, 9)).save(plain, "JPEG")
    whole = evidence_jpeg(NOISE, 85, ABOUT, "far")
    for data in (b"", b"x", plain.getvalue(), whole[:40], whole[:3000], b"\xff\xd8\xff\xe1\xff"):
        assert thumbnail_in(data) is None


def test_a_cases_pictures_carry_it_all(tmp_path: Path) -> None:
    """Through the desk: what the manifest says and what the picture says are one."""
    (draft,) = Office(tmp_path).sees(0)
    for item in draft.evidence:
        data = item.path.read_bytes()
        root = xmp_of(data)
        text = {node.tag: node.text for node in root.iter()}
        assert text[f"{GP}CaseId"] == draft.case_id
        assert text[f"{GP}Role"] == item.role
        assert datetime.fromisoformat(text[f"{GP}CapturedAt"] or "") == item.captured_at
        inside = thumbnail_in(data)
        assert inside is not None
        with opened(data) as whole, opened(inside) as small:
            shown = uncaptioned(np.asarray(whole)).shape
            assert small.width / small.height == pytest.approx(shown[1] / shown[0], rel=0.02)


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "far.jpg"
    path.write_bytes(evidence_jpeg(NOISE, 85, ABOUT, "far"))
    (said,) = json.loads(exiftool("-json", "-n", str(path)))
    assert said["ImageDescription"].startswith("疑似占道经营")
    assert said["CaseId"] == ABOUT.case_id
    assert said["GPSPosition"] == "-30.659462 104.065735"
    assert said["OffsetTimeOriginal"] == "+08:00"
    assert said["ThumbnailLength"] > 1000
    warnings = exiftool("-validate", "-warning", "-s3", "-a", str(path)).splitlines()
    # Pillow cannot write this one as the standard has it, and nobody reads it.
    assert [w for w in warnings if "ComponentsConfiguration" not in w] in (["OK"], ["1 Warning"])


def exiftool(*arguments: str) -> str:
    return subprocess.run(
        ["exiftool", *arguments], capture_output=True, check=True, text=True
    ).stdout
