"""Rows in the air over one connection: a bounded window, receipts, time-outs.

Held in memory only. When the connection or the process ends, what was in the air is simply due
again: the receiver knows a repeated message by its id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from edge.clock import Clock
from edge.errors import Code, ContractError, DeliveryError, GridpatrolError
from uploader.backoff import backoff_s
from uploader.contract.messages import ReceiptData, ReceiptEvent, read
from uploader.outbox import Outbox, OutboxRow, Settled
from uploader.packets import Packet, packets
from uploader.settings import Uplink
from uploader.topics import BoxTopics
from uploader.transport import Acked, Arrived, Link, Lost

WINDOW_ROWS = 16
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
    unanswered: int = 0
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class _Sent:
    airborne: _Airborne
    topic: str
    last: bool


class Flight:
    """Sends due rows over an open link and settles what comes back. One thread.

    Args:
        link: open.
        outbox: rows come from here and are settled here.
        topics: of this box.
        settings: time-out and chunk size.
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
        report: Callable[[GridpatrolError], None],
        clock: Clock,
    ) -> None:
        self._link = link
        self._outbox = outbox
        self._topics = topics
        self._settings = settings
        self._report = report
        self._clock = clock
        self._air: dict[int, _Airborne] = {}
        self._unanswered: dict[int, _Sent] = {}
        self._sending: tuple[int, Iterator[Packet]] | None = None
        self._heard = time.monotonic()
        self._silences = 0
        self._quiet_until = 0.0

    def pump(self) -> None:
        """Send until the window is full or nothing is due.

        Raises:
            StoreError: the outbox cannot be read or written.
            DeliveryError: the broker has stopped answering (MQT-001).
        """
        self._expire()
        while len(self._unanswered) < self._link.send_maximum:
            if self._sending is None and not self._start_next():
                return
            self._send_one()

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
            self._rest(airborne)
        elif sent.last and answer.code == _NO_SUBSCRIBER:
            what = "nobody is subscribed"
            fix = "Start the platform's consumer; cases wait on this box"
            self._report(DeliveryError(Code.MQT_NO_RECEIPT, sent.topic, what, fix))
            self._rest(airborne)
            self._hush()
        elif sent.last:
            # Only now: on a slow line the message may have waited long behind its pictures.
            airborne.deadline = self._heard + self._settings.receipt_timeout_s

    def on_receipt(self, message: Arrived) -> None:
        """Settle a row.

        Raises:
            StoreError: the outbox cannot be written.
        """
        try:
            receipt = read(ReceiptEvent, message.payload, message.topic).data
        except ContractError as misfit:
            self._report(misfit)
            return
        self._silences = 0
        self._quiet_until = 0.0
        settlement = self._outbox.settle(receipt)
        airborne = self._air.get(settlement.seq) if settlement.seq else None
        match settlement.outcome:
            case Settled.UNKNOWN:
                self._report(_unknown(receipt))
            case Settled.WAITING if airborne:
                self._rest(airborne, receipt.retry_after_s)
            case Settled.DONE | Settled.DEAD if airborne:
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
                self._rest(airborne)

    def _start_next(self) -> bool:
        if time.monotonic() < self._quiet_until:
            return False
        while len(self._air) < (1 if self._silences else WINDOW_ROWS):
            found = self._outbox.due(self._clock(), 1, skip=self._air.keys())
            if not found:
                return False
            row = found[0]
            if len(row.payload) <= self._link.payload_maximum:
                self._air[row.seq] = _Airborne(row)
                chunk_bytes = min(self._settings.chunk_bytes, self._link.payload_maximum)
                self._sending = (
                    row.seq,
                    packets(row, self._topics, chunk_bytes, self._report, self._settings.sign),
                )
                return True
            self._refuse_size(row)
        return False

    def _send_one(self) -> None:
        if self._sending is None:
            return
        seq, rest = self._sending
        packet = next(rest)
        if not self._unanswered:
            self._heard = time.monotonic()
        mid = self._link.publish(
            packet.topic, packet.payload, content_type=packet.content_type, user=packet.user
        )
        airborne = self._air[seq]
        airborne.unanswered += 1
        self._unanswered[mid] = _Sent(airborne, packet.topic, packet.last)
        if packet.last:
            self._sending = None

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
                self._rest(airborne)
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
                f"case {row.case_id} revision {row.revision}",
                f"{len(row.payload)} bytes; the broker takes {self._link.payload_maximum}",
                "Raise the broker's message size limit; the case waits",
            )
        )
        self._outbox.postpone(row.seq, timedelta(seconds=_LONGEST_RETRY_S))

    def _rest(self, airborne: _Airborne, delay_s: float | None = None) -> None:
        if delay_s is None:
            delay_s = backoff_s(
                airborne.row.attempts, first_s=_FIRST_RETRY_S, longest_s=_LONGEST_RETRY_S
            )
        self._outbox.postpone(airborne.row.seq, timedelta(seconds=delay_s))
        self._land(airborne)

    def _land(self, airborne: _Airborne) -> None:
        del self._air[airborne.row.seq]
        if self._sending is not None and self._sending[0] == airborne.row.seq:
            self._sending = None


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
