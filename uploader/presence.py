"""What a box leaves at the broker: whether it is there, what it runs on, how long its chain is.

All of it is retained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from edge.clock import Clock
from uploader.contract.build import state_event
from uploader.contract.messages import CONTENT_TYPE
from uploader.contract.properties import user_properties
from uploader.settings import Uplink
from uploader.topics import BoxTopics
from uploader.transport import Link, Will


class Presence:
    """Presence over one connection.

    Args:
        settings: which box it is, and its key.
        topics: of this box.
        session: number of the connection.
        clock: what time it is.
    """

    def __init__(self, settings: Uplink, topics: BoxTopics, session: int, *, clock: Clock) -> None:
        self._settings = settings
        self._topics = topics
        self._session = session
        self._clock = clock
        self._said: dict[str, bytes] = {}

    @property
    def will(self) -> Will:
        """What the broker says when the connection breaks."""
        last = self._state("lost")
        user = user_properties(last, self._settings.sign)
        return Will(self._topics.state, last, CONTENT_TYPE, user)

    def say(self, link: Link, reason: Literal["online", "stopped"]) -> int:
        """Say that the box is there, or goes; returns the message's number."""
        return self._publish(link, self._topics.state, self._state(reason))

    def report(self, link: Link, said: Mapping[str, bytes]) -> None:
        """Say what is retained, by topic, unless this connection has said that already."""
        for topic, payload in said.items():
            if payload is not self._said.get(topic):
                self._said[topic] = payload
                self._publish(link, topic, payload)

    def _publish(self, link: Link, topic: str, payload: bytes) -> int:
        return link.publish(
            topic,
            payload,
            content_type=CONTENT_TYPE,
            user=user_properties(payload, self._settings.sign),
            retain=True,
        )

    def _state(self, reason: Literal["online", "stopped", "lost"]) -> bytes:
        s = self._settings
        return state_event(
            s.city,
            s.node,
            session=self._session,
            at=self._clock(),
            version=s.version,
            reason=reason,
        ).to_bytes()
