"""The reference consumer behind ``gridpatrol consume``: one line and one folder per revision."""

from __future__ import annotations

import json
import mimetypes
import os
import shutil
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from edge.clock import Clock, utc_now
from edge.errors import Code, StoreError
from uploader.contract.messages import CaseEvent, StateData
from uploader.receiver import Receiver
from uploader.settings import Downlink
from uploader.topics import BoxTopics

_STATUS = {"new": "NEW ", "update": "MORE", "gone": "GONE", "withdrawn": "VOID"}


@dataclass(frozen=True, slots=True)
class Summary:
    """What one run of the consumer received.

    Attributes:
        revisions: complete revisions, each counted once.
        cases: new cases by kind.
        pictures: files handed over.
        repeats: messages that came again, since the store was made; answered, not stored twice.
        refused: messages refused, since the store was made.
    """

    revisions: int
    cases: dict[str, int]
    pictures: int
    repeats: int
    refused: int


class _Desk:
    """Writes a line and lays out a folder for every revision."""

    def __init__(self, folder: Path, *, as_json: bool) -> None:
        self._folder = folder
        self._as_json = as_json
        self.revisions = 0
        self.pictures = 0
        self.cases: Counter[str] = Counter()

    def take(self, event: CaseEvent, paths: tuple[Path, ...]) -> None:
        """Lay out the folder, then say so."""
        folder = self._folder / _folder_name(event)
        try:
            pictures = _lay_out(folder, event, paths)
        except OSError as error:
            raise StoreError(
                Code.STO_WRITE, str(folder), str(error), "Check the folder given to consume"
            ) from error
        if self._as_json:
            line = json.dumps(
                {
                    "event": event.model_dump(mode="json"),
                    "line": _line(event, folder),
                    "folder": str(folder),
                    "pictures": [str(path) for path in pictures],
                },
                ensure_ascii=False,
            )
        else:
            line = _line(event, folder)
        _say(line)
        self.revisions += 1
        self.pictures += len(paths)
        if event.data.status == "new":
            self.cases[event.data.category.kind] += 1

    def box(self, topics: BoxTopics, state: StateData) -> None:
        """Say that a box came or went; not among JSON lines, which are all cases."""
        if not self._as_json:
            at = state.at.astimezone().strftime("%H:%M:%S")
            _say(f"{at} BOX  {topics.city}/{topics.node} {state.reason}")


def run_consumer(
    settings: Downlink,
    out_dir: Path,
    *,
    seconds: float | None,
    as_json: bool,
    stop: threading.Event,
    clock: Clock = utc_now,
) -> Summary:
    """Receive cases into a folder until stopped.

    Args:
        settings: the broker.
        out_dir: gets ``cases/`` with a folder per revision, and the store.
        seconds: how long; None: until ``stop``.
        as_json: one JSON object per line instead of text.
        stop: ends the run when set.
        clock: what time it is.

    Raises:
        StoreError: the folder cannot be written.
    """
    desk = _Desk(out_dir / "cases", as_json=as_json)
    receiver = Receiver(settings, out_dir, on_case=desk.take, on_state=desk.box, clock=clock)
    try:
        receiver.run(stop, seconds=seconds)
        counts = receiver.counts()
    finally:
        receiver.close()
    return Summary(
        revisions=desk.revisions,
        cases=dict(desk.cases),
        pictures=desk.pictures,
        repeats=counts.repeats,
        refused=counts.refused,
    )


def _line(event: CaseEvent, folder: Path) -> str:
    data = event.data
    at = data.created_at.astimezone().strftime("%H:%M:%S")
    where = " ".join(f"{source.camera_id}/{source.zone_id}" for source in data.sources)
    count = len(data.evidence)
    pictures = f"{count} picture{'' if count == 1 else 's'}"
    line = (
        f"{at} {_STATUS[data.status]} {data.category.key} {data.category.name_zh}"
        f" {data.category.name_en} cell {data.grid_cell} {where} {pictures} → {folder}"
    )
    # Text from outside must not steer the terminal.
    return "".join(sign if sign.isprintable() else " " for sign in line)


def _folder_name(event: CaseEvent) -> Path:
    node = event.source.rpartition("/")[2]
    day = event.data.first_seen.strftime("%Y%m%d")
    return Path(node, day, f"{event.data.case_id}-r{event.data.revision}")


def _lay_out(folder: Path, event: CaseEvent, paths: tuple[Path, ...]) -> list[Path]:
    """Give the files names a person can open; told twice, it does the same again."""
    folder.mkdir(parents=True, exist_ok=True)
    seen: Counter[str] = Counter()
    pictures = []
    for item, path in zip(event.data.evidence, paths, strict=True):
        seen[item.role] += 1
        number = "" if seen[item.role] == 1 else f"-{seen[item.role]}"
        suffix = mimetypes.guess_extension(item.media_type) or ""
        picture = folder / f"{item.role}{number}{suffix}"
        if not picture.exists():
            _link(path, picture)
        pictures.append(picture)
    (folder / "case.json").write_text(
        json.dumps(event.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n",
        encoding="utf-8",
    )
    return pictures


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
