"""The best frame: the picture that shows it best, bounded, and honest about its age."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.app.best import BestFrames
from edge.cases.evidence import EvidenceRoom
from edge.cases.originals import Originals
from edge.cases.taxonomy import category
from edge.detectors.base import Detection, Look
from edge.evidence.verify import Verifier
from edge.geometry import Box
from edge.pictures import read_picture
from edge.redaction.redactor import Redactor
from edge.scenes.finding import EventKind, Finding, SceneReport, Words
from edge.streams.frame import Frame, Image
from tests.app.corner import Corner, picture
from tests.cases.test_desk import NOON, Office
from tests.cases.test_metadata import GP, opened, xmp_of
from tests.redaction.ways import NothingMore
from tests.scenes.test_showing import BOX, THING, person, street

ROOM = 1 << 30
PASSER = person(0.42, 0.1, 0.56, 0.75)
BLURRED = cv2.GaussianBlur(street(), (0, 0), 3)
FRAME_BYTES = street().nbytes


def look(at_s: float, image: Image | None = None, *seen: Detection, camera: str = "cam-1") -> Look:
    at = NOON + timedelta(seconds=at_s)
    picture = street() if image is None else image
    return Look(Frame(camera, at, picture, "key_frame", int(at_s)), seen)


def sees(keeper: BestFrames, made: Look, *suspects: Detection) -> SceneReport:
    report = SceneReport(made, (), (), {"z-1": suspects or (THING,)})
    keeper.sees(report)
    return report


def finding(made: Look, *parts: Detection, since_s: float = 0.0) -> Finding:
    return Finding(
        camera_id=made.frame.camera_id,
        zone_id="z-1",
        place=None,
        kind=EventKind.PILED_MATERIALS,
        category="0136",
        box=BOX,
        first_seen=NOON + timedelta(seconds=since_s),
        last_seen=made.frame.captured_at,
        score=0.7,
        reasons=(Words("理由", "reason"),),
        look=made,
        parts=parts or (THING,),
    )


def chosen(keeper: BestFrames, made: Finding) -> Finding:
    (found,) = keeper.chosen(SceneReport(made.look, (made,), ())).findings
    return found


def taken(made: Finding) -> float | None:
    """Seconds since noon at which its best picture was taken."""
    return made.best and (made.best.look.frame.captured_at - NOON).total_seconds()


def test_the_clear_picture_is_taken_before_the_one_with_a_passer() -> None:
    keeper = BestFrames(ROOM)
    for at_s, seen in ((0, (PASSER,)), (10, ()), (20, (PASSER,)), (30, (PASSER,))):
        made = look(at_s, None, *seen)
        sees(keeper, made)
    found = chosen(keeper, finding(made))
    assert taken(found) == 10
    assert found.best is not None
    assert found.best.why.en == "best of 4 looks (less hidden)"
    assert found.best.box == BOX


def test_the_sharp_picture_is_taken_before_the_blurred_one() -> None:
    keeper = BestFrames(ROOM)
    for at_s, image in ((0, BLURRED), (10, street()), (20, BLURRED)):
        made = look(at_s, image)
        sees(keeper, made)
    found = chosen(keeper, finding(made))
    assert taken(found) == 10
    assert found.best is not None
    assert "sharper" in found.best.why.en


def test_what_no_detector_saw_in_front_is_not_chosen() -> None:
    """Something sharp and unknown before it for one look: it is unlike all the others."""
    hidden = street()
    hidden[140:260, 250:330] = 255
    hidden[145:260:24, 255:325] = 0
    keeper = BestFrames(ROOM)
    for at_s in range(6):
        image = hidden if at_s == 4 else cv2.GaussianBlur(street(), (0, 0), 0.7 + at_s * 0.05)
        made = look(at_s, image)
        sees(keeper, made)
    assert taken(chosen(keeper, finding(made))) != 4


def test_the_picture_of_now_stays_where_none_is_clearly_better() -> None:
    keeper = BestFrames(ROOM)
    for at_s in range(5):
        made = look(at_s, cv2.GaussianBlur(street(), (0, 0), 0.6 + 0.01 * at_s))
        sees(keeper, made)
    assert chosen(keeper, finding(made)).best is None


def test_nothing_from_before_it_was_there_nor_from_before_the_clock_was_set_back() -> None:
    keeper = BestFrames(ROOM)
    sees(keeper, look(0))
    made = look(20, BLURRED)
    sees(keeper, made)
    assert taken(chosen(keeper, finding(made))) == 0
    assert chosen(keeper, finding(made, since_s=5)).best is None
    earlier = look(-3600, BLURRED)
    sees(keeper, earlier)
    assert chosen(keeper, finding(earlier, since_s=-3700)).best is None


def test_a_picture_on_which_a_part_is_missing_is_not_taken() -> None:
    """Neither a second bag that was not there yet, nor a vendor who was away."""
    bag = Detection("bag", "static_object", Box(0.7, 0.5, 0.75, 0.6), 0.8, "test 1")
    vendor = person(0.6, 0.3, 0.66, 0.7)
    for missing in (bag, vendor):
        keeper = BestFrames(ROOM)
        sees(keeper, look(0))
        made = look(10, BLURRED, missing)
        sees(keeper, made, THING, *([bag] if missing is bag else []))
        assert chosen(keeper, finding(made, THING, missing)).best is None
        assert chosen(keeper, finding(made, THING)).best is not None


def test_another_zone_or_camera_has_its_own() -> None:
    keeper = BestFrames(ROOM)
    sees(keeper, look(0))
    made = look(10, BLURRED, camera="cam-2")
    sees(keeper, made)
    assert chosen(keeper, finding(made)).best is None
    here = look(10, BLURRED)
    sees(keeper, here)
    assert chosen(keeper, replace(finding(here), zone_id="z-2")).best is None


def test_once_it_is_a_case_nothing_is_held_any_more() -> None:
    keeper = BestFrames(ROOM)
    sees(keeper, look(0))
    made = look(10, BLURRED)
    sees(keeper, made)
    assert keeper.held_bytes == FRAME_BYTES
    keeper.became_cases((finding(made),))
    assert keeper.held_bytes == 0
    for at_s in range(20, 200, 10):
        sees(keeper, look(at_s))
    assert keeper.held_bytes == 0
    sees(keeper, look(200 + 16 * 60))
    assert keeper.held_bytes == FRAME_BYTES, "what comes back later is watched anew"


def test_nothing_is_held_where_nothing_is_suspected_or_it_is_switched_off() -> None:
    keeper, off = BestFrames(ROOM), BestFrames(0)
    for at_s in range(5):
        keeper.sees(SceneReport(look(at_s), (), ("z-1",), {"z-1": ()}))
        sees(off, look(at_s))
    assert keeper.held_bytes == off.held_bytes == 0
    sees(keeper, look(10))
    assert keeper.held_bytes == FRAME_BYTES
    keeper.sees(SceneReport(look(10 + 16 * 60), (), ("z-1",), {}))
    assert keeper.held_bytes == 0, "what has left is forgotten"


@given(
    st.integers(0, 6),
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 3), st.booleans(), st.booleans()),
        min_size=1,
        max_size=60,
    ),
)
@settings(max_examples=40, deadline=None)
def test_memory_is_bounded_whatever_comes(
    frames: int, looks: list[tuple[int, int, bool, bool]]
) -> None:
    """Cameras, spots, sharp and blurred, cases in between: never more than it may."""
    keeper = BestFrames(frames * FRAME_BYTES)
    spots = [replace(THING, box=Box(x, 0.4, x + 0.1, 0.6)) for x in (0.1, 0.3, 0.5, 0.7)]
    for at_s, (camera, spot, sharp, case) in enumerate(looks):
        made = look(at_s, street() if sharp else BLURRED, camera=f"cam-{camera}")
        sees(keeper, made, spots[spot])
        assert keeper.held_bytes <= frames * FRAME_BYTES
        if case:
            keeper.became_cases((finding(made, spots[spot]),))


def test_what_is_hardly_better_than_now_is_given_up_first() -> None:
    keeper = BestFrames(2 * FRAME_BYTES)
    sees(keeper, look(0, camera="cam-1"))
    worse = look(1, BLURRED, camera="cam-1")
    sees(keeper, worse)
    for number in range(2, 6):
        sees(keeper, look(number, camera=f"cam-{number}"))
    assert taken(chosen(keeper, finding(worse))) == 0


def test_a_zone_full_of_suspects_holds_a_bounded_number(noon: datetime) -> None:
    keeper = BestFrames(ROOM)
    for n in range(40):
        x = (n % 20) / 20
        y = 0.1 + 0.4 * (n // 20)
        spot = replace(THING, box=Box(x, y, x + 0.02, y + 0.05))
        sees(keeper, Look(Frame("cam-1", noon, street(), "key_frame", n), (spot,)), spot)
    assert keeper.held_bytes <= 8 * FRAME_BYTES


@pytest.fixture
def better(tmp_path: Path) -> tuple[Office, Finding]:
    """An office, and a finding whose last look is blurred."""
    keeper = BestFrames(ROOM)
    sees(keeper, look(0))
    made = look(48, BLURRED)
    sees(keeper, made)
    found = chosen(keeper, finding(made, since_s=-12))
    assert found.best is not None
    return Office(tmp_path), found


def test_the_case_says_which_picture_is_older_everywhere(better: tuple[Office, Finding]) -> None:
    """Message, manifest, EXIF, XMP and reasons; the far view is of now, and all of it is sealed."""
    office, found = better
    (draft,) = office.desk.observe(SceneReport(found.look, (found,), ()))
    far, near = draft.evidence
    assert (far.role, near.role) == ("far", "near")
    assert far.captured_at == found.look.frame.captured_at
    assert (far.captured_at - near.captured_at).total_seconds() == 48
    assert "taken 48 s before" in draft.reasons[-1].en
    assert "48 秒" in draft.reasons[-1].zh
    manifest = json.loads((near.path.parent / "manifest.json").read_text(encoding="utf-8"))
    listed = {file["role"]: file for file in manifest["files"]}
    assert listed["near"]["captured_at"] < listed["far"]["captured_at"]
    assert listed["near"]["note"]["en"].startswith("best of 2 looks")
    assert "note" not in listed["far"]
    data = near.path.read_bytes()
    root: ElementTree.Element = xmp_of(data)
    said = {node.tag: node.text for node in root.iter()}
    assert datetime.fromisoformat(said[f"{GP}CapturedAt"] or "") == near.captured_at
    assert (said[f"{GP}NoteEn"] or "").startswith("best of 2 looks")
    assert opened(data).getexif().get_ifd(0x8769)[0x9003] == "2026:11:24 12:00:00"
    title = next(node.text or "" for node in root.iter() if "dwell" in (node.text or ""))
    assert title.endswith("dwell 12 s"), "how long it had stood there then, not now"
    message = json.loads(office.payloads()[0])["data"]
    times = {each["role"]: each["captured_at"] for each in message["evidence"]}
    assert times["near"] < times["far"]
    assert not Verifier().check(near.path.parent).findings


def test_the_near_view_shows_the_sharp_picture(better: tuple[Office, Finding]) -> None:
    office, found = better
    (draft,) = office.desk.observe(SceneReport(found.look, (found,), ()))
    plain = replace(found, best=None)
    (other,) = Office(office.folder / "other").desk.observe(SceneReport(found.look, (plain,), ()))
    detail = [
        cv2.Laplacian(cv2.imread(str(each.evidence[1].path), 0)[:180], cv2.CV_64F).var()
        for each in (draft, other)
    ]
    assert detail[0] > 3 * detail[1]


def test_the_clear_original_of_the_older_picture_is_kept_too(
    better: tuple[Office, Finding], tmp_path: Path
) -> None:
    """Where originals are kept: one of each look, each under its own name, both gone in the end."""
    office, found = better
    originals = Originals(tmp_path / "originals", tmp_path / "evidence")
    office.room = EvidenceRoom(
        tmp_path / "evidence",
        jpeg_quality=90,
        redactor=Redactor("face+plate", NothingMore),
        keep_clear=originals.keep,
    )
    office.desk = office.make_desk()
    (draft,) = office.desk.observe(SceneReport(found.look, (found,), ()))
    assert found.best is not None
    for view, look_ in (("", found.look), ("near", found.best.look)):
        data = originals.open(draft.case_id, 1, by="Li", why="order 7", view=view)
        clear = read_picture(data).astype(int)
        assert np.abs(clear - look_.frame.image).mean() < 4
    assert originals.tidy(now=True) == 0
    shutil.rmtree(draft.evidence[0].path.parent)
    assert originals.tidy(now=True) == 2


class Plates(NothingMore):
    """Finds a plate in a corner; may fail on pictures that are as sharp as the best one."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[Image] = []
        self.fails_on: Image | None = None

    def find(self, image: Image, *, quick: bool = False) -> tuple[Detection, ...]:
        self.pictures.append(image)
        if self.fails_on is not None and np.array_equal(image, self.fails_on):
            raise RuntimeError("the device was lost")
        return (Detection("plate", "licence_plate", Box(0.45, 0.45, 0.55, 0.6), 0.9, "made 1"),)


