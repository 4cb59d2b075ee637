"""Topics: one place that writes and reads them.

``{root}/1/{city}/{node}/up/…`` is written by the box, ``…/dn/…`` by the platform, so that a
broker can hold each box to its own branch with two ACL lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from edge.errors import Code, ConfigError

_NODE = re.compile(r"[a-z0-9-]{3,32}")
_CITY = re.compile(r"[a-z0-9-]{2,32}")
_ROOT = re.compile(r"[A-Za-z0-9_-]{1,32}")
_UP = re.compile(
    rf"(?P<root>{_ROOT.pattern})/1/(?P<city>{_CITY.pattern})/(?P<node>{_NODE.pattern})/up/"
    r"(?P<what>case|state|blob/(?P<sha256>[0-9a-f]{64}))"
)


@dataclass(frozen=True, slots=True)
class BoxTopics:
    """The topics of one box.

    Raises:
        ConfigError: root, city or node would not fit into a topic.
    """

    root: str
    city: str
    node: str

    def __post_init__(self) -> None:
        for pattern, name, value in (
            (_ROOT, "mqtt.root", self.root),
            (_CITY, "box.city", self.city),
            (_NODE, "box.id", self.node),
        ):
            if not pattern.fullmatch(value):
                raise ConfigError(
                    Code.CFG_FIELD,
                    name,
                    f"{value!r} does not fit into an MQTT topic",
                    f"It must match {pattern.pattern}",
                )

    @property
    def case(self) -> str:
        """Case draft revisions."""
        return self._topic("up/case")

    def blob(self, sha256: str) -> str:
        """Chunks of one evidence file."""
        return self._topic(f"up/blob/{sha256}")

    @property
    def state(self) -> str:
        """Retained presence."""
        return self._topic("up/state")

    @property
    def receipt(self) -> str:
        """The platform's receipts."""
        return self._topic("dn/receipt")

    def _topic(self, tail: str) -> str:
        return f"{self.root}/1/{self.city}/{self.node}/{tail}"


@dataclass(frozen=True, slots=True)
class UpTopic:
    """What a topic under ``up/`` says."""

    box: BoxTopics
    what: Literal["case", "blob", "state"]
    sha256: str = ""


def read_up(topic: str) -> UpTopic | None:
    """Take a topic apart; None when it is not one of ours."""
    match = _UP.fullmatch(topic)
    if match is None:
        return None
    box = BoxTopics(match["root"], match["city"], match["node"])
    if match["sha256"]:
        return UpTopic(box, "blob", match["sha256"])
    return UpTopic(box, "case" if match["what"] == "case" else "state")


def up_filters(root: str, group: str | None) -> list[str]:
    """What the platform subscribes to.

    Args:
        root: first topic level.
        group: name of a shared subscription, or None. Presence is never shared: brokers keep
            retained messages from shared subscriptions.
    """
    share = f"$share/{group}/" if group else ""
    return [
        f"{share}{root}/1/+/+/up/case",
        f"{share}{root}/1/+/+/up/blob/+",
        f"{root}/1/+/+/up/state",
    ]
