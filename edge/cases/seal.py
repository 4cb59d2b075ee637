"""A case revision's manifest, and its place in the chain."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from edge import __version__
from edge.cases.draft import CaseDraft, Seal
from edge.cases.evidence import listed
from edge.evidence.chain import Chain
from edge.evidence.copies import Copies
from edge.evidence.link import canonical


class Sealing(Protocol):
    """What the store needs of whoever seals."""

    def seal(self, tx: sqlite3.Connection, draft: CaseDraft) -> CaseDraft:
        """The draft with its seal, which is in the chain once the transaction commits."""
        ...

    def committed(self) -> None:
        """The transaction is over: what is outside the database may follow."""
        ...


class Sealer:
    """Seals revisions into the chain of this box.

    Args:
        chain: where links go.
        copies: brings them beside the pictures.
        document: the case document of a draft, as JSON: what the platform gets.
        models: SHA-256 of the models' weights by the name that detections carry.
        config_sha256: of the configuration in force.
        purposes: digest of each camera's purpose record, where it has one.
    """

    def __init__(
        self,
        chain: Chain,
        copies: Copies,
        *,
        document: Callable[[CaseDraft], Mapping[str, Any]],
        models: Mapping[str, str],
        config_sha256: Callable[[], str | None],
        purposes: Mapping[str, str | None] | None = None,
    ) -> None:
        self._chain = chain
        self._copies = copies
        self._document = document
        self._models = models
        self._config_sha256 = config_sha256
        self._purposes = purposes or {}

    def seal(self, tx: sqlite3.Connection, draft: CaseDraft) -> CaseDraft:
        """Append the revision's link inside the caller's transaction.

        Raises:
            BadLinkError: the draft has no canonical form; the caller rolls back.
            sqlite3.Error: not written.
        """
        document = canonical(self._document(draft))
        body = self._body(draft, document)
        sealed = self._chain.append(tx, "case", body, case_id=draft.case_id, document=document)
        seal = Seal(sealed.seq, sealed.sha256, sealed.raw.decode())
        return replace(draft, seal=seal)

    def committed(self) -> None:
        """Bring the copies up.

        Raises:
            StoreError: the disk failed; only a new process may go on.
        """
        self._copies.catch_up()

    def _body(self, draft: CaseDraft, document: bytes) -> dict[str, Any]:
        cameras = sorted({source.camera_id for source in draft.sources})
        return {
            "case_id": draft.case_id,
            "revision": draft.revision,
            "status": draft.status,
            "codes": [{"scheme": c.scheme, "code": c.code} for c in draft.category.codes],
            "grid_cell": draft.grid_cell,
            "document_sha256": hashlib.sha256(document).hexdigest(),
            "cameras": cameras,
            "purposes": {camera: self._purposes.get(camera) for camera in cameras},
            "files": [listed(item) for item in draft.evidence],
            "models": {name: self._models.get(name) for name in draft.models},
            "config_sha256": self._config_sha256(),
            "software": __version__,
        }
