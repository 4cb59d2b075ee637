"""The configuration: what is refused, and how it is explained."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from edge.config.load import ConfigFaultsError, load_settings
from edge.errors import Code, ConfigError

ROOT = Path(__file__).resolve().parents[2]
MINIMAL = """\
box: {id: box-01, city: "420111"}
mqtt: {host: 127.0.0.1}
grid: {cells: grid.geojson}
cameras:
  - id: cam-1
    url: rtsp://10.0.0.1/x
    position: {lon: 114.4125, lat: 30.3405}
    zones:
      - id: z-1
        watch: street_vending
        polygon: [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]
"""


def write(folder: Path, text: str) -> Path:
    (folder / "grid.geojson").write_text((ROOT / "configs/grid.geojson").read_text())
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(folder, text))
    return caught.value


def test_the_manual_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """configs/gridpatrol.yaml is what it says: a file that works."""
    monkeypatch.setenv("CAMERA_PASSWORD", "p@ss")
    settings = load_settings(ROOT / "configs/gridpatrol.yaml")
    assert settings.cameras[0].url.get_secret_value().endswith(":p@ss@10.20.30.40/stream1")
    assert "p@ss" not in repr(settings)


def test_the_manual_names_every_key_and_default() -> None:
    """Each key of the model stands in the manual; uncommented, the defaults load unchanged."""
    from edge.config.model import Settings

    text = (ROOT / "configs/gridpatrol.yaml").read_text(encoding="utf-8")
    schema = Settings.model_json_schema()
    sections = [schema, *schema["$defs"].values()]
    missing = {
        key
        for section in sections
        for key in section.get("properties", {})
        if not re.search(rf"\b{key}:", text)
    } - {"start", "end"}
    assert not missing


def test_minimal_file_has_the_documented_defaults(tmp_path: Path) -> None:
    """What is left out is what the manual says."""
    settings = load_settings(write(tmp_path, MINIMAL))
    zone = settings.cameras[0].zones[0]
    assert (zone.dwell_s, zone.gone_after_s, settings.mqtt.port) == (180, 600, 1883)
    assert settings.box.state_dir == tmp_path / "state"


@pytest.mark.parametrize(
    ("old", "new", "code", "where", "what"),
    [
        ("watch: street_vending", "watch: parking", Code.CFG_CATEGORY, ":10", "street_vending"),
        ("[0.9, 0.9]]", "[0.9, 0.9]]\n        dwel_s: 3", Code.CFG_FIELD, ":12", "unknown key"),
        ("[0.9, 0.9]]", "[0.9, 1.9]]", Code.CFG_FIELD, ":11", "less than or equal to 1"),
        ("[[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]", "[]", Code.CFG_ZONE, ":11", "at least 3"),
        (
            "[[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]",
            "[[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]",
            Code.CFG_ZONE,
            ":11",
            "crosses itself",
        ),
        (
            "[[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]",
            "[[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]]",
            Code.CFG_ZONE,
            ":11",
            "",
        ),
        ("city: \"420111\"", "city: wuhan", Code.CFG_FIELD, ":1", "pattern"),
        ("  - id: cam-1\n", "  - name_en: x\n", Code.CFG_FIELD, ":5", "required"),
        ("mqtt: {host: 127.0.0.1}", "mqtt: {host: x, port: 99999}", Code.CFG_FIELD, ":2", "65535"),
        (
            "cameras:\n",
            "streams: {hang_after_s: 5}\ncameras:\n",
            Code.CFG_FIELD,
            ":4",
            "must be longer",
        ),
        ("cells: grid.geojson", "cells: nowhere.geojson", Code.CFG_GRID, "nowhere", "no such file"),
        ("rtsp://10.0.0.1/x", "rtsp://u:secret@10.0.0.1/x", Code.CFG_SECRET, ":6", "written out"),
        ("rtsp://10.0.0.1/x", "rtsp://u:${env:NO_SUCH}@h/x", Code.CFG_SECRET, ":6", "NO_SUCH"),
        ("rtsp://10.0.0.1/x", "rtsp://u:${file:/no/f}@h/x", Code.CFG_SECRET, ":6", "/no/f"),
        ("box: {", "box: {{", Code.CFG_SYNTAX, "", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_line_and_field(
    tmp_path: Path, old: str, new: str, code: Code, where: str, what: str
) -> None:
    """File, line, field, what is allowed; and never a password."""
    assert old in MINIMAL
    error = refused(tmp_path, MINIMAL.replace(old, new, 1))
    assert error.code is code, str(error)
    assert where in error.where, str(error)
    assert what in str(error)
    assert "secret@" not in str(error)
    assert "\n" not in f"{error.where}{error.what}{error.fix}"


def test_unknown_keys_name_what_is_allowed(tmp_path: Path) -> None:
    """A misspelt key comes with the list to choose from."""
    error = refused(tmp_path, MINIMAL.replace("host: 127", "hots: 1, host: 127"))
    assert "Allowed here: host, port, username" in error.fix


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    """Mending a file should take one pass."""
    text = MINIMAL.replace('city: "420111"', "city: x").replace("street_vending", "nothing")
    error = refused(tmp_path, text)
    assert isinstance(error, ConfigFaultsError)
    assert len(error.problems) == 2


def test_two_streams_are_for_held_live_cameras(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not work is refused; the second URL is a secret like the first."""
    monkeypatch.setenv("CAM_PASSWORD", "p@ss")
    url = "    url: rtsp://10.0.0.1/x\n"
    two = f"{url}    detect_url: rtsp://edge:${{env:CAM_PASSWORD}}@10.0.0.1/y\n"
    (camera,) = load_settings(write(tmp_path, MINIMAL.replace(url, two))).cameras
    assert camera.detect_url is not None
    assert camera.detect_url.get_secret_value() == "rtsp://edge:p@ss@10.0.0.1/y"
    assert "p@ss" not in repr(camera)
    patrolled = MINIMAL.replace(url, f"{two}    mode: patrolled\n")
    assert "held cameras" in refused(tmp_path, patrolled).what
    replay = MINIMAL.replace(url, f"{url}    detect_url: sub.mp4\n")
    assert "rtsp" in refused(tmp_path, replay).what
    written_out = MINIMAL.replace(url, f"{url}    detect_url: rtsp://a:secret@10.0.0.1/y\n")
    assert refused(tmp_path, written_out).code is Code.CFG_SECRET


