"""Held cameras whose pictures nobody comes for: they are not decoded in vain, and it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event

import pytest

from edge.streams.backoff import Backoff
from edge.streams.mailbox import Doorbell, Mailbox, Outbox
from edge.streams.source import Source
from edge.streams.threads import Holder
from tests.cameras import RtspServer, make_clip

_POLL_S = 0.02


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its URL; it sends ten key frames a second."""
    clip = make_clip(tmp_path_factory.mktemp("keys") / "keys.mp4", gop=1)
    server = RtspServer({"keys": clip.with_suffix(".h264")})
    yield server.url("keys")
    server.stop()


def until(done: Callable[[], bool]) -> bool:
    ticks = Event()
    return any(done() or ticks.wait(_POLL_S) for _ in range(int(30 / _POLL_S)))


def test_what_nobody_comes_for_is_not_decoded_and_counts_as_dropped(camera: str) -> None:
    mailbox = Mailbox(bell := Doorbell())
    source = Source("cam-1", camera, 0.1, False, 3.0, 3.0)
    holder = Holder(source, mailbox, Outbox(bell), Backoff(0.2, 1.0))
    holder.start()
    assert until(lambda: mailbox._dropped.get("cam-1", 0) >= 30)
    taken = mailbox.take()
    assert taken is not None
    header, _ = taken
    # Of some 30 that were due, only those were decoded that took the place of a stale one.
    assert header.sequence <= 30 / 4
    assert header.dropped >= 30

    assert until(lambda: mailbox.waits("cam-1"))  # it goes on as soon as somebody comes
    after = mailbox.take()
    assert after is not None
    assert after[0].sequence == header.sequence + 1
    assert after[0].captured_at > header.captured_at
    assert not mailbox.waits("cam-1")
