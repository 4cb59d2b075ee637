"""The board: consistent whoever writes, bounded, and nothing private on the pictures."""

from __future__ import annotations

import threading
import weakref
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.console import board as board_module
from edge.console.board import CASES_KEPT, Board
from edge.console.drawing import LEAST_WIDTH, MAX_WIDTH, ZoneView
from edge.console.views import CameraView
from edge.console.wire import notes_of, status_of
from edge.detectors.base import Detection
from edge.geometry import Box
from edge.scenes.finding import SceneReport
from edge.streams.frame import Image
from tests.cases.test_desk import Office, report
from tests.redaction.ways import NothingMore, by_detections
from uploader.waiting_view import WaitingView

ZONE = ZoneView("z-1", "piled_materials", ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9)))
HEAD = Box(0.1, 0.1, 0.2, 0.22)


@pytest.fixture
def board() -> Board:
    return Board(
        "box-01",
        [CameraView("cam-1", "一号", "One"), CameraView("cam-2", "二号", "Two")],
        by_detections(),
    )


def shown(board: Board, camera: str = "cam-1") -> Image:
    data = board.look_jpeg(camera)
    assert data is not None
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def of_size(width: int, height: int, *found: Detection) -> SceneReport:
    made = report(0, "cam-1", "z-1")
    noise = np.random.default_rng(2).integers(0, 255, (height, width, 3), np.uint8)
    look = replace(made.look, frame=replace(made.look.frame, picture=noise), detections=found)
    return replace(made, look=look)


def detail(picture: Image, box: Box) -> float:
    x0, y0, x1, y1 = box.pixels(picture.shape[1], picture.shape[0])
    patch = picture[y0 + 6 : y1 - 2, x0 + 6 : x1 - 6].astype(int)
    return float(np.abs(np.diff(patch, axis=1)).mean())


def test_zone_and_box_are_drawn(board: Board) -> None:
    """Blue along the zone's upper edge, yellow at the box's side, tint only where a rule fires."""
    thing = Detection("bag", "goods", Box(0.3, 0.5, 0.5, 0.7), 0.9, "made 1")
    made = of_size(640, 480, thing)
    grey = np.full((480, 640, 3), 120, np.uint8)
    made = replace(made, look=replace(made.look, frame=replace(made.look.frame, picture=grey)))
    board.look(made, (ZONE,))
    picture = shown(board).astype(int)
    blue, _, red = picture[47:50, 200:400].reshape(-1, 3).mean(axis=0)
    assert blue > red + 60
    blue, _, red = picture[260:320, 191:194].reshape(-1, 3).mean(axis=0)
    assert red > blue + 40
    inside, outside = picture[150, 500], picture[400, 100]
    assert inside[0] > inside[2] + 10
    assert abs(outside[0] - outside[2]) < 6


def test_whole_pictures_are_not_kept(board: Board) -> None:
    """A thousand cameras of 4K would take twelve gigabytes."""
    whole = of_size(3840, 2160)
    kept = weakref.ref(whole.look.frame.picture)
    board.look(whole, (ZONE,))
    del whole
    assert kept() is None
    assert shown(board).shape[:2] == (540, 960)


def test_what_waits_for_its_turn_is_said(board: Board) -> None:
    """As a note and in numbers; without any there is no note."""
    assert notes_of(board.snapshot()) == []
    waiting = WaitingView({"illegal_ads": 3}, "2026-11-24T04:00:00.000Z", 2, 500, 500)
    board.uplink(True, 0, 0, "", waiting=waiting)
    assert notes_of(board.snapshot())[0].startswith("3 new cases wait for their turn")
    uplink = status_of(board.snapshot())["uplink"]
    assert isinstance(uplink, dict)
    assert (uplink["queue"]["waiting"], uplink["queue"]["gone_before_turn"]) == (3, 2)


def test_heads_are_hidden_and_the_rest_is_not(board: Board) -> None:
    """The top quarter of a person has no detail left; without a person it has."""
    person = Detection("person", "person", Box(0.1, 0.1, 0.2, 0.58), 0.9, "made 1")
    board.look(of_size(1280, 720), ())
    bare = detail(shown(board), HEAD)
    board.look(of_size(1280, 720, person), ())
    assert detail(shown(board), HEAD) < bare / 4
    assert detail(shown(board), Box(0.1, 0.35, 0.2, 0.5)) > bare / 2


def test_nothing_is_shown_that_cannot_be_redacted() -> None:
    """Not even once drawn before: the look is new. It comes back by itself."""
    finder = NothingMore()
    board = Board("box-01", [CameraView("cam-1", "一号", "One")], by_detections(finder))
    board.look(of_size(640, 360), ())
    finder.broken = True
    assert board.look_jpeg("cam-1") is None
    finder.broken = False
    assert shown(board).shape == (360, 640, 3)
    assert Board("box-01", [CameraView("cam-1", "一号", "One")]).look_jpeg("cam-1") is None


@pytest.mark.parametrize(("width", "height"), [(3840, 2160), (320, 180)])
def test_pictures_are_small_enough(board: Board, width: int, height: int) -> None:
    """At most 1280 wide, same shape, never enlarged, and no narrower than a page is wide."""
    board.look(of_size(width, height), (ZONE,))
    picture = shown(board)
    assert min(width, LEAST_WIDTH) <= picture.shape[1] <= min(width, MAX_WIDTH)
    assert picture.shape[0] * width == picture.shape[1] * height


