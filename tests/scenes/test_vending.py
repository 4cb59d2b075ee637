"""Street vending: what makes a person who stays a vendor, and who is none."""

from __future__ import annotations

from datetime import datetime

import pytest

from edge.detectors.base import Detection
from edge.scenes.wares import vending_data
from tests.scenes.street import (
    BLACK,
    BLUE,
    GREEN,
    RED,
    WHITE,
    Person,
    body,
    play,
    thing,
    watcher,
)

VENDOR: Person = (0.5, RED, BLACK)
TABLE = thing("table", 0.56, 0.7, 0.45)
STALL_LEFT = thing("static_object", 0.56, 0.8, 0.5)
SUITCASE = thing("static_object", 0.545, 0.25, 0.35)
CUP = Detection("cup", "goods", thing("goods", 0.5, 0.08, 0.1, foot=0.7).box, 0.5, "test 1")
FRUIT = [
    Detection("orange", "goods", thing("goods", x, 0.15, 0.1, foot=0.7).box, 0.5, "test 1")
    for x in (0.54, 0.57)
]
COLOURS = [(RED, BLACK), (BLUE, WHITE), (GREEN, BLUE), (WHITE, BLACK), (BLACK, GREEN)]


def after(second: int, *things: Detection) -> object:
    return lambda now: things if now >= second else ()


@pytest.mark.parametrize(
    ("things", "category"),
    [
        ([TABLE], "0406"),
        ([thing("umbrella", 0.52, 1.6, 0.5, foot=0.6)], "0406"),
        ([STALL_LEFT], "0401"),
        (FRUIT, "0401"),
        ([thing("blanket", 0.53, 1.0, 0.2)], "0401"),
        ([thing("two_wheeler", 0.56, 1.0, 0.6), FRUIT[0]], "0401"),
        ([thing("static_object", 0.55, 0.4, 0.35), FRUIT[0]], "0401"),
    ],
    ids=["table", "parasol", "static", "fruit", "blanket", "loaded bicycle", "box and fruit"],
)
def test_a_vendor(noon: datetime, things: list[Detection], category: str) -> None:
    """With anything one sells from, once both have stood for the dwell and not before."""
    found = play(watcher(), noon, 140, lambda s: [VENDOR] * (s >= 30), after(30, *things))
    assert found
    assert 90 <= found[0][0] <= 100
    assert {finding.category for _, finding in found} == {category}
    assert all(0.4 <= finding.score <= 1 for _, finding in found)
    assert all(reason.zh and reason.en for reason in found[0][1].reasons)


