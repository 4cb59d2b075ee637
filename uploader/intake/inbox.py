"""What waits for the worker's thread: events of a link, and jobs."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from uploader.intake.jobs import Job, closed
from uploader.transport import Event, Link

_TOGETHER = 64
"""Messages and jobs that share a commit, at most."""

Item = tuple[Link, Event] | Job[Any]


class Inbox:
    """A queue that is filled by any thread, and emptied by one."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Item] = SimpleQueue()
        self._next: Item | None = None
        self._door = threading.Lock()
        self._why: Exception | None = None

    def post(self, link: Link, event: Event) -> None:
        """Something happened on a link."""
        self._queue.put((link, event))

    def add(self, job: Job[Any]) -> None:
        """Something is to be done; refused when nothing will be any more."""
        with self._door:
            if self._why is not None:
                job.refuse(self._why)
            else:
                self._queue.put(job)

    def items(self, wait_s: float) -> list[Item]:
        """Some at a time; waits a moment when there is nothing. A job that wants to be alone is."""
        if self._next is not None:
            items, self._next = [self._next], None
            return items
        items = []
        with suppress(Empty):
            items.append(self._queue.get(timeout=wait_s))
            while not _alone(items[-1]) and len(items) < _TOGETHER:
                items.append(self._queue.get_nowait())
        if len(items) > 1 and _alone(items[-1]):
            self._next = items.pop()
        return items

    def close(self, fault: BaseException | None = None) -> None:
        """Nothing more is done: whoever waits, or comes later, is told what ended it."""
        with self._door:
            self._why = why = fault if isinstance(fault, Exception) else closed()
        while self._next is not None or not self._queue.empty():
            item, self._next = self._next or self._queue.get(), None
            if isinstance(item, Job):
                item.refuse(why)


def _alone(item: Item) -> bool:
    return isinstance(item, Job) and item.alone
