"""A mapping file: which fact of a case goes into which field of the city's message."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from edge.config.section import Section
from edge.errors import Code, ConfigError, ContractError
from uploader.bridge.facts import NAMES, Facts, Value

_FACT = re.compile(r"\{([a-z0-9_]+(?:\.[A-Za-z0-9_]+)?)\}")
ModelT = TypeVar("ModelT", bound=BaseModel)
Fields = dict[str, str | int | float]


class Lookup(Section):
    """A table of the city's dictionary; see the head of ``v22.toml``."""

    source: tuple[str, ...]
    needed: bool = False
    rows: dict[str, dict[str, str | int | float]] = Field(default_factory=dict)


class UnmappedError(ContractError):
    """The mapping lacks a row for this case; it names the key that is missing."""


def read_mapping(model: type[ModelT], shipped: str, site: Path | None) -> ModelT:
    """The shipped mapping with a site's own values laid over it, table by table.

    Args:
        model: what it must fit.
        shipped: name of the file beside this module.
        site: the site's file; None: there is none.

    Raises:
        ConfigError: a file cannot be read, or a key or value is not allowed (BRG-001).
    """
    text = files("uploader.bridge").joinpath(shipped).read_text(encoding="utf-8")
    merged: dict[str, Any] = tomllib.loads(text)
    if site is not None:
        try:
            merged = _over(merged, tomllib.loads(site.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise wrong(str(site), str(error)) from error
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(step) for step in first["loc"])
        raise wrong(f"{site or shipped} {key}", first["msg"]) from None


def _over(base: dict[str, Any], site: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, theirs in site.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(theirs, dict):
            merged[key] = _over(below, theirs)
        else:
            merged[key] = theirs
    return merged


def wrong(where: str, what: str) -> ConfigError:
    """A mapping that must not be used (BRG-001)."""
    return ConfigError(
        Code.BRG_MAPPING, where, what, "See uploader/bridge for the shipped mapping it is laid over"
    )


def check_names(
    fields: Mapping[str, Fields],
    names: Mapping[str, frozenset[str]],
    constants: Mapping[str, object],
    lookups: Mapping[str, Lookup],
    at: str,
) -> None:
    """Whatever ``{…}`` names must be there before the first case comes.

    Args:
        fields: of each message.
        names: facts that each message may use.
        constants, lookups: tables of the mapping.
        at: file, for the error.

    Raises:
        ConfigError: something is not there; it is named (BRG-001).
    """
    for call, table in fields.items():
        for field, text in table.items():
            for name in _FACT.findall(str(text)):
                head, _, key = name.partition(".")
                if head == "constant" and key not in constants:
                    raise wrong(at, f"constant.{key} is missing: {call} needs it for {field}")
                if key and head != "constant" and head not in lookups:
                    raise wrong(at, f"fields.{call}.{field}: there is no [lookup.{head}]")
                if not key and name not in names[call]:
                    raise wrong(at, f"fields.{call}.{field}: {call} knows no {{{name}}}")
    for table_name, lookup in lookups.items():
        for name in set(lookup.source) - NAMES:
            raise wrong(at, f"lookup.{table_name}.source: there is no fact {name}")


class Words:
    """Puts facts into fields.

    Args:
        constants: the same for every case.
        lookups: tables by name.
        longest: most characters by field.
    """

    def __init__(
        self,
        constants: Mapping[str, str | int | float],
        lookups: Mapping[str, Lookup],
        longest: Mapping[str, int],
    ) -> None:
        self._constants = constants
        self._lookups = lookups
        self._longest = longest

    def fill(self, fields: Fields, facts: Facts) -> dict[str, Any]:
        """The fields of a message; those without a value are left out.

        Raises:
            UnmappedError: a table that is needed has no row for the case (BRG-001).
        """
        filled = {}
        for field, text in fields.items():
            value = self._value(text, facts) if isinstance(text, str) else text
            if isinstance(value, str):
                value = value[: self._longest.get(field, len(value))]
            if value is not None and value != "":
                filled[field] = value
        return filled

    def _value(self, text: str, facts: Facts) -> Value:
        whole = _FACT.fullmatch(text)
        if whole:
            return self._fact(whole[1], facts)

        def spoken(found: re.Match[str]) -> str:
            value = self._fact(found[1], facts)
            return "" if value is None else str(value)

        return _FACT.sub(spoken, text)

    def _fact(self, name: str, facts: Facts) -> Value:
        table, _, key = name.partition(".")
        if not key:
            return facts[name]
        if table == "constant":
            return self._constants[key]
        return self._row(table, facts).get(key)

    def _row(self, table: str, facts: Facts) -> Mapping[str, str | int | float]:
        lookup = self._lookups[table]
        keys = dict.fromkeys(str(facts[name]) for name in lookup.source if facts.get(name))
        for key in keys:
            if key in lookup.rows:
                return lookup.rows[key]
        if not lookup.needed:
            return {}
        asked = " or ".join(f'lookup.{table}.rows."{key}"' for key in keys) or f"lookup.{table}"
        raise UnmappedError(
            Code.BRG_MAPPING,
            f"case {facts['case_id']}",
            f"the mapping has no {asked}",
            "Add the city's ids under that key and start the bridge again; the case waits",
        )
