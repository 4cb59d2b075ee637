"""Batch norms put back for training and folded in again: only where torch is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models" / "train"))
torch = pytest.importorskip("torch")

from graph import YoloxGraph  # noqa: E402


def gap(left: list, right: list) -> float:
    flat = [[m for maps in side for m in maps] for side in (left, right)]
    return max(float((a - b).abs().max()) for a, b in zip(*flat, strict=True))


def test_norms_put_back_change_nothing_and_fold_in_again(tmp_path: Path) -> None:
    pictures = torch.rand(4, 3, 96, 96, generator=torch.Generator().manual_seed(3)) * 255
    model = YoloxGraph(ROOT / "models" / "outdoor-ads" / "model.onnx").eval()
    with torch.no_grad():
        before = model(pictures)
        model.unfold(pictures)
        assert gap(before, model.eval()(pictures)) < 1e-2
        for norm in model.norms.values():  # as if trained
            norm.weight.mul_(1.1)
            norm.running_mean.add_(0.01)
        trained = model(pictures)
        model.save(tmp_path / "model.onnx", 96)
        again = YoloxGraph(tmp_path / "model.onnx").eval()(pictures)
    assert gap(before, trained) > 0.1
    assert gap(trained, again) < 1e-2
