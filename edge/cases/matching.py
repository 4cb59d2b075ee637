"""Which case of this box a finding belongs to: one place, kind and time window are one case."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from edge.cases.draft import Location
from edge.cases.record import CaseRecord
from edge.cases.store import CaseStore, window_start
from edge.cases.taxonomy import category
from edge.clock import iso
from edge.grid.locate import Locator, Spot
from edge.scenes.finding import EventKind, Finding

_NAMESPACE = uuid.UUID("6f1d6c1e-3f1c-5d0a-9c77-0a5d6a1f7e11")


class Matching:
    """Looks findings up among the cases.

    Args:
        locators: ground points by camera id.
        store: where cases are kept.
        merge_distance_m: ground points so near are one place.
    """

    def __init__(
        self, locators: Mapping[str, Locator], store: CaseStore, *, merge_distance_m: float
    ) -> None:
        self._locators = locators
        self._store = store
        self._merge_distance_m = merge_distance_m

    def spot(self, finding: Finding) -> Spot:
        """Where on the ground a finding is."""
        return self._locators[finding.camera_id].locate(finding.zone_id, finding.box)

    def match(self, finding: Finding, spot: Spot) -> CaseRecord | None:
        """The case at that spot that is open, or gone within its window."""
        window_hours = category(finding.category).window_hours
        return self._store.match(
            grid_cell=spot.cell,
            merge_key=merge_key(finding),
            place=place_of(finding),
            location=Location(spot.lon, spot.lat, spot.method),
            merge_distance_m=self._merge_distance_m,
            not_gone_before=window_start(finding.last_seen, window_hours),
        )


def case_id_of(box_id: str, grid_cell: str, finding: Finding) -> str:
    """The id of the case that a finding opens: the same whenever it is opened again."""
    where = (box_id, grid_cell, merge_key(finding), place_of(finding))
    return str(uuid.uuid5(_NAMESPACE, "|".join((*where, iso(finding.first_seen)))))


def merge_key(finding: Finding) -> str:
    """Kinds that are one trouble under several codes merge; a sticker and a banner do not."""
    return merge_key_of(finding.kind, finding.category)


def merge_key_of(kind: str, category: str) -> str:
    """The same of a case whose finding is long gone."""
    return f"{kind}:{category}" if kind == EventKind.ILLEGAL_ADS else str(kind)


def place_of(finding: Finding) -> str:
    """The configured name of the place, else the zone's."""
    return finding.place or f"{finding.camera_id}/{finding.zone_id}"
