"""Evidence in an S3-compatible store, by claim check: the message carries the address and the hash.

botocore, because it is the part every AWS client is made of: signing, conditional writes and
checksums are documented parameters of it, not work of ours. It comes with the extra ``s3``.

A key is ``{prefix}{city}/{node}/{sha256}``: known before the upload, the same at every attempt,
and a policy can hold each box to its own branch.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from edge.errors import Code, DeliveryError, GridpatrolError

_CONNECT_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 20.0
_THERE_ALREADY = frozenset({304, 409, 412})
"""What stores answer to ``If-None-Match: *`` when the key exists, or is being written now."""
_NOT_THERE = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """Where evidence goes.

    Attributes:
        endpoint: URL of the store.
        bucket: must exist.
        access_key, secret_key: never shown.
        region: most stores but Amazon's take any.
        prefix: before every key; empty or ending in ``/``.
        public_url: what stands in messages for ``endpoint``, when the platform reaches the store
            under another name.
        ca_file: trusted certificates; the system's when None.
        when_down: ``wait``: the message goes at once, its evidence once the store is back;
            ``mqtt``: the evidence goes over MQTT meanwhile, and that is said.
    """

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    prefix: str = ""
    public_url: str | None = None
    ca_file: Path | None = None
    when_down: Literal["wait", "mqtt"] = "wait"

    def key(self, city: str, node: str, sha256: str) -> str:
        """Of a file of a box."""
        return f"{self.prefix}{city}/{node}/{sha256}"

    def url(self, city: str, node: str, sha256: str) -> str:
        """What stands in the message."""
        base = (self.public_url or self.endpoint).rstrip("/")
        return f"{base}/{self.bucket}/{quote(self.key(city, node, sha256))}"

    def key_of(self, url: str) -> str | None:
        """The key behind an address; None: it is none of this store's."""
        base = f"{(self.public_url or self.endpoint).rstrip('/')}/{self.bucket}/{self.prefix}"
        tail = url.removeprefix(base)
        return f"{self.prefix}{tail}" if tail != url and quote(tail) == tail else None


class S3Room:
    """Puts files and gets them. Any thread.

    Raises:
        GridpatrolError: the extra ``s3`` is not installed (RUN-002), or settings that cannot be.
    """

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._where = f"{settings.endpoint}/{settings.bucket}"
        self._client = _client(settings)

    def put(self, key: str, content: bytes, sha256: str, media_type: str) -> None:
        """Store a file once; returns when the store has it, whole.

        Raises:
            DeliveryError: the store is away (EVI-004), refuses, or holds other content under this
                key (EVI-005).
        """
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        try:
            self._call(
                "put_object",
                Key=key,
                Body=content,
                ContentType=media_type,
                IfNoneMatch="*",
                ChecksumSHA256=checksum,
            )
        except _AnswerError as answer:
            if answer.status not in _THERE_ALREADY:
                raise self._refused(f"{answer}") from answer
        if not self._holds(key, len(content), sha256, checksum):
            raise self._refused(f"{key} is there with other content; it was left as it is")

    def get(self, key: str, sha256: str, size_bytes: int) -> bytes | None:
        """The file, None when it is not there yet.

        Raises:
            DeliveryError: the store is away (EVI-004), refuses, or holds other content (EVI-005).
        """
        try:
            body = self._call("get_object", Key=key)["Body"]
            content = bytes(body.read(size_bytes + 1))
        except _AnswerError as answer:
            if answer.status == _NOT_THERE:
                return None
            raise self._refused(f"{answer}") from answer
        if hashlib.sha256(content).hexdigest() != sha256:
            raise self._refused(f"{key} holds other content than its name says")
        return content

    def _holds(self, key: str, size_bytes: int, sha256: str, checksum: str) -> bool:
        try:
            head = self._call("head_object", Key=key, ChecksumMode="ENABLED")
        except _AnswerError as answer:
            raise self._refused(f"{answer}") from answer
        if head["ContentLength"] != size_bytes:
            return False
        if "ChecksumSHA256" in head:
            return bool(head["ChecksumSHA256"] == checksum)
        # A store that keeps no checksums: read it back once rather than believe.
        try:
            return self.get(key, sha256, size_bytes) is not None
        except DeliveryError as fault:
            if fault.code is Code.EVI_STORE_REFUSED:
                return False
            raise

    def _call(self, name: str, **values: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, name)(Bucket=self._settings.bucket, **values)
        except ClientError as error:
            status = int(error.response["ResponseMetadata"].get("HTTPStatusCode", 0))
            if status >= 500:
                raise self._away(f"it answers {status}") from error
            raise _AnswerError(status, str(error)) from error
        except (BotoCoreError, OSError) as error:
            # Without the address of the file: an outage is one fault, however many files wait.
            raise self._away(f"it does not answer ({type(error).__name__})") from error

    def _away(self, what: str) -> DeliveryError:
        fix = "Cases go on without their files; these are stored once it is back"
        return DeliveryError(Code.EVI_STORE_AWAY, self._where, what, fix)

    def _refused(self, what: str) -> DeliveryError:
        fix = "Check evidence.s3 and the store's policy; the case waits"
        return DeliveryError(Code.EVI_STORE_REFUSED, self._where, what, fix)


class _AnswerError(Exception):
    """The store answered, but not what was hoped for."""

    def __init__(self, status: int, what: str) -> None:
        self.status = status
        super().__init__(what)


def _client(settings: S3Settings) -> Any:
    try:
        from botocore.config import Config
        from botocore.session import Session
    except ImportError as error:
        raise GridpatrolError(
            Code.RUN_EXTRA,
            "evidence.s3",
            "package botocore is not installed",
            "Install gridpatrol[s3]",
        ) from error
    try:
        return Session().create_client(
            "s3",
            region_name=settings.region,
            endpoint_url=settings.endpoint,
            aws_access_key_id=settings.access_key,
            aws_secret_access_key=settings.secret_key,
            verify=str(settings.ca_file) if settings.ca_file else None,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                connect_timeout=_CONNECT_TIMEOUT_S,
                read_timeout=_READ_TIMEOUT_S,
                # The outbox knows when to try again, and says so.
                retries={"total_max_attempts": 1},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
    except ValueError as error:
        raise GridpatrolError(
            Code.CFG_FIELD, "evidence.s3.endpoint", str(error), "Write it as https://host[:port]"
        ) from error
