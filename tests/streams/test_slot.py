"""The memory a worker leaves a picture in."""

from __future__ import annotations

import os
from multiprocessing import get_context
from multiprocessing.connection import Connection

import numpy as np
import pytest

from edge.errors import StreamError
from edge.streams.slot import Slot


def picture(height: int, width: int, level: int) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def _other_process(slot: Slot, pipe: Connection) -> None:
    for height, width, level in ((20, 30, 7), (90, 160, 9), (20, 30, 11)):
        pipe.recv()
        slot.write(picture(height, width, level))
        pipe.send((height, width, 3))


def test_pictures_of_any_size_come_from_another_process() -> None:
    slot = Slot()
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_other_process, args=(slot, theirs), daemon=True)
    process.start()
    seen = []
    for _ in range(3):
        ours.send(1)
        seen.append(slot.read(ours.recv()))
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
    for shape in ((1000, 1000, 3), (0, 10, 3), (-1, -10, 3)):
        with pytest.raises(StreamError):
            slot.read(shape)
    with pytest.raises(PermissionError):
        os.ftruncate(slot._descriptor, 1)
    slot.close()
