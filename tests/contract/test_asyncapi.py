"""The AsyncAPI document stands on its own, and describes the topics that the code writes."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from tests.contract.node import node_packages
from uploader.contract import generate
from uploader.contract.messages import CONTENT_TYPE, EVENTS, VERSION
from uploader.topics import BoxTopics

_BOX = BoxTopics("gridpatrol", "420111", "box-07")
_CELL = "420111001002001"
_ADDRESSES = {
    "case": _BOX.case,
    "blob": _BOX.blob("a" * 64),
    "reply": _BOX.reply,
    "state": _BOX.state,
    "reported": _BOX.reported,
    "checkpoint": _BOX.checkpoint,
    "receipt": _BOX.receipt,
    "request": _BOX.request,
    "desired": _BOX.desired,
    "known": _BOX.known(_CELL),
}
_RETAINED = {"state", "reported", "checkpoint", "desired", "known"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document that ships."""
    found = YAML(typ="safe").load((generate.FOLDER / "asyncapi.yaml").read_text())
    assert isinstance(found, dict)
    return found


def references(node: Any) -> Iterator[str]:
    """Every ``$ref``."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    if isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(document: Any, pointer: str) -> Any:
    """What a reference inside the document points at; KeyError when at nothing."""
    for step in pointer.removeprefix("#/").split("/"):
        document = document[step]
    return document


def test_the_document_is_asyncapi_3(document: dict[str, Any]) -> None:
    """By the schema that the AsyncAPI project publishes; and that schema can refuse."""
    schemas = node_packages() / "@asyncapi/specs/schemas"
    schema = json.loads((schemas / "3.0.0-without-$id.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    assert [error.message for error in validator.iter_errors(document)] == []
    for where, value in (
        (("operations", "sendCase", "action"), "publish"),
        (("channels", "case", "address"), 7),
        (("operations", "sendCase", "bindings", "mqtt", "qos"), 3),
        (("components", "messages", "case", "payload"), "no schema"),
    ):
        broken = copy.deepcopy(document)
        part = broken
        for step in where[:-1]:
            part = part[step]
        part[where[-1]] = value
        assert not validator.is_valid(broken), where


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """Inside the document and to the schema files."""
    found = list(references(document))
    assert found
    for reference in found:
        if reference.startswith("#"):
            assert resolve(document, reference)
        else:
            json.loads((generate.FOLDER / reference).read_text())


def test_addresses_are_the_codes_topics(document: dict[str, Any]) -> None:
    """With all their parameters described, and no more."""
    values = {
        "root": "gridpatrol",
        "city": "420111",
        "node": "box-07",
        "sha256": "a" * 64,
        "cell": _CELL,
    }
    addresses = {}
    for name, channel in document["channels"].items():
        assert set(channel["parameters"]) == set(re.findall(r"\{(\w+)\}", channel["address"]))
        addresses[name] = re.sub(r"\{(\w+)\}", lambda m: values[m[1]], channel["address"])
    assert addresses == _ADDRESSES


def test_every_message_has_its_schema_and_its_properties(document: dict[str, Any]) -> None:
    """Each of our events once; content type and payload format said."""
    messages = document["components"]["messages"]
    payloads = {
        name: message["payload"]["$ref"] for name, message in messages.items() if name != "blob"
    }
    assert payloads == {name: f"./schemas/{name}.schema.json" for name in EVENTS}
    for name in payloads:
        assert messages[name]["contentType"] == CONTENT_TYPE
        assert messages[name]["bindings"]["mqtt"]["payloadFormatIndicator"] == 1
        assert messages[name]["headers"]["$ref"] == "#/components/schemas/userProperties"


def test_every_channel_has_one_operation(document: dict[str, Any]) -> None:
    """From the box's side; what is retained says so; answers go where the code sends them."""
    operations = document["operations"]
    by_channel = {op["channel"]["$ref"].rpartition("/")[2]: op for op in operations.values()}
    assert set(by_channel) == set(document["channels"])
    assert len(operations) == len(by_channel)
    for name, operation in by_channel.items():
        ours = "/up/" in document["channels"][name]["address"]
        assert operation["action"] == ("send" if ours else "receive")
        assert operation["bindings"]["mqtt"]["qos"] == 1
        assert operation["bindings"]["mqtt"]["retain"] == (name in _RETAINED)
    answers = {
        name: operation["reply"]["channel"]["$ref"].rpartition("/")[2]
        for name, operation in by_channel.items()
        if "reply" in operation
    }
    assert answers == {
        "case": "receipt",
        "reply": "receipt",
        "request": "reply",
        "desired": "reported",
    }


@pytest.mark.parametrize("page", ["contract.md", "contract.zh.md"])
def test_the_page_for_engineers_names_all_of_it(document: dict[str, Any], page: str) -> None:
    """Every topic, property and word of this version, in either language."""
    text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
    for channel in document["channels"].values():
        tail = channel["address"].partition("/1/{city}/")[2].removeprefix("{node}/")
        assert f"{tail}`" in text, tail
    assert f"**{VERSION}**" in text
    assert f"golden/v{VERSION}" in text
    for name in document["components"]["schemas"]["userProperties"]["properties"]:
        assert f"`{name}" in text, name
    schemas = (generate.FOLDER / "schemas").glob("*.schema.json")
    words = {word for path in schemas for word in said(json.loads(path.read_text()))}
    # Where a thing is and how it came to be known needs no explanation to its reader.
    words -= {"homography", "zone_anchor", "camera", "normal", "urgent", "other", "unknown"}
    words -= {"applied", "refused", "pending", "pre_filing_verify", "post_handling_check"}
    words -= {"right", "wrong", "duplicate", "pointless", "done"}
    for word in words:
        assert f"`{word}`" in text, word


def said(node: Any) -> Iterator[str]:
    """The words of every list of words."""
    if isinstance(node, dict):
        if str(node.get("description", "")).startswith("One of the examples"):
            yield from node["examples"]
        for value in node.values():
            yield from said(value)
    if isinstance(node, list):
        for value in node:
            yield from said(value)
