"""The reference consumer: lines for people, JSON for programs, a folder per revision."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from tests.brokers import Broker
from tests.uploader.helpers import CITY, NODE, Box, make_draft
from uploader.consume import Summary, run_consumer
from uploader.settings import Downlink

pytestmark = pytest.mark.e2e


class Consumer:
    """``run_consumer`` on a thread."""

    def __init__(self, broker: Broker, out_dir: Path, *, as_json: bool) -> None:
        self._stop = threading.Event()
        self._found: list[Summary] = []
        self._thread = threading.Thread(target=self._run, args=(broker, out_dir, as_json))
        self._thread.start()

    def _run(self, broker: Broker, out_dir: Path, as_json: bool) -> None:
        settings = Downlink(host=broker.host, port=broker.port)
        self._found.append(
            run_consumer(settings, out_dir, seconds=30, as_json=as_json, stop=self._stop)
        )

    def end(self) -> Summary:
        """Stop it and take its summary."""
        self._stop.set()
        self._thread.join(10)
        return self._found[0]


def test_lines_folders_and_summary(
    tmp_path: Path, broker: Broker, box: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and one folder per revision; a second run repeats none of them."""
    out = tmp_path / "out"
    consumer = Consumer(broker, out, as_json=False)
    box.start()
    box.commit_many(range(2))
    box.commit(make_draft(0, box.pictures, revision=2, status="gone", pictures=1))
    box.wait_done(3)
    summary = consumer.end()
    assert summary == Summary(
        revisions=3, cases={"street_vending": 2}, pictures=5, repeats=summary.repeats, refused=0
    )
    lines = [line for line in capsys.readouterr().out.splitlines() if " cell " in line]
    lines.sort(key=lambda line: line.rpartition("/")[2])  # the box may have been first
    folder = out / "cases" / NODE / "20261124" / "case-0-r1"
    assert len(lines) == 3
    new, gone, _ = lines
    assert new.endswith(
        f"NEW  0406 {_name()} cell 420111001002001 plaza/stall-zone 2 pictures → {folder}"
    )
    assert " GONE 0406 " in gone
    assert " 1 picture " in gone
    draft = make_draft(0, tmp_path / "same")
    assert (folder / "far.jpg").read_bytes() == draft.evidence[0].path.read_bytes()
    assert (folder / "near.jpg").read_bytes() == draft.evidence[1].path.read_bytes()
    assert json.loads((folder / "case.json").read_text())["data"]["case_id"] == "case-0"

    again = Consumer(broker, out, as_json=False)
    box.commit(make_draft(9, box.pictures))
    box.wait_done(4)
    assert again.end().revisions == 1


def test_json_lines(
    tmp_path: Path, broker: Broker, box: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every line is one case as JSON, with the files it came with."""
    consumer = Consumer(broker, tmp_path / "out", as_json=True)
    box.start()
    box.commit_many(range(2))
    box.wait_done(2)
    consumer.end()
    lines = [x for x in capsys.readouterr().out.splitlines() if x.startswith("{")]
    found = [json.loads(line) for line in lines]
    found.sort(key=lambda case: case["event"]["id"])
    assert [case["event"]["id"] for case in found] == ["case-0-r1", "case-1-r1"]
    assert found[0]["event"]["source"] == f"//gridpatrol/{CITY}/{NODE}"
    for case in found:
        sizes = [Path(path).stat().st_size for path in case["pictures"]]
        assert sizes == [e["bytes"] for e in case["event"]["data"]["evidence"]]


def _name() -> str:
    from edge.cases.taxonomy import category

    found = category("0406")
    return f"{found.name_zh} {found.name_en}"
