"""A box that makes more cases than its quota and delivers them, as a process to be killed.

Its clock stands at noon, so many days after the first as it is told.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path

from edge.sqlite import transaction
from tests.uploader.helpers import CITY, NODE, NOON, make_draft
from uploader.outbox import Outbox
from uploader.outbox_schema import open_outbox
from uploader.publisher import Uploader
from uploader.quota import Quota
from uploader.settings import Uplink

QUOTA = Quota(daily=20)


def main() -> None:
    """Commit cases, every third of them gone at once; say each commit."""
    path, port, day, first = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    now = NOON + timedelta(days=day)
    settings = Uplink(host="127.0.0.1", port=port, city=CITY, node=NODE, quota=QUOTA)
    uploader = Uploader(settings, path, clock=lambda: now)
    outbox = Outbox(path, city=CITY, node=NODE, clock=lambda: now, quota=QUOTA)
    db = open_outbox(path)
    uploader.start()
    number = first
    while True:
        for revision in (1, 2) if number % 3 == 0 else (1,):
            status = "new" if revision == 1 else "gone"
            draft = make_draft(
                number, path.parent, revision=revision, status=status, pictures=1, size_bytes=500
            )
            with transaction(db, path) as tx:
                outbox.enqueue(tx, draft)
            print(draft.case_id, revision, flush=True)
        uploader.wake()
        number += 1
        time.sleep(0.005)


if __name__ == "__main__":
    main()
