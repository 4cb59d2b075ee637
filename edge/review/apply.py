"""Write a zone's ``min_score`` into the operator's YAML: comments stay, and nothing unasked."""

from __future__ import annotations

import difflib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from edge.config.load import load_settings
from edge.errors import Code, ReviewError
from edge.sqlite import as_store_error

Thresholds = Mapping[tuple[str, str], float]
_SCALAR = re.compile(r""""[^"]*"|'[^']*'|[^\s,#}]+""")


def with_thresholds(path: Path, wanted: Thresholds) -> str:
    """The text of the file with ``min_score`` of each (camera, zone) set; nothing is written.

    Raises:
        ReviewError: the file cannot be read, or has no such camera or zone.
    """
    text = _read(path)
    for (camera_id, zone_id), score in wanted.items():
        text = _set(text, _zone(text, camera_id, zone_id, path), score)
        if _zone(text, camera_id, zone_id, path).get("min_score") != score:
            raise _unfit(path, f"min_score of {camera_id}/{zone_id} cannot be set; set it by hand")
    return text


def _zone(text: str, camera_id: str, zone_id: str, path: Path) -> Any:
    try:
        document = YAML(typ="rt").load(text)
    except YAMLError as error:
        raise _unfit(path, str(error).splitlines()[0]) from error
    return _by_id(_by_id(document, "cameras", camera_id, path), "zones", zone_id, path)


def _set(text: str, zone: Any, score: float) -> str:
    """Change the one number, or add it after the zone's id; not a byte more."""
    lines = text.splitlines(keepends=True)
    if "min_score" in zone:
        number, column = zone.lc.value("min_score")
        lines[number] = lines[number][:column] + _SCALAR.sub(
            f"{score:g}", lines[number][column:], count=1
        )
    elif zone.fa.flow_style():
        number, column = zone.lc.value("id")
        lines[number] = lines[number][:column] + _SCALAR.sub(
            rf"\g<0>, min_score: {score:g}", lines[number][column:], count=1
        )
    else:
        number, column = zone.lc.key("id")
        line = lines[number]
        ending = "\r\n" if line.endswith("\r\n") else "\n"
        lines[number] = line.rstrip("\r\n") + ending
        lines.insert(number + 1, f"{' ' * column}min_score: {score:g}{ending}")
    return "".join(lines)


def difference(path: Path, changed: str) -> str:
    """What would change, as a unified diff; empty when nothing would."""
    lines = difflib.unified_diff(
        _read(path).splitlines(keepends=True),
        changed.splitlines(keepends=True),
        str(path),
        f"{path} (proposed)",
        n=1,
    )
    return "".join(lines)


def write(path: Path, changed: str) -> None:
    """Replace the file, whole or not at all; the old one is kept beside it as ``*.before``.

    Raises:
        GridpatrolError: the changed file would not load, or the disk refused; nothing changed.
    """
    trial = path.with_name(f".{path.name}.trial")
    try:
        trial.write_bytes(changed.encode())
        shutil.copymode(path, trial)
        load_settings(trial)
        shutil.copy2(path, path.with_name(f"{path.name}.before"))
        with trial.open("rb") as file:
            os.fsync(file.fileno())
        trial.replace(path)
    except OSError as error:
        raise as_store_error(path, error) from error
    finally:
        trial.unlink(missing_ok=True)


def _by_id(owner: Any, key: str, name: str, path: Path) -> Any:
    entries = owner.get(key) if isinstance(owner, Mapping) else None
    for entry in entries if isinstance(entries, Sequence) else ():
        if isinstance(entry, Mapping) and entry.get("id") == name:
            return entry
    raise _unfit(path, f"{key} has no {name!r}")


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")  # line ends as they are
    except (OSError, UnicodeDecodeError) as error:
        raise _unfit(path, str(error)) from error


def _unfit(path: Path, what: str) -> ReviewError:
    return ReviewError(Code.REV_ZONE, str(path), what, "Run gridpatrol review propose again")
