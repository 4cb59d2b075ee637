"""Rows in the air over one connection: a bounded window, receipts, time-outs.

Two lanes share the connection. While the backlog has a pace to keep, a live row never waits behind
more than :data:`_BACKLOG_PACKETS` messages of it, whatever the backlog's rows weigh.

Held in memory only. When the connection or the process ends, what was in the air is simply due
again: the receiver knows a repeated message by its id.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from edge.clock import Clock
from edge.errors import Code, DeliveryError, GridpatrolError
from edge.telemetry import metrics
from uploader.backoff import backoff_s
from uploader.claims import Claims, Stored
from uploader.contract.messages import ReceiptData
from uploader.lanes import Boundary, Lane, Pace
from uploader.outbox import Outbox, OutboxRow, Settled, Settlement
from uploader.packets import Packet, packets
from uploader.receipts import readable
from uploader.settings import Uplink
from uploader.topics import BoxTopics
from uploader.transport import Acked, Arrived, Link, Lost

WINDOW_ROWS = 64
_WINDOW_BYTES = 16 * 1024 * 1024
"""Rows in the air weigh no more together, unless it is one alone."""
_BACKLOG_PACKETS = 2
_RELEASED_ROWS = 16
"""Waiting cases are let go as others leave, so that a line that breaks finds few of them here."""
_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 300.0
_LONGEST_SILENCE_S = 30.0
"""A platform that does not answer is probed with one row at least this often."""
_STALL_S = 60.0
"""A broker that answers pings but no publish for so long is given up."""
_NO_SUBSCRIBER = 0x10
_FAILURE = 0x80


@dataclass(slots=True)
class _Airborne:
    row: OutboxRow
    lane: Lane
    uploading: bool = False
    unanswered: int = 0
    deadline: float | None = None
    since: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class _Sent:
    airborne: _Airborne
    topic: str
    last: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Sending:
    airborne: _Airborne
    packets: Iterator[Packet]


class Flight:
    """Sends due rows over an open link and settles what comes back. One thread.

    Args:
        link: open.
        outbox: rows come from here and are settled here.
        topics: of this box.
        settings: time-out, chunk size, pace of the backlog.
        boundary: which rows are live; outlives the connection.
        claims: stores evidence that has an address; None: all goes in chunks.
        report: told every fault.
        clock: wall time, for due rows.
    """

    def __init__(
        self,
        link: Link,
        outbox: Outbox,
        topics: BoxTopics,
        settings: Uplink,
        *,
        boundary: Boundary,
        claims: Claims | None,
        report: Callable[[GridpatrolError], None],
        clock: Clock,
    ) -> None:
        self._link = link
        self._outbox = outbox
        self._topics = topics
        self._settings = settings
        self._boundary = boundary
        self._claims = claims
        self._report = report
        self._clock = clock
        self._pace = Pace(settings.backlog_bytes_per_s)
        bounded = settings.backlog_bytes_per_s > 0
        self._backlog_packets = _BACKLOG_PACKETS if bounded else link.send_maximum
        self._air: dict[int, _Airborne] = {}
        self._unanswered: dict[int, _Sent] = {}
        self._queues: dict[Lane, deque[_Sending]] = {lane: deque() for lane in Lane}
        self._rests: list[tuple[int, timedelta]] = []
        self._heard = time.monotonic()
        self._silences = 0
        self._quiet_until = 0.0

    def pump(self) -> float:
        """Send until the window is full or nothing may go; returns seconds until more may.

        Raises:
            StoreError: the outbox cannot be read or written.
            DeliveryError: the broker has stopped answering (MQT-001).
        """
        self._expire()
        self._write_rests()
        if not self._silences and time.monotonic() >= self._quiet_until:
            # Not before somebody listens: what is let go has taken of the day's quota.
            self._outbox.waiting.release(_RELEASED_ROWS, self._outbox.put)
        boundary = self._boundary.note(self._outbox.last_seq())
        live = True  # until a look says that there is nothing
        while len(self._unanswered) < self._link.send_maximum:
            if live and self._ready(Lane.LIVE, boundary):
                self._send_one(Lane.LIVE)
                continue
            live = False  # what is committed meanwhile wakes us
            wait_s = self._pace.wait_s()
            if wait_s:
                return wait_s
            waiting = sum(s.airborne.lane is Lane.BACKLOG for s in self._unanswered.values())
            if waiting >= self._backlog_packets or not self._ready(Lane.BACKLOG, boundary):
                break
            self._send_one(Lane.BACKLOG)
        return _LONGEST_RETRY_S

    def on_acked(self, answer: Acked) -> None:
        """The broker answered a publish: that never ends a row, but it may put it off.

        Raises:
            StoreError: the outbox cannot be written.
        """
        self._heard = time.monotonic()
        sent = self._unanswered.pop(answer.mid, None)
        if sent is None:
            return
        airborne = sent.airborne
        airborne.unanswered -= 1
        if self._air.get(airborne.row.seq) is not airborne:
            return  # settled or put off meanwhile
        if answer.code >= _FAILURE:
            what = f"the broker refused a message (code 0x{answer.code:02x})"
            fix = "Check the broker's access list and quotas"
            self._report(DeliveryError(Code.MQT_REFUSED, sent.topic, what, fix))
            self._rest(airborne, "refused")
        elif sent.last and answer.code == _NO_SUBSCRIBER:
            what = "nobody is subscribed"
            fix = "Start the platform's consumer; cases wait on this box"
            self._report(DeliveryError(Code.MQT_NO_RECEIPT, sent.topic, what, fix))
            self._rest(airborne, "no_subscriber")
            self._hush()
        elif sent.last:
            # Only now: on a slow line the message may have waited long behind its pictures.
            airborne.deadline = self._heard + self._settings.receipt_timeout_s

    def on_receipts(self, messages: Sequence[Arrived]) -> None:
        """Settle rows, in one commit.

        Raises:
            StoreError: the outbox cannot be written.
        """
        receipts = readable(messages, self._report, self._settings.receipt_keys)
        if not receipts:
            return
        self._silences = 0
        self._quiet_until = 0.0
        for receipt, done in zip(receipts, self._outbox.settle_all(receipts), strict=True):
            metrics.UPLINK_RECEIPTS.labels(result=receipt.result).inc()
            self._answered(receipt, done)

    def _answered(self, receipt: ReceiptData, settlement: Settlement) -> None:
        airborne = self._air.get(settlement.seq) if settlement.seq else None
        match settlement.outcome:
            case Settled.UNKNOWN:
                self._report(_unknown(receipt))
            case Settled.WAITING if airborne:
                self._rest(airborne, "asked", receipt.retry_after_s)
            case Settled.DONE | Settled.DEAD if airborne:
                took_s = time.monotonic() - airborne.since
                metrics.RECEIPT_SECONDS.labels(lane=airborne.lane).observe(took_s)
                self._land(airborne)
        if settlement.outcome is Settled.DEAD:
            self._report(_rejected(receipt))

    def on_lost(self, lost: Lost) -> None:
        """Rows whose messages the broker never took rest a moment: one of them may be the cause.

        The others are due again at once.

        Raises:
            StoreError: the outbox cannot be written.
        """
        if lost.too_large:
            fix = "Raise the broker's message size limit or lower mqtt.chunk_bytes"
            what = "the broker refused a message as too large"
            self._report(DeliveryError(Code.MQT_TOO_LARGE, self._topics.case, what, fix))
        for airborne in list(self._air.values()):
            if airborne.unanswered:
                self._rest(airborne, "lost")
        self._write_rests()

    def _ready(self, lane: Lane, boundary: int) -> bool:
        """Whether the lane has a message to send."""
        return bool(self._queues[lane]) or self._start_next(lane, boundary)

    def _start_next(self, lane: Lane, boundary: int) -> bool:
        if time.monotonic() < self._quiet_until:
            return False
        while self._may_start(lane):
            found = self._outbox.due(self._clock(), 1, self._busy(), lane=lane, boundary=boundary)
            if not found:
                return False
            row = found[0]
            if len(row.payload) <= self._link.payload_maximum:
                airborne = self._air[row.seq] = _Airborne(row, lane)
                if not self._upload(airborne):
                    self._send(airborne, elsewhere=False)
                    return True
            else:
                self._refuse_size(row)
        return False

    def _upload(self, airborne: _Airborne) -> bool:
        """Whether the row's evidence goes to the store first."""
        if self._claims is None:
            return False
        wanted = self._claims.wanted(airborne.row)
        if wanted:
            airborne.uploading = True
            self._claims.submit(airborne.row)
            size_bytes = sum(item.size_bytes for item in wanted)
            metrics.UPLINK_SENT_BYTES.labels(lane=airborne.lane).inc(size_bytes)
            if airborne.lane is Lane.BACKLOG:
                self._pace.spend(size_bytes)
        return bool(wanted)

    def on_stored(self, stored: Stored) -> None:
        """The store has the evidence of a row, or says why not; its message goes next."""
        airborne = self._air.get(stored.seq)
        if airborne is None or not airborne.uploading:
            return
        airborne.uploading = False
        for fault in stored.faults:
            metrics.UPLINK_RETRIES.labels(reason="evidence_store").inc()
            self._report(fault)
        by_mqtt = stored.faults and self._claims is not None and self._claims.instead_by_mqtt
        if by_mqtt:
            metrics.EVIDENCE_INSTEAD_BY_MQTT.inc()
        self._send(airborne, elsewhere=not by_mqtt)

    def _send(self, airborne: _Airborne, *, elsewhere: bool) -> None:
        chunk_bytes = min(self._settings.chunk_bytes, self._link.payload_maximum)
        to_send = packets(
            airborne.row,
            self._topics,
            chunk_bytes,
            self._report,
            self._settings.sign,
            historical=airborne.lane is Lane.BACKLOG or airborne.row.waited,
            elsewhere=elsewhere,
        )
        self._queues[airborne.lane].append(_Sending(airborne, to_send))

    def _busy(self) -> list[int]:
        return [*self._air, *(seq for seq, _delay in self._rests)]

    def _may_start(self, lane: Lane) -> bool:
        """Whether the window has room; half of it is kept for live rows."""
        if self._silences:
            return not self._air
        mine = sum(airborne.lane is lane for airborne in self._air.values())
        weight = sum(airborne.row.size_bytes for airborne in self._air.values())
        return mine < WINDOW_ROWS // 2 and (not mine or weight < _WINDOW_BYTES)

    def _send_one(self, lane: Lane) -> None:
        sending = self._queues[lane][0]
        airborne = sending.airborne
        packet = next(sending.packets)
        if not self._unanswered:
            self._heard = time.monotonic()
        mid = self._link.publish(
            packet.topic, packet.payload, content_type=packet.content_type, user=packet.user
        )
        metrics.UPLINK_SENT_BYTES.labels(lane=lane).inc(len(packet.payload))
        if lane is Lane.BACKLOG:
            self._pace.spend(len(packet.payload))
        airborne.unanswered += 1
        self._unanswered[mid] = _Sent(airborne, packet.topic, packet.last)
        if packet.last:
            self._queues[lane].popleft()

    def _expire(self) -> None:
        now = time.monotonic()
        if self._unanswered and now - self._heard > _STALL_S:
            raise DeliveryError(
                Code.MQT_UNREACHABLE,
                f"{self._settings.host}:{self._settings.port}",
                f"the broker has acknowledged nothing for {_STALL_S:.0f} s",
                "Connecting again; nothing is lost",
            )
        for airborne in list(self._air.values()):
            if airborne.deadline is not None and now > airborne.deadline:
                what = f"no receipt within {self._settings.receipt_timeout_s:g} s"
                fix = "Check the platform's consumer; it will be sent again"
                self._report(DeliveryError(Code.MQT_NO_RECEIPT, self._topics.case, what, fix))
                self._rest(airborne, "no_receipt")
                self._hush()

    def _hush(self) -> None:
        """Nobody answers: do not push a backlog of pictures at nobody, probe with one row."""
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + backoff_s(
                self._silences, first_s=_FIRST_RETRY_S, longest_s=_LONGEST_SILENCE_S
            )
            self._silences += 1

    def _refuse_size(self, row: OutboxRow) -> None:
        self._report(
            DeliveryError(
                Code.MQT_TOO_LARGE,
                f"{row.what} {row.subject} revision {row.revision}",
                f"{len(row.payload)} bytes; the broker takes {self._link.payload_maximum}",
                "Raise the broker's message size limit; the case waits",
            )
        )
        metrics.UPLINK_RETRIES.labels(reason="too_large").inc()
        self._rests.append((row.seq, timedelta(seconds=_LONGEST_RETRY_S)))

    def _rest(self, airborne: _Airborne, why: str, delay_s: float | None = None) -> None:
        if delay_s is None:
            delay_s = backoff_s(
                airborne.row.attempts, first_s=_FIRST_RETRY_S, longest_s=_LONGEST_RETRY_S
            )
        metrics.UPLINK_RETRIES.labels(reason=why).inc()
        self._rests.append((airborne.row.seq, timedelta(seconds=delay_s)))
        self._land(airborne)

    def _write_rests(self) -> None:
        """One commit for all that was put off; until then :meth:`_busy` holds it back."""
        if self._rests:
            self._outbox.postpone_all(self._rests)
            self._rests.clear()

    def _land(self, airborne: _Airborne) -> None:
        del self._air[airborne.row.seq]
        queue = self._queues[airborne.lane]
        for sending in [s for s in queue if s.airborne is airborne]:
            queue.remove(sending)


def _unknown(receipt: ReceiptData) -> DeliveryError:
    return DeliveryError(
        Code.MSG_HASH,
        f"case {receipt.case_id} revision {receipt.revision}",
        f"a receipt speaks of bytes this box never sent ({receipt.payload_sha256[:12]}…)",
        "It was ignored; check that no other box uses this node id",
    )


def _rejected(receipt: ReceiptData) -> DeliveryError:
    return DeliveryError(
        Code.MQT_REJECTED,
        f"case {receipt.case_id} revision {receipt.revision}",
        f"the platform rejected it: {receipt.reason or 'no reason given'}",
        "It is kept as a dead letter",
    )
