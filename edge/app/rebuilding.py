"""Bringing back the index of cases, at a start that finds it lost and by ``gridpatrol rebuild``."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from edge.app.locking import lock_state
from edge.app.sealing import Seals, box_key
from edge.app.uplink import open_outbox
from edge.cases.store import CaseStore
from edge.config.model import Settings
from edge.evidence.chain import Chain, begin, open_chain
from edge.evidence.copies import Copies, recover
from edge.evidence.sources import DATABASE
from edge.sqlite import as_store_error
from edge.telemetry.logs import get_logger
from uploader.rebuild import Rebuilder, Rebuilt, lost

log = get_logger(__name__)


def bring_back_lost(settings: Settings, store: CaseStore, seals: Seals) -> None:
    """At a start: put back what was sealed and is not in the index, if there is any.

    Raises:
        StoreError: disk or database refused.
    """
    database = settings.box.state_dir / DATABASE
    missing = lost(database, store)
    if not (missing or seals.recovered):
        return
    log.warning("index_lost", revisions=missing, links=seals.recovered)
    with closing(open_outbox(settings, database)) as outbox:
        done = Rebuilder(settings.box.state_dir, seals.chain, store, outbox).run(seals.recovered)
    seals.copies.catch_up()
    log.warning("index_rebuilt", cases=done.cases, revisions=done.revisions, aside=len(done.aside))
    for fault in done.faults:
        log.error("evidence_not_whole", what=fault)


def rebuild(settings: Settings, *, anew: bool) -> Rebuilt:
    """Of a box that does not run: look through everything, bring back what is lost.

    Args:
        settings: the box's.
        anew: set the database aside first, for one that is damaged.

    Raises:
        ConfigError: the key is gone, or not the one the chain goes on with.
        StoreError: the box runs (STO-004); disk or database refused.
    """
    box = settings.box
    database, folder = box.state_dir / DATABASE, box.state_dir / "evidence"
    with lock_state(box.state_dir):
        chain = Chain(f"{box.city}/{box.id}", box_key(box.state_dir))
        if anew:
            _set_aside(database)
        links = recover(database, folder, manifests=True)
        db = open_chain(database)
        begin(db, database, chain)
        db.close()
        outbox = open_outbox(settings, database)
        with closing(outbox), closing(CaseStore(database, outbox)) as store:
            done = Rebuilder(box.state_dir, chain, store, outbox).run(links)
        with closing(Copies(database, folder)) as copies:
            copies.catch_up()
            copies.mend_folders()
            copies.sync()
    return done


def _set_aside(database: Path) -> None:
    room = database.parent / "aside" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    try:
        for path in database.parent.glob(f"{DATABASE}*"):
            room.mkdir(parents=True, exist_ok=True)
            path.replace(room / path.name)
    except OSError as error:
        raise as_store_error(database, error) from error
