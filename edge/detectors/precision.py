"""fp32 or int8: the same model twice, and which of the two this machine runs quicker."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from edge.detectors.card import model_folder
from edge.detectors.objects import ObjectDetector
from edge.detectors.session import run_s
from edge.errors import ModelError
from edge.telemetry import metrics
from edge.telemetry.logs import get_logger

log = get_logger(__name__)

INT8 = "-int8"
"""What the name of a model's int8 twin ends with."""
_WORTH = 0.9
"""int8 must take at most this share of the time: it is a little less accurate."""


def folders(name: str, models_dir: Path | None, precision: str) -> list[Path]:
    """The folders of a model in the precisions that may be used, fp32 first.

    A model without an int8 twin runs as it is, whatever is asked for.

    Args:
        name: as configured; one that names an int8 model itself is taken at its word.
        models_dir: the site's own models.
        precision: ``fp32``, ``int8`` or ``auto``.

    Raises:
        ModelError: there is no such model.
    """
    plain = model_folder(name, models_dir)
    if precision == "fp32" or name.endswith(INT8):
        return [plain]
    try:
        twin = model_folder(name + INT8, models_dir)
    except ModelError:
        return [plain]
    if plain.parent == models_dir and twin.parent != models_dir:
        return [plain]  # the site's own model; the shipped twin is another one's
    return [twin] if precision == "int8" else [plain, twin]


def quickest(
    models: Iterable[ObjectDetector],
    seconds_of: Callable[[ObjectDetector], float] = lambda model: run_s(model.session, model.card),
) -> ObjectDetector:
    """The model to run: the first, unless a later one is clearly quicker.

    Args:
        models: the same one in several precisions.
        seconds_of: how long an inference takes; measured, unless told otherwise.
    """
    first, *others = models
    if not others:
        return first
    best, best_s = first, seconds_of(first)
    seconds = {first.name: best_s}
    for model in others:
        spent_s = seconds[model.name] = seconds_of(model)
        if spent_s < _WORTH * best_s:
            best, best_s = model, spent_s
    for name, spent_s in seconds.items():
        provider = best.session.get_providers()[0]
        metrics.INFERENCE_SECONDS.labels(model=name, provider=provider).set(spent_s)
    milliseconds = {name: round(spent_s * 1000, 1) for name, spent_s in seconds.items()}
    log.info("precision_chosen", chosen=best.name, ms=milliseconds)
    return best
