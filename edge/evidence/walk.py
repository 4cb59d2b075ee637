"""Walking along one copy of the chain: is every link there, in order, of this box and its keys?"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from edge.evidence.findings import Finding, What
from edge.evidence.keyring import Keyring
from edge.evidence.link import NOTHING_BEFORE, BadLinkError, Link

Read = Callable[[bytes], Link]


@dataclass
class Walk:
    """What a copy of the chain holds.

    Attributes:
        where: its name for people.
        links: those that are right, by number.
        findings: the rest.
        absent: numbers below the last that are not there at all.
        broken: numbers of links that cannot be read.
        chain: which chain it is; None when no link is right.
        keyring: which keys sign it, and from where to where.
    """

    where: str
    links: dict[int, Link] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    absent: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    chain: str | None = None
    keyring: Keyring = field(default_factory=Keyring)

    @property
    def last(self) -> int:
        """The highest number that is here."""
        return max((*self.links, *self.broken), default=0)

    def add(self, what: What, says: str, seq: int | None = None) -> None:
        """Note a fault."""
        self.findings.append(Finding(what, self.where, says, seq))


def walk(
    where: str,
    items: Sequence[bytes],
    read: Read,
    *,
    chain: str | None = None,
    trusted: Collection[str] = (),
) -> Walk:
    """Check one copy by itself.

    Args:
        where: its name for people.
        items: the links' bytes, in the order they lie there.
        read: reads a link.
        chain: the chain it should be; None: the one that most of its links belong to.
        trusted: short names of keys that somebody vouches for from outside.
    """
    found = Walk(where)
    read_items = [_try(raw, read) for raw in items]
    chains = Counter(item.chain for item in read_items if isinstance(item, Link))
    found.chain = chain or (chains.most_common(1)[0][0] if chains else None)
    order: list[int] = []
    unread: list[tuple[int, str]] = []
    for position, item in enumerate(read_items, 1):
        if isinstance(item, str):
            unread.append((order[-1] + 1 if order else position, item))
        elif item.chain != found.chain:
            says = f"{item.says} of box {item.box}, chain {item.chain[:8]}…, stands at {position}"
            found.add(What.FOREIGN, says, item.seq)
        elif item.seq in found.links:
            same = found.links[item.seq].sha256 == item.sha256
            says = f"{item.says} is there twice" + ("" if same else ", and the two differ")
            found.add(What.REPEATED if same else What.FORKED, says, item.seq)
        else:
            found.links[item.seq] = item
            order.append(item.seq)
    _name_broken(found, unread)
    _name_moved(found, order)
    _name_absent(found)
    _check_joints(found)
    found.keyring = Keyring.along(found.links, trusted)
    for what, says, seq in found.keyring.faults:
        found.add(what, says, seq)
    return found


def _try(raw: bytes, read: Read) -> Link | str:
    try:
        return read(raw)
    except BadLinkError as error:
        return str(error)


def _name_broken(found: Walk, unread: Sequence[tuple[int, str]]) -> None:
    for seq, why in unread:
        while seq in found.broken:
            seq += 1  # noqa: PLW2901 - several pieces behind one neighbour
        if seq in found.links:
            found.add(What.STRANGER, f"something before link {seq} is no link ({why})", seq)
            continue
        found.broken.append(seq)
        found.add(What.ALTERED, f"link {seq} is not as it was signed ({why})", seq)


def _name_moved(found: Walk, order: Sequence[int]) -> None:
    ordered = sorted(order)
    wrong = [(at, should) for at, should in zip(order, ordered, strict=True) if at != should]
    if not wrong:
        return
    if len(wrong) == 2:
        for (seq, _), (other, _) in (wrong, wrong[::-1]):
            found.add(What.REORDERED, f"link {seq} has changed places with link {other}", seq)
        return
    for seq in sorted(set(order) - set(_longest_rising(order))):
        position = order.index(seq)
        before = order[position - 1] if position else None
        after = f"after link {before}" if before is not None else "at the beginning"
        found.add(What.REORDERED, f"link {seq} stands {after}", seq)


def _name_absent(found: Walk) -> None:
    found.absent = [
        seq
        for seq in range(1, found.last + 1)
        if seq not in found.links and seq not in found.broken
    ]


def _check_joints(found: Walk) -> None:
    """Each link says the hash of the one before."""
    for seq, link in sorted(found.links.items()):
        before = found.links.get(seq - 1)
        should = NOTHING_BEFORE if seq == 1 else before.sha256 if before else None
        if should is not None and link.prev != should:
            says = f"{link.says} does not go on from the link {seq - 1} that is here"
            found.add(What.FORKED, says, seq)


def _longest_rising(order: Sequence[int]) -> list[int]:
    """The most links that are in order as they lie: the rest is what was moved."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, seq in enumerate(order):
        at = bisect_left(tails, seq)
        before.append(ends[at - 1] if at else -1)
        if at == len(tails):
            tails.append(seq)
            ends.append(index)
        else:
            tails[at] = seq
            ends[at] = index
    found = []
    index = ends[-1] if ends else -1
    while index >= 0:
        found.append(order[index])
        index = before[index]
    return found[::-1]
