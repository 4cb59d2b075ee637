"""Writes what other teams read: JSON Schemas (2020-12) and an AsyncAPI 3.0 document.

The models are the source; the files are committed so that a reader needs no Python, and
``--check`` keeps the two together.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from uploader.contract.messages import CaseEvent, ReceiptEvent, StateEvent

FOLDER = Path(__file__).parent
_EVENTS: dict[str, type[BaseModel]] = {
    "case": CaseEvent,
    "receipt": ReceiptEvent,
    "state": StateEvent,
}

_ASYNCAPI = """\
asyncapi: 3.0.0
info:
  title: gridpatrol edge box to central platform
  version: 1.0.0
  description: |
    MQTT 5, QoS 1, CloudEvents 1.0 in structured JSON. A PUBACK says only that the broker has a
    message; a box keeps a case until a receipt `complete` with the same payload_sha256 arrives.
    Fields are only added inside v1; ignore what you do not know.
defaultContentType: application/cloudevents+json
channels:
  case:
    address: '{root}/1/{city}/{node}/up/case'
    description: Case draft revisions. User properties id, sha256 (of the payload) and seq.
    parameters: &box
      root: {description: 'topic root, default gridpatrol'}
      city: {description: 'GB/T 2260 code of the city'}
      node: {description: 'the edge box, [a-z0-9-]{3,32}'}
    messages:
      case: {$ref: '#/components/messages/case'}
  blob:
    address: '{root}/1/{city}/{node}/up/blob/{sha256}'
    description: |
      Evidence files in chunks of raw bytes. User properties offset and total, in bytes. Chunks
      may repeat and arrive in any order; the file counts once its sha256 is right.
    parameters:
      root: {description: 'topic root, default gridpatrol'}
      city: {description: 'GB/T 2260 code of the city'}
      node: {description: 'the edge box, [a-z0-9-]{3,32}'}
      sha256: {description: 'lower-case hex digest of the whole file'}
    messages:
      chunk: {$ref: '#/components/messages/chunk'}
  state:
    address: '{root}/1/{city}/{node}/up/state'
    description: Retained presence; also the Will. Ignore an offline of an older session.
    parameters: *box
    messages:
      state: {$ref: '#/components/messages/state'}
  receipt:
    address: '{root}/1/{city}/{node}/dn/receipt'
    description: Application receipts, published after the platform's own commit.
    parameters: *box
    messages:
      receipt: {$ref: '#/components/messages/receipt'}
operations:
  sendCase: {action: send, channel: {$ref: '#/channels/case'}}
  sendEvidence: {action: send, channel: {$ref: '#/channels/blob'}}
  sendState: {action: send, channel: {$ref: '#/channels/state'}}
  receiveReceipt: {action: receive, channel: {$ref: '#/channels/receipt'}}
components:
  messages:
    case: {payload: {$ref: './schemas/case.schema.json'}}
    receipt: {payload: {$ref: './schemas/receipt.schema.json'}}
    state: {payload: {$ref: './schemas/state.schema.json'}}
    chunk:
      contentType: application/octet-stream
      payload: {type: string, format: binary}
"""


def generated() -> dict[Path, str]:
    """Every generated file and what it should hold."""
    files = {FOLDER / "asyncapi.yaml": _ASYNCAPI}
    for name, model in _EVENTS.items():
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:gridpatrol:schema:{name}:v1",
            **model.model_json_schema(),
        }
        text = json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
        files[FOLDER / "schemas" / f"{name}.schema.json"] = text
    return files


def write() -> None:
    """Bring the files up to date with the models."""
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def stale() -> list[Path]:
    """The files that differ from the models or are missing."""
    return [
        path
        for path, text in generated().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
