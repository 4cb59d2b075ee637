"""What the clock says of itself."""

from __future__ import annotations

import ctypes
import re

import pytest

from edge import clock


def test_the_kernel_is_asked() -> None:
    """A boot id, and yes or no; never an error."""
    found = clock.clock_state()
    assert found.synced in (True, False)
    assert found.boot_id is not None
    assert re.fullmatch(r"[0-9a-f-]{36}", found.boot_id)
    assert clock.clock_state().boot_id == found.boot_id


@pytest.mark.parametrize(("answer", "synced"), [(0, True), (4, True), (5, False), (-1, None)])
def test_what_the_kernels_answer_means(
    monkeypatch: pytest.MonkeyPatch, answer: int, synced: bool | None
) -> None:
    """5 is TIME_ERROR; -1 means that it may not be asked."""

    class Library:
        def __init__(self, _name: None) -> None: ...

        def adjtimex(self, _timex: object) -> int:
            return answer

    monkeypatch.setattr(ctypes, "CDLL", Library)
    assert clock.clock_state().synced is synced


def test_a_system_without_the_call_is_not_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """No guess."""
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    monkeypatch.setattr(clock, "_BOOT_ID", clock.Path(f"{tmp_path}/none"))
    assert clock.clock_state() == clock.ClockState(None, None)
