"""Redaction beside the analysis: looks go on, nothing leaves without it, nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.app.ahead import Ahead
from edge.app.pipeline import Analysed
from edge.cases.draft import CaseDraft
from edge.clock import utc_now
from edge.detectors.base import Detection, Look
from edge.errors import Code
from edge.geometry import Box
from edge.scenes.finding import SceneReport
from edge.streams.frame import Frame, Image
from tests.app.corner import Corner
from tests.app.test_closer import comes, main_picture, two_streams, until_found, widths
from tests.detectors.test_static import picture
from tests.redaction.ways import NothingMore, by_detections

FACE = Box(0.7, 0.2, 0.8, 0.4)


class Slow(NothingMore):
    """Sees a face, when it is let; counts how often it was asked on which thread."""

    def __init__(self) -> None:
        super().__init__()
        self.may = threading.Event()
        self.asked: list[str] = []

    def find(self, image: Image, *, quick: bool = False) -> tuple[Detection, ...]:
        self.asked.append(threading.current_thread().name.partition("_")[0])
        assert self.may.wait(30)
        return (*super().find(image, quick=quick), Detection("face", "face", FACE, 0.9, "m"))


@pytest.fixture
def corner(tmp_path: Path) -> Iterator[Corner]:
    made = Corner(tmp_path, room=4, **two_streams(tmp_path))
    yield made
    if isinstance(made.finder, Slow):
        made.finder.may.set()
    made.close()


def slow(corner: Corner) -> Slow:
    """The box begins anew with a finder that waits to be let."""
    corner.finder = finder = Slow()
    corner.restart()
    corner.looks(12, "cam-2")
    return finder


def until_held(corner: Corner) -> None:
    """A bag is left, looks go on until its picture is being redacted; no case is made of it."""
    assert corner.ahead is not None
    while not corner.ahead:
        assert not corner.looks(1, "cam-2", bag=True)


def until_made(corner: Corner, *, bag: bool = True) -> list[CaseDraft]:
    """Looks go on until a revision is made."""
    for _ in range(200):
        if drafts := corner.looks(1, "cam-2", bag=bag) + last(corner).drafts:
            return drafts
    raise AssertionError("no case")


def last(corner: Corner) -> Analysed:
    return corner.pipeline.analyse([], last=True)


def face_is_covered(draft: CaseDraft) -> bool:
    far = next(cv2.imread(str(e.path)) for e in draft.evidence if e.role == "far")
    height, width = far.shape[:2]
    x0, y0, x1, y1 = FACE.pixels(width, height)
    clear = cv2.resize(picture(), (width, height))
    return bool(
        cv2.Laplacian(far[y0:y1, x0:x1], cv2.CV_64F).var()
        < 0.2 * cv2.Laplacian(clear[y0:y1, x0:x1], cv2.CV_64F).var()
    )


def test_looks_go_on_while_a_picture_is_redacted(corner: Corner) -> None:
    """One case, kept back once however often it is seen, made with the covered picture."""
    finder = slow(corner)
    until_held(corner)
    assert not corner.looks(5, "cam-2", bag=True), "nothing is made, nothing waits for it"
    assert corner.ahead is not None
    assert len(corner.ahead) == 1
    assert not list((corner.settings.box.state_dir / "evidence").rglob("*.jpg"))
    finder.may.set()
    (draft,) = last(corner).drafts
    assert (draft.status, draft.revision) == ("new", 1)
    assert face_is_covered(draft)
    assert finder.asked == ["redaction"], "once, and not on the thread of the looks"
    assert not corner.looks(5, "cam-2", bag=True), "one case"


def test_a_model_that_fails_holds_the_case_and_says_so(corner: Corner) -> None:
    """In the thread and when it is tried again: RED-001, nothing written; mended, it goes out."""
    finder = slow(corner)
    until_held(corner)
    finder.broken = True
    finder.may.set()
    failed = last(corner)
    assert [error.code for error in failed.errors] == [Code.RED_FAILED]
    assert not failed.drafts
    assert not list((corner.settings.box.state_dir / "evidence").rglob("*.jpg"))
    assert not corner.letters("case")
    finder.broken = False
    (draft,) = until_made(corner)
    assert face_is_covered(draft)


def test_a_fault_of_the_thread_alone_costs_nothing(corner: Corner) -> None:
    """What it could not do is tried once more where the case is made."""
    finder = slow(corner)
    until_held(corner)
    assert corner.ahead is not None
    finder.broken = True
    finder.may.set()
    corner.ahead._waiting[0].done.result(30)
    finder.broken = False
    (draft,) = last(corner).drafts
    assert face_is_covered(draft)
    assert len(finder.asked) == 2


def test_who_brings_more_than_there_is_room_for_waits() -> None:
    """Back-pressure: at most so many are kept, in the order in which they came, none is lost."""
    finder = Slow()
    ahead = Ahead(by_detections(finder), room=2)
    looks = [_look(number) for number in range(5)]
    for report in looks:
        ahead.hold(report, (), gone=True)
    assert len(ahead) == 5
    assert not ahead.is_due
    came: list[SceneReport] = []
    waits = threading.Thread(target=lambda: came.extend(w.report for w in ahead.ready()))
    waits.start()
    waits.join(0.2)
    assert waits.is_alive(), "it waits for the oldest"
    finder.may.set()
    waits.join(30)
    assert not waits.is_alive()
    assert len(ahead) <= 2
    came.extend(w.report for w in ahead.ready(every=True))
    assert [report.look.frame.sequence for report in came] == [0, 1, 2, 3, 4]
    ahead.close()


def test_a_box_that_stops_makes_the_cases_that_wait(corner: Corner) -> None:
    """Stopping waits for the picture at hand."""
    finder = slow(corner)
    until_held(corner)
    threading.Timer(0.2, finder.may.set).start()
    (draft,) = last(corner).drafts
    assert face_is_covered(draft)


def test_a_box_that_dies_meanwhile_makes_the_case_after_it(corner: Corner) -> None:
    """Nothing was promised and nothing is half there: the bag still lies in the street."""
    finder = slow(corner)
    until_held(corner)
    finder.may.set()
    corner.restart()
    assert not corner.letters("case")
    (draft,) = until_made(corner)
    assert (draft.revision, len(corner.letters("case"))) == (1, 1)


def test_the_main_stream_is_opened_once_though_its_picture_is_redacted_for_long(
    corner: Corner,
) -> None:
    """Looks of the sub-stream go on meanwhile; the case has the main stream's picture."""
    finder = slow(corner)
    corner.looks(12, "cam-1")
    until_found(corner)
    assert not comes(corner, main_picture(bag=True)).drafts
    assert not corner.looks(20, "cam-1", bag=True)
    finder.may.set()
    (draft,) = last(corner).drafts
    assert widths(draft) == {1920}
    assert corner.fetched == ["cam-1"]
    assert not corner.pipeline.analyse([]).errors


def test_what_is_seen_again_while_its_end_is_redacted_is_not_gone(corner: Corner) -> None:
    """The zone was clear for its time; the bag is back before the picture is ready."""
    finder = slow(corner)
    finder.may.set()
    assert [draft.status for draft in until_made(corner)] == ["new"]
    finder.may.clear()
    assert corner.ahead is not None
    while not corner.ahead:
        assert not corner.looks(1, "cam-2")
    for _ in range(30):
        corner.looks(1, "cam-2", bag=True)
    finder.may.set()
    assert not last(corner).drafts
    assert [draft.status for draft in until_made(corner, bag=False)] == ["gone"]


def _look(number: int) -> SceneReport:
    image = np.full((36, 64, 3), number, np.uint8)
    look = Look(Frame(f"cam-{number}", utc_now(), image, "still", number))
    return SceneReport(look, (), ())
