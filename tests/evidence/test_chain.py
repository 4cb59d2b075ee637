"""The chain on disk: crashes, lost files, full disks, other keys; and what the platform is told."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.app.sealing import Seals
from edge.cases.evidence import EvidenceRoom
from edge.errors import Code, ConfigError, StoreError
from edge.evidence.chain import Chain, begin, head, open_chain
from edge.evidence.copies import Copies, recover
from edge.evidence.findings import What
from edge.evidence.keys import KeyBox, settle
from edge.evidence.link import BadLinkError, canonical
from edge.evidence.verify import Verifier
from edge.signing import load_or_make_signer, load_signer
from edge.sqlite import transaction
from tests.evidence.box import SealingBox, make_sealer
from tests.uploader.helpers import CITY, NODE, NOON
from uploader.contract.messages import ReceiptData
from uploader.outbox import Outbox
from uploader.retention import Retention

LATER = datetime(9999, 1, 1, tzinfo=UTC)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[SealingBox]:
    made = SealingBox(tmp_path / "state")
    for number in (1, 2, 3):
        made.case(number)
    yield made
    with suppress(Exception):
        made.close()


def whole(state: Path) -> bool:
    report = Verifier().check(state)
    assert report.findings == []
    return not [note for note in report.notes if "behind the database" in note]


def deliver(box: SealingBox) -> None:
    """The platform takes everything."""
    outbox = Outbox(box.database, city=CITY, node=NODE, clock=lambda: box.now)
    for row in outbox.due(box.now, 99):
        receipt = ReceiptData(
            case_id=row.subject,
            revision=row.revision,
            payload_sha256=row.payload_sha256,
            result="complete",
            missing=(),
            reason=None,
            retry_after_s=None,
            at=box.now,
        )
        outbox.settle(receipt)
    outbox.close()


def test_what_was_delivered_and_removed_is_not_missed(box: SealingBox) -> None:
    """Retention says so in the chain; folders are gone with manifest and document."""
    box.case(2, 2, "withdrawn", pictures=0)
    deliver(box)
    seals = Seals(box.sealer, box.chain, box.copies, box.folder)
    retention = Retention(box.database, journal=seals)
    removed = retention.remove("case-1", LATER)
    assert removed is not None
    assert removed.subject == "case-1"
    assert not (box.folder / "case-1").exists()
    deliver(box)
    while (box.folder / "case-2").exists():
        assert retention.remove("case-2", LATER) is not None
    box.case(4)
    retention.close()
    report = Verifier().check(box.state)
    assert (report.findings, report.cases) == ([], len(list(box.folder.glob("case-*"))))
    shutil.rmtree(box.folder / "case-4")
    assert {f.what for f in Verifier().check(box.state).findings} == {What.MISSING}


def test_copies_come_back_whatever_is_lost(box: SealingBox) -> None:
    """A torn line, no file, no manifest, the plain manifest of a crash."""
    lines = (box.folder / "chain.jsonl").read_bytes()
    manifest = box.folder / "case-2/r1/manifest.json"
    sealed = manifest.read_bytes()
    for damage in ("torn", "none", "manifest", "plain"):
        match damage:
            case "torn":
                (box.folder / "chain.jsonl").write_bytes(lines[:-40])
            case "none":
                (box.folder / "chain.jsonl").unlink()
            case "manifest":
                manifest.unlink()
            case "plain":
                manifest.write_text(json.dumps({"files": json.loads(sealed)["files"]}))
        report = Verifier().check(box.state)
        assert bool(report.findings) == (damage in {"none", "manifest", "plain"}), damage
        copies = Copies(box.database, box.folder)
        copies.catch_up()
        copies.mend_folders()
        copies.close()
        assert (box.folder / "chain.jsonl").read_bytes() == lines
        assert manifest.read_bytes() == sealed
        assert whole(box.state), damage


def test_the_index_comes_back_from_the_files(box: SealingBox) -> None:
    """The database is lost: the chain goes on where it was, and no picture is swept away."""
    before = (box.folder / "chain.jsonl").read_bytes()
    box.close()
    for name in ("gridpatrol.db", "gridpatrol.db-wal", "gridpatrol.db-shm"):
        (box.state / name).unlink(missing_ok=True)
    assert recover(box.database, box.folder) == 4
    assert recover(box.database, box.folder) == 0
    again = SealingBox(box.state)
    again.case(4)
    assert (again.folder / "chain.jsonl").read_bytes().startswith(before)
    assert whole(box.state)
    assert again.copies.revisions() == {(f"case-{n}", 1) for n in (1, 2, 3, 4)}
    again.close()


def test_another_history_is_set_aside_and_named(box: SealingBox, tmp_path: Path) -> None:
    """An older database with a life of its own meets the newer file."""
    box.close()
    old = tmp_path / "old"
    shutil.copytree(box.state, old)
    (old / "evidence/chain.jsonl").unlink()
    forked = SealingBox(old)
    forked.case(8)
    forked.close()
    again = SealingBox(box.state)
    again.case(9)
    again.close()
    shutil.copy(old / "gridpatrol.db", box.database)
    third = SealingBox(box.state)
    third.close()
    found = Verifier().check(box.state).findings
    assert ("forked", "chain.jsonl.aside") in {
        (f.what.value, Path(f.path).name.partition("-")[0]) for f in found
    }


def test_nothing_is_lost_when_only_the_copies_fail(box: SealingBox) -> None:
    """The case is committed and delivered; the next commit brings the copies up."""
    path = box.folder / "chain.jsonl"
    kept = path.read_bytes()
    path.unlink()
    path.mkdir()
    box.case(4)
    path.rmdir()
    path.write_bytes(kept)
    box.case(5)
    assert whole(box.state)


def test_a_refused_commit_takes_no_number(box: SealingBox) -> None:
    """Case, link and message are one transaction."""

    class Refusing:
        def enqueue(self, tx: object, draft: object) -> int:
            raise StoreError(Code.STO_FULL, "x", "full", "y")

    box.store._outbox, held = Refusing(), box.store._outbox
    with pytest.raises(StoreError):
        box.case(4)
    box.store._outbox = held
    box.case(4)
    report = Verifier().check(box.state)
    assert (report.findings, report.links) == ([], 5)


_VICTIM = """
import sys
from pathlib import Path
from tests.evidence.box import SealingBox
box = SealingBox(Path(sys.argv[1]))
print("begin", flush=True)
for number in range(100, 100000):
    box.case(number)
    print(number, flush=True)
