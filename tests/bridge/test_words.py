"""Whatever a case says, it becomes a REPORT that the document's table allows."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cases.draft import CaseDraft
from edge.errors import Code, ConfigError, ContractError
from edge.grid.coordinates import to_bd09, to_gcj02, to_web_mercator
from tests.bridge.helpers import SITE
from tests.contract.test_build import DRAFT
from tests.uploader.helpers import make_draft
from uploader.bridge.facts import NAMES
from uploader.bridge.sm2 import encryption, sm2
from uploader.bridge.v22_words import Picture, V22Words
from uploader.bridge.words import UnmappedError
from uploader.contract.build import from_draft
from uploader.contract.messages import CaseData

_ZONE = ZoneInfo("Asia/Shanghai")
_TEXT = {"type": "string", "minLength": 1}
_NUMBER = {"type": "integer"}
_TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"}
# The document's table 4.1, the rows we use; "integer" is its type of every …Id.
_REPORT = {
    "type": "object",
    "required": [
        *("caseId", "registerTime", "eventDesc", "recTypeId", "recTypeName", "eventSrcId"),
        *("eventSrcName", "address", "medias"),
    ],
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(
            ("caseId", "title", "eventDesc", "recTypeName", "eventSrcName", "address"), _TEXT
        ),
        **dict.fromkeys(("handleOrgCode", "handleOrgName", "keyword", "cellName"), _TEXT),
        **dict.fromkeys(("eventTypeName", "mainTypeName", "subTypeName", "districtName"), _TEXT),
        **dict.fromkeys(("recTypeId", "eventSrcId", "eventTypeId"), _NUMBER),
        **dict.fromkeys(("mainTypeId", "subTypeId", "districtId"), _NUMBER),
        "registerTime": _TIME,
        "coordinateX": {"type": "number"},
        "coordinateY": {"type": "number"},
        "medias": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["mediaName", "content", "mediaUsage", "mediaTypeId"],
                "additionalProperties": False,
                "properties": {
                    "mediaName": {"type": "string", "pattern": r"^[a-z]+-[0-9a-f]{24}\.[a-z0-9]+$"},
                    "content": {"type": "string", "contentEncoding": "base64"},
                    "mediaUsage": {"enum": ["上报", "核查", "核实", "处置", "自处置"]},
                    "mediaTypeId": {"type": "integer"},
                },
            },
        },
    },
}


def _site(tmp_path: Path, more: str = "", less: str = "") -> Path:
    path = tmp_path / "city.toml"
    path.write_text((SITE + more).replace(less, "") if less else SITE + more, encoding="utf-8")
    return path


def _data(draft: CaseDraft) -> CaseData:
    return from_draft(draft, city="420111", node="box-07", seq=1).data


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> V22Words:
    site = _site(tmp_path_factory.mktemp("words"), "[lookup.category]\nneeded = false\n")
    return V22Words(site, _ZONE)


@given(draft=DRAFT, content=st.binary(min_size=1, max_size=50))
def test_any_case_is_a_valid_report(words: V22Words, draft: CaseDraft, content: bytes) -> None:
    data = _data(draft)
    pictures = [Picture(item, content) for item in words.chosen(data.evidence)]
    facts = words.facts(data, "420111/box-07")
    assert set(facts) == NAMES
    if not pictures:
        with pytest.raises(ContractError, match="medias"):
            words.say("REPORT", facts)
        return
    report = words.say("REPORT", facts, pictures)
    jsonschema.validate(report, _REPORT)
    assert len(report["address"]) <= 256
    assert len(report["eventDesc"]) <= 2000


@given(draft=DRAFT)
def test_files_go_once_and_within_bounds(words: V22Words, draft: CaseDraft) -> None:
    evidence = _data(draft).evidence * 5
    chosen = words.chosen(evidence)
    hashes = [item.sha256 for item in chosen]
    assert len(hashes) == len(set(hashes)) <= 9
    assert all(item.bytes <= 10_000_000 for item in chosen)


@pytest.mark.parametrize("key", ["rec_type_id", "event_src_name"])
def test_a_missing_dictionary_number_is_named(tmp_path: Path, key: str) -> None:
    lines = [line for line in SITE.splitlines() if not line.startswith(key)]
    site = tmp_path / "city.toml"
    site.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"constant\.{key}") as fault:
        V22Words(site, _ZONE)
    assert fault.value.code is Code.BRG_MAPPING


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("[fields.REPORT]\nkeyword = '{nonsense}'", "REPORT knows no {nonsense}"),
        ("[fields.REPORT]\nkeyword = '{nowhere.id}'", "no [lookup.nowhere]"),
        ("[fields.UPLOAD_MEDIA]\nnote = '{title}'", "UPLOAD_MEDIA knows no {title}"),
        ("[lookup.cell]\nsource = ['where']", "no fact where"),
        ("[status]\ngone = ['WAVE']", "fields.WAVE"),
        ("[coordinates]\ndatum = 'moon'", "coordinates.datum"),
        ("[codes]\n'-1' = 'shrug'", "codes.-1"),
        ("colour = 'red'", "colour"),
        ("[fields", "city.toml"),
    ],
)
def test_a_wrong_mapping_is_refused_by_name(tmp_path: Path, more: str, named: str) -> None:
    text = more + "\n" + SITE if "colour" in more else SITE + more
    site = tmp_path / "city.toml"
    site.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(named)):
        V22Words(site, _ZONE)


def test_a_category_the_city_has_no_number_for_is_named(tmp_path: Path) -> None:
    site = tmp_path / "city.toml"
    site.write_text(SITE.replace('"0406"', '"0405"'), encoding="utf-8")
    words = V22Words(site, _ZONE)
    data = _data(make_draft(1, tmp_path))
    with pytest.raises(UnmappedError, match=r'lookup\.category\.rows\."0406"'):
        words.say("REPORT", words.facts(data, "420111/box-07"))


def test_a_site_may_add_fields_and_choose_its_frame(tmp_path: Path) -> None:
    site = _site(
        tmp_path,
        "[fields.REPORT]\nprojectCode = 'AI-{category}'\n[coordinates]\ndatum = 'web_mercator'\n"
        "digits = 2\n",
    )
    words = V22Words(site, _ZONE)
    data = _data(make_draft(1, tmp_path))
    report = words.say(
        "REPORT",
        words.facts(data, "420111/box-07"),
        [Picture(item, b"x") for item in data.evidence],
    )
    assert report["projectCode"] == "AI-0406"
    assert report["coordinateX"] == pytest.approx(12723817.78, abs=1)


def test_frames_of_other_systems() -> None:
    # The sample of the older intake form, and a published pair of the two map makers' frames.
    assert to_web_mercator(114.413, 30.341) == pytest.approx((12736381.64, 3547519.05), abs=100)
    lon, lat = to_bd09(114.3, 30.5)
    assert (lon - to_gcj02(114.3, 30.5)[0], lat - to_gcj02(114.3, 30.5)[1]) == pytest.approx(
        (0.0065, 0.006), abs=1e-3
    )


def test_the_secret_opens_with_openssl(tmp_path: Path) -> None:
    """Another implementation reads what we wrote."""
    key = tmp_path / "key.pem"

    def openssl(*words: str) -> bytes:
        return subprocess.run(["openssl", *words], check=True, capture_output=True).stdout

    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", str(key))
    public = openssl("pkey", "-in", str(key), "-pubout", "-outform", "DER")[-65:]
    cipher = bytes.fromhex(sm2("e65ee4f21c", public.hex()))
    assert len(cipher) == 65 + 32 + 10
    sealed = tmp_path / "sealed.der"
    sealed.write_bytes(_der(cipher))
    opened = openssl("pkeyutl", "-decrypt", "-inkey", str(key), "-in", str(sealed))
    assert opened == b"e65ee4f21c"


def _der(cipher: bytes) -> bytes:
    """C1‖C3‖C2 as GM/T 0009's SEQUENCE, which openssl reads."""

    def item(tag: int, body: bytes) -> bytes:
        assert len(body) < 256
        size = bytes([len(body)]) if len(body) < 128 else bytes([0x81, len(body)])
        return bytes([tag]) + size + body

    def number(raw: bytes) -> bytes:
        raw = raw.lstrip(b"\0")
        return item(2, (b"\0" if raw[0] & 0x80 else b"") + raw)

    x, y, digest, text = cipher[1:33], cipher[33:65], cipher[65:97], cipher[97:]
    return item(0x30, number(x) + number(y) + item(4, digest) + item(4, text))


def test_the_cipher_can_be_another() -> None:
    assert encryption("plain")("a", "b") == "a"
    assert encryption("base64:b64encode")(b"a", None) == b"YQ=="  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        encryption("no_such_module:seal")
    with pytest.raises(ValueError, match=r"curve|point"):
        sm2("secret", "04" + "11" * 64)
