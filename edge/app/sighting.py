"""Is it still there? One look at one place, and what several such looks come to (核查).

The question is narrower than the rules': not whether a case should be opened, but whether *that*
thing is at *that* place now. So no dwell is waited for; but the same kind must be seen where the
case was, and *gone* is said only when the place was seen and is as it is without the thing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from edge.detectors.base import Detection, Look
from edge.detectors.static import Ground
from edge.geometry import Box
from edge.scenes.finding import SceneReport, Words
from edge.scenes.watch import SceneWatcher
from edge.scenes.zones import Zone

Decision = Literal["present", "gone", "cannot_tell"]

_SAME_IOU = 0.1
_SAME_COVER = 0.5
"""A pile that has grown, or of which a part was taken, overlaps itself at least so much."""
_SEEN = {
    "person": Words("人", "a person"),
    "static_object": Words("静置物", "a thing left there"),
    "rubbish_bag": Words("垃圾袋", "a bag of rubbish"),
    "exposed_rubbish": Words("散落垃圾", "loose rubbish"),
    "umbrella": Words("伞", "an umbrella"),
    "table": Words("桌子", "a table"),
    "goods": Words("货品", "goods"),
    "text": Words("文字", "wording"),
    "qr": Words("二维码", "a QR code"),
    "board": Words("广告牌", "a board"),
    "banner": Words("横幅", "a banner"),
}
"""Meanings for people; a label of a site's own model stands for itself."""
_PASSERS = ("person", "vehicle", "two_wheeler")
_MOST_HIDDEN = 0.5
_MOST_SEEN_WHEN_GONE = 0.25
"""More looks than these on which it is seen speak against *gone*: it closes a case."""

_GROUND = {
    Ground.CHANGED: Words(
        "原处与背景不同，但尚未确认为该类物品", "something is new there, not yet known to be this"
    ),
    Ground.HIDDEN: Words("原处被行人或车辆遮挡", "people or vehicles stand in front of it"),
    Ground.LEARNING: Words("背景仍在学习中", "the empty place is still being learned"),
    Ground.ELSEWHERE: Words(
        "画面与此前不同，镜头可能被转动", "the camera looks elsewhere than before"
    ),
}


