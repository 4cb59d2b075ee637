"""Fixtures: a real broker, a box, a platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import Broker, start_broker
from tests.uploader.helpers import Box, Platform


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A fresh broker on a free loopback port."""
    running = start_broker(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def box(tmp_path: Path, broker: Broker) -> Iterator[Box]:
    """A box that is not started yet."""
    made = Box(tmp_path / "box", broker)
    yield made
    made.close()


@pytest.fixture
def platform(tmp_path: Path, broker: Broker) -> Iterator[Platform]:
    """A platform that is not started yet."""
    made = Platform(tmp_path / "platform", broker)
    yield made
    made.stop()
