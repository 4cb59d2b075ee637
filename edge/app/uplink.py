"""The way to the platform, as the settings call for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from edge import __version__
from edge.config.model import Settings
from edge.signing import Signer, load_or_make_signer, trusted
from uploader.commands import Commands
from uploader.letters import Letters
from uploader.outbox import Outbox
from uploader.publisher import Uploader
from uploader.quota import quota_of
from uploader.s3 import S3Settings
from uploader.settings import Uplink


def build_uploader(settings: Settings, database: Path, commands: Commands) -> Uploader:
    """The uploader; not started yet.

    Raises:
        ConfigError: the box's own key is not in order.
        GridpatrolError: an evidence store is configured and the extra ``s3`` is not installed.
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
            s3=evidence_store(settings),
            quota=quota_of(settings),
        ),
        database,
        commands=commands,
    )


def evidence_store(settings: Settings) -> S3Settings | None:
    """Where evidence goes; None: over MQTT, in chunks."""
    chosen = settings.evidence.s3
    if chosen is None:
        return None
    return S3Settings(
        endpoint=chosen.endpoint.rstrip("/"),
        bucket=chosen.bucket,
        access_key=chosen.access_key,
        secret_key=chosen.secret_key.get_secret_value(),
        region=chosen.region,
        prefix=chosen.prefix,
        public_url=chosen.public_url,
        ca_file=chosen.ca_file,
        when_down=chosen.when_down,
    )


def open_outbox(settings: Settings, database: Path) -> Outbox:
    """The outbox of this box, for those who put letters into it.

    Raises:
        StoreError: the database cannot be opened.
    """
    box, s3 = settings.box, evidence_store(settings)
    url_of = None if s3 is None else partial(s3.url, box.city, box.id)
    quota = quota_of(settings)
    return Outbox(database, city=box.city, node=box.id, url_of=url_of, quota=quota)


def box_signer(settings: Settings) -> Signer | None:
    """The box's key, made at the first start; None where messages go unsigned.

    Raises:
        ConfigError: the key is not in order.
    """
    if not settings.mqtt.sign:
        return None
    return evidence_signer(settings)


def evidence_signer(settings: Settings) -> Signer:
    """The same key for the evidence chain, which is signed also where messages are not.

    Raises:
        ConfigError: the key is not in order.
    """
    return load_or_make_signer(key_path(settings.box.state_dir))


def key_path(state_dir: Path) -> Path:
    """Where a box keeps its private key."""
    return state_dir / "keys" / "box.pem"


def resending(settings: Settings) -> Callable[[int], bool]:
    """Makes a dead letter due again; opens the outbox for each, as the command does."""

    def resend(seq: int) -> bool:
        shelf = Letters(settings.box.state_dir / "gridpatrol.db")
        try:
            return bool(shelf.resend([seq]))
        finally:
            shelf.close()

    return resend
