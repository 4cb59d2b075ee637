"""Real brokers for tests: mosquitto where it is installed, otherwise iotcore."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_START_TIMEOUT_S = 10.0


@dataclass
class Broker:
    """A broker process on loopback.

    Attributes:
        host, port: where it listens.
        kind: ``mosquitto`` or ``iotcore``.
    """

    host: str
    port: int
    kind: str
    _command: list[str]
    _log: Path
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it listens."""
        with self._log.open("ab") as log:
            # iotcore ends with its stdin: the pipe keeps it alive exactly as long as us.
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        atexit.register(self.stop)  # a failed test must not leave it behind
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not _listens(self.host, self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the broker did not start:\n{self._log.read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it politely; safe to call twice."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it with SIGKILL: what it held in memory is gone."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start it again on the same port, with the same configuration."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(10)
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None


def start_broker(
    tmp_path: Path,
    *,
    port: int | None = None,
    password_file: Path | None = None,
    max_packet_bytes: int | None = None,
    kind: str | None = None,
    certificates: Path | None = None,
    lines: Sequence[str] = (),
) -> Broker:
    """Start a broker on 127.0.0.1.

    Args:
        tmp_path: gets configuration and log.
        port: a free one when None.
        password_file: lines ``user:password`` in plain text; nobody else gets in then.
        max_packet_bytes: largest packet it takes.
        kind: ``mosquitto`` or ``iotcore``; None takes the first of them that is there.
        certificates: from :func:`make_certificates`; mutual TLS then, mosquitto only.
        lines: more of mosquitto's configuration.
    """
    port = port or free_port()
    folder = tmp_path / f"broker-{port}"
    folder.mkdir(parents=True, exist_ok=True)
    if kind is None:
        kind = "mosquitto" if _mosquitto() else "iotcore"
        required = os.environ.get("GRIDPATROL_REQUIRE_REAL_SERVERS") == "1"
        assert kind == "mosquitto" or not required, "mosquitto is required here and missing"
    if kind == "mosquitto":
        command = _mosquitto_command(
            folder, port, password_file, max_packet_bytes, certificates, lines
        )
    else:
        command = _iotcore_command(folder, port, password_file, max_packet_bytes)
    broker = Broker("127.0.0.1", port, kind, command, folder / "log.txt")
    broker.start()
    return broker


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _mosquitto() -> str | None:
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def make_certificates(folder: Path) -> Path:
    """A throw-away CA with a server and a client certificate, by openssl; returns the folder."""
    folder.mkdir(parents=True)

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=CA")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for who in ("server", "client"):
        openssl(
            "req", *new_key, "-keyout", f"{who}.key", "-out", f"{who}.csr", "-subj", f"/CN={who}"
        )
        openssl(
            *("x509", "-req", "-in", f"{who}.csr", "-out", f"{who}.crt", "-CA", "ca.crt"),
            *("-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"),
        )
    return folder


def _mosquitto_command(
    folder: Path,
    port: int,
    password_file: Path | None,
    max_packet_bytes: int | None,
    certificates: Path | None,
    more: Sequence[str],
) -> list[str]:
    lines = [f"listener {port} 127.0.0.1", "persistence false", "log_type all"]
    if os.geteuid() == 0:
        lines.append("user root")  # it would drop to a user who cannot read our folder
    if password_file is None:
        lines.append("allow_anonymous true")
    else:
        hashed = folder / "passwords"
        shutil.copy(password_file, hashed)
        subprocess.run(["mosquitto_passwd", "-U", str(hashed)], check=True)
        lines += ["allow_anonymous false", f"password_file {hashed}"]
    if max_packet_bytes is not None:
        lines.append(f"max_packet_size {max_packet_bytes}")
    if certificates is not None:
        lines += [
            f"cafile {certificates / 'ca.crt'}",
            f"certfile {certificates / 'server.crt'}",
            f"keyfile {certificates / 'server.key'}",
            "require_certificate true",
        ]
    if any(line.startswith("persistence ") for line in more):
        lines.remove("persistence false")
    lines += more
    config = folder / "mosquitto.conf"
    config.write_text("\n".join(lines) + "\n")
    program = _mosquitto()
    assert program is not None
    return [program, "-c", str(config)]


def _iotcore_command(
    folder: Path, port: int, password_file: Path | None, max_packet_bytes: int | None
) -> list[str]:
    # Its defaults listen on every interface and take 20 KB: both are set here.
    config = f"""\
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "v5"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 10000
max_payload_size = {max_packet_bytes or 1_048_576}
max_inflight_count = 100
"""
    if password_file is not None:
        config += "[v5.1.connections.auth]\n"
        for line in password_file.read_text().splitlines():
            user, _, password = line.partition(":")
            config += f"{json.dumps(user)} = {json.dumps(password)}\n"
    path = folder / "iotcore.toml"
    path.write_text(config)
    return [sys.executable, "-m", "iotcore._serve", json.dumps({"config_path": str(path)})]


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.2):
            return True
    except OSError:
        return False
