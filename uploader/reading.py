"""Reads that fail like writes do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.sqlite import as_store_error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Around queries outside a transaction.

    Raises:
        StoreError: the database cannot be read.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise as_store_error(path, error) from error
