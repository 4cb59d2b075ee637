"""The desk: one case per place, kind and window, whatever comes and in whatever order."""

from __future__ import annotations

import itertools
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.cases.desk import CaseDesk
from edge.cases.draft import CaseDraft
from edge.cases.evidence import EvidenceRoom
from edge.cases.store import CaseStore
from edge.config.model import CameraSettings
from edge.detectors.base import Detection, Look
from edge.errors import Code, RedactionError, StoreError
from edge.evidence.verify import Verifier
from edge.geometry import Box
from edge.grid.cells import load_cells
from edge.grid.locate import Locator
from edge.scenes.finding import EventKind, Finding, SceneReport, Words
from edge.streams.frame import Frame
from tests.evidence.box import make_sealer
from tests.redaction.ways import NothingMore, by_detections
from uploader.outbox import Outbox

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
PICTURE = np.random.default_rng(1).integers(0, 255, (180, 240, 3), np.uint8)
BOX = Box(0.4, 0.4, 0.6, 0.6)
WEST = (114.4125, 30.3405)


def camera(
    name: str, place: str | None = None, anchor: tuple[float, float] | None = None
) -> CameraSettings:
    zones = [
        {
            "id": f"z-{n}",
            "watch": "piled_materials",
            "polygon": [[0, 0], [1, 0], [1, 1]],
            "gone_after_s": 60,
            "place": place,
            "anchor": anchor,
        }
        for n in (1, 2)
    ]
    return CameraSettings.model_validate(
        {"id": name, "url": "x", "position": {"lon": WEST[0], "lat": WEST[1]}, "zones": zones}
    )


class Office:
    """A desk with its store, room and outbox on disk; may be restarted."""

    def __init__(self, folder: Path, *cameras: CameraSettings) -> None:
        self.folder = folder
        self.finder = NothingMore()
        self.cameras = {c.id: c for c in cameras or (camera("cam-1"), camera("cam-2"))}
        self.open()

    def open(self) -> None:
        cells = load_cells(ROOT / "configs/grid.geojson", code_property="code", code_length=15)
        path = self.folder / "gridpatrol.db"
        sealer, _, self.copies = make_sealer(self.folder, node="box-01", clock=lambda: NOON)
        self.store = CaseStore(path, Outbox(path, city="420111", node="box-01"), sealer)
        self.room = EvidenceRoom(
            self.folder / "evidence", jpeg_quality=80, redactor=by_detections(self.finder)
        )
        self.cells = cells
        self.desk = self.make_desk()

    def make_desk(self, **more: object) -> CaseDesk:
        return CaseDesk(
            box_id="box-01",
            time_zone="Asia/Shanghai",
            cameras=self.cameras,
            locators={n: Locator(c, self.cells) for n, c in self.cameras.items()},
            store=self.store,
            room=self.room,
            merge_distance_m=30,
            clock=lambda: NOON,
            **more,
        )

    def restart(self) -> None:
        self.store.close()
        self.copies.close()
        self.open()

    def sees(
        self, at_s: float, name: str = "cam-1", zone: str = "z-1", **changes: object
    ) -> list[CaseDraft]:
        return self.desk.observe(report(at_s, name, zone, **changes))

    def clear(self, at_s: float, name: str = "cam-1", *zones: str) -> list[CaseDraft]:
        look = look_at(at_s, name)
        return self.desk.observe(SceneReport(look, (), zones or ("z-1", "z-2")))

    def payloads(self) -> list[bytes]:
        with sqlite3.connect(self.folder / "gridpatrol.db") as db:
            return [row[0] for row in db.execute("SELECT payload FROM outbox ORDER BY seq")]

    def rows(self) -> list[tuple[str, int, str]]:
        with sqlite3.connect(self.folder / "gridpatrol.db") as db:
            return db.execute(
                "SELECT subject, revision, status FROM outbox ORDER BY seq"
            ).fetchall()


def look_at(at_s: float, name: str) -> Look:
    at = NOON + timedelta(seconds=at_s)
    person = Detection("person", "person", Box(0.1, 0.1, 0.2, 0.6), 0.9, "made 1")
    return Look(Frame(name, at, PICTURE, "key_frame", 1), (person,))


def report(at_s: float, name: str, zone: str, **changes: object) -> SceneReport:
    look = look_at(at_s, name)
    finding = Finding(
        camera_id=name,
        zone_id=zone,
        place=None,
        kind=EventKind.PILED_MATERIALS,
        category="0136",
        box=BOX,
        first_seen=look.frame.captured_at - timedelta(seconds=30),
        last_seen=look.frame.captured_at,
        score=0.7,
        reasons=(Words("理由", "reason"),),
        look=look,
        parts=(),
    )
    return SceneReport(look, (replace(finding, **changes),), ())  # type: ignore[arg-type]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_finding_opens_a_case_with_everything_in_it(office: Office) -> None:
    """Codes under both schemes, cell, pictures with matching hashes, an outbox row."""
    (draft,) = office.sees(0)
    assert (draft.revision, draft.status) == (1, "new")
    assert [(c.scheme, c.code) for c in draft.category.codes] == [
        ("GB/T 30428.2-2013", "0136"),
        ("GB/T 47678.5-2026", "06036"),
    ]
    assert draft.grid_cell == "420111001002001"
    assert {item.role for item in draft.evidence} == {"far", "near"}
    report = Verifier().check(draft.evidence[0].path.parent)
    assert (len(report.whole), report.findings) == (4, [])
    assert office.rows() == [(draft.case_id, 1, "new")]


