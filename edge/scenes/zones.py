"""A zone as rules use it: what stands in it, and whether it is permitted now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from shapely.geometry import Point, Polygon
from shapely.geometry import box as rectangle
from shapely.prepared import PreparedGeometry, prep

from edge.config.model import ZoneSettings
from edge.geometry import Box


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """A zone of one camera, ready to be asked.

    Attributes:
        settings: as configured.
        area: the polygon, prepared for repeated questions.
        bounds: box around the polygon.
        time_zone: of the camera.
    """

    settings: ZoneSettings
    area: PreparedGeometry
    bounds: Box
    time_zone: ZoneInfo

    @classmethod
    def of(cls, settings: ZoneSettings, time_zone: str) -> Zone:
        """Make a zone from its settings; the polygon has been checked there."""
        polygon = Polygon(settings.polygon)
        return cls(settings, prep(polygon), Box(*polygon.bounds), ZoneInfo(time_zone))

    def stands_in(self, box: Box) -> bool:
        """Whether the thing's foot is inside: where it meets the ground counts."""
        return bool(self.area.covers(Point(box.foot)))

    def shows(self, box: Box) -> bool:
        """Whether the middle of the box is inside: for what hangs on a wall."""
        middle = Point((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
        return bool(self.area.covers(middle))

    def touches(self, box: Box) -> bool:
        """Whether any part of the box lies inside."""
        return bool(self.area.intersects(rectangle(box.x0, box.y0, box.x1, box.y1)))

    def permitted_at(self, moment: datetime) -> bool:
        """Whether the moment lies in the permitted hours (允许时段)."""
        local = moment.astimezone(self.time_zone).time()
        return any(hours.contains(local) for hours in self.settings.permitted_hours)

    def clock(self, moment: datetime) -> str:
        """The time of day there, as reasons show it."""
        return f"{moment.astimezone(self.time_zone):%H:%M:%S}"
