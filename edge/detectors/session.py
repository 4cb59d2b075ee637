"""A model's session on ONNX Runtime, tried once so that a wrong card is refused early."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort

from edge.detectors.card import ModelCard, checked_weights
from edge.detectors.decode import expected_shape
from edge.errors import Code, ModelError

_PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
}


def choose_provider(wanted: str) -> str:
    """The execution provider to use: the one named, or the best one present.

    Raises:
        ModelError: the one named is not in this build of ONNX Runtime.
    """
    present = ort.get_available_providers()
    if wanted == "auto":
        return next(name for name in _PROVIDERS.values() if name in present)
    name = _PROVIDERS[wanted]
    if name not in present:
        raise ModelError(
            Code.MDL_PROVIDER,
            "detectors.object.provider",
            f"{wanted} is not available here (present: {', '.join(present)})",
            "Install the matching onnxruntime build or use auto",
        )
    return name


def open_session(
    folder: Path, card: ModelCard, provider: str, threads: int
) -> ort.InferenceSession:
    """A session on the provider asked for.

    Raises:
        ModelError: missing or altered weights, a corrupt file, a missing provider.
    """
    chosen = choose_provider(provider)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Spinning threads burn half a core while cameras have nothing to say (measured).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    weights = checked_weights(folder, card)
    try:
        return ort.InferenceSession(weights, options, providers=[chosen])
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
    blank = np.zeros((1, 3, card.input.height, card.input.width), np.float32)
    try:
        output = session.run(None, {card.input.name: blank})[0]
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        reason = str(error).splitlines()[0][:120]
        raise ModelError(
            Code.MDL_SHAPE, where, f"refuses the card's input size ({reason})", "Correct the card"
        ) from error
    wanted = expected_shape(card)
    if tuple(output.shape) != wanted:
        raise ModelError(
            Code.MDL_SHAPE,
            where,
            f"gives {tuple(output.shape)}, the card's layout and classes call for {wanted}",
            "Correct layout, classes or input size in the card",
        )
    return batch if isinstance(batch, int) and batch > 0 else 16
