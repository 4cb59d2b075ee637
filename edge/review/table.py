"""Verdicts from a CSV file: ``case_id,verdict[,by,at,note]``.

A bad row is named by its line and costs only itself; a file may be given again and again.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

from edge.errors import Code, ReviewError
from edge.review.verdicts import Verdict, VerdictStore

_REQUIRED = ("case_id", "verdict")
_IN_CHINESE = {
    "正确": Verdict.RIGHT,
    "误报": Verdict.WRONG,
    "重复": Verdict.DUPLICATE,
    "无意义": Verdict.POINTLESS,
}


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file came to.

    Attributes:
        new, changed, same: rows by what they did.
        bad: one line for each row that was left out, with its line number.
    """

    new: int
    changed: int
    same: int
    bad: tuple[str, ...]


def import_csv(path: Path, store: VerdictStore, *, time_zone: str, now: datetime) -> Imported:
    """Take in a file of verdicts.

    Args:
        path: UTF-8 or GB 18030, as spreadsheets write it.
        store: gets the verdicts.
        time_zone: IANA name, for moments without one.
        now: what time it is, aware.

    Raises:
        ReviewError: the file cannot be read, or lacks a column.
        StoreError: the disk refused; rows before are stored.
    """
    rows = csv.DictReader(StringIO(_text(path), newline=""))
    try:
        names = rows.fieldnames
    except csv.Error as error:
        raise _unfit(path, str(error)) from error
    rows.fieldnames = [str(name).strip().lower() for name in names or ()]
    missing = [name for name in _REQUIRED if name not in rows.fieldnames]
    if missing:
        raise _unfit(path, f"has no column {', '.join(missing)}")
    done: Counter[str] = Counter()
    bad = []
    while True:
        try:
            row = next(rows, None)
            if row is None:
                break
            done[_take(row, store, ZoneInfo(time_zone), now)] += 1
        except (csv.Error, ValueError) as error:
            bad.append(f"{path}:{rows.line_num}: {error}")
        except ReviewError as error:
            bad.append(f"{path}:{rows.line_num}: {error.where}: {error.what}")
    return Imported(done["new"], done["changed"], done["same"], tuple(bad))


def _take(
    row: Mapping[str | None, str | None], store: VerdictStore, zone: ZoneInfo, now: datetime
) -> str:
    def field(name: str) -> str:
        return (row.get(name) or "").strip()

    if not field("case_id"):
        raise ValueError("no case_id")
    return store.give(
        field("case_id"),
        _verdict(field("verdict")),
        at=_moment(field("at"), zone),
        now=now,
        reviewer=field("by"),
        note=field("note"),
    )


def _verdict(text: str) -> Verdict:
    if text in _IN_CHINESE:
        return _IN_CHINESE[text]
    try:
        return Verdict(text.lower())
    except ValueError:
        allowed = ", ".join([*Verdict, *_IN_CHINESE])
        raise ValueError(f"verdict {text[:40]!r} is none of {allowed}") from None


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"at {text[:40]!r} is no ISO time like 2026-06-01T09:00+08:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unfit(path, f"cannot be read ({error.strerror})") from error
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unfit(path, "is neither UTF-8 nor GB 18030 text")


def _unfit(path: Path, what: str) -> ReviewError:
    return ReviewError(
        Code.REV_FILE, str(path), what, "Give a CSV file with case_id,verdict[,by,at,note]"
    )
