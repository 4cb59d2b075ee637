"""Which sequence numbers of a box have come, as ranges: what lies between them is missing."""

from __future__ import annotations

from uploader.intake.database import Sql
from uploader.intake.records import Gap
from uploader.topics import BoxTopics

_LARGEST = 2**63 - 1


def note(sql: Sql, box: BoxTopics, seq: int) -> None:
    """A message with this number is here; call it inside the transaction that stores it."""
    sql.lock(f"seq {box.name}")
    near = sql.all(
        "SELECT first, last FROM seq_ranges WHERE city = ? AND node = ? AND first <= ?"
        " AND last >= ?",
        box.city,
        box.node,
        min(seq + 1, _LARGEST),
        seq - 1,
    )
    first = min([seq, *(int(row["first"]) for row in near)])
    last = max([seq, *(int(row["last"]) for row in near)])
    if len(near) == 1 and (first, last) == (near[0]["first"], near[0]["last"]):
        return
    for row in near:
        sql.run(
            "DELETE FROM seq_ranges WHERE city = ? AND node = ? AND first = ?",
            box.city,
            box.node,
            row["first"],
        )
    sql.run("INSERT INTO seq_ranges VALUES (?, ?, ?, ?)", box.city, box.node, first, last)


def gaps(sql: Sql) -> list[Gap]:
    """Every hole below the highest number seen of each box, exactly. A box counts from 1."""
    found = []
    before: tuple[str, int] = ("", 0)
    for row in sql.all("SELECT * FROM seq_ranges ORDER BY city, node, first"):
        box = f"{row['city']}/{row['node']}"
        last = before[1] if before[0] == box else 0
        if row["first"] > last + 1:
            found.append(Gap(box, last + 1, int(row["first"]) - 1))
        before = (box, int(row["last"]))
    return found
