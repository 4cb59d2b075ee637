"""One MQTT 5 connection over paho: opened, used from one thread, thrown away.

paho keeps unsent messages in memory and re-sends them after a reconnect, also those whose
``publish`` said NO_CONN; repeating them on that code would double them. So a link never
reconnects: when it is lost, its memory goes with it, and the outbox knows what is still due.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.errors import Code, DeliveryError
from uploader.settings import BrokerLogin

_CONNECT_TIMEOUT_S = 5.0
_ANSWER_TIMEOUT_S = 10.0
_CLOSE_TIMEOUT_S = 2.0
_RECEIVE_MAXIMUM = 32
"""Unanswered messages a broker may have on the way to us: bounds the caller's queue."""
_SEND_MAXIMUM = 16
"""Unanswered messages on the way to the broker, less if it says so."""
_PACKET_OVERHEAD_BYTES = 1024
"""Topic, user properties and headers of our largest packet stay under this."""

_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux only

# CONNACK codes that a retry alone does not heal: bad login, not authorised, banned …
_LOGIN_CODES = frozenset({0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C})


@dataclass(frozen=True, slots=True)
class Acked:
    """The broker answered a publish. ``code`` 0x10: nobody is subscribed; 0x80 up: refused."""

    mid: int
    code: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message came in; answer it with :meth:`Link.ack` once it is dealt with."""

    topic: str
    payload: bytes
    user: dict[str, str]
    mid: int
    qos: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection ended; nothing more will come from this link."""

    reason: str
    too_large: bool = False


Event = Acked | Arrived | Lost


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when the connection breaks."""

    topic: str
    payload: bytes
    content_type: str
    user: dict[str, str]


@dataclass(slots=True)
class _Answers:
    """What the broker said while the link was being opened."""

    connected: threading.Event = field(default_factory=threading.Event)
    subscribed: threading.Event = field(default_factory=threading.Event)
    refused: ReasonCode | None = None
    grants: list[ReasonCode] = field(default_factory=list)
    limits: Properties | None = None


class _Client(mqtt.Client):
    """paho's client, saying so when its network thread ends, for whatever reason."""

    on_ended: Callable[[], None]

    def loop_forever(
        self, timeout: float = 1.0, retry_first_connection: bool = False
    ) -> MQTTErrorCode:
        try:
            return super().loop_forever(timeout, retry_first_connection)
        finally:
            self.on_ended()


