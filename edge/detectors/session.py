"""A model's session on ONNX Runtime, tried once so that a wrong card is refused early.

Where several execution providers are present and none is named, each runs the model a few times as
it is loaded, and the quickest is taken: which one that is depends on the machine and on the model.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from edge.detectors.card import ModelCard, checked_weights
from edge.detectors.decode import expected_shape
from edge.errors import Code, ModelError
from edge.telemetry import metrics
from edge.telemetry.logs import get_logger

log = get_logger(__name__)

_WARM_UP, _RUNS = 2, 5
_PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
}


def providers(wanted: str) -> list[str]:
    """The execution providers to try: the one named, or all that are present.

    Raises:
        ModelError: the one named is not in this build of ONNX Runtime.
    """
    present = ort.get_available_providers()
    if wanted == "auto":
        return [name for name in _PROVIDERS.values() if name in present]
    name = _PROVIDERS[wanted]
    if name not in present:
        raise ModelError(
            Code.MDL_PROVIDER,
            "detectors.object.provider",
            f"{wanted} is not available here (present: {', '.join(present)})",
            "Install the matching onnxruntime build or use auto",
        )
    return [name]


def open_session(
    folder: Path, card: ModelCard, provider: str, threads: int
) -> ort.InferenceSession:
    """A session on the provider asked for, or on the quickest one.

    Raises:
        ModelError: missing or altered weights, a corrupt file, a missing provider.
    """
    names = providers(provider)
    if len(names) == 1:
        return _open(folder, card, names[0], threads)
    return _quickest(folder, card, names, threads)


def _quickest(
    folder: Path, card: ModelCard, names: Sequence[str], threads: int
) -> ort.InferenceSession:
    """Of providers that are present but may not work: a driver may be missing, or a device."""
    taken: dict[str, float] = {}
    best: ort.InferenceSession | None = None
    for name in names:
        try:
            session = _open(folder, card, name, threads)
            if session.get_providers()[0] != name:
                continue  # ONNX Runtime fell back to another one by itself
            spent_s = run_s(session, card)
        except Exception as error:  # ONNX Runtime's exceptions share no base class
            if name == names[-1] and best is None:
                raise
            log.info("provider_left_out", provider=name, why=str(error).splitlines()[0][:120])
            continue
        metrics.INFERENCE_SECONDS.labels(model=card.title, provider=name).set(spent_s)
        if spent_s < min(taken.values(), default=float("inf")):
            best = session
        taken[name] = spent_s
    if best is None:
        return _open(folder, card, _PROVIDERS["cpu"], threads)
    milliseconds = {name: round(spent_s * 1000, 1) for name, spent_s in taken.items()}
    log.info("provider_chosen", model=card.title, chosen=best.get_providers()[0], ms=milliseconds)
    return best


def run_s(session: ort.InferenceSession, card: ModelCard) -> float:
    """Median seconds of an inference, after the first ones, which prepare the provider."""
    spent_s = []
    blank = np.zeros((1, 3, card.input.height, card.input.width), np.float32)
    for _ in range(_WARM_UP + _RUNS):
        began = time.perf_counter()
        session.run(None, {card.input.name: blank})
        spent_s.append(time.perf_counter() - began)
    return statistics.median(spent_s[_WARM_UP:])


def _open(folder: Path, card: ModelCard, name: str, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Spinning threads burn half a core while cameras have nothing to say (measured).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    weights = checked_weights(folder, card)
    try:
        return ort.InferenceSession(weights, options, providers=[name])
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        reason = str(error).splitlines()[0][:120]
        raise ModelError(
            Code.MDL_CORRUPT,
            str(folder / card.file),
            f"ONNX Runtime cannot load it ({reason})",
            "Export the model again",
        ) from error


def check_shape(folder: Path, card: ModelCard, session: ort.InferenceSession) -> int:
    """Run one blank picture and compare with the card; returns the batch size to use.

    Raises:
        ModelError: another input or output than the card says.
    """
    where = str(folder / card.file)
    inputs = {entry.name: entry for entry in session.get_inputs()}
    if card.input.name not in inputs:
        raise ModelError(
            Code.MDL_SHAPE,
            where,
            f"has no input {card.input.name!r} (it has {', '.join(inputs)})",
            "Correct input.name in the card",
        )
    batch = inputs[card.input.name].shape[0]
    _try(where, card, session)
    if card.input.step:
        _try(where, card.cut(1, card.input.height), session)
        _try(where, card.cut(card.input.width, 1), session)
    return batch if isinstance(batch, int) and batch > 0 else 16


def _try(where: str, card: ModelCard, session: ort.InferenceSession) -> None:
    """Run one blank picture of the card's size."""
    blank = np.zeros((1, 3, card.input.height, card.input.width), np.float32)
    try:
        output = session.run(None, {card.input.name: blank})[0]
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        reason = str(error).splitlines()[0][:120]
        raise ModelError(
            Code.MDL_SHAPE,
            where,
            f"refuses the card's input size, {card.input.width}x{card.input.height} ({reason})",
            "Correct the card",
        ) from error
    wanted = expected_shape(card)
    if tuple(output.shape) != wanted:
        raise ModelError(
            Code.MDL_SHAPE,
            where,
            f"gives {tuple(output.shape)}, the card's layout and classes call for {wanted}",
            "Correct layout, classes or input size in the card",
        )
