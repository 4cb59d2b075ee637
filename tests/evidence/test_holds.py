"""Legal hold: in the chain, across restarts, stronger than age and a full disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from edge.app.locking import lock_state
from edge.app.sealing import Seals, held
from edge.errors import Code, HoldError
from edge.evidence.chain import open_chain
from edge.evidence.copies import recover
from edge.evidence.holds import hold_case, hold_days, holds, release
from edge.evidence.verify import Verifier
from edge.sqlite import transaction
from tests.evidence.box import SealingBox
from tests.evidence.test_chain import deliver
from tests.test_cli import gridpatrol, write_config
from uploader.retention import Retention

LATER = datetime(9999, 1, 1, tzinfo=UTC)
WHO = {"by": "张三", "why": "行政复议 2026-117"}


@pytest.fixture
def box(tmp_path: Path) -> Iterator[SealingBox]:
    """Three delivered cases, the third a day later than the others."""
    made = SealingBox(tmp_path / "state", node="box-01")
    made.case(1)
    made.case(2)
    made.now += timedelta(days=1)
    made.case(3)
    deliver(made)
    yield made
    made.close()


def keeper(box: SealingBox) -> Retention:
    seals = Seals(box.sealer, box.chain, box.copies, box.folder)
    return Retention(box.database, held=held, journal=seals)


def take_all(box: SealingBox) -> list[str]:
    """Everything that may go, goes."""
    with closing(keeper(box)) as retention:
        names = [kept.subject for kept in retention.kept()]
        return [name for name in names if retention.remove(name, LATER, short=True)]


def test_a_held_case_stays_until_it_is_released(box: SealingBox) -> None:
    """Also after a restart, and with the database lost: the chain's file has it."""
    with closing(open_chain(box.database)) as db:
        with transaction(db, box.database) as tx:
            number = hold_case(tx, box.chain, "case-2", **WHO)
        box.copies.catch_up()
        assert take_all(box) == ["case-1", "case-3"]
        assert (box.folder / "case-2/r1/far.jpg").is_file()
        assert Verifier().check(box.state).findings == []
        with transaction(db, box.database) as tx, pytest.raises(HoldError, match="HLD-001"):
            hold_case(tx, box.chain, "case-1", **WHO)  # its evidence is gone
    copy = box.state.parent / "copy.db"
    recover(copy, box.folder)
    with closing(open_chain(copy)) as db:
        (standing,) = holds(db)
        assert (standing.number, standing.by, standing.case) == (number, WHO["by"], "case-2")
    with closing(open_chain(box.database)) as db, transaction(db, box.database) as tx:
        release(tx, box.chain, number, **WHO)
        with pytest.raises(HoldError) as wrong:
            release(tx, box.chain, number, **WHO)
        assert wrong.value.code is Code.HLD_NOTHING
    assert take_all(box) == ["case-2"]
    assert Verifier().check(box.state).findings == []


def test_days_are_the_boxs_days_and_later_revisions_count(box: SealingBox) -> None:
    """NOON is the 24th at 20:00 in Shanghai; the third case is of the 25th."""
    with closing(open_chain(box.database)) as db, transaction(db, box.database) as tx:
        day = date(2026, 11, 25)
        hold_days(tx, box.chain, (day, day), "Asia/Shanghai", **WHO)
    box.case(1, 2, "gone")  # sealed on the 25th: now it is held, too
    deliver(box)
    assert take_all(box) == ["case-2"]


def test_it_comes_too_late_or_in_time_but_never_between(box: SealingBox) -> None:
    """What was lined up for removal is looked at again inside the transaction that removes it."""
    with closing(keeper(box)) as retention:
        lined_up = [kept.subject for kept in retention.kept()]
        with closing(open_chain(box.database)) as db, transaction(db, box.database) as tx:
            hold_case(tx, box.chain, lined_up[0], **WHO)
        assert retention.remove(lined_up[0], LATER, short=True) is None


def test_deleted_is_not_missing(box: SealingBox) -> None:
    """By whole, by case, by a file that is not there any more; what nobody deleted is missing."""
    with closing(keeper(box)) as retention:
        assert retention.remove("case-1", LATER) is not None
    whole = Verifier().check(box.state)
    (gone,) = whole.removed
    assert (whole.findings, gone.case_id, gone.why) == ([], "case-1", "age")
    for report in (
        Verifier().check_case(box.folder, "case-1"),
        Verifier().check(box.folder / "case-1" / "r1" / "far.jpg"),
    ):
        assert report.findings == []
        assert "because keep_delivered_days 30 d (age)" in report.notes[0]
    (box.folder / "case-2/r1/far.jpg").unlink()
    report = Verifier().check_case(box.folder, "case-2")
    assert [finding.what.value for finding in report.findings] == ["missing"]
    assert report.removed == []


def test_as_people_call_it(box: SealingBox, tmp_path: Path) -> None:
    """Held, listed, shown by the dry run, released; what does not fit is one line and a code."""
    config = write_config(tmp_path, "a.mp4", "b.mp4")
    running = lock_state(box.state)  # the copies are the box's to write
    done = gridpatrol("hold", "case-3", "--by", "李四", "--why", "诉讼", "-c", config)
    assert done.returncode == 0, done.stderr
    number = done.stdout.split()[1].rstrip(";")
    listed = json.loads(gridpatrol("hold", "--list", "--json", "-c", config).stdout)
    assert [(row["by"], row["why"], row["case"]) for row in listed] == [("李四", "诉讼", "case-3")]
    assert "李四  case case-3: 诉讼" in gridpatrol("hold", "--list", "-c", config).stdout
    rows = json.loads(gridpatrol("retention", "--json", "-c", config).stdout)
    assert {row["subject"]: row["protected"] for row in rows} == {
        "case-1": "open",
        "case-2": "open",
        "case-3": "open",
    }
    for case in (1, 2, 3):
        box.case(case, 2, "gone")
    deliver(box)
    rows = json.loads(gridpatrol("retention", "--json", "-c", config).stdout)
    assert {row["subject"]: row["protected"] for row in rows} == {
        "case-1": None,
        "case-2": None,
        "case-3": f"held {number} by 李四: 诉讼",
    }
    assert rows[0]["rule"] == "keep_delivered_days 30 d"
    said = gridpatrol("retention", "--within-days", "36500", "-c", config).stdout
    assert "2 of 3 go by age" in said
    assert "1 must stay: held" in said
    done = gridpatrol("hold", "--release", number, "--by", "李四", "--why", "结案", "-c", config)
    assert "released" in done.stdout
    assert gridpatrol("hold", "--list", "-c", config).stdout == "0 hold(s)\n"
    who = ("--by", "x", "--why", "y", "-c", str(config))
    for options, code in (
        (("case-9", *who), "HLD-001"),
        (("case-", *who), "HLD-001"),
        (("--release", "1", *who), "HLD-001"),
        (("case-1", "-c", str(config)), "HLD-002"),
        (("case-1", "--by", " ", "--why", "y", "-c", str(config)), "HLD-002"),
        (("case-1", "--from", "2026-11-24", *who), "HLD-002"),
        (("--from", "2026-11-24", *who), "HLD-002"),
        (("--from", "24.11.2026", "--to", "2026-11-24", *who), "HLD-002"),
        (who, "HLD-002"),
    ):
        done = gridpatrol("hold", *options)
        assert (done.returncode, done.stdout) == (2, ""), options
        assert done.stderr.startswith(f"[{code}]"), done.stderr
        assert done.stderr.count("\n") == 1
    running.close()
    box.copies.catch_up()
    assert Verifier().check(box.state).findings == []
