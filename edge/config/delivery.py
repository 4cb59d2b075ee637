"""What is kept on the box, and the way to the platform."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from edge.config.section import Kind, Section

Days = Annotated[float, Field(ge=0, le=36500, allow_inf_nan=False)]


class RetentionSettings(Section):
    """How long which cases stay where ``keep_delivered_days`` is not right for all of them."""

    by_category: dict[Kind, Days] = Field(default_factory=dict)
    by_status: dict[Literal["withdrawn", "answered", "unseen", "rejected"], Days] = Field(
        default_factory=dict
    )
    at_least_days: Days = 0.0


class StorageSettings(Section):
    """How long delivered cases stay, and what happens when the disk fills up."""

    keep_delivered_days: Days = 30.0
    retention: RetentionSettings = RetentionSettings()
    quota_mb: Annotated[int, Field(ge=10)] | None = None
    early_free_mb: Annotated[int, Field(ge=0)] = 2048
    tight_free_mb: Annotated[int, Field(ge=0)] = 1024
    full_free_mb: Annotated[int, Field(ge=0)] = 256

    @model_validator(mode="after")
    def _marks_fall(self) -> StorageSettings:
        if not self.early_free_mb >= self.tight_free_mb >= self.full_free_mb:
            raise ValueError("early_free_mb >= tight_free_mb >= full_free_mb must hold")
        return self

    @model_validator(mode="after")
    def _nothing_below_the_least(self) -> StorageSettings:
        least, chosen = self.retention.at_least_days, self.retention
        said = {"keep_delivered_days": self.keep_delivered_days}
        said |= {f"retention.by_category.{name}": n for name, n in chosen.by_category.items()}
        said |= {f"retention.by_status.{name}": n for name, n in chosen.by_status.items()}
        short = [f"{name} ({days:g})" for name, days in said.items() if days < least]
        if short:
            raise ValueError(
                f"{', '.join(short)} must not be less than retention.at_least_days ({least:g})"
            )
        return self


class S3StoreSettings(Section):
    """An S3-compatible store for evidence; its bucket must exist."""

    endpoint: Annotated[str, Field(pattern=r"^https?://[^/\s]+/?$")]
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    access_key: str
    secret_key: SecretStr
    region: str = "us-east-1"
    prefix: Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]+/)*$")] = ""
    public_url: Annotated[str, Field(pattern=r"^https?://[^/\s]+/?$")] | None = None
    ca_file: Path | None = None
    when_down: Literal["wait", "mqtt"] = "wait"


class ClipSettings(Section):
    """A clip for acts (street vending) of held cameras."""

    seconds: Annotated[float, Field(ge=5, le=15)] = 10.0


class EvidenceSettings(Section):
    """What evidence shows, and where it goes: over MQTT, unless there is a store for it."""

    redaction: Literal["none", "face+plate", "person"] = "face+plate"
    keep_clear: bool = False
    best_frame_mb: Annotated[int, Field(ge=0, le=4096)] = 96
    clip: ClipSettings | None = None

    s3: S3StoreSettings | None = None


class TlsSettings(Section):
    """TLS to the broker; certificate and key make it mutual."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class BrokerSection(Section):
    """How to reach a broker, whoever does."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    username: str | None = None
    password: SecretStr | None = None
    tls: TlsSettings | None = None
    root: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")] = "gridpatrol"


class MqttSettings(BrokerSection):
    """The central platform's broker."""

    keepalive_s: Annotated[int, Field(ge=5, le=600)] = 30
    receipt_timeout_s: Annotated[float, Field(ge=1, le=3600)] = 20.0
    chunk_bytes: Annotated[int, Field(ge=1024, le=16 * 1024 * 1024)] = 131072
    sign: bool = True
    trusted_keys: tuple[Path, ...] = ()
    signed_receipts: bool = False
    backlog_bytes_per_s: Annotated[int, Field(ge=0, le=10**10)] = 2_097_152

    @model_validator(mode="after")
    def _receipts_need_keys(self) -> MqttSettings:
        if self.signed_receipts and not self.trusted_keys:
            raise ValueError("signed_receipts needs the platform's keys; list them in trusted_keys")
        return self
