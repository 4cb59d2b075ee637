"""What the platform knows already: which findings belong to its open cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edge.cases.draft import Location
from edge.cases.known import Attaching, Known, KnownStore
from edge.scenes.finding import EventKind
from tests.cases.test_desk import NOON, WEST, Office, report

CELL = "420111005009001"
PILE = Known("ECASE-7", "0136", "piled_materials", WEST, NOON - timedelta(hours=3), "citizen")
HERE = Location(*WEST, "homography")
FINDING = report(0, "cam-1", "z-1").findings[0]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KnownStore]:
    store = KnownStore(tmp_path / "gridpatrol.db", Attaching(distance_m=50, days=30))
    yield store
    store.close()


def test_a_finding_belongs_to_the_known_case_of_its_cell_and_category(store: KnownStore) -> None:
    store.replace(CELL, [PILE], NOON)
    assert store.match(FINDING, CELL, HERE) == PILE
    assert store.match(FINDING, "420111005009002", HERE) is None
    other = replace(FINDING, kind=EventKind.STREET_VENDING, category="0406")
    assert store.match(other, CELL, HERE) is None
    # 0110 and 0136 are one trouble under two codes, as they are for the box's own cases.
    assert store.match(replace(FINDING, category="0110"), CELL, HERE) == PILE


def test_ads_are_told_apart_by_their_code(store: KnownStore) -> None:
    store.replace(CELL, [replace(PILE, kind="illegal_ads", category="0207")], NOON)
    banner = replace(FINDING, kind=EventKind.ILLEGAL_ADS, category="0207")
    assert store.match(banner, CELL, HERE) is not None
    assert store.match(replace(banner, category="0201"), CELL, HERE) is None


def test_two_ground_points_must_be_near(store: KnownStore) -> None:
    store.replace(CELL, [PILE], NOON)
    far = Location(WEST[0] + 0.001, WEST[1], "zone_anchor")  # about 96 m
    assert store.match(FINDING, CELL, far) is None
    # Of one of them only the cell is known: a camera's own position says nothing.
    assert store.match(FINDING, CELL, replace(far, method="camera")) == PILE
    store.replace(CELL, [replace(PILE, point=None)], NOON)
    assert store.match(FINDING, CELL, far) is not None


def test_each_list_replaces_the_one_before_and_an_old_one_does_not(store: KnownStore) -> None:
    assert store.replace(CELL, [PILE, replace(PILE, ref="ECASE-8")], NOON)
    assert store.count() == 2
    assert not store.replace(CELL, [], NOON - timedelta(seconds=1)), "it came late"
    assert store.count() == 2
    assert store.replace(CELL, [], NOON + timedelta(seconds=1))
    assert store.match(FINDING, CELL, HERE) is None


def test_what_is_not_repeated_is_no_longer_believed(store: KnownStore, tmp_path: Path) -> None:
    store.replace(CELL, [PILE], NOON - timedelta(days=31))
    assert store.match(FINDING, CELL, HERE) is None
    again = KnownStore(tmp_path / "gridpatrol.db", Attaching(days=60))
    assert again.match(FINDING, CELL, HERE) == PILE, "kept over a restart"
    again.close()


def test_a_case_of_the_platforms_is_updated_and_its_end_is_told(
    store: KnownStore, tmp_path: Path
) -> None:
    """One case under the platform's reference, from the first sighting to the clear place."""
    office = Office(tmp_path)
    office.desk = office.make_desk(known=store)
    cell = office.sees(0)[0].grid_cell
    office.clear(100)
    office.clear(200)
    store.replace(cell, [PILE], NOON)
    [attached] = office.sees(90_000)
    assert (attached.status, attached.revision, attached.attached_to) == ("update", 1, "ECASE-7")
    assert "ECASE-7" in attached.reasons[0].zh
    assert "ECASE-7" in attached.reasons[0].en
    assert not office.sees(90_010), "every further sighting attaches in silence"
    office.desk = office.make_desk(known=store)
    store.replace(cell, [], NOON)  # closed at the platform meanwhile: it stays what it was
    assert not office.sees(90_020)
    office.clear(90_100)
    [gone] = office.clear(90_200)
    assert (gone.status, gone.case_id, gone.attached_to) == ("gone", attached.case_id, "ECASE-7")


def test_an_own_case_that_is_open_stays_its_own(store: KnownStore, tmp_path: Path) -> None:
    """The platform lists what this box has reported, too."""
    office = Office(tmp_path)
    office.desk = office.make_desk(known=store)
    [own] = office.sees(0)
    store.replace(own.grid_cell, [PILE], NOON)
    assert not office.sees(10)
    office.clear(100)
    [gone] = office.clear(200)
    assert gone.attached_to is None
