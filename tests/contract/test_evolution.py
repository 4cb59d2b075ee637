"""Old and new understand each other: the messages and schemas of 1.0 are kept as they were."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from edge.errors import ContractError
from tests.contract.golden import golden_messages
from uploader.contract import generate
from uploader.contract.messages import (
    EVENTS,
    CaseEvent,
    ReceiptEvent,
    ReplyEvent,
    ReportedEvent,
    RequestEvent,
    read,
)

_GOLDEN = generate.FOLDER / "golden"
_FROZEN = sorted(_GOLDEN.glob("v*/schemas/*.schema.json"))
_MESSAGES = sorted(_GOLDEN.glob("v*/*.json"))


def version_of(path: Path) -> str:
    """Of a golden message or a frozen schema: ``v1.0``."""
    return path.relative_to(_GOLDEN).parts[0]


def kind_of(path: Path) -> str:
    """Which event a golden message or a frozen schema is of."""
    return path.name.partition(".")[0].partition("-")[0]


def name_of(path: Path) -> str:
    """Of a test case: ``v1.0-case-new``."""
    return f"{version_of(path)}-{path.name.partition('.')[0]}"


def test_every_version_is_kept() -> None:
    """Guards the tests below against an empty list; a version is frozen when it is released."""
    assert {version_of(path) for path in _FROZEN} == {"v1.0", "v1.1", "v1.2"}
    assert {version_of(path) for path in _MESSAGES} == {"v1.0", "v1.1", "v1.2"}


@pytest.mark.parametrize("path", _MESSAGES, ids=name_of)
def test_todays_reader_takes_the_messages_of_every_version(path: Path) -> None:
    """With every field as it was; what was added since has its default."""
    old = json.loads(path.read_text())
    message = read(EVENTS[kind_of(path)], path.read_bytes(), path.name)
    assert covers(json.loads(message.to_bytes()), old)


@pytest.mark.parametrize("schema", _FROZEN, ids=name_of)
def test_a_reader_of_every_version_takes_todays_messages(schema: Path) -> None:
    """But for ``withdrawn``, which 1.0 had no word for: it must refuse it, not misread it."""
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text()))
    for name, message in golden_messages().items():
        if name.partition("-")[0] == kind_of(schema):
            takes = validator.is_valid(json.loads(message.to_bytes()))
            assert takes != ((version_of(schema), name) == ("v1.0", "case-withdrawn")), name


@pytest.mark.parametrize("schema", _FROZEN, ids=name_of)
def test_there_are_only_additions_since_every_version(schema: Path) -> None:
    """No field removed, none made required, no type or value narrowed."""
    old = json.loads(schema.read_text())
    new = json.loads((generate.FOLDER / "schemas" / schema.name).read_text())
    assert narrowings(old, new, old, new) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda s: s["$defs"]["CaseData"]["properties"].pop("score"), "score: removed"),
        (lambda s: s["required"].append("added_later"), "required"),
        (lambda s: s["$defs"]["CaseData"]["properties"]["score"].update(type="integer"), "type"),
        (lambda s: s["$defs"]["CaseData"]["properties"]["score"].update(maximum=0.9), "maximum"),
        (lambda s: s["$defs"]["Location"]["properties"]["datum"].update(const="WGS84"), "const"),
        (lambda s: s["$defs"]["Source"]["properties"]["gb28181_id"]["anyOf"].pop(), "null"),
    ],
)
def test_a_narrowing_would_be_noticed(change: Any, found: str) -> None:
    """The check above can fail."""
    old = json.loads((generate.FOLDER / "schemas" / "case.schema.json").read_text())
    new = copy.deepcopy(old)
    change(new)
    assert any(found in line for line in narrowings(old, new, old, new))


@pytest.mark.parametrize(
    ("name", "where", "taken_for"),
    [
        ("case-new", "status", "update"),
        ("case-new", "evidence.0.role", "other"),
        ("case-new", "location.method", "camera"),
        ("case-new", "urgency", "normal"),
        ("receipt-complete", "result", "retry_after"),
        ("request-verify", "action", "unknown"),
        ("request-verify", "purpose", "unknown"),
        ("request-feedback", "feedback.verdict", "unknown"),
        ("reply-gone", "result", "cannot_tell"),
        ("reported-applied", "state", "pending"),
    ],
)
def test_a_word_of_a_later_version_is_taken_for_its_fallback(
    name: str, where: str, taken_for: str
) -> None:
    """By the schema too; what is no word at all is refused by both."""
    kind = name.partition("-")[0]
    schema = json.loads((generate.FOLDER / "schemas" / f"{kind}.schema.json").read_text())
    for word, good in (("added_in_1_9", True), ("Not a word", False), (7, False)):
        message = json.loads(golden_messages()[name].to_bytes())
        *parents, last = where.split(".")
        part = message["data"]
        for step in parents:
            part = part[int(step)] if isinstance(part, list) else part[step]
        part[last] = word
        assert jsonschema.Draft202012Validator(schema).is_valid(message) == good
        if not good:
            with pytest.raises(ContractError):
                read(EVENTS[kind], json.dumps(message).encode(), name)
            continue
        found: Any = read(EVENTS[kind], json.dumps(message).encode(), name).model_dump()["data"]
        for step in where.split("."):
            found = found[int(step)] if isinstance(found, (list, tuple)) else found[step]
        assert found == taken_for


@pytest.mark.parametrize(
    "event", [CaseEvent, ReceiptEvent, RequestEvent, ReplyEvent, ReportedEvent]
)
def test_only_words_of_this_version_are_written(event: type[Any]) -> None:
    """The leniency is the reader's: a writer's misspelt word never leaves."""
    name = next(n for n, m in golden_messages().items() if type(m) is event)
    tree = golden_messages()[name].model_dump()
    for field in ("status", "result", "action", "state"):
        if field in tree["data"]:
            with pytest.raises(ValidationError, match=field):
                event.model_validate({**tree, "data": {**tree["data"], field: "misspelt"}})


def covers(new: Any, old: Any) -> bool:
    """Whether a message says all that an older one said."""
    if isinstance(old, dict):
        return all(name in new and covers(new[name], value) for name, value in old.items())
    if isinstance(old, list):
        return len(new) == len(old) and all(map(covers, new, old))
    return bool(new == old)


def narrowings(old: Any, new: Any, old_root: Any, new_root: Any, at: str = "") -> list[str]:
    """Where a message that the old schema takes might be refused by the new one."""
    old, new = follow(old, old_root), follow(new, new_root)
    found = []
    if lost := types(old, old_root) - types(new, new_root):
        found.append(f"{at}: type {sorted(lost)} no longer taken")
    if late := set(new.get("required", ())) - set(old.get("required", ())):
        found.append(f"{at}: {sorted(late)} made required")
    for name, value in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            found.append(f"{at}.{name}: removed")
            continue
        found += narrowings(value, new["properties"][name], old_root, new_root, f"{at}.{name}")
    for name, value in new.items():
        if name.startswith("max") and value < old.get(name, float("inf")):
            found.append(f"{at}: {name} lowered")
        if name.startswith("min") and value > old.get(name, float("-inf")):
            found.append(f"{at}: {name} raised")
        if name in ("const", "format") and value != old.get(name):
            found.append(f"{at}: {name} changed")
        if name == "pattern" and value != old.get(name) and not set(old.get("enum", ())):
            found.append(f"{at}: pattern changed")
        if name == "enum" and set(old.get("enum", ())) - set(value):
            found.append(f"{at}: enum shortened")
    if "items" in old:
        found += narrowings(old["items"], new["items"], old_root, new_root, f"{at}[]")
    return found + _branches(old, new, old_root, new_root, at)


def _branches(old: Any, new: Any, old_root: Any, new_root: Any, at: str) -> list[str]:
    """``x | null`` on both sides: compare x with x."""
    pairs = zip(real(old, old_root), real(new, new_root), strict=False)
    return [line for a, b in pairs for line in narrowings(a, b, old_root, new_root, at)]


def real(node: Any, root: Any) -> list[Any]:
    """The branches of an ``anyOf`` that are not null."""
    branches = [follow(branch, root) for branch in node.get("anyOf", ())]
    return [branch for branch in branches if branch.get("type") != "null"]


def types(node: Any, root: Any) -> set[str]:
    """The JSON types a schema takes."""
    if "anyOf" in node:
        return {t for branch in node["anyOf"] for t in types(follow(branch, root), root)}
    return {node["type"]} if "type" in node else set()


def follow(node: Any, root: Any) -> Any:
    """Through a ``$ref`` inside the same document."""
    return root["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
