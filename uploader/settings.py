"""What the two ends need to know about the broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edge.signing import Verifier
from uploader.contract.properties import Sign
from uploader.quota import Quota
from uploader.s3 import S3Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerLogin:
    """How to reach a broker.

    Attributes:
        host, port: where it listens.
        username, password: None for a broker without login; the password is never shown.
        tls: use TLS; implied by any of the files.
        ca_file: trusted certificates; the system's when None.
        cert_file, key_file: own certificate and key (mutual TLS).
        root: first topic level.
        keepalive_s: a dead connection is noticed after 1.5 times this.
    """

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    root: str = "gridpatrol"
    keepalive_s: int = 30

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.tls or self.ca_file is not None or self.cert_file is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink(BrokerLogin):
    """The edge box's side.

    Attributes:
        city: GB/T 2260 code of the city.
        node: the box, ``[a-z0-9-]{3,32}``.
        receipt_timeout_s: a row without a receipt is sent again after this.
        chunk_bytes: evidence travels in pieces of at most this size; less when the broker
            announces a smaller packet size.
        backlog_bytes_per_s: what was not fresh goes out no faster; 0: no bound.
        s3: the store that evidence goes to; None: it goes over MQTT, in chunks.
        version: of the software, shown in the presence message.
        sign: signs every message of the box; None: they go unsigned.
        receipt_keys: only receipts that one of these signed count; None: any receipt does.
        quota: new cases that the platform's desk can take; None: all go at once.
    """

    city: str
    node: str
    receipt_timeout_s: float = 20.0
    chunk_bytes: int = 131072
    backlog_bytes_per_s: int = 2_097_152
    s3: S3Settings | None = None
    version: str = ""
    sign: Sign | None = field(default=None, repr=False)
    receipt_keys: Verifier | None = None
    quota: Quota | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Downlink(BrokerLogin):
    """The platform's side.

    Attributes:
        group: name of a shared subscription; its workers must share one store, because the chunks
            of one file may reach different workers.
        signatures: ``off``: not looked at; ``flag``: every case says what its signature is worth;
            ``require``: without a valid one nothing is taken.
        box_keys: public keys (PEM files) by ``city/node``; such a box is trusted by these only.
        first_use: a box that is not listed is trusted by the first key it reports.
        signing_key: the platform's private key (PEM): receipts and commands are signed with it.
        retry_after_s: what a box is told when the store is out of order.
        hold_s: a worker that is silent for so long loses the cases it has in hand to others.
        gap_after_s: missing messages are told of after this.
        s3: the store that boxes put evidence into, as this side reaches it; fetched files are
            kept like those that came over MQTT.
    """

    group: str | None = None
    signatures: Literal["off", "flag", "require"] = "flag"
    box_keys: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    first_use: bool = True
    signing_key: Path | None = None
    retry_after_s: float = 10.0
    hold_s: float = 30.0
    gap_after_s: float = 60.0
    s3: S3Settings | None = None
