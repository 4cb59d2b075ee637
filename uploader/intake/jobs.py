"""Work for the thread that owns the store, and the word for work that came too late."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from edge.errors import Code, DeliveryError

T = TypeVar("T")


class Job(Generic[T]):
    """One call whose outcome somebody waits for."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self.future: Future[T] = Future()

    def run(self) -> None:
        """Do it, on the thread that owns the store."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self._work())
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            self.future.set_exception(error)

    def refuse(self, error: Exception) -> None:
        """It will not be done."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


def closed() -> DeliveryError:
    """Why nothing is done any more."""
    return DeliveryError(Code.MQT_UNREACHABLE, "receiver", "it is closed", "Open it again")
