"""The gate: what a second look holds back is stored with reasons, and costs nothing twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge.app.detecting import build_gate
from edge.app.gate import Gate, in_words
from edge.cases.suppressed import SuppressedStore
from edge.config.model import Settings
from edge.detectors.base import Detection, Look, OnlyCameras
from edge.detectors.objects import ObjectDetector
from edge.detectors.second_look import Judgement, Reason, SecondLook
from edge.detectors.tiles import TiledDetector
from edge.geometry import Box
from edge.scenes.finding import EventKind, Finding, SceneReport, Words
from edge.shipped import shipped
from edge.streams.frame import Frame, Image
from tests.cases.test_desk import Office
from tests.redaction.ways import by_detections

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
PICTURE = np.random.default_rng(1).integers(0, 255, (180, 240, 3), np.uint8)
PILE = Box(0.4, 0.4, 0.6, 0.6)
YES = Judgement(True, 0.5, (Reason("seen_again", "bag", 4, 4, 0.5),))
CAR = Judgement(False, 0.2, (Reason("looks_like", "parked_vehicle", 4, 4, 0.8),), "parked_vehicle")


class Judge(SecondLook):
    """Gives prepared answers and counts the questions."""

    def __init__(self, *answers: Judgement) -> None:
        super().__init__((), min_score=0.3)
        self.answers = list(answers)
        self.asked = 0

    def judge(self, image: Image, kind: str, parts: Sequence[Detection]) -> Judgement:
        self.asked += 1
        return self.answers.pop(0)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[SuppressedStore]:
    store = SuppressedStore(tmp_path / "gridpatrol.db", kept=3)
    yield store
    store.close()


def report(at_s: float, box: Box = PILE, zone: str = "z-1") -> SceneReport:
    at = NOON + timedelta(seconds=at_s)
    part = Detection("left_behind", "static_object", box, 0.8, "static 1")
    look = Look(Frame("cam-1", at, PICTURE, "key_frame", 1), (part,))
    finding = Finding(
        camera_id="cam-1",
        zone_id=zone,
        place=None,
        kind=EventKind.PILED_MATERIALS,
        category="0136",
        box=box,
        first_seen=at - timedelta(seconds=30),
        last_seen=at,
        score=0.8,
        reasons=(Words("久放", "it stays"),),
        look=look,
        parts=(part,),
    )
    return SceneReport(look, (finding,), ())


def gate(judge: Judge, shelf: SuppressedStore, *, open_case: bool = False) -> Gate:
    return Gate(judge, shelf, lambda _: open_case, redactor=by_detections(), again_after_s=60)


def test_what_holds_passes_with_its_reasons(shelf: SuppressedStore) -> None:
    """The score is the geometric mean of rule and second look; asked once for many looks."""
    judge = Judge(YES)
    door = gate(judge, shelf)
    for second in range(0, 3000, 60):
        passed, held = door.let_pass(report(second))
        (finding,) = passed.findings
        assert finding.score == pytest.approx((0.8 * 0.5) ** 0.5)
        assert next(reason.en for reason in finding.reasons) == "it stays"
        assert finding.reasons[-1].zh.startswith("二次核验")
        assert not held
    assert judge.asked == 1
    assert not shelf.newest()


def test_what_does_not_hold_is_kept_and_judged_again_later(shelf: SuppressedStore) -> None:
    """Zone neither found nor clear; one row that grows; after 60 s evidence may have changed."""
    judge = Judge(CAR, CAR, YES, YES, CAR, YES, YES)
    door = gate(judge, shelf)
    first, held = door.let_pass(report(0))
    assert (first.findings, first.clear_zones, len(held)) == ((), (), 1)
    for second in range(2, 60, 2):
        again, held = door.let_pass(report(second))
        assert (again.findings, held) == ((), ())
    assert judge.asked == 1
    _, held = door.let_pass(report(60))
    assert len(held) == 1
    (row,) = shelf.newest()
    assert (row.times, row.look_alike, row.zone_id) == (2, "parked_vehicle", "z-1")
    assert row.last_seen - row.first_seen == timedelta(seconds=90)
    assert "停放的车辆" in row.second_reasons[0].zh
    assert row.rule_reasons[0].en == "it stays"
    assert cv2.imdecode(np.frombuffer(row.picture, np.uint8), cv2.IMREAD_COLOR) is not None
    # Seen as a car twice, one look to the contrary is not enough.
    for second in (121, 182):
        passed, held = door.let_pass(report(second))
        if second == 121:
            assert (passed.findings, held[0].look_alike) == ((), "parked_vehicle")
            assert "1 times more" in held[0].second_reasons[-1].en
    assert len(passed.findings) == 1
    assert len(door.let_pass(report(900))[0].findings) == 0  # away for long, a car now
    assert len(door.let_pass(report(2800))[0].findings) == 1  # away for longer: forgotten


def test_an_open_case_costs_nothing(shelf: SuppressedStore) -> None:
    """Also after a restart, when nothing is remembered here."""
    judge = Judge()
    passed, _ = gate(judge, shelf, open_case=True).let_pass(report(0))
    (finding,) = passed.findings
    assert (finding.score, judge.asked) == (0.0, 0)  # the case keeps its own score


def test_another_spot_is_judged_for_itself(shelf: SuppressedStore) -> None:
    """A car here says nothing of a heap there, nor of another zone."""
    elsewhere = Box(0.8, 0.8, 0.9, 0.9)
    door = gate(Judge(CAR, YES, CAR), shelf)
    assert not door.let_pass(report(0))[0].findings
    assert door.let_pass(report(2, elsewhere))[0].findings
    assert not door.let_pass(report(4, zone="z-2"))[0].findings
    assert not door.let_pass(report(6))[0].findings
    assert door.let_pass(report(8, elsewhere))[0].findings


def test_a_clock_set_back_judges_anew(shelf: SuppressedStore) -> None:
    """Rather one question more than a verdict from the future."""
    judge = Judge(CAR, YES)
    door = gate(judge, shelf)
    door.let_pass(report(0))
    assert door.let_pass(report(-3600))[0].findings


def test_the_shelf_is_bounded(shelf: SuppressedStore) -> None:
    """By number, and by age."""
    door = gate(Judge(*[CAR] * 6), shelf)
    for n in range(5):
        door.let_pass(report(n, zone=f"z-{n}"))
    assert [row.zone_id for row in shelf.newest()] == ["z-4", "z-3", "z-2"]
    door.let_pass(report(40 * 24 * 3600, zone="z-9"))
    assert [row.zone_id for row in shelf.newest()] == ["z-9"]


def test_an_operator_can_list_them(tmp_path: Path) -> None:
    """``gridpatrol suppressed`` says why it fired and why it was held, and writes the picture."""
    from edge.cli import app

    state = tmp_path / "state"
    store = SuppressedStore(state / "gridpatrol.db")
    gate(Judge(CAR), store).let_pass(report(0))
    store.close()
    folder = shipped("configs")
    text = (folder / "gridpatrol.yaml").read_text(encoding="utf-8")
    text = text.replace("# state_dir: state", f"state_dir: {state}")
    text = text.replace("cells: grid.geojson", f"cells: {folder / 'grid.geojson'}")
    (tmp_path / "site.yaml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(
        app,
        ["suppressed", "--config", str(tmp_path / "site.yaml"), "--pictures", str(tmp_path / "p")],
        env={"CAMERA_PASSWORD": "x", "COLUMNS": "200"},
    )
    assert done.exit_code == 0, done.output
    assert "1 suppressed finding(s)" in done.stdout
    assert "cam-1 / z-1" in done.stdout
    assert (tmp_path / "p" / "suppressed-1.jpg").stat().st_size > 100


def test_every_reason_has_words() -> None:
    """In both languages, for each key the second look may give."""
    for key, about in (
        ("seen_again", "umbrella"),
        ("not_seen_again", "umbrella"),
        ("looks_like", "planter"),
        ("nothing_like", "left_behind"),
        ("not_recognised", "left_behind"),
    ):
        words = in_words(Reason(key, about, 3, 4, 0.4))
        assert words.zh.startswith("二次核验")
        assert words.en.startswith("second look")


def settings(every_s: float = 2.0, **second_look: object) -> Settings:
    zone = {"id": "z-1", "watch": "piled_materials", "polygon": [[0, 0], [1, 0], [1, 1]]}
    return Settings.model_validate(
        {
            "box": {"id": "box-01", "city": "420111"},
            "mqtt": {"host": "127.0.0.1"},
            "grid": {"cells": "grid.geojson"},
            "detectors": {"second_look": second_look},
            "cameras": [
                {
                    "id": "cam-1",
                    "url": "x",
                    "position": {"lon": 114.4, "lat": 30.3},
                    "look_every_s": every_s,
                    "zones": [zone],
                }
            ],
        }
    )


def test_a_zone_may_ask_for_more(shelf: SuppressedStore) -> None:
    """The judged score, not the rule's, is what a zone's ``min_score`` is held against."""
    door = Gate(
        Judge(YES, YES),
        shelf,
        lambda _: False,
        redactor=by_detections(),
        again_after_s=60,
        min_scores={("cam-1", "z-1"): 0.7, ("cam-1", "z-2"): 0.6},
    )
    passed, held = door.let_pass(report(0))
    assert (passed.findings, [item.look_alike for item in held]) == ((), ["too_unsure"])
    assert "0.63" in held[0].second_reasons[-1].en
    assert door.let_pass(report(2))[1] == ()
    assert len(door.let_pass(report(4, zone="z-2"))[0].findings) == 1


def test_models_run_for_some_cameras_only_judge_too(tmp_path: Path) -> None:
    """A model that its card reserves for some kinds of zones is wrapped; it is found inside."""
    model = ObjectDetector(shipped("models") / "coco-nanodet", provider="cpu")
    wrapped = OnlyCameras(TiledDetector(model, default="off"), frozenset({"cam-1"}))
    office = Office(tmp_path)
    with closing(office.store):
        database = tmp_path / "gridpatrol.db"
        door = build_gate(settings(), [wrapped], office.desk, database, redactor=by_detections())
        assert door is not None
        passed, _ = door.let_pass(report(0))
        assert passed.findings[0].reasons[-1].en.startswith("second look: like no known")
        door.close()
        door = build_gate(
            settings(every_s=60.0), [wrapped], office.desk, database, redactor=by_detections()
        )
        assert door is not None
        passed, held = door.let_pass(report(0))
        assert (passed.findings, len(held)) == ((), 1)  # noise is no thing that it knows
        assert "minutes apart" in held[0].second_reasons[-1].en
        door.close()
        assert (
            build_gate(
                settings(enabled=False), [wrapped], office.desk, database, redactor=by_detections()
            )
            is None
        )


def test_a_main_picture_is_fetched_only_for_what_may_pass(shelf: SuppressedStore) -> None:
    """Not look after look for something that was held back a moment ago."""
    (seen,) = report(0).findings
    door = gate(Judge(CAR, YES), shelf)
    assert door.lets_in(seen), "it is yet to be judged"
    door.let_pass(report(0))
    assert not door.lets_in(report(30).findings[0])
    (later,) = report(61).findings
    assert door.lets_in(later), "it is judged anew"
