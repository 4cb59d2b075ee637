"""Which rule decides, what goes first, what never goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from edge.config.model import StorageSettings
from tests.uploader.helpers import NOON
from uploader.keeping import NEVER, Kept, Rules, Verdict, order

CLOSED = Kept("case-1", "street_vending", "closed", NOON)
RULES = Rules(
    days=30,
    by_category={"street_vending": 180, "illegal_ads": 10},
    by_status={"withdrawn": 7, "rejected": 365},
    at_least_days=5,
)


@pytest.mark.parametrize(
    ("kept", "days", "rule"),
    [
        (CLOSED, 180, "by_category.street_vending 180 d"),
        (replace(CLOSED, kind="piled_materials"), 30, "keep_delivered_days 30 d"),
        (replace(CLOSED, status="withdrawn"), 7, "by_status.withdrawn 7 d"),
        (replace(CLOSED, status="rejected"), 365, "by_status.rejected 365 d"),
        (replace(CLOSED, kind="reply", status="answered"), 30, "keep_delivered_days 30 d"),
    ],
)
def test_the_status_decides_before_the_category(kept: Kept, days: float, rule: str) -> None:
    """To the day, and the rule that decided is named."""
    over = NOON + timedelta(days=days)
    assert RULES.judge(kept, over - timedelta(seconds=1), short=False) is None
    assert RULES.judge(kept, over, short=False) == Verdict("age", rule)
    assert RULES.judge(replace(kept, protected="open"), NEVER, short=True) is None


def test_room_takes_nothing_younger_than_the_least_and_nothing_rejected() -> None:
    """A full disk is no reason to break a duty to keep."""
    least = NOON + timedelta(days=5)
    assert RULES.judge(CLOSED, least - timedelta(seconds=1), short=True) is None
    verdict = RULES.judge(CLOSED, least, short=True)
    assert verdict is not None
    assert verdict.why == "room"
    assert RULES.judge(CLOSED, least, short=False) is None
    rejected = replace(CLOSED, status="rejected")
    assert RULES.judge(rejected, NOON + timedelta(days=364), short=True) is None
    assert Rules().judge(rejected, NEVER - timedelta(days=1), short=True) is None


def test_an_unseen_case_stays_for_its_window() -> None:
    """It could be seen again, however short the days."""
    unseen = replace(CLOSED, status="unseen")
    rules = Rules(days=0)
    assert rules.judge(unseen, NOON + timedelta(hours=1), short=True) is None
    assert rules.judge(unseen, NOON + timedelta(days=8), short=False) is not None


def test_the_least_important_goes_first_then_the_oldest() -> None:
    """Unseen, answers, withdrawn, closed."""
    older = NOON - timedelta(days=1)
    wanted = [
        replace(CLOSED, status="unseen"),
        replace(CLOSED, status="answered"),
        replace(CLOSED, status="withdrawn", since=older),
        replace(CLOSED, status="withdrawn"),
        replace(CLOSED, since=older),
        CLOSED,
    ]
    mixed = wanted[3:] + wanted[:3]
    assert sorted(mixed, key=order) == wanted


@pytest.mark.parametrize(
    "wrong",
    [
        {"keep_delivered_days": -1},
        {"keep_delivered_days": float("nan")},
        {"keep_delivered_days": float("inf")},
        {"retention": {"by_category": {"street_vendng": 30}}},
        {"retention": {"by_category": {"street_vending": 0.5}, "at_least_days": 30}},
        {"retention": {"by_status": {"open": 1}}},
        {"retention": {"by_status": {"withdrawn": 29}, "at_least_days": 30}},
        {"keep_delivered_days": 29, "retention": {"at_least_days": 30}},
        {"retention": {"by_status": {"rejected": "a year"}}},
        {"retention": {"at_least_days": 40000}},
    ],
)
def test_nonsense_is_refused(wrong: dict[str, object]) -> None:
    """Unknown categories and statuses, negative and endless days, less than the least."""
    with pytest.raises(ValidationError):
        StorageSettings.model_validate(wrong)


def test_the_defaults_keep_thirty_days_and_what_was_rejected_for_ever() -> None:
    """A box that says nothing of it."""
    rules = Rules.of(StorageSettings())
    assert rules.rule(CLOSED)[0] == 30
    assert rules.rule(replace(CLOSED, status="rejected"))[0] is None
