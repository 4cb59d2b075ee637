"""The pages the box serves, put together from its settings."""

from __future__ import annotations

from edge.app.uplink import resending
from edge.config.model import Settings
from edge.console.access.policy import Access
from edge.console.board import Board
from edge.console.looked import Looking, looked_routes
from edge.console.spot_check import ReviewRoom, review_routes
from edge.console.web import ConsoleServer
from edge.review.sample import SpotCheck
from edge.scenes.finding import Words


def build_console(settings: Settings, board: Board) -> ConsoleServer:
    """The pages; not listening yet.

    Raises:
        GridpatrolError: users or a log cannot be opened, or the certificate is not fit.
    """
    console, looking = settings.console, Looking(settings.box.state_dir)
    return ConsoleServer(
        console.host,
        console.port,
        board,
        resending(settings),
        more=[*review_routes(_review_room(settings, looking)), *looked_routes(looking)],
        access=Access(console, settings.box.state_dir),
        looking=looking,
    )


def _review_room(settings: Settings, looking: Looking) -> ReviewRoom:
    state = settings.box.state_dir
    return ReviewRoom(
        SpotCheck(state / "gridpatrol.db", state / "evidence"),
        {c.id: Words(c.name_zh or c.id, c.name_en or c.id) for c in settings.cameras},
        settings.box.time_zone,
        looking,
    )
