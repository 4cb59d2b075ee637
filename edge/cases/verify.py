"""Offline check of evidence folders: is every file the one the manifest describes?"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from edge.cases.evidence import MANIFEST
from edge.errors import Code, StoreError


@dataclass(frozen=True, slots=True)
class Fault:
    """One file that is not as it was sealed."""

    code: Code
    path: Path
    what: str

    def __str__(self) -> str:
        return f"[{self.code}] {self.path}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome of a check: how much was looked at, and what was wrong."""

    manifests: int
    files: int
    faults: tuple[Fault, ...]


def verify_evidence(path: Path) -> Verdict:
    """Check every manifest at or below a path.

    Raises:
        StoreError: there is no manifest at all.
    """
    found = [path] if path.name == MANIFEST else sorted(path.rglob(MANIFEST))
    if not found or not path.exists():
        raise StoreError(
            Code.EVI_MANIFEST, str(path), f"no {MANIFEST} here", "Give an evidence folder"
        )
    faults: list[Fault] = []
    files = 0
    for manifest in found:
        entries = _entries(manifest, faults)
        files += len(entries)
        for name, digest in entries:
            fault = _check(manifest.parent / name, digest)
            if fault is not None:
                faults.append(fault)
        faults += _strangers(manifest, {name for name, _ in entries})
    return Verdict(len(found), files, tuple(faults))


def _entries(manifest: Path, faults: list[Fault]) -> list[tuple[str, str]]:
    try:
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        return [(Path(str(entry["name"])).name, str(entry["sha256"])) for entry in files]
    except (OSError, ValueError, KeyError, TypeError) as error:
        faults.append(Fault(Code.EVI_MANIFEST, manifest, f"cannot be read ({error})"))
        return []


def _check(path: Path, digest: str) -> Fault | None:
    try:
        actual = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return Fault(Code.EVI_MISSING, path, "missing")
    if actual != digest:
        return Fault(Code.EVI_ALTERED, path, f"altered: sha256 {actual[:12]}…, not {digest[:12]}…")
    return None


def _strangers(manifest: Path, known: set[str]) -> list[Fault]:
    """Pictures that no manifest vouches for."""
    return [
        Fault(Code.EVI_ALTERED, path, "not in the manifest")
        for path in sorted(manifest.parent.iterdir())
        if path.name != MANIFEST and path.name not in known and not path.name.startswith(".")
    ]
