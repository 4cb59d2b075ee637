"""What retention took away, or a rebuilding set aside, as the chain says it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.evidence.link import REPLIES, Link

KIND = "removed"
REBUILT = "rebuilt"


@dataclass(frozen=True, slots=True)
class Removal:
    """A case, or an answer, that went.

    Attributes:
        seq: number of the link that says so.
        at: when, as that has it.
        case_id: case id, or the id of the request that was answered.
        links: numbers of the links whose files went.
        why, rule: what decided; empty: a box of an earlier version did not say.
    """

    seq: int
    at: str
    case_id: str
    links: tuple[int, ...]
    why: str
    rule: str

    @property
    def says(self) -> str:
        """For people."""
        because = f" because {self.rule} ({self.why})" if self.rule else ""
        return (
            f"{self.case_id}: deleted by retention on {self.at}{because}; link {self.seq} says so"
        )

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def removals(links: Iterable[Link]) -> list[Removal]:
    """Those that a chain's links speak of, in order."""
    return [
        Removal(
            link.seq,
            str(link.body.get("at", "")),
            str(link.body.get("case_id", "")),
            tuple(int(seq) for seq in link.body.get("links", ())),
            str(link.body.get("why", "")),
            str(link.body.get("rule", "")),
        )
        for link in links
        if link.kind == KIND
    ]


def set_aside(links: Iterable[Link]) -> dict[str, str]:
    """What rebuildings set aside, by ``case/rN/name``: when and why."""
    return {
        "/".join(Path(each["path"]).parts[-3:]): f"set aside on {link.body['at']} ({each['why']})"
        for link in links
        if link.kind == REBUILT
        for each in link.body["set_aside"]
    }


def case_of(path: Path, root: Path | None) -> str | None:
    """The case, or answered request, that a path below a state folder belongs to; None: none."""
    replies = root.parent / REPLIES if root is not None else None
    if replies is not None and path != replies and path.is_relative_to(replies):
        return path.relative_to(replies).parts[0]
    if root is None or path == root or not path.is_relative_to(root):
        return None
    return path.relative_to(root).parts[0]
