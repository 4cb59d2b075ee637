"""Where on the ground a box stands, and how we know it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from edge.config.model import CameraSettings, HomographySettings
from edge.errors import Code, ConfigError
from edge.geometry import Box
from edge.grid.cells import CellMap
from edge.grid.coordinates import LonLat, to_cgcs2000

Method = Literal["homography", "zone_anchor", "camera"]
_METRES_PER_DEGREE = 111_320.0  # of latitude
_FARTHEST_M = 500.0
"""A foot point above the horizon maps to nonsense far away: then the anchor speaks instead."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A ground point, the unit grid cell it lies in, and the method that gave it."""

    lon: float
    lat: float
    method: Method
    cell: str


class Locator:
    """Ground points of one camera.

    Raises:
        ConfigError: the camera stands in no cell, or its homography cannot be solved.
    """

    def __init__(self, camera: CameraSettings, cells: CellMap) -> None:
        position = camera.position
        self._camera = to_cgcs2000(position.lon, position.lat, position.datum)
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
        self._to_ground = (
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
        if self._to_ground is None:
            return None
        x, y = box.foot
        east, north, scale = self._to_ground @ np.array([x, y, 1.0])
        if abs(scale) < 1e-9:
            return None
        east, north = float(east / scale), float(north / scale)
        if math.hypot(east, north) > _FARTHEST_M:
            return None
        return _from_local(self._camera, east, north)


def _solve(
    camera_id: str, settings: HomographySettings, origin: LonLat, datum: str
) -> npt.NDArray[np.float64]:
    """Picture to metres east and north of the camera; degrees are too small to solve in."""
    ground = [_to_local(origin, to_cgcs2000(lon, lat, datum)) for lon, lat in settings.ground]
    matrix, _ = cv2.findHomography(np.array(settings.image, float), np.array(ground, float))
    if matrix is None or abs(float(np.linalg.det(matrix))) < 1e-9:
        raise ConfigError(
            Code.CFG_GRID,
            f"camera {camera_id} homography",
            "the points do not span a plane",
            "Choose four points of which no three lie on a line",
        )
    return np.asarray(matrix, np.float64)


def _to_local(origin: LonLat, point: LonLat) -> tuple[float, float]:
    shrink = math.cos(math.radians(origin[1]))
    return (
        (point[0] - origin[0]) * _METRES_PER_DEGREE * shrink,
        (point[1] - origin[1]) * _METRES_PER_DEGREE,
    )


def _from_local(origin: LonLat, east_m: float, north_m: float) -> LonLat:
    shrink = math.cos(math.radians(origin[1]))
    return (
        origin[0] + east_m / (_METRES_PER_DEGREE * shrink),
        origin[1] + north_m / _METRES_PER_DEGREE,
    )
