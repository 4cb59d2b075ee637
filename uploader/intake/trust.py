"""Whose signature counts: keys that were listed, or the first one a box reported.

Trust on first use: the first ``up/reported`` of a box pins its key, as ssh pins a host's. The
topic ACL lets only that box write there. A key in ``box_keys`` needs no such trust, and then no
other counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from edge.errors import Code, ContractError
from edge.signing import Signature as Found
from edge.signing import Verifier, published, trusted
from uploader.contract.messages import PublicKey
from uploader.intake.boxes import Boxes
from uploader.intake.events import KeyChanged
from uploader.intake.incoming import refusal
from uploader.intake.records import Signature
from uploader.settings import Downlink
from uploader.topics import BoxTopics, UpTopic

_NAMES: dict[Found, Signature] = {
    Found.VALID: "valid",
    Found.UNSIGNED: "unsigned",
    Found.UNKNOWN_KEY: "unknown_key",
    Found.WRONG: "wrong",
}


class Trust:
    """Checks what boxes sign.

    Args:
        settings: what signatures are worth, and listed keys.
        boxes: remembers keys.
    """

    def __init__(self, settings: Downlink, boxes: Boxes) -> None:
        self._settings = settings
        self._boxes = boxes
        self._verifiers: dict[str, Verifier] = {}
        self._told: set[str] = set()

    def check(self, box: BoxTopics, payload: bytes, user: Mapping[str, str]) -> Signature:
        """What a message's signature is worth.

        Raises:
            StoreError: the known keys cannot be read.
            ConfigError: a listed key cannot be used.
        """
        if self._settings.signatures == "off":
            return "unchecked"
        found = self._verifier(box).check(payload, user)
        if found is Found.UNKNOWN_KEY and self._listed(box) is None:
            # Another worker may have learned it meanwhile.
            self._verifiers.pop(box.name, None)
            found = self._verifier(box).check(payload, user)
        return _NAMES[found]

    def refuse(self, topic: UpTopic, signature: Signature) -> ContractError | None:
        """Why a message must not be taken; None: it may be."""
        if self._settings.signatures != "require" or signature in {"valid", "unknown_key"}:
            return None
        return refusal(topic, Code.SEC_UNSIGNED, f"the signature is {signature}")

    def must_wait(self, signature: Signature) -> bool:
        """Whether the message is to come again once somebody vouched for its key."""
        return self._settings.signatures == "require" and signature == "unknown_key"

    def learn(
        self, box: BoxTopics, key: PublicKey, payload: bytes, user: Mapping[str, str]
    ) -> KeyChanged | None:
        """Pin the first key a box reports; says so when a later one is another.

        Args:
            box: who reports it.
            key: what it reports.
            payload, user: the report itself; it must be signed with that key.

        Raises:
            StoreError: it could not be remembered.
        """
        if self._settings.signatures == "off" or not _owns(key, payload, user):
            return None
        if self._listed(box) is None and self._settings.first_use:
            self._boxes.pin(box, key.kid, key.key, only_first=True)
        self._verifiers.pop(box.name, None)
        trusts = self._verifier(box).check(payload, user) is Found.VALID
        if trusts or key.kid in self._told:
            return None
        self._told.add(key.kid)
        return KeyChanged(box.name, key.kid, key.key)

    def accept(self, box: BoxTopics, kid: str, public_key: str) -> None:
        """A person vouches for a key.

        Raises:
            StoreError: it could not be remembered.
        """
        self._boxes.pin(box, kid, public_key, only_first=False)
        self._verifiers.pop(box.name, None)

    def _verifier(self, box: BoxTopics) -> Verifier:
        if box.name not in self._verifiers:
            made = self._listed(box) or published(self._boxes.keys(box))
            self._verifiers[box.name] = made
        return self._verifiers[box.name]

    def _listed(self, box: BoxTopics) -> Verifier | None:
        paths = self._settings.box_keys.get(box.name)
        return None if paths is None else trusted(paths)


def _owns(key: PublicKey, payload: bytes, user: Mapping[str, str]) -> bool:
    try:
        return published([key.key]).check(payload, user) is Found.VALID
    except ValueError:
        return False
