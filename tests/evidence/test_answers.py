"""Answers to the platform's requests: their pictures have a link, and who alters them is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from edge.app.sealing import held
from edge.cases.store import OPEN_CASES
from edge.clock import iso
from edge.evidence.chain import links_after, open_chain
from edge.evidence.copies import recover
from edge.evidence.findings import What
from edge.evidence.kinds import KINDS, misfit
from edge.evidence.link import Link
from edge.evidence.verify import Verifier
from edge.sqlite import transaction
from tests.evidence.box import SealingBox
from uploader.keeping import Rules
from uploader.retention import Retention


@pytest.fixture
def box(tmp_path: Path) -> Iterator[SealingBox]:
    """A case, and two answers: one about it that shows it before and after, one about no case."""
    made = SealingBox(tmp_path / "state")
    draft = made.case(1)
    made.answer(1, draft.case_id, draft.evidence[0].path)
    made.answer(2)
    yield made
    made.close()


def room(box: SealingBox, number: int) -> Path:
    return sorted((box.state / "replies").iterdir())[number - 1]


def links(box: SealingBox) -> list[Link]:
    db = open_chain(box.database)
    try:
        return [link for link, _ in links_after(db, 0)]
    finally:
        db.close()


def test_an_answer_is_in_the_chain_with_its_document_and_its_own_pictures(box: SealingBox) -> None:
    """What it shows from before is in the document, and is the case's own file."""
    link = links(box)[2]
    assert (link.kind, link.body["case_id"], link.body["result"]) == ("answer", "case-1", "present")
    assert [file["name"] for file in link.body["files"]] == ["after.jpg", "near.jpg"]
    document = json.loads((room(box, 1) / "answer.json").read_bytes())
    assert [each["role"] for each in document["evidence"]] == ["before", "after", "near"]
    for path in (box.state, room(box, 1), room(box, 2) / "near.jpg", box.folder / "chain.jsonl"):
        report = Verifier().check(path)
        assert not report.findings, path
    report = Verifier().check(box.state)
    assert (report.cases, report.links, len(report.whole)) == (1, 4, 4 + 2 * 4)
    assert len(Verifier().check_case(box.folder, room(box, 2).name).whole) == 4


@pytest.mark.parametrize("name", ["after.jpg", "near.jpg", "answer.json", "manifest.json"])
def test_whatever_is_done_to_a_file_of_an_answer_is_named(box: SealingBox, name: str) -> None:
    """Altered, gone, exchanged with another answer's; asked for by state folder and by itself."""
    path, other = room(box, 1) / name, room(box, 2) / name
    says = f"state/replies/{path.parent.name}/{name}"
    whole, swapped = path.read_bytes(), other.read_bytes()
    altered = whole[:9] + bytes([whole[9] ^ 1]) + whole[10:]
    for data, what in ((altered, What.ALTERED), (swapped, None), (None, What.MISSING)):
        path.unlink() if data is None else path.write_bytes(data)
        for asked in (box.state, path.parent):
            found = Verifier().check(asked).findings
            named = {finding.path for finding in found}
            assert any(says.endswith(each) for each in named), (data, asked, found)
            assert what is None or what in {finding.what for finding in found}
        path.write_bytes(whole)
    assert not Verifier().check(box.state).findings


def test_an_answer_that_is_taken_away_as_a_whole_is_missing(box: SealingBox) -> None:
    """One folder, or all of them."""
    shutil.rmtree(room(box, 2))
    assert {f.what for f in Verifier().check(box.state).findings} == {What.MISSING}
    shutil.rmtree(box.state / "replies")
    assert len(Verifier().check(box.state).findings) == 2 * 4


def test_pictures_nobody_sealed_are_noted_and_a_foreign_manifest_is_found(
    box: SealingBox, tmp_path: Path
) -> None:
    """Of before answers were sealed; and of another box."""
    old = box.state / "replies" / "00000000-0000-0000-0000-000000000009"
    old.mkdir()
    (old / "far.jpg").write_bytes(b"of last year")
    report = Verifier().check(box.state)
    assert not report.findings
    assert any("1 folder(s) of answers have no link" in note for note in report.notes)
    other = SealingBox(tmp_path / "other", node="box-02")
    other.answer(7)
    other.close()
    shutil.copytree(room(other, 1), box.state / "replies" / room(other, 1).name)
    assert What.FOREIGN in {finding.what for finding in Verifier().check(box.state).findings}


