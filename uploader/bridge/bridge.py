"""``gridpatrol bridge``: the receiver library on one side, a city's system on the other.

A box lets a case go when its receipt says ``complete``; the receipt says so when the city's system
has accepted the case and its number is in the ledger. Until then the case stays on its box.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from edge.errors import Code, ContractError, StoreError
from uploader.backoff import backoff_s
from uploader.bridge import metrics
from uploader.bridge.faults import ACCEPTED, CityAwayError, CityRefusedError, Do, Outcome
from uploader.bridge.gat1400 import Gat1400City
from uploader.bridge.gat1400_words import Gat1400Words
from uploader.bridge.http import Http
from uploader.bridge.ledger import Ledger
from uploader.bridge.settings import BridgeSettings, V22Settings
from uploader.bridge.v22 import V22Desk
from uploader.bridge.v22_client import V22Client
from uploader.bridge.v22_notices import V22Notices
from uploader.bridge.v22_words import V22Words
from uploader.bridge.words import UnmappedError
from uploader.intake.postgres import PostgresStore
from uploader.intake.sqlite import SqliteStore
from uploader.intake.store import IntakeStore
from uploader.receiver import Case, Receiver

_log = structlog.get_logger(__name__)
_POLL_S = 0.2
_FIRST_S = 1.0
_LONGEST_S = 60.0
_IN_A_ROW = 4
_ASIDE_S = 60.0
_UNMAPPED_S = 300.0
_OWN_TROUBLE_S = 30.0


class City(Protocol):
    """A city's system, as the bridge sees it."""

    async def take(self, case: Case) -> None:
        """Bring one revision there, once in effect; how it may end: :func:`_patiently`."""

    async def live(self, receiver: Receiver) -> None:
        """Whatever else it needs, until cancelled."""


class V22City:
    """An intake in V22's words."""

    def __init__(self, settings: V22Settings, http: Http, ledger: Ledger, words: V22Words) -> None:
        client = V22Client(settings, http, words.mapping.codes)
        desk = V22Desk(settings, client, words, ledger)
        self.take = desk.take
        self.live = V22Notices(settings, client, words, desk, ledger).live


def run_bridge(settings: BridgeSettings, stop: threading.Event) -> None:
    """Bring cases to the city until stopped.

    Raises:
        ConfigError: the mapping or a secret is not in order; nothing was sent.
        DeliveryError: the city's system wants people to act first (BRG-003).
        StoreError: the ledger or the store cannot be opened or written.
    """
    asyncio.run(_run(settings, stop))


def check_bridge(settings: BridgeSettings) -> None:
    """Read the mapping as a run would, and make no call.

    Raises:
        ConfigError: as :func:`run_bridge`.
    """
    zone, v22, library = ZoneInfo(settings.time_zone), settings.v22, settings.gat1400
    if v22 is not None:
        V22Words(v22.mapping, zone)
    if library is not None:
        Gat1400Words(library.mapping, zone, library.device_id)


async def _run(settings: BridgeSettings, stop: threading.Event) -> None:
    async with AsyncExitStack() as stack:
        stack.enter_context(metrics.served(settings.metrics))
        city = await _open_city(settings, stack)
        receiver = await stack.enter_async_context(
            Receiver(settings.downlink(), _open_store(settings))
        )
        tasks = [
            asyncio.create_task(work)
            for work in (_until(stop), _deliver(receiver, city), city.live(receiver))
        ]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()


async def _open_city(settings: BridgeSettings, stack: AsyncExitStack) -> City:
    zone, v22, library = ZoneInfo(settings.time_zone), settings.v22, settings.gat1400
    if v22 is not None:
        words = V22Words(v22.mapping, zone)
        http = await stack.enter_async_context(Http(v22))
        return V22City(v22, http, _open_ledger(settings, stack), words)
    assert library is not None  # noqa: S101 - one of the two is there
    objects = Gat1400Words(library.mapping, zone, library.device_id)
    login = (library.username, library.password.get_secret_value())
    http = await stack.enter_async_context(Http(library, digest=login))
    return Gat1400City(library, http, _open_ledger(settings, stack), objects)


def _open_ledger(settings: BridgeSettings, stack: AsyncExitStack) -> Ledger:
    ledger = Ledger(settings.state_dir / "bridge.db")
    stack.callback(ledger.close)
    return ledger


def _open_store(settings: BridgeSettings) -> IntakeStore:
    if settings.database is not None:
        return PostgresStore(settings.database.get_secret_value())
    return SqliteStore(settings.state_dir / "intake")


async def _until(stop: threading.Event) -> None:
    while not stop.is_set():
        await asyncio.sleep(_POLL_S)


async def _deliver(receiver: Receiver, city: City) -> None:
    """One case after the other; one that goes wrong every time makes room for the rest."""
    async for case in receiver.cases():
        outcome = await _patiently(city, case)
        metrics.CASES.labels(result=outcome.result).inc()
        if outcome.result == "accept":
            await case.accept()
            _log.info("case_delivered", case=case.data.case_id, revision=case.data.revision)
        elif outcome.result == "reject":
            await case.reject(outcome.words or "refused")
        else:
            await case.later(outcome.seconds, outcome.words)


async def _patiently(city: City, case: Case) -> Outcome:
    for attempt in range(_IN_A_ROW):
        try:
            await city.take(case)
        except CityAwayError as fault:
            words = f"{fault.where}: {fault.what}"
            metrics.RETRIES.labels(reason="away").inc()
            if attempt == 0:
                _log.warning("city_away", where=fault.where, what=fault.what)
            pause = backoff_s(attempt, first_s=_FIRST_S, longest_s=_LONGEST_S)
            await asyncio.sleep(max(pause, fault.wait_s or 0.0))
        except StoreError as fault:
            if fault.code is not Code.EVI_MISSING:
                raise
            return Outcome("reject", fault.what)  # a picture was moved out of the intake store
        except (ContractError, CityRefusedError) as fault:
            return _refused(fault, case)
        else:
            return ACCEPTED
    return Outcome("later", words, _ASIDE_S)


def _refused(fault: ContractError | CityRefusedError, case: Case) -> Outcome:
    """What becomes of a case that did not pass, by whose doing it did not."""
    if isinstance(fault, UnmappedError):  # the site's people can mend the mapping
        _log.error("case_unmapped", code=str(fault.code), where=fault.where, what=fault.what)
        metrics.RETRIES.labels(reason="unmapped").inc()
        return Outcome("later", fault.what, _UNMAPPED_S)
    if isinstance(fault, ContractError):
        return Outcome("reject", fault.what)
    if fault.do is Do.AGAIN:
        metrics.RETRIES.labels(reason="busy").inc()
        return Outcome("later", fault.words, _OWN_TROUBLE_S)
    _log.warning("case_refused", case=case.data.case_id, words=fault.words)
    return Outcome("reject", fault.words)
