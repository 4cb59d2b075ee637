"""A platform's worker as a process of its own, to be killed: ``port group store sink``.

Its effect is one line per revision, appended before the answer, as a platform's insert would be.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from uploader.intake.postgres import PostgresStore
from uploader.intake.sqlite import SqliteStore
from uploader.receiver import Receiver
from uploader.settings import Downlink


async def main() -> None:
    """Receive until killed."""
    port, group, where, sink = sys.argv[1:]
    settings = Downlink(host="127.0.0.1", port=int(port), group=group, hold_s=5.0)
    store = PostgresStore(where) if "host=" in where else SqliteStore(Path(where))
    with Path(sink).open("ab", buffering=0) as lines:
        async with Receiver(settings, store) as receiver:
            async for case in receiver.cases():
                for file in case.evidence:
                    await file.read()
                lines.write(f"{case.event.id}\n".encode())
                os.fsync(lines.fileno())
                await case.accept()


asyncio.run(main())
