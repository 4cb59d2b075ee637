"""``gridpatrol export``: what leaves the box proves itself, and nothing else leaves."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from edge.app.sealing import Seals
from edge.errors import Code, ExportError, GridpatrolError
from edge.evidence.access import AccessLog, looked_at
from edge.evidence.chain import open_chain
from edge.evidence.findings import Report
from edge.evidence.keys import KeyBox
from edge.evidence.link import read_link, signed
from edge.evidence.purposes import record
from edge.evidence.verify import Verifier
from edge.export.choose import Asked, choose
from edge.export.log import read_log
from edge.export.make import Done, _gathered, make_export
from edge.export.report import Frame
from edge.signing import load_or_make_signer
from edge.sqlite import transaction
from tests.evidence.box import LONG_AGO, SealingBox, with_three_cases
from tests.uploader.helpers import NOON
from uploader.keeping import Kept, Verdict
from uploader.retention import Removed

BOX = "420111/box-07"
FRAME = Frame(BOX, "张三 Zhang San", "行政复议 administrative review", "Asia/Shanghai")
DAY = date(2026, 11, 24)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[SealingBox]:
    """Three cases, the second with three revisions; the box goes on running."""
    made = with_three_cases(tmp_path / "state")
    yield made
    made.close()


def export(box: SealingBox, out: Path, asked: Asked, frame: Frame = FRAME) -> Done:
    signer = load_or_make_signer(box.state / "keys/box.pem")
    return make_export(box.state, frame, asked, signer, out)


def everything(box: SealingBox, out: Path) -> Done:
    return export(box, out, Asked(first=DAY, last=DAY))


def names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def text(path: Path, name: str = "report.html") -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).decode()


def kinds(report: Report) -> set[tuple[str, str]]:
    return {(finding.what.value, finding.path) for finding in report.findings}


def remove(box: SealingBox, case_id: str) -> None:
    """As retention does: pictures, then the link and the rest."""
    for picture in (box.folder / case_id).rglob("*.jpg"):
        picture.unlink()
    with closing(open_chain(box.database)) as db, transaction(db, box.database) as tx:
        kept = Kept(case_id, "street_vending", "closed", NOON)
        gone = Removed(kept, Verdict("age", "keep_delivered_days 30 d"), 1, (), 0)
        folders = Seals(box.sealer, box.chain, box.copies, box.folder).removed(tx, gone)
    for folder in folders:
        shutil.rmtree(folder)
    box.copies.catch_up()


def test_a_case_is_whole_zipped_and_unpacked(box: SealingBox, tmp_path: Path) -> None:
    """Every revision with its files, the keys, the links; ``verify`` finds nothing."""
    done = export(box, tmp_path / "two.zip", Asked("case-2"))
    assert (done.cases, done.left_out) == (1, [])
    folders = {f"evidence/case-2/r{n}" for n in (1, 2, 3)}
    pictures = {f"{folder}/{role}.jpg" for folder in folders for role in ("far", "near")}
    pictures -= {"evidence/case-2/r3/far.jpg", "evidence/case-2/r3/near.jpg"}
    papers = {f"{folder}/{name}.json" for folder in folders for name in ("case", "manifest")}
    key = f"keys/{box.chain.signer.kid}.pub.pem"
    watching = {"watching/purposes.json", "watching/access.json"}
    rest = {"links.jsonl", "report.html", "SHA256SUMS", "export.json", key} | watching
    assert names(done.path) == pictures | papers | rest
    unpacked = tmp_path / "unpacked"
    shutil.unpack_archive(done.path, unpacked)
    for path in (done.path, unpacked):
        report = Verifier(trusted=[box.chain.signer.kid]).check(path)
        assert not report.findings
        assert set(report.whole) == pictures | papers | watching | {
            "links.jsonl",
            "report.html",
            key,
        }
    assert not Verifier().check(unpacked / "report.html").findings
    assert not Verifier().check(unpacked / "evidence/case-2/r2").findings
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=unpacked, capture_output=True)
    assert checked.returncode == 0


def test_the_same_input_gives_the_same_bytes(box: SealingBox, tmp_path: Path) -> None:
    """Although each export adds a link to the chain."""
    first = everything(box, tmp_path / "a.zip")
    second = everything(box, tmp_path / "b.zip")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.seq + 1 == second.seq
    assert hashlib.sha256(first.path.read_bytes()).hexdigest() == first.sha256
    with zipfile.ZipFile(first.path) as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}


def test_days_are_those_of_the_box(box: SealingBox, tmp_path: Path) -> None:
    """A case counts with any revision made on one of them, and comes as a whole."""
    box.now += timedelta(hours=11, minutes=59)  # 23:59 in Shanghai
    box.case(4)
    box.now += timedelta(minutes=1)
    box.case(4, 2, "gone")
    box.case(5)
    box.now = LONG_AGO
    box.case(6)
    done = everything(box, tmp_path / "first.zip")
    assert done.cases == 4
    assert "evidence/case-4/r2/case.json" in names(done.path)
    next_day = DAY + timedelta(days=1)
    done = export(box, tmp_path / "second.zip", Asked(first=next_day, last=next_day))
    assert {name.split("/")[1] for name in names(done.path) if name.startswith("evidence")} == {
        "case-4",
        "case-5",
    }
    assert not Verifier().check(done.path).findings


def test_a_bit_changed_anywhere_in_it_is_named(box: SealingBox, tmp_path: Path) -> None:
    """Each file of an unpacked export in turn; afterwards it is whole again."""
    done = export(box, tmp_path / "two.zip", Asked("case-2"))
    unpacked = tmp_path / "unpacked"
    shutil.unpack_archive(done.path, unpacked)
    for path in sorted(filter(Path.is_file, unpacked.rglob("*"))):
        before = path.read_bytes()
        for at in (0, len(before) // 2, len(before) - 1):
            path.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :])
            found = kinds(Verifier().check(unpacked))
            assert ("altered", str(path.relative_to(unpacked))) in found, (path, at, found)
        path.unlink()
        found = kinds(Verifier().check(unpacked))
        assert ("missing", str(path.relative_to(unpacked))) in found, (path, found)
        path.write_bytes(before)
    assert not Verifier().check(unpacked).findings


def test_a_case_taken_out_or_put_in_is_named(box: SealingBox, tmp_path: Path) -> None:
    """The manifests alone would not miss it."""
    everything(box, tmp_path / "all.zip")
    unpacked = tmp_path / "unpacked"
    shutil.unpack_archive(tmp_path / "all.zip", unpacked)
    shutil.rmtree(unpacked / "evidence/case-1")
    box.case(9)
    shutil.copytree(box.folder / "case-9", unpacked / "evidence/case-9")
    found = kinds(Verifier().check(unpacked))
    assert found == {
        ("missing", f"evidence/case-1/r1/{name}")
        for name in ("far.jpg", "near.jpg", "case.json", "manifest.json")
    } | {
        ("stranger", f"evidence/case-9/r1/{name}")
        for name in ("far.jpg", "near.jpg", "case.json", "manifest.json")
    }


def test_another_key_cannot_sign_for_the_box(box: SealingBox, tmp_path: Path) -> None:
    """A report rewritten and signed anew by somebody else is found out, also without ``--key``."""
    export(box, tmp_path / "two.zip", Asked("case-2"))
    forger = load_or_make_signer(tmp_path / "forger/box.pem")
    unpacked = tmp_path / "unpacked"
    shutil.unpack_archive(tmp_path / "two.zip", unpacked)
    page = unpacked / "report.html"
    page.write_text(page.read_text(encoding="utf-8").replace("plaza", "palace"), encoding="utf-8")
    sums = unpacked / "SHA256SUMS"
    lines = sums.read_text(encoding="utf-8").splitlines()
    digest = hashlib.sha256(page.read_bytes()).hexdigest()
    lines = [f"{digest}  report.html" if "report" in line else line for line in lines]
    sums.write_text("\n".join(lines) + "\n", encoding="utf-8")
    listing = unpacked / "export.json"
    body = json.loads(listing.read_bytes())
    del body["sig"]
    body["sums_sha256"] = hashlib.sha256(sums.read_bytes()).hexdigest()
    listing.write_bytes(signed(body, forger))
    assert kinds(Verifier().check(unpacked)) == {("wrong_key", "export.json")}


def test_after_a_change_of_keys_the_new_one_vouches(box: SealingBox, tmp_path: Path) -> None:
    """Both keys are in it, and either may be given."""
    old = box.chain.signer.kid
    box.close()
    _, new = KeyBox(box.state / "keys", box.database, BOX).rotate()
    done = export(box, tmp_path / "two.zip", Asked("case-2"))
    assert {f"keys/{old}.pub.pem", f"keys/{new.kid}.pub.pem"} <= names(done.path)
    assert not Verifier(trusted=[new.kid]).check(done.path).findings
    assert not Verifier().check(done.path).findings
    other = Verifier(trusted=["0" * 16]).check(done.path)
    signed_by = {f"evidence/case-2/r{n}/manifest.json" for n in (1, 2, 3)}
    signed_by |= {"export.json", "links.jsonl"}
    assert kinds(other) == {("wrong_key", each) for each in signed_by}
    assert kinds(Verifier(revoked=[new.kid]).check(done.path)) == {("wrong_key", "export.json")}


def test_what_retention_removed_is_said(box: SealingBox, tmp_path: Path) -> None:
    """The export is made all the same, is whole, and proves that the case was there."""
    remove(box, "case-1")
    done = everything(box, tmp_path / "all.zip")
    assert {state.value for _, state in done.left_out} == {"removed"}
    assert "keep_delivered_days 30 d" in text(done.path)
    assert not any("case-1/" in name for name in names(done.path))
    links = [read_link(line) for line in text(done.path, "links.jsonl").encode().splitlines()]
    assert [link.kind for link in links if link.body.get("case_id") == "case-1"] == [
        "case",
        "removed",
    ]
    assert "按保存期限删除" in text(done.path)
    assert not Verifier().check(done.path).findings
    alone = export(box, tmp_path / "one.zip", Asked("case-1"))
    assert not Verifier().check(alone.path).findings


def test_what_retention_removes_meanwhile_is_not_missing(box: SealingBox) -> None:
    """Between the look into the chain and the look onto the disk."""
    chosen = choose(box.state, Asked(first=DAY, last=DAY), "Asia/Shanghai")
    remove(box, "case-1")
    leaves = _gathered(box.state, chosen, "case-1", "Asia/Shanghai")
    assert {state.value for leaf in leaves for _, state in leaf.left_out} == {"removed"}
    assert chosen.links[-1].kind == "removed"


def test_missing_and_altered_files_stay_out_and_are_named(box: SealingBox, tmp_path: Path) -> None:
    """What is not as it was sealed may be a clear picture: it does not leave."""
    secret = b"a clear picture, put in place of the redacted one"
    (box.folder / "case-2/r1/far.jpg").write_bytes(secret)
    (box.folder / "case-2/r1/near.jpg").unlink()
    (box.folder / "case-2/r1/clear.jpg").write_bytes(secret)
    done = everything(box, tmp_path / "all.zip")
    assert {name: state.value for name, state in done.left_out} == {
        "evidence/case-2/r1/far.jpg": "altered",
        "evidence/case-2/r1/near.jpg": "missing",
    }
    assert secret not in done.path.read_bytes()
    page = text(done.path)
    assert "altered since it was sealed" in page
    assert "2 file(s) are not in this export" in page
    assert kinds(Verifier().check(done.path)) == {
        ("missing", "evidence/case-2/r1/far.jpg"),
        ("missing", "evidence/case-2/r1/near.jpg"),
    }


def test_a_file_that_became_gigabytes_is_not_read(box: SealingBox, tmp_path: Path) -> None:
    """A sparse file of 50 GB in a picture's place: left out as altered, like an empty one."""
    with (box.folder / "case-2/r1/far.jpg").open("wb") as file:
        file.truncate(50 << 30)
    (box.folder / "case-2/r1/near.jpg").write_bytes(b"")
    done = everything(box, tmp_path / "all.zip")
    assert {state.value for _, state in done.left_out} == {"altered"}
    assert done.path.stat().st_size < 10_000_000


