"""The list of owners: which row wins, what is refused, and that a bad list never takes over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cases.owners import Owners, load_owners
from edge.cases.taxonomy import category
from edge.errors import Code, ConfigError

ROOT = Path(__file__).resolve().parents[2]
HEADER = "grid_cell,category,department_code,department_name,urgency"
CELL = "420111001002001"
VENDING = category("0406")


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    """A list with these rows."""
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


@given(order=st.permutations(range(6)))
def test_the_most_particular_row_wins_in_any_order(
    order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Longest cell first, then the named category."""
    rows = [
        f"{CELL},0406,A,cell and category,urgent",
        f"{CELL},*,B,cell,",
        "420111001*,0406,C,street and category,",
        "420111001*,*,D,street,normal",
        "*,0406,E,category,",
        "*,*,F,all,",
    ]
    path = tmp_path_factory.getbasetemp() / "owners-order.csv"
    found = load_owners(write(path, *(rows[n] for n in order)))

    def who(cell: str, key: str) -> str | None:
        department = found.department(cell, category(key))
        return department.code if department else None

    assert who(CELL, "0406") == "A"
    assert who(CELL, "0136") == "B"
    assert who("420111001002009", "0406") == "C"
    assert who("420111001002009", "0136") == "D"
    assert who("420112001002009", "0406") == "E"
    assert who("420112001002009", "0136") == "F"


def test_the_rule_and_the_version_say_where_it_comes_from(tmp_path: Path) -> None:
    """By the file's own line numbers, comments and empty lines counted."""
    path = write(tmp_path / "o.csv", "", "# a word", "420111*,0406,A1,城管局,urgent")
    department = load_owners(path).department(CELL, VENDING)
    assert department is not None
    assert (department.rule, department.urgency) == ("line 4: 420111* × 0406", "urgent")
    assert department.list_version.startswith("sha256:")
    path.write_text("# version: 2026-11,,,\n" + path.read_text())
    named = load_owners(path).department(CELL, VENDING)
    assert named is not None
    assert (named.list_version, named.rule) == ("2026-11", "line 5: 420111* × 0406")


def test_a_code_of_either_scheme_names_a_category(tmp_path: Path) -> None:
    """A city's list may be of 2013 or of 2026."""
    found = load_owners(write(tmp_path / "o.csv", "*,09006,A,x,"))
    assert found.department(CELL, VENDING) is not None
    assert found.department(CELL, category("0405")) is None


def test_what_a_spreadsheet_saves_is_read(tmp_path: Path) -> None:
    """UTF-8 with a mark, or GB 18030, with CRLF and quotes."""
    text = f'{HEADER}\r\n*,*,A1,"城管局, 一队",\r\n'
    for encoding in ("utf-8-sig", "gb18030"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(text.encode(encoding))
        found = load_owners(path).department(CELL, VENDING)
        assert found is not None
        assert found.name == "城管局, 一队"


@pytest.mark.parametrize(
    ("row", "line", "says"),
    [
        ("*,0406,A,x", 3, "fields"),
        ("*,0406,A,x,,more", 3, "fields"),
        ("*,9999,A,x,", 3, "'9999' is not in the taxonomy"),
        ("4201-11*,0406,A,x,", 3, "grid_cell"),
        (",0406,A,x,", 3, "grid_cell"),
        ("**,0406,A,x,", 3, "grid_cell"),
        ("*,0406,,x,", 3, "department_code"),
        ("*,0406,A," + "x" * 101 + ",", 3, "department_name"),
        ("*,0406,A,x,soon", 3, "urgency"),
        ("*,*,B,y,", 3, "the same cell and category as line 2"),
        ('*,0406,A,"x', 3, "end of data"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(tmp_path: Path, row: str, line: int, says: str) -> None:
    """File, line, what and the way out."""
    path = write(tmp_path / "o.csv", "*,*,A,x,", row)
    with pytest.raises(ConfigError, match="Mend the list") as caught:
        load_owners(path)
    assert caught.value.code is Code.CFG_OWNERS
    assert caught.value.where == f"{path}:{line}"
    assert says in caught.value.what


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no row"),
        (b"grid_cell,category\n", "no column department_code, department_name"),
        (HEADER.encode() + b",colour\n*,*,A,x,,red\n", "unknown or repeated column"),
        (HEADER.encode() + b"\n", "no row"),
        (b"\xff\xff\xff", "neither UTF-8 nor GB 18030"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    """As is a file that is not there."""
    path = tmp_path / "o.csv"
    with pytest.raises(ConfigError, match="cannot be read"):
        Owners(path)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        Owners(path)


def test_a_changed_list_takes_effect_and_a_bad_one_never(tmp_path: Path) -> None:
    """Also one replaced by a file of the same size and time, taken away, or half written."""
    path = write(tmp_path / "o.csv", "*,*,A,x,")
    owners = Owners(path)

    def who() -> str | None:
        department = owners.department(CELL, VENDING)
        return department.code if department else None

    assert who() == "A"
    times = path.stat()
    other = write(tmp_path / "new.csv", "*,*,B,x,")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    assert (who(), owners.fault) == ("B", None)
    for bad in ("*,*,C", "*,0000,C,x,", ""):
        write(path, bad)
        assert who() == "B"
        assert owners.fault is not None
    path.unlink()
    assert who() == "B"
    write(path, "*,*,D,x,")
    assert (who(), owners.fault) == ("D", None)


def test_the_example_list_works() -> None:
    """configs/owners.csv is a list that works."""
    found = load_owners(ROOT / "configs/owners.csv")
    department = found.department(CELL, VENDING)
    assert department is not None
    assert department.list_version == "example-1"
