"""Whatever a draft says, what is published fits the schema and says it back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes

from edge.cases.draft import CaseDraft, EvidenceItem, Location, Source
from edge.cases.owners import Department
from edge.cases.taxonomy import SCHEME_2026, load_taxonomy
from edge.clock import ClockState
from edge.errors import ContractError
from edge.scenes.finding import Words
from edge.signing import load_or_make_signer
from uploader.contract import generate
from uploader.contract.build import from_draft, reply_event
from uploader.contract.messages import EVENTS, BilingualText, CaseEvent, ReplyData, read
from uploader.contract.properties import user_properties
from uploader.packets import Packet
from uploader.topics import BoxTopics
from uploader.transport import _PACKET_OVERHEAD_BYTES, _described

_SCHEMA = json.loads((generate.FOLDER / "schemas/case.schema.json").read_text())
_VALIDATOR = jsonschema.Draft202012Validator(_SCHEMA)
# Any text that UTF-8 can carry.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
MOMENT = st.datetimes(timezones=st.just(UTC))
WORDS = st.builds(Words, TEXT, TEXT)
EVIDENCE = st.builds(
    EvidenceItem,
    role=st.sampled_from(["far", "near", "clip", "before", "after"]),
    path=st.just(Path("x.jpg")),
    sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    size_bytes=st.integers(1, 64 * 1024 * 1024),
    media_type=NAME,
    captured_at=MOMENT,
    camera_id=NAME,
)
DRAFT = st.builds(
    CaseDraft,
    case_id=st.uuids().map(str),
    revision=st.integers(1, 10**6),
    status=st.sampled_from(["new", "update", "gone", "withdrawn"]),
    kind=st.sampled_from(["street_vending", "piled_materials", "illegal_ads"]),
    category=st.sampled_from(list(load_taxonomy().values())),
    grid_cell=st.from_regex(r"[0-9]{15}", fullmatch=True),
    location=st.builds(
        Location,
        st.floats(-180, 180),
        st.floats(-90, 90),
        st.sampled_from(["homography", "zone_anchor", "camera"]),
    ),
    place=NAME,
    sources=st.lists(st.builds(Source, NAME, NAME, st.none() | NAME), max_size=3).map(tuple),
    first_seen=MOMENT,
    last_seen=MOMENT,
    sightings=st.integers(0, 10**9),
    score=st.floats(0, 1),
    title=WORDS,
    reasons=st.lists(WORDS, max_size=3).map(tuple),
    evidence=st.lists(EVIDENCE, max_size=3).map(tuple),
    models=st.lists(NAME, max_size=3).map(tuple),
    box_id=NAME,
    created_at=MOMENT,
    address=TEXT,
    department=st.none()
    | st.builds(Department, NAME, NAME, NAME, NAME, st.sampled_from(["normal", "urgent", None])),
    urgency=st.sampled_from(["normal", "urgent"]),
    attached_to=st.none() | NAME,
    size_m=st.none() | st.tuples(st.floats(0, 500), st.floats(0, 500)),
    clock=st.none() | st.builds(ClockState, st.none() | st.booleans(), st.none() | NAME),
)


@given(draft=DRAFT, seq=st.integers(1, 2**63 - 1))
def test_every_draft_becomes_a_message_that_fits(draft: CaseDraft, seq: int) -> None:
    """By schema and model, and nothing of it is lost on the way."""
    payload = from_draft(draft, city="420111", node="box-07", seq=seq).to_bytes()
    _VALIDATOR.validate(json.loads(payload))
    event = read(CaseEvent, payload, "test")
    data = event.data
    assert (event.seq, data.case_id, data.revision, data.status) == (
        seq,
        draft.case_id,
        draft.revision,
        draft.status,
    )
    assert data.title.zh == draft.title.zh
    assert [item.sha256 for item in data.evidence] == [item.sha256 for item in draft.evidence]
    assert (data.suggested_department is None) == (draft.department is None)
    assert data.attached_to == draft.attached_to
    assert (data.matter is None) == (draft.category.code(SCHEME_2026) is None)
    assert event.to_bytes() == payload


def test_a_draft_that_does_not_fit_is_named() -> None:
    """The case and the field; it never reaches the outbox."""
    draft = replace(_draft(), score=1.5)
    with pytest.raises(ContractError, match=f"{draft.case_id}.*score"):
        from_draft(draft, city="420111", node="box-07", seq=1)


@pytest.mark.parametrize(
    ("code", "named"),
    [("11420111MB0X12345A", True), ("dept-7", False), ("11420111mb0x12345a", False)],
)
def test_table_3_takes_credit_codes_only(code: str, named: bool) -> None:
    """A city's own number for a department is suggested, but is no ZGBMDM."""
    draft = replace(_draft(), department=Department(code, "城管局", "line 2: * × *", "v1"))
    data = from_draft(draft, city="420111", node="box-07", seq=1).data
    assert data.suggested_department is not None
    assert data.suggested_department.code == code
    assert data.matter is not None
    assert ((code, "城管局") if named else (None, None)) == (data.matter.ZGBMDM, data.matter.ZGBMMC)


