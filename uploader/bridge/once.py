"""A call that takes effect once, whatever was lost before: the ledger, the question, the call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from uploader.bridge import metrics
from uploader.bridge.faults import CityAwayError, CityRefusedError, Do
from uploader.bridge.ledger import Call, CityCase, Ledger
from uploader.bridge.settings import HttpSettings

_log = structlog.get_logger(__name__)
Ask = Callable[[], Awaitable[CityCase | None]]


@dataclass(frozen=True, slots=True)
class Job:
    """What a call is about.

    Attributes:
        uid: the same at every attempt.
        case_id, revision, action: for people who read the ledger.
        files: hashes that the city has once it is done.
    """

    uid: str
    case_id: str
    revision: int
    action: str
    files: tuple[str, ...] = ()


class Once:
    """Makes calls once in effect.

    Args:
        settings: patience and attempts.
        ledger: knows what was asked and answered.
    """

    def __init__(self, settings: HttpSettings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger

    async def make(self, job: Job, send: Ask, there: Ask) -> None:
        """Make a call, unless it has had its effect.

        Args:
            job: what it is about.
            send: makes it; returns the city's numbers, if it gives any.
            there: asks whether the effect is there; None: not, or it cannot be told.

        Raises:
            CityAwayError: no answer; make it again (BRG-002).
            CityRefusedError: the city said no (BRG-004).
            DeliveryError: nothing will pass until people act (BRG-003).
            StoreError: the ledger is out of order.
        """
        call = self._ledger.begin(job.uid, job.case_id, job.revision, job.action)
        if call.state == "done":
            return
        if call.state in {"calling", "dead"}:
            await self._settle_down(call)
            found = await there()
            if found is not None:
                metrics.HAD_IT.labels(action=job.action).inc()
                _log.info("city_had_it", case=job.case_id, action=job.action)
                self._ledger.done(job.uid, job.files, found)
                return
        self._ledger.sending(job.uid)
        self._ledger.done(job.uid, job.files, await self._send(job, send, there))

    async def _send(self, job: Job, send: Ask, there: Ask) -> CityCase | None:
        try:
            return await send()
        except CityAwayError as fault:
            if fault.lost:
                self._ledger.sending(job.uid)  # from now on the city may still be at it
            else:
                self._ledger.not_sent(job.uid, fault.what)
            raise
        except CityRefusedError as fault:
            # "Already there" comes as a refusal in words that nobody has written down.
            found = await there()
            if found is not None:
                metrics.HAD_IT.labels(action=job.action).inc()
                return found
            tries = self._ledger.failed(job.uid, fault.words)
            if fault.do is Do.AGAIN and tries < self._settings.attempts:
                raise
            self._ledger.dead(job.uid, fault.words)
            raise CityRefusedError(fault.where, fault.words, Do.DEAD) from fault

    async def _settle_down(self, call: Call) -> None:
        """Give the city time to finish what it may still be doing with the lost attempt."""
        settle_s = self._settings.settle_s
        gone_s = time.time() - call.called_at  # wall clock: it must outlive this process
        await asyncio.sleep(min(max(0.0, settle_s - gone_s), settle_s))
