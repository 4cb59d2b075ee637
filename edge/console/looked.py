"""Why a camera is watched and who looked at it: what the page shows, and writes down of itself.

- ``/api/cameras/{camera}``: its purpose record now and before, and who looked, the newest first
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from edge.console.answers import failed
from edge.console.viewer import viewer
from edge.errors import StoreError
from edge.evidence.access import DATABASE, AccessLog, What
from edge.evidence.chain import open_chain
from edge.evidence.purposes import Recorded, history
from edge.evidence.sources import DATABASE as CHAIN
from edge.sqlite import as_store_error
from edge.telemetry import metrics
from edge.telemetry.logs import error_fields, get_logger

_SHOWN = 200

log = get_logger(__name__)


class Looking:
    """Writes down who is shown what.

    Args:
        state: the box's state folder.

    Raises:
        StoreError: the log cannot be opened.
    """

    def __init__(self, state: Path) -> None:
        self.state = state
        self.log = AccessLog(state / DATABASE)

    def saw(self, request: Request, cameras: Sequence[str], what: What, subject: str = "") -> bool:
        """Somebody is about to be shown pictures of some cameras; False: they must not be.

        The wall is shown all the same when the disk refuses: a box with a full disk must be seen
        to have one. What was stored as evidence is not.
        """
        who = viewer(request)
        try:
            for camera in cameras:
                self.log.saw(who.name, who.role, who.address, camera, what, subject)
        except StoreError as error:
            metrics.ERRORS.labels(code=str(error.code)).inc()
            log.error("access_not_written", what_was_shown=what, **error_fields(error))
            return what == "live"
        return True


def looked_routes(looking: Looking) -> Sequence[BaseRoute]:
    """The record of a camera; see above."""

    def camera(request: Request) -> Response:
        try:
            return JSONResponse(_record(looking, request.path_params["camera"]))
        except StoreError as error:
            return failed(error)

    return [Route("/api/cameras/{camera}", camera)]


def _record(looking: Looking, camera_id: str) -> dict[str, object]:
    path = looking.state / CHAIN
    try:
        with closing(open_chain(path)) as db:
            records = history(db, camera_id)
    except sqlite3.Error as error:
        raise as_store_error(path, error) from error
    now = records[-1] if records else None
    return {
        "camera": camera_id,
        "purpose": _shown(now) if now and now.record is not None else None,
        "before": [_shown(each) for each in reversed(records[:-1])],
        "looked": [asdict(entry) for entry in looking.log.entries(camera_id, limit=_SHOWN)],
    }


def _shown(recorded: Recorded) -> dict[str, object]:
    return {"link": recorded.seq, "at": recorded.at, "record": recorded.record}
