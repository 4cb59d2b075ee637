"""Illegal ads: new wording, codes, banners and boards that the zone may not show.

0201 small ad (非法小广告): a phone number, an account, the words of small ads, or a QR sticker.
0207 banner (横幅) by shape and wording, or as a model sees it. 0203 board (广告招牌) that a model
sees where none stood in the learning time. Other strange wording is left alone: a T-shirt stands,
a delivery box leans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from unicodedata import east_asian_width

import numpy as np

from edge.detectors.base import Detection, Look
from edge.geometry import Box, enclosing
from edge.scenes.before import WallBefore
from edge.scenes.carrier import JUDGED_AFTER_S, Carriers
from edge.scenes.finding import Words
from edge.scenes.numbers import NumberGuard
from edge.scenes.places import Place
from edge.scenes.rules import Verdict
from edge.scenes.signs import Kind, PermittedSigns
from edge.scenes.wording import AdPatterns, normalised
from edge.scenes.zones import Zone
from edge.streams.frame import Image

SHOWN = ("text", "qr", "board", "banner")
CARRIED = "carried_ad"
"""Meaning given to wording on a vehicle or a person: it drives or walks away again."""
_CARRIERS = ("vehicle", "person", "two_wheeler")
_ON_CARRIER = 0.6
_MIN_PRESENCE = 0.5
_CARRIED_S = 1800.0
"""What came with something larger drives away again; a parked hoarding is told of after so long."""
_READING_S = 30.0
"""A board waits so long beyond its dwell for its wording: OCR searches every 20 s by default."""
_BANNER_ASPECT = 3.0
"""Width over height in shares of the picture: five to one on a 16:9 picture."""
_BANNER_WIDTH, _WIDE_BANNER = 0.12, 0.35  # of the picture: narrower ones are labels
_BANNER_LETTERS = 4
_TILTED_ASPECT, _TILTED_LETTERS = 1.2, 6.0
"""The box around a line says nothing of its shape when it slants; its letters, as many times as
long as high, do: six square ones are a banner, up to 20 degrees from level."""
_LIT = 35.0  # mean grey level from which signs can be learned
_LIT_DARK_WALL, _LIT_PICTURE = 25.0, 40.0
"""A wall of dark stone by day: the camera exposes for the whole picture."""


@dataclass(frozen=True, slots=True)
class AdRules:
    """What the rule knows of wording and of numbers."""

    patterns: AdPatterns
    guard: NumberGuard


@dataclass(frozen=True, slots=True)
class Wall:
    """What one zone may show, what it showed when watching began, and what has come to stand there.

    Attributes:
        signs: what may hang there.
        before: the picture of the learning time.
        carriers: larger things that came with wording on them.
    """

    signs: PermittedSigns
    before: WallBefore
    carriers: Carriers = field(default_factory=Carriers)

    def learning(self, look: Look, bounds: Box) -> bool:
        """Whether signs are still being learned; takes the look in while they are."""
        image = look.frame.image
        lit = _lit(image, bounds)
        if self.signs.learning(look.frame.captured_at, lit=lit):
            if lit:
                self.before.see(image)
            return True
        self.before.settle()
        return False

    def blind(self, look: Look, bounds: Box) -> Words | None:
        """Why this look says nothing of what hangs here now; None when it does."""
        image = look.frame.image
        if self.signs.still_learning:
            return Words("该区域的许可标识仍在学习中", "the signs of this zone are still learned")
        if not _lit(image, bounds):
            return Words("该区域光线太暗", "it is too dark there")
        if self.before.elsewhere(image):
            return Words("画面与此前不同，镜头可能被转动", "the camera looks elsewhere than before")
        return None

    def permits(self, shown: Detection, image: Image, rules: AdRules) -> bool:
        """Whether a detection is something the zone may show."""
        text = shown.text or ""
        if self.signs.permits(text, shown.box, kind_of(shown.meaning)):
            return True
        called = bool(rules.guard.numbers(text)) or rules.patterns.grave(text)
        return shown.meaning != "qr" and not called and self.before.showed(image, shown.box)


def settled(look: Look, walls: Sequence[Wall] = ()) -> Look:
    """The look with wording on vehicles and people marked as carried, not as an ad on a wall.

    Args:
        look: as the detectors see it.
        walls: of the camera's zones; they know what is only painted on them.
    """
    carriers = [d.box for d in look.of(*_CARRIERS)]
    if not carriers:
        return look

    def carried(shown: Detection) -> bool:
        return any(
            shown.box.covered_by(box) >= _ON_CARRIER
            and not any(wall.before.new_on(look.frame.image, box, shown.box) for wall in walls)
            for box in carriers
        )

    return replace(
        look,
        detections=tuple(
            replace(d, meaning=CARRIED) if d.meaning in SHOWN and carried(d) else d
            for d in look.detections
        ),
    )


def illegal_ads(
    zone: Zone,
    places: Sequence[Place],
    look: Look,
    wall: Wall,
    rules: AdRules,
) -> Verdict | None:
    """What is shown in the zone, stays, and is not permitted."""
    carried = [p.box for p in places if p.meaning == CARRIED]
    shown = [
        p
        for p in places
        if p.meaning in SHOWN
        and zone.shows(p.box)
        and not any(p.box.overlap(box) > 0.3 * p.box.area for box in carried)
    ]
    wall.carriers.see(look, places)
    if wall.learning(look, zone.bounds):
        for place in shown:
            wall.signs.learn([(place.last.text or "", place.box)], kind_of(place.meaning))
        return None
    strange = [
        p
        for p in shown
        if p.dwell_s >= min(JUDGED_AFTER_S, zone.settings.dwell_s)
        and p.hits >= zone.settings.min_looks
        and p.presence >= _MIN_PRESENCE
        and p.score >= zone.settings.min_score
        and not wall.permits(p.last, look.frame.image, rules)
    ]
    if strange and wall.before.elsewhere(look.frame.image):
        return None  # the camera has been turned away
    on_wheels = [p for p in strange if _came_along(p, strange, look, wall)]
    strange = [
        p
        for p in strange
        if p.dwell_s >= (zone.settings.dwell_s if p not in on_wheels else _CARRIED_S)
    ]
    reading = [p for p in shown if p.meaning == "text" and p not in strange]
    strange = [p for p in strange if not _too_soon(p, reading, zone)]
    verdicts = (_verdict(seed, strange, rules) for seed in sorted(strange, key=_gravest_first))
    return next((verdict for verdict in verdicts if verdict is not None), None)


def _came_along(place: Place, strange: Sequence[Place], look: Look, wall: Wall) -> bool:
    """Whether what is shown came with something larger than all that is shown there."""
    around = enclosing(p.box for p in _near(place, strange))
    return wall.carriers.carry(place, around, look, wall.before)


def _near(place: Place, others: Sequence[Place]) -> list[Place]:
    return [p for p in others if p.box.grown(1.0).overlap(place.box.grown(1.0)) > 0]


def _too_soon(place: Place, reading: Sequence[Place], zone: Zone) -> bool:
    """A board is judged by what it says: its wording is read a little later than it is seen.

    Otherwise one sticker would be a board first and a small ad a look later: two cases.
    """
    if place.meaning != "board":
        return False
    settled_s = zone.settings.dwell_s + _READING_S
    return place.dwell_s < settled_s or any(p.box.overlap(place.box) > 0 for p in reading)


def kind_of(meaning: str) -> Kind:
    """How permitted signs file a meaning."""
    return "text" if meaning == "text" else "qr" if meaning == "qr" else "board"


def _gravest_first(place: Place) -> tuple[bool, float]:
    return place.meaning not in ("text", "qr"), -place.score


def _verdict(seed: Place, strange: Sequence[Place], rules: AdRules) -> Verdict | None:
    """The verdict on a seed and what hangs around it, None when it is no ad."""
    group = _near(seed, strange)
    lines = sorted((p for p in group if p.meaning == "text"), key=lambda p: p.box.y0)
    wording = " ".join(p.last.text or "" for p in lines)
    category, why = _kind_of_ad(seed, lines, group, wording, rules)
    if category is None:
        return None
    members = group if category == "0201" else [p for p in group if p.meaning != "qr"]
    reasons = [why]
    if wording:
        public = rules.guard.scrubbed(wording)
        reasons.append(Words(f"文字：“{public}”，不在许可之列", f"reads “{public}”, not permitted"))
    return Verdict(
        category,
        enclosing(p.box for p in members),
        min(p.first_seen for p in members),
        min(p.score for p in members),
        tuple(reasons),
        tuple(p.last for p in members),
    )


def _kind_of_ad(
    seed: Place, lines: Sequence[Place], group: Sequence[Place], wording: str, rules: AdRules
) -> tuple[str | None, Words]:
    # A number is looked for line by line first: two lines read together may run into each other.
    texts = [p.last.text or "" for p in lines]
    numbers = [n for text in (*texts, wording) for n in rules.guard.numbers(text)]
    if numbers:
        hidden, name = rules.guard.public(numbers[0].value), numbers[0].pattern.words
        return "0201", Words(f"含{name.zh} {hidden}", f"carries a {name.en} {hidden}")
    word = rules.patterns.word(wording)
    around = enclosing(p.box for p in lines) if lines else seed.box
    seen_as_banner = any(p.meaning == "banner" for p in group)
    banner = seen_as_banner or _is_banner(around, wording, one_line=len(lines) == 1)
    if word is not None and not seen_as_banner and not (banner and around.width >= _WIDE_BANNER):
        zh, en = word.words.zh, word.words.en
        return "0201", Words(f"含小广告用语（{zh}）", f"carries small-ad wording ({en})")
    if any(p.meaning == "qr" for p in group):
        return "0201", Words("张贴的二维码", "a QR code that is new here")
    if banner:
        return "0207", Words("新出现的横幅标语", "a banner that is new here")
    if any(p.meaning == "board" for p in group):
        return "0203", Words("新出现的广告牌", "an advertising board that is new here")
    return None, Words("", "")


def _is_banner(around: Box, wording: str, *, one_line: bool) -> bool:
    """Long and low, across much of the picture, with a sentence on it; it may hang at an angle."""
    if around.height <= 0 or around.width < _BANNER_WIDTH:
        return False
    aspect, said = around.width / around.height, normalised(wording)
    slanting = one_line and aspect >= _TILTED_ASPECT and _length(said) >= _TILTED_LETTERS
    return slanting or (aspect >= _BANNER_ASPECT and len(said) >= _BANNER_LETTERS)


def _length(said: str) -> float:
    """Length of a line in its own heights: Chinese characters are square, others half as wide."""
    return sum(1.0 if east_asian_width(letter) in "WF" else 0.5 for letter in said)


def _lit(image: Image, bounds: Box) -> bool:
    wall = _brightness(image, bounds)
    if wall >= _LIT:
        return True
    return wall >= _LIT_DARK_WALL and _brightness(image, Box(0.0, 0.0, 1.0, 1.0)) >= _LIT_PICTURE


def _brightness(image: Image, bounds: Box) -> float:
    x0, y0, x1, y1 = bounds.pixels(image.shape[1], image.shape[0])
    part = image[y0:y1:4, x0:x1:4]
    return float(np.mean(part)) if part.size else 0.0
