"""What a receiver hands out: cases, replies and their files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from uploader.contract.messages import CaseData, CaseEvent, Evidence, ReplyData
from uploader.intake.records import Signature, StoredCase, Verdict


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A picture or clip, whole and checked against its hash.

    Attributes:
        info: what the message says of it: role, media type, time, camera.
    """

    info: Evidence
    _read: Callable[[str], Awaitable[bytes]] = field(repr=False)

    async def read(self) -> bytes:
        """Its bytes; waits while the store is out of order.

        Raises:
            StoreError: it was moved away (EVI-001).
        """
        return await self._read(self.info.sha256)


@dataclass(frozen=True, slots=True)
class Case:
    """One revision of a case draft. Answer it with one of the three methods.

    Until it is answered, the box keeps it. Your own effect comes first, the answer after, and a
    crash between the two offers the revision once more: let the effect depend on :attr:`key`
    (an upsert), and it happens once.

    Attributes:
        event: the message.
        signature: what its signature is worth.
        evidence: its files, in the order of the message.
    """

    event: CaseEvent
    signature: Signature
    evidence: tuple[EvidenceFile, ...]
    _stored: StoredCase = field(repr=False)
    _settle: Callable[[StoredCase, Verdict], Awaitable[None]] = field(repr=False)

    @property
    def data(self) -> CaseData:
        """What the message says."""
        return self.event.data

    @property
    def box(self) -> str:
        """Who sent it: ``city/node``."""
        return self._stored.box.name

    @property
    def key(self) -> tuple[str, str, int]:
        """Source, case id and revision: the same for the same revision, whenever it comes."""
        return self.event.source, self.data.case_id, self.data.revision

    async def accept(self) -> None:
        """The platform has it: the box may let go. Waits while the store is out of order."""
        await self._settle(self._stored, Verdict("complete"))

    async def reject(self, reason: str) -> None:
        """Never to be sent again; the box keeps it aside with these words."""
        await self._settle(self._stored, Verdict("rejected", reason))

    async def later(self, seconds: float, reason: str | None = None) -> None:
        """Not now: it is offered again after this time, at most a day."""
        await self._settle(self._stored, Verdict("retry_after", reason, seconds))


@dataclass(frozen=True, slots=True)
class Reply:
    """A box's answer to a request, with its pictures."""

    box: str
    data: ReplyData
    evidence: tuple[EvidenceFile, ...]
