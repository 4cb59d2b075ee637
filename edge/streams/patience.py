"""How long a live camera is waited for that sends everything but a whole key frame."""

from __future__ import annotations

import time

from edge.errors import Code, StreamError


class Patience:
    """Ends the wait for a whole key frame.

    Args:
        camera_id: for the error.
        seconds: without a whole key frame until the camera counts as failed.
    """

    def __init__(self, camera_id: str, seconds: float) -> None:
        self._camera_id = camera_id
        self._seconds = seconds
        self._damaged_before = 0
        self._since = time.monotonic()

    def begin_anew(self, damaged: int) -> None:
        """A key frame came, whole or not looked at; ``damaged`` as for :meth:`check`."""
        self._since = time.monotonic()
        self._damaged_before = damaged

    def check(self, damaged: int) -> None:
        """Still waiting.

        Args:
            damaged: key frames that were not whole since the camera was opened.

        Raises:
            StreamError: for too long; says whether there were key frames at all.
        """
        if time.monotonic() - self._since < self._seconds:
            return
        if spoiled := damaged - self._damaged_before:
            raise StreamError(
                Code.CAM_DAMAGED,
                self._camera_id,
                f"none of {spoiled} key frames within {self._seconds:g} s was whole",
                "Packets are lost or damaged on the way: check network and camera, lower its bit "
                "rate",
            )
        raise StreamError(
            Code.CAM_NO_KEY_FRAME,
            self._camera_id,
            f"no key frame within {self._seconds:g} s",
            "Lower the camera's GOP (I-frame interval), to 2 to 4 s",
        )
