"""Cameras: where they stand, which zones they watch, and when."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from shapely.geometry import Polygon
from shapely.validation import explain_validity

from edge.config.purpose import PurposeSettings
from edge.config.section import (
    Identifier,
    Kind,
    Point,
    Seconds,
    Section,
    Share,
    Tiles,
    TimeZone,
    refuse_repeats,
)

_DAY_END = time(23, 59, 59, 999999)


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
    watch: Kind
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
    detect_url: SecretStr | None = None
    name_zh: str = ""
    name_en: str = ""
    address: Annotated[str, Field(max_length=256)] = ""
    gb28181_id: Annotated[str, Field(pattern=r"^\d{20}$")] | None = None
    position: Position
    time_zone: TimeZone | None = None
    mode: Literal["held", "patrolled"] = "held"
    look_every_s: Annotated[float, Field(ge=0.1, le=3600)] = 2.0
    platform: Identifier | None = None
    looks_per_visit: Annotated[int, Field(ge=1, le=10)] = 1
    hours: tuple[Annotated[Hours, BeforeValidator(_read_hours)], ...] = ()
    tiles: Tiles | None = None
    enabled: bool = True
    homography: HomographySettings | None = None
    purpose: PurposeSettings | None = None
    zones: tuple[ZoneSettings, ...] = ()

    @model_validator(mode="after")
    def _zone_ids_once(self) -> CameraSettings:
        refuse_repeats("zone id", [zone.id for zone in self.zones])
        return self

    @model_validator(mode="after")
    def _two_live_streams(self) -> CameraSettings:
        if self.detect_url is None:
            return self
        if self.mode != "held":
            raise ValueError("detect_url is for held cameras: a visit opens the main stream anyway")
        if not all(_is_rtsp(url) for url in (self.url, self.detect_url)):
            raise ValueError("with detect_url both streams must be rtsp:// or rtsps://")
        return self


def _is_rtsp(url: SecretStr) -> bool:
    return urlsplit(url.get_secret_value()).scheme in ("rtsp", "rtsps")
