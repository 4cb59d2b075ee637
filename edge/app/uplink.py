"""The way to the platform, as the settings call for it."""

from __future__ import annotations

from pathlib import Path

from edge import __version__
from edge.config.model import Settings
from uploader.commands import Commands
from uploader.publisher import Uploader
from uploader.settings import Uplink
from uploader.signing import Signer, load_or_make_signer, trusted


def build_uploader(settings: Settings, database: Path, commands: Commands) -> Uploader:
    """The uploader; not started yet.

    Raises:
        ConfigError: the box's own key is not in order.
    """
    mqtt = settings.mqtt
    tls = mqtt.tls
    signer = box_signer(settings)
    return Uploader(
        Uplink(
            host=mqtt.host,
            port=mqtt.port,
            username=mqtt.username,
            password=mqtt.password.get_secret_value() if mqtt.password else None,
            ca_file=tls.ca_file if tls else None,
            cert_file=tls.cert_file if tls else None,
            key_file=tls.key_file if tls else None,
            root=mqtt.root,
            city=settings.box.city,
            node=settings.box.id,
            keepalive_s=mqtt.keepalive_s,
            receipt_timeout_s=mqtt.receipt_timeout_s,
            chunk_bytes=mqtt.chunk_bytes,
            backlog_bytes_per_s=mqtt.backlog_bytes_per_s,
            version=__version__,
            sign=signer.sign if signer else None,
            receipt_keys=trusted(mqtt.trusted_keys) if mqtt.signed_receipts else None,
        ),
        database,
        commands=commands,
    )


def box_signer(settings: Settings) -> Signer | None:
    """The box's key, made at the first start; None where messages go unsigned.

    Raises:
        ConfigError: the key is not in order.
    """
    if not settings.mqtt.sign:
        return None
    return load_or_make_signer(settings.box.state_dir / "keys" / "box.pem")
