"""Pictures: captions, private parts, durability; and the offline check."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.cases.caption import (
    Caption,
    bar_height,
    far_view,
    lines_of,
    near_view,
    with_caption,
)
from edge.cases.evidence import write_durably
from edge.cases.taxonomy import category, load_taxonomy
from edge.errors import Code, ConfigError, StoreError
from edge.evidence.findings import What
from edge.evidence.verify import Verifier
from edge.geometry import Box
from tests.cases.test_desk import Office

RNG = np.random.default_rng(2)
PICTURE = RNG.integers(0, 255, (400, 600, 3), np.uint8)


def said(zh: str, en: str = "", place: str = "", note: str = "") -> Caption:
    return Caption(zh, en, "2026-11-26 12:00:00 CST", place, ("单元网格 420111001001001",), note)


def test_captions_show_chinese_not_boxes() -> None:
    """The font has the characters: different text gives different ink, none gives none."""
    texts = ["疑似占道经营（0406）", "疑似非法小广告（0201）", " "]
    bars = [with_caption(PICTURE, Caption(text, "", "", ""))[400:] for text in texts]
    ink = [int((bar > 120).sum()) for bar in bars]
    assert ink[0] > 1000
    assert ink[1] > 1000
    assert ink[2] == 0
    assert not np.array_equal(bars[0], bars[1])


def test_every_category_can_be_written() -> None:
    """The font that ships holds every character of the taxonomy."""
    from PIL import ImageFont

    font = ImageFont.truetype(str(Path("edge/cases/fonts/NotoSansSC-subset.otf").resolve()), 20)
    missing = bytes(font.getmask("\U0001f6d2"))  # a sign the font certainly lacks
    names = "".join(c.name_zh + c.major_zh for c in load_taxonomy().values())
    assert not [sign for sign in set(names) if bytes(font.getmask(sign)) == missing]


def test_views_keep_place_and_thing() -> None:
    """The far view is the whole picture, the near view at least 480 wide around the box."""
    box = Box(0.4, 0.4, 0.45, 0.5)
    far = far_view(PICTURE.copy(), box, (), said("a"))
    near = near_view(PICTURE, box, said("a"))
    assert far.shape[1] == 600
    assert far.shape[0] > 400
    assert near.shape[1] >= 480


@given(
    st.integers(320, 7680),
    st.text("天府大道中段交叉口ABCdef 0123", max_size=120),
    st.text("择优清晰best of", max_size=80),
)
@settings(max_examples=40, deadline=None)
def test_long_captions_fit(width: int, place: str, note: str) -> None:
    """At every width no letter is cut by an edge, and the bar is as high as it says."""
    image = np.full((8, width, 3), 255, np.uint8)
    caption = said("疑似" + "占道经营" * 6, "Suspected: " + "street vending " * 5, place, note)
    bar = with_caption(image, caption)[8:]
    assert bar.shape == (bar_height(width), width, 3)
    ink = (bar > 120).any(axis=2)
    assert ink.any()
    assert not ink[:, :4].any()
    assert not ink[:, -4:].any()
    assert not ink[-3:].any()


def test_a_long_name_gives_way_to_time_cell_and_case() -> None:
    """What is cut is the name of the place: the rest of the line stays as it is."""
    short, long = said("疑", "s", "天府大道口"), said("疑", "s", "天府大道中段与锦城大道交叉口" * 6)
    for width in (320, 480, 960, 1920, 7680):
        lines = [lines_of(each, width) for each in (short, long)]
        for line in lines:
            assert any("2026-11-26 12:00:00 CST" in text for text in line)
            assert any("单元网格 420111001001001" in text for text in line)
        assert any("…" in text for text in lines[1]), "and what is cut says so"


def test_pictures_of_any_width_get_their_bar() -> None:
    """One pixel wide is no reason to fail, nor to enlarge a sliver to gigabytes."""
    for width in (1, 2, 19, 50):
        image = np.zeros((400, width, 3), np.uint8)
        assert with_caption(image, said("疑似", "s", "路口")).shape[1] == width
        near = near_view(image, Box(0.2, 0.2, 0.8, 0.8), said("疑似"))
        assert near.size < 4_000_000


def test_files_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    """No half-written file keeps the final name; a folder that is a file is a clear error."""
    target = tmp_path / "a" / "b" / "far.jpg"
    write_durably(target, b"whole")
    assert target.read_bytes() == b"whole"
    assert list(target.parent.iterdir()) == [target]
    with pytest.raises(StoreError) as caught:
        write_durably(target / "below-a-file.jpg", b"x")
    assert caught.value.code is Code.STO_OPEN


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    (draft,) = Office(tmp_path).sees(0)
    return draft.evidence[0].path.parent


def test_tampering_is_found_and_named(sealed: Path) -> None:
    """A flipped bit, a missing file, a stranger, a broken manifest: of real pictures."""
    assert not Verifier().check(sealed).findings
    far = sealed / "far.jpg"
    data = bytearray(far.read_bytes())
    data[100] ^= 1
    far.write_bytes(data)
    (sealed / "near.jpg").unlink()
    (sealed / "extra.jpg").write_bytes(b"x")
    found = Verifier().check(sealed).findings
    assert {(each.what, Path(each.path).name) for each in found} == {
        (What.ALTERED, "far.jpg"),
        (What.MISSING, "near.jpg"),
        (What.STRANGER, "extra.jpg"),
    }


def test_a_manifest_cannot_point_elsewhere(sealed: Path, tmp_path: Path) -> None:
    """A file name with a path in it is no name; the manifest is refused as a whole."""
    manifest = sealed / "manifest.json"
    document = json.loads(manifest.read_text())
    document["files"][0]["name"] = "../../../../etc/hostname"
    manifest.write_text(json.dumps(document))
    found = Verifier().check(sealed).findings
    assert [(each.what, Path(each.path).name) for each in found] == [
        (What.ALTERED, "manifest.json")
    ]


def test_the_taxonomy_has_both_schemes() -> None:
    """Every category has scheme + code; bagged rubbish is filed as exposed rubbish."""
    table = load_taxonomy()
    assert all(
        c.codes and all(code.scheme and code.code for code in c.codes) for c in table.values()
    )
    bag = category("EXT-01")
    assert (bag.name_zh, bag.codes[0].code, bag.sub_label) == ("打包垃圾", "0110", "EXT-01")
    assert category("0406").window_hours == 2
    assert category("0136").window_hours == 24
    with pytest.raises(ConfigError, match="CFG-008"):
        category("9999")
