"""Since when each zone has been clear, and which cases are therefore gone. In memory only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from edge.cases.draft import Source
from edge.cases.record import CaseRecord
from edge.config.model import CameraSettings, ZoneSettings
from edge.scenes.finding import SceneReport


class Clearing:
    """Watches zones become clear. One thread calls it.

    Args:
        cameras: settings by camera id.
    """

    def __init__(self, cameras: Mapping[str, CameraSettings]) -> None:
        self._cameras = cameras
        self._since: dict[tuple[str, str], datetime] = {}

    def occupied(self, camera_id: str, zone_id: str) -> None:
        """Something stands there."""
        self._since.pop((camera_id, zone_id), None)

    def note(self, report: SceneReport) -> None:
        """Take in what one look says of every zone of its camera."""
        frame = report.look.frame
        for zone_id in report.clear_zones:
            self._since.setdefault((frame.camera_id, zone_id), frame.captured_at)
        seen_zones = {(frame.camera_id, finding.zone_id) for finding in report.findings}
        clear_now = {(frame.camera_id, zone_id) for zone_id in report.clear_zones}
        for zone in self._cameras[frame.camera_id].zones:
            key = (frame.camera_id, zone.id)
            if key not in clear_now | seen_zones:
                self._since.pop(key, None)  # something stands there: undecided

    def is_gone(self, record: CaseRecord, now: datetime) -> bool:
        """Whether every zone that has seen the case has been clear for long enough."""
        for source in record.sources:
            zone = self._zone(source)
            if zone is None:
                continue  # the zone was taken out of the configuration
            since = self._since.get((source.camera_id, source.zone_id))
            if since is None or (now - since).total_seconds() < zone.gone_after_s:
                return False
        return True

    def _zone(self, source: Source) -> ZoneSettings | None:
        camera = self._cameras.get(source.camera_id)
        zones = camera.zones if camera else ()
        return next((zone for zone in zones if zone.id == source.zone_id), None)
