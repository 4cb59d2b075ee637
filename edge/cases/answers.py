"""Pictures that answer a request: how the place looked when it was reported, and how it looks now.

They lie in ``replies/<request id>/``. The picture from before is the case's own far view, the very
file that was sent; the one from now shows the same camera's whole picture with the same frame.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.cases.caption import caption_of, far_view, near_view, with_caption
from edge.cases.draft import EvidenceItem
from edge.cases.evidence import EvidenceRoom, View
from edge.cases.metadata import About
from edge.cases.pair import aligned, at_the_angle_of, best_far
from edge.detectors.base import Detection, Look
from edge.geometry import Box
from edge.scenes.finding import Words


@dataclass(frozen=True, slots=True)
class AnswerLabel:
    """What the pictures of an answer say.

    Attributes:
        request_id: whose answer it is.
        title: what was asked and found.
        camera_name: as captions show it.
        time_zone: IANA name.
        box_id: who answers.
        position: of the camera, CGCS2000 degrees (lon, lat).
    """

    request_id: str
    title: Words
    camera_name: str
    time_zone: str
    box_id: str = ""
    position: tuple[float, float] | None = None


class AnswerRoom:
    """Writes pictures of answers below one folder.

    Args:
        folder: where the requests' folders lie.
        room: redacts and writes, as for every case.
        admit: asked before anything is written; refuses by a StoreError.
    """

    def __init__(
        self, folder: Path, room: EvidenceRoom, *, admit: Callable[[], None] = lambda: None
    ) -> None:
        self._folder = folder
        self._room = room
        self._admit = admit

    def now(
        self,
        look: Look,
        box: Box | None,
        parts: tuple[Detection, ...],
        label: AnswerLabel,
        before: EvidenceItem | None = None,
    ) -> tuple[EvidenceItem, ...]:
        """The place now: ``after`` at the angle of the picture before, and ``near``.

        Raises:
            RedactionError: the picture must not leave; nothing was written.
            StoreError: the disk refused; nothing counts as written.
        """
        image, about = self._room.safe(look), self._about(label, look)
        caption = caption_of(about)
        folder = self._folder / label.request_id
        self._admit()
        if box is None:
            view = View("after", with_caption(image, caption), about)
            return self._room.keep(folder, (view,))
        near = View("near", near_view(image, box, caption), about)
        same = before is not None and before.camera_id == look.frame.camera_id
        brought = at_the_angle_of(before, image) if before is not None and same else None
        if brought is not None:  # boxes of today do not fit the camera's former angle
            image, parts, about = brought, (), aligned(about)
        after = far_view(image.copy(), box, parts, caption_of(about))
        return self._room.keep(folder, (View("after", after, about), near))

    def fresh(self, look: Look, label: AnswerLabel) -> tuple[EvidenceItem, ...]:
        """A whole picture of a camera, ``far``.

        Raises:
            RedactionError: the picture must not leave; nothing was written.
            StoreError: the disk refused; nothing counts as written.
        """
        image, about = self._room.safe(look), self._about(label, look)
        folder = self._folder / label.request_id
        self._admit()
        view = View("far", with_caption(image, caption_of(about)), about)
        return self._room.keep(folder, (view,))

    def before(self, case_id: str, revisions: Sequence[int], camera_id: str) -> EvidenceItem | None:
        """The far view of a case as it was sent, by this camera if there is one.

        Args:
            case_id: the case.
            revisions: those to choose from, the best first.
            camera_id: whose view is wanted.

        Returns:
            None when there is none on disk any more, or it is not what it was.
        """
        case = self._room.folder / case_id
        return best_far((case / f"r{revision}" for revision in revisions), camera_id)

    def sweep(self, known: Collection[str]) -> int:
        """Remove pictures of requests that no answer speaks of; returns how many folders."""
        removed = 0
        for folder in self._folder.glob("*"):
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
        return removed

    def _about(self, label: AnswerLabel, look: Look) -> About:
        return About(
            label.title,
            look.frame.captured_at,
            label.time_zone,
            look.frame.camera_id,
            label.camera_name,
            label.position,
            label.box_id,
            self._room.redaction,
            request_id=label.request_id,
        )
