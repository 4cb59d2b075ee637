"""The operator's page: where it listens, who may see it."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from edge.config.section import Section

Role = Literal["viewer", "operator", "admin"]
"""What a user may: a viewer sees, an operator acts, an admin manages users."""

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]


def _network(text: str) -> str:
    ipaddress.ip_network(text)
    return text


Network = Annotated[str, AfterValidator(_network)]


class ConsoleTlsSettings(Section):
    """Certificate (with its chain) and key, PEM."""

    cert: Path
    key: Path


class ConsoleProxySettings(Section):
    """A proxy that logs users in and says who they are."""

    trusted: Annotated[tuple[Network, ...], Field(min_length=1)]
    user_header: HeaderName = "X-Forwarded-User"
    groups_header: HeaderName = "X-Forwarded-Groups"
    roles: dict[str, Role] = Field(default_factory=dict)
    default_role: Role | None = None

    @model_validator(mode="after")
    def _somebody_may(self) -> ConsoleProxySettings:
        if not self.roles and self.default_role is None:
            raise ValueError("nobody could come in: give roles, default_role, or both")
        return self


class ConsoleSessionSettings(Section):
    """How long a log-in lasts."""

    idle_min: Annotated[int, Field(ge=1, le=7 * 24 * 60)] = 8 * 60
    absolute_h: Annotated[int, Field(ge=1, le=30 * 24)] = 24


class ConsoleSettings(Section):
    """The operator's page; loopback unless told otherwise."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8470
    access: Literal["local", "login", "proxy"] | None = None
    hosts: tuple[str, ...] = ()
    tls: ConsoleTlsSettings | None = None
    plain_http: bool = False
    forwarded_by: tuple[Network, ...] = ()
    probe_token: SecretStr | None = None
    proxy: ConsoleProxySettings | None = None
    session: ConsoleSessionSettings = ConsoleSessionSettings()

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the page."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def mode(self) -> Literal["local", "login", "proxy"]:
        """Without a word: no log-in on loopback, log-in anywhere else."""
        return self.access or ("local" if self.loopback else "login")

    @model_validator(mode="after")
    def _fits_together(self) -> ConsoleSettings:
        if not self.enabled:
            return self
        if self.mode == "local" and not self.loopback:
            raise ValueError(
                "access: local is for loopback only, and console.host is not; use login or proxy"
            )
        if (self.mode == "proxy") != (self.proxy is not None):
            raise ValueError("access: proxy and the section console.proxy belong together")
        if not (self.loopback or self.tls or self.plain_http):
            raise ValueError(
                "passwords would cross the network in clear: give console.tls, or set "
                "console.plain_http: true where another machine ends TLS"
            )
        if self.forwarded_by and self.mode != "login":
            raise ValueError("forwarded_by is for access: login; a proxy's is proxy.trusted")
        if self.probe_token is not None and len(self.probe_token.get_secret_value()) < 16:
            raise ValueError("probe_token is too short: 16 characters at least")
        return self
