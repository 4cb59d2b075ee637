"""What is found on a sub-stream is photographed on the main stream, and never lost over it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.app.pipeline import Analysed, Pipeline
from edge.cases.draft import CaseDraft
from edge.detectors.base import Detection
from edge.detectors.unchanged import Changes, Gated, Limits
from edge.geometry import Box
from edge.streams.frame import Frame, Image
from edge.streams.messages import Missed
from tests.app.corner import Corner, settings_for
from tests.detectors.test_static import picture
from tests.detectors.test_unchanged import Counts

MAIN = (1920, 1080)  # the sub-stream is 480 x 360: squeezed, as cameras do
_NUMBERS = itertools.count(1000)


def two_streams(folder: Path) -> dict[str, Any]:
    """Camera 1 has a sub-stream, camera 2 has none; nothing is gone before a minute."""
    cameras = settings_for(folder).model_dump(mode="json")["cameras"]
    for camera in cameras:
        camera["zones"][0]["place"] = None
        camera["zones"][0]["gone_after_s"] = 60
    cameras[0] |= {"url": "rtsp://127.0.0.1/main", "detect_url": "rtsp://127.0.0.1/sub"}
    cameras[1]["url"] = str(folder / "cam-2")
    return {"cameras": cameras}


@pytest.fixture
def corner(tmp_path: Path) -> Iterator[Corner]:
    made = Corner(tmp_path, **two_streams(tmp_path))
    made.looks(12, "cam-1")
    yield made
    made.close()


def main_picture(**kind: Any) -> Image:
    return np.asarray(cv2.resize(picture(**kind), MAIN, interpolation=cv2.INTER_CUBIC), np.uint8)


def comes(corner: Corner, image: Image) -> Analysed:
    """The main stream's picture has come."""
    frame = Frame("cam-1", corner.now, image, "evidence", next(_NUMBERS))
    came = corner.pipeline.analyse([frame])
    for report in came.close:
        corner.hearing.desk.sees_main(report)
    corner.hearing.step()
    return came


def widths(draft: CaseDraft) -> set[int]:
    """Pixels across of the far views."""
    shown = [cv2.imread(str(e.path)) for e in draft.evidence if e.role == "far"]
    return {int(image.shape[1]) for image in shown}


def until_found(corner: Corner) -> None:
    """A bag is left; looks go on until its picture is asked for, and no case is made of them."""
    while not corner.fetched:
        assert not corner.looks(1, "cam-1", bag=True)
    assert corner.fetched == ["cam-1"]


def test_a_case_has_the_picture_of_the_main_stream(corner: Corner) -> None:
    until_found(corner)
    assert not corner.looks(2, "cam-1", bag=True), "it waits"
    came = comes(corner, main_picture(bag=True))
    (draft,) = came.drafts
    assert not came.errors
    assert draft.status == "new"
    assert widths(draft) == {1920}
    assert corner.fetched == ["cam-1"], "one open of the main stream, however many looks"
    assert not corner.looks(5, "cam-1", bag=True), "one case"


def test_who_stands_on_that_very_picture_is_covered(corner: Corner) -> None:
    """Somebody has come since the look: the boxes of the sub-stream would not cover them."""
    until_found(corner)
    corner.people.there = (Detection("person", "person", Box(0.7, 0.2, 0.8, 0.6), 0.9, "made 1"),)
    image = main_picture(bag=True)
    image[216:324, 1344:1536] = np.random.default_rng(1).integers(0, 255, (108, 192, 3), np.uint8)
    (draft,) = comes(corner, image).drafts
    far = next(cv2.imread(str(e.path)) for e in draft.evidence if e.role == "far")
    fine = cv2.Laplacian(cv2.cvtColor(far[226:310, 1360:1520], cv2.COLOR_BGR2GRAY), cv2.CV_64F)
    assert float(np.abs(fine).mean()) < 15, "no detail is left in the head's place"


