"""Clips of acts: asked of the worker when a case is made, redacted and coded beside the analysis.

A clip is a gain, never a condition: whatever is slow, dead or full on the way costs the clip only,
which is logged and counted with its reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from edge.cases.caption import Caption
from edge.cases.clip import MOST_BYTES, MP4, ClipFile, safe_clip
from edge.cases.desk import CaseDesk
from edge.cases.draft import CaseDraft
from edge.config.model import Settings
from edge.errors import GridpatrolError
from edge.redaction.redactor import Redactor
from edge.streams.messages import Clip, Cut
from edge.telemetry import metrics
from edge.telemetry.logs import get_logger

log = get_logger(__name__)

ACTS = frozenset({"street_vending"})
"""What somebody does, rather than what lies or hangs there."""
_PATIENCE_S = 30.0
_ROOM = 3
"""Each holds the pictures of a clip: some 5 MB."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A clip on its way: for which case, until when it is waited for."""

    draft: CaseDraft
    until: float


class Clipping:
    """Gets clips for new cases. One thread calls it.

    Args:
        settings: of the box.
        cut: asks the camera's worker.
        desk: takes clips in.
        redactor: makes them safe.
        ticks: seconds that only ever grow.
    """

    def __init__(
        self,
        settings: Settings,
        cut: Callable[[Cut], None],
        desk: CaseDesk,
        redactor: Redactor,
        *,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chosen = settings.evidence.clip
        self._cameras = {camera.id: camera for camera in settings.active_cameras}
        self._time_zone = settings.box.time_zone
        self._cut = cut
        self._desk = desk
        self._redactor = redactor
        self._ticks = ticks
        self._asked: dict[str, _Asked] = {}
        self._making: list[tuple[CaseDraft, Future[ClipFile]]] = []
        self._thread = ThreadPoolExecutor(1, "clips")

    def wants(self, drafts: Sequence[CaseDraft]) -> None:
        """Cases were made: those of acts get the clip of this moment."""
        if self._chosen is None:
            return
        for draft in drafts:
            camera_id = draft.sources[0].camera_id
            camera = self._cameras[camera_id]
            if draft.revision != 1 or draft.kind not in ACTS or camera.mode == "patrolled":
                continue
            if camera_id in self._asked:
                self._none(draft, "a clip of this camera is already on its way")
                continue
            self._asked[camera_id] = _Asked(draft, self._ticks() + _PATIENCE_S)
            as_it_came = self._redactor.policy == "none"
            self._cut(Cut(camera_id, self._chosen.seconds, as_it_came))

    def came(self, clip: Clip) -> None:
        """A worker has cut a clip, or says why not."""
        asked = self._asked.pop(clip.camera_id, None)
        if asked is None:
            return
        if clip.began_at is None:
            self._none(asked.draft, clip.why)
        elif len(self._making) >= _ROOM:
            self._none(asked.draft, "too many clips wait to be redacted")
        else:
            making = self._thread.submit(self._make, asked.draft, clip)
            self._making.append((asked.draft, making))

    def down(self, camera_id: str) -> None:
        """A camera or its worker is lost, and what was kept of its stream."""
        if asked := self._asked.pop(camera_id, None):
            self._none(asked.draft, "the camera went down before its clip was cut")

    def ready(self) -> list[CaseDraft]:
        """The revisions that clips made, all committed. Never waits.

        Raises:
            StoreError: the disk has failed; only a new process may go on.
        """
        now = self._ticks()
        for camera_id, asked in list(self._asked.items()):
            if asked.until <= now:
                del self._asked[camera_id]
                self._none(asked.draft, f"its worker gave none within {_PATIENCE_S:g} s")
        drafts = []
        while self._making and self._making[0][1].done():
            draft, making = self._making.pop(0)
            if (added := self._add(draft, making)) is not None:
                drafts.append(added)
        return drafts

    def close(self) -> None:
        """What is under way is given up: its case stands without it."""
        for draft in (*(asked.draft for asked in self._asked.values()), *_drafts(self._making)):
            self._none(draft, "the box stopped before it was made")
        self._asked.clear()
        self._making.clear()
        self._thread.shutdown(cancel_futures=True)

    def _add(self, draft: CaseDraft, making: Future[ClipFile]) -> CaseDraft | None:
        try:
            clip = making.result()
            if len(clip.data) > MOST_BYTES:
                self._none(draft, f"it has {len(clip.data)} bytes, more than {MOST_BYTES}")
                return None
            added = self._desk.add_clip(draft.case_id, clip)
        except GridpatrolError as error:
            if error.fatal:
                raise
            self._none(draft, str(error))
            return None
        except Exception as error:  # the supervisor: a broken clip must not stop the box
            log.exception("clip_failed", case=draft.case_id)
            self._none(draft, f"it could not be made ({type(error).__name__})")
            return None
        if added is None:
            self._none(draft, "the case is not open any more")
        else:
            metrics.CLIPS.labels(result="made").inc()
        return added

    def _make(self, draft: CaseDraft, clip: Clip) -> ClipFile:
        """On the thread of clips."""
        if clip.began_at is None:
            raise ValueError("a clip without a beginning")
        if clip.video:
            return ClipFile(clip.video, MP4, clip.began_at, clip.camera_id, clip.seconds)
        camera = self._cameras[clip.camera_id]
        code = draft.category.codes[0]
        caption = Caption(
            f"疑似{draft.category.name_zh}（{code.code}）  短片",
            f"Suspected: {draft.category.name_en} ({code.scheme} {code.code})  clip",
            "",
            camera.name_zh or camera.name_en or camera.id,
            (f"单元网格 {draft.grid_cell}", f"案卷 {draft.case_id[:8]}"),
        )
        return safe_clip(
            clip.pictures,
            self._redactor,
            caption,
            began_at=clip.began_at,
            time_zone=camera.time_zone or self._time_zone,
            camera_id=clip.camera_id,
        )

    def _none(self, draft: CaseDraft, why: str) -> None:
        metrics.CLIPS.labels(result="none").inc()
        log.warning("no_clip", case=draft.case_id, camera=draft.sources[0].camera_id, why=why)


def _drafts(making: Sequence[tuple[CaseDraft, Future[ClipFile]]]) -> list[CaseDraft]:
    return [draft for draft, _ in making]
