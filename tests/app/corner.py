"""A street corner with two cameras: real detector, rules, desk and hearing; time is made."""

from __future__ import annotations

import itertools
import json
import sqlite3
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from edge.app.ahead import Ahead
from edge.app.best import BestFrames
from edge.app.closer import Closer
from edge.app.detecting import ground_watcher
from edge.app.hearing import Hearing, attaching, build_hearing
from edge.app.pipeline import Pipeline
from edge.cases.desk import CaseDesk
from edge.cases.draft import CaseDraft
from edge.cases.evidence import EvidenceRoom
from edge.cases.known import KnownStore
from edge.cases.store import CaseStore
from edge.config.model import Settings
from edge.detectors.base import Detection, Detector, Look, OnlyCameras
from edge.detectors.static import StaticObjectDetector
from edge.geometry import Box
from edge.grid.cells import load_cells
from edge.grid.locate import Locator
from edge.scenes.finding import Words
from edge.scenes.watch import SceneWatcher
from edge.streams.frame import Frame, Image
from tests.detectors.test_static import picture
from tests.redaction.ways import NothingMore, by_detections
from uploader.contract.messages import ReplyData, ReplyEvent, RequestData
from uploader.outbox import Outbox

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
ASLEEP = Box(0.3, 0.3, 0.6, 0.7)
"""Covers the place of the bag."""


class People:
    """Sees who the test says is there; the real models have their own tests."""

    name = "made 1"

    def __init__(self) -> None:
        self.there: tuple[Detection, ...] = ()

    def detect(self, looks: list[Look]) -> list[tuple[Detection, ...]]:
        return [self.there for _ in looks]


def settings_for(folder: Path, **changes: Any) -> Settings:
    """Two cameras that look at one place, and a second zone on the first."""
    zone = {
        "watch": "piled_materials",
        "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]],
        "dwell_s": 3,
        "gone_after_s": 600,
        "place": "corner",
    }
    cameras = [
        {
            "id": name,
            "url": str(folder / name),
            "position": {"lon": 114.4125, "lat": 30.3405},
            "look_every_s": 1,
            "zones": [zone | {"id": "kerb"}],
        }
        for name in ("cam-1", "cam-2")
    ]
    document = {
        "box": {"id": "box-01", "city": "420111", "state_dir": str(folder / "state")},
        "mqtt": {"host": "127.0.0.1"},
        "grid": {"cells": str(ROOT / "configs/grid.geojson")},
        "cameras": cameras,
    }
    return Settings.model_validate(document | changes)


