"""Who should handle it (建议处置部门): a list of owners by grid cell and category.

The list is a CSV file that a city's office can write, UTF-8 or the GB 18030 of a Chinese
spreadsheet::

    # version: 2026-11
    grid_cell,category,department_code,department_name,urgency
    420111001002001,0406,11420111MB0X12345A,洪山区城市管理执法局,
    420111001*,0406,11420111MB0X12346B,珞南街道综合执法中心,urgent
    *,*,11420111MB0X12340Z,洪山区城市运行管理中心,

A cell may end in ``*`` (every cell that begins so), a category is a taxonomy key or ``*``. The
longest cell wins, then the named category: the order of the rows means nothing. ``urgency`` may be
left out; where it is filled in it overrides the category's own. The platform decides: this is only
its input (自动派遣).
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edge.cases.taxonomy import Category, Urgency, load_taxonomy
from edge.errors import Code, ConfigError
from edge.telemetry.logs import error_fields, get_logger
from edge.telemetry.metrics import ERRORS

_log = get_logger(__name__)

_NEEDED = ("grid_cell", "category", "department_code", "department_name")
_OPTIONAL = ("urgency",)
_ANY = "*"
_URGENCY: dict[str, Urgency | None] = {"": None, "normal": "normal", "urgent": "urgent"}
_LONGEST = {"department_code": 50, "department_name": 100}


@dataclass(frozen=True, slots=True)
class Department:
    """Who, and why.

    Attributes:
        code: 18-character unified social credit code (统一社会信用代码), or the city's own.
        name: in Chinese.
        rule: the row that gave it: ``line 3: 420111001* × 0406``.
        list_version: of the list, as it says itself or by its hash.
        urgency: how urgent the list calls it; None where it does not say.
    """

    code: str
    name: str
    rule: str
    list_version: str
    urgency: Urgency | None = None


@dataclass(frozen=True, slots=True)
class OwnersList:
    """One version of the list; ``rows`` by cell pattern and category."""

    version: str
    rows: dict[tuple[str, str], Department]

    def department(self, grid_cell: str, category: Category) -> Department | None:
        """The owner of a category in a cell; None when no row speaks of it."""
        names = (category.key, *(code.code for code in category.codes), _ANY)
        prefixes = (grid_cell[:n] + _ANY for n in range(len(grid_cell), -1, -1))
        for cell in (grid_cell, *prefixes):
            for name in names:
                if (found := self.rows.get((cell, name))) is not None:
                    return found
        return None


class Owners:
    """The list in force; looks at the file each time it is asked, which costs one ``stat``.

    A file that cannot be used never replaces one that can: it is logged and counted once, and the
    old list stays in force until the file is mended.

    Args:
        path: the CSV file.

    Attributes:
        fault: what is wrong with the file that is not in force; None when all is well.

    Raises:
        ConfigError: there is no good list to begin with (CFG-009).
    """

    def __init__(self, path: Path) -> None:
        self.fault: ConfigError | None = None
        self._path = path
        self._seen = _mark(path)
        self._list = load_owners(path)

    def department(self, grid_cell: str, category: Category) -> Department | None:
        """The owner of a category in a cell; None when no row speaks of it."""
        mark = _mark(self._path)
        if mark != self._seen:
            self._seen = mark
            self._reload()
        return self._list.department(grid_cell, category)

    def _reload(self) -> None:
        try:
            self._list = load_owners(self._path)
        except ConfigError as fault:
            self.fault = fault
            ERRORS.labels(code=str(fault.code)).inc()
            _log.error("owners_refused", in_force=self._list.version, **error_fields(fault))
        else:
            self.fault = None
            _log.info("owners_loaded", version=self._list.version, rows=len(self._list.rows))


def load_owners(path: Path) -> OwnersList:
    """Read and check a list.

    Raises:
        ConfigError: it cannot be read, or a row is wrong: the first one, by its line (CFG-009).
    """
    content = _content(path)
    lines = _text(path, content).splitlines()
    version = f"sha256:{hashlib.sha256(content).hexdigest()[:16]}"
    # A comment keeps its place as an empty line, so that line numbers stay those of the file.
    for number, line in enumerate(lines):
        if line.startswith("#"):
            name, _, value = line.lstrip("# ").partition(":")
            if name.strip() == "version" and value.strip(" ,"):
                version = value.strip(" ,")[:100]
            lines[number] = ""
    reader = csv.reader(lines, strict=True)
    header: list[str] = []
    rows: dict[tuple[str, str], Department] = {}
    try:
        for fields in reader:
            if not any(fields):
                continue
            where = f"{path}:{reader.line_num}"
            if not header:
                header = _header(where, fields)
                continue
            cell, category, department = _row(where, header, fields, version)
            if (other := rows.get((cell, category))) is not None:
                raise _bad(where, f"the same cell and category as {other.rule}")
            rows[cell, category] = department
    except csv.Error as error:
        raise _bad(f"{path}:{reader.line_num}", str(error)) from error
    if not rows:
        raise _bad(str(path), "no row in it")
    return OwnersList(version, rows)


def _header(where: str, fields: list[str]) -> list[str]:
    names = [name.strip() for name in fields]
    missing = [name for name in _NEEDED if name not in names]
    strange = [name for name in names if name not in _NEEDED + _OPTIONAL]
    if missing:
        raise _bad(where, f"no column {', '.join(missing)}")
    if strange or len(set(names)) < len(names):
        raise _bad(where, f"unknown or repeated column in {', '.join(names)}")
    return names


def _row(
    where: str, header: list[str], fields: list[str], version: str
) -> tuple[str, str, Department]:
    if len(fields) != len(header):
        raise _bad(where, f"{len(fields)} fields, not {len(header)}")
    values = {name: field.strip() for name, field in zip(header, fields, strict=True)}
    cell, category = values["grid_cell"], values["category"]
    if cell != _ANY and not cell.removesuffix(_ANY).isalnum():
        raise _bad(where, f"grid_cell {cell!r} is no code, and no beginning of one with *")
    if category != _ANY and category not in _names():
        raise _bad(where, f"category {category!r} is not in the taxonomy")
    for name, longest in _LONGEST.items():
        if not 0 < len(values[name]) <= longest or not values[name].isprintable():
            raise _bad(where, f"{name} needs 1 to {longest} characters")
    urgency = values.get("urgency", "")
    if urgency not in _URGENCY:
        raise _bad(where, f"urgency {urgency!r} is neither normal nor urgent")
    department = Department(
        code=values["department_code"],
        name=values["department_name"],
        rule=f"line {where.rpartition(':')[2]}: {cell} × {category}",
        list_version=version,
        urgency=_URGENCY[urgency],
    )
    return cell, category, department


@cache
def _names() -> set[str]:
    """What a category may be called: by key, or by any code it is filed under."""
    taxonomy = load_taxonomy()
    return set(taxonomy) | {code.code for c in taxonomy.values() for code in c.codes}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _bad(str(path), f"cannot be read ({error.strerror})") from error


def _text(path: Path, content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _bad(str(path), "is neither UTF-8 nor GB 18030 text")


def _mark(path: Path) -> tuple[int, int, int] | None:
    """Changes when the file does, also when it is replaced by one of the same size and time."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _bad(where: str, what: str) -> ConfigError:
    return ConfigError(Code.CFG_OWNERS, where, what, "Mend the list; the one before stays in force")