def test_ids_are_unique(tmp_path: Path) -> None:
    """Two cameras of one name would mix their cases."""
    camera = MINIMAL[MINIMAL.index("  - id: cam-1") :]
    assert refused(tmp_path, MINIMAL + camera).code is Code.CFG_DUPLICATE


def test_missing_and_empty_files(tmp_path: Path) -> None:
    """Neither ends in a traceback."""
    with pytest.raises(ConfigError, match="CFG-001"):
        load_settings(tmp_path / "none.yaml")
    assert refused(tmp_path, "").code is Code.CFG_SYNTAX
    assert refused(tmp_path, "a: 1\na: 2").code is Code.CFG_SYNTAX


_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(section=st.sampled_from(["box", "mqtt", "grid", "cameras", "detectors"]), junk=_JUNK)
def test_no_value_ends_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, section: str, junk: Any
) -> None:
    """Whatever stands in a section, the answer is settings or a ConfigError."""
    folder = tmp_path_factory.mktemp("junk")
    yaml = YAML()
    document = yaml.load(MINIMAL)
    document[section] = junk
    path = write(folder, "")
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)
    try:
        load_settings(path)
    except ConfigError as error:
        assert str(error).startswith("[CFG-")


def test_the_pattern_file_lies_beside_the_configuration(tmp_path: Path) -> None:
    """Relative paths are the file's, wherever the command was called."""
    text = MINIMAL + "detectors: {text: {patterns: my_words.toml, numbers: hashed}}\n"
    chosen = load_settings(write(tmp_path, text)).detectors.text
    assert chosen.patterns == tmp_path / "my_words.toml"
    assert chosen.numbers == "hashed"
    assert refused(tmp_path, text.replace("hashed", "secret")).code is Code.CFG_FIELD
