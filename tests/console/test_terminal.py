"""The live status of a terminal, rendered to text."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from edge.console.board import Board
from edge.console.terminal import TerminalStatus
from edge.console.views import CameraView
from tests.cases.test_desk import Office, report


def screen(board: Board, url: str = "http://127.0.0.1:8470/") -> str:
    console = Console(file=io.StringIO(), width=160, force_terminal=False)
    with TerminalStatus(board, url, console):
        pass
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_cameras_cases_and_the_way_to_the_platform(tmp_path: Path) -> None:
    """Everything an operator over SSH needs on one screen."""
    board = Board(
        "box-01", [CameraView("cam-1", "一号", "One"), CameraView("cam-2", "二号", "Two")]
    )
    assert "Nothing to report. 2 cameras watched." in screen(board)
    (draft,) = Office(tmp_path).sees(0)
    board.look(report(0, "cam-1", "z-1"), ())
    board.camera_state("cam-2", "down", "no answer within 10 s")
    board.case(draft)
    board.uplink(False, 3, 1, "[MQT-001] broker: refused")
    text = screen(board)
    for part in (
        "box-01",
        "platform away, 3 waiting, 1 rejected",
        "[MQT-001] broker: refused",
        "http://127.0.0.1:8470/",
        "piled materials",
        "no answer within 10 s",
        f"{draft.case_id[:8]} r1",
        "0136 乱堆物堆料",
        draft.grid_cell,
    ):
        assert part in text, part
    assert "Nothing to report" not in text


def test_brackets_are_shown_as_they_are() -> None:
    """Names and errors are text, never markup: a name must not break the screen."""
    board = Board("[/box]", [CameraView("cam-1", "[/] 东门[red]", "[b]Gate[/b]")])
    board.camera_state("cam-1", "failed", "[/nonsense] dark")
    text = screen(board, "http://[::1]:8470/")
    for part in (
        "[/box]",
        "[/] 东门[red]",
        "[b]Gate[/b]",
        "[/nonsense] dark",
        "http://[::1]:8470/",
    ):
        assert part in text, part


def test_a_clock_set_back_shows_no_negative_age() -> None:
    """Pictures from the future are zero seconds old."""
    board = Board("box-01", [CameraView("cam-1", "一号", "One")])
    board.look(report(10 * 365 * 86400, "cam-1", "z-1"), ())
    assert " 0 s" in screen(board)
    assert "-" not in screen(board).split("cam", 1)[1].split("clear")[0].replace("─", "")
