"""Review from end to end: real cases and evidence, verdicts in; the file changes when asked."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import cv2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.config.load import load_settings
from edge.errors import Code, ConfigError, ReviewError
from edge.geometry import Box
from edge.review.apply import difference, with_thresholds, write
from edge.review.export import export
from edge.review.table import import_csv
from edge.review.verdicts import Verdict, VerdictStore
from edge.shipped import shipped
from tests.cases.test_desk import NOON, Office, camera

CAMERA = "market-street-3"


def site(folder: Path) -> Path:
    """The manual as a site's own file."""
    manual = shipped("configs") / "gridpatrol.yaml"
    text = manual.read_text(encoding="utf-8")
    text = text.replace("cells: grid.geojson", f"cells: {manual.parent / 'grid.geojson'}")
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("CAMERA_PASSWORD", "x")
    office = Office(tmp_path / "state", camera("cam-1"), camera("cam-2"))
    with closing(office.store):
        yield office


@pytest.fixture
def store(office: Office) -> Iterator[VerdictStore]:
    with closing(VerdictStore(office.folder / "gridpatrol.db")) as store:
        yield store


def two_cases(office: Office) -> tuple[str, str]:
    (first,) = office.sees(0, "cam-1", box=Box(0.42, 0.30, 0.55, 0.5))
    (second,) = office.sees(1, "cam-2", "z-2")
    return first.case_id, second.case_id


def bring(
    store: VerdictStore, path: Path, text: str | bytes
) -> tuple[int, int, int, tuple[str, ...]]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = import_csv(path, store, time_zone="Asia/Shanghai", now=NOON)
    return done.new, done.changed, done.same, done.bad


def test_bad_rows_are_named_and_good_ones_kept(
    office: Office, store: VerdictStore, tmp_path: Path
) -> None:
    """By line number; and the same file again changes nothing."""
    first, second = two_cases(office)
    text = (
        "case_id,verdict,by,at,note\n"
        f"{first},right,lin,2026-06-01T09:00:00+08:00,\n"
        f"{first[:8]},right,lin,,\n"
        f"{second},maybe,lin,,\n"
        f"{second},WRONG,lin,yesterday,\n"
        ",wrong,lin,,\n"
        f'{second},误报,lin,2026-06-01 10:00,"a planter,\nreally"\n'
    )
    path = tmp_path / "verdicts.csv"
    new, changed, same, bad = bring(store, path, text)
    assert (new, changed, same) == (2, 0, 0)
    assert [line.split(": ")[0] for line in bad] == [f"{path}:{n}" for n in (3, 4, 5, 6)]
    assert bring(store, path, text)[:3] == (0, 0, 2)
    judged = {case.case_id: case for case in store.judged()}
    assert judged[second].verdict is Verdict.WRONG
    assert judged[second].note == "a planter,\nreally"
    assert (judged[second].camera_id, judged[second].zone_id) == ("cam-2", "z-2")
    assert judged[second].given_at.utcoffset() == timedelta(0)
    assert judged[first].reasons  # why it was opened


def test_spreadsheets_may_write_gb18030(
    office: Office, store: VerdictStore, tmp_path: Path
) -> None:
    """And a byte order mark, and columns of their own."""
    first, second = two_cases(office)
    text = f"Case_ID,verdict,街道\n{first},重复,人民路\n"
    assert bring(store, tmp_path / "a.csv", text.encode("gb18030"))[0] == 1
    text = f"case_id,verdict\n{second},无意义\n"
    assert bring(store, tmp_path / "b.csv", text.encode("utf-8-sig"))[0] == 1
    assert {c.verdict for c in store.judged()} == {Verdict.DUPLICATE, Verdict.POINTLESS}


@pytest.mark.parametrize("content", [b"", b"case,verdict\n", b"\xff\xfe\x00\x01", None])
def test_a_file_that_is_no_table_is_refused(
    store: VerdictStore, tmp_path: Path, content: bytes | None
) -> None:
    """Empty, without the columns, not text, not there: one error, nothing stored."""
    path = tmp_path / "verdicts.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReviewError) as caught:
        import_csv(path, store, time_zone="Asia/Shanghai", now=NOON)
    assert caught.value.code is Code.REV_FILE
    assert not store.judged()


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30
)
@given(data=st.binary(max_size=200))
def test_no_file_breaks_the_import(store: VerdictStore, tmp_path: Path, data: bytes) -> None:
    """Whatever stands below the header: rows are good, named bad, or the file is refused."""
    path = tmp_path / "verdicts.csv"
    path.write_bytes(b"case_id,verdict,by,at,note\n" + data)
    try:
        done = import_csv(path, store, time_zone="Asia/Shanghai", now=NOON)
    except ReviewError as error:
        assert error.code is Code.REV_FILE
        return
    assert done.new == 0


