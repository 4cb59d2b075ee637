"""A case taken back, and what a draft says besides: owner, urgency, size, clock."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from edge.cases.clerk import Clerk
from edge.cases.owners import Owners
from edge.cases.withdrawals import Withdrawal, Withdrawals
from edge.clock import ClockState, clock_state
from edge.errors import ReviewError, StoreError
from edge.scenes.finding import Words
from tests.cases.test_desk import NOON, Office, camera

WRONG = Words("误报：早餐车有证", "wrong: the breakfast cart has a permit")


def test_a_withdrawn_case_says_so_once(tmp_path: Path) -> None:
    """With its reason, as the next revision, through the outbox like any other."""
    office = Office(tmp_path)
    (new,) = office.sees(0)
    withdrawn = office.desk.withdraw(new.case_id, WRONG)
    assert withdrawn is not None
    assert (withdrawn.status, withdrawn.revision) == ("withdrawn", 2)
    assert withdrawn.reasons == (WRONG,)
    assert withdrawn.evidence == ()
    assert office.desk.withdraw(new.case_id, WRONG) is None
    assert office.desk.withdraw("no-such-case", WRONG) is None
    assert office.rows() == [(new.case_id, 1, "new"), (new.case_id, 2, "withdrawn")]


def test_what_still_stands_there_becomes_no_other_case(tmp_path: Path) -> None:
    """Not on the next look, not by a second camera, not after a restart, not when it comes back."""
    office = Office(tmp_path, camera("cam-1", "gate"), camera("cam-2", "gate"))
    (new,) = office.sees(0, place="gate")
    office.desk.withdraw(new.case_id, WRONG)
    assert office.sees(10, place="gate") == []
    assert office.sees(20, "cam-2", place="gate") == []
    office.restart()
    assert office.sees(30, place="gate") == []
    assert office.clear(40) == []
    assert office.clear(200) == []
    assert office.desk.withdraw(new.case_id, WRONG) is None
    assert office.sees(300, place="gate") == []
    assert office.clear(400) == []
    assert office.clear(500) == []
    assert len(office.rows()) == 2


def test_a_withdrawn_place_is_watched_again_after_the_window(tmp_path: Path) -> None:
    """Piles: 24 hours after it was gone."""
    office = Office(tmp_path)
    (new,) = office.sees(0)
    office.desk.withdraw(new.case_id, WRONG)
    office.clear(40)
    office.clear(200)
    assert office.sees(23 * 3600) == []
    office.clear(23 * 3600 + 40)
    office.clear(23 * 3600 + 200)
    (again,) = office.sees(50 * 3600)
    assert (again.status, again.revision) == ("new", 1)
    assert again.case_id != new.case_id


def test_a_case_that_is_gone_can_be_withdrawn(tmp_path: Path) -> None:
    """People judge later than things go."""
    office = Office(tmp_path)
    (new,) = office.sees(0)
    office.clear(40)
    (gone,) = office.clear(200)
    withdrawn = office.desk.withdraw(new.case_id, WRONG)
    assert withdrawn is not None
    assert withdrawn.revision == gone.revision + 1
    assert office.sees(300) == []


def test_a_withdrawal_that_the_disk_refuses_did_not_happen(tmp_path: Path) -> None:
    """It can be asked for again."""
    office = Office(tmp_path)
    (new,) = office.sees(0)
    with sqlite3.connect(tmp_path / "gridpatrol.db") as db:
        db.execute("ALTER TABLE outbox RENAME TO elsewhere")
    with pytest.raises(StoreError):
        office.desk.withdraw(new.case_id, WRONG)
    with sqlite3.connect(tmp_path / "gridpatrol.db") as db:
        db.execute("ALTER TABLE elsewhere RENAME TO outbox")
    assert office.desk.withdraw(new.case_id, WRONG) is not None


def test_an_older_database_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its open cases go on, and can be withdrawn."""
    office = Office(tmp_path)
    (new,) = office.sees(0)
    office.store.close()
    with sqlite3.connect(tmp_path / "gridpatrol.db") as db:
        for column in ("withdrawn_at", "attached_to", "width_m", "depth_m", "box_camera"):
            db.execute(f"ALTER TABLE cases DROP COLUMN {column}")
    office.open()
    assert office.sees(10) == []
    assert office.desk.withdraw(new.case_id, WRONG) is not None