class Corner:
    """The rooms of a box without its streams and its uplink."""

    def __init__(self, folder: Path, *, room: int | None = None, **changes: Any) -> None:
        """``room``: redaction beside the analysis, with room for so many; None: without."""
        self._room = room
        self.settings = settings_for(folder, **changes)
        self.database = self.settings.box.state_dir / "gridpatrol.db"
        self.now = NOON
        self.people = People()
        self.finder = NothingMore()
        self.hurried: list[str] = []
        self._numbers = itertools.count()
        self.open()

    def open(self) -> None:
        settings, state = self.settings, self.settings.box.state_dir
        cells = load_cells(settings.grid.cells, code_property="code", code_length=15)
        cameras = {camera.id: camera for camera in settings.active_cameras}
        locators = {name: Locator(camera, cells) for name, camera in cameras.items()}
        still = StaticObjectDetector(
            learn_s=8, stay_s=4, min_area=0.001, max_area=0.3, memory=state / "backgrounds"
        )
        detectors: tuple[Detector, ...] = (self.people, OnlyCameras(still, frozenset(cameras)))
        assert ground_watcher(detectors) is not None
        self.store = CaseStore(self.database, Outbox(self.database, city="420111", node="box-01"))
        self.known = KnownStore(self.database, attaching(settings))
        redactor = by_detections(self.finder)
        self.ahead = None if self._room is None else Ahead(redactor, room=self._room)
        room = EvidenceRoom(state / "evidence", jpeg_quality=80, redactor=redactor)
        self.desk = CaseDesk(
            box_id="box-01",
            time_zone="Asia/Shanghai",
            cameras=cameras,
            locators=locators,
            store=self.store,
            room=room,
            merge_distance_m=30,
            known=self.known,
            clock=lambda: self.now,
        )
        watchers = {
            name: SceneWatcher(camera, time_zone="Asia/Shanghai", learn_signs_s=0)
            for name, camera in cameras.items()
        }
        self.fetched: list[str] = []
        self.closer = Closer(
            [name for name, camera in cameras.items() if camera.detect_url],
            self.fetched.append,
            wait_s=10,
            ticks=self._ticks,
        )
        self.hearing: Hearing = build_hearing(
            settings,
            self.database,
            store=self.store,
            desk=self.desk,
            room=room,
            watchers=watchers,
            detectors=detectors,
            locators=locators,
            hurry=self._hurry,
            wish=self.closer.wish,
            admit=lambda: None,
            clock=lambda: self.now,
            ticks=self._ticks,
        )
        self.best = BestFrames(64 << 20)
        self.pipeline = Pipeline(
            detectors,
            watchers,
            self.desk,
            lambda _stage, _seconds: None,
            closer=self.closer,
            best=self.best,
            ahead=self.ahead,
        )
        self.hearing.begin_again()

    def _hurry(self, camera_id: str, *, every_s: float, for_s: float) -> None:
        assert every_s > 0
        assert for_s > 0
        self.hurried.append(camera_id)

    def _ticks(self) -> float:
        return (self.now - NOON).total_seconds()

    def close(self) -> None:
        if self.ahead is not None:
            self.ahead.close()
        self.hearing.close()
        self.known.close()
        self.store.close()

    def restart(self) -> None:
        """As after a crash: nothing but the disk is left."""
        self.close()
        self.open()

    def looks(
        self, count: int, *names: str, image: Image | None = None, **kind: Any
    ) -> list[CaseDraft]:
        """One look a second of each camera; answers are stored on the way."""
        drafts: list[CaseDraft] = []
        for _ in range(count):
            self.now += timedelta(seconds=1)
            frames = [
                Frame(
                    name,
                    self.now,
                    picture(**kind) if image is None else image,
                    "key_frame",
                    next(self._numbers),
                )
                for name in names or ("cam-1", "cam-2")
            ]
            analysed = self.pipeline.analyse(frames)
            assert not analysed.errors
            drafts += analysed.drafts
            for camera_id, why in analysed.unfit:
                self.hearing.desk.blind(camera_id, Words(why, why))
            for report in analysed.reports:
                self.hearing.desk.sees(report)
            for answered in self.hearing.step()[0]:
                drafts += answered.drafts
        return drafts

    def wait(self, seconds: int) -> None:
        """Time passes and no camera gives a picture."""
        for _ in range(seconds):
            self.now += timedelta(seconds=1)
            self.hearing.step()

    def case(self, *names: str) -> str:
        """A case that is open: the place is learned, then a bag is left there."""
        self.looks(12, *names)
        drafts = self.looks(12, *names, bag=True)
        return drafts[0].case_id

    def ask(self, **asked: Any) -> str:
        """A request that has come in; returns its id."""
        defaults = {
            "request_id": str(uuid.uuid4()),
            "action": "verify",
            "looks": 3,
            "over_s": 4.0,
            "expires_at": self.now + timedelta(seconds=60),
            "requested_by": "test",
        }
        request = RequestData(**(defaults | asked))
        self.hearing.store.take(request)
        self.hearing.desk.submit(request)
        self.hearing.step()
        return request.request_id

    def reply(self, request_id: str) -> ReplyData | None:
        """The stored answer."""
        payload = self.reply_bytes(request_id)
        return ReplyEvent.model_validate_json(payload).data if payload else None

    def reply_bytes(self, request_id: str) -> bytes | None:
        with sqlite3.connect(self.database) as db:
            row = db.execute(
                "SELECT reply FROM requests WHERE request_id = ?", (request_id,)
            ).fetchone()
        return None if row is None else row[0]

    def letters(self, what: str = "reply") -> list[dict[str, Any]]:
        with sqlite3.connect(self.database) as db:
            rows = db.execute("SELECT payload FROM outbox WHERE what = ? ORDER BY seq", (what,))
            return [json.loads(row[0]) for row in rows]
