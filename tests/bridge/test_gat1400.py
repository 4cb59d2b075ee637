"""A view library gets every case as one Scene, whatever it does to the calls."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.cases.draft import CaseDraft, EvidenceItem
from edge.errors import Code, DeliveryError
from tests.bridge.helpers import Bridge
from tests.bridge.library import DEVICE, PASSWORD, USER, ViewLibrary
from tests.brokers import Broker
from tests.uploader.helpers import NOON, Box, make_draft, wait_until

pytestmark = pytest.mark.e2e
_SITE = '[lookup.event.rows]\n"0406" = { sort = 661 }\n'


@pytest.fixture
def library() -> Iterator[ViewLibrary]:
    """A view library that is up."""
    made = ViewLibrary()
    yield made
    made.stop()


Start = Callable[..., Bridge]


@pytest.fixture
def start(tmp_path: Path, broker: Broker, library: ViewLibrary) -> Iterator[Start]:
    """Starts a bridge to it."""
    made: list[Bridge] = []

    def run(**more: object) -> Bridge:
        bridge = Bridge.to_library(tmp_path / "bridge", broker, library, _SITE, **more)
        made.append(bridge)
        bridge.start()
        return bridge

    yield run
    for bridge in made:
        bridge.stop()


def _with_picture(draft: CaseDraft, folder: Path, width: int = 64) -> CaseDraft:
    path = folder / f"{draft.case_id}-{draft.revision}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((48, width, 3), draft.revision * 40, np.uint8)
    path.write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
    size = path.stat().st_size
    item = EvidenceItem(
        "near",
        path,
        hashlib.sha256(path.read_bytes()).hexdigest(),
        size,
        "image/jpeg",
        NOON,
        "plaza",
    )
    return replace(draft, evidence=(item,))


def test_a_case_is_a_scene_and_later_pictures_are_images(
    start: Start, box: Box, library: ViewLibrary
) -> None:
    start()
    box.start()
    first = _with_picture(make_draft(1, box.pictures), box.pictures)
    box.commit(first)
    box.commit(_with_picture(make_draft(1, box.pictures, revision=2, status="gone"), box.pictures))
    box.wait_done(2)

    [(_, scene), (kind, image)] = library.done
    assert len(scene["SceneID"]) == 48
    assert scene["SceneID"].startswith(f"{DEVICE}0220261124120000")
    assert scene["DeviceID"] == DEVICE
    [sub] = scene["SubImageList"]["SubImageInfoObject"]
    assert (sub["EventSort"], sub["Width"], sub["Height"]) == (661, 64, 48)
    assert (sub["ShotTime"], sub["FileFormat"], len(sub["ImageID"])) == (
        "20261124120000",
        "Jpeg",
        41,
    )
    assert base64.b64decode(sub["Data"]) == first.evidence[0].path.read_bytes()
    assert kind == "Image"
    assert image["ImageInfo"]["Title"].endswith("已消失")
    assert image["ImageInfo"]["ImageID"] not in {sub["ImageID"], scene["SourceID"]}


@pytest.mark.parametrize(
    "faults",
    [
        ["drop"],
        ["lost"],
        ["lost", "lost"],
        ["slow"],
        ["http:502", "http:504"],
        ["2", "9"],
        ["forget"],
    ],
    ids=" ".join,
)
def test_every_case_is_kept_once(
    start: Start, box: Box, library: ViewLibrary, faults: list[str], fast: None
) -> None:
    library.plan["Scenes"].extend(faults)
    start()
    box.start()
    for number in range(1, 4):
        box.commit(_with_picture(make_draft(number, box.pictures), box.pictures))
    box.wait_done(3, 60)
    assert len(library.scenes()) == len(set(library.scenes())) == 3
    assert box.counts().dead == 0


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses: their length is no part of what is promised."""
    monkeypatch.setattr("uploader.bridge.bridge._FIRST_S", 0.05)
    monkeypatch.setattr("uploader.bridge.bridge._ASIDE_S", 0.5)
    monkeypatch.setattr("uploader.bridge.bridge._OWN_TROUBLE_S", 0.3)


def test_what_it_refuses_goes_to_the_dead_letters(
    start: Start, box: Box, library: ViewLibrary
) -> None:
    library.plan["Scenes"].append("8")
    start()
    box.start()
    for number in range(1, 3):
        box.commit(_with_picture(make_draft(number, box.pictures), box.pictures))
    wait_until(lambda: box.counts().dead == 1)
    box.wait_done(1)
    assert len(library.scenes()) == 1


def test_it_registers_keeps_alive_and_says_goodbye(start: Start, library: ViewLibrary) -> None:
    bridge = start(keepalive_s=0.1)
    wait_until(lambda: library.said.count("Keepalive") >= 2)
    library.registered.clear()
    wait_until(lambda: library.said.count("Register") == 2)
    wait_until(lambda: library.said[-1] == "Keepalive")  # the answer to the second came
    bridge.stop()
    assert library.said[0] == "Register"
    assert library.said[-1] == "UnRegister"


def test_a_wrong_password_ends_the_bridge(
    tmp_path: Path, broker: Broker, library: ViewLibrary
) -> None:
    bridge = Bridge.to_library(tmp_path / "b", broker, library, _SITE, password=PASSWORD + "x")
    bridge.start()
    bridge.join()
    assert isinstance(bridge.fault, DeliveryError)
    assert bridge.fault.code is Code.BRG_STOPPED
    assert PASSWORD not in str(bridge.fault)
    assert USER not in str(bridge.fault)