"""


def test_killed_at_any_moment_the_chain_is_whole_after_the_next_start(tmp_path: Path) -> None:
    """SIGKILL between commit, copies and pictures; what was acknowledged is in the chain."""
    state = tmp_path / "state"
    for after in (2, 15):
        script = _VICTIM.replace("range(100,", f"range({after} * 1000,")
        victim = subprocess.Popen(
            [sys.executable, "-c", script, str(state)], stdout=subprocess.PIPE, text=True
        )
        assert victim.stdout is not None
        seen = [victim.stdout.readline() for _ in range(after)]
        victim.kill()
        seen += victim.stdout.readlines()
        victim.wait()
        report = Verifier().check(state)
        assert not report.findings
        box = SealingBox(state)
        box.copies.mend_folders()
        acknowledged = {int(line) for line in seen if line.strip().isdigit()}
        sealed = {int(case_id[5:]) for case_id, _ in box.copies.revisions()}
        assert acknowledged <= sealed
        room = EvidenceRoom.__new__(EvidenceRoom)
        room.folder = box.folder
        room.sweep(box.copies.revisions(), now_s=4e9)
        assert whole(state)
        box.close()


def test_a_key_that_others_may_read_is_refused(box: SealingBox) -> None:
    """With a stable code; nothing was written."""
    key = box.state / "keys/box.pem"
    key.chmod(0o644)
    with pytest.raises(ConfigError) as caught:
        make_sealer(box.state)
    assert caught.value.code is Code.SEC_KEY
    key.chmod(0o600)
    assert whole(box.state)


def test_a_wrong_key_is_refused(box: SealingBox, tmp_path: Path) -> None:
    """The chain is not gone on with by somebody else."""
    stranger = load_or_make_signer(tmp_path / "stranger.pem")
    db = open_chain(box.database)
    with pytest.raises(ConfigError) as caught:
        begin(db, box.database, Chain(f"{CITY}/{NODE}", stranger))
    assert caught.value.code is Code.SEC_CHAIN_KEY
    with transaction(db, box.database) as tx:  # who does it all the same is found out
        Chain(f"{CITY}/{NODE}", stranger).append(tx, "removed", {"case_id": "case-1"})
    db.close()
    box.copies.catch_up()
    assert What.WRONG_KEY in {f.what for f in Verifier().check(box.state).findings}


def keys_of(box: SealingBox) -> KeyBox:
    return KeyBox(box.state / "keys", box.database, box.chain.box, lambda: NOON)


def test_keys_are_handed_on(box: SealingBox, tmp_path: Path) -> None:
    """Old and new key each vouch for all of it; a backup of the old one comes not back."""
    old = box.chain.signer.kid
    shutil.copy(box.state / "keys/box.pem", tmp_path / "old.pem")
    box.close()
    _, new = keys_of(box).rotate()
    assert stat.S_IMODE((box.state / "keys/box.pem").stat().st_mode) == 0o600
    assert load_signer(box.state / "keys/box.pem").kid == new.kid
    with pytest.raises(ConfigError, match="SEC-003"):
        keys_of(box).restore(tmp_path / "old.pem")
    again = SealingBox(box.state)
    again.case(4)
    again.close()
    for kid in (old, new.kid):
        assert not Verifier(trusted=[kid]).check(box.state).findings
    assert Verifier(trusted=["ab" * 8]).check(box.state).findings
    assert Verifier(revoked=[old]).check(box.state).findings
    keys_of(box).revoke(old, "stolen", None)
    assert not Verifier().check(box.state).findings
    keys_of(box).revoke(old, "stolen before", 3)
    found = [f.seq for f in Verifier().check(box.state).findings if f.what is What.WRONG_KEY]
    assert found[:2] == [3, 4]
    with pytest.raises(ConfigError, match="in use"):
        keys_of(box).revoke(new.kid, "x", None)


@pytest.mark.parametrize("said", [True, False])
def test_a_crash_in_the_middle_of_a_change_of_keys(box: SealingBox, said: bool) -> None:
    """Before the link the old key stays, after it the new one comes."""
    old = box.chain.signer.kid
    keys = box.state / "keys"
    box.close()
    shutil.copy(keys / "box.pem", keys / "kept.pem")
    if said:
        _, new = keys_of(box).rotate()
        (keys / "box.pem").replace(keys / "next.pem")
        (keys / "kept.pem").replace(keys / "box.pem")
    else:
        load_or_make_signer(keys / "next.pem")
    settle(keys, box.database)
    assert load_signer(keys / "box.pem").kid == (new.kid if said else old)
    again = SealingBox(box.state)
    again.case(4)
    again.close()
    assert whole(box.state)
    keys_of(box).rotate()


def test_a_lost_key_is_renewed_and_that_is_said(box: SealingBox) -> None:
    """Nobody vouches for it until people do."""
    with pytest.raises(ConfigError, match="rotate"):
        keys_of(box).renew("no reason")
    (box.state / "keys/box.pem").unlink()
    box.close()
    _, new = keys_of(box).renew("disk lost")
    SealingBox(box.state).close()
    assert What.WRONG_KEY in {f.what for f in Verifier().check(box.state).findings}
    assert not Verifier(trusted=[new.kid]).check(box.state).findings


def test_what_has_no_canonical_form_is_refused() -> None:
    """Not a number, integers that doubles cannot hold, lone surrogates."""
    for bad in (float("nan"), 2**60, "\ud800", {1: 2}):
        with pytest.raises(BadLinkError):
            canonical({"x": bad})


def test_the_head_is_none_before_the_first(tmp_path: Path) -> None:
    db = open_chain(tmp_path / "x.db")
    assert head(db) is None
    db.close()


def test_a_crash_in_a_removal_leaves_files_too_many(
    box: SealingBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never too few: it is decided and signed before the first file goes; a start ends it."""
    deliver(box)
    seals = Seals(box.sealer, box.chain, box.copies, box.folder)
    retention = Retention(box.database, journal=seals)

    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    monkeypatch.setattr(retention, "finish", die)
    with pytest.raises(Killed):
        retention.remove("case-1", LATER)
    retention.close()
    assert (box.folder / "case-1/r1/far.jpg").exists()
    assert whole(box.state)
    again = Retention(box.database, journal=seals)
    again.finish()
    again.close()
    assert not (box.folder / "case-1").exists()
    assert whole(box.state)
