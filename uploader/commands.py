"""What the platform says to a box: requests, the desired configuration, known cases.

Each message is authorised here, by the broker's access list and, where ``mqtt.trusted_keys`` are
set, by its signature; stored; and handed on. It is acknowledged to the broker after that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from edge.cases.known import Known, KnownStore
from edge.clock import Clock, utc_now
from edge.errors import Code, ContractError, GridpatrolError, RequestError, StoreError
from edge.signing import Signature, Verifier
from edge.telemetry import metrics
from uploader.contract.messages import (
    BilingualText,
    DesiredData,
    DesiredEvent,
    KnownCase,
    KnownEvent,
    ReplyData,
    RequestData,
    RequestEvent,
    read,
)
from uploader.requests import RequestStore, Took
from uploader.topics import BoxTopics, read_down
from uploader.transport import Arrived

log = structlog.get_logger(__name__)

_UNTRUSTED = {
    Signature.UNSIGNED: "it is not signed",
    Signature.UNKNOWN_KEY: "it is signed with a key that this box does not trust",
    Signature.WRONG: "its signature does not fit its bytes",
}


_REFUSED = {
    Code.SEC_UNSIGNED: "请求未经受信任的密钥签名，或不是发给本机的",
    Code.MSG_SCHEMA: "请求不符合接口约定",
    Code.ASK_FULL: "等待中的请求过多，请稍后以新编号重试",
}


@dataclass(frozen=True, slots=True)
class Desired:
    """A configuration that the platform wants; ``fault`` when it must not be looked at."""

    data: DesiredData
    fault: GridpatrolError | None = None


Said = RequestData | Desired


class Commands:
    """Takes in what the platform says. One thread calls it.

    Args:
        topics: of this box.
        requests: where requests are kept.
        known: where known cases are kept.
        cells: grid cells whose known cases are wanted.
        verifier: the platform's keys; with none the broker's access list alone decides.
        hand_on: told of every new request and desired configuration; it must only pass them on.
        clock: what time it is.
    """

    def __init__(
        self,
        topics: BoxTopics,
        *,
        requests: RequestStore,
        known: KnownStore,
        cells: Collection[str],
        verifier: Verifier,
        hand_on: Callable[[Said], None],
        clock: Clock = utc_now,
    ) -> None:
        self._topics = topics
        self._requests = requests
        self._known = known
        self._cells = sorted(cells)
        self._verifier = verifier
        self._hand_on = hand_on
        self._clock = clock
        metrics.KNOWN_CASES.set(known.count())

    @property
    def filters(self) -> list[str]:
        """What to subscribe to."""
        known = [self._topics.known(cell) for cell in self._cells]
        return [self._topics.request, self._topics.desired, *known]

    def close(self) -> None:
        """Close the stores."""
        self._requests.close()
        self._known.close()

    def take(self, message: Arrived) -> None:
        """Take in one message; a bad one is logged and counted, and never comes again.

        Raises:
            StoreError: it could not be stored: do not acknowledge it.
        """
        topic = read_down(message.topic, self._topics)
        try:
            match topic.what if topic else None:
                case "request":
                    self._take_request(message)
                case "desired":
                    self._take_desired(message)
                case "known" if topic:
                    self._take_known(message, topic.cell)
        except (ContractError, RequestError) as fault:
            _complain(fault)
        except StoreError:
            raise
        except Exception:
            # Whatever a message does to us, it must not stop the delivery of cases.
            metrics.ERRORS.labels(code="unexpected").inc()
            log.exception("command_failed", topic=message.topic)

    def _take_request(self, message: Arrived) -> None:
        fault: GridpatrolError | None = self._untrusted(message)
        try:
            request = read(RequestEvent, message.payload, message.topic).data
        except ContractError as misfit:
            request = self._misshapen(message)
            fault = fault or misfit
        if fault is None and self._verifier and request.box_id != self._topics.node:
            fault = _security(message, f"it is meant for box {request.box_id}")
        if fault is not None:
            self._turn_away(request, fault)
            return
        took = self._requests.take(request)
        log.info("request_taken", request=request.request_id, action=request.action, took=took)
        if took is Took.NEW:
            self._hand_on(request)
        elif took is Took.FULL:
            self._turn_away(request, _full(request))

    def _turn_away(self, request: RequestData, fault: GridpatrolError) -> None:
        _complain(fault)
        if self._requests.is_known(request.request_id):
            return  # it has, or will have, its one answer
        reply = ReplyData(
            request_id=request.request_id,
            action=request.action,
            result="refused",
            reason=BilingualText(
                zh=f"{fault.code}：{_REFUSED.get(fault.code, '请求被拒绝')}",
                en=f"{fault.code}: {fault.what}. {fault.fix}",
            ),
            looks=(),
            evidence=(),
            at=self._clock(),
            box_id=self._topics.node,
            case_id=request.case_id,
            code=str(fault.code),
        )
        self._requests.turn_away(request, reply)
        metrics.REQUESTS.labels(action=request.action, result="refused").inc()

    def _misshapen(self, message: Arrived) -> RequestData:
        """As much of an unreadable request as is needed to refuse it.

        Raises:
            ContractError: not even its id can be read; nobody can be answered.
        """
        try:
            given = json.loads(message.payload)["data"]["request_id"]
            return RequestData(
                request_id=given,
                action="unknown",
                expires_at=self._clock(),
                requested_by="unknown",
            )
        except (ValueError, LookupError, TypeError, ValidationError) as error:
            raise ContractError(
                Code.MSG_SCHEMA,
                message.topic,
                "no request can be read from it, not even its request_id",
                "Compare with uploader/contract/schemas/request.schema.json",
            ) from error

    def _take_desired(self, message: Arrived) -> None:
        if not message.payload:
            return  # cleared
        data = read(DesiredEvent, message.payload, message.topic).data
        fault = self._untrusted(message)
        if fault is None and self._verifier and data.box_id != self._topics.node:
            fault = _security(message, f"it is meant for box {data.box_id}")
        self._hand_on(Desired(data, fault))

    def _take_known(self, message: Arrived, cell: str) -> None:
        if cell not in self._cells:
            return  # subscribed to when other cameras ran
        fault = self._untrusted(message) if message.payload else None
        if fault is not None:
            raise fault
        if message.payload:
            data = read(KnownEvent, message.payload, message.topic).data
            taken = self._known.replace(cell, [_known(case) for case in data.cases], data.at)
        else:
            taken = self._known.replace(cell, [], self._clock())
        metrics.KNOWN_CASES.set(self._known.count())
        log.info("known_cases", cell=cell, taken=taken, stored=self._known.count())

    def _untrusted(self, message: Arrived) -> RequestError | None:
        if not self._verifier:
            return None
        found = self._verifier.check(message.payload, message.user)
        if found is Signature.VALID:
            return None
        return _security(message, _UNTRUSTED[found])


def _security(message: Arrived, what: str) -> RequestError:
    return RequestError(
        Code.SEC_UNSIGNED,
        message.topic,
        what,
        "Sign it with a key listed in mqtt.trusted_keys, and name the box",
    )


def _full(request: RequestData) -> RequestError:
    return RequestError(
        Code.ASK_FULL,
        f"request {request.request_id}",
        "too many requests wait on this box",
        "Ask again later, with a new request_id",
    )


def _known(case: KnownCase) -> Known:
    point = None if case.lon is None or case.lat is None else (case.lon, case.lat)
    return Known(case.ref, case.category, case.kind, point, case.opened_at, case.origin)


def _complain(fault: GridpatrolError) -> None:
    metrics.ERRORS.labels(code=str(fault.code)).inc()
    log.warning(
        "command_fault", code=str(fault.code), where=fault.where, what=fault.what, fix=fault.fix
    )
