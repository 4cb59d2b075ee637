"""Evidence by claim check: fetched from the S3 store into the platform's own, hash and all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from edge.errors import Code, DeliveryError, GridpatrolError
from uploader.contract.messages import Evidence
from uploader.s3 import S3Room, S3Settings
from uploader.topics import BoxTopics

_AT_ONCE = 4
_AGAIN_S = 5.0


class Fetcher:
    """Gets files on threads of its own; one that is not there yet is looked for again.

    Args:
        settings: the store; only addresses in it are followed, whatever a message says.
        post: gets every whole file and the box it is of, on any thread.
        report: told of every fault, on any thread.

    Raises:
        GridpatrolError: see :class:`uploader.s3.S3Room`.
    """

    def __init__(
        self,
        settings: S3Settings,
        post: Callable[[BoxTopics, str, bytes], None],
        report: Callable[[GridpatrolError], None],
    ) -> None:
        self._settings = settings
        self._post = post
        self._report = report
        self._room = S3Room(settings)
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetch")
        self._next: dict[str, float] = {}

    def look(self, wanted: Iterable[tuple[BoxTopics, Evidence]]) -> None:
        """Begin to fetch what is wanted and not being fetched; forgets what no longer is."""
        now, before = time.monotonic(), self._next
        self._next = {}
        for box, item in wanted:
            due = before.get(item.sha256, 0.0)
            if now >= due:
                due = now + _AGAIN_S
                self._pool.submit(self._fetch, box, item)
            self._next[item.sha256] = due

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, box: BoxTopics, item: Evidence) -> None:
        try:
            key = self._settings.key_of(item.url or "")
            if key is None:
                raise _elsewhere(box, item)
            content = self._room.get(key, item.sha256, item.bytes)
        except GridpatrolError as fault:
            self._report(fault)
            return
        if content is not None:
            self._post(box, item.sha256, content)


def _elsewhere(box: BoxTopics, item: Evidence) -> DeliveryError:
    return DeliveryError(
        Code.EVI_STORE_REFUSED,
        f"box {box.name}",
        f"evidence {item.sha256[:12]} is said to be outside the store",
        "Give box and platform the same endpoint, public_url, bucket and prefix",
    )