def test_what_cannot_be_redacted_is_held(office: Office) -> None:
    """No picture, no case, no message while redaction fails; with it the thing is one case.

    A case that is open then stays open: its "gone" waits in the same way.
    """
    office.finder.broken = True
    for second in range(3):
        with pytest.raises(RedactionError) as refused:
            office.sees(second)
        assert refused.value.code is Code.RED_FAILED
    assert office.rows() == []
    assert not list(office.room.folder.rglob("*.jpg"))
    office.finder.broken = False
    (draft,) = office.sees(3)
    office.finder.broken = True
    assert not office.clear(10)
    with pytest.raises(RedactionError):
        office.clear(100)
    office.finder.broken = False
    (gone,) = office.clear(200)
    assert (gone.status, gone.revision) == ("gone", 2)
    assert office.rows() == [(draft.case_id, 1, "new"), (draft.case_id, 2, "gone")]


def test_further_sightings_attach(office: Office) -> None:
    """A hundred looks later it is still one case and one message."""
    office.sees(0)
    assert not [d for second in range(1, 100) for d in office.sees(second)]
    assert len(office.rows()) == 1


def test_a_restart_attaches(office: Office) -> None:
    """The process is new, the case is not."""
    office.sees(0)
    office.restart()
    assert not office.sees(5)
    assert len(office.rows()) == 1


def test_another_zone_is_another_place(office: Office) -> None:
    """Unless the configuration says otherwise."""
    office.sees(0)
    (other,) = office.sees(1, zone="z-2")
    assert other.status == "new"


def test_two_cameras_on_a_named_place_make_one_case(office: Office) -> None:
    """The second camera is an update with its own pictures, once."""
    (first,) = office.sees(0, place="north-gate")
    (second,) = office.sees(1, "cam-2", place="north-gate")
    assert (second.case_id, second.revision, second.status) == (first.case_id, 2, "update")
    assert [s.camera_id for s in second.sources] == ["cam-1", "cam-2"]
    assert not office.sees(2, "cam-2", place="north-gate")


def test_ground_points_nearby_are_one_place(tmp_path: Path) -> None:
    """20 m apart one case, 60 m apart two; a camera's own position says nothing."""
    near = (WEST[0] + 20 / 96_073, WEST[1])
    far = (WEST[0] + 60 / 96_073, WEST[1])
    office = Office(
        tmp_path,
        camera("cam-1", anchor=WEST),
        camera("cam-2", anchor=near),
        camera("cam-3", anchor=far),
        camera("cam-4"),
    )
    statuses = [office.sees(n, f"cam-{n}")[0].status for n in (1, 2, 3, 4)]
    assert statuses == ["new", "update", "new", "new"]


def test_kinds_do_not_mix(office: Office) -> None:
    """Vending and a pile on one spot are two cases; two codes of one kind are one."""
    office.sees(0)
    vending = {"kind": EventKind.STREET_VENDING}
    assert office.sees(1, category="0406", **vending)[0].status == "new"
    assert not office.sees(2, category="0401", **vending)
    assert not office.sees(3, category="EXT-01")


def test_a_sticker_and_a_banner_are_two_cases(office: Office) -> None:
    """Illegal ads merge only within their own code."""
    ads = {"kind": EventKind.ILLEGAL_ADS}
    assert office.sees(0, category="0201", **ads)
    assert office.sees(1, category="0207", **ads)
    assert not office.sees(2, category="0201", **ads)


def test_gone_needs_a_clear_zone_for_long_enough(office: Office) -> None:
    """One sighting in between starts the time again; gone comes once, with pictures."""
    office.sees(0)
    assert not [d for s in range(1, 50) for d in office.clear(s)]
    assert not office.sees(50)
    assert not [d for s in range(51, 110) for d in office.clear(s)]
    (gone,) = office.clear(112)
    assert (gone.status, gone.revision) == ("gone", 2)
    assert len(gone.evidence) == 2
    assert not [d for s in range(113, 300) for d in office.clear(s)]


def test_an_undecided_zone_is_not_clear(office: Office) -> None:
    """Something stands there again, too young to be a finding: the time starts again."""
    office.sees(0)
    office.clear(1)
    office.desk.observe(SceneReport(look_at(40, "cam-1"), (), ("z-2",)))
    assert not office.clear(65)
    assert office.clear(126)


def test_every_camera_must_find_it_clear(office: Office) -> None:
    """One camera's view may be blocked by a bus."""
    office.sees(0, place="north-gate")
    office.sees(0, "cam-2", place="north-gate")
    assert not [d for s in range(1, 200, 5) for d in office.clear(s)]
    drafts = [d for s in range(200, 300, 5) for d in office.clear(s, "cam-2")]
    assert not drafts or drafts[-1].status == "gone"
    assert office.clear(301)[0].status == "gone" if not drafts else True


