"""Which cases are asked for, and what the chain has of them. Reads the database only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from edge.clock import iso
from edge.errors import Code, ExportError
from edge.evidence.link import BadLinkError, Link, read_link
from edge.evidence.sources import DATABASE
from edge.sqlite import as_store_error

_KEYS = ("begin", "key", "renew", "revoke")
_BUSY_TIMEOUT_S = 10.0
_SOME = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be exported: one case, or every case with a revision made on these days.

    Attributes:
        case: id, or the first characters of it; empty: by days.
        first, last: days in the box's time zone, both included.
    """

    case: str = ""
    first: date | None = None
    last: date | None = None

    def to_json(self) -> dict[str, str]:
        """As listing and access log have it."""
        if self.case:
            return {"case": self.case}
        return {"from": str(self.first), "to": str(self.last)}


@dataclass(frozen=True, slots=True)
class Revision:
    """A sealed revision.

    Attributes:
        link: its manifest.
        document: the case document, canonical JSON; None once it was removed.
        removed: the link that says that retention took it away.
    """

    link: Link
    document: bytes | None
    removed: Link | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the chain has.

    Attributes:
        asked: with the whole id of the case.
        cases: revisions in the order they were sealed, by case id; cases by their first one.
        keys: links that say which key signs.
        chain: which chain.
        kid, public_keys: the key it goes on with; all keys, base64, by short name.
    """

    asked: Asked
    cases: dict[str, list[Revision]]
    keys: list[Link]
    chain: str
    kid: str
    public_keys: dict[str, str] = field(default_factory=dict)

    @property
    def links(self) -> list[Link]:
        """Every link, in the order of the chain."""
        found = {link.seq: link for link in self.keys}
        for revisions in self.cases.values():
            for each in revisions:
                found[each.link.seq] = each.link
                if each.removed is not None:
                    found[each.removed.seq] = each.removed
        return [found[seq] for seq in sorted(found)]


def choose(state: Path, asked: Asked, time_zone: str) -> Chosen:
    """Look up what is asked for, as it is at one moment; the box may go on meanwhile.

    Args:
        state: the box's state folder.
        asked: one case, or days.
        time_zone: in which days are meant.

    Raises:
        ExportError: there is no such case, or none in these days (EXP-001).
        StoreError: the database cannot be read, or a link in it is damaged (EVI-006).
    """
    database = state / DATABASE
    with snapshot(database) as db:
        ids = _by_id(db, asked.case) if asked.case else _by_days(db, asked, time_zone)
        if not ids:
            says = f"case {asked.case}" if asked.case else f"{asked.first} to {asked.last}"
            raise _nothing(says, "no sealed case is here", "Give another case id, or other dates")
        if asked.case:
            asked = Asked(ids[0])
        keys = [link_of(row, database) for row in db.execute(_of_kinds(_KEYS))]
        removed = _removed(db, set(ids), database)
        cases = {each: _revisions(db, each, removed, database) for each in ids}
        newest = db.execute("SELECT * FROM evidence_chain ORDER BY seq DESC LIMIT 1").fetchone()
        last = link_of(newest, database)
    public = {link.kid: str(link.body["public_key"]) for link in (*keys, last)}
    kid = last.kid
    if last.kind == "key":
        kid = str(last.body["new_kid"])
        public[kid] = str(last.body["new_key"])
    return Chosen(asked, cases, keys, last.chain, kid, public)


@contextmanager
def snapshot(database: Path) -> Iterator[sqlite3.Connection]:
    """The database as it is at one moment, to read only.

    Raises:
        ExportError: there is none, or nothing was ever sealed in it (EXP-001).
        StoreError: it cannot be read.
    """
    if not database.is_file():
        fix = "Give the --config of a box that has run"
        raise _nothing(str(database), "there is no database", fix)
    try:
        db = sqlite3.connect(
            f"{database.resolve().as_uri()}?mode=ro",
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
        )
        try:
            db.row_factory = sqlite3.Row
            if not db.execute(
                "SELECT 1 FROM sqlite_schema WHERE name = 'evidence_chain'"
            ).fetchone():
                what = "this box has sealed nothing yet"
                raise _nothing(str(database), what, "Start gridpatrol of this version once")
            db.execute("BEGIN")
            yield db
        finally:
            db.close()
    except sqlite3.Error as error:
        raise as_store_error(database, error) from error


def _by_id(db: sqlite3.Connection, case_id: str) -> list[str]:
    rows = db.execute(
        "SELECT DISTINCT case_id FROM evidence_chain WHERE kind = 'case'"
        " AND substr(case_id, 1, ?) = ? ORDER BY case_id LIMIT 100",
        (len(case_id), case_id),
    )
    found = [str(row["case_id"]) for row in rows]
    if case_id in found:
        return [case_id]
    if len(found) > 1:
        some = ", ".join(found[:_SOME]) + (" …" if len(found) > _SOME else "")
        what = f"{len(found)} cases begin so ({some})"
        raise _nothing(f"case {case_id}", what, "Give more of the id")
    return found


def _by_days(db: sqlite3.Connection, asked: Asked, time_zone: str) -> list[str]:
    if asked.first is None or asked.last is None:
        return []
    zone = ZoneInfo(time_zone)
    start = datetime.combine(asked.first, time(), zone)
    end = datetime.combine(asked.last + timedelta(days=1), time(), zone)
    rows = db.execute(
        "SELECT case_id FROM evidence_chain WHERE kind = 'case' GROUP BY case_id HAVING"
        " SUM(json_extract(CAST(link AS TEXT), '$.at') >= ?"
        " AND json_extract(CAST(link AS TEXT), '$.at') < ?) > 0 ORDER BY MIN(seq)",
        (iso(start), iso(end)),
    )
    return [str(row["case_id"]) for row in rows]


def _of_kinds(kinds: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    return f"SELECT * FROM evidence_chain WHERE kind IN ({listed}) ORDER BY seq"  # noqa: S608


def _removed(db: sqlite3.Connection, ids: set[str], database: Path) -> dict[int, Link]:
    """By the number of a link: the one that says that it was removed."""
    found: dict[int, Link] = {}
    for row in db.execute(_of_kinds(("removed",))):
        if json.loads(bytes(row["link"]))["case_id"] in ids:
            link = link_of(row, database)
            found |= dict.fromkeys(link.body["links"], link)
    return found


def _revisions(
    db: sqlite3.Connection, case_id: str, removed: dict[int, Link], database: Path
) -> list[Revision]:
    rows = db.execute(
        "SELECT * FROM evidence_chain WHERE case_id = ? AND kind = 'case' ORDER BY seq", (case_id,)
    )
    found = []
    for row in rows:
        link, document = link_of(row, database), row["document"]
        found.append(
            Revision(link, bytes(document) if document is not None else None, removed.get(link.seq))
        )
    return found


def link_of(row: sqlite3.Row, database: Path) -> Link:
    """The link in a row.

    Raises:
        ExportError: it is damaged (EVI-006).
    """
    try:
        return read_link(bytes(row["link"]))
    except BadLinkError as error:
        raise ExportError(
            Code.EVI_CHAIN,
            str(database),
            f"link {row['seq']} is damaged ({error})",
            "gridpatrol verify names all that is; export the copy that the platform has",
        ) from error


def _nothing(where: str, what: str, fix: str) -> ExportError:
    return ExportError(Code.EXP_NOTHING, where, what, fix)