@dataclass(frozen=True, slots=True)
class Aim:
    """What to look at.

    Attributes:
        camera_id, zone_id: where.
        box: the place of the case on that camera's picture, 0-1; None: the whole zone.
    """

    camera_id: str
    zone_id: str
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look says.

    Attributes:
        at: when it was taken, aware UTC.
        present: whether the thing is there; None: this look cannot tell.
        score: best score of what was seen, 0-1.
        note: what was seen, or why nothing can be said.
        parts: the detections that it is, with their boxes.
    """

    at: datetime
    present: bool | None
    score: float | None
    note: Words
    parts: tuple[Detection, ...] = ()


class Eyes:
    """Judges single looks. One thread calls it.

    Args:
        watchers: by camera id; they know each zone.
        ground: what the newest look of a camera says of the ground under a box; None when
            nothing watches the ground.
        grounded: cameras whose ground is watched.
    """

    def __init__(
        self,
        watchers: Mapping[str, SceneWatcher],
        ground: Callable[[str, Box], Ground] | None,
        grounded: frozenset[str] = frozenset(),
    ) -> None:
        self._watchers = watchers
        self._ground = ground
        self._grounded = grounded

    def judge(self, aim: Aim, report: SceneReport) -> Sighting:
        """What one look says of a place; the report must be of the aim's camera."""
        at = report.look.frame.captured_at
        watcher = self._watchers[aim.camera_id]
        blind = watcher.cannot_tell(aim.zone_id, report.look)
        if blind is not None:
            return Sighting(at, None, None, blind)
        suspects = report.suspects.get(aim.zone_id, ())
        parts = tuple(
            s
            for s in suspects
            if (aim.box is None or same_place(s.box, aim.box)) and not self._behind(s, aim, report)
        )
        if parts:
            best = max(parts, key=lambda part: part.score)
            seen = _SEEN.get(best.meaning, Words(best.label, best.label))
            score = f"{best.score:.2f}"
            note = Words(f"原处看到{seen.zh} {score}", f"seen there: {seen.en} {score}")
            return Sighting(at, True, min(best.score, 1.0), note, parts)
        doubt = self._doubt(aim, report.look)
        if doubt is not None:
            return Sighting(at, None, None, doubt)
        return Sighting(at, False, None, Words("原处未见", "not seen there"))

    def _behind(self, part: Detection, aim: Aim, report: SceneReport) -> bool:
        """Whether a thing is only remembered: people or vehicles stand where it was last seen.

        A vendor before the own stall is part of what is looked for.
        """
        if part.meaning != "static_object" or self._is_street(aim):
            return False
        return any(
            part.box.covered_by(passer.box) > _MOST_HIDDEN for passer in report.look.of(*_PASSERS)
        )

    def _doubt(self, aim: Aim, look: Look) -> Words | None:
        staying = self._watchers[aim.camera_id].doubt(aim.zone_id, look)
        if staying is not None:
            return staying
        if aim.box is not None and not self._is_street(aim):
            before = (d.box for d in look.of(*_PASSERS))
            if any(aim.box.covered_by(box) > _MOST_HIDDEN for box in before):
                return _GROUND[Ground.HIDDEN]
        if self._ground is None or aim.camera_id not in self._grounded:
            return None
        return _GROUND.get(self._ground(aim.camera_id, aim.box or self._zone(aim).bounds))

    def _is_street(self, aim: Aim) -> bool:
        """Where people are part of what is looked for, they hide nothing."""
        return self._zone(aim).settings.watch == "street_vending"

    def _zone(self, aim: Aim) -> Zone:
        zones = self._watchers[aim.camera_id].zones
        return next(zone for zone in zones if zone.settings.id == aim.zone_id)


def same_place(seen: Box, case: Box) -> bool:
    """Whether a thing stands where the case was."""
    return (
        seen.iou(case) >= _SAME_IOU
        or seen.covered_by(case.grown(0.2)) >= _SAME_COVER
        or case.covered_by(seen.grown(0.2)) >= _SAME_COVER
    )


def decide(sightings: Sequence[Sighting], asked: int) -> tuple[Decision, Words]:
    """What the looks of one camera come to.

    *Present* by the majority of the looks that can tell. *Gone* when hardly any of them shows it.
    Either only when at least half of the looks asked for can tell.

    Args:
        sightings: of one camera, at least one.
        asked: how many looks were asked for.
    """
    telling = [s for s in sightings if s.present is not None]
    seen = sum(s.present is True for s in telling)
    if len(telling) * 2 < asked or not telling:
        why = _most_common([s.note for s in sightings if s.present is None])
        return "cannot_tell", Words(
            f"{asked} 次巡看中仅 {len(telling)} 次可判断：{why.zh}",
            f"only {len(telling)} of {asked} looks can tell: {why.en}",
        )
    if seen * 2 > len(telling):
        best = max((s for s in telling if s.present), key=lambda s: s.score or 0.0)
        return "present", Words(
            f"{len(telling)} 次巡看中 {seen} 次仍在：{best.note.zh}",
            f"there on {seen} of {len(telling)} looks: {best.note.en}",
        )
    if seen <= _MOST_SEEN_WHEN_GONE * len(telling):
        return "gone", Words(
            f"{len(telling)} 次巡看中 {len(telling) - seen} 次原处未见",
            f"not there on {len(telling) - seen} of {len(telling)} looks",
        )
    return "cannot_tell", Words(
        f"{len(telling)} 次巡看中 {seen} 次看到，无法确定",
        f"seen on {seen} of {len(telling)} looks: neither there nor gone",
    )


def _most_common(notes: Sequence[Words]) -> Words:
    if not notes:
        return Words("未取得画面", "no picture came")
    return Counter(notes).most_common(1)[0][0]
