"""Topics: one place that writes and reads them.

``{root}/1/{city}/{node}/up/…`` is written by the box, ``…/dn/…`` by the platform, so that a
broker can hold each box to its own branch with two ACL lines. ``{root}/1/{city}/host/…`` is the
platform's word to all boxes of a city; no box may be called ``host`` or
``platform``, which is the platform's own name on the broker.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from edge.errors import Code, ConfigError

_NODE = re.compile(r"(?!(?:host|platform)(?:/|$))[a-z0-9-]{3,32}")
_CITY = re.compile(r"[a-z0-9-]{2,32}")
_ROOT = re.compile(r"[A-Za-z0-9_-]{1,32}")
_CELL = re.compile(r"[0-9A-Za-z]{9,20}")
_BOX = rf"(?P<root>{_ROOT.pattern})/1/(?P<city>{_CITY.pattern})/(?P<node>{_NODE.pattern})"
_UP = re.compile(
    rf"{_BOX}/up/(?P<what>case|reply|state|reported|checkpoint|blob/(?P<sha256>[0-9a-f]{{64}}))"
)
_DOWN = re.compile(rf"{_BOX}/dn/(?P<what>receipt|request|desired)")
_KNOWN = re.compile(
    rf"(?P<root>{_ROOT.pattern})/1/(?P<city>{_CITY.pattern})/host/known/(?P<cell>{_CELL.pattern})"
)

Up = Literal["case", "reply", "blob", "state", "reported", "checkpoint"]
Down = Literal["receipt", "request", "desired", "known"]
_UPS: dict[str, Up] = {
    "case": "case",
    "reply": "reply",
    "state": "state",
    "reported": "reported",
    "checkpoint": "checkpoint",
}
_DOWNS: dict[str, Down] = {"receipt": "receipt", "request": "request", "desired": "desired"}


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
        for pattern, name, value, shape in (
            (_ROOT, "mqtt.root", self.root, "A-Z a-z 0-9 _ -, 1 to 32"),
            (_CITY, "box.city", self.city, "a-z 0-9 -, 2 to 32"),
            (_NODE, "box.id", self.node, "a-z 0-9 -, 3 to 32, and neither host nor platform"),
        ):
            if not pattern.fullmatch(value):
                raise ConfigError(
                    Code.CFG_FIELD,
                    name,
                    f"{value!r} does not fit into an MQTT topic",
                    f"Use {shape}",
                )

    @property
    def name(self) -> str:
        """How people call the box: ``city/node``."""
        return f"{self.city}/{self.node}"

    @property
    def case(self) -> str:
        """Case draft revisions."""
        return self._topic("up/case")

    @property
    def reply(self) -> str:
        """Answers to requests."""
        return self._topic("up/reply")

    def blob(self, sha256: str) -> str:
        """Chunks of one evidence file."""
        return self._topic(f"up/blob/{sha256}")

    @property
    def state(self) -> str:
        """Retained presence."""
        return self._topic("up/state")

    @property
    def reported(self) -> str:
        """Retained: the configuration in force."""
        return self._topic("up/reported")

    @property
    def checkpoint(self) -> str:
        """Retained: how long the evidence chain is."""
        return self._topic("up/checkpoint")

    @property
    def receipt(self) -> str:
        """The platform's receipts."""
        return self._topic("dn/receipt")

    @property
    def request(self) -> str:
        """The platform's requests."""
        return self._topic("dn/request")

    @property
    def desired(self) -> str:
        """Retained: the configuration that the box should run."""
        return self._topic("dn/desired")

    def known(self, cell: str) -> str:
        """Retained, of the whole city: the platform's open cases in one grid cell."""
        return f"{self.root}/1/{self.city}/host/known/{cell}"

    def _topic(self, tail: str) -> str:
        return f"{self.root}/1/{self.city}/{self.node}/{tail}"


@dataclass(frozen=True, slots=True)
class UpTopic:
    """What a topic under ``up/`` says."""

    box: BoxTopics
    what: Up
    sha256: str = ""

    @property
    def name(self) -> str:
        """The topic again."""
        tail = f"blob/{self.sha256}" if self.what == "blob" else self.what
        return f"{self.box.root}/1/{self.box.name}/up/{tail}"


@dataclass(frozen=True, slots=True)
class DownTopic:
    """What a topic that a box hears says; ``cell`` only for known cases."""

    what: Down
    cell: str = ""


def read_up(topic: str) -> UpTopic | None:
    """Take a topic apart; None when it is not one of ours."""
    match = _UP.fullmatch(topic)
    if match is None:
        return None
    box = BoxTopics(match["root"], match["city"], match["node"])
    if match["sha256"]:
        return UpTopic(box, "blob", match["sha256"])
    return UpTopic(box, _UPS[match["what"]])


def read_down(topic: str, box: BoxTopics) -> DownTopic | None:
    """What the platform says to this box or its city; None when it is neither."""
    if match := _DOWN.fullmatch(topic):
        mine = (match["root"], match["city"], match["node"]) == (box.root, box.city, box.node)
        return DownTopic(_DOWNS[match["what"]]) if mine else None
    match = _KNOWN.fullmatch(topic)
    if match is None or (match["root"], match["city"]) != (box.root, box.city):
        return None
    return DownTopic("known", match["cell"])


def up_filters(root: str, group: str | None) -> list[str]:
    """What the platform subscribes to.

    Args:
        root: first topic level.
        group: name of a shared subscription, or None. What is retained is never shared: brokers
            keep retained messages from shared subscriptions.
    """
    share = f"$share/{group}/" if group else ""
    return [
        f"{share}{root}/1/+/+/up/case",
        f"{share}{root}/1/+/+/up/reply",
        f"{share}{root}/1/+/+/up/blob/+",
        f"{root}/1/+/+/up/state",
        f"{root}/1/+/+/up/reported",
        f"{root}/1/+/+/up/checkpoint",
    ]
