"""The pages the box serves, put together from its settings."""

from __future__ import annotations

from edge.app.uplink import resending
from edge.config.model import Settings
from edge.console.access.policy import Access
from edge.console.board import Board
from edge.console.spot_check import ReviewRoom, review_routes
from edge.console.web import ConsoleServer
from edge.review.sample import SpotCheck
from edge.scenes.finding import Words


def build_console(settings: Settings, board: Board) -> ConsoleServer:
    """The pages; not listening yet.

    Raises:
        GridpatrolError: users or audit log cannot be opened, or the certificate is not fit.
    """
    console = settings.console
    return ConsoleServer(
        console.host,
        console.port,
        board,
        resending(settings),
        review_routes(_review_room(settings)),
        access=Access(console, settings.box.state_dir),
    )


def _review_room(settings: Settings) -> ReviewRoom:
    state = settings.box.state_dir
    return ReviewRoom(
        SpotCheck(state / "gridpatrol.db", state / "evidence"),
        {c.id: Words(c.name_zh or c.id, c.name_en or c.id) for c in settings.cameras},
        settings.box.time_zone,
    )
