"""Legal hold: evidence that a person wants kept, whatever its age and however full the disk is.

The signed chain is the only place where holds are written: a link ``hold`` says what, who and
why, a link ``release`` ends it. So a hold survives whatever the chain survives, and nobody can
take one back unseen. It is looked up inside the transaction that would remove something.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from edge.clock import iso
from edge.errors import Code, HoldError
from edge.evidence.chain import Chain

HOLD, RELEASE = "hold", "release"

_LINKS = (
    "SELECT CAST(link AS TEXT) AS link FROM evidence_chain WHERE kind IN ('hold', 'release')"
    " ORDER BY seq"
)
_SEALED_AT = (
    "SELECT json_extract(CAST(link AS TEXT), '$.at') AS at FROM evidence_chain WHERE case_id = ?"
)
_SOME = 3


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold that stands.

    Attributes:
        number: of the link that began it; what people call it by.
        at: when, as the link has it.
        by, why: who, and for what.
        case: the case it holds; empty: by days.
        first, last: every case with a revision sealed from the first to before the last moment
            (RFC 3339, UTC), now or later.
        asked: the same in the words of whoever asked.
    """

    number: int
    at: str
    by: str
    why: str
    case: str
    first: str
    last: str
    asked: str

    def covers(self, case_id: str, sealed_at: list[str]) -> bool:
        """Whether it holds a case whose revisions were sealed at these times."""
        if self.case:
            return self.case == case_id
        return any(self.first <= at < self.last for at in sealed_at)

    def to_json(self) -> dict[str, str | int]:
        """For ``--json``."""
        return asdict(self)


def holds(db: sqlite3.Connection) -> list[Hold]:
    """Those that stand, the oldest first.

    Raises:
        sqlite3.Error: the chain cannot be read.
    """
    standing: dict[int, Hold] = {}
    for row in db.execute(_LINKS):
        body = json.loads(row["link"])
        if body["kind"] == RELEASE:
            standing.pop(int(body["hold"]), None)
        else:
            standing[int(body["seq"])] = _hold(body)
    return list(standing.values())


def holding(db: sqlite3.Connection, case_id: str, also_at: list[str]) -> Hold | None:
    """The oldest hold on a case; None: it is not held.

    Args:
        db: the database, inside the transaction that would remove something.
        case_id: the case.
        also_at: times besides those at which its revisions were sealed.

    Raises:
        sqlite3.Error: the chain cannot be read.
    """
    standing = holds(db)
    if not standing:
        return None
    times = [str(row["at"]) for row in db.execute(_SEALED_AT, (case_id,))] + also_at
    return next((hold for hold in standing if hold.covers(case_id, times)), None)


def hold_case(tx: sqlite3.Connection, chain: Chain, case: str, *, by: str, why: str) -> int:
    """Hold a case; the number of the hold.

    Args:
        tx: a transaction.
        chain: where the link goes.
        case: its id, or the beginning of it.
        by, why: who, and for what.

    Raises:
        HoldError: no case of this box begins so, or several do, or its pictures are gone (HLD-001).
    """
    rows = tx.execute(
        "SELECT DISTINCT case_id FROM evidence_chain WHERE kind = 'case'"
        " AND substr(case_id, 1, ?) = ? ORDER BY case_id = ? DESC, case_id LIMIT 100",
        (len(case), case, case),
    ).fetchall()
    found = [str(row["case_id"]) for row in rows]
    if not found or (len(found) > 1 and found[0] != case):
        some = ", ".join(found[:_SOME]) + (" …" if len(found) > _SOME else "")
        what = f"{len(found)} cases begin so ({some})" if found else "no sealed case begins so"
        raise _nothing(f"case {case}", what, "Give the full case id")
    left = "SELECT 1 FROM evidence_chain WHERE case_id = ? AND document IS NOT NULL LIMIT 1"
    if tx.execute(left, (found[0],)).fetchone() is None:
        what = "its evidence is not here any more"
        raise _nothing(f"case {found[0]}", what, "gridpatrol verify says when and why it went")
    return _append(tx, chain, {"case": found[0]}, by=by, why=why)


def hold_days(
    tx: sqlite3.Connection,
    chain: Chain,
    days: tuple[date, date],
    time_zone: str,
    *,
    by: str,
    why: str,
) -> int:
    """Hold every case with a revision sealed on these days, also later; the number of the hold."""
    zone, (first, last) = ZoneInfo(time_zone), days
    start = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    asked = {"from": str(first), "to": str(last), "start": iso(start), "end": iso(end)}
    return _append(tx, chain, asked, by=by, why=why)


def release(tx: sqlite3.Connection, chain: Chain, number: int, *, by: str, why: str) -> int:
    """End a hold.

    Raises:
        HoldError: no such hold stands (HLD-001).
    """
    if number not in {hold.number for hold in holds(tx)}:
        raise _nothing(f"hold {number}", "no such hold stands", "gridpatrol hold --list names them")
    chain.append(tx, RELEASE, {"hold": number, "by": by, "why": why})
    return number


def _append(
    tx: sqlite3.Connection, chain: Chain, asked: Mapping[str, str], *, by: str, why: str
) -> int:
    return chain.append(tx, HOLD, {"asked": asked, "by": by, "why": why}).seq


def _hold(body: Mapping[str, Any]) -> Hold:
    asked = body["asked"]
    case = str(asked.get("case", ""))
    return Hold(
        number=int(body["seq"]),
        at=str(body["at"]),
        by=str(body["by"]),
        why=str(body["why"]),
        case=case,
        first=str(asked.get("start", "")),
        last=str(asked.get("end", "")),
        asked=f"case {case}" if case else f"{asked['from']} to {asked['to']}",
    )


def _nothing(where: str, what: str, fix: str) -> HoldError:
    return HoldError(Code.HLD_NOTHING, where, what, fix)
