"""Who is there, what each box last reported, and the keys it signs with."""

from __future__ import annotations

from edge.clock import Clock, iso
from uploader.contract.messages import (
    ReportedData,
    ReportedEvent,
    StateData,
    StateEvent,
    read,
)
from uploader.intake.database import Database
from uploader.intake.records import BoxState
from uploader.topics import BoxTopics, UpTopic


class Boxes:
    """The boxes that ever came by."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def take_state(self, topic: UpTopic, payload: bytes) -> StateData | None:
        """Note who is there; None when the message is older than what is known.

        Raises:
            ContractError: the message does not fit (MSG-001).
            StoreError: not stored.
        """
        state = read(StateEvent, payload, topic.box.state).data
        with self._db.transaction() as sql:
            # A Will of an old connection may come after the box is back.
            changed = sql.run(
                "INSERT INTO boxes AS b VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (city, node)"
                " DO UPDATE SET session = excluded.session, online = excluded.online,"
                " reason = excluded.reason, version = excluded.version, at = excluded.at"
                " WHERE excluded.session >= b.session"
                " AND (excluded.session > b.session OR excluded.reason != b.reason)",
                topic.box.city,
                topic.box.node,
                state.session,
                int(state.online),
                state.reason,
                state.version,
                iso(state.at),
            )
        return state if changed else None

    def take_reported(self, topic: UpTopic, payload: bytes) -> ReportedData | None:
        """Note what a box runs; None when it is what is known.

        Raises:
            ContractError: the message does not fit (MSG-001).
            StoreError: not stored.
        """
        data = read(ReportedEvent, payload, topic.name).data
        with self._db.transaction() as sql:
            changed = sql.run(
                "INSERT INTO reported AS r VALUES (?, ?, ?) ON CONFLICT (city, node)"
                " DO UPDATE SET payload = excluded.payload WHERE r.payload != excluded.payload",
                topic.box.city,
                topic.box.node,
                payload,
            )
        return data if changed else None

    def reported(self) -> dict[str, ReportedData]:
        """What every box last said it runs, by ``city/node``.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._db.reading() as sql:
            rows = sql.all("SELECT * FROM reported ORDER BY city, node")
        return {
            f"{row['city']}/{row['node']}": read(
                ReportedEvent, bytes(row["payload"]), self._db.where
            ).data
            for row in rows
        }

    def pin(self, box: BoxTopics, kid: str, public_key: str, *, only_first: bool) -> None:
        """Trust a key of a box; with ``only_first``, only when there is none yet.

        Raises:
            StoreError: not stored.
        """
        with self._db.transaction() as sql:
            sql.lock(f"keys {box.name}")
            known = sql.one(
                "SELECT COUNT(*) AS n FROM box_keys WHERE city = ? AND node = ?",
                box.city,
                box.node,
            )
            if only_first and known is not None and known["n"]:
                return
            sql.run(
                "INSERT INTO box_keys VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                box.city,
                box.node,
                kid,
                public_key,
                iso(self._clock()),
            )

    def keys(self, box: BoxTopics) -> list[str]:
        """Public keys trusted for a box, raw in base64.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._db.reading() as sql:
            rows = sql.all(
                "SELECT public_key FROM box_keys WHERE city = ? AND node = ?", box.city, box.node
            )
        return [row["public_key"] for row in rows]

    def all(self) -> list[BoxState]:
        """The newest presence of every box.

        Raises:
            StoreError: the database cannot be read.
        """
        with self._db.reading() as sql:
            rows = sql.all("SELECT * FROM boxes ORDER BY city, node")
        return [
            BoxState(
                f"{row['city']}/{row['node']}",
                bool(row["online"]),
                row["reason"],
                int(row["session"]),
                row["version"],
                row["at"],
            )
            for row in rows
        ]
