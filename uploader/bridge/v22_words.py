"""V22's words: our case as the ``data`` of an action."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from edge.config.section import Section
from edge.errors import Code, ContractError
from uploader.bridge.facts import NAMES, Facts, Value, case_facts, local_time
from uploader.bridge.faults import Do
from uploader.bridge.words import Fields, Lookup, Words, check_names, read_mapping, wrong
from uploader.contract.messages import CaseData, Evidence, ReplyData

Media = dict[str, Any]
_OWN_FACTS = {
    "UPLOAD_MEDIA": frozenset({"case_id"}),
    "GET_REC_INFO": frozenset({"case_id"}),
    "CHECK_FEEDBACK": frozenset({"case_id", "opinion", "checked_at", "dispose_state"}),
}
"""Of actions that are not about a revision."""


class CoordinateWords(Section):
    """The city's frame."""

    datum: Literal["cgcs2000", "gcj02", "bd09", "web_mercator", "none"]
    digits: Annotated[int, Field(ge=0, le=10)]


class MediaWords(Section):
    """What pictures are called there."""

    type_id: int
    longest_bytes: Annotated[int, Field(ge=1)]
    most: Annotated[int, Field(ge=1)]
    usage: dict[str, str]


class Answers(Section):
    """What an answer means where the document leaves it open."""

    unknown_case: tuple[int, ...]


class V22Mapping(Section):
    """``v22.toml`` with the site's file over it."""

    report_attached: bool
    constant: dict[str, str | int | float]
    must: dict[str, tuple[str, ...]]
    fields: dict[str, Fields]
    status: dict[Literal["new", "update", "gone", "withdrawn"], tuple[str, ...]]
    status_words: dict[str, str]
    lookup: dict[str, Lookup]
    longest: dict[str, Annotated[int, Field(ge=1)]]
    coordinates: CoordinateWords
    medias: MediaWords
    notices: dict[str, Literal["check", "void", "right", "note"]]
    void_words: dict[str, Literal["right", "wrong", "duplicate", "pointless"]]
    codes: dict[str, Do]
    answers: Answers


@dataclass(frozen=True, slots=True)
class Picture:
    """A file of a case or reply, with its bytes."""

    info: Evidence
    content: bytes


class V22Words:
    """Says our cases in a city's words.

    Args:
        site: the site's own mapping.
        zone: of the city.

    Raises:
        ConfigError: the mapping is not in order; the key is named (BRG-001).
    """

    def __init__(self, site: Path | None, zone: ZoneInfo) -> None:
        self.mapping = read_mapping(V22Mapping, "v22.toml", site)
        at = str(site or "v22.toml")
        found = self.mapping
        used = {*_OWN_FACTS, "REPORT", *(c for calls in found.status.values() for c in calls)}
        for action in sorted(used - set(found.fields)):
            raise wrong(at, f"fields.{action} is missing")
        names = {action: _OWN_FACTS.get(action, NAMES) for action in found.fields}
        check_names(found.fields, names, found.constant, found.lookup, at)
        self._zone = zone
        self._words = Words(self.mapping.constant, self.mapping.lookup, self.mapping.longest)

    def facts(self, data: CaseData, box: str) -> dict[str, Value]:
        """What the mapping may say of a revision."""
        place = self.mapping.coordinates
        return case_facts(
            data,
            box=box,
            zone=self._zone,
            datum=place.datum,
            digits=place.digits,
            words=self.mapping.status_words,
        )

    def say(self, action: str, facts: Facts, pictures: Sequence[Picture] = ()) -> dict[str, Any]:
        """The ``data`` of an action.

        Raises:
            UnmappedError: a table has no row for this case (BRG-001).
            ContractError: a required field has no value (BRG-004).
        """
        data = self._words.fill(self.mapping.fields[action], facts)
        if pictures:
            data["medias"] = [self._media(picture) for picture in pictures]
        for field in self.mapping.must.get(action, ()):
            if field not in data:
                raise ContractError(
                    Code.BRG_REFUSED,
                    f"case {facts['case_id']}",
                    f"{action} needs {field}, and the case gives none",
                    "Give it in the mapping, or resend the case when it has one",
                )
        return data

    def check(self, reply: ReplyData, case_id: str, *, passed: bool) -> dict[str, Any]:
        """The ``data`` of CHECK_FEEDBACK: what the box saw."""
        return self.say(
            "CHECK_FEEDBACK",
            {
                "case_id": case_id,
                "opinion": reply.reason.zh or reply.result,
                "checked_at": local_time(reply.at, self._zone),
                "dispose_state": 1 if passed else 0,
            },
        )

    def chosen(self, evidence: Sequence[Evidence]) -> list[Evidence]:
        """The files that go, each content once; the rest is too large or too many."""
        limit = self.mapping.medias.longest_bytes
        once = {item.sha256: item for item in reversed(evidence) if item.bytes <= limit}
        return list(reversed(once.values()))[: self.mapping.medias.most]

    def _media(self, picture: Picture) -> Media:
        words = self.mapping.medias
        return {
            "mediaName": media_name(picture.info),
            "content": base64.b64encode(picture.content).decode("ascii"),
            "mediaUsage": words.usage.get(picture.info.role, words.usage["other"]),
            "mediaTypeId": words.type_id,
        }

    def time(self, at: datetime) -> str:
        """As the city writes it."""
        return local_time(at, self._zone)


def media_name(item: Evidence) -> str:
    """The same file has the same name at every attempt; ASCII, as the city asks."""
    suffix = mimetypes.guess_extension(item.media_type) or ".bin"
    return f"{item.role}-{item.sha256[:24]}{suffix}"
