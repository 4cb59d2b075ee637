"""Whatever the city's system does to a call, every case is reported there once."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.errors import Code, DeliveryError
from tests.bridge.city import SECRET, V22City
from tests.bridge.helpers import Bridge
from tests.brokers import Broker
from tests.uploader.helpers import Box, make_draft, wait_until

pytestmark = pytest.mark.e2e
Start = Callable[..., Bridge]
_CASES = range(1, 4)
_IDS = [f"case-{number}" for number in _CASES]


@pytest.fixture
def start(tmp_path: Path, broker: Broker, city: V22City) -> Iterator[Start]:
    """Starts a bridge."""
    made: list[Bridge] = []

    def run(**v22: object) -> Bridge:
        bridge = Bridge(tmp_path / "bridge", broker, city, **v22)
        made.append(bridge)
        bridge.start()
        return bridge

    yield run
    for bridge in made:
        bridge.stop()


def test_a_case_comes_with_its_words_and_pictures(start: Start, box: Box, city: V22City) -> None:
    box.commit_many(range(1, 2))
    start()
    box.start()
    box.wait_done(1)

    [(action, data)] = city.done
    assert action == "REPORT"
    assert (data["recTypeId"], data["eventSrcId"]) == (8, 104)
    assert data["registerTime"] == "2026-11-24 12:00:00"
    assert (data["coordinateX"], data["coordinateY"]) == (114.3, 30.5)
    assert (data["subTypeId"], data["districtName"]) == (20406, "洪山区")
    assert data["cellName"] == "420111001002001"
    assert "streetId" not in data
    sent = {base64.b64decode(media["content"]) for media in data["medias"]}
    assert sent == {path.read_bytes() for path in box.pictures.iterdir()}
    assert {media["mediaUsage"] for media in data["medias"]} == {"上报"}
    assert all(media["mediaName"].isascii() for media in data["medias"])


@pytest.mark.parametrize(
    "faults",
    [
        ["drop"],
        ["lost"],
        ["lost", "lost", "lost"],
        ["slow"],
        ["slow", "lost", "drop"],
        ["http:502", "http:504", "http:429"],
        ["page"],
        ["mute"],
        ["-500001"],
        ["-400001"],
        ["-400005"],
        ["http:401"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("dedups", [False, True])
def test_every_case_is_reported_once(
    start: Start, box: Box, city: V22City, faults: list[str], dedups: bool, fast: None
) -> None:
    city.dedups = dedups
    city.plan["REPORT"].extend(faults)
    city.plan["GET_REC_INFO"].extend(["drop", "http:503"])
    start()
    box.start()
    box.commit_many(_CASES)
    box.wait_done(3, 60)

    assert city.reported() == _IDS
    assert box.counts().dead == 0


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses: their length is no part of what is promised."""
    monkeypatch.setattr("uploader.bridge.bridge._FIRST_S", 0.05)
    monkeypatch.setattr("uploader.bridge.bridge._ASIDE_S", 0.5)
    monkeypatch.setattr("uploader.bridge.bridge._OWN_TROUBLE_S", 0.3)


def test_a_city_that_is_down_gets_everything_once_it_is_back(
    start: Start, box: Box, city: V22City, fast: None
) -> None:
    city.stop()
    bridge = start()
    box.start()
    box.commit_many(_CASES)
    wait_until((bridge.folder / "bridge.db").exists)
    assert box.counts().done == 0
    city.start()
    box.wait_done(3, 60)
    assert city.reported() == _IDS


def test_a_bridge_stopped_at_any_call_reports_once(
    start: Start, box: Box, city: V22City, fast: None
) -> None:
    city.plan["REPORT"].extend(["lost"] * 6)
    box.start()
    box.commit_many(_CASES)
    for _ in range(4):
        before = len(city.asked)
        bridge = start()
        wait_until(lambda seen=before: len(city.asked) > seen)
        bridge.stop()
    start()
    box.wait_done(3, 60)
    assert city.reported() == _IDS


def test_later_revisions_bring_what_is_new(start: Start, box: Box, city: V22City) -> None:
    start()
    box.start()
    for revision, status in enumerate(("new", "update", "gone"), start=1):
        box.commit(make_draft(1, box.pictures, revision=revision, status=status))
    box.wait_done(3)

    assert [action for action, _ in city.done] == [
        "REPORT",
        "UPLOAD_MEDIA",
        "UPLOAD_MEDIA",
        "UPDATE_CASE_INFO",
    ]
    names = [m["mediaName"] for _, data in city.done for m in data.get("medias", [])]
    assert len(names) == len(set(names)) == 6
    assert city.done[-1][1]["caseMark"] == "视频复看：已消失"