def test_the_latest_verdict_counts(office: Office, store: VerdictStore) -> None:
    """Of one reviewer it replaces the earlier one; an older one arriving late changes nothing."""
    case_id, _ = two_cases(office)

    def give(verdict: Verdict, minute: int, who: str) -> str:
        at = NOON + timedelta(minutes=minute)
        return store.give(case_id, verdict, at=at, now=NOON, reviewer=who)

    assert give(Verdict.WRONG, 5, "lin") == "new"
    assert give(Verdict.RIGHT, 6, "lin") == "changed"
    assert give(Verdict.WRONG, 4, "lin") == "same"
    assert [c.verdict for c in store.judged()] == [Verdict.RIGHT]
    assert give(Verdict.POINTLESS, 9, "wu") == "new"
    assert give(Verdict.DUPLICATE, 8, "he") == "new"
    assert [(c.verdict, c.reviewer) for c in store.judged()] == [(Verdict.POINTLESS, "wu")]


def test_thresholds_are_written_and_comments_stay(tmp_path: Path, office: Office) -> None:
    """The manual itself: one line more, everything else as it was; the old file is kept."""
    path = site(tmp_path)
    before = path.read_text(encoding="utf-8")
    changed = with_thresholds(path, {(CAMERA, "wall"): 0.55})
    assert path.read_text(encoding="utf-8") == before
    lines = difference(path, changed).splitlines()
    assert [line.strip("+ ") for line in lines if line.startswith("+ ")] == ["min_score: 0.55"]
    for line in before.splitlines():
        if "#" in line:
            assert line.split("#", 1)[1] in changed
    write(path, changed)
    zones = {zone.id: zone for zone in load_settings(path).cameras[0].zones}
    assert (zones["wall"].min_score, zones["footway"].min_score) == (0.55, 0.4)
    assert (tmp_path / "site.yaml.before").read_text(encoding="utf-8") == before
    again = with_thresholds(path, {(CAMERA, "wall"): 0.55})
    assert difference(path, again) == ""


ZONES = {
    "block": "      - id: wall  # the long one\n        watch: illegal_ads\n",
    "later": "      - watch: illegal_ads\n        id: wall\n",
    "has": "      - id: wall\n        min_score: 0.4   # as in May\n        watch: illegal_ads\n",
    "flow": "      - {id: 'wall', watch: illegal_ads}  # short\n",
    "flow has": '      - {id: "wall", min_score: 0.25, watch: illegal_ads}\n',
}


@given(
    shape=st.sampled_from(sorted(ZONES)),
    score=st.integers(0, 1000),
    ending=st.sampled_from(["\n", "\r\n"]),
    others=st.lists(st.sampled_from(["door", "kerb"]), unique=True),
)
def test_any_way_to_write_a_zone(
    tmp_path_factory: pytest.TempPathFactory,
    shape: str,
    score: int,
    ending: str,
    others: list[str],
) -> None:
    """Block or flow, with the key or without: that number changes and not a byte more."""
    zones = "".join(ZONES[shape].replace("wall", name) for name in [*others, "wall"])
    text = f"# 市场\ncameras:\n  - id: cam-1  # first\n    zones:\n{zones}".replace("\n", ending)
    path = tmp_path_factory.mktemp("site") / "site.yaml"
    path.write_bytes(text.encode())
    changed = with_thresholds(path, {("cam-1", "wall"): score / 1000})
    before, after = (YAML(typ="safe").load(version) for version in (text, changed))
    zone = after["cameras"][0]["zones"][-1]
    assert zone.pop("min_score") == score / 1000
    before["cameras"][0]["zones"][-1].pop("min_score", None)
    assert after == before
    assert changed.count("#") == text.count("#")
    assert changed.count(ending) - text.count(ending) in (0, 1)
    if "has" not in shape:
        assert (
            changed.replace(f", min_score: {score / 1000:g}", "").replace(
                f"        min_score: {score / 1000:g}{ending}", ""
            )
            == text
        )


