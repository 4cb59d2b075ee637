"""A box that answers requests, as a process of its own, to be killed. Its work takes a moment."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from queue import SimpleQueue

from edge.cases.known import KnownStore
from edge.clock import utc_now
from edge.signing import Verifier
from uploader.commands import Commands, Said
from uploader.contract.messages import BilingualText, ReplyData, RequestData
from uploader.outbox import Outbox
from uploader.publisher import Uploader
from uploader.requests import MOST_STARTS, RequestStore
from uploader.settings import Uplink
from uploader.topics import BoxTopics

CITY, NODE = "420111", "box-07"


def answer(store: RequestStore, request: RequestData, starts: int) -> None:
    time.sleep(random.uniform(0.0, 0.02))
    now = utc_now()
    result = "expired" if request.expires_at <= now else "done"
    if starts >= MOST_STARTS:
        result = "failed"
    store.answer(
        ReplyData(
            request_id=request.request_id,
            action=request.action,
            result=result,  # type: ignore[arg-type]
            reason=BilingualText(zh="答", en=f"answered at {now.isoformat()}"),
            looks=(),
            evidence=(),
            at=now,
            box_id=NODE,
        )
    )


def main() -> None:
    path, port = Path(sys.argv[1]), int(sys.argv[2])

    def store() -> RequestStore:
        return RequestStore(path, Outbox(path, city=CITY, node=NODE))

    inbox: SimpleQueue[Said] = SimpleQueue()
    commands = Commands(
        BoxTopics("gridpatrol", CITY, NODE),
        requests=store(),
        known=KnownStore(path),
        cells=(),
        verifier=Verifier([]),
        hand_on=inbox.put,
    )
    mine = store()
    waiting = mine.begin_again()
    settings = Uplink(host="127.0.0.1", port=port, city=CITY, node=NODE, receipt_timeout_s=2.0)
    uploader = Uploader(settings, path, commands=commands)
    uploader.start()
    for found in waiting:
        answer(mine, found.request, found.starts)
    while True:
        uploader.wake()
        said = inbox.get()
        if isinstance(said, RequestData):
            answer(mine, said, 0)


if __name__ == "__main__":
    main()