def test_a_crash_after_the_commit_is_mended_by_the_next_start(box: SealingBox) -> None:
    """Manifest and document are written anew; the pictures are those of the link."""
    for name in ("manifest.json", "answer.json"):
        (room(box, 1) / name).unlink()
    assert box.copies.mend_folders() == 1
    assert not Verifier().check(box.state).findings
    assert box.copies.answers() == {room(box, 1).name, room(box, 2).name}


def test_the_link_is_there_with_the_answer_or_neither_is(box: SealingBox) -> None:
    """A second answer to the same request changes nothing."""
    before = len(links(box))
    with pytest.raises(AssertionError):
        box.answer(2)
    assert len(links(box)) == before


def test_a_lost_database_gets_the_answers_back_from_the_files(box: SealingBox) -> None:
    """From the chain's file; and without it from the manifests beside the pictures."""
    box.close()
    for lose in ((box.database,), (box.database, box.folder / "chain.jsonl")):
        for path in lose:
            for each in path.parent.glob(f"{path.name}*"):
                each.unlink()
        recover(box.database, box.folder)
        kinds = [link.kind for link in links(box)]
        assert kinds[-3:] == ["case", "answer", "answer"]
        db = open_chain(box.database)
        kept = db.execute("SELECT count(document) FROM evidence_chain").fetchone()[0]
        db.close()
        assert kept == 3
    again = SealingBox(box.state)
    again.close()


def test_retention_takes_an_answer_and_verify_says_so(box: SealingBox) -> None:
    """Pictures, manifest and document go; a link says that they went."""
    place = room(box, 2)
    with transaction(box.store._db, box.database) as tx:
        settled = tx.execute("UPDATE outbox SET state = 'done', settled_at = ?", (iso(box.now),))
    assert settled.rowcount == 3
    keeper = Retention(
        box.database, Rules(days=1), open_cases=OPEN_CASES, held=held, journal=box.seals
    )
    box.now += timedelta(days=2)
    gone = keeper.remove(place.name, box.now)
    keeper.close()
    box.copies.catch_up()
    assert gone is not None
    assert not place.exists()
    assert box.copies.answers() == {room(box, 1).name}
    report = Verifier().check(box.state)
    assert not report.findings
    assert place.name in {each.case_id for each in report.removed}
    assert "deleted by retention" in " ".join(Verifier().check(place / "near.jpg").notes)


def test_a_kind_of_a_later_version_is_reported_and_is_no_fault(box: SealingBox) -> None:
    """It is signed and in its place; only what it says is not known here."""
    with transaction(box.store._db, box.database) as tx:
        box.chain.append(tx, "weather", {"sky": "blue"})
    box.copies.catch_up()
    report = Verifier().check(box.state)
    assert not report.findings
    assert any("1 link(s) of kinds" in note and "(weather)" in note for note in report.notes)


def test_every_kind_names_its_fields() -> None:
    """Whoever lacks one is no link of that kind; a kind of a later version lacks nothing."""
    sample: dict[type, object] = {str: "x", int: 1, list: [], dict: {}}
    for name, kind in KINDS.items():
        body = {"kind": name, **{field: sample[type_] for field, type_ in kind.fields.items()}}
        assert misfit(body) is None
        for field in kind.fields:
            short = {key: value for key, value in body.items() if key != field}
            assert misfit(short) == (
                f"field {field} is missing or no {kind.fields[field].__name__}"
            )
        if kind.document:
            assert misfit({**body, "files": [{"name": "x"}]}) == "a file without name or sha256"
    assert misfit({"kind": "weather"}) is None


@pytest.mark.slow
def test_every_ninth_bit_of_an_answer(box: SealingBox) -> None:
    """Of its manifest, document and pictures: named by the file it is in, and by no other."""
    state, done = box.state, 0
    for path in sorted(room(box, 1).iterdir()):
        whole = path.read_bytes()
        for bit in range(0, len(whole) * 8, 9):
            data = bytearray(whole)
            data[bit // 8] ^= 1 << bit % 8
            path.write_bytes(data)
            found = Verifier().check(path.parent).findings
            assert {f.path for f in found} == {str(path.relative_to(state))}, (path.name, bit)
            done += 1
        path.write_bytes(whole)
    print(f"{done} bits, all found and named")