def photographed(folder: Path, finder: Plates, found: Finding) -> list[Image]:
    from edge.cases.metadata import CaseLabel

    room = EvidenceRoom(folder, jpeg_quality=95, redactor=Redactor("face+plate", lambda: finder))
    label = CaseLabel("c" * 8, 1, category("0136"), "420111", "cam", "Asia/Shanghai")
    items = room.photograph(found, label)
    return [cv2.imread(str(item.path)) for item in items]


def test_the_older_picture_is_redacted_by_its_own_detections(
    better: tuple[Office, Finding], tmp_path: Path
) -> None:
    """Both pictures pass through the redactor, and neither leaves as it came."""
    _, found = better
    finder = Plates()
    photographed(tmp_path / "room", finder, found)
    assert found.best is not None
    given = [image.tobytes() for image in finder.pictures]
    assert found.look.frame.image.tobytes() in given
    assert found.best.look.frame.image.tobytes() in given


def test_where_only_the_older_picture_cannot_be_redacted_the_case_has_the_one_of_now(
    better: tuple[Office, Finding], tmp_path: Path
) -> None:
    """Nothing is lost, nothing leaves uncovered, and nobody says that it is older."""
    office, found = better
    finder = Plates()
    assert found.best is not None
    finder.fails_on = found.best.look.frame.image
    office.room = EvidenceRoom(
        tmp_path / "evidence", jpeg_quality=90, redactor=Redactor("face+plate", lambda: finder)
    )
    office.desk = office.make_desk()
    (draft,) = office.desk.observe(SceneReport(found.look, (found,), ()))
    assert len({item.captured_at for item in draft.evidence}) == 1
    assert not any("before the far view" in reason.en for reason in draft.reasons)


def test_through_every_room(tmp_path: Path) -> None:
    """Real rules, background and desk: clear until it is suspected, then out of focus."""
    zone = {"id": "kerb", "watch": "piled_materials", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}
    camera = {
        "id": "cam-1",
        "url": str(tmp_path),
        "position": {"lon": 114.4125, "lat": 30.3405},
        "look_every_s": 1,
        "zones": [zone | {"dwell_s": 15, "place": "corner"}],
    }
    corner = Corner(tmp_path, cameras=[camera])
    try:
        corner.looks(12, "cam-1")
        while not corner.best.held_bytes:
            assert not corner.looks(1, "cam-1", bag=True)
        clear_until, drafts = corner.now, []
        soft = picture(bag=True)
        soft[:] = cv2.GaussianBlur(soft, (0, 0), 1.5)
        while not drafts and (corner.now - clear_until).total_seconds() < 60:
            drafts = corner.looks(1, "cam-1", image=soft)
        (draft,) = drafts
        far, near = draft.evidence
        assert far.captured_at > clear_until >= near.captured_at
        assert "sharper" in draft.reasons[-1].en
        assert corner.best.held_bytes == 0, "it is a case: nothing is held for it any more"
    finally:
        corner.close()
