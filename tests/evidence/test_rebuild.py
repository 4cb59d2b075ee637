"""An index that was lost comes back from manifests and pictures; what is half there is not used."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pytest

from edge.app.build import build_rooms
from edge.cases.evidence import EvidenceRoom
from edge.cases.store import CaseStore
from edge.config.load import load_settings
from edge.evidence.chain import open_chain
from edge.evidence.findings import What
from edge.evidence.folders import message_sha256
from edge.evidence.holds import hold_case, holds
from edge.evidence.link import read_link
from edge.evidence.verify import Verifier
from edge.redaction.redactor import Redactor
from edge.sqlite import transaction
from tests.evidence.box import SealingBox
from tests.evidence.test_chain import deliver
from tests.evidence.test_holds import WHO
from tests.test_cli import gridpatrol, write_config
from tests.uploader.helpers import CITY, NOON
from uploader.contract.messages import CaseEvent, read
from uploader.outbox import Outbox


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Of a box with an open, a gone and a withdrawn case, all delivered; it has stopped."""
    box = SealingBox(tmp_path / "state", node="box-01")
    for number in (1, 2, 3):
        box.case(number)
    box.case(2, 2, "gone")
    box.case(3, 2, "withdrawn", pictures=0)
    with closing(open_chain(box.database)) as db, transaction(db, box.database) as tx:
        hold_case(tx, box.chain, "case-2", **WHO)
    deliver(box)
    deliver(box)
    box.copies.catch_up()
    box.close()
    return write_config(tmp_path, "a.mp4", "b.mp4")


def rebuilt(config: Path, *options: str) -> tuple[int, dict[str, object]]:
    done = gridpatrol("rebuild", "--json", *options, "-c", config)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def index(state: Path) -> dict[str, tuple[str, int, bool]]:
    """State, newest revision and withdrawal of every case."""
    database = state / "gridpatrol.db"
    with closing(Outbox(database, city=CITY, node="box-01")) as outbox:
        store = CaseStore(database, outbox)
        found = {case_id: store.case(case_id) for case_id, _ in store.revisions()}
        store.close()
    return {k: (r.state, r.revision, r.withdrawn_at is not None) for k, r in found.items() if r}


def drop(state: Path) -> None:
    for path in state.glob("gridpatrol.db*"):
        path.unlink()


def test_the_index_comes_back_and_all_of_it_is_owed(config: Path) -> None:
    """Cases as they stood, holds too; each message says word for word what was sealed."""
    state = config.parent / "state"
    before = index(state)
    drop(state)
    code, done = rebuilt(config)
    assert (code, done["cases"], done["revisions"]) == (0, 3, 5)
    assert index(state) == before
    with closing(open_chain(state / "gridpatrol.db")) as db:
        assert [hold.case for hold in holds(db)] == ["case-2"]
    with closing(Outbox(state / "gridpatrol.db", city=CITY, node="box-01")) as outbox:
        assert outbox.counts().pending == 5
        for row in outbox.due(NOON.replace(year=2099), 9):
            event = read(CaseEvent, row.payload, "test")
            assert event.data.seal is not None
            link = read_link(event.data.seal.manifest.encode())
            assert link.sha256 == event.data.seal.sha256
            assert {e.sha256 for e in row.evidence} == {f["sha256"] for f in link.body["files"]}
            assert all(e.path.is_file() for e in row.evidence)
            assert message_sha256(row.payload) == link.body["document_sha256"]
    assert Verifier().check(state).findings == []
    assert rebuilt(config) == (
        0,
        {"links": 0, "cases": 0, "revisions": 0, "faults": [], "aside": []},
    )


def test_without_the_chain_file_too_the_manifests_are_enough(config: Path) -> None:
    """Cases come back; what only the chain had, its beginning and the hold, is missing by name."""
    state = config.parent / "state"
    before = index(state)
    drop(state)
    (state / "evidence/chain.jsonl").unlink()
    code, done = rebuilt(config)
    assert (code, done["links"], done["revisions"]) == (0, 5, 5)
    assert index(state) == before
    findings = Verifier().check(state).findings
    assert {finding.what for finding in findings} == {What.MISSING}
    assert {finding.seq for finding in findings} == {1}


