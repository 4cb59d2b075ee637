"""What holds for every document, every link and every order of links."""

from __future__ import annotations

import json
from functools import cache, lru_cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.evidence.chain import SCHEMA, Chain
from edge.evidence.findings import What
from edge.evidence.keyring import hand_over
from edge.evidence.link import BadLinkError, Link, canonical, read_link
from edge.evidence.walk import walk
from edge.signing import Signer
from tests.evidence.box import SYNCED
from tests.uploader.helpers import NOON

LINKS = 9
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


def chain_with(rotations: frozenset[int] = frozenset()) -> list[bytes]:
    """The links of a chain; behind the given ones the key is handed on."""
    import sqlite3

    db = sqlite3.connect(":memory:")
    db.row_factory = sqlite3.Row
    db.executescript(SCHEMA)
    key = Signer(Ed25519PrivateKey.generate())
    for number in range(1, LINKS):
        chain = Chain("420111/box-01", key, clock=lambda: NOON, believed=lambda: SYNCED)
        if number in rotations:
            new = Signer(Ed25519PrivateKey.generate())
            seq = db.execute("SELECT COUNT(*) FROM evidence_chain").fetchone()[0] + 1
            if seq == 1:
                continue
            name = json.loads(db.execute("SELECT link FROM evidence_chain").fetchone()[0])["chain"]
            proof = new.sign(hand_over(name, seq, new.public))["sig"]
            chain.append(db, "key", {"new_kid": new.kid, "new_key": new.public, "proof": proof})
            key = new
        else:
            chain.append(db, "removed", {"case_id": f"case-{number}", "links": []})
    return [
        bytes(row["link"]) for row in db.execute("SELECT link FROM evidence_chain ORDER BY seq")
    ]


@cache
def plain() -> tuple[bytes, ...]:
    return tuple(chain_with())


@lru_cache(maxsize=4096)
def _read(raw: bytes) -> Link:
    return read_link(raw)


@settings(deadline=None, max_examples=60)
@given(JSON)
def test_canonical_json_loses_nothing_and_has_one_form(value: object) -> None:
    """Read and written again it is the same, whatever the order of the keys was."""
    document = {"value": value, "a": 1}
    raw = canonical(document)
    assert json.loads(raw) == document
    assert canonical(json.loads(raw)) == raw
    assert canonical(dict(reversed(document.items()))) == raw


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_no_other_bytes_are_that_link(data: st.DataObject) -> None:
    """Flipped, cut, longer, or spelled in another way."""
    raw = plain()[2]
    kind = data.draw(st.sampled_from(("flip", "cut", "insert", "spell")))
    at = data.draw(st.integers(0, len(raw) - 1))
    match kind:
        case "flip":
            other = bytes(
                (*raw[:at], raw[at] ^ (1 << data.draw(st.integers(0, 7))), *raw[at + 1 :])
            )
        case "cut":
            other = raw[:at] + raw[at + data.draw(st.integers(1, 50)) :]
        case "insert":
            other = raw[:at] + data.draw(st.binary(min_size=1, max_size=9)) + raw[at:]
        case _:
            indent = data.draw(st.integers(0, 3))
            other = json.dumps(json.loads(raw), indent=indent, ensure_ascii=at % 2 == 0).encode()
    with pytest.raises(BadLinkError):
        read_link(other)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, LINKS - 1), max_size=LINKS + 3))
def test_only_the_whole_chain_in_its_order_is_without_findings(order: list[int]) -> None:
    """Any selection of its links, in any order, some twice."""
    lines = plain()
    found = walk("chain", [lines[index] for index in order], _read)
    prefix = list(range(len(order)))
    assert (found.findings == [] and found.absent == []) == (order == prefix)
    assert found.last == max((index + 1 for index in order), default=0)
    assert set(found.links) == {index + 1 for index in order}
    assert set(found.absent) == set(range(1, found.last + 1)) - set(found.links)


@settings(deadline=None, max_examples=60)
@given(st.permutations(range(LINKS)))
def test_a_re_order_names_links_that_moved(order: list[int]) -> None:
    """Those that stay in order among each other are not accused."""
    found = walk("chain", [plain()[index] for index in order], _read)
    moved = {finding.seq for finding in found.findings}
    assert {finding.what for finding in found.findings} <= {What.REORDERED}
    rest = [index + 1 for index in order if index + 1 not in moved]
    assert rest == sorted(rest)


@settings(deadline=None, max_examples=60)
@given(st.frozensets(st.integers(2, LINKS - 1), max_size=3))
def test_a_key_may_be_handed_on_anywhere(rotations: frozenset[int]) -> None:
    """The chain stays whole; without the link that hands on, what follows is of a wrong key."""
    lines = chain_with(rotations)
    whole = walk("chain", lines, read_link)
    assert whole.findings == []
    assert len(whole.keyring.keys) == 1 + len(rotations)
    kinds = [read_link(line).kind for line in lines]
    if "key" in kinds and kinds.index("key") + 1 < len(lines):
        del lines[kinds.index("key")]
        found = walk("chain", lines, read_link)
        assert What.WRONG_KEY in {finding.what for finding in found.findings}
