"""Which cases are asked for: a sample in which no camera and category is left behind."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.geometry import Box
from edge.review.sample import SpotCheck, _group, _in_turn
from edge.review.verdicts import Verdict, VerdictStore
from tests.cases.test_desk import NOON, Office, camera

LONG_AGO = NOON - timedelta(days=1)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Two cameras; the first sees three things in each of its zones, the second one thing."""
    office = Office(tmp_path, camera("cam-1", "west"), camera("cam-2", "east"))
    with closing(office.store):
        for number in range(3):
            box = Box(0.1 + 0.3 * number, 0.1, 0.2 + 0.3 * number, 0.2)
            office.sees(number, "cam-1", box=box)
        office.sees(9, "cam-2", "z-2")
    return office


def check(office: Office) -> SpotCheck:
    return SpotCheck(office.folder / "gridpatrol.db", office.folder / "evidence")


def judge(office: Office, case_id: str) -> None:
    with closing(VerdictStore(office.folder / "gridpatrol.db")) as store:
        store.give(case_id, Verdict.RIGHT, at=NOON, now=NOON)


def test_what_was_judged_is_not_asked_again_and_comes_back_when_taken_back(office: Office) -> None:
    queue, left = check(office).queue(10, since=LONG_AGO)
    assert left == len(queue) == len({sampled.case.case_id for sampled in queue})
    first = queue[0].case.case_id
    judge(office, first)
    after, still = check(office).queue(10, since=LONG_AGO)
    assert still == left - 1
    assert first not in {sampled.case.case_id for sampled in after}
    with closing(VerdictStore(office.folder / "gridpatrol.db")) as store:
        assert store.take_back(first, "")
        assert not store.take_back(first, "")
    assert check(office).queue(10, since=LONG_AGO)[1] == left


def test_a_case_without_pictures_or_too_old_is_not_asked_for(office: Office) -> None:
    """Nobody can judge what cannot be seen."""
    queue, left = check(office).queue(10, since=LONG_AGO)
    gone = queue[0].case.case_id
    (office.folder / "evidence" / gone / "r1/far.jpg").unlink()
    after, still = check(office).queue(10, since=LONG_AGO)
    assert still == left - 1
    assert gone not in {sampled.case.case_id for sampled in after}
    assert check(office).queue(10, since=NOON + timedelta(days=1)) == ([], 0)


def test_a_case_comes_with_its_reasons_and_with_what_it_may_double(office: Office) -> None:
    queue, _ = check(office).queue(10, since=LONG_AGO)
    assert all(sampled.reasons for sampled in queue)
    cells = Counter((sampled.case.grid_cell, sampled.case.kind) for sampled in queue)
    for sampled in queue:
        others = cells[sampled.case.grid_cell, sampled.case.kind] - 1
        assert len(sampled.beside) == min(others, 4)
        assert sampled.case.case_id not in {other.case_id for other in sampled.beside}


@pytest.mark.parametrize("name", ["../../etc", "..", "a/b", "", "x\0y"])
def test_no_other_file_can_be_asked_for(office: Office, name: str) -> None:
    (office.folder / "far.jpg").write_bytes(b"secret")
    assert check(office).picture(name, "far") is None
    known = check(office).queue(1, since=LONG_AGO)[0][0].case.case_id
    assert check(office).picture(known, "far") is not None
    assert check(office).picture(known, "../../gridpatrol") is None


@settings(deadline=None)  # a busy machine
@given(
    sizes=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 12), min_size=1),
    judged=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9)),
    limit=st.integers(0, 30),
)
def test_whoever_has_fewest_verdicts_comes_first(
    sizes: dict[str, int], judged: dict[str, int], limit: int
) -> None:
    """After any number of them nobody who still has cases is behind by more than one."""
    cases = [_case(name, number) for name, size in sizes.items() for number in range(size)]
    before = Counter({(name, "0136"): count for name, count in judged.items()})
    chosen = _in_turn(cases, before, limit)
    assert len(chosen) == min(limit, len(cases)) == len({case.case_id for case in chosen})
    assert _in_turn(cases[::-1], before, limit) == chosen  # nothing but the ids decides
    counts = before + Counter(_group(case) for case in chosen)
    taken = Counter(_group(case) for case in chosen)
    waiting = [(name, "0136") for name, size in sizes.items() if taken[name, "0136"] < size]
    for group in waiting:
        for other in taken:
            assert counts[other] <= counts[group] + 1


def _case(name: str, number: int):  # type: ignore[no-untyped-def]
    from edge.cases.draft import Location, Source
    from edge.cases.record import CaseRecord

    return CaseRecord(
        case_id=f"{name}{number}",
        state="open",
        revision=1,
        kind="piled_materials",
        merge_key="",
        category="0136",
        grid_cell="1",
        place="p",
        location=Location(114.0, 30.0, "camera"),
        box=Box(0.1, 0.1, 0.2, 0.2),
        sources=(Source(name, "z-1"),),
        first_seen=NOON,
        last_seen=NOON,
        gone_at=None,
        sightings=1,
        score=0.5,
    )
