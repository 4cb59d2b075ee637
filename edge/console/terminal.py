"""A calm live status for a terminal: cameras, the latest cases, the way to the platform."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge.cases.draft import CaseDraft
from edge.console.board import Board
from edge.console.views import CameraView, Snapshot
from edge.console.wire import notes_of

# Everything shown is a Text, never markup: names, places and errors may hold brackets.
_DOT_STYLES = {
    "up": "green",
    "starting": "yellow",
    "down": "red",
    "failed": "red",
    "resting": "dim",
}
_STATUS_STYLES = {"new": "red", "update": "yellow", "gone": "green", "withdrawn": "dim"}
_CASES_SHOWN = 6


class TerminalStatus:
    """Context manager; call :meth:`refresh` now and then.

    Args:
        board: what is shown.
        url: the page's address, empty without a page.
        console: the terminal, stdout by default.
    """

    def __init__(self, board: Board, url: str, console: Console | None = None) -> None:
        self._board = board
        self._url = url
        self._live = Live(console=console, refresh_per_second=2, transient=False)

    def __enter__(self) -> TerminalStatus:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.refresh()
        self._live.__exit__(kind, error, trace)

    def refresh(self) -> None:
        """Show the board as it is now."""
        now = self._board.snapshot()
        cases = _cases(now) if now.cases else _nothing(now)
        gap = Text()
        self._live.update(Group(_headline(now, self._url), gap, _cameras(now), gap, cases))


def _headline(now: Snapshot, url: str) -> Text:
    uplink = now.uplink
    link = ("connected", "green") if uplink.connected else ("away", "red")
    text = Text.assemble(
        ("gridpatrol", "bold"), f" {now.box_id}   {now.looks_per_s:g} looks/s   platform ", link
    )
    text.append(f", {uplink.pending} waiting")
    if uplink.dead:
        text.append(f", {uplink.dead} rejected", "red")
    text.append(f"   {url}")
    if now.patrol.cameras:
        text.append(f"\npatrol: {now.patrol.cameras} cameras, {now.patrol.open_streams} open")
    for note in notes_of(now):
        text.append(f"\n{note}", "yellow")
    if uplink.last_error and not uplink.connected:
        text.append(f"\n{uplink.last_error}", "dim")
    return text


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False, header_style="dim")


def _cameras(now: Snapshot) -> Table:
    table = _table("", "camera", "last look", "looks", "dropped", "now")
    for camera in now.cameras:
        age = "-"
        if camera.look_at is not None:  # a clock that was set back must not show negative ages
            age = f"{max((now.now - camera.look_at).total_seconds(), 0):.0f} s"
        table.add_row(
            Text("●", _DOT_STYLES[camera.state]),
            Text(_both(camera.name_zh, camera.name_en)),
            Text(age, justify="right"),
            Text(str(camera.looks), justify="right"),
            Text(str(camera.dropped), justify="right"),
            _now(camera),
        )
    return table


def _both(zh: str, en: str) -> str:
    return zh if zh == en else f"{zh} {en}"


def _now(camera: CameraView) -> Text:
    if camera.state in ("down", "failed"):
        return Text(camera.detail or camera.state, "red")
    if camera.state == "resting":
        return Text("outside its hours", "dim")
    if camera.look_at is None:
        return Text("waiting for the first picture", "dim")
    found = ", ".join(kind.replace("_", " ") for kind in camera.findings)
    return Text(found, "bold") if found else Text("clear", "dim")


def _cases(now: Snapshot) -> Table:
    table = _table("case", "", "what", "cell", "place", "pictures")
    for view in now.cases[:_CASES_SHOWN]:
        case = view.draft
        name = _both(case.category.name_zh, case.category.name_en)
        table.add_row(
            Text(f"{case.case_id[:8]} r{case.revision}"),
            Text(case.status, _STATUS_STYLES[case.status]),
            Text(f"{case.category.codes[0].code} {name}"),
            Text(case.grid_cell),
            Text(case.place),
            Text(_folder(case)),
        )
    return table


def _nothing(now: Snapshot) -> Text:
    return Text(f"Nothing to report. {len(now.cameras)} cameras watched.", "dim")


def _folder(case: CaseDraft) -> str:
    return str(case.evidence[0].path.parent) if case.evidence else "-"
