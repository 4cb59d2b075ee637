"""The reference consumer behind ``gridpatrol consume``: one line and one folder per revision."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from edge.errors import Code, StoreError
from uploader.contract.messages import CaseEvent
from uploader.intake.events import (
    ChainBroken,
    Checkpointed,
    GapFound,
    Presence,
    ReceiverEvent,
)
from uploader.intake.sqlite import SqliteStore
from uploader.receiver import Case, EvidenceFile, Receiver
from uploader.settings import Downlink

_POLL_S = 0.2
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

    async def take(self, case: Case) -> None:
        """Lay out the folder, then say so."""
        event = case.event
        folder = self._folder / _folder_name(event)
        try:
            pictures = await _lay_out(folder, event, case.evidence)
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
        self.pictures += len(pictures)
        if event.data.status == "new":
            self.cases[event.data.category.kind] += 1

    def hear(self, event: ReceiverEvent) -> None:
        """Say who came or went and what is missing; not among JSON lines, which are all cases."""
        if isinstance(event, Checkpointed):
            _keep(self._folder.parent / "checkpoints", event)
        if self._as_json:
            return
        if isinstance(event, ChainBroken):
            _say(f"CHAIN {event.box}: {event.reason}")
        if isinstance(event, Presence):
            at = event.state.at.astimezone().strftime("%H:%M:%S")
            _say(f"{at} BOX  {event.box} {event.state.reason}")
        if isinstance(event, GapFound):
            _say(f"{event.gap}")


def run_consumer(
    settings: Downlink,
    out_dir: Path,
    *,
    seconds: float | None,
    as_json: bool,
    stop: threading.Event,
) -> Summary:
    """Receive cases into a folder until stopped.

    Args:
        settings: the broker.
        out_dir: gets ``cases/`` with a folder per revision, ``checkpoints/``, and the store.
        seconds: how long; None: until ``stop``.
        as_json: one JSON object per line instead of text.
        stop: ends the run when set.

    Raises:
        StoreError: the folder cannot be written.
    """
    desk = _Desk(out_dir / "cases", as_json=as_json)
    return asyncio.run(_receive(Receiver(settings, SqliteStore(out_dir)), desk, seconds, stop))


async def _receive(
    receiver: Receiver, desk: _Desk, seconds: float | None, stop: threading.Event
) -> Summary:
    async def take() -> None:
        async for case in receiver.cases():
            await desk.take(case)
            await case.accept()

    async def hear() -> None:
        async for event in receiver.events():
            desk.hear(event)

    async def until_stopped() -> None:
        ends = None if seconds is None else loop.time() + seconds
        while not stop.is_set() and (ends is None or loop.time() < ends):
            await asyncio.sleep(_POLL_S)

    loop = asyncio.get_running_loop()
    async with receiver:
        tasks = [asyncio.create_task(work()) for work in (until_stopped, take, hear)]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()
        counts = await receiver.counts()
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


async def _lay_out(folder: Path, event: CaseEvent, files: tuple[EvidenceFile, ...]) -> list[Path]:
    """Give the files names a person can open; told twice, it does the same again."""
    folder.mkdir(parents=True, exist_ok=True)
    seen: Counter[str] = Counter()
    pictures = []
    for file in files:
        role = file.info.role
        seen[role] += 1
        number = "" if seen[role] == 1 else f"-{seen[role]}"
        suffix = mimetypes.guess_extension(file.info.media_type) or ""
        picture = folder / f"{role}{number}{suffix}"
        if not picture.exists():
            draft = picture.with_name(f".{picture.name}.part")
            draft.write_bytes(await file.read())
            draft.replace(picture)
        pictures.append(picture)
    if event.data.seal is not None:  # with it, gridpatrol verify needs no box
        (folder / "manifest.json").write_text(event.data.seal.manifest, encoding="utf-8")
    (folder / "case.json").write_text(
        json.dumps(event.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n",
        encoding="utf-8",
    )
    return pictures


def _keep(folder: Path, event: Checkpointed) -> None:
    """A line a checkpoint, for ``gridpatrol verify --checkpoint``; the store has them, too."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{event.box.replace('/', '-')}.jsonl").open("a", encoding="utf-8") as file:
            file.write(event.data.signed + "\n")
    except OSError as error:
        raise StoreError(
            Code.STO_WRITE, str(folder), str(error), "Check the folder given to consume"
        ) from error


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
