"""The configuration, as typed and bounded values. ``configs/gridpatrol.yaml`` is the manual.

Unknown keys are refused: a misspelt key that is silently ignored is worse than an error.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from edge.config.cameras import (
    CameraSettings,
    HomographySettings,
    Hours,
    Position,
    ZoneSettings,
)
from edge.config.console import ConsoleSettings
from edge.config.delivery import (
    EvidenceSettings,
    MqttSettings,
    RetentionSettings,
    S3StoreSettings,
    StorageSettings,
    TlsSettings,
)
from edge.config.purpose import PurposeRules, PurposeSettings
from edge.config.section import (
    Identifier,
    Kind,
    Seconds,
    Section,
    Share,
    Tiles,
    TimeZone,
    refuse_repeats,
)

__all__ = [
    "BoxSettings",
    "CameraSettings",
    "CaseSettings",
    "ConsoleSettings",
    "DetectorSettings",
    "EvidenceSettings",
    "GridSettings",
    "HomographySettings",
    "Hours",
    "Identifier",
    "MqttSettings",
    "ObjectSettings",
    "PaceSettings",
    "PatrolSettings",
    "Position",
    "PurposeRules",
    "PurposeSettings",
    "RetentionSettings",
    "S3StoreSettings",
    "SecondLookSettings",
    "Section",
    "Settings",
    "StaticSettings",
    "StorageSettings",
    "StreamSettings",
    "TextSettings",
    "TlsSettings",
    "ZoneSettings",
]


class BoxSettings(Section):
    """This edge box."""

    id: Identifier
    city: Annotated[str, Field(pattern=r"^\d{6}$")]
    time_zone: TimeZone = "Asia/Shanghai"
    state_dir: Path = Path("state")


class PatrolSettings(Section):
    """What all visits to patrolled cameras may cost together."""

    looks_per_s: Annotated[float, Field(gt=0, le=1000)] | Literal["auto"] = "auto"
    max_open: Annotated[int, Field(ge=1, le=256)] = 16
    platforms: dict[Identifier, Annotated[int, Field(ge=1, le=256)]] = Field(default_factory=dict)


class StreamSettings(Section):
    """How streams are opened and kept."""

    open_timeout_s: Annotated[float, Field(gt=0, le=120)] = 10.0
    read_timeout_s: Annotated[float, Field(gt=0, le=120)] = 10.0
    key_frame_timeout_s: Annotated[float, Field(gt=0, le=300)] = 20.0
    cameras_per_worker: Annotated[int, Field(ge=1, le=64)] = 4
    reconnect_min_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    reconnect_max_s: Annotated[float, Field(ge=0.1, le=3600)] = 60.0
    hang_after_s: Annotated[float, Field(ge=2, le=600)] = 30.0
    evidence_wait_s: Annotated[float, Field(ge=1, le=120)] = 10.0
    patrol: PatrolSettings = PatrolSettings()

    @model_validator(mode="after")
    def _patience_outlasts_timeouts(self) -> StreamSettings:
        longest = max(self.open_timeout_s, self.read_timeout_s)
        if self.hang_after_s <= longest:
            raise ValueError(
                f"hang_after_s ({self.hang_after_s:g}) must be longer than open_timeout_s and "
                f"read_timeout_s ({longest:g}), or a slow camera is taken for a hung one"
            )
        return self


class ObjectSettings(Section):
    """The object detectors: model folders, tried in order of the list."""

    models: tuple[str, ...] = ("coco-nanodet", "rubbish", "outdoor-ads")
    models_dir: Path | None = None
    provider: Literal["auto", "cpu", "cuda", "tensorrt", "openvino"] = "auto"
    precision: Literal["auto", "fp32", "int8"] = "auto"
    tiles: Tiles = "auto"
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    at_once: Annotated[int, Field(ge=1, le=64)] | None = None


class StaticSettings(Section):
    """What is new against a learned background and stays."""

    enabled: bool = True
    learn_s: Seconds = 60.0
    stay_s: Seconds = 20.0
    min_area: Annotated[float, Field(gt=0, le=0.5)] = 0.0008
    max_area: Annotated[float, Field(gt=0, le=1)] = 0.25


class TextSettings(Section):
    """OCR of the zones watched for illegal ads."""

    enabled: bool = True
    every_s: Seconds = 20.0
    learn_s: Annotated[float, Field(ge=0, le=7 * 24 * 3600)] = 60.0
    min_score: Share = 0.6
    patterns: Path | None = None
    numbers: Literal["masked", "hashed", "clear"] = "masked"


class SecondLookSettings(Section):
    """What would open a case is judged again on larger and mirrored crops."""

    enabled: bool = True
    min_score: Share = 0.3
    again_after_s: Seconds = 60.0
    look_alikes: str | None = "look-alikes"


class GateSettings(Section):
    """Looks on which nothing has changed are answered from the look before, without the model."""

    enabled: bool = True
    model_every_looks: Annotated[int, Field(ge=1, le=1000)] = 10
    model_every_s: Annotated[float, Field(ge=1, le=24 * 3600)] = 300.0


class DetectorSettings(Section):
    """All kinds of detectors."""

    gate: GateSettings = GateSettings()
    object: ObjectSettings = ObjectSettings()
    static: StaticSettings = StaticSettings()
    text: TextSettings = TextSettings()
    second_look: SecondLookSettings = SecondLookSettings()
    max_batch: Annotated[int, Field(ge=1, le=64)] = 4


class GridSettings(Section):
    """Unit grid cells (单元网格)."""

    cells: Path
    code_property: str = "code"
    code_length: Annotated[int, Field(ge=9, le=20)] = 15


class PaceSettings(Section):
    """How many new cases the platform's desk is sent; the surplus waits in order of priority."""

    daily_quota: Annotated[int, Field(ge=1, le=100_000)] | None = 500
    per_hour: Annotated[int, Field(ge=1, le=100_000)] | None = None
    always: tuple[Literal["urgent"] | Kind, ...] = ("urgent",)
    first: tuple[Kind, ...] = ()

    @model_validator(mode="after")
    def _kinds_once(self) -> PaceSettings:
        refuse_repeats("kind", list(self.first))
        return self