def test_what_the_city_never_had_is_not_taken_back(start: Start, box: Box, city: V22City) -> None:
    start()
    box.start()
    box.commit(make_draft(1, box.pictures, status="withdrawn"))
    box.commit(replace(make_draft(2, box.pictures, status="update"), attached_to="SSP-2026-1107"))
    box.wait_done(2)
    assert city.done == []


@pytest.mark.parametrize("code", ["-400002", "-500002", "-1"])
def test_a_refused_case_goes_to_the_dead_letters_with_the_citys_words(
    start: Start, box: Box, city: V22City, code: str
) -> None:
    city.plan["REPORT"].append(code)
    start()
    box.start()
    box.commit_many(_CASES)
    wait_until(lambda: box.counts().dead == 1)
    box.wait_done(2)
    assert len(city.reported()) == 2


def test_its_own_errors_are_borne_so_often_and_no_longer(
    start: Start, box: Box, city: V22City, fast: None
) -> None:
    city.plan["REPORT"].extend(["-500001"] * 3)
    start(attempts=3)
    box.start()
    box.commit_many(range(1, 2))
    wait_until(lambda: box.counts().dead == 1, 30)
    assert city.asked.count("REPORT") == 3


@pytest.mark.parametrize("code", ["-400003", "-400004", "-400006"])
def test_what_people_must_mend_ends_the_bridge(
    tmp_path: Path, broker: Broker, box: Box, city: V22City, code: str
) -> None:
    city.plan["REPORT"].append(code)
    bridge = Bridge(tmp_path / "bridge", broker, city)
    bridge.start()
    box.start()
    box.commit_many(range(1, 2))
    bridge.join()
    assert isinstance(bridge.fault, DeliveryError)
    assert bridge.fault.code is Code.BRG_STOPPED
    assert code in str(bridge.fault)
    assert box.counts().done == 0


def test_a_wrong_secret_ends_the_bridge(tmp_path: Path, broker: Broker, city: V22City) -> None:
    bridge = Bridge(tmp_path / "bridge", broker, city, client_secret="wrong")
    bridge.start()
    bridge.join()
    assert "-400005" in str(bridge.fault)
    assert "wrong" not in str(bridge.fault).replace("wrong_", "")


def test_the_token_and_the_secret_reach_no_log(
    start: Start,
    box: Box,
    city: V22City,
    fast: None,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    city.plan["REPORT"].extend(["drop", "slow", "http:502", "-500001"])
    start()
    box.start()
    box.commit_many(range(1, 2))
    box.wait_done(1, 60)
    said = caplog.text + "".join(capsys.readouterr())
    assert "city_login" in said
    assert SECRET not in said
    assert not [token for token in city.tokens if token in said]


def test_a_token_that_ran_out_is_renewed(start: Start, box: Box, city: V22City) -> None:
    start()
    box.start()
    box.commit_many(range(1, 2))
    box.wait_done(1)
    city.tokens.clear()
    box.commit_many(range(2, 3))
    box.wait_done(2)
    assert city.logins == 2
    assert len(city.reported()) == 2


def test_a_category_without_ids_waits_and_the_key_is_named(
    tmp_path: Path, broker: Broker, box: Box, city: V22City, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "bridge"
    folder.mkdir()
    site = folder / "my-city.toml"
    bridge = Bridge(folder, broker, city)
    whole = site.read_text(encoding="utf-8")
    site.write_text(whole.replace('"0406"', '"0405"'), encoding="utf-8")
    bridge.start()
    box.start()
    box.commit_many(range(1, 2))
    said: list[str] = []
    wait_until(lambda: 'lookup.category.rows."0406"' in _heard(capsys, said))
    bridge.stop()
    assert box.counts().dead == 0
    assert city.done == []

    site.write_text(whole, encoding="utf-8")
    bridge = Bridge(folder, broker, city)
    bridge.start()
    wait_until(lambda: box.counts().done == 1 or _nudge(folder), 20)
    bridge.stop()
    assert city.reported() == ["case-1"]


def _heard(capsys: pytest.CaptureFixture[str], said: list[str]) -> str:
    said.append(capsys.readouterr().out)
    return "".join(said)


def _nudge(folder: Path) -> bool:
    """The five minutes are over."""
    import sqlite3

    with sqlite3.connect(folder / "intake" / "intake.db", timeout=10) as db:
        db.execute("UPDATE messages SET due = 0 WHERE state = 'ready' AND held_by = ''")
    return False
