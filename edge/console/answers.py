"""How the page says no."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from starlette.responses import JSONResponse, Response

from edge.errors import Code, GridpatrolError

STATIC = Path(str(files("edge.console") / "static"))

NOT_LOGGED = "who looks cannot be written down now, so it is not shown; look after the box's disk"


def refused(code: Code, what: str, status: int) -> Response:
    """One line that says what was wrong, with its code."""
    return JSONResponse({"code": str(code), "error": what}, status)


def forbidden(what: str) -> Response:
    """Not from here, or not by this page."""
    return refused(Code.CON_FORBIDDEN, what, 403)


def failed(error: GridpatrolError, status: int = 503) -> Response:
    """The box could not do it, by default: not now."""
    return refused(error.code, f"{error.what}. {error.fix}", status)
