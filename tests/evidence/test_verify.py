"""``gridpatrol verify``: whole evidence is whole, and whatever is done to it is named."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.clock import ClockState
from edge.errors import Code, StoreError
from edge.evidence.findings import Report, What
from edge.evidence.verify import Verifier
from tests.evidence.box import LONG_AGO, SealingBox, with_three_cases


@pytest.fixture
def box(tmp_path: Path) -> Iterator[SealingBox]:
    """Three cases; the second has three revisions, the last of them without pictures."""
    made = with_three_cases(tmp_path / "state")
    yield made
    made.close()


def kinds(report: Report) -> set[tuple[str, str]]:
    return {(finding.what.value, finding.path) for finding in report.findings}


def test_whole_evidence_is_whole_however_it_is_asked_for(box: SealingBox) -> None:
    """State folder, evidence folder, case, revision, file, chain, case id."""
    check = Verifier().check
    for path in (
        box.state,
        box.folder,
        box.folder / "case-2",
        box.folder / "case-2/r2",
        box.folder / "case-2/r2/far.jpg",
        box.folder / "case-2/r3/manifest.json",
        box.folder / "chain.jsonl",
        box.database,
    ):
        report = check(path)
        assert not report.findings, path
        assert report.whole or report.links, path
    assert Verifier().check_case(box.folder, "case-3").cases == 1
    report = check(box.state)
    assert (report.cases, report.links, len(report.whole)) == (3, 6, 5 * 2 + 4 * 2)


def test_a_file_altered_missing_swapped_or_added_is_named(box: SealingBox) -> None:
    """Each in its folder, by what was done to it."""
    first, second, third = (box.folder / f"case-{n}/r1" for n in (1, 2, 3))
    (first / "far.jpg").write_bytes(b"x" + (first / "far.jpg").read_bytes()[1:])
    (first / "near.jpg").unlink()
    far = (second / "far.jpg").read_bytes()
    (second / "far.jpg").write_bytes((third / "far.jpg").read_bytes())
    (third / "far.jpg").write_bytes(far)
    (third / "extra.jpg").write_bytes(b"?")
    (third / "case.json").write_bytes((second / "case.json").read_bytes())
    report = Verifier().check(box.state)
    assert kinds(report) == {
        ("altered", "evidence/case-1/r1/far.jpg"),
        ("missing", "evidence/case-1/r1/near.jpg"),
        ("swapped", "evidence/case-2/r1/far.jpg"),
        ("swapped", "evidence/case-3/r1/far.jpg"),
        ("stranger", "evidence/case-3/r1/extra.jpg"),
        ("altered", "evidence/case-3/r1/case.json"),
    }
    said = {finding.path: finding.says for finding in report.findings}
    assert "case-3/r1/far.jpg" in said["evidence/case-2/r1/far.jpg"]
    assert kinds(Verifier().check(first)) == {
        ("altered", "evidence/case-1/r1/far.jpg"),
        ("missing", "evidence/case-1/r1/near.jpg"),
    }


def test_a_folder_or_a_manifest_that_goes_or_moves_is_named(box: SealingBox) -> None:
    """A whole revision deleted, two manifests exchanged, a forged one."""
    shutil.rmtree(box.folder / "case-1")
    two, three = box.folder / "case-2/r1", box.folder / "case-3/r1"
    held = (two / "manifest.json").read_bytes()
    (two / "manifest.json").write_bytes((three / "manifest.json").read_bytes())
    (three / "manifest.json").write_bytes(held)
    gone = box.folder / "case-2/r2/manifest.json"
    gone.write_text(json.dumps({**json.loads(gone.read_text()), "status": "new"}))
    report = Verifier().check(box.state)
    assert {
        ("missing", "evidence/case-1/r1/manifest.json"),
        ("missing", "evidence/case-1/r1/far.jpg"),
        ("swapped", "evidence/case-2/r1/manifest.json"),
        ("swapped", "evidence/case-3/r1/manifest.json"),
        ("altered", "evidence/case-2/r2/manifest.json"),
    } <= kinds(report)
    assert Verifier().check_case(box.folder, "case-1").findings


def rewrite(box: SealingBox, change: str) -> None:
    """Do something to ``chain.jsonl`` and take the database away."""
    path = box.folder / "chain.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    match change:
        case "cut_off":
            del lines[4:]
        case "missing":
            del lines[2]
        case "reordered":
            lines[1], lines[3] = lines[3], lines[1]
        case "repeated":
            lines.insert(2, lines[2])
        case "altered":
            lines[2] = lines[2].replace(b'"revision":1', b'"revision":9')
        case "stranger":
            lines.insert(3, b"{}\n")
    path.write_bytes(b"".join(lines))
    box.close()
    box.database.unlink()


@pytest.mark.parametrize(
    ("change", "seq"),
    [("missing", 3), ("reordered", 4), ("repeated", 3), ("altered", 3), ("stranger", 4)],
)
def test_what_is_done_to_the_chain_is_named(box: SealingBox, change: str, seq: int) -> None:
    """Without the database to compare with."""
    rewrite(box, change)
    found = Verifier().check(box.folder / "chain.jsonl").findings
    assert {f.what.value for f in found} == {change}
    assert [f.seq for f in found] == ([4, 2] if change == "reordered" else [seq])


def test_a_chain_cut_off_shows_against_a_checkpoint_and_against_the_pictures(
    box: SealingBox,
) -> None:
    """The end of a chain leaves no trace in the chain itself."""
    point = box.checkpoint()
    rewrite(box, "cut_off")
    assert not Verifier().check(box.folder / "chain.jsonl").findings
    report = Verifier(checkpoints=[point]).check(box.folder / "chain.jsonl")
    assert [(f.what, f.seq) for f in report.findings] == [(What.CUT_OFF, 5)]
    assert "links 5 to 6" in report.findings[0].says
    assert ("stranger", "evidence/case-3/r1/manifest.json") in kinds(Verifier().check(box.state))


def test_the_database_is_checked_like_the_file(box: SealingBox) -> None:
    """The two copies are held against each other; the rows cannot be changed by accident."""
    with closing(sqlite3.connect(box.database)) as db:
        for words in ("DELETE FROM evidence_chain", "UPDATE evidence_chain SET seq = seq + 1"):
            with pytest.raises(sqlite3.Error, match="only ever appended"):
                db.execute(words)
        db.execute("DROP TRIGGER evidence_chain_keeps")
        db.execute("DELETE FROM evidence_chain WHERE seq IN (3, 6)")
        db.commit()
    report = Verifier().check(box.state)
    assert kinds(report) == {("missing", "gridpatrol.db"), ("cut_off", "gridpatrol.db")}
    assert "case case-2 r1" in str(report.findings[0])


def test_evidence_of_another_box_is_foreign(box: SealingBox, tmp_path: Path) -> None:
    """A manifest, and a link, validly signed, but elsewhere."""
    other = SealingBox(tmp_path / "other", node="box-08")
    other.case(3)
    shutil.rmtree(box.folder / "case-3")
    shutil.copytree(other.folder / "case-3", box.folder / "case-3")
    with (box.folder / "chain.jsonl").open("ab") as file:
        file.write((other.folder / "chain.jsonl").read_bytes().splitlines(keepends=True)[1])
    report = Verifier().check(box.state)
    assert ("foreign", "evidence/chain.jsonl") in kinds(report)
    assert ("foreign", "evidence/case-3/r1/manifest.json") in kinds(report)
    assert "box 420111/box-08" in " ".join(f.says for f in report.findings)
    theirs = Verifier(trusted=[box.chain.signer.kid]).check(other.state)
    assert Code.SEC_CHAIN_KEY in {f.code for f in theirs.findings}
    other.close()


def test_a_zip_and_a_copied_case_stand_for_themselves(box: SealingBox, tmp_path: Path) -> None:
    """Exports without the chain; a revision that is left out shows."""
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for path in sorted((box.folder / "case-2").rglob("*")):
            out.write(path, path.relative_to(box.folder))
    report = Verifier(trusted=[box.chain.signer.kid]).check(archive)
    assert not report.findings
    assert (report.cases, len(report.whole)) == (1, 4 + 4 + 2)
    shutil.copytree(box.folder / "case-2", tmp_path / "copy/case-2")
    shutil.rmtree(tmp_path / "copy/case-2/r2")
    found = Verifier(trusted=["0" * 16]).check(tmp_path / "copy").findings
    assert {f.what for f in found} == {What.MISSING, What.WRONG_KEY}


def test_a_clock_in_1970_is_said_not_guessed(tmp_path: Path) -> None:
    """The order stays certain; the times are marked."""
    box = SealingBox(tmp_path / "state")
    box.case(1)
    box.now, box.synced = LONG_AGO, ClockState(synced=False, boot_id=None)
    box.case(2)
    body = json.loads((box.folder / "case-2/r1/manifest.json").read_text())
    assert body["clock"]["trusted"] is False
    assert body["clock"]["doubts"] == ["not_synchronised", "never_set", "behind_the_link_before"]
    report = Verifier().check(box.state)
    assert not report.findings
    assert any("never_set" in note for note in report.notes)
    box.close()


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"[" * 100_000, b"{}", b"\x00" * 50])
def test_rubbish_is_a_finding_never_a_crash(box: SealingBox, data: bytes) -> None:
    """Zero bytes, truncated pictures, JSON that is deep or no JSON."""
    folder = box.folder / "case-1/r1"
    for path in list(folder.iterdir()):
        path.write_bytes(data)
    found = kinds(Verifier().check(box.state))
    assert found == {("altered", f"evidence/case-1/r1/{path.name}") for path in folder.iterdir()}


def test_nothing_to_check_is_an_error(tmp_path: Path) -> None:
    """An empty folder proves nothing; nor does a file that is not there."""
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(StoreError, match="EVI-003"):
            Verifier().check(path)
