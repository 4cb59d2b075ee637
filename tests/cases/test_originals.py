"""Clear originals: encrypted, opened with a name and a reason only, never part of a message."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.cases.evidence import EvidenceRoom
from edge.cases.originals import Originals
from edge.errors import Code, StoreError
from edge.geometry import Box
from edge.streams.frame import Image
from tests.cases.test_desk import PICTURE, Office
from tests.redaction.ways import by_detections


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.originals = Originals(tmp_path / "originals", tmp_path / "evidence")
    made.room = EvidenceRoom(
        tmp_path / "evidence",
        jpeg_quality=80,
        redactor=by_detections(),
        keep_clear=made.originals.keep,
    )
    made.desk = made.make_desk()
    return made


def alike(picture: Image) -> float:
    """How much the head of the person in it looks as the camera gave it, -1 to 1."""
    height, width = PICTURE.shape[:2]
    x0, y0, x1, y1 = Box(0.1, 0.1, 0.2, 0.2).pixels(width, height)
    grey = (cv2.cvtColor(p[y0:y1, x0:x1], cv2.COLOR_BGR2GRAY).ravel() for p in (picture, PICTURE))
    return float(np.corrcoef(*grey)[0, 1])


def sealed(office: Office) -> list[Path]:
    return sorted(office.folder.glob("originals/*/*.sealed"))


def test_the_picture_comes_back_as_the_camera_gave_it(office: Office) -> None:
    """Head and all, while the evidence shows none; who opened it is on the list."""
    (draft,) = office.sees(0)
    data = office.originals.open(draft.case_id, 1, by="Li", why="order 7")
    clear = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    far = next(item for item in draft.evidence if item.role == "far")
    assert alike(clear) > 0.9
    assert alike(cv2.imread(str(far.path))) < 0.3
    (access,) = office.originals.accesses()
    assert (access.by, access.why, access.revision) == ("Li", "order 7", 1)


def test_nothing_of_it_is_in_messages_or_readable_on_disk(office: Office) -> None:
    """The outbox and the manifest name no original; its file is no JPEG."""
    (draft,) = office.sees(0)
    (path,) = sealed(office)
    assert b"\xff\xd8\xff" not in path.read_bytes()[:64]
    assert {item.role for item in draft.evidence} == {"far", "near"}
    assert all(b"sealed" not in p and b"originals" not in p for p in office.payloads())
    manifest = json.loads((draft.evidence[0].path.parent / "manifest.json").read_text())
    assert {file["role"] for file in manifest["files"]} == {"far", "near"}
    assert (office.folder / "originals/key").stat().st_mode & 0o077 == 0


def test_what_was_altered_or_moved_does_not_open(office: Office) -> None:
    """One bit, another case's place, another key, none at all: refused, and still on the list."""
    (draft,) = office.sees(0)
    (path,) = sealed(office)
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    for revision, code in ((1, Code.EVI_ALTERED), (2, Code.EVI_MISSING)):
        with pytest.raises(StoreError) as refused:
            office.originals.open(draft.case_id, revision, by="Li", why="order 7")
        assert refused.value.code is code
    path.with_name("r2.sealed").write_bytes(good)
    with pytest.raises(StoreError) as refused:
        office.originals.open(draft.case_id, 2, by="Li", why="order 7")
    assert refused.value.code is Code.EVI_ALTERED
    assert len(office.originals.accesses()) == 2, "each that found a file"


def test_a_key_that_others_can_read_holds_the_case(office: Office) -> None:
    """Nothing is kept under it, so the case waits; it is said what to do."""
    office.sees(0)
    (office.folder / "originals/key").chmod(0o644)
    with pytest.raises(StoreError) as refused:
        office.sees(0, zone="z-2", place="p-2")
    assert refused.value.code is Code.SEC_KEY
    assert len(office.rows()) == 1


def test_originals_go_with_their_evidence(office: Office) -> None:
    """Retention removes a revision's folder; the original follows."""
    (draft,) = office.sees(0)
    assert office.originals.tidy(now=True) == 0
    for item in draft.evidence[0].path.parent.iterdir():
        item.unlink()
    draft.evidence[0].path.parent.rmdir()
    assert office.originals.tidy() == 0, "not at every look"
    assert office.originals.tidy(now=True) == 1
    assert sealed(office) == []
