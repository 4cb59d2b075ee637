"""Who took evidence out, when and why: a link of the chain for each export.

The chain is signed and only ever appended to, so this access log cannot be thinned out unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import Code, ConfigError
from edge.evidence.chain import Chain, Sealed, head, open_chain
from edge.evidence.link import Link
from edge.evidence.sources import DATABASE
from edge.export.choose import link_of, snapshot
from edge.signing import Signer
from edge.sqlite import transaction

KIND = "export"


@dataclass(frozen=True, slots=True)
class Access:
    """An export as the chain has it."""

    seq: int
    at: str
    by: str
    purpose: str
    asked: Mapping[str, Any]
    cases: int
    zip_sha256: str


def write_down(state: Path, box: str, signer: Signer, body: Mapping[str, Any]) -> Sealed:
    """Append an entry; the box may be running.

    Args:
        state: the box's state folder.
        box: ``city/node``.
        signer: the box's key.
        body: ``by``, ``purpose``, ``asked``, ``cases``, ``cameras``, ``zip_sha256``.

    Raises:
        ConfigError: the chain does not go on with this key (SEC-003).
        StoreError: the database refused; nothing was written.
    """
    path = state / DATABASE
    with closing(open_chain(path)) as db, transaction(db, path) as tx:
        now = head(tx)
        if now is not None and now.kid != signer.kid:
            raise ConfigError(
                Code.SEC_CHAIN_KEY,
                str(path),
                f"the evidence chain goes on with key {now.kid}, the box has {signer.kid}",
                "Put the key back (gridpatrol key restore)",
            )
        return Chain(box, signer).append(tx, KIND, body)


def read_log(state: Path) -> list[Access]:
    """Every export, the oldest first.

    Raises:
        ExportError: nothing was ever sealed here (EXP-001), or a link is damaged (EVI-006).
        StoreError: the database cannot be read.
    """
    database = state / DATABASE
    with snapshot(database) as db:
        rows = db.execute("SELECT * FROM evidence_chain WHERE kind = ? ORDER BY seq", (KIND,))
        return [_access(link_of(row, database)) for row in rows]


def _access(link: Link) -> Access:
    body = link.body
    return Access(
        link.seq,
        str(body["at"]),
        str(body["by"]),
        str(body["purpose"]),
        body["asked"],
        int(body["cases"]),
        str(body["zip_sha256"]),
    )
