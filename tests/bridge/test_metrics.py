"""What the bridge sends, makes again and is refused can be read at ``/metrics``."""

from __future__ import annotations

import socket
import threading
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge.errors import ConfigError
from tests.bridge.city import V22City
from tests.bridge.helpers import Bridge
from tests.brokers import Broker, free_port
from tests.uploader.helpers import Box, make_draft, wait_until
from uploader.bridge.bridge import run_bridge
from uploader.bridge.settings import MetricsSettings

pytestmark = pytest.mark.e2e
Counts = dict[str, float]


def watched(bridge: Bridge, port: int) -> Bridge:
    """The bridge, with its metrics on a port."""
    metrics = MetricsSettings(port=port)
    bridge.settings = bridge.settings.model_copy(update={"metrics": metrics})
    return bridge


def read(port: int) -> Counts:
    """Every sample, by its name (without the prefix) and the values of its labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
        families = text_string_to_metric_families(page.read().decode())
    return {
        " ".join([s.name.removeprefix("gridpatrol_bridge_"), *s.labels.values()]): s.value
        for family in families
        for s in family.samples
    }


def test_each_fate_of_a_call_is_counted(
    tmp_path: Path, broker: Broker, box: Box, city: V22City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uploader.bridge.bridge._FIRST_S", 0.05)
    monkeypatch.setattr("uploader.bridge.bridge._OWN_TROUBLE_S", 0.3)
    city.plan["REPORT"].extend(["drop", "lost", "-400001", "ok", "-500001", "-400002"])
    port = free_port()
    bridge = watched(Bridge(tmp_path / "bridge", broker, city, settle_s=0.2), port)
    bridge.start()
    wait_until(lambda: city.logins > 0)
    before = read(port)
    box.start()
    for number in (1, 2, 3):  # drop, lost; a stale token; its own error, then a no for ever
        box.commit(make_draft(number, box.pictures, pictures=10 if number == 2 else 1))
        wait_until(lambda: box.counts().pending == 0)
    after = read(port)
    bridge.stop()
    counted = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in _WANTED}
    assert counted == _WANTED
    assert after["city_up"] == 1


_WANTED = {
    "calls_total REPORT away": 2,
    "calls_total REPORT answered": 4,
    "calls_refused_total REPORT login": 1,
    "calls_refused_total REPORT again": 1,
    "calls_refused_total REPORT dead": 1,
    "retries_total away": 2,
    "retries_total busy": 1,
    "had_it_total REPORT": 1,
    "files_left_out_total near": 1,
    "case_revisions_total accept": 2,
    "case_revisions_total later": 1,
    "case_revisions_total reject": 1,
}


def test_a_port_that_is_taken_is_said(tmp_path: Path, broker: Broker, city: V22City) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bridge = watched(Bridge(tmp_path / "bridge", broker, city), taken.getsockname()[1])
        with pytest.raises(ConfigError, match="RUN-001"):
            run_bridge(bridge.settings, threading.Event())
