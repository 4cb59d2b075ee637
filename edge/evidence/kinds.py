"""The kinds of links: which fields each has, and which of them vouch for files on disk.

A reader checks the fields of the kinds it knows. A kind of a later version is a link like any
other, signed and in its place; what it says is for that version to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """What links of a kind must have, besides what every link has.

    Attributes:
        fields: by name, each with its type.
        document: name of the document beside the files it vouches for; empty: it has no files.
    """

    fields: Mapping[str, type] = field(default_factory=dict)
    document: str = ""


KINDS: Mapping[str, Kind] = {
    "begin": Kind(),
    "case": Kind(
        {"case_id": str, "document_sha256": str, "files": list, "revision": int}, "case.json"
    ),
    "answer": Kind(
        {"document_sha256": str, "files": list, "request_id": str, "result": str}, "answer.json"
    ),
    "removed": Kind(),  # of an earlier version: with fewer fields
    "hold": Kind({"by": str, "why": str}),
    "release": Kind({"by": str, "hold": int, "why": str}),
    "rebuilt": Kind({"set_aside": list}),
    "export": Kind({"by": str, "purpose": str}),
    "purpose": Kind({"cameras": dict}),
    "access": Kind({"day": str, "entries": int, "sha256": str}),
    "key": Kind({"new_key": str, "new_kid": str, "proof": str}),
    "renew": Kind(),
    "revoke": Kind({"revoked_kid": str}),
}
"""docs/evidence.md says what each is for. Whoever appends a new kind lists it here."""


def lacking(body: Mapping[str, Any], shape: Mapping[str, type]) -> str | None:
    """The first field of a body that is missing or of another type, in words; None: none."""
    for name, kind in shape.items():
        # bool is an int to Python, not to whoever signs.
        if not isinstance(body.get(name), kind) or isinstance(body.get(name), bool):
            return f"field {name} is missing or no {kind.__name__}"
    return None


def misfit(body: Mapping[str, Any]) -> str | None:
    """What a link's body lacks of its kind, in words; None: nothing, or the kind is not known."""
    kind = KINDS.get(str(body.get("kind")))
    if kind is None:
        return None
    if (found := lacking(body, kind.fields)) is not None:
        return found
    files = body["files"] if kind.document else ()
    if not all(isinstance(file, dict) and _is_listed(file) for file in files):
        return "a file without name or sha256"
    return None


def _is_listed(file: Mapping[str, Any]) -> bool:
    return all(isinstance(file.get(name), str) for name in ("name", "sha256"))