class CaseSettings(Section):
    """How sightings become cases."""

    merge_distance_m: Annotated[float, Field(gt=0, le=1000)] = 30.0
    known_distance_m: Annotated[float, Field(gt=0, le=1000)] = 50.0
    known_days: Annotated[float, Field(gt=0, le=3650)] = 30.0
    blur_heads_and_plates: bool | None = None
    jpeg_quality: Annotated[int, Field(ge=50, le=100)] = 88
    owners: Path | None = None
    pace: PaceSettings = PaceSettings()


class Settings(Section):
    """The whole file."""

    box: BoxSettings
    mqtt: MqttSettings
    grid: GridSettings
    streams: StreamSettings = StreamSettings()
    detectors: DetectorSettings = DetectorSettings()
    cases: CaseSettings = CaseSettings()
    storage: StorageSettings = StorageSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    console: ConsoleSettings = ConsoleSettings()
    purpose: PurposeRules = PurposeRules()
    cameras: Annotated[tuple[CameraSettings, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _camera_ids_once(self) -> Settings:
        refuse_repeats("camera id", [camera.id for camera in self.cameras])
        return self

    @model_validator(mode="after")
    def _platforms_are_used(self) -> Settings:
        named = {camera.platform for camera in self.cameras}
        unused = sorted(set(self.streams.patrol.platforms) - named)
        if unused:
            raise ValueError(
                f"streams.patrol.platforms names {', '.join(unused)}, but no camera has such a "
                "platform"
            )
        return self

    @model_validator(mode="after")
    def _one_redaction(self) -> Settings:
        old, chosen = self.cases.blur_heads_and_plates, self.evidence.redaction
        said = "redaction" in self.evidence.model_fields_set
        if old is not None and said and old != (chosen != "none"):
            raise ValueError(
                "cases.blur_heads_and_plates is the old name of evidence.redaction and says "
                f"otherwise ({str(old).lower()} against {chosen}); leave the old one out"
            )
        return self

    @property
    def redaction(self) -> Literal["none", "face+plate", "person"]:
        """What pictures must not show; ``cases.blur_heads_and_plates`` is its old name."""
        return "none" if self.cases.blur_heads_and_plates is False else self.evidence.redaction

    def purpose_of(self, camera: CameraSettings) -> PurposeSettings | None:
        """Why it is watched: its own record, or the one for all."""
        return camera.purpose or self.purpose.default

    def lacking_purpose(self, day: date) -> tuple[str, ...]:
        """Cameras that are switched on without a purpose in force, unless that is accepted."""
        if self.purpose.missing == "accept":
            return ()
        found = {camera.id: self.purpose_of(camera) for camera in self.cameras if camera.enabled}
        return tuple(n for n, purpose in found.items() if not purpose or not purpose.in_force(day))

    @property
    def active_cameras(self) -> tuple[CameraSettings, ...]:
        """Cameras that are switched on and may be watched."""
        unsaid = self.purpose.missing == "refuse"
        return tuple(
            camera
            for camera in self.cameras
            if camera.enabled and not (unsaid and self.purpose_of(camera) is None)
        )
