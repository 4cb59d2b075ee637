"""An embedded RTSP server: ``python -m edge.demo.rtsp PORT FOLDER`` serves every file in it.

``aio-rtsp-toolkit`` sends each client the file from its beginning; ``?play_count=0`` loops.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

from edge.demo.broker import missing_extra

_CLIENTS = 64
"""Each client holds a thread; the default pool serves six on two cores."""


async def serve(port: int, folder: str) -> None:
    """Serve until cancelled."""
    try:
        from aio_rtsp_toolkit.server import RtspServer
    except ImportError as error:
        raise missing_extra("aio-rtsp-toolkit") from error
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_CLIENTS))
    await RtspServer(folder, host="127.0.0.1", port=port).serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
    except KeyboardInterrupt:
        sys.exit(0)
