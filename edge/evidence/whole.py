"""The chain as a whole: every copy of it together, against checkpoints and keys from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.evidence.checkpoint import Checkpoint
from edge.evidence.copies import CHAIN_FILE
from edge.evidence.findings import Finding, Report, What
from edge.evidence.kinds import KINDS
from edge.evidence.link import Link
from edge.evidence.walk import Walk

_CRASH_LINKS = 8
"""A crash leaves ``chain.jsonl`` at most so far behind the database; more was cut off."""


@dataclass(frozen=True)
class Whole:
    """Checks a chain.

    Attributes:
        trusted, revoked: short names of keys.
        checkpoints: of whatever chains.
    """

    trusted: frozenset[str]
    checkpoints: Sequence[Checkpoint]
    revoked: frozenset[str]

    def check(
        self,
        report: Report,
        walks: Sequence[Walk],
        links: Mapping[int, Link],
        chain: str | None,
    ) -> None:
        """Add to the report what its copies show together.

        Args:
            report: gets what is found.
            walks: the copies.
            links: all of them, by number.
            chain: which chain it is.
        """
        if not walks:
            return
        where = walks[0].where
        report.links = len(links)
        points = [point for point in self.checkpoints if point.chain == chain]
        if self.checkpoints and not points:
            says = f"none of the checkpoints given is of this chain ({(chain or 'none')[:8]}…)"
            report.findings.append(Finding(What.FOREIGN, where, says))
        last = max((0, *(each.last for each in walks), *(point.seq for point in points)))
        fullest = max(each.last for each in walks)
        for each in walks:
            report.findings += each.findings
            copy = len(walks) > 1 and each.where.endswith(CHAIN_FILE)
            _name_absent(report, each, last, links, crash=copy and last == fullest)
        for point in points:
            link = links.get(point.seq)
            if link is not None and link.sha256 != point.sha256:
                says = f"{link.says} is not the one of the checkpoint of {point.at}"
                report.findings.append(Finding(What.FORKED, where, says, point.seq))
        for key in sorted(self.revoked & set(report.keys)):
            says = f"key {key}, given as revoked, signs links"
            report.findings.append(Finding(What.WRONG_KEY, where, says))
        self._note(report, links)

    def _note(self, report: Report, links: Mapping[int, Link]) -> None:
        doubts = {link.seq: found for link in links.values() if (found := _doubts(link))}
        if doubts:
            words = ", ".join(sorted({doubt for found in doubts.values() for doubt in found}))
            report.notes.append(
                f"{len(doubts)} link(s) were made with a clock not to be trusted ({words}):"
                " their order is certain, their time is not"
            )
        later = sorted({link.kind for link in links.values()} - KINDS.keys())
        if later:
            count = sum(link.kind in later for link in links.values())
            report.notes.append(
                f"{count} link(s) of kinds that this version does not know ({', '.join(later)}):"
                " signed and in their place; a later gridpatrol says what is in them"
            )
        if not self.trusted:
            report.notes.append(
                f"signed with {', '.join(report.keys)}; nobody vouched for it: give --key"
            )
        if not self.checkpoints:
            report.notes.append(
                "links cut off the end leave no trace here: give the platform's --checkpoint"
            )


def behind(walks: Sequence[Walk]) -> frozenset[int]:
    """Links that the database has and ``chain.jsonl`` not yet, if a crash explains that."""
    last = max((each.last for each in walks), default=0)
    files = [each.last for each in walks if each.where.endswith(CHAIN_FILE)]
    if len(walks) < 2 or not files or last - files[0] > _CRASH_LINKS:
        return frozenset()
    return frozenset(range(files[0] + 1, last + 1))


def _name_absent(
    report: Report, each: Walk, last: int, links: Mapping[int, Link], *, crash: bool
) -> None:
    """Links that a copy lacks in the middle, and at its end."""
    for seq in each.absent:
        what = links[seq].says if seq in links else f"link {seq}"
        report.findings.append(Finding(What.MISSING, each.where, f"{what} is missing", seq))
    cut = last - each.last
    if cut <= 0:
        return
    if crash and cut <= _CRASH_LINKS:
        report.notes.append(f"{each.where}: {cut} link(s) behind the database; a start mends it")
        return
    says = f"links {each.last + 1} to {last} are cut off ({cut} of {last})"
    report.findings.append(Finding(What.CUT_OFF, each.where, says, each.last + 1))


def _doubts(link: Link) -> list[str]:
    clock = link.body.get("clock")
    doubts = clock.get("doubts") if isinstance(clock, dict) else None
    return [str(doubt) for doubt in doubts] if isinstance(doubts, list) else []
