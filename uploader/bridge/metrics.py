"""Prometheus metrics of ``gridpatrol bridge``, which is a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from edge.errors import Code, ConfigError
from uploader.bridge.settings import MetricsSettings

REGISTRY = CollectorRegistry()

CALLS = Counter(
    "gridpatrol_bridge_calls",
    "Calls to the city's system: answered (also with a no), or away.",
    ["action", "result"],
    registry=REGISTRY,
)
CALL_SECONDS = Histogram(
    "gridpatrol_bridge_call_seconds",
    "From a call to its answer; those without one are not in it.",
    ["action"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    registry=REGISTRY,
)
REFUSED = Counter(
    "gridpatrol_bridge_calls_refused",
    "Answers that said no, by what their code calls for: again, login, dead or stop.",
    ["action", "does"],
    registry=REGISTRY,
)
RETRIES = Counter(
    "gridpatrol_bridge_retries",
    "Times a revision was put off, by reason: away, busy (the city's own error) or unmapped.",
    ["reason"],
    registry=REGISTRY,
)
HAD_IT = Counter(
    "gridpatrol_bridge_had_it",
    "Calls not repeated, because the city had them although their answer was lost.",
    ["action"],
    registry=REGISTRY,
)
CASES = Counter(
    "gridpatrol_bridge_case_revisions",
    "Revisions, by what their boxes were told: accept, reject or later.",
    ["result"],
    registry=REGISTRY,
)
FILES_LEFT_OUT = Counter(
    "gridpatrol_bridge_files_left_out",
    "Pictures and clips too large or too many for the city, by role.",
    ["role"],
    registry=REGISTRY,
)
NOTICES = Counter(
    "gridpatrol_bridge_notices",
    "Notices of the city, by what came of each attempt; open: it is tried again.",
    ["notice", "result"],
    registry=REGISTRY,
)
CITY_UP = Gauge(
    "gridpatrol_bridge_city_up", "1 while the last call was answered.", registry=REGISTRY
)


@contextmanager
def served(settings: MetricsSettings | None) -> Iterator[int | None]:
    """``/metrics`` while the block runs; gives the port.

    Raises:
        ConfigError: the port is taken (RUN-001).
    """
    if settings is None:
        yield None
        return
    try:
        server, thread = start_http_server(settings.port, settings.host, REGISTRY)
    except OSError as error:
        raise ConfigError(
            Code.RUN_PORT,
            f"metrics {settings.host}:{settings.port}",
            f"the bridge cannot listen there ({error.strerror})",
            "Give metrics.port another number",
        ) from error
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
