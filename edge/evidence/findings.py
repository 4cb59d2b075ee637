"""What a check found, in words that scripts may match on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from edge.errors import Code
from edge.evidence.removals import Removal


class What(StrEnum):
    """What is wrong with a file or a link."""

    ALTERED = "altered"
    MISSING = "missing"
    SWAPPED = "swapped"
    STRANGER = "stranger"
    UNSEALED = "unsealed"
    REORDERED = "reordered"
    REPEATED = "repeated"
    CUT_OFF = "cut_off"
    FORKED = "forked"
    FOREIGN = "foreign"
    WRONG_KEY = "wrong_key"


_CODES = {
    What.ALTERED: Code.EVI_ALTERED,
    What.SWAPPED: Code.EVI_ALTERED,
    What.STRANGER: Code.EVI_ALTERED,
    What.MISSING: Code.EVI_MISSING,
    What.UNSEALED: Code.EVI_MANIFEST,
    What.WRONG_KEY: Code.SEC_CHAIN_KEY,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was sealed.

    Attributes:
        what: the kind of fault.
        path: file, or copy of the chain.
        says: for people, in one sentence.
        seq: the link concerned, where it is known.
    """

    what: What
    path: str
    says: str
    seq: int | None = None

    @property
    def code(self) -> Code:
        """The stable code."""
        return _CODES.get(self.what, Code.EVI_CHAIN)

    def __str__(self) -> str:
        return f"[{self.code}] {self.path}: {self.what.value.replace('_', ' ')}: {self.says}"


@dataclass
class Report:
    """Outcome of a check.

    Attributes:
        findings: what was altered; whole evidence has none.
        notes: what a reader should know besides.
        whole: files that are as they were sealed.
        links, cases: how much was looked at.
        keys: short names of the keys that signed.
        removed: what retention took away; it is not missed.
    """

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)
    links: int = 0
    cases: int = 0
    keys: list[str] = field(default_factory=list)
    removed: list[Removal] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Everything, with the findings also file by file."""
        files: dict[str, list[str]] = {path: [] for path in self.whole}
        for finding in self.findings:
            files.setdefault(finding.path, []).append(finding.what.value)
        return {
            "whole": not self.findings,
            "links": self.links,
            "cases": self.cases,
            "keys": self.keys,
            "removed": [each.to_json() for each in self.removed],
            "files": [
                {"path": path, "state": "altered" if found else "whole", "found": found}
                for path, found in sorted(files.items())
            ],
            "findings": [
                {**asdict(finding), "code": str(finding.code)} for finding in self.findings
            ],
            "notes": self.notes,
        }
