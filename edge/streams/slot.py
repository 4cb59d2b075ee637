"""The memory in which a stream worker leaves a picture for the core; one picture at a time.

Megabytes through a pipe cost as much as decoding them did (``docs/performance.md``): here they are
copied once in, once out, half as many where the decoder gave planes. The worker writes only when
the core has asked for a picture, the core reads only when it has been told of one, so neither waits
for the other.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Callable
from math import prod
from multiprocessing.reduction import DupFd
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import Code, StreamError
from edge.streams.planes import Picture, Shape, made_of, parts_of, shape_of


class Slot:
    """Shared memory that grows with the largest picture; passed to the worker as it starts.

    It cannot shrink, or a worker gone mad could take the memory away under the core.

    Args:
        descriptor: of memory made before, or None to make some.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        if descriptor is None:
            flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
            descriptor = os.memfd_create("gridpatrol-picture", flags)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
        self._descriptor = descriptor
        self._mapped: mmap.mmap | None = None

    def __reduce__(self) -> tuple[Callable[[Any], Slot], tuple[Any]]:
        return _opened, (DupFd(self._descriptor),)

    def write(self, picture: Picture) -> None:
        """Leave a picture over the one before."""
        parts = parts_of(picture)
        wanted = sum(part.size for part in parts)
        if os.fstat(self._descriptor).st_size < wanted:
            os.ftruncate(self._descriptor, wanted)
        for there, part in zip(self._views(shape_of(picture)), parts, strict=True):
            there[:] = part

    def read(self, shape: Shape) -> Picture:
        """The picture that was left, copied.

        Raises:
            StreamError: there is less than the shape calls for; the worker is not in order.
        """
        wanted = sum(map(prod, shape.parts))
        if min(shape.height, shape.width) <= 0 or os.fstat(self._descriptor).st_size < wanted:
            raise StreamError(
                Code.CAM_WORKER_DIED,
                "stream worker",
                f"announced a picture of {shape.width}x{shape.height} that it did not leave",
                "It is restarted by itself",
            )
        return made_of(shape, [part.copy() for part in self._views(shape)])

    def close(self) -> None:
        """Give the memory back; safe to call twice."""
        if self._mapped is not None:
            self._mapped.close()
            self._mapped = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _views(self, shape: Shape) -> list[npt.NDArray[np.uint8]]:
        """The arrays of such a picture where they lie in the memory, one after the other."""
        wanted = sum(map(prod, shape.parts))
        if self._mapped is None or len(self._mapped) < wanted:
            if self._mapped is not None:
                self._mapped.close()
            self._mapped = mmap.mmap(self._descriptor, wanted)
        views, at = [], 0
        for part in shape.parts:
            views.append(np.frombuffer(self._mapped, np.uint8, prod(part), at).reshape(part))
            at += prod(part)
        return views


def _opened(duplicate: Any) -> Slot:
    return Slot(duplicate.detach())
