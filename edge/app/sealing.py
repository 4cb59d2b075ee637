"""The signed chain, as the settings call for it."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge import __version__
from edge.app.detecting import model_inside
from edge.app.uplink import evidence_signer, key_path
from edge.cases.draft import EvidenceItem
from edge.cases.evidence import listed
from edge.cases.seal import Sealer
from edge.clock import iso, utc_now
from edge.config.model import Settings
from edge.detectors.base import Detector
from edge.errors import Code, ConfigError
from edge.evidence.chain import Chain, begin, open_chain
from edge.evidence.checkpoint import make_checkpoint
from edge.evidence.copies import Copies, recover
from edge.evidence.holds import holding
from edge.evidence.keys import settle
from edge.evidence.link import REPLIES, canonical
from edge.evidence.purposes import Record, digest, record
from edge.signing import Signer, load_signer
from edge.sqlite import transaction
from edge.telemetry.logs import get_logger
from uploader.contract.build import case_document, checkpoint_event, reply_document
from uploader.contract.messages import ReplyData
from uploader.retention import Removed

_CHECKPOINT_EVERY_S = 60.0
_ANSWER = (
    "SELECT json_extract(CAST(payload AS TEXT), '$.data.case_id') AS case_id, created_at"
    " FROM outbox WHERE subject = ? AND what = 'reply'"
)
"""The case that an answer is about, and when it was made."""

log = get_logger(__name__)


@dataclass
class Seals:
    """What seals, while the rooms are open.

    Attributes:
        sealer: seals case revisions, inside the store's transaction.
        chain: where links go.
        copies: the files beside the database.
        folder: where the cases' folders lie.
        recovered: links that only the files had when it was opened.
    """

    sealer: Sealer
    chain: Chain
    copies: Copies
    folder: Path
    recovered: int = 0
    _told: str = ""
    _next_checkpoint: float = 0.0

    def answered(
        self, tx: sqlite3.Connection, reply: ReplyData, evidence: Sequence[EvidenceItem]
    ) -> None:
        """An answer with pictures, sealed inside the transaction that stores it.

        What it shows from before lies with its case, under the case's own link.

        Raises:
            BadLinkError: the answer has no canonical form; the caller rolls back.
            sqlite3.Error: not written.
        """
        room = self.folder.parent / REPLIES / reply.request_id
        document = canonical(reply_document(reply))
        body = {
            "request_id": reply.request_id,
            "action": reply.action,
            "result": reply.result,
            "case_id": reply.case_id,
            "document_sha256": hashlib.sha256(document).hexdigest(),
            "files": [listed(item) for item in evidence if item.path.parent == room],
            "software": __version__,
        }
        self.chain.append(tx, "answer", body, case_id=reply.request_id, document=document)

    def removed(self, tx: sqlite3.Connection, gone: Removed) -> list[Path]:
        """Retention takes a case away: said in the chain, with what decided it.

        Returns:
            Its folders, in which nothing is wanted any more.

        Raises:
            sqlite3.Error: not written; the caller rolls back.
        """
        case_id, since = gone.subject, gone.kept.since
        rows = tx.execute(
            "SELECT seq FROM evidence_chain WHERE case_id = ? AND document IS NOT NULL", (case_id,)
        ).fetchall()
        body = {
            "case_id": case_id,
            "links": [int(row["seq"]) for row in rows],
            "why": gone.verdict.why,
            "rule": gone.verdict.rule,
            "status": gone.kept.status,
            "since": iso(since) if since else None,
            "files": len(gone.files),
            "size_bytes": gone.size_bytes,
        }
        self.chain.append(tx, "removed", body)
        tx.execute("UPDATE evidence_chain SET document = NULL WHERE case_id = ?", (case_id,))
        answer = self.folder.parent / REPLIES / case_id
        return [*(self.folder / case_id).glob("r*"), *([answer] if answer.is_dir() else [])]

    def committed(self) -> None:
        """The transaction is over: the copies follow.

        Raises:
            StoreError: the disk failed; only a new process may go on.
        """
        self.copies.catch_up()

    def checkpoint(self) -> bytes | None:
        """The message for ``up/checkpoint`` when the chain has grown; at most one a minute.

        Raises:
            StoreError: the database cannot be read.
        """
        now = time.monotonic()
        if now < self._next_checkpoint:
            return None
        self._next_checkpoint = now + _CHECKPOINT_EVERY_S
        self.copies.catch_up()  # other processes append, too: exports
        self.copies.sync()
        head = self.copies.head()
        if head is None or head.sha256 == self._told:
            return None
        self._told = head.sha256
        signed = make_checkpoint(self.chain.box, head, utc_now(), self.chain.signer)
        city, _, node = self.chain.box.partition("/")
        return checkpoint_event(signed, city=city, node=node).to_bytes()

    def close(self) -> None:
        """Bring the copies up a last time, and close them."""
        self.copies.catch_up()
        self.copies.sync()
        self.copies.close()


def open_seals(
    settings: Settings,
    database: Path,
    detectors: Sequence[Detector],
    config_sha256: Callable[[], str | None],
) -> Seals:
    """The chain of this box, begun or gone on with; what a crash left behind is caught up.

    Raises:
        ConfigError: the key is not in order, or not the one the chain goes on with.
        StoreError: disk or database refused.
    """
    box = settings.box
    folder = box.state_dir / "evidence"
    recovered = recover(database, folder)
    if recovered:
        log.warning("chain_recovered", links=recovered)
    chain = _begun(settings, database)
    records = _purposes(settings)
    with closing(open_chain(database)) as db, transaction(db, database) as tx:
        if changed := record(tx, chain, records):
            log.info("purposes_recorded", cameras=changed)
    copies = Copies(database, folder)
    copies.catch_up()
    models = [model.card for detector in detectors if (model := model_inside(detector)) is not None]
    sealer = Sealer(
        chain,
        copies,
        document=partial(case_document, city=box.city),
        models={card.title: card.sha256 for card in models},
        config_sha256=config_sha256,
        purposes={name: digest(record) for name, record in records.items()},
    )
    return Seals(sealer, chain, copies, folder, recovered)


def _purposes(settings: Settings) -> dict[str, Record | None]:
    found = {camera.id: settings.purpose_of(camera) for camera in settings.cameras}
    return {name: purpose.record() for name, purpose in found.items() if purpose is not None}


def _begun(settings: Settings, database: Path) -> Chain:
    box = settings.box
    settle(key_path(box.state_dir).parent, database)
    db = open_chain(database)
    try:
        # A key that is gone must not be replaced in silence: the chain would break.
        going_on = db.execute("SELECT 1 FROM evidence_chain LIMIT 1").fetchone() is not None
        signer = box_key(box.state_dir) if going_on else evidence_signer(settings)
        chain = Chain(f"{box.city}/{box.id}", signer)
        begin(db, database, chain)
    finally:
        db.close()
    return chain


def box_key(state_dir: Path) -> Signer:
    """The key of a box that has one.

    Raises:
        ConfigError: it is gone (SEC-003), or not in order (SEC-001).
    """
    path = key_path(state_dir)
    if not path.exists():
        raise ConfigError(
            Code.SEC_CHAIN_KEY,
            str(path),
            "the key with which the evidence chain goes on is gone",
            "gridpatrol key restore; if there is no backup, gridpatrol key renew",
        )
    return load_signer(path)


def held(db: sqlite3.Connection, subject: str) -> str:
    """By which hold a case is held, in words; an answer is held with its case. Empty: by none.

    Raises:
        sqlite3.Error: the chain cannot be read.
    """
    row = db.execute(_ANSWER, (subject,)).fetchone()
    case_id, at = (str(row["case_id"]), [str(row["created_at"])]) if row else (subject, [])
    hold = holding(db, case_id, at)
    return f"{hold.number} by {hold.by}: {hold.why}" if hold else ""
