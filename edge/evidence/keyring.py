"""Which key may sign which part of a chain: begun, handed on, renewed without the old, revoked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from edge.evidence.findings import What
from edge.evidence.link import BadLinkError, Link, canonical
from edge.signing import Signature, fingerprint_of, published


@dataclass
class Keyring:
    """The keys of a chain, found by walking along it.

    Attributes:
        keys: short names in the order in which they signed.
        revoked: key → first link from which its signature is worth nothing.
        faults: links signed by another key than the chain goes on with.
    """

    keys: list[str] = field(default_factory=list)
    revoked: dict[str, int] = field(default_factory=dict)
    faults: list[tuple[What, str, int]] = field(default_factory=list)

    @classmethod
    def along(cls, links: Mapping[int, Link], trusted: Collection[str] = ()) -> Keyring:
        """Follow the keys from the first link that is here to the last.

        Args:
            links: by number; what is missing is somebody else's finding.
            trusted: keys that somebody vouches for from outside.
        """
        ring = cls()
        for seq, link in sorted(links.items()):
            ring._take(seq, link, trusted)
        for seq, link in sorted(links.items()):
            from_seq = ring.revoked.get(link.kid)
            if from_seq is not None and seq >= from_seq:
                says = f"{link.says} is signed with key {link.kid}, revoked from link {from_seq} on"
                ring.faults.append((What.WRONG_KEY, says, seq))
        if trusted and ring.keys and not set(ring.keys) & set(trusted):
            says = f"no key of this chain ({', '.join(ring.keys)}) is one that was given"
            ring.faults.append((What.WRONG_KEY, says, min(links)))
        return ring

    def _take(self, seq: int, link: Link, trusted: Collection[str]) -> None:
        current = self.keys[-1] if self.keys else None
        if link.kind == "renew" and current is not None:
            if link.kid not in trusted:
                says = f"from link {seq} on key {link.kid} signs, which {current} did not vouch for"
                self.faults.append((What.WRONG_KEY, says, seq))
            self.keys.append(link.kid)
        elif current is None:
            self.keys.append(link.kid)
        elif link.kid != current:
            says = f"{link.says} is signed with key {link.kid}, the chain goes on with {current}"
            self.faults.append((What.WRONG_KEY, says, seq))
            return
        if link.kind == "key":
            self._hand_on(seq, link)
        if link.kind == "revoke":
            self.revoked[str(link.body.get("revoked_kid"))] = _from(link)

    def _hand_on(self, seq: int, link: Link) -> None:
        """The old key vouches for the new one, and the new one shows that it is there."""
        new_key, proof = str(link.body.get("new_key")), str(link.body.get("proof"))
        user = {"kid": fingerprint_of(new_key), "sig": proof}
        try:
            good = published([new_key]).check(hand_over(link.chain, seq, new_key), user)
        except (ValueError, BadLinkError):
            good = Signature.WRONG
        if good is not Signature.VALID or link.body.get("new_kid") != user["kid"]:
            self.faults.append((What.WRONG_KEY, f"{link.says} hands on to no proper key", seq))
            return
        self.keys.append(user["kid"])


def hand_over(chain: str, seq: int, new_key: str) -> bytes:
    """What a new key signs to show that it takes over."""
    return canonical({"chain": chain, "seq": seq, "takes_over": new_key})


def _from(link: Link) -> int:
    said = link.body.get("from_seq")
    return said if isinstance(said, int) else link.seq
