"""How the page says no, and how it knows that it was asked by itself."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from starlette.responses import JSONResponse, Response

from edge.errors import Code, GridpatrolError

STATIC = Path(str(files("edge.console") / "static"))
ASKS = "X-Gridpatrol-Asks"
"""A page from elsewhere cannot set this header: the browser would ask this server first whether it
may, and nothing here says yes."""


def refused(code: Code, what: str, status: int) -> Response:
    """One line that says what was wrong, with its code."""
    return JSONResponse({"code": str(code), "error": what}, status)


def forbidden(what: str) -> Response:
    """Not from here, or not by this page."""
    return refused(Code.CON_FORBIDDEN, what, 403)


def failed(error: GridpatrolError) -> Response:
    """The box could not do it now."""
    return refused(error.code, f"{error.what}. {error.fix}", 503)
