"""What every message has in common: CloudEvents 1.0 in structured JSON, and how it is read.

Inside ``v1`` fields are only ever added, never required of a writer of an older minor version;
readers ignore fields they do not know. A list of words (a status, a role) may grow too: a reader
takes a word it does not know for its :class:`OpenWords` fallback. A change that breaks
a reader gets a new type suffix.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from edge.clock import iso
from edge.errors import Code, ContractError

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
VERSION = "1.2"
"""Of the contract: the user property ``schema`` of every message."""
MAX_EVIDENCE_BYTES = 64 * 1024 * 1024
_WORD = re.compile(r"^[a-z][a-z0-9_]{0,31}$")
_UNKNOWN = "unknown"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=4000)]
# JSON has no dates: written as RFC 3339 with milliseconds and Z, read with any offset.
Moment = Annotated[AwareDatetime, PlainSerializer(iso, return_type=str, when_used="json")]
Uuid = Annotated[
    str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
# 64 bits, never reset. CloudEvents' own integers end at 2^31-1, which one message a second
# reaches after 68 years; a reader whose numbers are doubles takes the user property instead.
Sequence = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Wire(BaseModel):
    """Base of every part of a message: frozen, and strict."""

    # Strict: what the JSON Schema refuses ("3" for 3), the model refuses too.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


class BilingualText(Wire):
    """One sentence in both languages."""

    zh: Text
    en: Text


class Event(Wire):
    """The envelope."""

    specversion: Literal["1.0"]
    id: Name
    source: Name
    subject: Name
    time: Moment
    datacontenttype: Literal["application/json"]

    def to_bytes(self) -> bytes:
        """The message as it is published: UTF-8 JSON."""
        return self.model_dump_json().encode()


@dataclass(frozen=True, slots=True)
class OpenWords:
    """Marks a ``Literal`` that later minor versions may extend.

    Only its words may be *written*; :func:`read` takes a word it does not know for ``fallback``.
    """

    fallback: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        known = get_args(source)

        def take(value: object, info: core_schema.ValidationInfo) -> object:
            reading = isinstance(info.context, dict) and info.context.get("reading")
            if reading and isinstance(value, str) and value not in known and _WORD.match(value):
                return self.fallback
            return value

        return core_schema.with_info_before_validator_function(take, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        known = [word for word in handler(schema)["enum"] if word != _UNKNOWN]
        return {
            "type": "string",
            "pattern": _WORD.pattern,
            "examples": known,
            "description": f"One of the examples; take any other word for {self.fallback!r}",
        }


def source_of(city: str, node: str) -> str:
    """The CloudEvents source of a box."""
    return f"//gridpatrol/{city}/{node}"


EventT = TypeVar("EventT", bound=Event)


def read(model: type[EventT], payload: bytes, where: str) -> EventT:
    """Read a message of this or of another minor version.

    Args:
        model: what it should be.
        payload: the bytes received.
        where: topic, for the error.

    Raises:
        ContractError: it does not fit (MSG-001); the first misfit is named.
    """
    try:
        return model.model_validate_json(payload, context={"reading": True})
    except ValidationError as error:
        raise misfit(where, error) from error


def misfit(where: str, error: ValidationError) -> ContractError:
    """Say in one line which field does not fit the contract (MSG-001)."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(part) for part in first["loc"]) or "message"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return ContractError(
        Code.MSG_SCHEMA,
        where,
        f"{path}: {first['msg']}{more}",
        "Compare with uploader/contract/schemas",
    )
