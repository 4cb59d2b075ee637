"""The published contract and the code say the same."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edge.errors import ConfigError, ContractError
from tests.contract.golden import FOLDER, golden_messages
from uploader.contract import generate
from uploader.contract.messages import EVENTS, CaseEvent, Event, read
from uploader.contract.properties import user_properties
from uploader.topics import BoxTopics, read_down, read_up

_GOLDEN = FOLDER
_FILES = sorted(_GOLDEN.glob("*.json"))


def schema_of(path: Path) -> dict[str, Any]:
    """The published schema of a golden message."""
    name = path.stem.partition("-")[0]
    found = json.loads((generate.FOLDER / "schemas" / f"{name}.schema.json").read_text())
    assert isinstance(found, dict)
    return found


def model_of(path: Path) -> type[Event]:
    """The model of a golden message."""
    return EVENTS[path.stem.partition("-")[0]]


def accepted(path: Path, message: dict[str, Any]) -> tuple[bool, bool]:
    """What JSON Schema and the model say."""
    by_schema = jsonschema.Draft202012Validator(schema_of(path)).is_valid(message)
    try:
        read(model_of(path), json.dumps(message).encode(), path.name)
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
    for name in EVENTS:
        schema = json.loads((generate.FOLDER / "schemas" / f"{name}.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)


def test_there_are_golden_messages() -> None:
    """Guards the tests below against an empty folder."""
    assert {path.stem.partition("-")[0] for path in _FILES} == set(EVENTS)


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
def test_schema_and_model_agree_on_what_may_be_left_out(path: Path) -> None:
    """Field by field: a message without it is good for both or for neither."""
    whole = json.loads(path.read_text())
    for part, name in [(None, n) for n in whole] + [("data", n) for n in whole["data"]]:
        message = copy.deepcopy(whole)
        del (message[part] if part else message)[name]
        by_schema, by_model = accepted(path, message)
        assert by_schema == by_model, f"{part}.{name}"


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("data.revision", "3"),
        ("data.revision", 0),
        ("data.status", "Closed"),
        ("data.score", 1.2),
        ("data.category.codes", []),
        ("data.location.datum", "GCJ-02"),
        ("data.case_id", "../../etc/passwd"),
        ("data.evidence.0.sha256", "ABC"),
        ("data.evidence.0.bytes", 0),
        ("data.title.zh", None),
        ("specversion", "0.3"),
        ("type", "cn.gridpatrol.case.v2"),
        ("seq", 2**63),
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


def test_topics_are_read_back() -> None:
    """What a box writes the platform can take apart, what the platform writes the box, no more."""
    box = BoxTopics("gridpatrol", "420111", "box-07")
    up = {
        "case": box.case,
        "blob": box.blob("a" * 64),
        "state": box.state,
        "reply": box.reply,
        "reported": box.reported,
        "checkpoint": box.checkpoint,
    }
    down = {
        "receipt": box.receipt,
        "request": box.request,
        "desired": box.desired,
        "known": box.known("420111001002001"),
    }
    for what, topic in up.items():
        found = read_up(topic)
        assert found is not None
        assert (found.box, found.what) == (box, what)
        assert read_down(topic, box) is None
    for what, topic in down.items():
        heard = read_down(topic, box)
        assert heard is not None
        assert (heard.what, heard.cell) == (what, "420111001002001" if what == "known" else "")
        assert read_up(topic) is None
    for topic in (
        box.case + "/x",
        box.blob("a" * 63),
        "a/1/b/c/up/case",
        "r/1/420111/host/up/case",
    ):
        assert read_up(topic) is None
    other = BoxTopics("gridpatrol", "420111", "box-08")
    assert read_down(other.request, box) is None
    assert (
        read_down(BoxTopics("gridpatrol", "420112", "box-07").known("420112001002001"), box) is None
    )


@pytest.mark.parametrize("name", ["host", "platform"])
def test_no_box_is_called_like_the_platform(name: str) -> None:
    """Its branch, or its name on the broker, would be the platform's."""
    with pytest.raises(ConfigError, match=name):
        BoxTopics("gridpatrol", "420111", name)
    assert read_up(f"gridpatrol/1/420111/{name}/up/case") is None
    assert BoxTopics("gridpatrol", "420111", f"{name}-1").case


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_user_properties_say_what_the_payload_says(path: Path) -> None:
    """And are the same at every attempt."""
    message = golden_messages()[path.stem]
    payload = message.to_bytes()
    found = user_properties(payload)
    tree = json.loads(payload)
    assert {name: found[name] for name in ("id", "source", "type")} == {
        name: tree[name] for name in ("id", "source", "type")
    }
    assert found["sha256"] == hashlib.sha256(payload).hexdigest()
    assert found.get("seq") == (str(tree["seq"]) if "seq" in tree else None)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", found["traceparent"])
    assert user_properties(payload) == found


def test_a_request_and_its_reply_are_one_trace() -> None:
    """As are all revisions of a case."""
    trace = {
        name: user_properties(message.to_bytes())["traceparent"].split("-")[1]
        for name, message in golden_messages().items()
    }
    assert trace["request-verify"] == trace["reply-gone"]
    assert trace["case-new"] == trace["case-gone"] == trace["receipt-complete"]
    assert trace["case-new"] != trace["request-verify"]