def test_a_look_is_drawn_once_when_asked(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before anybody looks, and once for all who ask at the same time."""
    drawn = []
    draw = board_module.look_jpeg
    monkeypatch.setattr(board_module, "look_jpeg", lambda *args: drawn.append(1) or draw(*args))
    assert board.look_jpeg("cam-1") is None
    for _ in range(5):
        board.look(of_size(640, 360), (ZONE,))
    assert not drawn
    askers = [threading.Thread(target=board.look_jpeg, args=("cam-1",)) for _ in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(drawn) == 1
    board.look(of_size(640, 360), (ZONE,))
    board.look_jpeg("cam-1")
    assert len(drawn) == 2


def test_counts_survive_many_writers_and_readers(board: Board, tmp_path: Path) -> None:
    """No look, drop or case is lost between threads, and every snapshot is whole."""
    (draft,) = Office(tmp_path).sees(0)
    made = {name: report(0, name, "z-1") for name in ("cam-1", "cam-2")}
    failures: list[str] = []
    writing = threading.Event()

    def write(name: str, number: int) -> None:
        for turn in range(100):
            board.look(made[name], ())
            board.dropped(name, 2)
            board.case(replace(draft, case_id=f"case-{number}-{turn % 10}"))

    def read() -> None:
        while not writing.is_set():
            now = board.snapshot()
            if any(camera.looks != camera.sequence for camera in now.cameras):
                failures.append("torn camera")
            if len({view.draft.case_id for view in now.cases}) != len(now.cases):
                failures.append("a case twice")

    reader = threading.Thread(target=read)
    reader.start()
    writers = [
        threading.Thread(target=write, args=(("cam-1", "cam-2")[number % 2], number))
        for number in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    writing.set()
    reader.join()
    now = board.snapshot()
    assert not failures
    assert [camera.looks for camera in now.cameras] == [200, 200]
    assert [camera.dropped for camera in now.cameras] == [400, 400]
    assert len(now.cases) == 40
    assert now.cases_version == 400


def test_only_the_latest_cases_are_kept(board: Board, tmp_path: Path) -> None:
    """The board is bounded, newest first; pictures of forgotten cases are not served."""
    (draft,) = Office(tmp_path).sees(0)
    old = replace(draft.evidence[0], sha256="0" * 64)
    board.case(replace(draft, case_id="old", evidence=(old,)))
    assert (board.evidence("0" * 64) or [None])[0] == old.path
    for number in range(CASES_KEPT):
        board.case(replace(draft, case_id=f"case-{number}"))
    kept = board.snapshot().cases
    assert len(kept) == CASES_KEPT
    assert kept[0].draft.case_id == f"case-{CASES_KEPT - 1}"
    assert board.evidence("0" * 64) is None


def test_a_case_that_is_gone_keeps_its_last_pictures(board: Board, tmp_path: Path) -> None:
    """Before and after stay side by side, and both can be fetched."""
    office = Office(tmp_path)
    (new,) = office.sees(0)
    office.clear(10)
    (gone,) = office.clear(80)
    board.case(new)
    assert board.snapshot().cases[0].before == ()
    board.case(gone)
    (view,) = board.snapshot().cases
    assert view.before == new.evidence
    for item in (*new.evidence, *gone.evidence):
        assert (board.evidence(item.sha256) or [None])[0] == item.path


def test_no_credential_reaches_the_page(board: Board) -> None:
    """Reasons come from libraries that print whole URLs."""
    board.camera_state("cam-1", "down", "no answer from rtsp://admin:hunter2@10.0.0.1/live")
    board.uplink(False, 0, 0, "mqtt://box:hunter2@broker refused")
    now = board.snapshot()
    assert now.cameras[0].detail == "no answer from rtsp://***@10.0.0.1/live"
    assert "hunter2" not in now.uplink.last_error


def test_a_camera_that_went_down_finds_nothing(board: Board) -> None:
    """What it saw last is not what is there now; the next look puts it right."""
    board.look(report(0, "cam-1", "z-1"), (ZONE,))
    assert board.snapshot().cameras[0].findings == ("piled_materials",)
    board.camera_state("cam-1", "down", "gone")
    assert board.snapshot().cameras[0].findings == ()
    board.look(report(1, "cam-1", "z-1"), (ZONE,))
    assert board.snapshot().cameras[0].state == "up"
    assert board.snapshot().cameras[0].detail == ""


def test_the_rate_follows_its_own_clock() -> None:
    """Looks of the last 10 s; a box that has just started is not shown as slow."""
    now = 100.0
    board = Board("box-01", [CameraView("cam-1", "一号", "One")], ticks=lambda: now)
    made = report(0, "cam-1", "z-1")
    for _ in range(8):
        board.look(made, ())
    now = 102.0
    assert board.snapshot().looks_per_s == 4.0
    now = 105.0
    board.look(made, ())
    now = 112.0
    assert board.snapshot().looks_per_s == 0.1
    now = 130.0
    assert board.snapshot().looks_per_s == 0.0
