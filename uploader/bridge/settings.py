"""The bridge's configuration file; ``docs/platform.md`` is its manual."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from edge.config.delivery import BrokerSection, TlsSettings
from edge.config.load import load_model
from edge.config.section import Section, TimeZone
from uploader.settings import Downlink

Url = Annotated[str, Field(pattern=r"^https?://[^\s?#@]+$")]
_Seconds = Annotated[float, Field(gt=0, le=86400)]


class BrokerSettings(BrokerSection):
    """The broker that the boxes deliver to."""

    signatures: Literal["off", "flag", "require"] = "flag"
    signing_key: Path | None = None


class HttpSettings(Section):
    """How calls are made to a city's system.

    ``settle_s``: after a lost answer the city is asked what it knows only when it has had so long
    to finish. ``attempts``: so often its own errors are borne before a case is put aside.
    """

    url: Url
    mapping: Path | None = None
    ca_file: Path | None = None
    timeout_s: _Seconds = 60.0
    settle_s: Annotated[float, Field(ge=0, le=3600)] = 30.0
    per_minute: Annotated[float, Field(gt=0, le=6000)] = 20.0
    attempts: Annotated[int, Field(ge=1, le=1000)] = 8


class V22Settings(HttpSettings):
    """An intake in V22's words. ``oauth_url``: where login is, when it is not under ``url``."""

    oauth_url: Url | None = None
    sender_code: str
    client_id: str
    client_secret: SecretStr
    secret_encryption: str = "sm2"  # noqa: S105 - the name of a cipher
    poll_s: Annotated[float, Field(gt=0, le=86400)] = 300.0
    check_looks: Annotated[int, Field(ge=1, le=20)] = 3
    check_over_s: Annotated[float, Field(ge=0, le=600)] = 300.0
    check_within_s: _Seconds = 3600.0


class Gat1400Settings(HttpSettings):
    """A view library (视图库) of GA/T 1400. ``device_id``: what this bridge registers as."""

    device_id: Annotated[str, Field(pattern=r"^[0-9]{20}$")]
    username: str
    password: SecretStr
    keepalive_s: _Seconds = 60.0


class MetricsSettings(Section):
    """Where ``/metrics`` is read; without a login, so keep it to those who watch."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8471


class BridgeSettings(Section):
    """The whole file: one broker, one city's system.

    ``hold_s``: what a killed bridge had in hand is taken up again after so long.
    ``metrics``: none are served when it is left out.
    """

    mqtt: BrokerSettings
    state_dir: Path = Path("bridge")
    database: SecretStr | None = None
    time_zone: TimeZone = "Asia/Shanghai"
    hold_s: Annotated[float, Field(ge=1, le=3600)] = 30.0
    metrics: MetricsSettings | None = None
    v22: V22Settings | None = None
    gat1400: Gat1400Settings | None = None

    @model_validator(mode="after")
    def _one_city(self) -> BridgeSettings:
        if (self.v22 is None) == (self.gat1400 is None):
            raise ValueError("give v22 or gat1400, one of them")
        return self

    @property
    def http(self) -> HttpSettings:
        """Of whichever system it is."""
        found = self.v22 or self.gat1400
        assert found is not None  # noqa: S101 - validated
        return found

    def downlink(self) -> Downlink:
        """What the receiver library wants to know."""
        mqtt = self.mqtt
        tls = mqtt.tls or TlsSettings()
        return Downlink(
            host=mqtt.host,
            port=mqtt.port,
            username=mqtt.username,
            password=mqtt.password.get_secret_value() if mqtt.password else None,
            tls=mqtt.tls is not None,
            ca_file=tls.ca_file,
            cert_file=tls.cert_file,
            key_file=tls.key_file,
            root=mqtt.root,
            signatures=mqtt.signatures,
            signing_key=mqtt.signing_key,
            hold_s=self.hold_s,
        )


def load_bridge(path: Path) -> BridgeSettings:
    """Read and check a bridge's file; relative paths are taken from its folder.

    Raises:
        ConfigError: it cannot be read, or a key, value or secret is not in order.
    """
    settings = load_model(path, BridgeSettings)
    folder = path.resolve().parent

    def at(file: Path | None) -> Path | None:
        return None if file is None else folder / file

    mqtt = settings.mqtt
    tls = mqtt.tls and mqtt.tls.model_copy(
        update={name: at(getattr(mqtt.tls, name)) for name in TlsSettings.model_fields}
    )
    mqtt = mqtt.model_copy(update={"tls": tls, "signing_key": at(mqtt.signing_key)})
    cities = {
        name: city.model_copy(update={"mapping": at(city.mapping), "ca_file": at(city.ca_file)})
        for name in ("v22", "gat1400")
        if (city := getattr(settings, name)) is not None
    }
    moved = {"mqtt": mqtt, "state_dir": folder / settings.state_dir, **cities}
    return settings.model_copy(update=moved)
