"""Wording that came with something larger: no model has seen a vehicle here, only the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import cv2
import numpy as np
import pytest

from edge.config.model import CameraSettings
from edge.detectors.base import Detection, Look
from edge.geometry import Box
from edge.scenes.finding import Finding
from edge.scenes.watch import SceneWatcher
from edge.streams.frame import Frame, Image
from tests.scenes.test_rules import WHOLE, sticker, watcher

WIDTH, HEIGHT = 640, 360
ADVERT = Box(0.40, 0.60, 0.66, 0.68)
BUS = Box(0.10, 0.40, 0.90, 0.85)
PHONE = "招商加盟 13900000001"
SLOGAN = "热烈庆祝新店隆重开业"

Things = Sequence[Detection]


def facade() -> Image:
    """A wall with rows of windows and some roughness."""
    rng = np.random.default_rng(7)
    picture = 150 + cv2.GaussianBlur(rng.normal(0, 40, (HEIGHT, WIDTH, 3)), (0, 0), 2)
    for x in range(30, WIDTH, 90):
        for y in range(20, HEIGHT, 80):
            picture[y : y + 45, x : x + 40] = (70, 60, 50)
    return np.clip(picture, 0, 255).astype(np.uint8)


def block(picture: Image, box: Box, colour: tuple[int, int, int]) -> Image:
    x0, y0, x1, y1 = box.pixels(WIDTH, HEIGHT)
    changed = picture.copy()
    changed[y0:y1, x0:x1] = colour
    return changed


def with_cloth(picture: Image, box: Box = ADVERT) -> Image:
    """A red cloth with light strokes for letters."""
    picture = block(picture, box.grown(0.15), (40, 30, 190))
    for step in range(0, 10, 2):
        x = box.x0 + box.width * step / 10
        picture = block(picture, Box(x, box.y0, x + box.width / 14, box.y1), (90, 230, 250))
    return picture


def bus() -> Image:
    """The same cloth on the side of a bus with windows and wheels."""
    picture = block(facade(), BUS, (60, 140, 40))
    for step in range(6):
        x = BUS.x0 + 0.02 + 0.13 * step
        picture = block(picture, Box(x, 0.43, x + 0.1, 0.54), (50, 55, 60))
    return with_cloth(picture)


def dim(picture: Image) -> Image:
    return (picture * 0.25).astype(np.uint8)


def show(
    scene: SceneWatcher,
    start: datetime,
    seconds: float,
    picture: Image,
    things: Things = (),
    every_s: float = 5.0,
) -> list[Finding]:
    """What has fired on any look of some time."""
    found: list[Finding] = []
    for number in range(int(seconds / every_s)):
        at = start + timedelta(seconds=number * every_s)
        look = Look(Frame("cam-1", at, picture, "key_frame", number), tuple(things))
        found += scene.observe(look).findings
    return found


@pytest.fixture
def scene(noon: datetime) -> SceneWatcher:
    """Has learned the wall and watched it until noon."""
    made = watcher("illegal_ads", dwell_s=90)
    show(made, noon - timedelta(seconds=300), 300, facade())
    return made


@pytest.mark.parametrize("light", [lambda picture: picture, dim], ids=["day", "dusk"])
@pytest.mark.parametrize("text", [PHONE, SLOGAN])
def test_an_advert_that_came_with_a_bus_is_no_ad(
    noon: datetime, text: str, light: Callable[[Image], Image]
) -> None:
    """The same cloth with the same words is one on the wall, and none on the bus."""
    for picture, expected in ((with_cloth(facade()), True), (bus(), False)):
        scene = watcher("illegal_ads", dwell_s=90)
        show(scene, noon - timedelta(seconds=600), 300, facade())
        show(scene, noon - timedelta(seconds=300), 300, light(facade()))
        assert bool(show(scene, noon, 300, light(picture), [sticker(text, ADVERT)])) == expected


def test_a_second_line_read_later_is_carried_too(scene: SceneWatcher, noon: datetime) -> None:
    """When it is first read, the bus has stood there for long: nothing else is new then."""
    line = Box(0.15, 0.60, 0.35, 0.66)
    assert not show(scene, noon, 180, bus(), [sticker(SLOGAN, ADVERT)])
    later = noon + timedelta(seconds=180)
    both = [sticker(SLOGAN, ADVERT), sticker(PHONE, line)]
    assert not show(scene, later, 300, bus(), both)
    away = later + timedelta(seconds=300)
    assert not show(scene, away, 60, facade())


def test_what_stays_for_half_an_hour_is_told_of(scene: SceneWatcher, noon: datetime) -> None:
    """A hoarding on wheels that is left there is one to look at."""
    assert show(scene, noon, 1900, bus(), [sticker(PHONE, ADVERT)])


def test_a_bus_that_leaves_uncovers_an_ad(scene: SceneWatcher, noon: datetime) -> None:
    """It was put up behind the bus; around it the wall is as it was, so nothing carries it."""
    show(scene, noon, 60, bus())
    later = noon + timedelta(seconds=60)
    assert show(scene, later, 120, with_cloth(facade()), [sticker(PHONE, ADVERT)])


def test_a_small_sticker_beside_a_passing_crowd_is_an_ad(
    scene: SceneWatcher, noon: datetime
) -> None:
    """What passes on one look and another does not carry it."""
    small = Box(0.45, 0.50, 0.53, 0.54)
    found: list[Finding] = []
    for number in range(40):
        picture = with_cloth(facade(), small)
        if number % 3 == 0:
            picture = block(picture, Box(0.3, 0.3, 0.44, 0.9), (30, 30, 30))
        at = noon + timedelta(seconds=5 * number)
        found += show(scene, at, 5, picture, [sticker(PHONE, small)])
    assert found


def test_a_slow_patrol_looks_three_times(noon: datetime) -> None:
    """Two looks ten minutes apart are longer than the dwell, and may be two buses."""
    camera = CameraSettings.model_validate(
        {
            "id": "cam-1",
            "url": "rtsp://10.0.0.1/x",
            "position": {"lon": 114.4, "lat": 30.3},
            "look_every_s": 600,
            "zones": [{"id": "z-1", "watch": "illegal_ads", "polygon": WHOLE}],
        }
    )
    scene = SceneWatcher(camera, time_zone="Asia/Shanghai", learn_signs_s=5)
    show(scene, noon - timedelta(hours=3), 3 * 3600, facade(), every_s=600)
    cloth, words = with_cloth(facade()), [sticker(PHONE, ADVERT)]
    assert not show(scene, noon, 1200, cloth, words, every_s=600)
    assert show(scene, noon + timedelta(seconds=1200), 600, cloth, words, every_s=600)
