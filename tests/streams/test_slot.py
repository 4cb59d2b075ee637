"""The memory a worker leaves a picture in."""

from __future__ import annotations

import os
from multiprocessing import get_context
from multiprocessing.connection import Connection

import numpy as np
import pytest

from edge.errors import StreamError
from edge.streams.planes import Colours, Planes, Shape, as_bgr
from edge.streams.slot import Slot


def picture(height: int, width: int, level: int) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def planes(height: int, width: int) -> Planes:
    """Odd sizes, and rows that do not follow each other closely."""
    rows = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
    half = (slice((height + 1) // 2), slice((width + 1) // 2))
    return Planes(rows[:height, :width], rows[half], rows[::-1][half], Colours(1, True))


def _other_process(slot: Slot, pipe: Connection) -> None:
    for height, width, level in ((20, 30, 7), (90, 160, 9), (20, 30, 11)):
        pipe.recv()
        slot.write(picture(height, width, level))
        pipe.send(Shape(height, width))
    pipe.recv()
    slot.write(planes(31, 41))
    pipe.send(Shape(31, 41, Colours(1, True)))


def test_pictures_of_any_size_come_from_another_process() -> None:
    slot = Slot()
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_other_process, args=(slot, theirs), daemon=True)
    process.start()
    seen = []
    for _ in range(3):
        ours.send(1)
        seen.append(as_bgr(slot.read(ours.recv())))
    ours.send(1)
    there = slot.read(ours.recv())
    assert isinstance(there, Planes)
    assert there.colours == Colours(1, True)
    assert np.array_equal(as_bgr(there), as_bgr(planes(31, 41)))
    process.join(20)
    # Copies: the next picture does not change the ones before.
    assert [(p.shape, int(p.min()), int(p.max())) for p in seen] == [
        ((20, 30, 3), 7, 7),
        ((90, 160, 3), 9, 9),
        ((20, 30, 3), 11, 11),
    ]
    slot.close()
    slot.close()


def test_a_picture_that_is_not_there_is_refused_and_memory_cannot_be_taken_away() -> None:
    slot = Slot()
    slot.write(picture(10, 10, 1))
    for height, width in ((1000, 1000), (0, 10), (-1, -10)):
        for colours in (None, Colours()):
            with pytest.raises(StreamError):
                slot.read(Shape(height, width, colours))
    with pytest.raises(PermissionError):
        os.ftruncate(slot._descriptor, 1)
    slot.close()
