"""Intervals and proposals: what the verdicts allow to say, and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.geometry import Box
from edge.review.precision import by_camera_and_category, by_week, precision, propose
from edge.review.verdicts import Judged, Verdict

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def case(
    score: float,
    verdict: Verdict,
    zone: str = "z-1",
    camera: str = "cam-1",
    first_seen: datetime = NOON,
) -> Judged:
    return Judged(
        case_id=f"{camera}-{zone}-{score}-{verdict}",
        camera_id=camera,
        zone_id=zone,
        kind="piled_materials",
        category="0136",
        score=score,
        box=Box(0.4, 0.4, 0.6, 0.6),
        verdict=verdict,
        reviewer="",
        given_at=NOON,
        note="",
        first_seen=first_seen,
    )


def test_known_intervals() -> None:
    """Values of Wilson's interval as Brown, Cai and DasGupta (2001) define it, worked by hand."""
    ten = precision(10, 10)
    assert (ten.low, ten.high) == pytest.approx((0.7225, 1.0), abs=1e-4)
    half = precision(5, 10)
    assert (half.low, half.high) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    nothing = precision(0, 0)
    assert (nothing.share, nothing.low, nothing.high) == (None, 0.0, 1.0)
    with pytest.raises(ValueError, match="no share"):
        precision(3, 2)


@given(judged=st.integers(1, 500), data=st.data(), confidence=st.floats(0.5, 0.99))
def test_an_interval_holds_its_share_and_narrows(
    judged: int, data: st.DataObject, confidence: float
) -> None:
    """More verdicts of the same share narrow it; mirrored for the wrong ones."""
    right = data.draw(st.integers(0, judged))
    found = precision(right, judged, confidence)
    assert 0 <= found.low <= right / judged + 1e-9
    assert right / judged - 1e-9 <= found.high <= 1
    more = precision(right * 4, judged * 4, confidence)
    assert more.high - more.low <= found.high - found.low
    mirrored = precision(judged - right, judged, confidence)
    assert mirrored.low == pytest.approx(1 - found.high)


cases = st.lists(
    st.builds(
        case,
        st.floats(0, 1),
        st.sampled_from(Verdict),
        st.sampled_from(["z-1", "z-2"]),
        st.sampled_from(["cam-1", "cam-2"]),
    ),
    max_size=80,
)


@given(judged=cases, target=st.floats(0.3, 0.99), least=st.integers(1, 30))
def test_what_is_proposed_keeps_the_target(judged: list[Judged], target: float, least: int) -> None:
    """On the verdicts themselves: no proposal without enough, none that misses the target,
    and none when a lower one would do."""
    proposals = propose(judged, target=target, least=least)
    assert len({(p.camera_id, p.zone_id) for p in proposals}) == len(proposals)
    for p in proposals:
        here = [c for c in judged if (c.camera_id, c.zone_id) == (p.camera_id, p.zone_id)]
        counted = [c for c in here if c.verdict is not Verdict.DUPLICATE]
        assert (p.outcome == "too_few") == (len(counted) < least)
        if p.outcome == "holds":
            assert p.before.low >= target
        if p.outcome != "raise":
            assert p.min_score is None
            assert p.right_lost == 0
            continue
        assert p.min_score is not None
        kept = [c for c in counted if c.score >= p.min_score]
        right = sum(c.verdict is Verdict.RIGHT for c in kept)
        assert precision(right, len(kept)).low >= target
        assert p.right_lost == sum(c.verdict is Verdict.RIGHT for c in counted) - right
        lower = [c for c in counted if c.score >= p.min_score - 0.05]
        if len(lower) > len(kept):
            fewest = min(c.score for c in lower)
            wider = [c for c in counted if c.score >= int(fewest * 1000) / 1000]
            assert (
                precision(sum(c.verdict is Verdict.RIGHT for c in wider), len(wider)).low < target
            )


def test_mistakes_with_low_scores_are_cut_off() -> None:
    """Forty right ones above, ten wrong ones below: the threshold lies between."""
    judged = [case(0.6 + n / 200, Verdict.RIGHT) for n in range(40)]
    judged += [case(0.3 + n / 100, Verdict.WRONG) for n in range(10)]
    judged += [case(0.35, Verdict.RIGHT)]
    (proposal,) = propose(judged, target=0.9)
    assert proposal.outcome == "raise"
    assert proposal.min_score is not None
    assert 0.39 < proposal.min_score <= 0.6
    assert (proposal.right_lost, proposal.after.judged) == (1, 40)


def test_few_verdicts_say_nothing() -> None:
    """Nineteen wrong ones are no reason yet; twenty right ones no proof of 0.9."""
    few = [case(0.5, Verdict.WRONG)] * 19
    assert propose(few, target=0.9)[0].outcome == "too_few"
    right = [case(0.5, Verdict.RIGHT)] * 20
    assert propose(right, target=0.9)[0].outcome == "out_of_reach"
    assert propose(right * 3, target=0.9)[0].outcome == "holds"


def test_the_report_counts_each_verdict() -> None:
    """Pointless ones count against precision, duplicates stand apart."""
    judged = [
        case(0.5, Verdict.RIGHT), case(0.5, Verdict.RIGHT), case(0.5, Verdict.WRONG),
        case(0.5, Verdict.POINTLESS), case(0.5, Verdict.DUPLICATE),
        case(0.5, Verdict.WRONG, camera="cam-2"),
    ]  # fmt: skip
    first, second = by_camera_and_category(judged)
    assert [first.counts[v] for v in Verdict] == [2, 1, 1, 1]
    assert first.precision.share == 0.5
    assert (second.camera_id, second.precision.share) == ("cam-2", 0.0)


def test_weeks_are_those_of_the_place() -> None:
    """Sunday 17:00 UTC is Monday in Shanghai; duplicates are counted apart; no week is made up."""
    sunday = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    judged = [
        case(0.5, Verdict.RIGHT, first_seen=sunday),
        case(0.5, Verdict.WRONG, first_seen=NOON),
        case(0.5, Verdict.DUPLICATE, first_seen=NOON),
        case(0.5, Verdict.RIGHT, first_seen=sunday - timedelta(days=14)),
    ]
    weeks = by_week(judged, ZoneInfo("Asia/Shanghai"))
    found = [(str(w.monday), w.precision.right, w.precision.judged) for w in weeks]
    assert found == [("2026-11-09", 1, 1), ("2026-11-23", 1, 2)]
    assert str(by_week(judged, UTC)[-2].monday) == "2026-11-16"
