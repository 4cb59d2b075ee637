"""The little that a store needs from a database.

Statements are written once, with ``?`` for values, in the words that SQLite and PostgreSQL share.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol


class Row(Protocol):
    """A row by column name."""

    def __getitem__(self, column: str) -> Any: ...


class Sql(Protocol):
    """Statements inside a transaction, or reads outside one."""

    def all(self, statement: str, *values: object) -> list[Row]:
        """Every row."""

    def one(self, statement: str, *values: object) -> Row | None:
        """The first row, or None."""

    def run(self, statement: str, *values: object) -> int:
        """How many rows were changed."""

    def lock(self, name: str) -> None:
        """Until the transaction ends, no other worker passes a lock of this name."""


class Database(Protocol):
    """One connection, used from one thread."""

    @property
    def where(self) -> str:
        """What to call it in an error; no password is in it."""

    @property
    def skip_locked(self) -> str:
        """Ends a SELECT that leaves rows another worker is taking to that worker."""

    def transaction(self) -> AbstractContextManager[Sql]:
        """All or nothing, on disk when the block has ended.

        Raises:
            StoreError: nothing was written.
        """

    def together(self) -> AbstractContextManager[None]:
        """Transactions inside the block become one where that is of use; each of them still
        stands or falls alone until the block ends.

        Raises:
            StoreError: none of them was written.
        """

    def reading(self) -> AbstractContextManager[Sql]:
        """Reads only.

        Raises:
            StoreError: the database cannot be read.
        """

    def now(self) -> float:
        """Seconds on a clock that every worker on this database shares."""

    def close(self) -> None:
        """End the connection."""
