"""The published contract and the code say the same."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from edge.errors import ContractError
from tests.contract.golden import golden_messages
from uploader.contract import generate
from uploader.contract.messages import CaseEvent, ReceiptEvent, StateEvent, read
from uploader.topics import BoxTopics, read_up

_GOLDEN = generate.FOLDER / "golden" / "v1"
_MODELS: dict[str, type[CaseEvent] | type[ReceiptEvent] | type[StateEvent]] = {
    "case": CaseEvent,
    "receipt": ReceiptEvent,
    "state": StateEvent,
}
_FILES = sorted(_GOLDEN.glob("*.json"))


def schema_of(path: Path) -> dict[str, Any]:
    """The published schema of a golden message."""
    name = path.name.partition("-")[0]
    found = json.loads((generate.FOLDER / "schemas" / f"{name}.schema.json").read_text())
    assert isinstance(found, dict)
    return found


def model_of(path: Path) -> type[CaseEvent] | type[ReceiptEvent] | type[StateEvent]:
    """The model of a golden message."""
    return _MODELS[path.name.partition("-")[0]]


def accepted(path: Path, message: dict[str, Any]) -> tuple[bool, bool]:
    """What JSON Schema and the model say."""
    by_schema = jsonschema.Draft202012Validator(schema_of(path)).is_valid(message)
    try:
        read(model_of(path), json.dumps(message).encode(), path.name)  # type: ignore[type-var]  # a union of the three
    except ContractError:
        return by_schema, False
    return by_schema, True


def test_generated_files_are_in_step() -> None:
    """``--check`` passes on what is committed."""
    done = subprocess.run([sys.executable, "-m", "uploader.contract", "--check"], check=False)
    assert done.returncode == 0


def test_check_notices_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One changed character in one schema is named."""
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    generate.write()
    assert generate.stale() == []
    schema = tmp_path / "schemas" / "case.schema.json"
    schema.write_text(schema.read_text().replace("4000", "4001", 1))
    assert generate.stale() == [schema]


def test_schemas_are_valid_2020_12() -> None:
    """The schemas are schemas."""
    for name in _MODELS:
        schema = json.loads((generate.FOLDER / "schemas" / f"{name}.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)


def test_there_are_golden_messages() -> None:
    """Guards the tests below against an empty folder."""
    assert {path.name.partition("-")[0] for path in _FILES} == set(_MODELS)


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_golden_messages_are_accepted(path: Path) -> None:
    """Schema and model take every golden message, also with fields of a later version."""
    message = json.loads(path.read_text())
    assert accepted(path, message) == (True, True)
    message["added_later"] = {"x": 1}
    message["data"]["added_later"] = [1, 2]
    assert accepted(path, message) == (True, True)


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_golden_messages_are_what_we_write(path: Path) -> None:
    """Today's code still writes the golden messages, and reading loses nothing."""
    message = json.loads(path.read_text())
    assert json.loads(golden_messages()[path.stem].to_bytes()) == message
    assert json.loads(model_of(path).model_validate_json(path.read_bytes()).to_bytes()) == message


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_every_field_is_required(path: Path) -> None:
    """Schema and model agree that no field may be left out."""
    whole = json.loads(path.read_text())
    for part, name in [(None, n) for n in whole] + [("data", n) for n in whole["data"]]:
        message = copy.deepcopy(whole)
        del (message[part] if part else message)[name]
        assert accepted(path, message) == (False, False), f"{part}.{name}"


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("data.revision", "3"),
        ("data.revision", 0),
        ("data.status", "closed"),
        ("data.score", 1.2),
        ("data.category.codes", []),
        ("data.location.datum", "GCJ-02"),
        ("data.case_id", "../../etc/passwd"),
        ("data.evidence.0.sha256", "ABC"),
        ("data.evidence.0.bytes", 0),
        ("data.title.zh", None),
        ("specversion", "0.3"),
        ("type", "cn.gridpatrol.case.v2"),
        ("seq", 2**31),
    ],
)
def test_misfits_are_refused_by_both(where: str, value: object) -> None:
    """Schema and model refuse the same."""
    path = _GOLDEN / "case-new.json"
    message = json.loads(path.read_text())
    *parents, last = where.split(".")
    part = message
    for name in parents:
        part = part[int(name)] if isinstance(part, list) else part[name]
    part[last] = value
    assert accepted(path, message) == (False, False)


def test_times_without_a_zone_are_refused() -> None:
    """A local time means nothing on the other side."""
    message = json.loads((_GOLDEN / "case-new.json").read_text())
    message["data"]["first_seen"] = "2026-11-24T12:00:00"
    with pytest.raises(ContractError, match="first_seen"):
        read(CaseEvent, json.dumps(message).encode(), "test")


def test_asyncapi_names_our_topics_and_schemas() -> None:
    """The document parses, its addresses are the code's topics, its references exist."""
    text = (generate.FOLDER / "asyncapi.yaml").read_text()
    document = YAML(typ="safe").load(text)
    assert document["asyncapi"] == "3.0.0"
    box = BoxTopics("gridpatrol", "420111", "box-07")
    expected = {
        "case": box.case,
        "blob": box.blob("a" * 64),
        "state": box.state,
        "receipt": box.receipt,
    }
    values = {"root": "gridpatrol", "city": "420111", "node": "box-07", "sha256": "a" * 64}
    addresses = {
        name: re.sub(r"\{(\w+)\}", lambda m: values[m[1]], channel["address"])
        for name, channel in document["channels"].items()
    }
    assert addresses == expected
    for reference in re.findall(r"'(\./schemas/[^']+)'", text):
        assert (generate.FOLDER / reference).is_file()


def test_topics_are_read_back() -> None:
    """What a box writes the platform can take apart, and nothing else."""
    box = BoxTopics("gridpatrol", "420111", "box-07")
    for topic, what in ((box.case, "case"), (box.blob("a" * 64), "blob"), (box.state, "state")):
        found = read_up(topic)
        assert found is not None
        assert (found.box, found.what) == (box, what)
    for topic in (box.receipt, box.case + "/x", box.blob("a" * 63), "a/1/b/c/up/case", ""):
        assert read_up(topic) is None
