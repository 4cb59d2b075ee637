"""Fixtures: a broker, a box, a city."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bridge.city import V22City
from tests.uploader.conftest import box, broker  # noqa: F401 - fixtures


@pytest.fixture
def city() -> Iterator[V22City]:
    """A V22 system that is up."""
    running = V22City()
    running.start()
    yield running
    running.stop()
