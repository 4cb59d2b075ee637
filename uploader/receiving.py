"""Small parts of the receiver: what a request may say, and how it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypedDict, TypeVar

from edge.errors import Code, DeliveryError, StoreError
from uploader.contract.messages import FeedbackData, Purpose

_LOOK_AGAIN_S = 1.0
T = TypeVar("T")


class RequestFields(TypedDict, total=False):
    """What a request may say besides its action."""

    case_id: str
    camera_id: str
    zone_id: str
    purpose: Purpose
    looks: int
    over_s: float
    feedback: FeedbackData


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """A store that is out of order comes back: an application's loop need not end over it.

    Raises:
        StoreError: a file is not there (EVI-001), or the disk failed (STO-007).
    """
    while True:
        try:
            return await work()
        except StoreError as fault:
            if fault.fatal or fault.code == Code.EVI_MISSING:
                raise
            await asyncio.sleep(_LOOK_AGAIN_S)


async def wait_for(changed: asyncio.Event) -> None:
    """Until something happened, or a second has passed."""
    # Not for ever: what another worker of the group did is told to nobody here.
    # Not asyncio.wait_for: until Python 3.12 it may swallow a cancellation, and the task goes on.
    with suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_AGAIN_S):
            await changed.wait()


def no_reply(box: str, request_id: str) -> DeliveryError:
    """A box that did not answer in time (MQT-006)."""
    return DeliveryError(
        Code.MQT_NO_ANSWER,
        f"box {box}",
        f"no reply to request {request_id}",
        "Is the box online? Its reply is kept when it comes: ask again with this request_id",
    )