def test_a_vendor_who_steps_behind_the_stall_and_back(noon: datetime) -> None:
    """2 m away on every other look, in trembling light: still the same person."""
    found = play(
        watcher(),
        noon,
        140,
        lambda s: [(0.5 + 0.16 * (s // 2 % 2), RED, BLACK)] * (s >= 30),
        after(30, TABLE),
    )
    assert found
    assert found[0][0] <= 100
    assert "30 s" not in found[0][1].reasons[0].en


@pytest.mark.parametrize("every_s", [1, 10, 30])
def test_any_cadence(noon: datetime, every_s: int) -> None:
    """Looks 1 to 30 s apart."""
    found = play(
        watcher(dwell_s=180),
        noon,
        420,
        lambda s: [VENDOR] * (s >= 60),
        after(60, TABLE),
        every_s=every_s,
    )
    assert found
    assert found[0][0] <= 60 + 180 + every_s


def test_two_vendors_take_turns(noon: datetime) -> None:
    """The stall has been attended all the time, by either."""
    found = play(
        watcher(dwell_s=60),
        noon,
        150,
        lambda s: [(0.5, *COLOURS[0 if s < 70 else 1])] * (s >= 30),
        after(30, TABLE),
    )
    assert found
    assert found[0][0] <= 110  # the second alone would need until 130


def test_who_has_left_is_not_shown(noon: datetime) -> None:
    """A second look would search the picture for them in vain, and hold the case back."""
    there = play(watcher(), noon, 150, lambda s: [VENDOR] * (30 <= s < 110), after(30, TABLE))
    assert there
    assert all(second < 110 for second, _ in there)


def test_who_takes_over_is_shown(noon: datetime) -> None:
    """The first vendor has stayed, the second stands there now."""
    second_at = 0.53
    found = play(
        watcher(),
        noon,
        100,
        lambda s: [(0.5, RED, BLACK) if s < 84 else (second_at, GREEN, BLUE)] * (s >= 24),
        after(24, TABLE),
    )
    shown = {second: finding.parts[0].box for second, finding in found}
    assert shown[90] == body(second_at)


def test_a_parasol_hangs_over_the_far_edge_of_its_zone(noon: datetime) -> None:
    """Zones are drawn on the ground."""
    ground = [[0.0, 0.72], [1.0, 0.72], [1.0, 1.0], [0.0, 1.0]]
    parasol = thing("umbrella", 0.52, 1.6, 0.3, foot=0.5)
    found = play(
        watcher(polygon=ground), noon, 140, lambda s: [VENDOR] * (s >= 30), after(30, parasol)
    )
    assert found
    assert found[0][1].category == "0406"


def test_a_queue_is_no_vendor(noon: datetime) -> None:
    """Somebody stands beside the table on every look, but each stays for twelve seconds only."""
    assert not play(watcher(), noon, 300, lambda s: [(0.5, *COLOURS[s // 12 % 5])], after(0, TABLE))


def test_a_crowd_passing_is_no_vendor(noon: datetime) -> None:
    """A parasol nobody stays at, and people of all colours walking by."""
    assert not play(
        watcher(),
        noon,
        300,
        lambda s: [((s * 0.07 + k / 5) % 1, *COLOURS[k]) for k in range(5)],
        after(0, thing("umbrella", 0.52, 1.6, 0.5, foot=0.6)),
    )


@pytest.mark.parametrize(
    "things",
    [
        [],
        [SUITCASE],
        [thing("bag", 0.545, 0.25, 0.35), SUITCASE],
        [thing("umbrella", 0.5, 0.65, 0.3, foot=0.55)],
        [thing("umbrella", 0.5, 0.65, 0.3, foot=0.55), thing("bag", 0.54, 0.2, 0.3)],
        [thing("umbrella", 0.5, 0.65, 0.3, foot=0.55), SUITCASE],
        [CUP],
        [thing("two_wheeler", 0.56, 1.0, 0.6)],
        [thing("vehicle", 0.62, 2.6, 0.9), thing("static_object", 0.62, 2.5, 0.9)],
        [thing("seat", 0.53, 0.5, 0.4), thing("bag", 0.53, 0.2, 0.2)],
    ],
    ids=[
        "alone", "suitcase", "suitcase seen as bag", "umbrella", "umbrella and bag",
        "umbrella and suitcase", "cup", "bicycle", "taxi", "bench",
    ],
)  # fmt: skip
def test_a_person_who_waits_is_no_vendor(noon: datetime, things: list[Detection]) -> None:
    """For minutes, with what people who wait have with them."""
    assert not play(watcher(), noon, 400, lambda s: [VENDOR] * (s >= 30), after(30, *things))


def test_a_van_that_is_hard_to_see_is_still_a_van(noon: datetime) -> None:
    """The detector finds it on every tenth look; a bus that passes a stall changes nothing."""
    van = thing("static_object", 0.6, 2.0, 1.2)
    vehicle = thing("vehicle", 0.6, 2.1, 1.25)

    def waiting(second: int) -> list[Detection]:
        return [van] * (second >= 30) + [vehicle] * (second >= 30 and second % 20 == 0)

    def market(second: int) -> list[Detection]:
        bus = [thing("vehicle", 0.5, 7, 2)] * (second % 40 == 0)
        return [STALL_LEFT] * (second >= 30) + bus

    driver = lambda s: [VENDOR] * (s >= 30)  # noqa: E731
    assert not play(watcher(), noon, 400, driver, waiting)
    assert play(watcher(), noon, 150, driver, market)


def test_what_was_there_before_is_not_theirs(noon: datetime) -> None:
    """A heap dumped five minutes ago, and somebody who waits beside it."""
    assert not play(watcher(), noon, 600, lambda s: [VENDOR] * (s >= 330), after(30, STALL_LEFT))


def test_what_somebody_dumped_and_left_belongs_to_nobody(noon: datetime) -> None:
    """The next to stand there, minutes later, has not brought it."""
    assert not play(
        watcher(),
        noon,
        600,
        lambda s: [VENDOR] * (24 <= s < 50) or [(0.5, BLUE, WHITE)] * (s >= 300),
        after(30, STALL_LEFT),
    )


def test_a_delivery_stop_is_short(noon: datetime) -> None:
    """Rider, motorcycle, boxes on the ground: gone after fifty seconds."""
    box = thing("static_object", 0.53, 0.5, 0.5)
    bike = thing("two_wheeler", 0.56, 1.0, 0.6)
    assert not play(
        watcher(),
        noon,
        300,
        lambda s: [VENDOR] * (30 <= s < 80),
        lambda s: [box, bike] if 30 <= s < 80 else [],
    )


def test_a_board_taken_for_a_person_is_no_vendor(noon: datetime) -> None:
    """It was there when watching began and is the same picture ever since."""
    stays = (lambda _: [VENDOR], after(60, TABLE))
    assert not play(watcher(), noon, 300, *stays, certainty=0.43)
    assert play(watcher(), noon, 300, *stays, certainty=0.7)  # a vendor, and a restart of the box


def test_an_umbrella_that_stays_when_the_person_shifts_stands_there(noon: datetime) -> None:
    """A small fixed umbrella is a parasol; one that moves with its owner is held."""

    def person(second: int) -> list[Person]:
        return [(0.5 + 0.12 * (second // 6 % 3 - 1), RED, BLACK)] * (second >= 30)

    def held(second: int) -> list[Detection]:
        return [thing("umbrella", x, 0.65, 0.3, foot=0.55) for x, _, _ in person(second)]

    fixed = after(30, thing("umbrella", 0.5, 0.65, 0.3, foot=0.55))
    assert play(watcher(), noon, 140, person, fixed)
    assert not play(watcher(), noon, 300, person, held)


def test_customers_raise_the_score(noon: datetime) -> None:
    """Three different people who stop for ten seconds each and leave; passers-by do not count."""

    def busy(second: int) -> list[Person]:
        number, phase = divmod(second - 40, 20)
        guests = [(0.62, *COLOURS[1 + number])] if 0 <= number < 3 and phase < 10 else []
        return [VENDOR] * (second >= 30) + guests

    quiet = play(watcher(), noon, 130, lambda s: [VENDOR] * (s >= 30), after(30, *FRUIT))
    crowded = play(watcher(), noon, 130, busy, after(30, *FRUIT))
    assert crowded[-1][1].score > quiet[-1][1].score
    assert "3 customers" in " ".join(reason.en for reason in crowded[-1][1].reasons)
    assert "customer" not in " ".join(reason.en for reason in quiet[-1][1].reasons)


def test_permitted_hours(noon: datetime) -> None:
    """A market in its hours gives none, and one at once when they end."""
    hours = {"permitted_hours": ["11:00-12:03"]}
    found = play(watcher(**hours), noon, 200, lambda s: [VENDOR] * (s >= 30), after(30, TABLE))
    assert found[0][0] == 180
    assert "11:00-12:03" in found[0][1].reasons[-1].zh


class TestFrontage:
    """0405: goods out of a shop, nobody beside them."""

    def test_goods_that_stay_before_the_door(self, noon: datetime) -> None:
        """Found without anybody; the reasons say how they grew."""
        more = thing("static_object", 0.7, 0.8, 0.5)

        def out(second: int) -> list[Detection]:
            return [STALL_LEFT] * (second >= 30) + [more] * (second >= 60)

        found = play(watcher(frontage=True), noon, 200, lambda _: (), out)
        assert 90 <= found[0][0] <= 92
        assert found[-1][1].category == "0405"
        first, now = found[-1][1].reasons[2].en.split(" at first, ")
        assert first.split()[-1] != now.split()[0]

    @pytest.mark.parametrize(
        "things",
        [
            [thing("vehicle", 0.5, 2.6, 0.9), thing("static_object", 0.5, 2.5, 0.9)],
            [thing("two_wheeler", 0.5, 1.0, 0.6)],
            [thing("bag", 0.5, 0.3, 0.3), thing("static_object", 0.5, 0.3, 0.3)],
            [thing("umbrella", 0.5, 0.65, 0.3, foot=0.55)],
        ],
        ids=["parked car", "bicycle", "bag", "umbrella"],
    )
    def test_what_is_no_goods(self, noon: datetime, things: list[Detection]) -> None:
        """Cars, bicycles and luggage stand before shops too."""
        assert not play(watcher(frontage=True), noon, 300, lambda _: (), after(30, *things))

    def test_a_parcel_that_is_soon_taken_in(self, noon: datetime) -> None:
        """Fifty seconds are no trade."""
        assert not play(
            watcher(frontage=True),
            noon,
            300,
            lambda _: (),
            lambda s: [STALL_LEFT] if 30 <= s < 80 else [],
        )


def test_the_data_are_checked() -> None:
    """What ships parses, and names the meanings the rule speaks of."""
    data = vending_data()
    assert {"umbrella", "static_object", "two_wheeler", "goods", "table"} <= data.things.keys()
    assert data.things["seat"].weight + data.things["umbrella"].weight < data.need.evidence