class Link:
    """One connection, from CONNECT to its end.

    Args:
        login: where and as whom.
        client_id: one live connection per id.
        post: gets every event, on paho's thread; it must only pass them on.
    """

    def __init__(self, login: BrokerLogin, client_id: str, post: Callable[[Event], None]) -> None:
        self._login = login
        self._where = f"{login.host}:{login.port}"
        self._post = post
        self._answers = _Answers()
        self._reason = "the connection broke"
        self._too_large = False
        self._open = False
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = _CONNECT_TIMEOUT_S
        if login.username is not None:
            client.username_pw_set(login.username, login.password)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_ended = self._on_ended
        client.on_socket_open = _send_at_once
        self._client = client

    @property
    def send_maximum(self) -> int:
        """Publishes that may be unanswered at one time."""
        return min(_SEND_MAXIMUM, int(getattr(self._answers.limits, "ReceiveMaximum", 65535)))

    @property
    def payload_maximum(self) -> int:
        """Largest payload in bytes the broker said it takes."""
        limit = int(getattr(self._answers.limits, "MaximumPacketSize", 2**28 - 1))
        return max(0, limit - _PACKET_OVERHEAD_BYTES)

    def open(self, filters: list[str], will: Will | None, *, keep_session_s: int = 0) -> None:
        """Connect and subscribe; returns when messages can flow.

        Args:
            filters: topics to hear.
            will: published when the connection breaks.
            keep_session_s: for how long the broker keeps what is not acknowledged, and what comes
                while we are away; 0: nothing. What *we* sent is never resumed.

        Raises:
            DeliveryError: unreachable (MQT-001) or refused (MQT-002); close the link.
        """
        try:
            self._prepare(will)
            self._client.connect(
                self._login.host,
                self._login.port,
                keepalive=self._login.keepalive_s,
                clean_start=keep_session_s == 0,
                properties=_properties(
                    PacketTypes.CONNECT,
                    ReceiveMaximum=_RECEIVE_MAXIMUM,
                    SessionExpiryInterval=keep_session_s,
                ),
            )
        except (OSError, ValueError) as error:
            raise self._unreachable(str(error) or type(error).__name__) from error
        self._client.loop_start()
        self._await(self._answers.connected, "no CONNACK")
        if self._answers.refused is not None:
            raise self._refused(self._answers.refused)
        self._client.subscribe([(name, SubscribeOptions(qos=1)) for name in filters])
        self._await(self._answers.subscribed, "no SUBACK")
        denied = [code for code in self._answers.grants if code.is_failure]
        if denied:
            raise self._login_error(f"may not subscribe to {', '.join(filters)}: {denied[0]}")
        self._open = True

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        content_type: str,
        user: dict[str, str],
        retain: bool = False,
    ) -> int:
        """Hand a message to the network thread; its :class:`Acked` has the number returned.

        What cannot be sent any more is forgotten with the link: the caller learns from
        :class:`Lost`, never from a return code.
        """
        properties = _described(PacketTypes.PUBLISH, content_type, user)
        return self._client.publish(topic, payload, 1, retain, properties).mid

    def ack(self, message: Arrived) -> None:
        """Let the broker send the next one. It says nothing about what became of this one."""
        self._client.ack(message.mid, message.qos)

    def close(self) -> None:
        """End the connection; bounded, also when the broker does not answer."""
        self._client.disconnect()
        closer = threading.Timer(_CLOSE_TIMEOUT_S, self._break)
        closer.start()
        self._client.loop_stop()
        closer.cancel()

    def _break(self) -> None:
        sock = self._client.socket()
        if isinstance(sock, socket.socket):
            with suppress(OSError):  # it may have ended by itself meanwhile
                sock.shutdown(socket.SHUT_RDWR)

    def _prepare(self, will: Will | None) -> None:
        if will is not None:
            properties = _described(PacketTypes.WILLMESSAGE, will.content_type, will.user)
            self._client.will_set(will.topic, will.payload, 1, retain=True, properties=properties)
        if self._login.uses_tls:
            self._client.tls_set(
                ca_certs=str(self._login.ca_file) if self._login.ca_file else None,
                certfile=str(self._login.cert_file) if self._login.cert_file else None,
                keyfile=str(self._login.key_file) if self._login.key_file else None,
                cert_reqs=ssl.CERT_REQUIRED,
            )

    def _await(self, answer: threading.Event, otherwise: str) -> None:
        if not answer.wait(_ANSWER_TIMEOUT_S):
            raise self._unreachable(f"{otherwise} within {_ANSWER_TIMEOUT_S:.0f} s")
        if self._answers.refused is None and not self._client.is_connected():
            raise self._unreachable(self._reason)

    def _refused(self, code: ReasonCode) -> DeliveryError:
        if code.value in _LOGIN_CODES:
            return self._login_error(f"the broker refused the login: {code}")
        return self._unreachable(f"the broker refused the connection: {code}")

    def _login_error(self, what: str) -> DeliveryError:
        fix = "Check mqtt.username, mqtt.password and the broker's access list"
        return DeliveryError(Code.MQT_REFUSED, self._where, what, fix)

    def _unreachable(self, what: str) -> DeliveryError:
        fix = "Check mqtt.host, mqtt.port, mqtt.tls and the network; nothing is lost meanwhile"
        return DeliveryError(Code.MQT_UNREACHABLE, self._where, what, fix)

    # paho calls the rest on its own thread.

    def _on_connect(
        self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, limits: Properties | None
    ) -> None:
        self._answers.limits = limits
        self._answers.refused = code if code.is_failure else None
        self._answers.connected.set()

    def _on_subscribe(
        self, _client: Any, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        self._answers.grants = codes
        self._answers.subscribed.set()

    def _on_publish(
        self, _client: Any, _data: Any, mid: int, code: ReasonCode, _properties: Any
    ) -> None:
        self._acknowledge_now()
        self._post(Acked(mid, code.value))

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        self._acknowledge_now()
        pairs = getattr(message.properties, "UserProperty", [])
        self._post(
            Arrived(message.topic, bytes(message.payload), dict(pairs), message.mid, message.qos)
        )

    def _acknowledge_now(self) -> None:
        """The other end of Nagle: a broker without ``set_tcp_nodelay`` holds a small message back
        until we have acknowledged the one before it, which the system puts off by 40 ms. The
        option does not last, so it is set again with every message."""
        sock = self._client.socket()
        if _QUICK_ACK is not None and isinstance(sock, socket.socket):
            with suppress(OSError):  # it may have ended meanwhile
                sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)

    def _on_disconnect(
        self, _client: Any, _data: Any, flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._reason = f"the broker ended the connection: {code}"
            self._too_large = code.value == 0x95

    def _on_ended(self) -> None:
        # Also wakes an open() that still waits for an answer.
        self._answers.connected.set()
        self._answers.subscribed.set()
        self._post(Lost(self._reason, self._too_large))


def _send_at_once(_client: Any, _data: Any, sock: Any) -> None:
    # Small messages would wait 40 ms for company (Nagle against delayed acknowledgements).
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _described(packet: int, content_type: str, user: dict[str, str]) -> Properties:
    """What the payload is: whether it is text, its type, and the user properties."""
    properties = _properties(
        packet,
        ContentType=content_type,
        PayloadFormatIndicator=int(content_type.endswith("charset=utf-8")),
    )
    properties.UserProperty = list(user.items())
    return properties


def _properties(packet: int, **values: Any) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves it so
    for name, value in values.items():
        setattr(properties, name, value)
    return properties
