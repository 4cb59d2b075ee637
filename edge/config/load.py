"""Read the one YAML file; refuse it with file, line, field and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from edge.config.model import MqttSettings, Settings, TlsSettings
from edge.config.secrets import resolve
from edge.errors import Code, ConfigError

Location = tuple[int | str, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)


class ConfigFaultsError(ConfigError):
    """Everything that is wrong with a file, so that one pass mends it.

    Attributes:
        problems: one error for each fault, in file order.
    """

    def __init__(self, problems: Sequence[ConfigError]) -> None:
        first = problems[0]
        super().__init__(first.code, first.where, first.what, first.fix)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def read_text(path: Path, fix: str) -> str:
    """The text of a file that the operator named; ``fix`` says what to do when it has none.

    Raises:
        ConfigError: it cannot be read, or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(Code.CFG_FILE, str(path), f"cannot be read ({reason})", fix) from error


def load_settings(path: Path) -> Settings:
    """Read, check and resolve a configuration file.

    Relative paths inside the file are taken from the file's folder.

    Raises:
        ConfigError: the file is missing, is no YAML, or holds a key or value that is not allowed.
    """
    return _anchor_paths(load_model(path, Settings), path.resolve().parent)


def load_model(path: Path, model: type[ModelT]) -> ModelT:
    """A YAML file as one of our models, its secrets resolved; paths in it are left alone.

    Raises:
        ConfigError: as :func:`load_settings`.
    """
    text = read_text(path, "Give an existing YAML file with --config")
    document = _parse(text, path)
    resolved = _resolve_all(document, document, path, ())
    try:
        return model.model_validate(resolved)
    except ValidationError as error:
        raise ConfigFaultsError(_explain(error, document, path, model)) from None


def _parse(text: str, path: Path) -> Any:
    reader = YAML(typ="rt")
    reader.allow_duplicate_keys = False
    try:
        document = reader.load(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = (error.problem or "not valid YAML").splitlines()[0]
        raise ConfigError(Code.CFG_SYNTAX, where, problem, "Mend the YAML at that line") from error
    except YAMLError as error:
        problem = str(error).splitlines()[0]
        raise ConfigError(Code.CFG_SYNTAX, str(path), problem, "Mend the YAML") from error
    if not isinstance(document, Mapping):
        raise ConfigError(
            Code.CFG_SYNTAX, str(path), "no settings in it", "Start from configs/gridpatrol.yaml"
        )
    return document


def _resolve_all(node: Any, root: Any, path: Path, location: Location) -> Any:
    """A plain copy of the document with every secret reference replaced."""
    if isinstance(node, Mapping):
        return {
            str(key): _resolve_all(value, root, path, (*location, str(key)))
            for key, value in node.items()
        }
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [
            _resolve_all(value, root, path, (*location, index)) for index, value in enumerate(node)
        ]
    if isinstance(node, str):
        return resolve(str(node), _where(root, path, location))
    return node


def _explain(
    error: ValidationError, document: Any, path: Path, model: type[BaseModel]
) -> list[ConfigError]:
    faults = error.errors(include_url=False, include_input=False)
    return [
        ConfigError(
            _code_of(str(fault["loc"][-1]) if fault["loc"] else "", fault["msg"]),
            _where(document, path, fault["loc"]),
            _words(fault["type"], fault["msg"]),
            _advice(fault["type"], fault["loc"], model),
        )
        for fault in faults
        if not _follows_from_another(fault["type"], fault["loc"], [f["loc"] for f in faults])
    ]


def _follows_from_another(kind: str, location: Location, all_locations: list[Location]) -> bool:
    """A list is also called too short when its only entry is bad: that is one fault, not two."""
    return kind == "too_short" and any(
        len(other) > len(location) and other[: len(location)] == location for other in all_locations
    )


def _words(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "missing":
        return "required, but missing"
    return message.removeprefix("Value error, ")


def _advice(kind: str, location: Location, model: type[BaseModel]) -> str:
    owner = _model_at(location[:-1], model)
    if kind == "extra_forbidden" and owner is not None:
        return f"Allowed here: {', '.join(owner)}"
    if model is not Settings:
        return "See docs/platform.md for what is allowed"
    return "See configs/gridpatrol.yaml for what is allowed"


def _code_of(field: str, message: str) -> Code:
    if "zone" in message and ("corner" in message or "crosses" in message or "empty" in message):
        return Code.CFG_ZONE
    if "used twice" in message:
        return Code.CFG_DUPLICATE
    if field == "watch":
        return Code.CFG_CATEGORY
    return Code.CFG_FIELD


def _model_at(location: Location, model: type[BaseModel]) -> list[str] | None:
    """Names allowed in the section that a location points to."""
    schema = model.model_json_schema()
    node: dict[str, Any] = schema
    for step in location:
        node = _dereference(node, schema)
        node = node.get("items", {}) if isinstance(step, int) else _property(node, step)
    node = _dereference(node, schema)
    return list(node["properties"]) if "properties" in node else None


def _property(node: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = node.get("properties", {}).get(name, {})
    return found


def _dereference(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    for option in node.get("anyOf", ()):
        if "$ref" in option:
            node = option
    if "$ref" in node:
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        found: dict[str, Any] = schema["$defs"][name]
        return found
    return node


def _where(document: Any, path: Path, location: Location) -> str:
    """``file:line field.path`` of a location, as near as the document allows."""
    node, line = document, 1
    for step in location:
        try:
            marks = node.lc
            position = marks.key(step) if isinstance(node, Mapping) else marks.item(step)
            line = position[0] + 1
            node = node[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return f"{path}:{line} {_dotted(location)}".rstrip()


def _dotted(location: Location) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".")


def _anchor_paths(settings: Settings, folder: Path) -> Settings:
    """Relative paths are relative to the file that names them, not to where one happens to be."""
    box = settings.box.model_copy(update={"state_dir": folder / settings.box.state_dir})
    grid = settings.grid.model_copy(update={"cells": folder / settings.grid.cells})
    if not grid.cells.is_file():
        raise ConfigError(
            Code.CFG_GRID, str(grid.cells), "no such file", "Point grid.cells at a GeoJSON file"
        )
    objects = settings.detectors.object
    if objects.models_dir is not None:
        objects = objects.model_copy(update={"models_dir": folder / objects.models_dir})
    text = settings.detectors.text
    if text.patterns is not None:
        text = text.model_copy(update={"patterns": folder / text.patterns})
    detectors = settings.detectors.model_copy(update={"object": objects, "text": text})
    cases = settings.cases
    if cases.owners is not None:
        cases = cases.model_copy(update={"owners": folder / cases.owners})
    console = settings.console
    if console.tls is not None:
        pair = {name: folder / getattr(console.tls, name) for name in ("cert", "key")}
        console = console.model_copy(update={"tls": console.tls.model_copy(update=pair)})
    anchored = {
        "box": box,
        "grid": grid,
        "detectors": detectors,
        "cases": cases,
        "console": console,
    }
    return settings.model_copy(update={**anchored, "mqtt": _anchor_keys(settings.mqtt, folder)})


def _anchor_keys(mqtt: MqttSettings, folder: Path) -> MqttSettings:
    trusted = tuple(folder / key for key in mqtt.trusted_keys)
    if mqtt.tls is None:
        return mqtt.model_copy(update={"trusted_keys": trusted})
    files = ((name, getattr(mqtt.tls, name)) for name in TlsSettings.model_fields)
    tls = mqtt.tls.model_copy(update={name: folder / path for name, path in files if path})
    return mqtt.model_copy(update={"trusted_keys": trusted, "tls": tls})
