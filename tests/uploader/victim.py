"""A box's uploader as a process of its own, to be killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from uploader.publisher import Uploader
from uploader.settings import Uplink

settings = Uplink(
    host="127.0.0.1",
    port=int(sys.argv[2]),
    city="420111",
    node="box-07",
    receipt_timeout_s=2.0,
    backlog_bytes_per_s=0,
)
Uploader(settings, Path(sys.argv[1])).start()
while True:
    time.sleep(60)
