"""Who looks at the console: what every handler asks and every record of an access names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request

Role = Literal["viewer", "operator", "admin"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person (or, without log-in, a place) that asks the console for something.

    Args:
        name: the user's name; ``local`` where no log-in is asked for.
        role: what they may: a viewer sees, an operator acts, an admin manages users.
        address: IP address the request came from.
    """

    name: str
    role: Role
    address: str


def viewer(request: Request) -> Viewer:
    """Who sent this request."""
    return Viewer("local", "admin", request.client.host if request.client else "")
