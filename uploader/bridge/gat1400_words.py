"""GA/T 1400's words: our case as a Scene, our pictures as SubImages and Images."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field

from edge.config.section import Section
from edge.pictures import picture_size
from uploader.bridge.facts import NAMES, Value, case_facts, local_time
from uploader.bridge.faults import Do
from uploader.bridge.v22_words import CoordinateWords, Picture
from uploader.bridge.words import Fields, Lookup, Words, check_names, read_mapping
from uploader.contract.messages import CaseData, Evidence

_OWN = frozenset({"scene_id", "image_id", "device_id", "created_at_14"})
_PICTURE = frozenset({"picture_id", "format", "shot_at_14", "width", "height", "role"})
_FORMATS = {"image/jpeg": "Jpeg", "image/png": "Png"}
_Digits2 = Annotated[str, Field(pattern=r"^[0-9]{2}$")]


class IdWords(Section):
    """The two digits that say what an id names."""

    image: _Digits2
    scene: _Digits2


class PictureWords(Section):
    """Which pictures go."""

    longest_bytes: Annotated[int, Field(ge=1)]
    most: Annotated[int, Field(ge=1)]


class Gat1400Mapping(Section):
    """``gat1400.toml`` with the site's file over it."""

    constant: dict[str, str | int | float]
    fields: dict[str, Fields]
    lookup: dict[str, Lookup]
    status_words: dict[str, str]
    longest: dict[str, Annotated[int, Field(ge=1)]]
    ids: IdWords
    coordinates: CoordinateWords
    pictures: PictureWords
    codes: dict[str, Do]


class Gat1400Words:
    """Says our cases as objects of a view library.

    Args:
        site: the site's own mapping.
        zone: of the city.
        device_id: 20 digits, for cameras without an id of their own.

    Raises:
        ConfigError: the mapping is not in order; the key is named (BRG-001).
    """

    def __init__(self, site: Path | None, zone: ZoneInfo, device_id: str) -> None:
        self.mapping = read_mapping(Gat1400Mapping, "gat1400.toml", site)
        found = self.mapping
        own = NAMES | _OWN
        names = {name: own if name == "Scene" else own | _PICTURE for name in found.fields}
        at = str(site or "gat1400.toml")
        check_names(found.fields, names, found.constant, found.lookup, at)
        self._zone = zone
        self._device_id = device_id
        self._words = Words(found.constant, found.lookup, found.longest)

    def facts(self, data: CaseData, box: str, serial: int) -> dict[str, Value]:
        """What the mapping may say of a revision; its ids hang on ``serial`` and the first time
        alone, so they are the same at every attempt and in every revision."""
        place = self.mapping.coordinates
        facts = case_facts(
            data,
            box=box,
            zone=self._zone,
            datum=place.datum,
            digits=place.digits,
            words=self.mapping.status_words,
        )
        named = str(facts["gb28181_id"] or "")
        device = named if len(named) == 20 and named.isdigit() else self._device_id
        ids = self.mapping.ids
        image = f"{device}{ids.image}{self._time14(data.first_seen)}{serial % 100_000:05}"
        facts |= {
            "device_id": device,
            "image_id": image,
            "scene_id": f"{image}{ids.scene}00001",
            "created_at_14": self._time14(data.created_at),
        }
        return facts

    def scene(
        self, facts: dict[str, Value], pictures: Sequence[tuple[Picture, int]]
    ) -> dict[str, Any]:
        """A SceneListObject with one Scene.

        Raises:
            UnmappedError: a table has no row for this case (BRG-001).
        """
        images = [
            {**self._fill("SubImage", facts, picture, serial), "Data": _base64(picture)}
            for picture, serial in pictures
        ]
        scene = self._words.fill(self.mapping.fields["Scene"], facts)
        scene["SubImageList"] = {"SubImageInfoObject": images}
        return {"SceneListObject": {"SceneObject": [scene]}}

    def images(
        self, facts: dict[str, Value], pictures: Sequence[tuple[Picture, int]]
    ) -> dict[str, Any]:
        """An ImageListObject.

        Raises:
            UnmappedError: as :meth:`scene`.
        """
        found = [
            {"ImageInfo": self._fill("Image", facts, picture, serial), "Data": _base64(picture)}
            for picture, serial in pictures
        ]
        return {"ImageListObject": {"Image": found}}

    def chosen(self, evidence: Sequence[Evidence]) -> list[Evidence]:
        """The pictures that go, each content once; clips are no images."""
        words = self.mapping.pictures
        once = {
            item.sha256: item
            for item in reversed(evidence)
            if item.media_type in _FORMATS and item.bytes <= words.longest_bytes
        }
        return list(reversed(once.values()))[: words.most]

    def _fill(
        self, table: str, facts: dict[str, Value], picture: Picture, serial: int
    ) -> dict[str, Any]:
        width, height = picture_size(picture.content)
        device, kind = facts["device_id"], self.mapping.ids.image
        shot = self._time14(picture.info.captured_at)
        more: dict[str, Value] = {
            "picture_id": f"{device}{kind}{shot}{serial % 100_000:05}",
            "format": _FORMATS[picture.info.media_type],
            "shot_at_14": shot,
            "width": width,
            "height": height,
            "role": picture.info.role,
        }
        return self._words.fill(self.mapping.fields[table], facts | more)

    def _time14(self, at: datetime) -> str:
        """``yyyyMMddHHmmss``."""
        return "".join(sign for sign in local_time(at, self._zone) if sign.isdigit())


def _base64(picture: Picture) -> str:
    return base64.b64encode(picture.content).decode("ascii")
