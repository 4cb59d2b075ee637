"""The configuration, as typed and bounded values. ``configs/gridpatrol.yaml`` is the manual.

Unknown keys are refused: a misspelt key that is silently ignored is worse than an error.
"""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)
from shapely.geometry import Polygon
from shapely.validation import explain_validity

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,30}[a-z0-9]$")]
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600)]
Share = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Share, Share]
Tiles = Annotated[str, Field(pattern=r"^(auto|off|[1-9]x[1-9])$")]

_DAY_END = time(23, 59, 59, 999999)


class Section(BaseModel):
    """Base of every part of the file: frozen, and strict about unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _known_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}; use an IANA name like Asia/Shanghai") from (
            error
        )
    return name


TimeZone = Annotated[str, AfterValidator(_known_time_zone)]


def _simple_polygon(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if len(points) < 3:
        raise ValueError(f"a zone needs at least 3 corners, this one has {len(points)}")
    polygon = Polygon(points)
    if not polygon.is_valid:
        raise ValueError(f"the zone crosses itself ({explain_validity(polygon)}); reorder corners")
    if polygon.area < 1e-4:
        raise ValueError("the zone is empty (less than 0.01 % of the picture)")
    return points


class Hours(Section):
    """A span of the day, in the camera's time zone; ``22:00-02:00`` runs over midnight."""

    start: time
    end: time

    def contains(self, moment: time) -> bool:
        """Whether the time of day lies inside the span."""
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


def _read_hours(value: object) -> object:
    if not isinstance(value, str):
        return value
    start, dash, end = value.replace(" ", "").partition("-")
    if not dash:
        raise ValueError('hours are written "HH:MM-HH:MM"')
    closing = _DAY_END if end == "24:00" else _time_of_day(end)
    return {"start": _time_of_day(start), "end": closing}


def _time_of_day(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f'{text!r} is no time of day; hours are written "HH:MM-HH:MM"') from error


class ZoneSettings(Section):
    """A polygon on a camera's picture and what it is watched for."""

    id: Identifier
    watch: Literal["street_vending", "piled_materials", "illegal_ads"]
    polygon: Annotated[tuple[Point, ...], AfterValidator(_simple_polygon)]
    dwell_s: Seconds = 180.0
    gone_after_s: Seconds = 600.0
    permitted_hours: tuple[Annotated[Hours, BeforeValidator(_read_hours)], ...] = ()
    min_score: Share = 0.4
    min_looks: Annotated[int, Field(ge=1, le=1000)] = 3
    min_size_m: Annotated[float, Field(gt=0, le=500)] | None = None
    max_size_m: Annotated[float, Field(gt=0, le=500)] | None = None
    frontage: bool = False
    permitted_text: tuple[str, ...] = ()
    place: Identifier | None = None
    anchor: tuple[float, float] | None = None


class Position(Section):
    """A point on the ground or a mast, in degrees."""

    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    datum: Literal["cgcs2000", "wgs84", "gcj02"] = "cgcs2000"


class HomographySettings(Section):
    """Four or more points seen on the picture (0–1) and where they lie on the ground (degrees)."""

    image: Annotated[tuple[Point, ...], Field(min_length=4)]
    ground: Annotated[tuple[tuple[float, float], ...], Field(min_length=4)]

    @model_validator(mode="after")
    def _same_length(self) -> HomographySettings:
        if len(self.image) != len(self.ground):
            raise ValueError(f"{len(self.image)} image points but {len(self.ground)} ground points")
        return self


class CameraSettings(Section):
    """One camera, its place, its zones."""

    id: Identifier
    url: SecretStr
    name_zh: str = ""
    name_en: str = ""
    address: Annotated[str, Field(max_length=256)] = ""
    gb28181_id: Annotated[str, Field(pattern=r"^\d{20}$")] | None = None
    position: Position
    time_zone: TimeZone | None = None
    mode: Literal["held", "patrolled"] = "held"
    look_every_s: Annotated[float, Field(ge=0.1, le=3600)] = 2.0
    tiles: Tiles | None = None
    enabled: bool = True
    homography: HomographySettings | None = None
    zones: tuple[ZoneSettings, ...] = ()

    @model_validator(mode="after")
    def _zone_ids_once(self) -> CameraSettings:
        _refuse_repeats("zone id", [zone.id for zone in self.zones])
        return self


class BoxSettings(Section):
    """This edge box."""

    id: Identifier
    city: Annotated[str, Field(pattern=r"^\d{6}$")]
    time_zone: TimeZone = "Asia/Shanghai"
    state_dir: Path = Path("state")


class StreamSettings(Section):
    """How streams are opened and kept."""

    open_timeout_s: Annotated[float, Field(gt=0, le=120)] = 10.0
    read_timeout_s: Annotated[float, Field(gt=0, le=120)] = 10.0
    cameras_per_worker: Annotated[int, Field(ge=1, le=64)] = 4
    reconnect_min_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    reconnect_max_s: Annotated[float, Field(ge=0.1, le=3600)] = 60.0
    hang_after_s: Annotated[float, Field(ge=2, le=600)] = 30.0

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
    tiles: Tiles = "auto"
    threads: Annotated[int, Field(ge=1, le=64)] = 1


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


class DetectorSettings(Section):
    """All kinds of detectors."""

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


class CaseSettings(Section):
    """How sightings become cases."""

    merge_distance_m: Annotated[float, Field(gt=0, le=1000)] = 30.0
    known_distance_m: Annotated[float, Field(gt=0, le=1000)] = 50.0
    known_days: Annotated[float, Field(gt=0, le=3650)] = 30.0
    blur_heads_and_plates: bool = True
    jpeg_quality: Annotated[int, Field(ge=50, le=100)] = 88
    owners: Path | None = None


class StorageSettings(Section):
    """How long delivered cases stay, and what happens when the disk fills up."""

    keep_delivered_days: Annotated[float, Field(ge=0, le=36500)] = 30.0
    quota_mb: Annotated[int, Field(ge=10)] | None = None
    early_free_mb: Annotated[int, Field(ge=0)] = 2048
    tight_free_mb: Annotated[int, Field(ge=0)] = 1024
    full_free_mb: Annotated[int, Field(ge=0)] = 256

    @model_validator(mode="after")
    def _marks_fall(self) -> StorageSettings:
        if not self.early_free_mb >= self.tight_free_mb >= self.full_free_mb:
            raise ValueError("early_free_mb >= tight_free_mb >= full_free_mb must hold")
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


class EvidenceSettings(Section):
    """Where evidence goes: over MQTT in chunks, unless there is a store for it."""

    s3: S3StoreSettings | None = None


class TlsSettings(Section):
    """TLS to the broker; certificate and key make it mutual."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class MqttSettings(Section):
    """The central platform's broker."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    username: str | None = None
    password: SecretStr | None = None
    tls: TlsSettings | None = None
    root: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")] = "gridpatrol"
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


class ConsoleSettings(Section):
    """The operator's page; loopback unless told otherwise."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8470


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
    cameras: Annotated[tuple[CameraSettings, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _camera_ids_once(self) -> Settings:
        _refuse_repeats("camera id", [camera.id for camera in self.cameras])
        return self

    @property
    def active_cameras(self) -> tuple[CameraSettings, ...]:
        """Cameras that are switched on."""
        return tuple(camera for camera in self.cameras if camera.enabled)


def _refuse_repeats(what: str, ids: list[str]) -> None:
    repeated = sorted({name for name in ids if ids.count(name) > 1})
    if repeated:
        raise ValueError(f"{what} used twice: {', '.join(repeated)}")
