"""What becomes of each kind of message: checked first, then stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from edge.clock import utc_now
from edge.errors import Code, ContractError, StoreError
from uploader.contract.messages import ReportedEvent, read
from uploader.intake.events import ChainBroken, Checkpointed, Happening, Reported, presence
from uploader.intake.incoming import refusal
from uploader.intake.receipts import later
from uploader.intake.records import Taken
from uploader.intake.store import IntakeStore
from uploader.intake.trust import Trust
from uploader.settings import Downlink
from uploader.topics import UpTopic
from uploader.transport import Arrived

_KEY_RETRY_S = 60.0


class Reception:
    """Takes messages in, on the worker's thread.

    Args:
        settings: what signatures are worth, and when to send again.
        store: where messages go.
        tell: gets what happens besides.
    """

    def __init__(
        self, settings: Downlink, store: IntakeStore, tell: Callable[[Happening], None]
    ) -> None:
        self._settings = settings
        self._store = store
        self._tell = tell
        self.trust = Trust(settings, store.boxes)

    def take(self, topic: UpTopic, message: Arrived) -> Taken:
        """Deal with one message.

        Raises:
            ContractError: a piece of evidence, presence, report or checkpoint that makes no sense.
            StoreError: it was not kept.
        """
        match topic.what:
            case "case" | "reply":
                return self._take_case(topic, message)
            case "blob":
                offset, total = _numbers(message)
                return self._store.take_chunk(topic, offset, total, message.payload)
            case "state":
                state = self._store.boxes.take_state(topic, message.payload)
                if state is not None:
                    self._tell(presence(topic.box, state))
            case "reported":
                self._take_reported(topic, message)
            case "checkpoint":
                self._take_checkpoint(topic, message)
        return Taken()

    def _take_case(self, topic: UpTopic, message: Arrived) -> Taken:
        payload, user = message.payload, message.user
        try:
            signature = self.trust.check(topic.box, payload, user)
            if self.trust.must_wait(signature):
                why = "nobody vouched for the key it is signed with"
                return Taken((later(topic.box, payload, utc_now(), _KEY_RETRY_S, why),))
            misfit = self.trust.refuse(topic, signature) or _altered(topic, message)
            if misfit is not None:
                return self._store.refuse(topic, payload, str(misfit))
            return self._store.take(topic, payload, signature)
        except StoreError as fault:
            why = "the platform could not store it"
            answer = later(topic.box, payload, utc_now(), self._settings.retry_after_s, why)
            return Taken((answer,), fault=fault)

    def _take_reported(self, topic: UpTopic, message: Arrived) -> None:
        data = self._store.boxes.take_reported(topic, message.payload)
        known = read(ReportedEvent, message.payload, topic.name).data if data is None else data
        if known.public_key is not None:
            changed = self.trust.learn(topic.box, known.public_key, message.payload, message.user)
            if changed is not None:
                self._tell(changed)
        if data is not None:
            self._tell(Reported(topic.box.name, data))

    def _take_checkpoint(self, topic: UpTopic, message: Arrived) -> None:
        signature = self.trust.check(topic.box, message.payload, message.user)
        if self.trust.must_wait(signature):
            why = "nobody vouched for the key that the checkpoint is signed with"
            raise refusal(topic, Code.SEC_UNSIGNED, why)
        misfit = self.trust.refuse(topic, signature) or _altered(topic, message)
        if misfit is not None:
            raise misfit
        taken = self._store.chains.take(topic, message.payload)
        if taken is not None:
            data, contradiction = taken
            self._tell(Checkpointed(topic.box.name, data))
            if contradiction is not None:
                self._tell(ChainBroken(topic.box.name, contradiction))


def _numbers(message: Arrived) -> tuple[int, int]:
    try:
        return int(message.user["offset"]), int(message.user["total"])
    except (KeyError, ValueError) as error:
        raise ContractError(
            Code.MSG_SCHEMA,
            message.topic,
            "a chunk without the user properties offset and total",
            "Send both, in bytes",
        ) from error


def _altered(topic: UpTopic, message: Arrived) -> ContractError | None:
    """A broker or bridge that changes bytes is found out before they have an effect."""
    said = message.user.get("sha256")
    if said is None or said == hashlib.sha256(message.payload).hexdigest():
        return None
    return refusal(topic, Code.MSG_HASH, "the payload is not what the property sha256 says")
