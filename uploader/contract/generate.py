"""Writes what other teams read: JSON Schemas (2020-12) and an AsyncAPI 3.0 document.

The models are the source; the files are committed so that a reader needs no Python, and
``--check`` keeps the two together.
"""

from __future__ import annotations

import json
from pathlib import Path

from uploader.contract.asyncapi import document
from uploader.contract.messages import EVENTS, VERSION

FOLDER = Path(__file__).parent


def generated() -> dict[Path, str]:
    """Every generated file and what it should hold."""
    files = {FOLDER / "asyncapi.yaml": document()}
    for name, model in EVENTS.items():
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


def freeze() -> Path:
    """Keep today's schemas as those of this version: what comes later is compared with them."""
    folder = FOLDER / "golden" / f"v{VERSION}" / "schemas"
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in generated().items():
        if path.suffix == ".json":
            (folder / path.name).write_text(text, encoding="utf-8")
    return folder


def stale() -> list[Path]:
    """The files that differ from the models or are missing."""
    return [
        path
        for path, text in generated().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
