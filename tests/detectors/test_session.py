"""Which execution provider a model runs on."""

from __future__ import annotations

import pytest

from edge.detectors import session
from edge.detectors.card import load_card
from edge.errors import Code, ModelError
from edge.shipped import shipped
from edge.telemetry import metrics

FOLDER = shipped("models") / "rubbish"


def test_a_provider_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(ModelError) as refused:
        session.providers("tensorrt")
    assert refused.value.code == Code.MDL_PROVIDER


def test_one_provider_is_not_timed() -> None:
    opened = session.open_session(FOLDER, load_card(FOLDER), "cpu", 1)
    assert opened.get_providers() == ["CPUExecutionProvider"]


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_of_several_the_one_that_works_is_taken_and_its_time_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A provider that this build of ONNX Runtime does not hold cannot win."""
    names = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(session, "providers", lambda _wanted: names)
    card = load_card(FOLDER)
    opened = session.open_session(FOLDER, card, "auto", 1)
    assert opened.get_providers()[0] == "CPUExecutionProvider"
    labels = {"model": card.title, "provider": "CPUExecutionProvider"}
    shown = metrics.REGISTRY.get_sample_value("gridpatrol_inference_seconds", labels)
    assert shown is not None
    assert shown > 0
