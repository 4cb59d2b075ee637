"""Links a person follows: what the box prints at its first start, and ``users`` commands print."""

from __future__ import annotations

import socket

from edge.config.console import ConsoleSettings
from edge.console.access.policy import Access
from edge.console.access.routes import link_path


def invitation(access: Access, url: str) -> str:
    """The first admin's one-time link; empty when there is an admin, or no log-in.

    Raises:
        StoreError: the users cannot be written.
    """
    if access.mode != "login" or not access.accounts:
        return ""
    token = access.accounts.first_admin()
    if not token:
        return ""
    if access.audit:
        access.audit.write("start", "user.link", "first admin")
    return link_at(access.settings, token, url)


def link_at(settings: ConsoleSettings, token: str, url: str = "") -> str:
    """A whole link, by the name a browser elsewhere may use.

    Args:
        settings: where the page is.
        token: of the link.
        url: where it listens; empty: as the settings say.
    """
    port = (url or f":{settings.port}").rstrip("/").rpartition(":")[2]
    name = settings.host
    if settings.hosts:
        name = settings.hosts[0]
    elif name in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        name = socket.gethostname()
    name = f"[{name}]" if ":" in name else name
    return f"{'https' if settings.tls else 'http'}://{name}:{port}{link_path(token)}"
