"""Build every room from the settings; whatever cannot work is refused here, before the start."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from edge import __version__
from edge.app.gate import Gate
from edge.app.pipeline import Pipeline
from edge.app.signs import ad_rules
from edge.cases.desk import CaseDesk
from edge.cases.evidence import EvidenceRoom
from edge.cases.owners import Owners
from edge.cases.store import OPEN_CASES, CaseStore
from edge.cases.suppressed import SuppressedStore
from edge.config.model import CameraSettings, Settings
from edge.detectors.base import Detector, OnlyCameras
from edge.detectors.card import model_folder
from edge.detectors.naming import Namer
from edge.detectors.objects import ObjectDetector
from edge.detectors.second_look import SecondLook
from edge.detectors.static import StaticObjectDetector
from edge.detectors.text import TextDetector
from edge.detectors.tiles import TiledDetector
from edge.disk import DiskWatch, Level, Marks
from edge.errors import Code, StoreError
from edge.grid.cells import load_cells
from edge.grid.locate import Locator
from edge.scenes.finding import EventKind
from edge.scenes.watch import SceneWatcher
from edge.scenes.zones import Zone
from edge.streams.pool import StreamPool
from edge.streams.source import Source
from edge.streams.worker import Backoff
from uploader.housekeeper import Housekeeper, open_retention
from uploader.outbox import Outbox
from uploader.publisher import Uploader
from uploader.settings import Uplink
from uploader.signing import load_or_make_signer


@dataclass
class Rooms:
    """Everything that runs.

    Attributes:
        lock: held open so that no second process uses the same state folder.
    """

    pool: StreamPool
    detectors: tuple[Detector, ...]
    watchers: Mapping[str, SceneWatcher]
    desk: CaseDesk
    store: CaseStore
    uploader: Uploader
    housekeeper: Housekeeper
    lock: IO[str]
    gate: Gate | None = None

    def pipeline(self, timed: Callable[[str, float], None]) -> Pipeline:
        """The rooms in a row; ``timed`` is told how long each stage took, seconds."""
        return Pipeline(self.detectors, self.watchers, self.desk, timed, self.gate)

    def close(self) -> None:
        """Stop in the direction of the data: no new frames, then the rest delivered."""
        self.pool.stop()
        self.uploader.stop(5.0)
        self.housekeeper.stop()
        self.store.close()
        if self.gate is not None:
            self.gate.close()
        self.lock.close()


def build_rooms(settings: Settings) -> Rooms:
    """Everything the settings call for; nothing is started yet.

    Raises:
        GridpatrolError: a model, the grid, a camera's place or the state folder is not in order.
    """
    state = settings.box.state_dir
    cameras = {camera.id: camera for camera in settings.active_cameras}
    detectors = build_detectors(settings)
    cells = load_cells(
        settings.grid.cells,
        code_property=settings.grid.code_property,
        code_length=settings.grid.code_length,
    )
    locators = {name: Locator(camera, cells) for name, camera in cameras.items()}
    lock = _lock(state)
    database = state / "gridpatrol.db"
    watch = disk_watch(settings)
    store = CaseStore(database, Outbox(database, city=settings.box.city, node=settings.box.id))
    room = EvidenceRoom(
        state / "evidence",
        jpeg_quality=settings.cases.jpeg_quality,
        blur=settings.cases.blur_heads_and_plates,
    )
    room.sweep(store.revisions())
    desk = CaseDesk(
        box_id=settings.box.id,
        time_zone=settings.box.time_zone,
        cameras=cameras,
        locators=locators,
        store=store,
        room=room,
        merge_distance_m=settings.cases.merge_distance_m,
        owners=Owners(settings.cases.owners) if settings.cases.owners else None,
        admit=watch.admit,
    )
    ads = ad_rules(settings)
    watchers = {
        name: SceneWatcher(
            camera,
            time_zone=settings.box.time_zone,
            learn_signs_s=settings.detectors.text.learn_s,
            memory=state / "signs",
            learn_s=settings.detectors.static.learn_s,
            ads=ads,
        )
        for name, camera in cameras.items()
    }
    return Rooms(
        pool=_pool(settings),
        detectors=detectors,
        watchers=watchers,
        desk=desk,
        store=store,
        uploader=_uploader(settings, database),
        housekeeper=Housekeeper(
            open_retention(database, OPEN_CASES),
            watch,
            keep_days=settings.storage.keep_delivered_days,
        ),
        lock=lock,
        gate=build_gate(settings, detectors, desk, database, watch),
    )


def disk_watch(settings: Settings) -> DiskWatch:
    """How full the disk of the state folder is."""
    chosen = settings.storage
    marks = Marks(
        chosen.early_free_mb * 2**20, chosen.tight_free_mb * 2**20, chosen.full_free_mb * 2**20
    )
    quota_bytes = None if chosen.quota_mb is None else chosen.quota_mb * 2**20
    return DiskWatch(settings.box.state_dir, marks, quota_bytes=quota_bytes)


def build_gate(
    settings: Settings,
    detectors: Sequence[Detector],
    desk: CaseDesk,
    database: Path,
    watch: DiskWatch | None = None,
) -> Gate | None:
    """The second look over what the detectors found; None when it is switched off."""
    models = [model for detector in detectors if (model := _model_inside(detector)) is not None]
    chosen = settings.detectors.second_look
    if not chosen.enabled or not models:
        return None

    def may_keep() -> bool:
        return watch is None or watch.level() < Level.EARLY

    return Gate(
        SecondLook(models, min_score=chosen.min_score, namer=_namer(settings)),
        SuppressedStore(database, may_keep=may_keep),
        desk.has_open_case,
        again_after_s=chosen.again_after_s,
        min_scores={(c.id, z.id): z.min_score for c in settings.active_cameras for z in c.zones},
    )


def _namer(settings: Settings) -> Namer | None:
    name, of = settings.detectors.second_look.look_alikes, settings.detectors.object
    if name is None:
        return None
    return Namer(model_folder(name, of.models_dir), provider=of.provider, threads=of.threads)


def _model_inside(detector: Detector) -> ObjectDetector | None:
    while isinstance(detector, (OnlyCameras, TiledDetector)):
        detector = detector.detector
    return detector if isinstance(detector, ObjectDetector) else None


def build_detectors(settings: Settings) -> tuple[Detector, ...]:
    """Detectors in the order in which they build on each other."""
    chosen = settings.detectors
    detectors = [
        detector
        for name in chosen.object.models
        if (detector := _object_detector(settings, name)) is not None
    ]
    still = _watching(settings.active_cameras, EventKind.PILED_MATERIALS, EventKind.STREET_VENDING)
    if chosen.static.enabled and still:
        static = StaticObjectDetector(
            learn_s=chosen.static.learn_s,
            stay_s=chosen.static.stay_s,
            min_area=chosen.static.min_area,
            max_area=chosen.static.max_area,
            memory=settings.box.state_dir / "backgrounds",
        )
        detectors.append(OnlyCameras(static, frozenset(camera.id for camera in still)))
    ads = _watching(settings.active_cameras, EventKind.ILLEGAL_ADS)
    if chosen.text.enabled and ads:
        regions = {
            camera.id: tuple(
                Zone.of(zone, settings.box.time_zone).bounds
                for zone in camera.zones
                if zone.watch == "illegal_ads"
            )
            for camera in ads
        }
        detectors.append(
            TextDetector(regions, every_s=chosen.text.every_s, min_score=chosen.text.min_score)
        )
    return tuple(detectors)


def _object_detector(settings: Settings, name: str) -> Detector | None:
    """The model, run for the cameras its card says it is of use for; None when there are none."""
    chosen = settings.detectors.object
    model = ObjectDetector(
        model_folder(name, chosen.models_dir), provider=chosen.provider, threads=chosen.threads
    )
    tiles = {c.id: c.tiles for c in settings.active_cameras if c.tiles is not None}
    tiled = TiledDetector(model, default=chosen.tiles, cameras=tiles)
    if not model.card.watch:
        return tiled
    cameras = {
        camera.id
        for kind in model.card.watch
        for camera in _watching(settings.active_cameras, EventKind(kind))
    }
    return OnlyCameras(tiled, frozenset(cameras)) if cameras else None


def sources_of(settings: Settings) -> list[Source]:
    """What stream workers and probes need to know of each camera."""
    return [
        Source(
            camera_id=camera.id,
            url=camera.url.get_secret_value(),
            look_every_s=camera.look_every_s,
            visit=camera.mode == "patrolled",
            open_timeout_s=settings.streams.open_timeout_s,
            read_timeout_s=settings.streams.read_timeout_s,
        )
        for camera in settings.active_cameras
    ]


def _watching(cameras: Sequence[CameraSettings], *kinds: EventKind) -> list[CameraSettings]:
    return [camera for camera in cameras if any(zone.watch in kinds for zone in camera.zones)]


def _pool(settings: Settings) -> StreamPool:
    streams = settings.streams
    return StreamPool(
        sources_of(settings),
        cameras_per_worker=streams.cameras_per_worker,
        backoff=Backoff(streams.reconnect_min_s, streams.reconnect_max_s),
        hang_after_s=streams.hang_after_s,
    )


def _uploader(settings: Settings, database: Path) -> Uploader:
    mqtt = settings.mqtt
    tls = mqtt.tls
    key = settings.box.state_dir / "keys" / "box.pem"
    return Uploader(
        Uplink(
            host=mqtt.host,
            port=mqtt.port,
            username=mqtt.username,
            password=mqtt.password.get_secret_value() if mqtt.password else None,
            ca_file=tls.ca_file if tls else None,
            cert_file=tls.cert_file if tls else None,
            key_file=tls.key_file if tls else None,
            root=mqtt.root,
            city=settings.box.city,
            node=settings.box.id,
            keepalive_s=mqtt.keepalive_s,
            receipt_timeout_s=mqtt.receipt_timeout_s,
            chunk_bytes=mqtt.chunk_bytes,
            backlog_bytes_per_s=mqtt.backlog_bytes_per_s,
            version=__version__,
            sign=load_or_make_signer(key).sign if mqtt.sign else None,
        ),
        database,
    )


def _lock(state: Path) -> IO[str]:
    """Two processes on one state folder would open each case twice."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        file = (state / ".lock").open("w", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            Code.STO_OPEN,
            str(state),
            f"cannot be written ({error.strerror})",
            "Give box.state_dir a writable folder",
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise StoreError(
            Code.STO_LOCKED,
            str(state),
            "another gridpatrol uses this state folder",
            "Stop the other one, or give this one its own box.state_dir",
        ) from error
    return file
