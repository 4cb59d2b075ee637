"""Who looks at the console: what every handler asks and every record of an access names."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from edge.config.console import Role

SCOPE = "gridpatrol.viewer"


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


def viewer(request: HTTPConnection) -> Viewer:
    """Who sent this request; only for routes whose rule asks for a role.

    Raises:
        LookupError: the route is open to anybody, and nobody is logged in.
    """
    found = request.scope.get(SCOPE)
    if not isinstance(found, Viewer):
        raise LookupError("nobody is logged in here")
    return found