def test_no_key_leaves_and_no_password(box: SealingBox, tmp_path: Path) -> None:
    """Nor anything else of the state folder."""
    private = (box.state / "keys/box.pem").read_bytes().splitlines()[1]
    done = everything(box, tmp_path / "all.zip")
    data = done.path.read_bytes()
    assert private not in data
    assert b"PRIVATE" not in data
    assert str(tmp_path).encode() not in data
    assert done.path.stat().st_mode & 0o777 == 0o600


def test_every_export_is_in_the_chain(box: SealingBox, tmp_path: Path) -> None:
    """Who, why, what, which cameras; the running box goes on behind it, and all is whole."""
    done = export(box, tmp_path / "two.zip", Asked("case-2"))
    (entry,) = read_log(box.state)
    assert (entry.by, entry.purpose) == (FRAME.by, FRAME.purpose)
    assert (entry.asked, entry.cases) == ({"case": "case-2"}, 1)
    assert entry.zip_sha256 == done.sha256
    box.case(7)
    assert not Verifier(checkpoints=[box.checkpoint()]).check(box.state).findings
    with closing(sqlite3.connect(box.database)) as db:
        (raw,) = db.execute("SELECT link FROM evidence_chain WHERE kind='export'").fetchone()
        with pytest.raises(sqlite3.IntegrityError):
            db.execute("DELETE FROM evidence_chain WHERE kind = 'export'")
    assert json.loads(raw)["cameras"] == ["plaza"]


