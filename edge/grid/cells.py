"""Unit grid cells (单元网格): which cell a point lies in."""

from __future__ import annotations

import json
from pathlib import Path

from shapely import STRtree
from shapely.errors import GEOSException
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from edge.errors import Code, ConfigError


class CellMap:
    """Cells by polygon.

    Args:
        codes: identification code of each cell.
        polygons: CGCS2000 degrees, in the same order.
    """

    def __init__(self, codes: list[str], polygons: list[BaseGeometry]) -> None:
        self.codes = tuple(codes)
        self._polygons = polygons
        self._tree = STRtree(polygons)

    def cell_at(self, lon: float, lat: float) -> str | None:
        """Code of the cell at a point, None outside all of them.

        On a shared border the smaller code wins, so that the answer never depends on file order.
        """
        point = Point(lon, lat)
        hits = [self.codes[int(i)] for i in self._tree.query(point, predicate="intersects")]
        return min(hits, default=None)


def load_cells(path: Path, *, code_property: str, code_length: int) -> CellMap:
    """Read cells from a GeoJSON FeatureCollection.

    Raises:
        ConfigError: not GeoJSON, a code that is missing, repeated or of the wrong length, a
            polygon that is broken.
    """
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
    except OSError as error:
        raise _bad(path, f"cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise _bad(path, f"is no GeoJSON FeatureCollection ({error})") from error
    codes: list[str] = []
    polygons: list[BaseGeometry] = []
    for number, feature in enumerate(features, start=1):
        where = f"feature {number}"
        code, polygon = _read_cell(path, where, feature, code_property)
        if len(code) != code_length or not code.isalnum():
            raise _bad(path, f"{where}: code {code!r} is not {code_length} digits or letters")
        if code in codes:
            raise _bad(path, f"{where}: code {code} appears twice")
        codes.append(code)
        polygons.append(polygon)
    if not codes:
        raise _bad(path, "holds no cell")
    return CellMap(codes, polygons)


def _read_cell(
    path: Path, where: str, feature: object, code_property: str
) -> tuple[str, BaseGeometry]:
    try:
        code = str(feature["properties"][code_property])  # type: ignore[index]  # TypeError is caught
        polygon = shape(feature["geometry"])  # type: ignore[index]  # likewise
    except (KeyError, TypeError, ValueError, AttributeError, GEOSException) as error:
        raise _bad(path, f"{where}: no {code_property!r} or no polygon ({error})") from error
    if polygon.geom_type not in ("Polygon", "MultiPolygon") or not polygon.is_valid:
        raise _bad(path, f"{where} ({code}): {explain_validity(polygon)}")
    return code, polygon


def _bad(path: Path, what: str) -> ConfigError:
    return ConfigError(Code.CFG_GRID, str(path), what, "Correct the grid file")
