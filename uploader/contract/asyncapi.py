"""The AsyncAPI 3.0 document, built from one table of channels.

It is written from the box's side: ``send`` is what a box publishes. MQTT user properties are the
``headers`` of a message, as the MQTT message binding 0.2.0 has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from uploader.contract.envelope import CONTENT_TYPE, VERSION

_DESCRIPTION = """\
MQTT 5, QoS 1, CloudEvents 1.0 in structured JSON. A PUBACK says only that the broker has a
message; a box keeps a case or reply until a receipt with the same payload_sha256 arrives.
Inside v1 fields are only added: ignore what you do not know. Words (status, role, result) may
be added too: the schemas say what to take an unknown one for.
"""
_PARAMETERS = {
    "root": "topic root, default gridpatrol",
    "city": "GB/T 2260 code of the city",
    "node": "the edge box, [a-z0-9-]{3,32}: certificate CN, client id and box.id",
    "sha256": "lower-case hex digest of the whole file",
    "cell": "unit grid cell code (单元网格标识码)",
}
_BOX = "{root}/1/{city}/{node}/"


@dataclass(frozen=True, slots=True)
class _Channel:
    """One topic; ``reply`` names the channel of the answer."""

    name: str
    address: str
    says: str
    action: Literal["send", "receive"]
    retain: bool = False
    reply: str | None = None


_CHANNELS = (
    _Channel(
        "case",
        _BOX + "up/case",
        "Case draft revisions; each is answered by a receipt.",
        "send",
        reply="receipt",
    ),
    _Channel(
        "blob",
        _BOX + "up/blob/{sha256}",
        "Evidence files without a url, in chunks of raw bytes. Chunks may repeat and arrive in any"
        " order; the file counts once its sha256 is right.",
        "send",
    ),
    _Channel(
        "reply",
        _BOX + "up/reply",
        "The one answer to each request; answered by a receipt like a case.",
        "send",
        reply="receipt",
    ),
    _Channel(
        "state",
        _BOX + "up/state",
        "Presence; also the Will. Ignore an offline of an older session.",
        "send",
        retain=True,
    ),
    _Channel("reported", _BOX + "up/reported", "The configuration in force.", "send", retain=True),
    _Channel(
        "checkpoint",
        _BOX + "up/checkpoint",
        "How long the box's evidence chain is. Keep every one.",
        "send",
        retain=True,
    ),
    _Channel(
        "receipt",
        _BOX + "dn/receipt",
        "Application receipts, published after the platform's own commit.",
        "receive",
    ),
    _Channel(
        "request",
        _BOX + "dn/request",
        "Verify, look or feedback. Correlation Data, when given, comes back with the reply;"
        " a Response Topic must be the box's own up/reply.",
        "receive",
        reply="reply",
    ),
    _Channel(
        "desired",
        _BOX + "dn/desired",
        "The configuration that the box should run.",
        "receive",
        retain=True,
        reply="reported",
    ),
    _Channel(
        "known",
        "{root}/1/{city}/host/known/{cell}",
        "The platform's open cases in one grid cell; an empty payload clears it.",
        "receive",
        retain=True,
    ),
)

_SERVER = {
    "host": "broker.example.org:8883",
    "protocol": "mqtts",
    "protocolVersion": "5",
    "description": "The city's broker; a shared or clustered one will do.",
    "security": [{"$ref": "#/components/securitySchemes/certificate"}],
    "bindings": {"mqtt": {"cleanSession": True, "keepAlive": 30, "bindingVersion": "0.2.0"}},
}


def document() -> str:
    """The whole document as YAML."""
    tree = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "gridpatrol edge box to central platform",
            "version": f"{VERSION}.0",
            "description": LiteralScalarString(_DESCRIPTION),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {"broker": _SERVER},
        "channels": {channel.name: _channel(channel) for channel in _CHANNELS},
        "operations": {
            f"{channel.action}{channel.name.capitalize()}": _operation(channel)
            for channel in _CHANNELS
        },
        "components": {
            "messages": {channel.name: _message(channel) for channel in _CHANNELS},
            "schemas": {"userProperties": _user_properties(), "chunkProperties": _CHUNK},
            "correlationIds": {
                "request": {
                    "description": "pairs a reply with its request",
                    "location": "$message.payload#/data/request_id",
                }
            },
            "securitySchemes": {
                "certificate": {"type": "X509", "description": "common name = box.id = client id"}
            },
        },
    }
    out = StringIO()
    writer = YAML()
    writer.width = 100
    writer.dump(tree, out)
    return out.getvalue()


def _channel(channel: _Channel) -> dict[str, Any]:
    return {
        "address": channel.address,
        "description": channel.says,
        "parameters": {
            name: {"description": says}
            for name, says in _PARAMETERS.items()
            if f"{{{name}}}" in channel.address
        },
        "messages": {channel.name: _ref(f"#/components/messages/{channel.name}")},
    }


def _operation(channel: _Channel) -> dict[str, Any]:
    found: dict[str, Any] = {
        "action": channel.action,
        "channel": _ref(f"#/channels/{channel.name}"),
        "messages": [_ref(f"#/channels/{channel.name}/messages/{channel.name}")],
        "bindings": {"mqtt": {"qos": 1, "retain": channel.retain, "bindingVersion": "0.2.0"}},
    }
    if channel.reply is not None:
        found["reply"] = {
            "channel": _ref(f"#/channels/{channel.reply}"),
            "messages": [_ref(f"#/channels/{channel.reply}/messages/{channel.reply}")],
        }
    return found


def _message(channel: _Channel) -> dict[str, Any]:
    if channel.name == "blob":
        return {
            "summary": "One piece of a file; Content Type is the file's media type.",
            "contentType": "application/octet-stream",
            "headers": _ref("#/components/schemas/chunkProperties"),
            "payload": {"type": "string", "format": "binary"},
            "bindings": {"mqtt": {"payloadFormatIndicator": 0, "bindingVersion": "0.2.0"}},
        }
    pairs = {"correlationId": _ref("#/components/correlationIds/request")}
    return {
        "contentType": CONTENT_TYPE,
        **(pairs if channel.name in ("request", "reply") else {}),
        "headers": _ref("#/components/schemas/userProperties"),
        "payload": _ref(f"./schemas/{channel.name}.schema.json"),
        "bindings": {
            "mqtt": {
                "payloadFormatIndicator": 1,
                "contentType": CONTENT_TYPE,
                "bindingVersion": "0.2.0",
            }
        },
    }


def _ref(to: str) -> dict[str, str]:
    return {"$ref": to}


def _user_properties() -> dict[str, Any]:
    words = {
        "id": "CloudEvents id",
        "source": "CloudEvents source",
        "type": "CloudEvents type",
        "schema": f"version of the contract, {VERSION} here",
        "sha256": "hex digest of the payload bytes",
        "seq": "as in the payload, where it has one: counts what the box sent, without gaps",
        "traceparent": "W3C trace context, the same at every attempt",
        "historical": "1 when it waited for more than a minute, or for a restart",
        "kid": "which key signed; absent without a key",
        "sig": "Ed25519 signature over the payload bytes, base64",
    }
    return {
        "type": "object",
        "description": "MQTT 5 user properties",
        "properties": {
            name: {"type": "string", "description": says} for name, says in words.items()
        },
        "required": ["id", "source", "type", "schema", "sha256", "traceparent"],
    }


_CHUNK = {
    "type": "object",
    "description": "MQTT 5 user properties",
    "properties": {
        "offset": {"type": "string", "description": "of the piece in the file, bytes"},
        "total": {"type": "string", "description": "size of the whole file, bytes"},
    },
    "required": ["offset", "total"],
}
