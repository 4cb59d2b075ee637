"""One look at a vendor's place, or at a wall: there, not there, or more than this look can say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from edge.app.sighting import Aim, Eyes
from edge.detectors.base import Detection, Look
from edge.detectors.static import Ground
from edge.geometry import Box
from edge.scenes.watch import SceneWatcher
from edge.streams.frame import Frame
from tests.scenes.street import BLACK, RED, WHITE, Person, body, picture, play, thing, watcher
from tests.scenes.test_rules import STALL, seen, sticker, watch_for
from tests.scenes.test_rules import watcher as any_watcher

VENDOR: Person = (0.5, RED, BLACK)
PASSER: Person = (0.52, WHITE, BLACK)
CART = thing("cart", 0.56, 0.8, 0.5)
PLACE = Aim("cam-1", "z-1", Box(0.4, 0.45, 0.65, 0.85))


def street_look(
    scene: SceneWatcher, now: datetime, people: Sequence[Person], things: Sequence[Detection]
) -> tuple[bool | None, str]:
    """What one more look at the street says."""
    seen_now = [Detection("person", "person", body(x), 0.7, "test 1") for x, _, _ in people]
    frame = Frame("cam-1", now, picture(people, 0), "key_frame", 1)
    report = scene.observe(Look(frame, (*seen_now, *things)))
    sighting = Eyes({"cam-1": scene}, lambda *_: Ground.SAME, frozenset()).judge(PLACE, report)
    return sighting.present, sighting.note.en


def vendor_at_work(noon: datetime) -> tuple[SceneWatcher, datetime]:
    scene = watcher(dwell_s=60)
    found = play(
        scene, noon, 140, lambda s: [VENDOR] if s > 20 else [], lambda s: [CART] * (s > 20)
    )
    assert found, "the stall is a finding"
    return scene, noon + timedelta(seconds=140)


def test_a_vendor_with_a_cart_is_there_without_waiting(noon: datetime) -> None:
    scene, now = vendor_at_work(noon)
    assert street_look(scene, now, [VENDOR], [CART])[0] is True


def test_a_cart_that_the_model_misses_is_not_gone_while_its_vendor_stays(noon: datetime) -> None:
    scene, now = vendor_at_work(noon)
    present, why = street_look(scene, now, [VENDOR], [])
    assert present is None
    assert "stays" in why


def test_an_empty_street_is_clear_though_the_rule_remembers(noon: datetime) -> None:
    scene, now = vendor_at_work(noon)
    assert street_look(scene, now, [], [])[0] is False


def test_somebody_who_passes_is_no_vendor(noon: datetime) -> None:
    scene, now = vendor_at_work(noon)
    assert street_look(scene, now + timedelta(seconds=60), [PASSER], [])[0] is False


def test_a_cart_elsewhere_in_the_zone_is_not_this_one(noon: datetime) -> None:
    scene, now = vendor_at_work(noon)
    elsewhere = thing("cart", 0.1, 0.8, 0.5)
    assert street_look(scene, now + timedelta(seconds=60), [], [elsewhere])[0] is False


def wall_look(
    scene: SceneWatcher, now: datetime, *things: Detection, level: int = 120
) -> tuple[bool | None, str]:
    image = np.full((90, 160, 3), level, np.uint8)
    image[::7] = min(level + 60, 255)
    report = scene.observe(Look(Frame("cam-1", now, image, "key_frame", 1), things))
    aim = Aim("cam-1", "z-1", STALL.grown(0.1))
    sighting = Eyes({"cam-1": scene}, None).judge(aim, report)
    return sighting.present, sighting.note.en


def test_a_sticker_is_there_or_not(noon: datetime) -> None:
    scene = any_watcher("illegal_ads")
    watch_for(scene, noon, 7)
    now = noon + timedelta(seconds=20)
    ad = sticker("开锁 13900000001")
    assert wall_look(scene, now, ad)[0] is True
    assert wall_look(scene, now)[0] is False
    hidden = seen("vehicle", STALL.grown(0.5))
    present, why = wall_look(scene, now, hidden)
    assert present is None
    assert "in front" in why


def test_a_wall_still_being_learned_or_in_the_dark_says_nothing(noon: datetime) -> None:
    ad = sticker("开锁 13900000001")
    fresh = any_watcher("illegal_ads")
    assert wall_look(fresh, noon, ad)[0] is None
    scene = any_watcher("illegal_ads")
    watch_for(scene, noon, 7)
    now = noon + timedelta(seconds=20)
    present, why = wall_look(scene, now, ad, level=5)
    assert present is None
    assert "dark" in why
