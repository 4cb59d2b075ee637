"""Files of older versions open, numbers never come again."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from edge.errors import StoreError
from edge.sqlite import transaction
from tests.uploader.helpers import CITY, NODE, NOON, make_draft
from uploader.outbox import Counts, Letter, Outbox


def test_the_first_version_opens(tmp_path: Path) -> None:
    """Every row, state, number and session of a file from before is there after opening."""
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as db:
        db.executescript(Path(__file__).with_name("outbox_v1.sql").read_text())
    db.close()
    for _ in range(2):  # the second time it is up to date
        outbox = Outbox(path, city=CITY, node=NODE, clock=lambda: NOON)
        assert outbox.counts() == Counts(pending=1, done=1, dead=1)
        (row,) = outbox.due(NOON, 10)
        assert (row.seq, row.what, row.subject, row.payload) == (8, "case", "case-8", b"{~")
        assert (row.attempts, row.evidence[0].path.name) == (2, "far.jpg")
        assert outbox.last_seq() == 9
        outbox.close()
    assert Outbox(path, city=CITY, node=NODE).next_session() == 42


def test_a_file_from_the_future_is_refused(tmp_path: Path) -> None:
    """An older program must not write what it does not understand."""
    path = tmp_path / "new.db"
    Outbox(path, city=CITY, node=NODE).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE uplink SET value = 99 WHERE key = 'outbox_schema'")
    db.close()
    with pytest.raises(StoreError, match=r"STO-001.*version 99"):
        Outbox(path, city=CITY, node=NODE)


def test_numbers_never_come_again(tmp_path: Path) -> None:
    """Neither after every row is gone, nor after VACUUM, nor after a restart."""
    path = tmp_path / "state.db"
    outbox = Outbox(path, city=CITY, node=NODE)
    db = sqlite3.connect(path, isolation_level=None)
    db.row_factory = sqlite3.Row
    for number in range(3):
        with transaction(db, path) as tx:
            assert outbox.enqueue(tx, make_draft(number, tmp_path, pictures=0)) == number + 1
    db.execute("DELETE FROM outbox")
    db.execute("VACUUM")
    assert outbox.last_seq() == 3
    outbox.close()
    outbox = Outbox(path, city=CITY, node=NODE)
    with transaction(db, path) as tx:
        assert outbox.enqueue(tx, make_draft(3, tmp_path, pictures=0)) == 4


def test_numbers_have_64_bits(tmp_path: Path) -> None:
    """Beyond 32 bits a number is a number like any other."""
    path = tmp_path / "state.db"
    outbox = Outbox(path, city=CITY, node=NODE)
    db = sqlite3.connect(path, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("INSERT INTO sqlite_sequence VALUES ('outbox', ?)", (2**62,))
    letter = Letter("case", "case-1", 1, "new", "street_vending", lambda seq: str(seq).encode())
    with transaction(db, path) as tx:
        assert outbox.put(tx, letter) == 2**62 + 1
    (row,) = outbox.due(NOON.replace(year=2100), 1)
    assert int(row.payload) == row.seq == 2**62 + 1