def test_a_file_that_would_not_load_is_not_written(tmp_path: Path, office: Office) -> None:
    """Nothing is left behind either."""
    path = site(tmp_path)
    before = path.read_bytes()
    with pytest.raises(ConfigError):
        write(path, with_thresholds(path, {(CAMERA, "wall"): 1.5}))
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["site.yaml", "state"]
    with pytest.raises(ReviewError) as caught:
        with_thresholds(path, {(CAMERA, "roof"): 0.5})
    assert caught.value.code is Code.REV_ZONE


def test_a_training_set_of_the_mistakes(
    office: Office, store: VerdictStore, tmp_path: Path
) -> None:
    """The box lies on the thing in the picture; a wrong case is a picture without a label."""
    first, second = two_cases(office)
    store.give(first, Verdict.RIGHT, at=None, now=NOON, note="a heap")
    store.give(second, Verdict.WRONG, at=None, now=NOON)
    out = tmp_path / "set"
    done = export(store.judged(), office.folder / "evidence", out)
    assert (done.right, done.wrong, done.left_out) == (1, 1, ())
    assert (out / "labels" / f"{second}.txt").read_text() == ""
    kind, x, y, w, h = (out / "labels" / f"{first}.txt").read_text().split()
    picture = cv2.imread(str(out / "images" / f"{first}.jpg"))
    assert kind == "1"
    # The box is 0.13 x 0.20 of a picture of 240 x 180; the near view enlarges it alike.
    shape = (float(w) * picture.shape[1]) / (float(h) * picture.shape[0])
    assert shape == pytest.approx(0.13 * 240 / (0.20 * 180), rel=0.05)
    assert 0.2 < float(x) < 0.8
    assert 0.2 < float(y) < 0.8
    with (out / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["case_id"]: row for row in csv.DictReader(file)}
    assert rows[first]["note"] == "a heap"
    assert rows[second]["reasons_zh"]
    near = office.folder / "evidence" / first / "r1" / "near.jpg"
    near.write_bytes(near.read_bytes()[:3000])
    done = export(store.judged(), office.folder / "evidence", tmp_path / "torn")
    assert (done.right, done.wrong) == (0, 1), "the others go on"
    assert "PIC-001" in done.left_out[0]
    for path in (office.folder / "evidence" / first / "r1").glob("*.jpg"):
        path.unlink()
    done = export(store.judged(), office.folder / "evidence", tmp_path / "again")
    assert len(done.left_out) == 1


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["review", *map(str, arguments)], env={"COLUMNS": "200"})


def test_nothing_changes_without_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Import, report, propose, apply: the file changes at the last word only."""
    monkeypatch.setenv("CAMERA_PASSWORD", "x")
    path = site(tmp_path)
    real = load_settings(path).cameras[0]
    office = Office(tmp_path / "state", real)
    rows = ["case_id,verdict"]
    with closing(office.store):
        for n in range(60):
            at_s = n * 40 * 3600  # each after the window of the one before
            wrong = n % 4 == 0
            (draft,) = office.sees(at_s, CAMERA, "wall", score=0.5 if wrong else 0.8)
            office.clear(at_s + 60, CAMERA, "wall")
            office.clear(at_s + 2000, CAMERA, "wall")
            rows.append(f"{draft.case_id},{'wrong' if wrong else 'right'}")
    (tmp_path / "v.csv").write_text("\n".join(rows), encoding="utf-8")
    before = path.read_bytes()

    done = run("import", tmp_path / "v.csv", "--config", path)
    assert done.exit_code == 0, done.output
    assert "60 new" in done.stdout
    assert "0.75" in run("report", "--config", path).stdout
    proposed = run("propose", "--config", path).stdout
    assert "min_score: 0.8" in proposed
    assert "0 of 45 right ones" in proposed
    shown = run("apply", "--config", path).stdout
    assert "+        min_score: 0.8" in shown
    assert "Nothing was changed" in shown
    assert path.read_bytes() == before
    other = run("apply", "--config", path, "--yes", "--zone", f"{CAMERA}/footway").stdout
    assert "No proposal changes anything" in other
    assert path.read_bytes() == before
    assert run("apply", "--config", path, "--yes").exit_code == 0
    assert {z.id: z.min_score for z in load_settings(path).cameras[0].zones}["wall"] == 0.8
    assert "at least 0.90 already" in run("propose", "--config", path).stdout
    (tmp_path / "bad.csv").write_text("case_id,verdict\nx,right\n", encoding="utf-8")
    assert run("import", tmp_path / "bad.csv", "--config", path).exit_code == 1
