"""What boxes said of their evidence chains: every checkpoint is kept, and compared."""

from __future__ import annotations

from edge.clock import Clock, iso
from edge.errors import Code
from edge.evidence.checkpoint import Checkpoint, read_checkpoint
from edge.evidence.link import BadLinkError
from uploader.contract.messages import CheckpointData, CheckpointEvent, read
from uploader.intake.database import Database, Sql
from uploader.intake.incoming import refusal
from uploader.topics import BoxTopics, UpTopic


class Chains:
    """Checkpoints, for ever: they are small, and the only witness from outside the box."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def take(self, topic: UpTopic, payload: bytes) -> tuple[CheckpointData, str | None] | None:
        """Keep a checkpoint; None when it is known already.

        Returns:
            The checkpoint, and how it contradicts what the box said before, if it does.

        Raises:
            ContractError: it does not fit, is another box's, or is not as the box signed it.
            StoreError: not stored.
        """
        data = read(CheckpointEvent, payload, topic.name).data
        point = _signed(topic, data)
        with self._db.transaction() as sql:
            sql.lock(f"chain {topic.box.name}")
            why = _contradicts(sql, topic.box, point)
            new = sql.run(
                "INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                topic.box.city,
                topic.box.node,
                point.chain,
                point.seq,
                point.sha256,
                data.signed,
                iso(self._clock()),
            )
        return (data, why) if new else None

    def all(self, box: BoxTopics) -> list[str]:
        """The signed checkpoints of a box, oldest first: ``gridpatrol verify`` takes them.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._db.reading() as sql:
            rows = sql.all(
                "SELECT signed FROM checkpoints WHERE city = ? AND node = ? ORDER BY at, seq",
                box.city,
                box.node,
            )
        return [row["signed"] for row in rows]


def _signed(topic: UpTopic, data: CheckpointData) -> Checkpoint:
    try:
        point = read_checkpoint(data.signed.encode())
    except (BadLinkError, UnicodeError) as error:
        what = f"the checkpoint is not as the box signed it ({error})"
        raise refusal(topic, Code.MSG_SCHEMA, what) from error
    said = (topic.box.name, data.chain, data.seq, data.sha256)
    if said != (point.box, point.chain, point.seq, point.sha256):
        raise refusal(topic, Code.MSG_SCHEMA, "the checkpoint says other than the message")
    return point


def _contradicts(sql: Sql, box: BoxTopics, point: Checkpoint) -> str | None:
    rows = sql.all(
        "SELECT chain, MAX(seq) AS last FROM checkpoints WHERE city = ? AND node = ?"
        " GROUP BY chain",
        box.city,
        box.node,
    )
    last = {row["chain"]: int(row["last"]) for row in rows}
    if last and point.chain not in last:
        return f"it began a new chain, {point.chain[:8]}…, beside {', '.join(sorted(last))}"
    if point.seq < last.get(point.chain, 0):
        return f"its chain went back from link {last[point.chain]} to {point.seq}"
    other = sql.one(
        "SELECT sha256 FROM checkpoints WHERE city = ? AND node = ? AND chain = ? AND seq = ?"
        " AND sha256 != ?",
        box.city,
        box.node,
        point.chain,
        point.seq,
        point.sha256,
    )
    return f"link {point.seq} of its chain was written anew" if other else None
