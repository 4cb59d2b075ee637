"""The command itself, killed in the middle of its calls: each case is in the city once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bridge.city import CLIENT_ID, SECRET, SENDER, V22City
from tests.bridge.helpers import SITE
from tests.brokers import Broker
from tests.uploader.helpers import Box, wait_until

pytestmark = pytest.mark.e2e
_CONFIG = """\
mqtt: {{host: {host}, port: {port}}}
state_dir: state
hold_s: 1
v22:
  url: {url}
  mapping: my-city.toml
  sender_code: {sender}
  client_id: "{client}"
  client_secret: "${{file:{secret}}}"
  timeout_s: 0.6
  settle_s: 1.5
  per_minute: 6000
"""


def _configured(folder: Path, broker: Broker, city: V22City) -> Path:
    secret = folder / "secret"
    secret.write_text(SECRET, encoding="utf-8")
    (folder / "my-city.toml").write_text(SITE, encoding="utf-8")
    path = folder / "bridge.yaml"
    path.write_text(
        _CONFIG.format(
            host=broker.host,
            port=broker.port,
            url=city.url,
            sender=SENDER,
            client=CLIENT_ID,
            secret=secret,
        ),
        encoding="utf-8",
    )
    return path


def _command(config: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "edge.cli", "bridge", "--config", str(config), *more]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_a_bridge_killed_between_its_steps_reports_once(
    tmp_path: Path, broker: Broker, box: Box, city: V22City, kills: int
) -> None:
    config = _configured(tmp_path, broker, city)
    dice = random.Random(kills)
    box.start()
    cases = 3 * kills
    box.commit_many(range(1, cases + 1))
    for _ in range(kills):
        before = city.asked.count("REPORT")
        # Most are killed between the effect and its answer, some before the effect.
        city.plan["REPORT"].append(dice.choice(["late", "late", "slow", ""]))
        process = subprocess.Popen(_command(config), stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda seen=before: city.asked.count("REPORT") > seen, 60, "a report")
            time.sleep(dice.uniform(0.0, 0.05))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    process = subprocess.Popen(_command(config), stderr=subprocess.DEVNULL)
    try:
        box.wait_done(cases, 120)
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert city.reported() == sorted(f"case-{number}" for number in range(1, cases + 1))


def test_a_check_names_what_is_missing(tmp_path: Path, broker: Broker, city: V22City) -> None:
    config = _configured(tmp_path, broker, city)

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            _command(config, "--check"), capture_output=True, text=True, timeout=60
        )

    assert check().returncode == 0
    (tmp_path / "my-city.toml").write_text("", encoding="utf-8")
    refused = check()
    assert refused.returncode == 2
    assert "BRG-001" in refused.stderr
    assert "constant.rec_type_id" in refused.stderr
    config.write_text(config.read_text().replace("sender_code", "sender"), encoding="utf-8")
    refused = check()
    assert "CFG-003" in refused.stderr
    assert "sender_code" in refused.stderr
    assert city.logins == 0