def test_text_from_outside_stays_text(box: SealingBox, tmp_path: Path) -> None:
    """Markup in a purpose is shown, not run."""
    frame = Frame(BOX, "<b>x</b>", '"><script>alert(1)</script>', "Asia/Shanghai")
    done = export(box, tmp_path / "two.zip", Asked("case-2"), frame)
    assert "<script" not in text(done.path)
    assert "&lt;script&gt;" in text(done.path)


def test_a_zip_with_a_flipped_bit_is_refused_or_named(box: SealingBox, tmp_path: Path) -> None:
    """Wherever it is, its directory above all: what passes holds what was exported."""
    done = everything(box, tmp_path / "all.zip")
    raw, rng, torn = done.path.read_bytes(), random.Random(7), tmp_path / "torn.zip"
    directory = raw.find(b"PK\x01\x02")
    for turn in range(240):
        at = rng.randrange(directory if turn % 3 else 0, len(raw))
        torn.write_bytes(raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :])
        try:
            report = Verifier().check(torn)
        except GridpatrolError as error:
            assert error.code is Code.EVI_MANIFEST
            continue
        if not report.findings:
            assert {name: text(torn, name) for name in names(torn) if "jpg" not in name} == {
                name: text(done.path, name) for name in names(done.path) if "jpg" not in name
            }
            assert names(torn) == names(done.path)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(GridpatrolError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value.code)


