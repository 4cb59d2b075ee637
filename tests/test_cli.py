"""The command line: useful help, one-line errors, honest exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.signing import Signature, load_signer, trusted
from tests.cameras import RtspServer, make_clip
from tests.evidence.box import SealingBox

ROOT = Path(__file__).resolve().parents[1]


def gridpatrol(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment | {"COLUMNS": "160"},
        check=False,
    )


def write_config(folder: Path, url: str, second_url: str, state: str = "state") -> Path:
    shutil.copy(ROOT / "configs/grid.geojson", folder / "grid.geojson")
    cameras = [
        {"id": f"cam-{n}", "url": u, "position": {"lon": 114.4125, "lat": 30.3405}}
        for n, u in ((1, url), (2, second_url))
    ]
    path = folder / "gridpatrol.yaml"
    path.write_text(
        json.dumps(
            {
                "box": {"id": "box-01", "city": "420111", "state_dir": state},
                "mqtt": {"host": "127.0.0.1"},
                "grid": {"cells": "grid.geojson"},
                "streams": {"open_timeout_s": 3, "read_timeout_s": 3},
                "console": {"port": 0},
                "cameras": cameras,
            }
        ),
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize(
    "command", ["run", "check", "demo", "consume", "verify", "models", "eval", "version"]
)
def test_every_command_explains_itself(command: str) -> None:
    """``--help`` says what it does."""
    done = gridpatrol(command, "--help")
    assert done.returncode == 0
    assert len(done.stdout) > 200


def test_version() -> None:
    """Plain and as JSON."""
    assert gridpatrol("version").stdout.startswith("gridpatrol 0.")
    assert json.loads(gridpatrol("version", "--json").stdout)["gridpatrol"]


def test_models_lists_the_shipped_one_and_refuses_a_bad_one(tmp_path: Path) -> None:
    """Licence and state; a bad one is named and costs only itself."""
    done = gridpatrol("models")
    assert done.returncode == 0
    assert "coco-nanodet" in done.stdout
    assert "Apache-2.0" in done.stdout
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/model.toml").write_text("name =", encoding="utf-8")
    done = gridpatrol("models", "--models-dir", tmp_path)
    assert done.returncode == 1
    assert "MDL-002" in done.stdout
    assert "coco-nanodet" in done.stdout


def test_check_says_which_cameras_work(rtsp: RtspServer, tmp_path: Path) -> None:
    """A table, and 1 when any fails."""
    good = write_config(tmp_path, rtsp.url("clip"), rtsp.url("clip"))
    done = gridpatrol("check", "-c", good)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of 2 cameras work" in done.stdout
    bad = write_config(tmp_path, rtsp.url("clip"), "rtsp://127.0.0.1:9/x")
    done = gridpatrol("check", "-c", bad)
    assert done.returncode == 1
    assert "1 of 2 cameras work" in done.stdout
    assert "CAM-001" in done.stdout


def test_check_tries_both_streams_of_a_camera(tmp_path: Path, clip: Path) -> None:
    """Sizes of both, and what to look after when their proportions differ."""
    wide = make_clip(tmp_path / "wide.mp4", size=(1280, 720)).with_suffix(".h264")
    server = RtspServer({"sub": clip.with_suffix(".h264"), "main": wide})
    try:
        config = write_config(tmp_path, server.url("main"), server.url("main"))
        text = json.loads(config.read_text())
        text["cameras"][0]["detect_url"] = server.url("sub")
        text["cameras"][1]["detect_url"] = server.url("sub").replace("sub", "none")
        config.write_text(json.dumps(text))
        done = gridpatrol("check", "-c", config)
    finally:
        server.stop()
    assert done.returncode == 1
    assert "1 of 2 cameras work" in done.stdout
    assert "320x240" in done.stdout
    assert "1280x720" in done.stdout
    assert "other proportions (320x240, 1280x720)" in done.stdout
    assert "CAM-007" in done.stdout


def test_a_bad_config_is_one_line_each_and_two(tmp_path: Path) -> None:
    """Exit status 2, no traceback, the line number."""
    config = write_config(tmp_path, "x", "y")
    config.write_text(config.read_text().replace('"host"', '"hots"'), encoding="utf-8")
    for command in ("run", "check"):
        done = gridpatrol(command, "-c", config)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert all(line.startswith("[CFG-") for line in done.stderr.splitlines())


@pytest.mark.parametrize("command", ["run", "check"])
def test_no_config_says_what_to_do(command: str, tmp_path: Path) -> None:
    """The first thing a newcomer meets."""
    done = gridpatrol(command, "-c", tmp_path / "none.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("[CFG-001]")


def test_two_boxes_on_one_state_folder_are_refused(tmp_path: Path, clip: Path) -> None:
    """The second one is told, the first goes on."""
    config = write_config(tmp_path, str(clip), str(clip))
    first = subprocess.Popen(
        [sys.executable, "-m", "edge.cli", "run", "-c", str(config)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert first.stderr is not None
    try:
        first.stderr.readline()  # it logs once it is open
        done = gridpatrol("run", "-c", config)
        assert done.returncode == 2
        assert "STO-004" in done.stderr
        assert first.poll() is None
    finally:
        first.terminate()
        first.wait(20)
        first.stderr.close()
    assert first.returncode == 0


def test_passwords_never_reach_the_output(tmp_path: Path) -> None:
    """Neither log lines nor tables nor errors show the camera's password."""
    url = "rtsp://viewer:${env:CANARY}@127.0.0.1:9/stream"
    config = write_config(tmp_path, url, url)
    canary = "C4n@ry:/%pw"
    outputs = [
        gridpatrol("check", "-c", config, CANARY=canary),
        gridpatrol("run", "-c", config, "--seconds", "8", "--verbose", CANARY=canary),
    ]
    for done in outputs:
        assert "CAM-001" in done.stdout + done.stderr
        assert canary not in done.stdout + done.stderr
        assert "C4n" not in done.stdout + done.stderr


