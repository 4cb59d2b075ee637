"""Purposes and the access log while the box runs: days that are over become links of the chain."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from edge.clock import utc_now
from edge.config.model import Settings
from edge.errors import StoreError
from edge.evidence.access import DATABASE, KIND, AccessLog
from edge.evidence.chain import Chain, open_chain
from edge.evidence.sources import DATABASE as CHAIN
from edge.sqlite import transaction
from edge.telemetry import metrics
from edge.telemetry.logs import error_fields, get_logger

_EVERY_S = 600.0

log = get_logger(__name__)


def lacking(settings: Settings) -> tuple[str, ...]:
    """Cameras without a purpose in force today, where the box stands."""
    return settings.lacking_purpose(utc_now().astimezone(ZoneInfo(settings.box.time_zone)).date())


class AccessSealer:
    """Seals the days now and then. One thread calls it.

    Args:
        settings: where the state lies, and how long the log is kept.
        chain: where the links go.

    Raises:
        StoreError: the log cannot be opened.
    """

    def __init__(self, settings: Settings, chain: Chain) -> None:
        state = settings.box.state_dir
        self._log = AccessLog(state / DATABASE)
        self._database: Path = state / CHAIN
        self._chain = chain
        self._keep_days = settings.purpose.access_days
        self._next = 0.0

    def step(self) -> None:
        """At most every ten minutes; a disk that refuses is told, and tried again."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY_S
        try:
            self._log.seal_days(self._append, keep_days=self._keep_days)
        except StoreError as error:
            metrics.ERRORS.labels(code=str(error.code)).inc()
            log.error("access_not_sealed", **error_fields(error))

    def close(self) -> None:
        """Close the log."""
        self._log.close()

    def _append(self, body: Mapping[str, Any]) -> None:
        with closing(open_chain(self._database)) as db, transaction(db, self._database) as tx:
            self._chain.append(tx, KIND, body)
