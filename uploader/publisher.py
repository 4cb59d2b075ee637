"""The uploader: a thread that keeps a connection and empties the outbox over it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue

import structlog

from edge.clock import Clock, utc_now
from edge.errors import Code, DeliveryError, GridpatrolError, StoreError
from uploader.backoff import Patience
from uploader.claims import Claims, Stored
from uploader.commands import Commands
from uploader.flight import Flight
from uploader.lanes import Boundary
from uploader.letters import LetterView
from uploader.outbox import Outbox
from uploader.presence import Presence
from uploader.settings import Uplink
from uploader.topics import BoxTopics
from uploader.transport import Acked, Arrived, Event, Link, Lost
from uploader.waiting_view import WaitingView

_log = structlog.get_logger(__name__)

_POLL_S = 0.5
_GOODBYE_S = 2.0
_SHOWN = 20
_KEEP_SESSION_S = 24 * 3600
"""A request that comes while the box is away waits at the broker for so long."""


@dataclass(frozen=True, slots=True)
class UplinkStatus:
    """How delivery stands.

    Attributes:
        connected: messages can flow.
        pending, dead, done: rows of the outbox.
        last_error: the last fault, with its code; None when connected and nothing waits.
        session: number of the last connection attempt.
        rejected: the newest dead letters, for people.
        failure: what ended delivery for good; the process must end, too.
        waiting: cases whose turn has not come.
    """

    connected: bool = False
    pending: int = 0
    dead: int = 0
    done: int = 0
    last_error: str | None = None
    session: int = 0
    rejected: tuple[LetterView, ...] = ()
    failure: GridpatrolError | None = None
    waiting: WaitingView = field(default_factory=WaitingView)


class Uploader:
    """Delivers the outbox until stopped, whatever the broker does.

    Args:
        settings: broker, box, time-outs.
        outbox_path: the SQLite file shared with the case store.
        commands: takes in what the platform says besides receipts; None: nothing is heard.
        clock: what time it is.

    Raises:
        ConfigError: root, city or node would not fit into a topic.
        GridpatrolError: the extra ``s3`` is wanted and not installed.
    """

    def __init__(
        self,
        settings: Uplink,
        outbox_path: Path,
        *,
        commands: Commands | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._settings = settings
        self._path = outbox_path
        self._commands = commands
        self._retained: dict[str, bytes] = {}
        self._clock = clock
        self._topics = BoxTopics(settings.root, settings.city, settings.node)
        self._events: SimpleQueue[Event | Stored | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uploader", daemon=True)
        self._status = UplinkStatus()
        self._count_at = 0.0
        self._boundary = Boundary()
        self._claims = (
            Claims(settings.s3, settings.city, settings.node, self._events.put)
            if settings.s3
            else None
        )

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Say goodbye to the broker and end. What is undelivered stays in the outbox."""
        self._stopping.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def wake(self) -> None:
        """A row was committed: look now instead of at the next poll. Any thread."""
        if self._events.empty():
            self._events.put(None)

    def announce(self, reported: bytes) -> None:
        """What the box runs on, retained for the platform; sent again at every connection.

        Any thread. The newest replaces what has not been sent yet.
        """
        self._retain(self._topics.reported, reported)

    def announce_checkpoint(self, checkpoint: bytes) -> None:
        """How long the evidence chain is, retained; as :meth:`announce`."""
        self._retain(self._topics.checkpoint, checkpoint)

    def _retain(self, topic: str, payload: bytes) -> None:
        # Replaced, not changed: the uploader's thread may be walking through it.
        self._retained = {**self._retained, topic: payload}
        self.wake()

    def status(self) -> UplinkStatus:
        """How delivery stands, at most a second old. Any thread."""
        return self._status

    def _run(self) -> None:
        patience = Patience()
        outbox: Outbox | None = None
        while not self._stopping.is_set():
            before = time.monotonic()
            try:
                if outbox is None:
                    outbox = self._open_outbox()
                self._count(outbox)
                self._connection(outbox)
            except (DeliveryError, StoreError) as fault:
                self._report(fault)
                if fault.fatal:
                    self._status = replace(self._status, failure=fault)
                    return
                self._rest(outbox, patience.delay_s(fault, time.monotonic() - before))
        if outbox is not None:
            outbox.close()
        if self._claims is not None:
            self._claims.close()

    def _open_outbox(self) -> Outbox:
        s = self._settings
        return Outbox(self._path, city=s.city, node=s.node, clock=self._clock, quota=s.quota)

    def _connection(self, outbox: Outbox) -> None:
        session = outbox.next_session()
        self._status = replace(self._status, session=session)
        # Node, client id and the certificate's common name are one: brokers tie their rules to it.
        link = Link(self._settings, self._settings.node, self._events.put)
        presence = Presence(self._settings, self._topics, session, clock=self._clock)
        try:
            heard = self._commands.filters if self._commands else []
            filters = [self._topics.receipt, *heard]
            link.open(filters, presence.will, keep_session_s=_KEEP_SESSION_S)
            presence.say(link, "online")
            self._status = replace(self._status, connected=True, last_error=None)
            _log.info("uplink_connected", host=self._settings.host, session=session)
            self._deliver(link, outbox, presence)
            self._goodbye(presence.say(link, "stopped"))
        finally:
            self._status = replace(self._status, connected=False)
            link.close()
            # Nothing more can come from this link; what it left must not reach the next one.
            while not self._events.empty():
                self._events.get()

    def _deliver(self, link: Link, outbox: Outbox, presence: Presence) -> None:
        flight = Flight(
            link,
            outbox,
            self._topics,
            self._settings,
            boundary=self._boundary,
            claims=self._claims,
            report=self._report,
            clock=self._clock,
        )
        while not self._stopping.is_set():
            presence.report(link, self._retained)
            wait_s = flight.pump()
            self._count(outbox)
            events = self._next_events(min(wait_s, _POLL_S))
            arrived = [event for event in events if isinstance(event, Arrived)]
            self._hear(link, flight, arrived)
            for event in events:
                match event:
                    case Acked():
                        flight.on_acked(event)
                    case Stored():
                        flight.on_stored(event)
                    case Lost():
                        flight.on_lost(event)
                        raise DeliveryError(
                            Code.MQT_UNREACHABLE,
                            f"{self._settings.host}:{self._settings.port}",
                            event.reason,
                            "Connecting again; nothing is lost",
                        )

    def _hear(self, link: Link, flight: Flight, arrived: Sequence[Arrived]) -> None:
        """Receipts together, in one commit; each message is acknowledged after it is stored."""
        receipts = [message for message in arrived if message.topic == self._topics.receipt]
        flight.on_receipts(receipts)
        for message in receipts:
            link.ack(message)
        for message in arrived:
            if message.topic != self._topics.receipt:
                if self._commands is not None:
                    self._commands.take(message)
                link.ack(message)

    def _next_events(self, wait_s: float = _POLL_S) -> list[Event | Stored]:
        """Everything that has come in; waits a moment when there is nothing."""
        found: list[Event | Stored] = []
        try:
            event = self._events.get(timeout=wait_s)
            while True:
                if event is not None:
                    found.append(event)
                event = self._events.get_nowait()
        except Empty:
            return found

    def _goodbye(self, mid: int) -> None:
        """Wait until the broker has our last word, but not for long."""
        until = time.monotonic() + _GOODBYE_S
        while time.monotonic() < until:
            for event in self._next_events():
                if isinstance(event, Lost) or (isinstance(event, Acked) and event.mid == mid):
                    return

    def _report(self, fault: GridpatrolError) -> None:
        text = str(fault)
        # One line per change, not one per attempt: an outage may last for days.
        if text != self._status.last_error:
            _log.warning(
                "uplink_fault",
                code=str(fault.code),
                where=fault.where,
                what=fault.what,
                fix=fault.fix,
            )
        self._status = replace(self._status, last_error=text)

    def _count(self, outbox: Outbox) -> None:
        began = time.monotonic()
        if began < self._count_at:
            return
        try:
            counts = outbox.counts()
            waiting = outbox.waiting.view()
            rejected = self._status.rejected
            if counts.dead != self._status.dead:
                rejected = tuple(outbox.dead_letters(_SHOWN))
        except StoreError as fault:  # only a display: never a reason to end a connection
            self._report(fault)
            return
        status = self._status
        well = status.connected and counts.pending == 0
        self._status = replace(
            status,
            pending=counts.pending,
            dead=counts.dead,
            done=counts.done,
            rejected=rejected,
            waiting=waiting,
            last_error=None if well else status.last_error,
        )
        # Counting a long outbox takes a while: never more than a twentieth of the time.
        took_s = time.monotonic() - began
        self._count_at = began + max(_POLL_S, 20 * took_s)

    def _rest(self, outbox: Outbox | None, delay_s: float) -> None:
        until = time.monotonic() + delay_s
        while not self._stopping.is_set() and time.monotonic() < until:
            self._stopping.wait(min(_POLL_S, max(0.0, until - time.monotonic())))
            if outbox is not None:
                self._count(outbox)
