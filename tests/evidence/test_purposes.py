"""Purposes in the chain: what was in force when, whatever was configured afterwards."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.config.purpose import PurposeSettings
from edge.evidence.chain import links_after, open_chain
from edge.evidence.link import MAX_LINK_BYTES
from edge.evidence.purposes import Record, digest, history, record
from edge.evidence.verify import Verifier
from edge.sqlite import transaction
from tests.evidence.box import SealingBox

PATROL = {"why_zh": "街面秩序", "authority": "城管〔2026〕3 号"}
RUBBISH = {"why_zh": "垃圾堆放", "authority": "城管〔2026〕9 号"}


def told(box: SealingBox, wanted: dict[str, Record | None]) -> int:
    with closing(open_chain(box.database)) as db, transaction(db, box.database) as tx:
        return record(tx, box.chain, wanted)


def links(box: SealingBox) -> int:
    with closing(open_chain(box.database)) as db:
        return sum(link.kind == "purpose" for link, _ in links_after(db, 0))


@pytest.fixture
def box(tmp_path: Path) -> SealingBox:
    return SealingBox(tmp_path)


def test_only_what_changed_is_recorded_and_the_past_stays(box: SealingBox) -> None:
    assert told(box, {"cam-1": PATROL, "cam-2": PATROL}) == 2
    assert told(box, {"cam-1": PATROL, "cam-2": PATROL}) == 0
    assert links(box) == 1
    assert told(box, {"cam-1": RUBBISH}) == 2  # cam-2 has none any more
    with closing(open_chain(box.database)) as db:
        assert [(e.seq, e.record) for e in history(db, "cam-1")] == [(2, PATROL), (3, RUBBISH)]
        assert [e.record for e in history(db, "cam-2")] == [PATROL, None]
        assert history(db, "cam-9") == []
    box.copies.catch_up()
    assert Verifier().check(box.state).findings == []


def test_a_thousand_cameras_fit(box: SealingBox) -> None:
    """A link has a largest size; long records of many cameras take several."""
    long = {"why_zh": "街" * 300, "authority": "号" * 300, "legal_basis": "法" * 300}
    assert told(box, {f"cam-{n}": long for n in range(1000)}) == 1000
    with closing(open_chain(box.database)) as db:
        found = [link for link, _ in links_after(db, 0) if link.kind == "purpose"]
        assert len(history(db)) == 1000
    assert max(len(link.raw) for link in found) < MAX_LINK_BYTES
    assert told(box, {f"cam-{n}": long for n in range(1000)}) == 0


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from([PATROL, RUBBISH])),
        max_size=6,
    )
)
def test_history_ends_with_what_was_last_wanted(
    tmp_path_factory: pytest.TempPathFactory, story: list[dict[str, Record | None]]
) -> None:
    box = SealingBox(tmp_path_factory.mktemp("box"))
    for wanted in story:
        told(box, wanted)
        with closing(open_chain(box.database)) as db:
            now = {entry.camera_id: entry.record for entry in history(db)}
        assert {name: kept for name, kept in now.items() if kept is not None} == wanted


def test_the_digest_is_that_of_the_record() -> None:
    assert digest(None) is None
    assert digest(PATROL) == digest(dict(reversed(PATROL.items())))
    assert digest(PATROL) != digest(RUBBISH)


def test_a_record_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="why_zh"):
        PurposeSettings.model_validate({"why_zh": "", "authority": "x"})
    with pytest.raises(ValidationError, match="before since"):
        PurposeSettings.model_validate(PATROL | {"since": "2026-02-01", "until": "2026-01-31"})
