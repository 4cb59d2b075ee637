"""Requests: what the box says is there, gone, or beyond its sight; each is answered once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.app.sighting import Sighting, decide, same_place
from edge.detectors.base import Detection
from edge.geometry import Box
from edge.review.verdicts import Verdict, VerdictStore
from edge.scenes.finding import Words
from tests.app.corner import ASLEEP, NOON, Corner
from tests.detectors.test_static import GROUND
from uploader.contract.messages import FeedbackData

NOTE = Words("说明", "note")


@pytest.fixture
def corner(tmp_path: Path) -> Iterator[Corner]:
    made = Corner(tmp_path)
    yield made
    made.close()


def test_a_thing_that_is_there_is_present(corner: Corner) -> None:
    case = corner.case("cam-1")
    request = corner.ask(case_id=case, purpose="pre_filing_verify")
    assert corner.hurried == ["cam-1"], "the camera is asked to look now"
    corner.looks(6, "cam-1", bag=True)
    reply = corner.reply(request)
    assert reply is not None
    assert reply.result == "present"
    assert [look.present for look in reply.looks] == [True] * 3
    assert [item.role for item in reply.evidence] == ["before", "after", "near"]
    assert "3" in reply.reason.zh
    assert reply.case_id == case


def test_a_thing_taken_away_is_gone_though_its_case_is_still_open(corner: Corner) -> None:
    case = corner.case("cam-1")
    request = corner.ask(case_id=case)
    assert not corner.looks(6, "cam-1"), "gone_after_s has not passed: no revision yet"
    reply = corner.reply(request)
    assert reply is not None
    assert reply.result == "gone"
    before, after = reply.evidence[:2]
    paths = _files(corner, request)
    old, new = (cv2.imread(paths[item.sha256]) for item in (before, after))
    assert old.shape == new.shape


def test_a_restart_does_not_make_a_thing_gone(corner: Corner) -> None:
    """What has not stood long enough to be told from a shadow is not yet there, and not gone."""
    case = corner.case("cam-1")
    corner.restart()
    corner.looks(1, "cam-1", bag=True)
    request = corner.ask(case_id=case, looks=2, over_s=1.0)
    corner.looks(3, "cam-1", bag=True)
    reply = corner.reply(request)
    assert reply is not None
    assert reply.result == "cannot_tell"
    assert "something is new there" in reply.reason.en


def test_people_in_front_hide_it(corner: Corner) -> None:
    case = corner.case("cam-1")
    corner.people.there = (Detection("person", "person", ASLEEP, 0.9, "made 1"),)
    request = corner.ask(case_id=case)
    corner.looks(6, "cam-1")
    reply = corner.reply(request)
    assert reply is not None
    assert reply.result == "cannot_tell"
    assert "in front" in reply.reason.en


def test_a_covered_lens_cannot_tell(corner: Corner) -> None:
    case = corner.case("cam-1")
    request = corner.ask(case_id=case)
    corner.looks(6, "cam-1", image=np.zeros_like(GROUND))
    reply = corner.reply(request)
    assert reply is not None
    assert (reply.result, reply.code) == ("cannot_tell", "CAM-010")
    assert [item.role for item in reply.evidence] == ["before"], "nothing unredacted leaves"


def test_nothing_learned_yet_cannot_tell(corner: Corner) -> None:
    request = corner.ask(camera_id="cam-1", zone_id="kerb")
    corner.looks(5, "cam-1", bag=True)
    reply = corner.reply(request)
    assert reply is not None
    assert reply.result == "cannot_tell"
    assert "learned" in reply.reason.en


def test_a_broken_camera_costs_only_itself(corner: Corner) -> None:
    """Two cameras see the place; one is down, the other still answers."""
    case = corner.case()
    assert len(json.loads(json.dumps(corner.letters("case")[-1]))["data"]["sources"]) == 2
    request = corner.ask(case_id=case)
    assert sorted(corner.hurried) == ["cam-1", "cam-2"]
    corner.hearing.desk.failed("cam-1", "CAM-001", "connection refused")
    corner.looks(6, "cam-2")
    reply = corner.reply(request)
    assert reply is not None
    assert reply.result == "gone"
    assert "cam-1" in reply.reason.en
    alone = corner.ask(case_id=case, camera_id="cam-1")
    corner.hearing.desk.failed("cam-1", "CAM-001", "connection refused")
    corner.wait(6)
    reply = corner.reply(alone)
    assert reply is not None
    assert (reply.result, reply.code) == ("cannot_tell", "CAM-001")


def test_before_and_after_are_of_the_camera_whose_box_the_case_has(corner: Corner) -> None:
    """Another camera has photographed it later: its picture has the box at another place."""
    case = corner.case("cam-1")
    corner.looks(12, "cam-2")
    corner.looks(12, "cam-2", bag=True)
    assert corner.letters("case")[-1]["data"]["sources"][1]["camera_id"] == "cam-2"
    request = corner.ask(case_id=case)
    corner.looks(6, bag=True)
    reply = corner.reply(request)
    assert reply is not None
    assert reply.result == "present"
    assert {(item.role, item.camera_id) for item in reply.evidence} == {
        ("before", "cam-1"),
        ("after", "cam-1"),
        ("near", "cam-1"),
    }


def test_a_silent_camera_is_not_waited_for_for_ever(corner: Corner) -> None:
    case = corner.case("cam-1")
    request = corner.ask(case_id=case, over_s=2.0)
    corner.wait(2)
    assert corner.reply(request) is None
    corner.wait(20)
    reply = corner.reply(request)
    assert reply is not None
    assert (reply.result, reply.code) == ("cannot_tell", "CAM-004")


def test_an_expired_request_never_runs(corner: Corner) -> None:
    case = corner.case("cam-1")
    corner.hurried.clear()
    late = corner.ask(case_id=case, expires_at=corner.now)
    reply = corner.reply(late)
    assert reply is not None
    assert (reply.result, reply.code) == ("expired", "ASK-002")
    assert not corner.hurried
    # One that expires while the box is down is not run afterwards either.
    soon = corner.ask(case_id=case, over_s=30.0, expires_at=corner.now + timedelta(seconds=20))
    corner.now += timedelta(seconds=21)
    corner.hurried.clear()
    corner.restart()
    corner.hearing.step()
    reply = corner.reply(soon)
    assert reply is not None
    assert reply.result == "expired"
    assert not corner.hurried


def test_a_request_that_expires_on_the_way_is_answered_with_what_was_seen(corner: Corner) -> None:
    case = corner.case("cam-1")
    request = corner.ask(
        case_id=case, looks=20, over_s=19.0, expires_at=corner.now + timedelta(seconds=14)
    )
    corner.looks(16, "cam-1", bag=True)
    reply = corner.reply(request)
    assert reply is not None
    assert reply.result == "present"
    assert 10 <= len(reply.looks) < 20


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"case_id": "nobody-knows"}, "REV-002"),
        ({"camera_id": "cam-9"}, "ASK-001"),
        ({}, "ASK-001"),
        ({"camera_id": "cam-1", "zone_id": "roof"}, "ASK-001"),
        ({"camera_id": "cam-1", "box_id": "box-02"}, "ASK-001"),
        ({"action": "unknown", "camera_id": "cam-1"}, "ASK-001"),
        ({"action": "look", "camera_id": "cam-9"}, "ASK-001"),
        ({"action": "feedback", "case_id": "nobody-knows"}, "ASK-001"),
    ],
)
def test_what_cannot_be_done_is_refused(corner: Corner, asked: dict[str, str], code: str) -> None:
    reply = corner.reply(corner.ask(**asked))
    assert reply is not None
    assert (reply.result, reply.code) == ("refused", code)
    assert reply.reason.zh


def test_a_look_that_cannot_be_redacted_is_answered_without_a_picture(corner: Corner) -> None:
    """The platform learns why, under a stable code; the next request gets its picture."""
    for broken in (True, False):
        corner.finder.broken = broken
        request = corner.ask(action="look", camera_id="cam-1")
        corner.looks(1, "cam-1")
        reply = corner.reply(request)
        assert reply is not None
        assert (reply.result, reply.code) == (("failed", "RED-001") if broken else ("done", None))
        assert len(reply.evidence) == (0 if broken else 1)
        assert "脱敏" in reply.reason.zh or not broken


def test_a_look_gives_a_fresh_redacted_picture(corner: Corner) -> None:
    corner.looks(1, "cam-1")
    head = Detection("person", "person", Box(0.4, 0.1, 0.6, 0.9), 0.9, "made 1")
    corner.people.there = (head,)
    rows = np.arange(360) // 12 % 2 * 255
    stripes = np.broadcast_to(rows[:, None, None], (360, 480, 3)).astype(np.uint8)
    request = corner.ask(action="look", camera_id="cam-1")
    corner.looks(1, "cam-1", image=stripes)
    reply = corner.reply(request)
    assert reply is not None
    assert reply.result == "done"
    [item] = reply.evidence
    assert item.role == "far"
    sent = cv2.imread(_files(corner, request)[item.sha256])
    assert sent[40:80, 200:280].std() < 30, "the head is covered"
    assert sent[40:80, 20:80].std() > 100
    dark = corner.ask(action="look", camera_id="cam-1")
    corner.hearing.desk.failed("cam-1", "CAM-002", "refused user name or password")
    corner.wait(20)
    reply = corner.reply(dark)
    assert reply is not None
    assert (reply.result, reply.code) == ("failed", "CAM-002")


def test_feedback_is_kept_and_a_wrong_case_is_withdrawn(corner: Corner) -> None:
    case = corner.case("cam-1")
    said = FeedbackData(verdict="wrong", note="parked there by the shop", by="spot check 3")
    reply = corner.reply(corner.ask(action="feedback", case_id=case, feedback=said))
    assert reply is not None
    assert reply.result == "done"
    newest = corner.letters("case")[-1]["data"]
    assert (newest["case_id"], newest["status"]) == (case, "withdrawn")
    assert "spot check 3" in newest["reasons"][0]["en"]
    store = VerdictStore(corner.database)
    [judged] = store.judged()
    store.close()
    assert (judged.verdict, judged.reviewer, judged.given_at) == (
        Verdict.WRONG,
        "spot check 3",
        corner.now,
    )
    # Said again under another id: nothing new, and no second revision.
    corner.ask(action="feedback", case_id=case, feedback=said)
    assert corner.letters("case")[-1]["data"] == newest
    right = said.model_copy(update={"verdict": "right", "by": "spot check 4"})
    corner.ask(action="feedback", case_id=case, feedback=right)
    assert corner.letters("case")[-1]["data"] == newest


def test_many_requests_wait_their_turn(corner: Corner) -> None:
    case = corner.case("cam-1")
    requests = [corner.ask(case_id=case, over_s=2.0) for _ in range(20)]
    corner.looks(12, "cam-1", bag=True)
    replies = [corner.reply(request) for request in requests]
    assert all(reply is not None and reply.result == "present" for reply in replies)


def test_a_clock_set_back_hides_no_look(corner: Corner) -> None:
    case = corner.case("cam-1")
    request = corner.ask(case_id=case)
    corner.hearing.desk._clock = lambda: corner.now
    ticks = iter(range(100, 200))
    corner.hearing.desk._ticks = lambda: float(next(ticks))
    corner.now -= timedelta(days=30)
    corner.looks(3, "cam-1", bag=True)
    reply = corner.reply(request)
    assert reply is not None
    assert reply.looks


@given(
    st.lists(st.sampled_from([True, False, None]), max_size=20),
    st.integers(1, 20),
)
def test_what_looks_come_to(seen: list[bool | None], asked: int) -> None:
    """Gone is only said by looks that can tell, and hardly any of which shows it."""
    sightings = [Sighting(NOON, present, 0.5, NOTE) for present in seen]
    decision, reason = decide(sightings, asked)
    telling = [present for present in seen if present is not None]
    assert reason.zh
    assert reason.en
    if decision == "present":
        assert telling.count(True) * 2 > len(telling)
    elif decision == "gone":
        assert telling
        assert telling.count(True) <= len(telling) / 4
        assert len(telling) * 2 >= asked
    if not telling:
        assert decision == "cannot_tell"


def test_the_same_place_is_not_the_one_beside_it() -> None:
    pile = Box(0.4, 0.4, 0.5, 0.5)
    assert same_place(pile, pile)
    assert same_place(Box(0.3, 0.3, 0.7, 0.7), pile), "it has grown"
    assert same_place(Box(0.42, 0.45, 0.46, 0.5), pile), "a part of it was taken"
    assert not same_place(Box(0.6, 0.4, 0.7, 0.5), pile)
    assert not same_place(Box(0.5, 0.5, 0.6, 0.6), pile)


def _files(corner: Corner, request: str) -> dict[str, str]:
    with sqlite3.connect(corner.database) as db:
        rows = db.execute(
            "SELECT e.sha256, e.path FROM outbox_evidence e JOIN outbox o USING (seq)"
            " WHERE o.subject = ?",
            (request,),
        )
        return dict(rows.fetchall())