def test_key_prints_what_the_platform_enrols(tmp_path: Path) -> None:
    """The same key every time, no private part of it; evidence is signed where messages are not."""
    path = write_config(tmp_path, "a.mp4", "b.mp4")
    first, again = gridpatrol("key", "-c", path), gridpatrol("key", "-c", path)
    assert first.returncode == 0, first.stderr
    assert first.stdout == again.stdout
    kid, _, pem = first.stdout.partition("\n")
    assert "PRIVATE" not in pem
    public = tmp_path / "box.pub.pem"
    public.write_text(pem)
    signer = load_signer(tmp_path / "state/keys/box.pem")
    assert kid == f"kid {signer.kid}"
    assert trusted([public]).check(b"x", signer.sign(b"x")) is Signature.VALID
    document = json.loads(path.read_text())
    document["mqtt"]["sign"] = False
    path.write_text(json.dumps(document))
    assert gridpatrol("key", "-c", path).stdout == first.stdout


def test_keys_are_handed_on_and_evidence_is_verified(tmp_path: Path) -> None:
    """Every command of ``key`` on a state folder, and what ``verify`` says after each."""
    path = write_config(tmp_path, "a.mp4", "b.mp4")
    state = tmp_path / "state"
    box = SealingBox(state, node="box-01")
    box.case(1)
    box.close()
    old = gridpatrol("key", "show", "-c", path).stdout.split()[1]
    assert gridpatrol("key", "backup", tmp_path / "safe.pem", "-c", path).returncode == 0
    assert (tmp_path / "safe.pem").stat().st_mode & 0o777 == 0o600
    done = gridpatrol("key", "rotate", "-c", path)
    assert done.returncode == 0, done.stderr
    assert old not in done.stdout
    wrong = gridpatrol("key", "restore", tmp_path / "safe.pem", "-c", path)
    assert (wrong.returncode, wrong.stderr[:9]) == (2, "[SEC-003]")
    done = gridpatrol("key", "revoke", old, "--reason", "stolen", "-c", path)
    assert done.returncode == 0, done.stderr
    done = gridpatrol("verify", state, "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["links"] == 4
    (state / "keys/box.pem").unlink()
    lost = gridpatrol("run", "-c", path, "--seconds", "1")
    assert (lost.returncode, "SEC-003" in lost.stderr) == (2, True)
    assert gridpatrol("key", "renew", "--reason", "disk lost", "-c", path).returncode == 0
    done = gridpatrol("verify", "case-1", "-c", path)
    assert done.returncode == 0, done.stdout
    done = gridpatrol("verify", state)
    assert done.returncode == 1
    assert "[SEC-003]" in done.stdout
