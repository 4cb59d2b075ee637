"""Why the cameras of an export are watched, and who looked at them: two files of the ZIP.

Exports themselves are left out: each is a link of the chain, and an export must not depend on those
before it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from edge.evidence.access import DATABASE, AccessLog
from edge.evidence.chain import open_chain
from edge.evidence.purposes import history
from edge.evidence.sources import DATABASE as CHAIN

PURPOSES, ACCESS = "watching/purposes.json", "watching/access.json"
_MOST = 10_000
"""Entries of one camera: the newest."""


def watching(state: Path, cameras: Sequence[str]) -> dict[str, bytes]:
    """The files by name.

    Args:
        state: the box's state folder.
        cameras: whose records are wanted.

    Raises:
        StoreError: chain or log cannot be read.
    """
    with closing(open_chain(state / CHAIN)) as db:
        records = [asdict(each) for each in history(db) if each.camera_id in cameras]
    with closing(AccessLog(state / DATABASE)) as log:
        entries = [each for name in cameras for each in log.entries(name, limit=_MOST)]
    looked = [asdict(each) for each in entries if each.what != "export"]
    return {PURPOSES: _json(records), ACCESS: _json(looked)}


def _json(rows: object) -> bytes:
    return json.dumps(rows, ensure_ascii=False, indent=1).encode()
