"""Dead letters: seen, sent again unchanged, by whoever sits at the box."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.console.board import Board
from edge.console.wire import status_of
from edge.sqlite import transaction
from tests.brokers import Broker
from tests.uploader.helpers import CITY, NODE, NOON, Box, Platform, make_draft, wait_until
from uploader.contract.messages import ReceiptData, Result
from uploader.intake.sqlite import SqliteStore
from uploader.letters import Letters
from uploader.outbox import Counts, Outbox
from uploader.outbox_schema import open_outbox

REASON = "单元网格不存在 [no such cell]"


def settle(outbox: Outbox, result: Result) -> None:
    """Answer every due row."""
    for row in outbox.due(NOON, 10):
        receipt = ReceiptData(
            case_id=row.subject,
            revision=row.revision,
            payload_sha256=row.payload_sha256,
            result=result,
            missing=(),
            reason=REASON if result == "rejected" else None,
            retry_after_s=None,
            at=NOON,
        )
        outbox.settle(receipt)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """Three dead letters, then a pending one."""
    path = tmp_path / "gridpatrol.db"
    outbox = Outbox(path, city=CITY, node=NODE, clock=lambda: NOON)
    for number in range(4):
        if number == 3:
            settle(outbox, "rejected")
        with transaction(open_outbox(path), path) as tx:
            outbox.enqueue(tx, make_draft(number, tmp_path))
    return outbox


def test_resent_unchanged(outbox: Outbox, tmp_path: Path) -> None:
    """The same bytes under the same number are due again, once, with a clean slate."""
    shelf = Letters(tmp_path / "gridpatrol.db", clock=lambda: NOON)
    assert [(letter.seq, letter.reason) for letter in shelf.find("dead", 2)] == [
        (3, REASON),
        (2, REASON),
    ]
    assert shelf.resend([2, 4, 99]) == [2]
    assert shelf.resend([2]) == []
    assert outbox.counts() == Counts(pending=2, done=0, dead=2)
    again = {row.seq: row for row in outbox.due(NOON, 10)}
    assert set(again) == {2, 4}
    assert (again[2].subject, again[2].attempts, again[2].missing) == ("case-1", 0, None)
    settle(outbox, "complete")
    assert outbox.counts() == Counts(pending=0, done=2, dead=2)


def test_the_command(outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person at the box types, and sees."""
    config = tmp_path / "gridpatrol.yaml"
    shipped = (Path(__file__).parents[2] / "configs/gridpatrol.yaml").read_text()
    grid = Path(__file__).parents[2] / "configs/grid.geojson"
    shipped = shipped.replace("cells: grid.geojson", f"cells: {grid}")
    config.write_text(shipped.replace("  # state_dir: state ", f"  state_dir: {tmp_path} "))
    monkeypatch.setenv("CAMERA_PASSWORD", "x")

    def gridpatrol(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["outbox", *words, "--config", str(config)])
        return result.exit_code, result.output

    code, text = gridpatrol("dead")
    assert (code, text.count("case-")) == (0, 3)
    assert "3 rejected" in text
    assert "[no such cell]" in text
    assert "1 waiting" in gridpatrol("list")[1]
    assert gridpatrol("resend", "1", "3") == (0, "1: due again\n3: due again\n")
    assert gridpatrol("resend", "1")[0] == 1
    assert "3 waiting" in gridpatrol("list")[1]


@pytest.mark.e2e
def test_a_running_box_takes_it_up(tmp_path: Path, broker: Broker) -> None:
    """Rejected, shown on the board, put right at the platform, resent, done."""
    known: set[str] = set()
    box = Box(tmp_path / "box", broker)
    platform = Platform(
        tmp_path / "platform",
        broker,
        judge=lambda e: None if known else "unknown grid cell",
        store=lambda: SqliteStore(tmp_path / "platform", reconsider_s=0.0),
    )
    platform.start()
    try:
        uploader = box.start()
        box.commit_many(range(1))
        wait_until(lambda: bool(uploader.status().rejected))
        board = Board("box-07", ())
        status = uploader.status()
        board.uplink(True, status.pending, status.dead, "", status.rejected)
        (shown,) = status_of(board.snapshot())["uplink"]["rejected"]  # type: ignore[index]  # JSON
        assert (shown["seq"], shown["id"]) == (1, "case-0")
        assert "unknown grid cell" in shown["reason"]
        known.add("420111001002001")
        Letters(box.path).resend([1])
        box.wait_done(1)
        wait_until(lambda: not uploader.status().rejected)
    finally:
        box.close()
        platform.stop()
