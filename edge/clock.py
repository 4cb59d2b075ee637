"""One place that knows what time it is, so that tests can say otherwise."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

Clock = Callable[[], datetime]
"""Gives the present moment as an aware UTC datetime."""


def utc_now() -> datetime:
    """The present moment, aware, UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """RFC 3339 with milliseconds and ``Z``, as every message and manifest writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_TIMEX_BYTES = 512  # of struct timex, and to spare
_TIME_ERROR = 5
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class ClockState:
    """How far a wall-clock time may be believed.

    Attributes:
        synced: a time source (NTP, PTP) keeps the clock; None where the system does not say.
        boot_id: changes with every start of the machine; None where there is none.
    """

    synced: bool | None
    boot_id: str | None


def clock_state() -> ClockState:
    """The kernel's own word on its clock: chrony, ntpd and systemd-timesyncd all tell it."""
    try:
        boot_id = _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        boot_id = None
    return ClockState(_synced(), boot_id)


def _synced() -> bool | None:
    try:
        # All zero: nothing is set, only asked; that takes no privilege.
        answer = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):  # no such call here
        return None
    return None if answer < 0 else answer != _TIME_ERROR
