"""How a call to a city's system can end other than well, and what the bridge makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from edge.errors import Code, DeliveryError


class Do(StrEnum):
    """What an error code of the city's system calls for."""

    AGAIN = "again"
    """Its own trouble: ask again, a bounded number of times."""
    LOGIN = "login"
    """The token is stale: log in, ask again."""
    DEAD = "dead"
    """This case will never pass: put it aside with the city's words."""
    STOP = "stop"
    """Nothing will pass until people act: end with a clear error."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the receiver is told of a revision."""

    result: Literal["accept", "reject", "later"]
    words: str | None = None
    seconds: float = 0.0


ACCEPTED = Outcome("accept")


class CityAwayError(DeliveryError):
    """The city's system did not answer.

    Attributes:
        lost: the request may have arrived, and only the answer be lost.
        wait_s: it asked for so long a pause.
    """

    def __init__(
        self, where: str, what: str, *, lost: bool = True, wait_s: float | None = None
    ) -> None:
        super().__init__(Code.BRG_AWAY, where, what, "It is tried again; cases wait on their boxes")
        self.lost = lost
        self.wait_s = wait_s


class CityRefusedError(DeliveryError):
    """The city's system answered, and said no to this one thing.

    Attributes:
        do: what its code calls for.
        words: what it said.
    """

    def __init__(self, where: str, words: str, do: Do) -> None:
        super().__init__(
            Code.BRG_REFUSED, where, words, "Mend what it names, then `gridpatrol outbox resend`"
        )
        self.do = do
        self.words = words


def stopped(where: str, what: str, fix: str) -> DeliveryError:
    """The bridge cannot go on by itself (BRG-003)."""
    return DeliveryError(Code.BRG_STOPPED, where, what, fix)
