"""At the operating threshold: which detections are right, and whether scores mean what they say.

Detections take labels in order of their score, each the one it overlaps most with IoU ≥ 0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge.evaluation.average import Measured, Scored
from edge.evaluation.labels import Label

MIN_IOU = 0.5
_BINS = 10
CALIBRATED_FROM = 0.05
"""Detections weaker than this are nobody's business: no threshold would let them act."""


@dataclass(frozen=True, slots=True)
class Matched:
    """One class on one picture.

    Attributes:
        right: detections and the label each has taken.
        wrong: detections that took none.
        free: labels that none has taken.
    """

    right: tuple[tuple[Scored, Label], ...]
    wrong: tuple[Scored, ...]
    free: tuple[Label, ...]


def match(found: Sequence[Scored], labels: Sequence[Label]) -> Matched:
    """Give labels of one class to detections of that class, strongest first."""
    free = [label for label in labels if not label.crowd]
    crowds = [label for label in labels if label.crowd]
    right: list[tuple[Scored, Label]] = []
    wrong: list[Scored] = []
    for scored in sorted(found, key=lambda s: -s.score):
        best = max(free, key=lambda label: scored.box.iou(label.box), default=None)
        if best is not None and scored.box.iou(best.box) >= MIN_IOU:
            free.remove(best)
            right.append((scored, best))
        elif not any(scored.box.covered_by(crowd.box) >= MIN_IOU for crowd in crowds):
            wrong.append(scored)
    return Matched(tuple(right), tuple(wrong), tuple(free))


def counts(pictures: Sequence[Measured], name: str) -> tuple[int, int, int]:
    """Right, wrong and missed of one class at the operating threshold."""
    right = wrong = missed = 0
    for measured in pictures:
        matched = match(
            [s for s in measured.found if s.name == name and s.acts],
            [label for label in measured.labels if label.name == name],
        )
        right += len(matched.right)
        wrong += len(matched.wrong)
        missed += len(matched.free)
    return right, wrong, missed


def fire_rate(pictures: Sequence[Measured]) -> dict[str, Any]:
    """On how many of the pictures without labels something acts."""
    empty = [measured for measured in pictures if not measured.labels]
    fires = sum(any(scored.acts for scored in measured.found) for measured in empty)
    share = round(fires / len(empty), 4) if empty else None
    return {"pictures": len(empty), "fires": fires, "share": share}


def calibration(pictures: Sequence[Measured], names: Sequence[str]) -> dict[str, Any]:
    """Expected calibration error and reliability bins, per class and for all together.

    ``ece`` counts detections from 0.05 on, ``ece_operating`` those that reach the threshold: the
    share of detections in a bin times the gap between their mean score and the share that is
    right, summed over ten bins of equal width.
    """
    judged: dict[str, list[tuple[Scored, bool]]] = {name: [] for name in names}
    for measured in pictures:
        for name in names:
            matched = match(
                [s for s in measured.found if s.name == name and s.score >= CALIBRATED_FROM],
                [label for label in measured.labels if label.name == name],
            )
            judged[name] += [(scored, True) for scored, _ in matched.right]
            judged[name] += [(scored, False) for scored in matched.wrong]
    together = [pair for pairs in judged.values() for pair in pairs]
    return _reliability(together) | {
        "classes": {name: _reliability(pairs) for name, pairs in judged.items()}
    }


def _reliability(pairs: Sequence[tuple[Scored, bool]]) -> dict[str, Any]:
    acting = [pair for pair in pairs if pair[0].acts]
    bins = _bins(pairs)
    return {
        "ece": _ece(bins, len(pairs)),
        "ece_operating": _ece(_bins(acting), len(acting)),
        "n": len(pairs),
        "n_operating": len(acting),
        "bins": bins,
    }


def _bins(pairs: Sequence[tuple[Scored, bool]]) -> list[dict[str, Any]]:
    bins = []
    for index in range(_BINS):
        inside = [
            (scored.score, right)
            for scored, right in pairs
            if min(int(scored.score * _BINS), _BINS - 1) == index
        ]
        n = len(inside)
        bins.append(
            {
                "from": index / _BINS,
                "to": (index + 1) / _BINS,
                "n": n,
                "score": round(sum(score for score, _ in inside) / n, 4) if n else None,
                "right": round(sum(right for _, right in inside) / n, 4) if n else None,
            }
        )
    return bins


def _ece(bins: Sequence[dict[str, Any]], total: int) -> float | None:
    if not total:
        return None
    gaps = [float(b["n"] * abs(b["score"] - b["right"])) for b in bins if b["n"]]
    return round(sum(gaps) / total, 4)