@pytest.mark.parametrize("way", ["silence", "refused", "black", "elsewhere"])
def test_without_that_picture_the_case_is_made_all_the_same(corner: Corner, way: str) -> None:
    until_found(corner)
    code = {"silence": "CAM-004", "refused": "CAM-001", "black": "CAM-010", "elsewhere": "CAM-011"}
    match way:
        case "silence":
            corner.wait(9)
            assert not corner.closer.step(), "it is still waited for"
            corner.wait(1)
            came = Analysed()
        case "refused":
            corner.closer.missed(Missed("cam-1", "CAM-001", "connection refused"))
            came = Analysed()
        case "black":
            came = comes(corner, np.zeros((1080, 1920, 3), np.uint8))
        case "elsewhere":
            came = comes(corner, np.asarray(main_picture(bag=True)[::-1], np.uint8))
    if not came.drafts:
        assert corner.closer.step()
        came = corner.pipeline.analyse([])
    (draft,) = came.drafts
    assert widths(draft) == {480}
    assert any(code[way] in words.en and "子码流" in words.zh for words in draft.reasons)
    assert [str(error.code) for error in came.errors] == [code[way]]
    assert not corner.pipeline.analyse([]).errors, "told once"


def test_what_goes_while_its_picture_is_waited_for_is_still_a_case(corner: Corner) -> None:
    """The rule had fired: without a sub-stream there would be a case."""
    until_found(corner)
    corner.looks(3, "cam-1")
    corner.wait(10)
    came = corner.pipeline.analyse([])
    assert [draft.status for draft in came.drafts] == ["new"]


def test_gone_is_photographed_on_the_main_stream_too(corner: Corner) -> None:
    until_found(corner)
    comes(corner, main_picture(bag=True))
    corner.fetched.clear()
    drafts: list[CaseDraft] = []
    while not corner.fetched:
        drafts += corner.looks(1, "cam-1")
    assert not drafts
    (gone,) = comes(corner, main_picture()).drafts
    assert gone.status == "gone"
    assert widths(gone) == {1920}


def test_gone_without_that_picture_says_so(corner: Corner) -> None:
    until_found(corner)
    comes(corner, main_picture(bag=True))
    corner.fetched.clear()
    while not corner.fetched:
        assert not corner.looks(1, "cam-1")
    corner.closer.missed(Missed("cam-1", "CAM-003", "no video"))
    (gone,) = corner.pipeline.analyse([]).drafts
    assert gone.status == "gone"
    assert widths(gone) == {480}
    assert any("CAM-003" in words.en for words in gone.reasons)


def test_a_camera_without_a_sub_stream_is_as_ever(corner: Corner) -> None:
    corner.looks(12, "cam-2")
    drafts = corner.looks(12, "cam-2", bag=True)
    assert [draft.status for draft in drafts] == ["new"]
    assert not corner.fetched


def test_the_main_picture_upsets_nothing_that_was_learned(corner: Corner) -> None:
    """The background of the sub-stream, and what stands before it, are as if it had not been."""
    until_found(corner)
    comes(corner, main_picture(bag=True))
    after = corner.pipeline.analyse(
        [Frame("cam-1", corner.now, picture(bag=True), "key_frame", next(_NUMBERS))]
    )
    (report,) = after.reports
    assert [finding.kind for finding in report.findings] == ["piled_materials"]
    assert len(report.look.of("static_object")) == 1, "nothing was learned anew"
    # A main picture that nobody has asked for changes nothing either.
    assert not comes(corner, main_picture()).drafts
    assert not corner.looks(3, "cam-1", bag=True)


def test_two_finds_soon_after_one_another_are_two_pictures(corner: Corner) -> None:
    """The second is not asked for at once, and is not lost."""
    until_found(corner)
    comes(corner, main_picture(bag=True))
    asked_at = corner.now
    report = corner.pipeline.analyse(
        [Frame("cam-1", corner.now, picture(bag=True), "key_frame", next(_NUMBERS))]
    ).reports[0]
    corner.closer.hold(report, report.findings, gone=False)
    assert corner.fetched == ["cam-1"]
    while len(corner.fetched) < 2:
        corner.looks(1, "cam-1", bag=True)
    assert 4 <= (corner.now - asked_at).total_seconds() <= 5


def test_quiet_looks_stay_quiet_and_the_main_picture_is_seen_by_the_model(corner: Corner) -> None:
    """The gate of unchanged looks compares pictures of one stream only."""
    model = Counts()
    changes = Changes(Limits(looks=1000, seconds=86400.0), {})
    pipeline = Pipeline(
        (Gated(model, changes),),
        corner.pipeline._watchers,
        corner.desk,
        lambda _stage, _seconds: None,
        closer=corner.closer,
    )
    for number, (image, reason) in enumerate(
        [
            (picture(), "key_frame"),
            (picture(), "key_frame"),
            (main_picture(), "evidence"),
            (picture(), "key_frame"),
        ]
    ):
        pipeline.analyse([Frame("cam-1", corner.now, image, reason, number)])
    assert model.asked == [0, 2], "the first look, and the main picture"