def test_where_it_happened_is_said_somehow() -> None:
    """The address, else the name of the place; never longer than table 3 allows."""
    for address, place, expected in (
        ("东湖路 1 号", "plaza", "东湖路 1 号"),
        ("", "plaza", "plaza"),
        ("长" * 300, "plaza", "长" * 256),
    ):
        draft = replace(_draft(), address=address, place=place)
        matter = from_draft(draft, city="420111", node="box-07", seq=1).data.matter
        assert matter is not None
        assert expected == matter.SFWZ


@given(payload=st.binary(max_size=300) | TEXT.map(str.encode))
@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_what_is_no_message_is_refused_in_words(kind: str, payload: bytes) -> None:
    """And never ends the reader in another way."""
    with pytest.raises(ContractError, match="MSG-001"):
        read(EVENTS[kind], payload, "test")


@pytest.mark.parametrize("payload", [b"[" * 100_000, b'{"data":' * 50_000, b"null", b"\xff", b""])
def test_hostile_json_is_refused_in_words(payload: bytes) -> None:
    """Nesting that would end a naive parser, among others."""
    with pytest.raises(ContractError, match="MSG-001"):
        read(CaseEvent, payload, "test")


def test_headers_of_the_longest_message_fit_into_what_is_set_aside(tmp_path: Path) -> None:
    """Or a message cut to the broker's limit would be over it after all."""
    signer = load_or_make_signer(tmp_path / "box.pem")
    city, node, root = "c" * 32, "n" * 32, "r" * 32
    draft = replace(_draft(), case_id="c" * 64, revision=10**9)
    reply = ReplyData(
        request_id="7c0f6f1e-2b57-4c55-8d0b-51a6f5d1c0aa",
        action="look",
        result="done",
        reason=BilingualText(zh="", en=""),
        looks=(),
        evidence=(),
        at=datetime.now(UTC),
        box_id=node,
    )
    topics = BoxTopics(root, city, node)
    for topic, event in (
        (topics.case, from_draft(draft, city=city, node=node, seq=2**63 - 1)),
        (topics.reply, reply_event(reply, city=city, node=node, seq=2**63 - 1)),
    ):
        user = user_properties(event.to_bytes(), signer.sign) | {"historical": "1"}
        packet = Packet(topic, b"", "application/cloudevents+json; charset=utf-8", user)
        packed = _described(PacketTypes.PUBLISH, packet.content_type, packet.user).pack()
        fixed_header, topic_length, packet_id = 5, 2, 2
        size = fixed_header + topic_length + len(topic) + packet_id + len(packed)
        assert size <= _PACKET_OVERHEAD_BYTES
    blob = topics.blob("a" * 64)
    chunk = _described(PacketTypes.PUBLISH, "m" * 200, {"offset": "9" * 9, "total": "9" * 9})
    assert 9 + len(blob) + len(chunk.pack()) <= _PACKET_OVERHEAD_BYTES


def _draft() -> CaseDraft:
    at = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
    return CaseDraft(
        case_id="5b1d2f60-8c1e-5d5a-9f52-0a7e3c6f9a11",
        revision=1,
        status="new",
        kind="street_vending",
        category=load_taxonomy()["0406"],
        grid_cell="420111001002001",
        location=Location(114.3, 30.5, "camera"),
        place="plaza",
        sources=(Source("plaza", "zone"),),
        first_seen=at,
        last_seen=at,
        sightings=1,
        score=0.5,
        title=Words("占道经营", "Trading"),
        reasons=(),
        evidence=(),
        models=(),
        box_id="box-07",
        created_at=at,
    )
