"""A bridge on a thread, between a real broker and a city's server."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from tests.bridge.city import CLIENT_ID, SECRET, SENDER, V22City
from tests.bridge.library import DEVICE, PASSWORD, USER, ViewLibrary
from tests.brokers import Broker
from uploader.bridge.bridge import run_bridge
from uploader.bridge.settings import BridgeSettings

SITE = """
[constant]
rec_type_id = 8
rec_type_name = "物联感知"
event_src_id = 104
event_src_name = "视频智能发现"
[lookup.category.rows]
"0406" = { mainTypeId = 204, subTypeId = 20406, subTypeName = "占道经营" }
[lookup.district.rows]
"420111" = { id = 1, name = "洪山区" }
"""


_HURRIED = {"timeout_s": 0.6, "settle_s": 1.5, "per_minute": 6000}


class Bridge:
    """Runs in a thread as ``gridpatrol bridge`` does; may be stopped and started again."""

    def __init__(self, folder: Path, broker: Broker, city: V22City, **v22: Any) -> None:
        self._make(
            folder,
            broker,
            SITE,
            "v22",
            {
                "url": city.url,
                "sender_code": SENDER,
                "client_id": CLIENT_ID,
                "client_secret": SECRET,
                "poll_s": 0.3,
                "check_over_s": 1,
                "check_within_s": 20,
                **v22,
            },
        )

    @classmethod
    def to_library(
        cls, folder: Path, broker: Broker, library: ViewLibrary, site: str, **more: Any
    ) -> Bridge:
        """A bridge to a view library."""
        made = cls.__new__(cls)
        login = {"device_id": DEVICE, "username": USER, "password": PASSWORD}
        made._make(folder, broker, site, "gat1400", {"url": library.url, **login, **more})
        return made

    def _make(
        self, folder: Path, broker: Broker, site: str, kind: str, settings: dict[str, Any]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        mapping = folder / "my-city.toml"
        if not mapping.exists():
            mapping.write_text(site, encoding="utf-8")
        self.folder = folder
        self.settings = BridgeSettings.model_validate(
            {
                "mqtt": {"host": broker.host, "port": broker.port},
                "state_dir": folder,
                kind: {"mapping": mapping, **_HURRIED, **settings},
            }
        )
        self.fault: BaseException | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, and raise what ended it before."""
        self._stop.set()
        self.join()
        if self.fault is not None:
            raise self.fault

    def join(self) -> None:
        """Wait until it has ended."""
        if self._thread is not None:
            self._thread.join(30)
            assert not self._thread.is_alive()
        self._thread = None

    def _run(self) -> None:
        try:
            run_bridge(self.settings, self._stop)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.fault = error
