"""A calm live status for a terminal: cameras, the latest cases, the way to the platform."""

from __future__ import annotations

from types import TracebackType

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge.cases.draft import CaseDraft
from edge.console.board import Board, CameraView, Snapshot

_DOTS = {
    "up": "[green]●[/]",
    "starting": "[yellow]●[/]",
    "down": "[red]●[/]",
    "failed": "[red]●[/]",
}
_CASES_SHOWN = 6


class TerminalStatus:
    """Context manager; call :meth:`refresh` now and then."""

    def __init__(self, board: Board, url: str) -> None:
        self._board = board
        self._url = url
        self._live = Live(refresh_per_second=2, transient=False)

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
        self._live.update(Group(_headline(now, self._url), _cameras(now), _cases(now)))


def _headline(now: Snapshot, url: str) -> Text:
    uplink = now.uplink
    link = "[green]connected[/]" if uplink.connected else "[red]away[/]"
    text = (
        f"[b]gridpatrol[/] {now.box_id}   {now.looks_per_s:g} looks/s   platform {link}, "
        f"{uplink.pending} waiting, {uplink.dead} rejected   {url}"
    )
    if uplink.last_error and not uplink.connected:
        text += f"\n[dim]{uplink.last_error.replace('[', chr(92) + '[')}[/]"
    return Text.from_markup(text)


def _cameras(now: Snapshot) -> Table:
    table = Table("", "camera", "last look", "looks", "dropped", "now", box=None, pad_edge=False)
    for camera in now.cameras:
        age = (
            "-" if camera.look_at is None else f"{(now.now - camera.look_at).total_seconds():.0f} s"
        )
        table.add_row(
            _DOTS[camera.state],
            f"{camera.name_zh} {camera.name_en}",
            age,
            str(camera.looks),
            str(camera.dropped),
            _now(camera),
        )
    return table


def _now(camera: CameraView) -> Text:
    if camera.state in ("down", "failed"):
        return Text(camera.detail, style="red")
    return Text(", ".join(camera.findings) or "clear", style="bold" if camera.findings else "dim")


def _cases(now: Snapshot) -> Table:
    table = Table("case", "", "what", "cell", "place", "pictures", box=None, pad_edge=False)
    for case in now.cases[:_CASES_SHOWN]:
        table.add_row(
            f"{case.case_id[:8]} r{case.revision}",
            case.status,
            f"{case.category.codes[0].code} {case.category.name_zh} {case.category.name_en}",
            case.grid_cell,
            case.place,
            _folder(case),
        )
    return table


def _folder(case: CaseDraft) -> str:
    return str(case.evidence[0].path.parent) if case.evidence else "-"