def test_a_draft_names_owner_urgency_size_and_clock(tmp_path: Path) -> None:
    """Through the store and a restart, onto the wire."""
    owners = tmp_path / "owners.csv"
    owners.write_text(
        "grid_cell,category,department_code,department_name,urgency\n"
        "*,0136,11420111MB0X12345A,城管局,urgent\n"
    )
    office = Office(tmp_path, camera("cam-1").model_copy(update={"address": "东湖路 1 号"}))
    office.desk = office.make_desk(owners=Owners(owners))
    (new,) = office.sees(0, size_m=(2.0, 1.5))
    office.restart()
    office.desk = office.make_desk(owners=Owners(owners))
    office.clear(40)
    (gone,) = office.clear(200)
    for draft in (new, gone):
        assert draft.department is not None
        assert draft.department.rule == "line 2: * × 0136"
        assert (draft.urgency, draft.size_m, draft.address) == ("urgent", (2.0, 1.5), "东湖路 1 号")
        assert draft.clock == clock_state()
    data = json.loads(office.payloads()[0])["data"]
    assert data["matter"] == {
        "SXDM": "420111" + "06036",
        "SXMC": "乱堆物堆料",
        "ZGBMDM": "11420111MB0X12345A",
        "ZGBMMC": "城管局",
        "SFWZ": "东湖路 1 号",
        "SZDYWGBSM": new.grid_cell,
    }
    assert data["size"] == {"width_m": 2.0, "depth_m": 1.5}
    assert data["suggested_department"]["list_version"].startswith("sha256:")


def test_without_an_owner_nothing_is_invented(tmp_path: Path) -> None:
    """No department, the category's own urgency, table 3 with nobody in charge."""
    office = Office(tmp_path)
    (new,) = office.sees(0)
    assert (new.department, new.urgency) == (None, "normal")
    data = json.loads(office.payloads()[0])["data"]
    assert data["suggested_department"] is None
    assert (data["matter"]["ZGBMDM"], data["matter"]["ZGBMMC"]) == (None, None)


def test_an_attached_case_keeps_the_platforms_reference(tmp_path: Path) -> None:
    """In every later revision, also after a restart; a camera taken away does not matter."""
    office = Office(tmp_path)
    (new,) = office.sees(0)
    record = office.store.case(new.case_id)
    assert record is not None
    assert office.store.case("nothing") is None
    attached = replace(record, attached_to="SSP-17")
    office.store.touch(attached)
    stored = office.store.case(new.case_id)
    assert stored == attached
    unset = ClockState(None, None)
    clerk = Clerk(box_id="box-01", cameras={}, believed=lambda: unset)
    draft = clerk.write(stored, status="update", reasons=(), evidence=(), models=())
    assert (draft.attached_to, draft.clock) == ("SSP-17", unset)
    assert draft.title.zh.endswith("cam-1")


def test_wishes_are_kept_until_they_are_taken_up(tmp_path: Path) -> None:
    """All or none; once; over a restart of either side."""
    office = Office(tmp_path)
    (one,) = office.sees(0)
    (two,) = office.sees(1, zone="z-2", place="elsewhere", category="0136")
    wishes = Withdrawals(tmp_path / "gridpatrol.db")
    with pytest.raises(ReviewError, match="no-such-case"):
        wishes.ask([one.case_id, "no-such-case"], WRONG, NOON)
    assert wishes.pending() == []
    assert wishes.ask([one.case_id, two.case_id], WRONG, NOON) == 2
    assert wishes.ask([one.case_id], WRONG, NOON) == 0
    wishes.close()
    wishes = Withdrawals(tmp_path / "gridpatrol.db")
    assert wishes.pending() == [Withdrawal(c.case_id, WRONG) for c in (one, two)]
    office.desk.withdraw(one.case_id, WRONG)
    wishes.done(one.case_id, NOON)
    assert wishes.pending() == [Withdrawal(two.case_id, WRONG)]
    assert wishes.ask([one.case_id], WRONG, NOON) == 0
    wishes.close()
