"""Evidence files: made, written so that they survive a power cut, described by a manifest.

A revision's files lie in ``<evidence>/<case id>/r<revision>/``: pictures and ``manifest.json``.
They are written and synced *before* the case is committed: a crash in between leaves files
without a case (swept later), never a case without files.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.cases.caption import (
    caption_of,
    cut_out,
    far_view,
    near_view,
    near_window,
    uncaptioned,
)
from edge.cases.clip import ClipFile
from edge.cases.draft import EvidenceItem, EvidenceRole
from edge.cases.jpeg import evidence_jpeg, thumbnail
from edge.cases.metadata import About, CaseLabel
from edge.cases.pair import aligned, at_the_angle_of, best_far
from edge.clock import iso
from edge.detectors.base import Look
from edge.errors import RedactionError
from edge.evidence.copies import MANIFEST
from edge.evidence.salvage import is_sealed
from edge.files import sync_folder
from edge.geometry import Box
from edge.redaction.redactor import Redactor
from edge.scenes.finding import BestLook, Finding
from edge.sqlite import as_store_error
from edge.streams.frame import Image

_ORPHAN_AFTER_S = 3600.0

KeepClear = Callable[[str, int, Image, str], None]
"""Case id, revision, picture and view; see :meth:`edge.cases.originals.Originals.keep`."""


@dataclass(frozen=True, slots=True)
class View:
    """A picture on its way into a file: redacted, captioned, and what it shows.

    ``box`` is what a near view was cut out around.
    """

    role: EvidenceRole
    image: Image
    about: About
    box: Box | None = None


class EvidenceRoom:
    """Writes evidence below one folder.

    Args:
        folder: where the cases' folders lie.
        jpeg_quality: 50–100.
        redactor: makes pictures safe to leave.
        keep_clear: keeps the picture of a revision as it came; None: nobody does.
    """

    def __init__(
        self,
        folder: Path,
        *,
        jpeg_quality: int,
        redactor: Redactor,
        keep_clear: KeepClear | None = None,
    ) -> None:
        self.folder = folder
        self._quality = jpeg_quality
        self._redactor = redactor
        self._keep_clear = keep_clear

    def photograph(self, finding: Finding, label: CaseLabel) -> tuple[EvidenceItem, ...]:
        """Far and near view of a finding, on disk and synced.

        The far view is of now. The near view is of the look that shows the thing best, and where
        that is an earlier one it says so: in caption, time and manifest.

        Raises:
            RedactionError: the picture must not leave; nothing was written.
            StoreError: the disk refused; nothing counts as written.
        """
        image = self.safe(finding.look)
        about = label.about(finding.look, self.redaction, finding.dwell_s)
        caption = caption_of(about)
        near = View("near", near_view(image, finding.box, caption), about, finding.box)
        if finding.best is not None:
            with suppress(RedactionError):  # a better picture is not worth a case
                near = self._best(finding, finding.best, label)
        far = View("far", far_view(image, finding.box, finding.parts, caption), about)
        older = finding.best.look if finding.best and near.about is not about else None
        return self._write(label, finding.look, (far, near), older)

    def _best(self, finding: Finding, best: BestLook, label: CaseLabel) -> View:
        # Of this look only the part that is shown: a third of the time of the whole picture.
        crop = self._redactor.safe_part(best.look, near_window(best.box), quick=False)
        since_s = (best.look.frame.captured_at - finding.first_seen).total_seconds()
        about = label.about(best.look, self.redaction, since_s, best.why)
        return View("near", cut_out(crop, caption_of(about)), about, best.box)

    def photograph_clear(self, look: Look, box: Box, label: CaseLabel) -> tuple[EvidenceItem, ...]:
        """The place after it is clear again: the same two views, without boxes.

        Where the camera has moved since, ``after`` is the far view at the angle of the one before.

        Raises:
            RedactionError: the picture must not leave; nothing was written.
            StoreError: the disk refused; nothing counts as written.
        """
        image = self.safe(look)
        about = label.about(look, self.redaction)
        caption = caption_of(about)
        views = [
            View("far", far_view(image.copy(), box, (), caption), about),
            View("near", near_view(image, box, caption), about, box),
        ]
        case = self.folder / label.case_id
        earlier = (case / f"r{number}" for number in range(label.revision - 1, 0, -1))
        before = best_far(earlier, look.frame.camera_id)
        if before is not None and before.camera_id == look.frame.camera_id:
            over = at_the_angle_of(before, image)
            if over is not None:
                about = aligned(about)
                views.append(View("after", far_view(over, box, (), caption_of(about)), about))
        return self._write(label, look, views)

    def keep_clip(self, label: CaseLabel, clip: ClipFile) -> EvidenceItem:
        """A clip as the file of a revision, on disk and synced.

        Raises:
            StoreError: the disk refused; nothing counts as written.
        """
        folder = self.folder / label.case_id / f"r{label.revision}"
        path = folder / clip.name
        item = EvidenceItem(
            "clip",
            path,
            hashlib.sha256(clip.data).hexdigest(),
            len(clip.data),
            clip.media_type,
            clip.began_at,
            clip.camera_id,
        )
        write_all_durably({path: clip.data, folder / MANIFEST: _manifest(label, [item])})
        return item

    def sweep(self, known: Collection[tuple[str, int]], *, now_s: float | None = None) -> int:
        """Remove files of revisions that were never committed; returns how many folders.

        What a signed manifest vouches for was committed, whoever does not know it: it stays.
        """
        now_s = time.time() if now_s is None else now_s
        removed = 0
        for folder in self.folder.glob("*/r*"):
            revision = folder.name.removeprefix("r")
            orphan = not revision.isdigit() or (folder.parent.name, int(revision)) not in known
            old = now_s - folder.stat().st_mtime > _ORPHAN_AFTER_S
            if orphan and old and not is_sealed(folder):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
        return removed

    def safe(self, look: Look) -> Image:
        """A copy of the picture that may leave the box.

        Raises:
            RedactionError: there is none; nothing may leave.
        """
        return self._redactor.safe(look)

    @property
    def redaction(self) -> str:
        """The policy in force, for what pictures say of themselves."""
        return self._redactor.policy

    def keep(self, folder: Path, views: Sequence[View]) -> tuple[EvidenceItem, ...]:
        """Pictures as files of a folder, synced.

        Raises:
            StoreError: the disk refused; nothing counts as written.
        """
        items, files = self._pictures(folder, views)
        write_all_durably(files)
        return tuple(items)

    def _write(
        self, label: CaseLabel, look: Look, views: Sequence[View], older: Look | None = None
    ) -> tuple[EvidenceItem, ...]:
        folder = self.folder / label.case_id / f"r{label.revision}"
        if self._keep_clear is not None:
            self._keep_clear(label.case_id, label.revision, look.frame.image, "")
            if older is not None:
                self._keep_clear(label.case_id, label.revision, older.frame.image, "near")
        items, files = self._pictures(folder, views)
        write_all_durably({**files, folder / MANIFEST: _manifest(label, items)})
        return tuple(items)

    def _pictures(
        self, folder: Path, views: Sequence[View]
    ) -> tuple[list[EvidenceItem], dict[Path, bytes]]:
        items, files = [], {}
        for view in views:
            path = folder / f"{view.role}.jpg"
            small = thumbnail(uncaptioned(view.image))
            data = evidence_jpeg(view.image, self._quality, view.about, view.role, small)
            files[path] = data
            items.append(
                EvidenceItem(
                    view.role,
                    path,
                    hashlib.sha256(data).hexdigest(),
                    len(data),
                    "image/jpeg",
                    view.about.at,
                    view.about.camera_id,
                    view.about.note,
                    view.box,
                )
            )
        return items, files


def listed(item: EvidenceItem) -> dict[str, Any]:
    """A file as manifests, sealed or not, list it."""
    entry: dict[str, Any] = {
        "name": item.path.name,
        "role": item.role,
        "sha256": item.sha256,
        "size_bytes": item.size_bytes,
        "media_type": item.media_type,
        "captured_at": iso(item.captured_at),
        "camera_id": item.camera_id,
    }
    if item.note is not None:
        entry["note"] = {"zh": item.note.zh, "en": item.note.en}
    if item.box is not None:
        box = item.box
        entry["box"] = [round(at, 4) for at in (box.x0, box.y0, box.x1, box.y1)]
    return entry


def _manifest(label: CaseLabel, items: Sequence[EvidenceItem]) -> bytes:
    codes = [{"scheme": c.scheme, "code": c.code} for c in label.category.codes]
    head = {"case_id": label.case_id, "revision": label.revision, "codes": codes}
    files = [listed(item) for item in items]
    document = {**head, "grid_cell": label.grid_cell, "files": files}
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def write_durably(path: Path, data: bytes) -> None:
    """One file: :func:`write_all_durably`."""
    write_all_durably({path: data})


def write_all_durably(files: Mapping[Path, bytes]) -> None:
    """Write files so that after a power cut each is there whole, or not at all.

    Temporary file, fsync, rename, fsync of the folder, of the one above it and of those above
    folders made for it. A file that cannot be synced is thrown away with what it holds.

    Raises:
        StoreError: disk full, failing or not writable; nothing counts as written.
    """
    drafts = {path: path.with_name(f".{path.name}.part") for path in files}
    where = next(iter(files))
    try:
        folders = set()
        for path in files:
            made = [folder for folder in (path.parent, *path.parents) if not folder.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            # The one above always: an earlier try may have made this folder and not synced it.
            folders |= {path.parent, path.parent.parent, *(folder.parent for folder in made)}
        for path, data in files.items():
            with drafts[path].open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for path, draft in drafts.items():
            draft.replace(path)
        for folder in sorted(folders, reverse=True):
            sync_folder(folder)
    except OSError as error:
        for draft in drafts.values():
            with suppress(OSError):  # on a full disk its room is wanted, on a broken one it is lost
                draft.unlink(missing_ok=True)
        raise as_store_error(where, error) from error
