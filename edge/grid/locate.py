"""Where on the ground a box stands, and how we know it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edge.config.cameras import Position
from edge.config.model import CameraSettings, HomographySettings
from edge.errors import Code, ConfigError
from edge.geometry import FARTHEST_M, METRES_PER_DEGREE, Box, GroundPlane, to_metres
from edge.grid.cells import CellMap
from edge.grid.coordinates import LonLat, to_cgcs2000

Method = Literal["homography", "zone_anchor", "camera"]


@dataclass(frozen=True, slots=True)
class Spot:
    """A ground point, the unit grid cell it lies in, and the method that gave it."""

    lon: float
    lat: float
    method: Method
    cell: str


def where_stands(position: Position) -> LonLat:
    """A configured point in CGCS2000 degrees."""
    return to_cgcs2000(position.lon, position.lat, position.datum)


class Locator:
    """Ground points of one camera.

    Raises:
        ConfigError: the camera stands in no cell, or its homography cannot be solved.
    """

    def __init__(self, camera: CameraSettings, cells: CellMap) -> None:
        position = camera.position
        self._camera = where_stands(position)
        self._anchors = {
            zone.id: to_cgcs2000(*zone.anchor, position.datum)
            for zone in camera.zones
            if zone.anchor is not None
        }
        self._cells = cells
        home = cells.cell_at(*self._camera)
        if home is None:
            raise ConfigError(
                Code.CFG_GRID,
                f"camera {camera.id}",
                f"position {self._camera[0]:.6f}, {self._camera[1]:.6f} lies in no grid cell",
                "Correct the position (lon, lat, datum) or add the cell",
            )
        self._home = home
        self._ground = (
            _solve(camera.id, camera.homography, self._camera, position.datum)
            if camera.homography
            else None
        )

    def locate(self, zone_id: str, box: Box) -> Spot:
        """The spot of a box: by homography, else the zone's anchor, else the camera itself."""
        point = self._project(box)
        if point is not None and (cell := self._cells.cell_at(*point)) is not None:
            return Spot(*point, "homography", cell)
        anchor = self._anchors.get(zone_id)
        if anchor is not None and (cell := self._cells.cell_at(*anchor)) is not None:
            return Spot(*anchor, "zone_anchor", cell)
        return Spot(*self._camera, "camera", self._home)

    def _project(self, box: Box) -> LonLat | None:
        metres = self._ground.at(*box.foot) if self._ground else None
        if metres is None or math.hypot(*metres) > FARTHEST_M:
            return None
        return _from_local(self._camera, *metres)


def _solve(camera_id: str, settings: HomographySettings, origin: LonLat, datum: str) -> GroundPlane:
    """Picture to metres east and north of the camera; degrees are too small to solve in."""
    ground = [to_metres(origin, to_cgcs2000(lon, lat, datum)) for lon, lat in settings.ground]
    try:
        return GroundPlane(settings.image, ground)
    except ValueError as error:
        raise ConfigError(
            Code.CFG_GRID,
            f"camera {camera_id} homography",
            str(error),
            "Choose four points of which no three lie on a line",
        ) from error


def _from_local(origin: LonLat, east_m: float, north_m: float) -> LonLat:
    shrink = math.cos(math.radians(origin[1]))
    return (
        origin[0] + east_m / (METRES_PER_DEGREE * shrink),
        origin[1] + north_m / METRES_PER_DEGREE,
    )
