"""Cells, coordinates and ground points."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.model import CameraSettings
from edge.errors import ConfigError
from edge.geometry import Box
from edge.grid.cells import CellMap, load_cells
from edge.grid.coordinates import distance_m, to_cgcs2000, to_gcj02
from edge.grid.locate import Locator

LEFT, RIGHT = "420111001002001", "420111001002002"


def square(code: str, x0: float, y0: float, x1: float, y1: float) -> dict[str, Any]:
    ring = [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]
    return {
        "type": "Feature",
        "properties": {"code": code},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def write(folder: Path, *features: object) -> Path:
    path = folder / "grid.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.fixture
def cells(tmp_path: Path) -> CellMap:
    path = write(
        tmp_path,
        square(LEFT, 114.4120, 30.3400, 114.4130, 30.3410),
        square(RIGHT, 114.4130, 30.3400, 114.4140, 30.3410),
    )
    return load_cells(path, code_property="code", code_length=15)


def test_points_fall_into_their_cell(cells: CellMap) -> None:
    """Inside, outside, and on the common border."""
    assert cells.cell_at(114.4125, 30.3405) == LEFT
    assert cells.cell_at(114.4135, 30.3405) == RIGHT
    assert cells.cell_at(114.5, 30.3405) is None
    assert cells.cell_at(114.4130, 30.3405) == LEFT


BOW_TIE = {
    "type": "Feature",
    "properties": {"code": LEFT},
    "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
}


@pytest.mark.parametrize(
    ("features", "what"),
    [
        ([], "no cell"),
        ([square("123", 0, 0, 1, 1)], "15 digits"),
        ([square(LEFT, 0, 0, 1, 1), square(LEFT, 1, 0, 2, 1)], "twice"),
        ([BOW_TIE], "Self-intersection"),
        ([{"properties": {}, "geometry": None}], "feature 1"),
        ([None], "feature 1"),
    ],
)
def test_bad_grids_are_refused_with_the_feature(
    tmp_path: Path, features: list[object], what: str
) -> None:
    """Which feature, and what is wrong with it."""
    with pytest.raises(ConfigError, match="CFG-006") as caught:
        load_cells(write(tmp_path, *features), code_property="code", code_length=15)
    assert what in str(caught.value)


@given(st.floats(80, 130), st.floats(20, 50))
def test_gcj02_round_trip(lon: float, lat: float) -> None:
    """There and back within a centimetre; the shift itself is tens to hundreds of metres."""
    shifted = to_gcj02(lon, lat)
    back = to_cgcs2000(*shifted, "gcj02")
    assert distance_m(back, (lon, lat)) < 0.01
    assert 5 < distance_m(shifted, (lon, lat)) < 1200


def test_gcj02_of_a_known_point() -> None:
    """Tiananmen: a shift of about 550 m to the east-north-east, as published converters give it."""
    lon, lat = to_gcj02(116.391263, 39.907177)
    assert (round(lon, 4), round(lat, 4)) == (116.3975, 39.9086)


def test_distance_of_a_degree() -> None:
    """One degree of latitude is 111.2 km on the mean sphere."""
    assert distance_m((114, 30), (114, 31)) == pytest.approx(111_195, abs=5)


def camera(**changes: object) -> CameraSettings:
    return CameraSettings.model_validate(
        {
            "id": "cam-1",
            "url": "x",
            "position": {"lon": 114.4125, "lat": 30.3405},
            "zones": [
                {
                    "id": "z-1",
                    "watch": "piled_materials",
                    "polygon": [[0, 0], [1, 0], [1, 1]],
                    "anchor": [114.4135, 30.3405],
                },
                {"id": "z-2", "watch": "piled_materials", "polygon": [[0, 0], [1, 0], [1, 1]]},
            ],
        }
        | changes
    )


GROUND = [
    [114.4125, 30.3406],
    [114.4127, 30.3406],
    [114.4127, 30.3404],
    [114.4125, 30.3404],
]
CORNERS = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]


def test_homography_puts_the_foot_on_the_ground(cells: CellMap) -> None:
    """The lower middle of the box is where it stands."""
    mapped = camera(homography={"image": CORNERS, "ground": GROUND})
    spot = Locator(mapped, cells).locate("z-1", Box(0.4, 0.1, 0.6, 0.5))
    assert spot.method == "homography"
    assert distance_m((spot.lon, spot.lat), (114.4126, 30.3405)) < 0.05


def test_without_homography_the_anchor_then_the_camera(cells: CellMap) -> None:
    """And each says which it was."""
    locator = Locator(camera(), cells)
    anchored, plain = (locator.locate(z, Box(0, 0, 1, 1)) for z in ("z-1", "z-2"))
    assert (anchored.method, anchored.cell) == ("zone_anchor", RIGHT)
    assert (plain.method, plain.cell, plain.lon) == ("camera", LEFT, 114.4125)


def test_points_beyond_the_horizon_fall_back(cells: CellMap) -> None:
    """A foot that maps to another street is not believed."""
    tilted = {"image": [[0.3, 0.5], [0.7, 0.5], [1, 1], [0, 1]], "ground": GROUND}
    spot = Locator(camera(homography=tilted), cells).locate("z-1", Box(0.4, 0.0, 0.6, 0.1))
    assert spot.method == "zone_anchor"


def test_a_camera_outside_every_cell_is_refused(cells: CellMap) -> None:
    """At the start, not with the first case."""
    with pytest.raises(ConfigError, match="lies in no grid cell"):
        Locator(camera(position={"lon": 10, "lat": 10}), cells)


def test_points_on_a_line_are_refused(cells: CellMap) -> None:
    """Four points that span no plane."""
    line = {"image": [[0.1, 0.1], [0.2, 0.2], [0.3, 0.3], [0.4, 0.4]], "ground": GROUND}
    with pytest.raises(ConfigError, match="homography"):
        Locator(camera(homography=line), cells)