def answered(corner: Corner, request: str, role: str) -> int:
    """Pixels across of a picture of a stored answer."""
    path = corner.settings.box.state_dir / "replies" / request / f"{role}.jpg"
    return int(cv2.imread(str(path)).shape[1])


def test_what_the_platform_asks_to_see_is_the_main_stream(corner: Corner) -> None:
    request = corner.ask(action="look", purpose=None, camera_id="cam-1", looks=1)
    corner.looks(2, "cam-1")
    assert corner.fetched == ["cam-1"]
    assert corner.reply(request) is None, "the sub-stream's picture alone is no answer yet"
    assert not comes(corner, main_picture()).drafts
    reply = corner.reply(request)
    assert reply is not None
    assert reply.result == "done"
    assert answered(corner, request, "far") == 1920


@pytest.mark.parametrize("told", [True, False])
def test_without_it_the_platform_sees_the_sub_stream(corner: Corner, told: bool) -> None:
    """At once where the main stream has failed, else when it was waited for long enough."""
    request = corner.ask(action="look", purpose=None, camera_id="cam-1", looks=1)
    corner.looks(1, "cam-1")
    if told:
        corner.hearing.desk.no_main("cam-1")
    corner.wait(1 if told else 10)
    reply = corner.reply(request)
    assert reply is not None
    assert reply.result == "done"
    assert answered(corner, request, "far") == 480


def test_before_and_after_are_of_one_stream(corner: Corner) -> None:
    """A verify shows the place now as large as the case did; its looks stay those it asked for."""
    until_found(corner)
    (draft,) = comes(corner, main_picture(bag=True)).drafts
    request = corner.ask(case_id=draft.case_id, purpose="pre_filing_verify")
    while len(corner.fetched) < 2:
        corner.looks(1, "cam-1", bag=True)
    comes(corner, main_picture(bag=True))
    corner.looks(6, "cam-1", bag=True)
    reply = corner.reply(request)
    assert reply is not None
    assert reply.result == "present"
    assert [look.present for look in reply.looks] == [True] * 3
    assert answered(corner, request, "after") == 1920


def test_a_box_that_stops_does_not_forget_what_waits(corner: Corner) -> None:
    until_found(corner)
    corner.closer.give_up()
    (draft,) = corner.pipeline.analyse([]).drafts
    assert widths(draft) == {480}
    assert any("stopped" in words.en for words in draft.reasons)


_SPANS = st.lists(
    st.tuples(st.booleans(), st.integers(4, 16), st.sampled_from(["", "came", "missed", "black"])),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(spans=_SPANS)
def test_two_streams_find_what_one_finds(
    tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[bool, int, str]]
) -> None:
    """Whatever the street and the main stream do: as many new cases as without a sub-stream."""
    folder = tmp_path_factory.mktemp("both")
    corner = Corner(folder, **two_streams(folder))
    try:
        drafts = corner.looks(12)
        for bag, count, event in spans:
            for _ in range(count):
                drafts += _look(corner, bag=bag)
            match event:
                case "came":
                    drafts += comes(corner, main_picture(bag=bag)).drafts
                case "black":
                    drafts += comes(corner, np.zeros((1080, 1920, 3), np.uint8)).drafts
                case "missed":
                    corner.closer.missed(Missed("cam-1", "CAM-005", "ended"))
        corner.wait(20)
        corner.closer.step()
        corner.wait(20)
        drafts += corner.pipeline.analyse([]).drafts
    finally:
        corner.close()
    new = [draft.sources[0].camera_id for draft in drafts if draft.status == "new"]
    assert new.count("cam-1") == new.count("cam-2")


def _look(corner: Corner, *, bag: bool) -> list[CaseDraft]:
    """One look of both cameras at the same picture; faults of the main stream are no matter."""
    corner.now += timedelta(seconds=1)
    image = picture(bag=bag)
    frames = [
        Frame(name, corner.now, image, "key_frame", next(_NUMBERS)) for name in ("cam-1", "cam-2")
    ]
    return corner.pipeline.analyse(frames).drafts