def test_what_cannot_be_exported_is_refused_in_one_line(box: SealingBox, tmp_path: Path) -> None:
    """By a stable code; nothing is written, neither file nor entry."""
    out = tmp_path / "out/x.zip"
    out.parent.mkdir()
    day = DAY - timedelta(days=400)
    for asked, code in (
        (Asked("case-77"), Code.EXP_NOTHING),
        (Asked("case-"), Code.EXP_NOTHING),
        (Asked(first=day, last=day), Code.EXP_NOTHING),
    ):
        assert refused(lambda asked=asked: export(box, out, asked)) == code
    blank, torn = Frame(BOX, " ", "x", "UTC"), Frame(BOX, "x", "a\nb", "UTC")
    for frame in (blank, torn):
        asked = Asked("case-1")
        assert refused(lambda f=frame, a=asked: export(box, out, a, f)) == Code.EXP_OPTION
    nowhere = tmp_path / "no/where.zip"
    assert refused(lambda: export(box, nowhere, Asked("case-1"))) == Code.EXP_OPTION
    assert refused(lambda: export(box, box.database, Asked("case-1"))) == Code.EXP_OPTION
    forger = load_or_make_signer(tmp_path / "forger/box.pem")
    assert (
        refused(lambda: make_export(box.state, FRAME, Asked("case-1"), forger, out))
        == Code.SEC_CHAIN_KEY
    )
    assert list(out.parent.iterdir()) == []
    assert read_log(box.state) == []
    empty = tmp_path / "empty"
    assert (
        refused(lambda: make_export(empty, FRAME, Asked("case-1"), forger, out)) == Code.EXP_NOTHING
    )


def test_a_damaged_link_is_named(box: SealingBox, tmp_path: Path) -> None:
    """Not exported as if nothing were."""
    with closing(sqlite3.connect(box.database)) as db:
        db.execute("DROP TRIGGER evidence_chain_stays")
        db.execute("UPDATE evidence_chain SET link = x'7b7d' WHERE case_id = 'case-1'")
        db.commit()
    with pytest.raises(ExportError) as caught:
        export(box, tmp_path / "x.zip", Asked("case-1"))
    assert caught.value.code is Code.EVI_CHAIN
    assert "link 2" in str(caught.value)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True)
    except OSError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip(f"may not mount here: {done.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)])


def test_a_full_disk_leaves_nothing(tmp_path: Path, small_disk: Path) -> None:
    """STO-002, no ZIP, no half of one, no entry."""
    box = SealingBox(tmp_path / "state", size_bytes=100_000)
    box.case(1)
    assert refused(lambda: export(box, small_disk / "x.zip", Asked("case-1"))) == Code.STO_FULL
    assert list(small_disk.iterdir()) == []
    assert read_log(box.state) == []
    box.close()


def test_the_cameras_records_go_with_it(box: SealingBox, tmp_path: Path) -> None:
    """Why they are watched, and who looked before; who took it out is asked of the chain."""
    purpose = {"why_zh": "街面秩序", "authority": "城管〔2026〕3 号"}
    cameras = {"plaza": purpose, "elsewhere": purpose}
    with closing(open_chain(box.database)) as db, transaction(db, box.database) as tx:
        record(tx, box.chain, cameras)
    looked_at(box.state, "wang", "original", {"case-2": ["plaza", "elsewhere"]})
    done = export(box, tmp_path / "two.zip", Asked("case-2"))
    with zipfile.ZipFile(done.path) as archive:
        (said,) = json.loads(archive.read("watching/purposes.json"))
        (entry,) = json.loads(archive.read("watching/access.json"))
    assert (said["camera_id"], said["record"]) == ("plaza", purpose)
    assert (entry["camera_id"], entry["name"], entry["what"]) == ("plaza", "wang", "original")
    with closing(AccessLog(box.state / "access.db")) as log:
        taken = [each for each in log.entries("plaza") if each.what == "export"]
    assert [(each.name, each.subject) for each in taken] == [(FRAME.by, "case-2")]