def test_within_the_window_it_is_opened_again(office: Office) -> None:
    """Street order 2 h, city appearance 24 h; after that a new case."""
    (first,) = office.sees(0)
    office.clear(1)
    office.clear(70)
    (again,) = office.sees(3600)
    assert (again.case_id, again.status, again.revision) == (first.case_id, "update", 3)
    office.clear(3601)
    assert office.clear(3700)[0].status == "gone"
    (new,) = office.sees(3700 + 25 * 3600)
    assert new.status == "new"
    assert new.case_id != first.case_id


def test_ids_are_the_same_for_the_same_story(tmp_path: Path) -> None:
    """Two boxes that see the same frames with the same configuration make the same ids."""
    ids = []
    for name in ("a", "b"):
        (draft,) = Office(tmp_path / name).sees(0)
        ids.append(draft.case_id)
    assert ids[0] == ids[1]


def test_a_full_disk_acknowledges_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """No room for a picture: no case, a clear error; with room again the next look makes it."""
    from edge.cases import evidence

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(evidence.os, "fsync", full)
        with pytest.raises(StoreError) as caught:
            office.sees(0)
    assert caught.value.code is Code.STO_FULL
    assert office.rows() == []
    assert office.sees(1)[0].status == "new"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True)
    except OSError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip(f"may not mount here: {done.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)])


def fill_disk(filler: Path) -> None:
    """Write until nothing more fits."""
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def test_a_really_full_disk(small_disk: Path) -> None:
    """ENOSPC from the kernel, in pictures and in the database; nothing committed is lost."""
    office = Office(small_disk)
    (first,) = office.sees(0)
    filler = small_disk / "filler"
    fill_disk(filler)
    with pytest.raises(StoreError) as caught:
        office.sees(1, zone="z-2")
    assert caught.value.code is Code.STO_FULL
    filler.unlink()
    office.restart()
    assert not office.sees(2)
    (second,) = office.sees(3, zone="z-2")
    assert [row[0] for row in office.rows()] == [first.case_id, second.case_id]
    assert not Verifier().check(office.room.folder).findings


def test_case_and_outbox_row_are_one_transaction(tmp_path: Path) -> None:
    """When the outbox refuses, the case is not there either."""

    class Refusing:
        def enqueue(self, tx: sqlite3.Connection, draft: CaseDraft) -> int:
            raise StoreError(Code.STO_WRITE, "outbox", "refused", "nothing")

    office = Office(tmp_path)
    office.desk._store = CaseStore(tmp_path / "gridpatrol.db", Refusing())
    with pytest.raises(StoreError):
        office.sees(0)
    assert office.desk._store.open_cases() == []
    assert office.desk._store.revisions() == set()
    office.store.close()


def test_sweep_takes_orphans_and_nothing_else(office: Office) -> None:
    """Pictures of a revision that was never committed go after an hour."""
    (draft,) = office.sees(0)
    orphan = office.room.folder / "00000000-0000-5000-8000-000000000000" / "r1"
    orphan.mkdir(parents=True)
    (orphan / "far.jpg").write_bytes(b"x")
    known = office.store.revisions()
    assert office.room.sweep(known) == 0
    assert office.room.sweep(known, now_s=datetime.now(UTC).timestamp() + 7200) == 1
    assert not orphan.exists()
    assert draft.evidence[0].path.exists()


_EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["sees", "clear", "restart", "withdraw"]),
        st.sampled_from(["cam-1", "cam-2"]),
        st.integers(1, 400),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(events=_EVENTS)
def test_any_story_keeps_the_rules(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, str, int]]
) -> None:
    """One open case at most for the place; revisions without gaps; new first and once."""
    office = Office(tmp_path_factory.mktemp("story"))
    now = 0
    for what, name, step in events:
        now += step
        if what == "sees":
            office.sees(now, name, place="north-gate")
        elif what == "clear":
            office.clear(now, name)
        elif what == "withdraw":
            for record in office.store.open_cases():
                office.desk.withdraw(record.case_id, Words("误报", "wrong"))
        else:
            office.restart()
        assert len(office.store.open_cases()) <= 1
    by_case: dict[str, list[tuple[int, str]]] = {}
    for case_id, revision, status in office.rows():
        by_case.setdefault(case_id, []).append((revision, status))
    for story in by_case.values():
        assert [revision for revision, _ in story] == list(range(1, len(story) + 1))
        statuses = [status for _, status in story]
        assert statuses[0] == "new"
        assert "new" not in statuses[1:]
        assert all(
            a != "gone" or b in ("update", "withdrawn") for a, b in itertools.pairwise(statuses)
        )
        assert "withdrawn" not in statuses[:-1], "nothing follows a withdrawal"
    with sqlite3.connect(office.folder / "gridpatrol.db") as db:
        payloads = [json.loads(row[0]) for row in db.execute("SELECT payload FROM outbox")]
    assert len({p["id"] for p in payloads}) == len(payloads)
