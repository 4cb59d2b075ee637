"""What waits in a stream worker until its main thread, the only one that writes, sends it on."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import replace

from edge.streams.messages import Clip, Closed, FrameHeader, Missed, StateChange
from edge.streams.planes import Picture

_Key = tuple[str, int, int, bool]


class Doorbell:
    """Wakes the main thread, which waits for it and for the core's pipe at once."""

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """For ``multiprocessing.connection.wait``."""
        return self._descriptor

    def ring(self) -> None:
        """Any thread."""
        os.eventfd_write(self._descriptor, 1)

    def heard(self) -> None:
        """Whatever was rung for is looked at now."""
        with suppress(BlockingIOError):
            os.eventfd_read(self._descriptor)


class Mailbox:
    """The newest picture of each stream of a held camera, and every picture of a visit."""

    def __init__(self, bell: Doorbell) -> None:
        self._bell = bell
        self._lock = threading.Lock()
        self._pictures: dict[_Key, tuple[FrameHeader, Picture]] = {}
        self._dropped: dict[str, int] = {}

    def put(self, header: FrameHeader, image: Picture) -> None:
        """Any thread. A picture that was not sent in time gives way to the camera's next."""
        number = header.sequence if header.visit else 0
        key = (header.camera_id, header.visit, number, header.reason == "evidence")
        with self._lock:
            if key in self._pictures:
                self._dropped[header.camera_id] = self._dropped.get(header.camera_id, 0) + 1
            # A replaced picture keeps its camera's place in the queue of cameras.
            self._pictures[key] = (header, image)
        self._bell.ring()

    def waits(self, camera_id: str) -> bool:
        """Any thread. Whether a held camera's picture is still there: the core has not come yet."""
        with self._lock:
            return (camera_id, 0, 0, False) in self._pictures

    def pass_over(self, camera_id: str) -> None:
        """Any thread. A picture that was due was not even decoded: it counts as dropped."""
        with self._lock:
            self._dropped[camera_id] = self._dropped.get(camera_id, 0) + 1

    def take(self) -> tuple[FrameHeader, Picture] | None:
        """The picture of the camera that has waited longest, with its drops told once."""
        with self._lock:
            if not self._pictures:
                return None
            header, image = self._pictures.pop(next(iter(self._pictures)))
            dropped = self._dropped.pop(header.camera_id, 0)
        return replace(header, dropped=dropped), image


class Outbox:
    """The newest state of each camera, every visit that is over, every failed fetch, and clips."""

    def __init__(self, bell: Doorbell) -> None:
        self._bell = bell
        self._lock = threading.Lock()
        self._changes: dict[str, StateChange] = {}
        self._ended: list[Closed | Missed | Clip] = []

    def put(self, news: StateChange | Closed | Missed | Clip) -> None:
        """Any thread."""
        with self._lock:
            if isinstance(news, Closed | Missed | Clip):
                self._ended.append(news)
            else:
                self._changes[news.camera_id] = news
        self._bell.ring()

    def drain(self) -> list[StateChange | Closed | Missed | Clip]:
        """Everything, once."""
        with self._lock:
            news = [*self._changes.values(), *self._ended]
            self._changes.clear()
            self._ended.clear()
        return news
