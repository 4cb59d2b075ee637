"""Build every room from the settings; whatever cannot work is refused here, before the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO

from edge.app.ahead import Ahead
from edge.app.best import BestFrames
from edge.app.clipping import Clipping
from edge.app.closer import Closer
from edge.app.detecting import build_detectors, build_gate, build_redactor
from edge.app.gate import Gate
from edge.app.hearing import Hearing, attaching, build_hearing
from edge.app.locking import lock_state
from edge.app.looking import AccessSealer
from edge.app.memory import Trimmer
from edge.app.patrolling import Patrolling
from edge.app.pipeline import Pipeline
from edge.app.rebuilding import bring_back_lost
from edge.app.sealing import Seals, held, open_seals
from edge.app.signs import ad_rules
from edge.app.streaming import build_pool
from edge.app.uplink import build_uploader, open_outbox
from edge.cases.desk import CaseDesk
from edge.cases.evidence import EvidenceRoom, KeepClear
from edge.cases.known import KnownStore
from edge.cases.originals import Originals
from edge.cases.owners import Owners
from edge.cases.store import OPEN_CASES, CaseStore
from edge.cases.withdrawals import Withdrawals
from edge.config.model import Settings
from edge.detectors.base import Detector
from edge.disk import DiskWatch, Level, Marks
from edge.grid.cells import CellMap, load_cells
from edge.grid.locate import Locator
from edge.redaction.redactor import Redactor
from edge.scenes.watch import SceneWatcher
from edge.streams.frame import Image
from edge.streams.pool import StreamPool
from edge.telemetry import metrics
from uploader.housekeeper import Housekeeper, open_retention
from uploader.keeping import Rules
from uploader.publisher import Uploader


@dataclass
class Rooms:
    """Everything that runs.

    Attributes:
        hearing: what the platform says, and the requests in progress.
        redactor: makes pictures safe to leave; the page's too.
        ahead: does so beside the analysis; None where nothing is redacted.
        originals: clear pictures of cases, where the configuration keeps them.
        lock: held open so that no second process uses the same state folder.
    """

    pool: StreamPool
    detectors: tuple[Detector, ...]
    watchers: Mapping[str, SceneWatcher]
    desk: CaseDesk
    store: CaseStore
    known: KnownStore
    withdrawals: Withdrawals
    uploader: Uploader
    housekeeper: Housekeeper
    hearing: Hearing
    closer: Closer
    clipping: Clipping
    best: BestFrames
    redactor: Redactor
    originals: Originals
    seals: Seals
    looking: AccessSealer
    lock: IO[str]
    gate: Gate | None = None
    ahead: Ahead | None = None
    trimmer: Trimmer = field(default_factory=Trimmer)

    def pipeline(self, timed: Callable[[str, float], None]) -> Pipeline:
        """The rooms in a row; ``timed`` is told how long each stage took, seconds."""
        return Pipeline(
            self.detectors,
            self.watchers,
            self.desk,
            timed,
            gate=self.gate,
            closer=self.closer,
            best=self.best,
            ahead=self.ahead,
        )

    def patrolling(self, settings: Settings) -> Patrolling:
        """Whoever tells the pool what it must know while it runs."""
        return Patrolling(settings, self.pool, self.desk, self.gate)

    def start(self) -> None:
        """Begin to deliver, and to look."""
        self.hearing.begin_again()
        self.uploader.start()
        self.housekeeper.start()
        self.trimmer.start()
        self.pool.start()

    def close(self) -> None:
        """Stop in the direction of the data: no new frames, then the rest delivered."""
        self.pool.stop()
        self.clipping.close()
        if self.ahead is not None:
            self.ahead.close()
        self.uploader.stop(5.0)
        self.housekeeper.stop()
        self.trimmer.stop()
        self.hearing.close()
        self.known.close()
        self.withdrawals.close()
        self.store.close()
        self.looking.close()
        self.seals.close()
        if self.gate is not None:
            self.gate.close()
        self.lock.close()


def build_rooms(
    settings: Settings, config_sha256: Callable[[], str | None] = lambda: None
) -> Rooms:
    """Everything the settings call for; nothing is started yet.

    Args:
        settings: what to run on.
        config_sha256: of the configuration in force, for what is sealed.

    Raises:
        GridpatrolError: a model, the grid, a camera's place or the state folder is not in order.
            Nothing is left open then.
    """
    state = settings.box.state_dir
    cameras = {camera.id: camera for camera in settings.active_cameras}
    detectors = build_detectors(settings)
    locators = _locators(settings)
    ads = ad_rules(settings)
    with ExitStack() as undo:
        lock = undo.enter_context(lock_state(state))
        database = state / "gridpatrol.db"
        watch = disk_watch(settings)
        seals = open_seals(settings, database, detectors, config_sha256)
        undo.callback(seals.close)
        looking = AccessSealer(settings, seals.chain)
        undo.callback(looking.close)
        store = CaseStore(database, open_outbox(settings, database), seals.sealer)
        undo.callback(store.close)
        bring_back_lost(settings, store, seals)
        known = KnownStore(database, attaching(settings))
        undo.callback(known.close)
        withdrawals = Withdrawals(database)
        undo.callback(withdrawals.close)
        redactor, originals = build_redactor(settings, detectors), clear_originals(settings)
        room = EvidenceRoom(
            state / "evidence",
            jpeg_quality=settings.cases.jpeg_quality,
            redactor=redactor,
            keep_clear=(
                while_there_is_room(watch, originals.keep) if settings.evidence.keep_clear else None
            ),
        )
        room.sweep(store.revisions() | seals.copies.revisions())
        seals.copies.mend_folders()
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
            known=known,
        )
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
        gate = build_gate(settings, detectors, desk, database, watch, redactor=redactor)
        if gate is not None:
            undo.callback(gate.close)
        pool = build_pool(settings)
        closer = Closer(
            [camera.id for camera in settings.active_cameras if camera.detect_url],
            pool.fetch,
            wait_s=settings.streams.evidence_wait_s,
        )
        hearing = build_hearing(
            settings,
            database,
            store=store,
            desk=desk,
            room=room,
            watchers=watchers,
            detectors=detectors,
            locators=locators,
            hurry=pool.hurry,
            wish=closer.wish,
            admit=watch.admit,
            seals=seals,
        )
        undo.callback(hearing.close)
        uploader = build_uploader(settings, database, hearing.commands)
        housekeeper = Housekeeper(
            open_retention(database, Rules.of(settings.storage), OPEN_CASES, held, seals),
            watch,
        )
        undo.pop_all()
    return Rooms(
        pool=pool,
        detectors=detectors,
        watchers=watchers,
        desk=desk,
        store=store,
        known=known,
        withdrawals=withdrawals,
        uploader=uploader,
        housekeeper=housekeeper,
        hearing=hearing,
        closer=closer,
        clipping=Clipping(settings, pool.cut, desk, redactor),
        best=BestFrames(settings.evidence.best_frame_mb << 20),
        redactor=redactor,
        originals=originals,
        seals=seals,
        looking=looking,
        lock=lock,
        gate=gate,
        ahead=None if redactor.policy == "none" else Ahead(redactor),
    )


def clear_originals(settings: Settings) -> Originals:
    """Where clear originals are kept, or were before that was switched off."""
    state = settings.box.state_dir
    return Originals(state / "originals", state / "evidence")


def while_there_is_room(watch: DiskWatch, keep: KeepClear) -> KeepClear:
    """Clear originals are the first thing that is not kept any more: the case itself is."""

    def keep_some(case_id: str, revision: int, image: Image, view: str) -> None:
        if watch.level() >= Level.TIGHT:
            metrics.STORAGE_REFUSED.labels(what="clear_original").inc()
            return
        keep(case_id, revision, image, view)

    return keep_some


def disk_watch(settings: Settings) -> DiskWatch:
    """How full the disk of the state folder is."""
    chosen = settings.storage
    marks = Marks(
        chosen.early_free_mb * 2**20, chosen.tight_free_mb * 2**20, chosen.full_free_mb * 2**20
    )
    quota_bytes = None if chosen.quota_mb is None else chosen.quota_mb * 2**20
    return DiskWatch(settings.box.state_dir, marks, quota_bytes=quota_bytes)


def _locators(settings: Settings) -> dict[str, Locator]:
    cells: CellMap = load_cells(
        settings.grid.cells,
        code_property=settings.grid.code_property,
        code_length=settings.grid.code_length,
    )
    return {camera.id: Locator(camera, cells) for camera in settings.active_cameras}
