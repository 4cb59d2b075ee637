"""Street vending where looks lie minutes apart, and where the wares hide who sells them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import pytest

from edge.detectors.base import Detection
from edge.scenes.finding import Finding
from tests.scenes.street import BLACK, BLUE, GREEN, RED, WHITE, Person, play, thing, watcher

EVERY_S = 180
VENDOR: Person = (0.5, RED, BLACK)
BUYER: Person = (0.62, BLUE, WHITE)
TABLE = thing("table", 0.56, 0.7, 0.45)
GOODS = thing("static_object", 0.56, 0.8, 0.5)


def seldom(
    noon: datetime,
    people: Callable[[int], Sequence[Person]],
    things: Callable[[int], Sequence[Detection]],
    looks: int = 12,
) -> list[tuple[int, Finding]]:
    """So many looks, told by their number."""
    return play(
        watcher(look_every_s=EVERY_S),
        noon,
        looks * EVERY_S,
        lambda s: people(s // EVERY_S),
        lambda s: things(s // EVERY_S),
        every_s=EVERY_S,
    )


class TestFewLooks:
    """A look every three minutes: much happens in between."""

    def test_a_vendor_is_found(self, noon: datetime) -> None:
        """On the third look in a row with them and their table."""
        found = seldom(noon, lambda n: [VENDOR] * (n >= 3), lambda n: [TABLE] * (n >= 3))
        assert found
        assert found[0][0] == 5 * EVERY_S

    @pytest.mark.parametrize(
        "people",
        [
            lambda n: [VENDOR] * (n % 3 != 0),
            lambda n: [(0.5 + 0.11 * (n % 2), RED, BLACK)],
            lambda n: [(0.5, (40 + 30 * (n % 2), 40, 200), (25 + 60 * (n % 2), 25, 25))],
        ],
        ids=["now and then", "here and there", "much alike"],
    )
    def test_passers_add_up_to_nobody(
        self, noon: datetime, people: Callable[[int], Sequence[Person]]
    ) -> None:
        """Who is away on one look, has moved, or is only much alike, has not stayed."""
        assert not seldom(noon, people, lambda _: [TABLE])

    def test_what_came_meanwhile_is_not_theirs(self, noon: datetime) -> None:
        """The detectors name no thing, and it came ten minutes after the person."""

        def people(look: int) -> list[Person]:
            return [*[VENDOR] * (look >= 3), *[BUYER] * (look in {8, 10})]

        assert not seldom(noon, people, lambda n: [GOODS] * (n >= 6), looks=30)

    def test_what_no_detector_names_needs_a_customer_and_company(self, noon: datetime) -> None:
        """A static object that came with somebody may be a planter that they put out."""
        alone = seldom(noon, lambda n: [VENDOR] * (n >= 2), lambda n: [GOODS] * (n >= 2))
        assert not alone
        found = seldom(
            noon,
            lambda n: [*[VENDOR] * (n >= 2), *[BUYER] * (n == 5)],
            lambda n: [GOODS, thing("static_object", 0.42, 0.8, 0.5)] * (n >= 2),
        )
        assert found
        assert found[0][0] == 7 * EVERY_S

    @pytest.mark.parametrize(("looks", "buys"), [(18, True), (40, False)])
    def test_one_thing_needs_a_long_stay_and_a_customer(
        self, noon: datetime, looks: int, buys: bool
    ) -> None:
        """Neither a short stay nor a long one without a customer is enough."""

        def people(n: int) -> list[Person]:
            return [*[VENDOR] * (n >= 3), *[BUYER] * (buys and n == 8)]

        assert not seldom(noon, people, lambda n: [GOODS] * (n >= 3), looks=looks)

    @pytest.mark.parametrize("missed", [0, 7], ids=["always seen", "missed once"])
    def test_one_thing_is_enough_in_the_end(self, noon: datetime, missed: int) -> None:
        """Nobody waits beside it for an hour; whom the detectors miss once came with it still."""

        def people(n: int) -> list[Person]:
            return [*[VENDOR] * (n >= 3 and n != missed), *[BUYER] * (n in {12, 24})]

        found = seldom(noon, people, lambda n: [GOODS] * (n >= 3), looks=40)
        assert found
        assert found[0][0] >= 22 * EVERY_S

    def test_who_was_there_before_has_brought_nothing(self, noon: datetime) -> None:
        """Missed on one look, they seem to arrive with a planter put out beside them."""

        def people(n: int) -> list[Person]:
            return [*[VENDOR] * (n >= 3 and n != 10), *[BUYER] * (n in {15, 26})]

        assert not seldom(noon, people, lambda n: [GOODS] * (n >= 11), looks=45)

    def test_a_poster_stands_too_still(self, noon: datetime) -> None:
        """However sure the detectors are: over minutes nobody looks as the place did at first."""
        assert not seldom(noon, lambda _: [VENDOR], lambda n: [TABLE] * (n >= 5))


class TestAsBigAsACar:
    """Beside a person who waits; a drawn taxi, or a car that the model does not know."""

    CAR = thing("static_object", 0.72, 2.8, 0.9)

    def test_is_no_wares(self, noon: datetime) -> None:
        """Nor are its pieces, when somebody stands before the middle of it."""
        assert not play(watcher(), noon, 160, lambda _: [VENDOR], lambda _: [self.CAR])
        pieces = [thing("static_object", x, 1.2, 0.9) for x in (0.6, 0.86)]
        middle: Person = (0.73, GREEN, BLUE)
        assert not play(watcher(), noon, 160, lambda _: [VENDOR, middle], lambda _: pieces)

    def test_a_long_stall_has_its_vendor_behind_it(self, noon: datetime) -> None:
        """It hides their feet."""
        stall = thing("static_object", 0.55, 2.8, 0.9, foot=0.9)
        assert play(watcher(), noon, 160, lambda _: [VENDOR], lambda _: [stall])


class TestHiddenVendor:
    """A rack of clothes hides who sells them."""

    BUYERS = ((RED, BLACK), (BLUE, WHITE), (GREEN, BLUE), (WHITE, BLACK))
    RACK = thing("static_object", 0.56, 1.6, 0.7)

    def _came(
        self, noon: datetime, times: Sequence[int], before: Detection = RACK
    ) -> list[tuple[int, Finding]]:
        def people(second: int) -> list[Person]:
            at = zip(times, self.BUYERS, strict=False)
            return [(0.5, *who) for begin, who in at if begin <= second < begin + 24]

        return play(watcher(), noon, 200, people, lambda s: [before] * (s >= 30))

    def test_customers_one_after_another(self, noon: datetime) -> None:
        """The third shows it; each stayed too short to be a vendor."""
        found = self._came(noon, (52, 85, 118, 150))
        assert found
        assert 130 <= found[0][0] <= 136
        assert "3 people have stopped" in found[0][1].reasons[1].en
        assert all(reason.zh and reason.en for reason in found[0][1].reasons)

    def test_before_a_taxi_they_wait_for_it(self, noon: datetime) -> None:
        """As big as a car, and nobody's feet are behind it."""
        taxi = thing("static_object", 0.56, 2.8, 0.9)
        assert not self._came(noon, (52, 85, 118, 150), taxi)

    def test_two_are_not_enough(self, noon: datetime) -> None:
        """People stop for a word, to tie a shoe."""
        assert not self._came(noon, (52, 118))
