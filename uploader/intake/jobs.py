"""Work for the thread that owns the store, and the word for work that came too late."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Generic, TypeVar

from edge.errors import Code, DeliveryError, StoreError

T = TypeVar("T")


class Job(Generic[T]):
    """One call whose outcome somebody waits for.

    Args:
        work: the call.
        alone: in a commit of its own, not together with what comes before and after.
    """

    def __init__(self, work: Callable[[], T], *, alone: bool = False) -> None:
        self._work = work
        self._outcome: Callable[[], None] = lambda: None
        self.alone = alone
        self.future: Future[T] = Future()

    def run(self) -> None:
        """Do it, on the thread that owns the store; nobody is told yet.

        Raises:
            StoreError: the disk failed: nothing more may be done.
        """
        if not self.future.running() and not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self._work()
        except Exception as error:
            self._outcome = partial(self.future.set_exception, error)
            if isinstance(error, StoreError) and error.fatal:
                raise
        else:
            self._outcome = partial(self.future.set_result, result)

    def tell(self) -> None:
        """What it came to is on disk: tell."""
        self._outcome()

    def refuse(self, error: Exception) -> None:
        """It was not done, or is undone."""
        if self.future.done():
            return
        if self.future.running() or self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


def closed() -> DeliveryError:
    """Why nothing is done any more."""
    return DeliveryError(Code.MQT_UNREACHABLE, "receiver", "it is closed", "Open it again")
