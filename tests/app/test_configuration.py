"""Another configuration from afar: whole or not at all, and never a secret it may not name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from edge.app.configuration import Configuration
from edge.config.load import load_settings
from edge.config.model import Settings
from edge.errors import Code, GridpatrolError, RequestError
from tests.e2e.edge import write_config
from uploader.commands import Desired
from uploader.contract.messages import DesiredData, ReportedData, ReportedEvent


class Box:
    """The file of a box, and what it remembers."""

    def __init__(self, folder: Path) -> None:
        self.path = write_config(folder, ["${env:CAMERA_1}"], 1883)
        self.settings = load_settings(self.path)
        self.start()

    def start(self) -> None:
        self.configuration = Configuration(self.path, self.settings)

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    def reported(self) -> ReportedData:
        payload = self.configuration.report(self.settings, ("made 1",), None)
        return ReportedEvent.model_validate_json(payload).data


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    monkeypatch.setenv("CAMERA_1", "rtsp://192.0.2.1/stream")
    monkeypatch.setenv("OTHER_SECRET", "rtsp://192.0.2.2/stream")
    return Box(tmp_path)


def wanted(text: str, config_id: str = "c-1", sha256: str | None = None) -> Desired:
    digest = sha256 or hashlib.sha256(text.encode()).hexdigest()
    return Desired(DesiredData(config_id=config_id, sha256=digest, yaml=text))


def refusal(box: Box, desired: Desired) -> GridpatrolError:
    before = box.path.read_bytes()
    with pytest.raises(GridpatrolError) as caught:
        box.configuration.read(desired, box.settings)
    assert box.path.read_bytes() == before
    assert [p.name for p in box.path.parent.iterdir() if "desired" in p.name] == []
    box.configuration.refused(desired, caught.value)
    reported = box.reported()
    assert reported.state == "refused"
    assert reported.error is not None
    assert str(caught.value.code) in reported.error
    assert reported.config_sha256 == hashlib.sha256(before).hexdigest(), "what still runs"
    return caught.value


def test_a_good_one_is_taken_and_the_one_before_is_kept(box: Box) -> None:
    document = box.document()
    document["cameras"][0]["look_every_s"] = 7
    desired = wanted(json.dumps(document))
    before = box.path.read_bytes()
    settings = box.configuration.read(desired, box.settings)
    assert isinstance(settings, Settings)
    assert settings.cameras[0].look_every_s == 7
    assert box.path.read_bytes() == before, "nothing is touched before the box runs on it"
    box.configuration.adopt(desired)
    box.configuration.applied(desired)
    assert load_settings(box.path) == settings
    assert box.path.with_name("config.yaml.previous").read_bytes() == before
    reported = box.reported()
    assert (reported.state, reported.config_id) == ("applied", "c-1")
    assert reported.config_sha256 == desired.data.sha256
    assert box.configuration.is_answered(desired), "brokers repeat what is retained"
    box.start()
    assert box.configuration.is_answered(desired), "after a restart, too"
    assert not box.configuration.is_answered(wanted(json.dumps(document), "c-2"))
    assert box.configuration.read(wanted(json.dumps(document), "c-2"), settings) is None


def test_the_first_fault_is_named_without_the_places_of_this_box(box: Box) -> None:
    document = box.document()
    document["cameras"][0]["zones"][0]["dwel_s"] = 5
    error = refusal(box, wanted(json.dumps(document, indent=1)))
    assert error.code == Code.CFG_FIELD
    assert "configuration c-1" in error.where
    assert str(box.path.parent) not in str(error)


def test_text_and_hash_must_fit(box: Box) -> None:
    text = json.dumps(box.document() | {"cases": {}})
    assert refusal(box, wanted(text, sha256="0" * 64)).code == Code.MSG_HASH


@pytest.mark.parametrize(
    "reference", ["${env:OTHER_SECRET}", "${file:/etc/hostname}", "x ${env:HOME} y"]
)
def test_no_other_secret_or_file_of_the_box_can_be_named(box: Box, reference: str) -> None:
    document = box.document()
    document["cameras"][0]["name_zh"] = reference
    assert refusal(box, wanted(json.dumps(document))).code == Code.CFG_SECRET


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("box", "id", "box-02"), ("mqtt", "host", "192.0.2.9"), ("console", "enabled", True)],
)
def test_what_could_cut_the_box_off_is_not_changed_from_afar(
    box: Box, section: str, key: str, value: object
) -> None:
    document = box.document()
    document[section][key] = value
    assert refusal(box, wanted(json.dumps(document))).code == Code.CFG_LOCAL


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("evidence", "redaction", "none"),
        ("evidence", "keep_clear", True),
        ("cases", "blur_heads_and_plates", False),
    ],
)
def test_what_pictures_show_is_decided_at_the_box(
    box: Box, section: str, key: str, value: object
) -> None:
    document = box.document()
    document[section] = {key: value}
    assert refusal(box, wanted(json.dumps(document))).code == Code.CFG_LOCAL
    box.path.write_text(json.dumps(document))
    changed = box.configuration.reread(box.settings)
    assert (changed.redaction, changed.evidence.keep_clear) != ("face+plate", False)


def test_one_that_is_not_trusted_is_not_even_read(box: Box) -> None:
    fault = RequestError(Code.SEC_UNSIGNED, "dn/desired", "it is not signed", "Sign it")
    desired = Desired(wanted("broken: [").data, fault)
    assert refusal(box, desired).code == Code.SEC_UNSIGNED
    assert not box.configuration.is_answered(desired)


def test_without_a_file_nothing_can_be_changed(box: Box) -> None:
    bare = Configuration(None, box.settings)
    with pytest.raises(GridpatrolError) as caught:
        bare.read(wanted(json.dumps(box.document())), box.settings)
    assert caught.value.code == Code.CFG_FILE


def test_a_file_changed_at_the_box_is_read_again(box: Box) -> None:
    document = box.document()
    document["cameras"][0]["look_every_s"] = 9
    box.path.write_text(json.dumps(document))
    settings = box.configuration.reread(box.settings)
    assert settings.cameras[0].look_every_s == 9
    assert box.reported().config_sha256 == hashlib.sha256(box.path.read_bytes()).hexdigest()
