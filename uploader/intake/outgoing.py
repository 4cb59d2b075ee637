"""What the platform publishes over the link of the moment: receipts and its own messages."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future

from edge.errors import Code, DeliveryError
from edge.signing import load_signer
from uploader.contract.messages import CONTENT_TYPE
from uploader.contract.properties import user_properties
from uploader.intake.records import Answer
from uploader.settings import Downlink
from uploader.transport import Acked, Link

_FAILED = 0x80


class Outgoing:
    """Publishes, signed where there is a key. One thread.

    Args:
        settings: the broker and the key.

    Raises:
        ConfigError: the key cannot be used (SEC-001).
    """

    def __init__(self, settings: Downlink) -> None:
        self._where = f"{settings.host}:{settings.port}"
        self._sign = load_signer(settings.signing_key).sign if settings.signing_key else None
        self._unanswered: dict[int, Future[None]] = {}
        self.link: Link | None = None

    def leave(self) -> bool:
        """The link is over; whether there was one."""
        there, self.link = self.link is not None, None
        for answered in self._unanswered.values():
            answered.set_exception(self.unreachable("the connection broke"))
        self._unanswered.clear()
        return there

    def send(self, answers: Iterable[Answer]) -> None:
        """Send receipts. Offline they wait with their rows: boxes ask again."""
        if self.link is not None:
            for answer in answers:
                self._publish(self.link, answer.box.receipt, answer.payload, retain=False)

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> Future[None]:
        """Publish a message; the future ends with the broker's answer.

        Raises:
            DeliveryError: not connected (MQT-001); in the future: lost, or not allowed (MQT-002).
        """
        if self.link is None:
            raise self.unreachable("not connected")
        answered: Future[None] = Future()
        self._unanswered[self._publish(self.link, topic, payload, retain=retain)] = answered
        return answered

    def acked(self, event: Acked) -> None:
        """The broker answered."""
        answered = self._unanswered.pop(event.mid, None)
        if answered is None:
            return
        if event.code >= _FAILED:
            what = f"the broker refused a message (0x{event.code:02x})"
            fix = "Check the platform's rights in the broker's access list"
            answered.set_exception(DeliveryError(Code.MQT_REFUSED, self._where, what, fix))
        else:
            answered.set_result(None)

    def unreachable(self, reason: str) -> DeliveryError:
        """Why nothing can be published now."""
        return DeliveryError(Code.MQT_UNREACHABLE, self._where, reason, "Connecting again")

    def _publish(self, link: Link, topic: str, payload: bytes, *, retain: bool) -> int:
        user = user_properties(payload, self._sign) if payload else {}
        return link.publish(topic, payload, content_type=CONTENT_TYPE, user=user, retain=retain)
