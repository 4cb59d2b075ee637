"""The rules: what makes places in a zone a finding, with reasons in words.

A rule is a pure function of the zone, its places and the signs it may show. ``None`` means that
it does not fire; most of each rule says what must *not* make it fire.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edge.config.model import ZoneSettings
from edge.detectors.base import Detection
from edge.geometry import Box, enclosing
from edge.scenes.finding import Words
from edge.scenes.places import Place
from edge.scenes.signs import PermittedSigns, phone_number
from edge.scenes.zones import Zone

RUBBISH = ("rubbish_bag", "exposed_rubbish")
_MIN_PRESENCE = 0.5
_WORDS_OF_SMALL_ADS = (
    "办证", "刻章", "开锁", "贷款", "疏通", "代办", "回收", "招聘", "搬家", "发票", "出租", "套现",
)  # fmt: skip
_BANNER_ASPECT = 4.0  # a banner (横幅) is at least four times as wide as high


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule fired."""

    category: str
    box: Box
    first_seen: datetime
    score: float
    reasons: tuple[Words, ...]
    parts: tuple[Detection, ...]


def piled_materials(zone: Zone, places: Sequence[Place], now: datetime) -> Verdict | None:
    """Something left on the ground, neither person nor vehicle, that stays.

    EXT-01 where a model sees bags of rubbish, 0110 exposed rubbish, else 0136.
    """
    if zone.permitted_at(now):
        return None
    piles = [p for p in places if p.meaning == "static_object" and _stands(p, zone)]
    rubbish = [p for p in places if p.meaning in RUBBISH and _stands(p, zone)]
    if not piles and not rubbish:
        return None
    members = [*piles, *rubbish]
    bags = [
        p
        for p in places
        if p.meaning in ("rubbish_bag", "bag") and any(p.box.overlap(m.box) > 0 for m in members)
    ]
    category = "EXT-01" if bags else "0110" if rubbish else "0136"
    longest = max(members, key=lambda place: place.dwell_s)
    seen_as = sorted({p.last.label for p in bags + rubbish})
    reasons = [
        Words(
            f"{len(members)} 处物品静止 {longest.dwell_s:.0f} 秒，此前背景中没有",
            f"{len(members)} thing(s) not in the learned background have stood still "
            f"for {longest.dwell_s:.0f} s",
        ),
        Words("不是行人或车辆", "neither people nor vehicles"),
    ]
    if seen_as:
        reasons.append(Words(f"识别为 {'、'.join(seen_as)}", f"seen as {', '.join(seen_as)}"))
    return Verdict(
        category,
        enclosing(p.box for p in members),
        longest.first_seen,
        max(p.score for p in members),
        tuple(reasons),
        tuple(p.last for p in members),
    )


def illegal_ads(
    zone: Zone, places: Sequence[Place], now: datetime, signs: PermittedSigns
) -> Verdict | None:
    """Wording that is not among the permitted signs, or a phone number.

    0201 with a phone number or the words of small ads, 0207 for a banner, 0203 for a board.
    Other strange wording is left alone: a bus passes, a T-shirt stands.
    """
    shown = [p for p in places if p.meaning == "text" and zone.shows(p.box)]
    if signs.learning(now):
        signs.learn(p.last.text or "" for p in shown)
        return None
    strange = [
        p
        for p in shown
        if p.dwell_s >= zone.settings.dwell_s
        and p.presence >= _MIN_PRESENCE
        and p.score >= zone.settings.min_score
        and not signs.permits(p.last.text or "")
    ]
    if not strange:
        return None
    boards = [p for p in places if p.meaning == "board" and zone.shows(p.box)]
    for seed in sorted(strange, key=lambda place: -place.score):
        lines = [p for p in strange if p.box.grown(1.0).overlap(seed.box.grown(1.0)) > 0]
        wording = " ".join(p.last.text or "" for p in sorted(lines, key=lambda p: p.box.y0))
        category, why = _kind_of_ad(wording, lines, boards)
        if category is not None:
            return Verdict(
                category,
                enclosing(p.box for p in lines),
                min(p.first_seen for p in lines),
                min(p.score for p in lines),
                (
                    why,
                    Words(f"文字：“{wording}”，不在许可之列", f"reads “{wording}”, not permitted"),
                ),
                tuple(p.last for p in lines),
            )
    return None


def _kind_of_ad(
    wording: str, lines: Sequence[Place], boards: Sequence[Place]
) -> tuple[str | None, Words]:
    number = phone_number(wording)
    if number is not None:
        hidden = f"{number[:3]}…{number[-2:]}"
        return "0201", Words(f"含电话号码 {hidden}", f"carries a phone number {hidden}")
    word = next((word for word in _WORDS_OF_SMALL_ADS if word in wording), None)
    if word is not None:
        return "0201", Words(f"含小广告用语“{word}”", f"carries small-ad wording “{word}”")
    around = enclosing(p.box for p in lines)
    if around.height > 0 and around.width / around.height >= _BANNER_ASPECT and len(wording) > 3:
        return "0207", Words("新出现的横幅标语", "a banner that is new here")
    if any(p.box.overlap(around) > 0 for p in boards):
        return "0203", Words("新出现的广告牌", "an advertising board that is new here")
    return None, Words("", "")


def _stands(place: Place, zone: Zone) -> bool:
    return zone.stands_in(place.box) and _stays(place, zone.settings)


def _stays(place: Place, settings: ZoneSettings) -> bool:
    return (
        place.dwell_s >= settings.dwell_s
        and place.presence >= _MIN_PRESENCE
        and place.score >= settings.min_score
    )
