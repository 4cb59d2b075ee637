"""Evidence of rows goes to the S3 store in the background; what became of it is an event."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from edge.errors import DeliveryError, GridpatrolError, StoreError
from uploader.outbox_rows import OutboxEvidence, OutboxRow
from uploader.packets import read_evidence
from uploader.s3 import S3Room, S3Settings

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Stored:
    """The evidence of a row was stored, but for these faults."""

    seq: int
    faults: tuple[GridpatrolError, ...]


class Claims:
    """Stores the evidence of rows on threads of its own.

    Args:
        settings: the store.
        city, node: the box, part of every key.
        post: gets one :class:`Stored` for each row submitted, on any thread.

    Raises:
        GridpatrolError: see :class:`uploader.s3.S3Room`.
    """

    def __init__(
        self, settings: S3Settings, city: str, node: str, post: Callable[[Stored], None]
    ) -> None:
        self._settings = settings
        self._city = city
        self._node = node
        self._post = post
        self._room = S3Room(settings)
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="evidence")

    @property
    def instead_by_mqtt(self) -> bool:
        """Whether evidence the store does not take goes over MQTT."""
        return self._settings.when_down == "mqtt"

    def wanted(self, row: OutboxRow) -> list[OutboxEvidence]:
        """Files of a row whose message says that they are in the store, and that are lacking."""
        return [item for item in row.lacking if item.url is not None]

    def submit(self, row: OutboxRow) -> None:
        """Begin to store what is wanted of a row."""
        self._pool.submit(self._store, row)

    def close(self) -> None:
        """Take nothing more; what is under way ends within the time-outs."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _store(self, row: OutboxRow) -> None:
        faults: list[GridpatrolError] = []
        for item in self.wanted(row):
            key = self._settings.key(self._city, self._node, item.sha256)
            try:
                self._room.put(key, read_evidence(item), item.sha256, item.media_type)
            except (DeliveryError, StoreError) as fault:
                faults.append(fault)
        self._post(Stored(row.seq, tuple(faults)))
