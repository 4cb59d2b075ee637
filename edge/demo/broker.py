"""An embedded MQTT 5 broker (rumqttd, inside the ``iotcore`` wheel): needs no root.

It keeps messages in memory only. That is enough here, because the outbox keeps every case until
the platform's receipt; production uses mosquitto or a clustered broker.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import Code, GridpatrolError

if TYPE_CHECKING:
    from iotcore import Broker

# MQTT 5 needs a [v5.1] listener; the payload limit defaults to 20 KB and the address to
# 0.0.0.0, so both are set.
_CONFIG = """
id = 0
[router]
id = 0
max_connections = 64
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "v5-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 16777216
max_inflight_count = 200
dynamic_filters = true
"""


def start_broker(folder: Path, port: int) -> Broker:
    """Start the broker on loopback; its ``stop()`` ends the child process.

    Raises:
        GridpatrolError: the ``demo`` extra is not installed, or the port is taken.
    """
    try:
        from iotcore import Broker
    except ImportError as error:
        raise missing_extra("iotcore") from error
    config = folder / "broker.toml"
    config.write_text(_CONFIG.format(port=port), encoding="utf-8")
    broker = Broker(config_path=str(config))
    try:
        return broker.start()
    except (OSError, RuntimeError) as error:
        raise GridpatrolError(
            Code.RUN_PORT, f"127.0.0.1:{port}", str(error), "Free the port and start again"
        ) from error


def missing_extra(package: str) -> GridpatrolError:
    """The error for a demo without its packages."""
    return GridpatrolError(
        Code.RUN_EXTRA,
        "gridpatrol demo",
        f"package {package} is not installed",
        "Run make setup, or install gridpatrol[demo]",
    )