def test_a_damaged_database_is_set_aside_on_demand(config: Path) -> None:
    """It is kept; without the word the command says what is wrong."""
    state = config.parent / "state"
    before = index(state)
    drop(state)
    (state / "gridpatrol.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)
    done = gridpatrol("rebuild", "-c", config)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("[STO-003]")
    code, _ = rebuilt(config, "--anew")
    assert code == 0
    assert index(state) == before
    (aside,) = state.glob("aside/*/gridpatrol.db")
    assert aside.read_bytes().endswith(b"\xff")


def test_what_is_half_written_is_set_aside_and_named(config: Path) -> None:
    """A torn picture, an empty one, a draft without a name, pictures without a manifest."""
    state = config.parent / "state"
    evidence = state / "evidence"
    far, near = evidence / "case-1/r1/far.jpg", evidence / "case-1/r1/near.jpg"
    whole = far.read_bytes()
    far.write_bytes(whole[:20])
    near.write_bytes(b"")
    (evidence / "case-2/r2/.near.jpg.part").write_bytes(b"half")
    (evidence / "case-9/r1").mkdir(parents=True)
    (evidence / "case-9/r1/far.jpg").write_bytes(b"nobody's")
    drop(state)
    code, done = rebuilt(config)
    assert code == 1
    moved = {each["path"]: each for each in done["aside"]}  # type: ignore[attr-defined]
    assert set(moved) == {
        "evidence/case-1/r1/far.jpg",
        "evidence/case-1/r1/near.jpg",
        "evidence/case-2/r2/.near.jpg.part",
        "evidence/case-9/r1",
    }
    assert "20 of 60 bytes" in moved["evidence/case-1/r1/far.jpg"]["why"]
    assert (state / moved["evidence/case-1/r1/far.jpg"]["now"]).read_bytes() == whole[:20]
    assert (state / moved["evidence/case-9/r1"]["now"] / "far.jpg").read_bytes() == b"nobody's"
    assert not (evidence / "case-9").exists()
    report = Verifier().check(state)
    assert {(f.what, f.path) for f in report.findings} == {
        (What.MISSING, "evidence/case-1/r1/far.jpg"),
        (What.MISSING, "evidence/case-1/r1/near.jpg"),
    }
    assert all("half-written" in finding.says for finding in report.findings)


def test_what_was_changed_stays_for_verify_to_name(config: Path) -> None:
    """Only what is too short is half-written."""
    state = config.parent / "state"
    far = state / "evidence/case-1/r1/far.jpg"
    far.write_bytes(b"X" + far.read_bytes()[1:])
    code, done = rebuilt(config)
    assert (code, done["aside"]) == (1, [])
    assert "far.jpg is not as it was sealed" in str(done["faults"])
    assert {f.what for f in Verifier().check(state).findings} == {What.ALTERED}


def test_a_case_without_its_document_is_named_and_kept(config: Path) -> None:
    """STO-009; with the document put back it comes back, too."""
    state = config.parent / "state"
    document = state / "evidence/case-1/r1/case.json"
    whole = document.read_bytes()
    document.write_bytes(whole[:-10])
    drop(state)
    code, done = rebuilt(config)
    assert (code, done["revisions"]) == (1, 4)
    assert "STO-009" in str(done["faults"])
    assert (state / "evidence/case-1/r1/far.jpg").is_file()
    document.write_bytes(whole)
    code, done = rebuilt(config)
    assert (code, done["revisions"]) == (0, 1)
    assert Verifier().check(state).findings == []


def test_a_running_box_is_not_rebuilt(config: Path) -> None:
    """STO-004."""
    from edge.app.locking import lock_state

    with lock_state(config.parent / "state"):
        done = gridpatrol("rebuild", "-c", config)
    assert done.returncode == 2
    assert done.stderr.startswith("[STO-004]")


def test_sealed_evidence_is_never_swept(config: Path) -> None:
    """Whoever does not know it: only what no manifest vouches for goes, hours later."""
    evidence = config.parent / "state/evidence"
    (evidence / "orphan/r1").mkdir(parents=True)
    (evidence / "orphan/r1/far.jpg").write_bytes(b"x")

    def finder() -> NoReturn:
        raise AssertionError("nothing is covered")

    room = EvidenceRoom(evidence, jpeg_quality=90, redactor=Redactor("none", finder))
    assert room.sweep(set(), now_s=4e9) == 1
    assert not (evidence / "orphan/r1").exists()
    assert len(list(evidence.glob("case-*/r*"))) == 5


def test_a_start_finds_the_index_lost_and_brings_it_back(config: Path) -> None:
    """Before anything looks at it; an older backup that was put back is made up to date, too."""
    state = config.parent / "state"
    before, settings = index(state), load_settings(config)
    backup = config.parent / "backup.db"
    with closing(open_chain(state / "gridpatrol.db")) as db:
        db.execute("VACUUM INTO ?", (str(backup),))
    drop(state)
    build_rooms(settings).close()
    assert index(state) == before
    with closing(open_chain(state / "gridpatrol.db")) as db:
        assert [row["kind"] for row in db.execute("SELECT kind FROM evidence_chain")][
            -1
        ] == "rebuilt"
    box = SealingBox(state, node="box-01")
    box.case(4)
    box.case(1, 2, "gone")
    box.close()
    drop(state)
    shutil.copy(backup, state / "gridpatrol.db")
    build_rooms(settings).close()
    assert index(state) == before | {"case-1": ("gone", 2, False), "case-4": ("open", 1, False)}
    assert Verifier().check(state).findings == []
