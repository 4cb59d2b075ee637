"""The pair of before and after: the far view that was sent, and the place now at its angle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from edge.cases.alignment import laid_over, moved_by, transform
from edge.cases.caption import uncaptioned
from edge.cases.draft import EvidenceItem
from edge.cases.metadata import About
from edge.errors import PictureError
from edge.evidence.copies import MANIFEST
from edge.pictures import read_picture
from edge.scenes.finding import Words
from edge.streams.frame import Image

_MOVED = 0.003
"""Share of the picture's width from which a camera has moved; less nobody sees."""


def best_far(folders: Iterable[Path], camera_id: str) -> EvidenceItem | None:
    """The far view in the first folder that has one, by this camera if any has.

    Args:
        folders: of revisions, the best first.
        camera_id: whose view is wanted.

    Returns:
        As ``before``; None when there is none on disk any more, or it is not what it was.
    """
    found = [item for folder in folders if (item := _far(folder))]
    return next((item for item in found if item.camera_id == camera_id), None) or next(
        iter(found), None
    )


def at_the_angle_of(before: EvidenceItem, image: Image) -> Image | None:
    """The picture as the camera would have taken it before it was shaken.

    Returns:
        None when the camera has not moved, or nobody can tell how.
    """
    try:
        view = uncaptioned(read_picture(before.path))
    except PictureError:
        return None
    found = transform(view, image)
    if found is None or moved_by(view, image, found) < _MOVED:
        return None
    return laid_over(view, image, found)


def aligned(about: About) -> About:
    """Of a picture that was moved."""
    return replace(about, note=Words("已与处置前画面对齐", "aligned with the picture before"))


def _far(folder: Path) -> EvidenceItem | None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        entry = next(file for file in manifest["files"] if file["role"] == "far")
        path = folder / str(entry["name"])
        intact = hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
        item = EvidenceItem(
            "before",
            path,
            entry["sha256"],
            int(entry["size_bytes"]),
            entry["media_type"],
            datetime.fromisoformat(entry["captured_at"]),
            entry["camera_id"],
        )
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None
    return item if intact else None
