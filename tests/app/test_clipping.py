"""Clips on their way: whatever goes wrong costs the clip, with a reason, and never the case."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from structlog.testing import capture_logs

from edge.app.clipping import Clipping
from edge.cases.draft import CaseDraft
from edge.detectors.base import Detection
from edge.redaction.redactor import Redactor
from edge.streams.frame import Image
from edge.streams.messages import Clip, Cut
from tests.app.corner import settings_for
from tests.cases.test_desk import NOON, Office
from tests.redaction.ways import NothingMore

JPEG = bytes(cv2.imencode(".jpg", np.full((90, 160, 3), 90, np.uint8))[1])
CLIP = Clip("cam-1", 6.0, NOON, (JPEG,) * 30)


class Broken:
    """A finder whose device is lost."""

    def find(self, _image: Image, *, quick: bool = False) -> tuple[Detection, ...]:
        raise RuntimeError(f"the device was lost ({quick})")


class Street:
    """An open case of an act, and everything that makes clips of it."""

    def __init__(self, folder: Path, finder: Broken | NothingMore | None = None) -> None:
        self.office = Office(folder)
        (new,) = self.office.sees(0)
        self.case: CaseDraft = replace(new, kind="street_vending")
        self.asked: list[Cut] = []
        self.now = 0.0
        settings = settings_for(folder, evidence={"clip": {"seconds": 6}})
        self.clipping = Clipping(
            settings,
            self.asked.append,
            self.office.desk,
            Redactor("face+plate", lambda: finder or NothingMore()),
            ticks=lambda: self.now,
        )

    def finished(self) -> list[CaseDraft]:
        """Once the thread has ended with what it was given."""
        for _, making in self.clipping._making:
            making.exception(60)
        return self.clipping.ready()


@pytest.fixture
def street(tmp_path: Path) -> Street:
    return Street(tmp_path)


def reasons(lines: list[dict[str, str]]) -> list[str]:
    return [line["why"] for line in lines if line["event"] == "no_clip"]


def test_a_clip_is_a_revision_of_its_own(street: Street) -> None:
    street.clipping.wants([street.case])
    assert street.asked == [Cut("cam-1", 6.0)]
    street.clipping.came(CLIP)
    (added,) = street.finished()
    (item,) = added.evidence
    assert (added.revision, added.status, item.role) == (2, "update", "clip")
    assert item.path.name == "clip.webm"
    assert item.path.read_bytes()[:4] == b"\x1a\x45\xdf\xa3"
    manifest = json.loads(street.office.payloads()[-1])["data"]["seal"]["manifest"]
    assert item.sha256 in manifest
    street.clipping.wants([added])
    assert len(street.asked) == 1, "a later revision gets none"


def test_things_get_none(street: Street) -> None:
    street.clipping.wants([replace(street.case, kind="piled_materials")])
    assert street.asked == []


def test_each_loss_has_its_reason(street: Street) -> None:
    """Worker silent, camera down, camera without enough, a second case meanwhile."""
    with capture_logs() as lines:
        street.clipping.wants([street.case])
        street.clipping.wants([street.case])
        street.now = 31
        assert street.clipping.ready() == []
        street.clipping.came(CLIP)  # too late: nobody waits for it
        street.clipping.wants([street.case])
        street.clipping.down("cam-1")
        street.clipping.wants([street.case])
        street.clipping.came(Clip("cam-1", why="only 2.0 s of its stream are kept"))
        assert street.finished() == []
    assert reasons(lines) == [
        "a clip of this camera is already on its way",
        "its worker gave none within 30 s",
        "the camera went down before its clip was cut",
        "only 2.0 s of its stream are kept",
    ]
    assert len(street.office.rows()) == 1


def test_a_clip_that_cannot_be_redacted_is_none(tmp_path: Path) -> None:
    street = Street(tmp_path, Broken())
    with capture_logs() as lines:
        street.clipping.wants([street.case])
        street.clipping.came(CLIP)
        assert street.finished() == []
    assert "RED-001" in reasons(lines)[0]
    assert not list(tmp_path.rglob("clip.*"))


def test_a_case_that_is_gone_meanwhile_gets_none(street: Street) -> None:
    street.clipping.wants([street.case])
    street.clipping.came(CLIP)
    street.office.clear(10)
    street.office.clear(80)
    with capture_logs() as lines:
        assert street.finished() == []
    assert reasons(lines) == ["the case is not open any more"]


def test_the_queue_is_bounded_and_a_restart_gives_up(street: Street) -> None:
    """Each that waits holds its pictures; what a stop finds outstanding is said, and not made up
    for: after it the moment is over."""
    with capture_logs() as lines:
        for _ in range(30):
            street.clipping.wants([street.case])
            street.clipping.came(CLIP)
            assert len(street.clipping._making) <= 3
        street.clipping.close()
    assert "too many clips wait to be redacted" in reasons(lines)
    assert reasons(lines)[-1] == "the box stopped before it was made"
    assert len(street.office.rows()) == 1
    assert street.clipping.ready() == []
