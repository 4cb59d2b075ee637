"""Who sent a request, by the way the box was told to know: loopback, log-in or proxy.

- ``local``: whoever reaches loopback is ``local``, an admin. What came through a proxy is refused.
- ``login``: a session cookie, see :mod:`edge.console.access.accounts`.
- ``proxy``: headers of a proxy that logs users in, believed from its addresses alone.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets
import socket
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from edge.config.console import ConsoleProxySettings, ConsoleSettings, Role
from edge.console.access.accounts import Accounts
from edge.console.access.audit import Audit
from edge.console.access.throttle import Throttle
from edge.console.viewer import Viewer

CSRF_HEADER = "X-Gridpatrol-CSRF"
RANK: dict[Role, int] = {"viewer": 1, "operator": 2, "admin": 3}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_NAME_MOST = 128


class Access:
    """Thread-safe.

    Args:
        settings: how to know who asks.
        state: where users and the audit log are kept; None: nowhere, for a page without log-in.

    Raises:
        StoreError: they cannot be opened.
    """

    def __init__(self, settings: ConsoleSettings, state: Path | None = None) -> None:
        self.settings = settings
        self.mode = settings.mode
        if state is None and self.mode == "login":
            raise ValueError("log-in needs a state folder")
        lasts = settings.session
        self.accounts = (
            None
            if state is None
            else Accounts(
                state,
                idle=timedelta(minutes=lasts.idle_min),
                absolute=timedelta(hours=lasts.absolute_h),
            )
        )
        self.audit = None if state is None else Audit(state)
        self.cookie = "__Host-gridpatrol" if settings.tls else "gridpatrol"
        self.addresses = Throttle(20, 300)
        self.names = Throttle(10, 900)
        self.warned = Throttle(1, 300)
        self._secret = os.urandom(32)
        proxy = settings.proxy
        self._passing_on = proxy.trusted if proxy else settings.forwarded_by
        self._hosts = _LOOPBACK | {settings.host.lower(), *(h.lower() for h in settings.hosts)}
        if self.mode != "local":
            self._hosts |= {socket.gethostname().lower()}

    def who(self, request: HTTPConnection, *, used: bool = True) -> Viewer | None:
        """Who sent this; None: nobody that this box knows.

        Args:
            request: what they sent.
            used: a person did it, not the page by itself; see :meth:`Accounts.session`.

        Raises:
            StoreError: the users cannot be read.
        """
        if self.mode == "local":
            passed_on = any(name in request.headers for name in _FORWARDED)
            return None if passed_on else Viewer("local", "admin", self.address(request))
        if self.settings.proxy is not None:
            return _by_proxy(request, self.settings.proxy, self.address(request))
        token = self.token(request)
        found = self.accounts.session(token, used=used) if self.accounts and token else None
        return Viewer(*found, self.address(request)) if found else None

    def address(self, request: HTTPConnection) -> str:
        """Where a request came from: behind machines that are trusted to pass it on, too.

        The last address on the way that is not one of theirs: what stands left of it is hearsay.
        """
        found = request.client.host if request.client else ""
        way = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        for step in reversed(way):
            if not _in(found, self._passing_on) or _address(step.strip()) is None:
                break
            found = str(_address(step.strip()))
        return found

    def token(self, request: HTTPConnection) -> str:
        """The session cookie, empty without one."""
        return request.cookies.get(self.cookie, "")

    def csrf(self, request: HTTPConnection, who: Viewer | None) -> str:
        """What a change must bring along in :data:`CSRF_HEADER`: bound to session or name."""
        bound = f"{self.token(request)}\n{who.name if who else ''}".encode("utf-8", "replace")
        return hmac.new(self._secret, bound, hashlib.sha256).hexdigest()

    def from_here(self, request: HTTPConnection, who: Viewer | None) -> bool:
        """Whether this change was asked for by a page of this box."""
        given = request.headers.get(CSRF_HEADER, "").encode("utf-8", "replace")
        if not secrets.compare_digest(given, self.csrf(request, who).encode()):
            return False
        # Browsers tell it on TLS and on loopback; elsewhere Origin says the same.
        if site := request.headers.get("sec-fetch-site"):
            return site == "same-origin"
        origin = request.headers.get("origin")
        if origin is None:
            return True
        try:
            parts = urlsplit(origin)
            named = parts.hostname in self.settings.hosts
        except ValueError:
            return False
        return named or parts.netloc == request.headers.get("host")

    def may_probe(self, request: HTTPConnection, who: Viewer | None) -> bool:
        """Whether health and metrics are for this one: a user, this machine, or the token."""
        if who is not None:
            return True
        if (token := self.settings.probe_token) is not None:
            expected = f"Bearer {token.get_secret_value()}".encode()
            given = request.headers.get("authorization", "").encode("utf-8", "replace")
            if secrets.compare_digest(given, expected):
                return True
        here = request.client.host if request.client else ""
        passed_on = any(name in request.headers for name in _FORWARDED)
        return _is_loopback(here) and not passed_on and not _in(here, self._passing_on)

    def answers_to(self, host: str) -> bool:
        """Whether this box is called so. DNS rebinding brings a foreign name; an address cannot
        be rebound."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self._hosts:
            return True
        return self.mode != "local" and _address(name) is not None

    def close(self) -> None:
        """Give the files back."""
        if self.accounts:
            self.accounts.close()


def may_act(who: Viewer) -> bool:
    """Whether this one may change anything about cases and letters."""
    return RANK[who.role] >= RANK["operator"]


def throttle_key(address: str) -> str:
    """What counts as one address: of IPv6 the /64 that one customer is given."""
    found = _address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address


def _by_proxy(request: HTTPConnection, proxy: ConsoleProxySettings, address: str) -> Viewer | None:
    if request.client is None or not _in(request.client.host, proxy.trusted):
        return None
    names = request.headers.getlist(proxy.user_header)
    groups = request.headers.getlist(proxy.groups_header)
    # Twice: once by the proxy and once by somebody behind it; which is which nobody knows.
    if len(names) != 1 or len(groups) > 1:
        return None
    name = names[0].strip()
    if not name or len(name) > _NAME_MOST or not name.isprintable():
        return None
    given = [group.strip() for group in groups[0].split(",")] if groups else []
    roles = [proxy.roles[group] for group in given if group in proxy.roles]
    role = max(roles, key=RANK.__getitem__, default=proxy.default_role)
    return Viewer(name, role, address) if role else None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _in(address: str, networks: tuple[str, ...]) -> bool:
    found = _address(address)
    return found is not None and any(found in ipaddress.ip_network(net) for net in networks)


def _is_loopback(address: str) -> bool:
    found = _address(address)
    return found is not None and found.is_loopback
