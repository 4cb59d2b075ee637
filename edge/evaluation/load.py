"""Read a folder of scenarios; refuse it with file and field before any of them is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from edge.cases.taxonomy import load_taxonomy
from edge.config.model import BoxSettings, CameraSettings, DetectorSettings
from edge.errors import Code, EvaluationError, GridpatrolError
from edge.evaluation.faults import FaultsError
from edge.evaluation.scenario import CAMERA_ID, KINDS, SPLITS, Scenario, Truth
from edge.evaluation.video import Length, measure

_Part = TypeVar("_Part", bound=BaseModel)
_TIME_ZONE = BoxSettings.model_fields["time_zone"].default
_MORNING = datetime(2026, 6, 1, 9, 0, tzinfo=ZoneInfo(_TIME_ZONE))
_SOMEWHERE = {"lon": 114.41, "lat": 30.34}
_KIND_OF_MAJOR = {"街面秩序": "street_vending", "宣传广告": "illegal_ads"}


def load_scenarios(folder: Path, split: str = "all") -> list[Scenario]:
    """Every scenario below a folder, in order of their names; all of it checked.

    Args:
        folder: a YAML file with ``video`` or ``truth`` anywhere below is a scenario.
        split: ``report``, ``tuning`` or ``all``.

    Raises:
        FaultsError: one line for each fault in any file.
        EvaluationError: no folder, or no scenario in it.
    """
    problems: list[GridpatrolError] = []
    scenarios: dict[str, Scenario] = {}
    for file, document in _documents(folder, problems):
        reader = _Reader(file, document)
        scenario = reader.read()
        problems += reader.problems
        if scenario is None:
            continue
        if scenario.name in scenarios:
            other = scenarios[scenario.name].file
            problems.append(_fault(file, "name", f"{scenario.name!r} is also the name in {other}"))
        scenarios[scenario.name] = scenario
    if problems:
        raise FaultsError(problems)
    chosen = [s for _, s in sorted(scenarios.items()) if split in ("all", s.split)]
    if not chosen:
        what = f"{len(scenarios)} scenario(s), none of split {split!r}" if scenarios else "empty"
        raise EvaluationError(
            Code.EVL_DATA,
            str(folder),
            f"holds no scenario to run ({what})",
            "A scenario is a YAML file with video, camera and truth; see examples/scenarios",
        )
    return chosen


def _documents(
    folder: Path, problems: list[GridpatrolError]
) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if not folder.is_dir():
        raise EvaluationError(
            Code.EVL_DATA, str(folder), "no such folder", "Give a folder with --scenarios"
        )
    files = (p for p in sorted(folder.rglob("*")) if p.suffix.lower() in (".yaml", ".yml"))
    for file in files:
        try:
            document = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, YAMLError, ValueError) as error:
            problems.append(_fault(file, "", f"no readable YAML ({_first_line(error)})"))
            continue
        if isinstance(document, Mapping) and ("video" in document or "truth" in document):
            yield file, document


class _Reader:
    """Reads one document; collects every fault instead of stopping at the first."""

    def __init__(self, file: Path, document: Mapping[str, Any]) -> None:
        self._file = file
        self._document = document
        self.problems: list[GridpatrolError] = []

    def read(self) -> Scenario | None:
        document = self._document
        video = self._video()
        cadence_s = self._cadence()
        length = None if self.problems else self._length(video, cadence_s)
        camera = self._camera(video, cadence_s)
        detectors = self._section(DetectorSettings, "detectors", document.get("detectors") or {})
        truth = self._truths(camera, length.seconds) if camera and length else ()
        kind = self._kind(truth, camera) if camera else None
        split = self._choice("split", str(document.get("split") or "report"), SPLITS)
        starts_at = self._starts_at()
        if self.problems or camera is None or length is None or detectors is None:
            return None
        tags = document.get("tags") or ()
        return Scenario(
            name=str(document.get("name") or self._file.stem),
            file=self._file,
            video=video,
            split=split,
            kind=str(kind),
            tags=(tags,) if isinstance(tags, str) else tuple(str(tag) for tag in tags),
            starts_at=starts_at,
            cadence_s=cadence_s,
            camera=camera,
            detectors=detectors,
            truth=truth,
            length_s=length.seconds,
            ships=bool(document.get("ships", False)),
            group=str(document.get("set") or ""),
        )

    def _bad(self, field: str, what: str) -> None:
        self.problems.append(_fault(self._file, field, what))

    def _video(self) -> Path:
        given = self._document.get("video")
        if not isinstance(given, str) or not given:
            self._bad("video", "required, but missing")
            return self._file.with_suffix(".mp4")
        return self._file.parent / given

    def _length(self, video: Path, cadence_s: float | None) -> Length | None:
        try:
            return measure(video, cadence_s)
        except EvaluationError as error:
            self.problems.append(
                EvaluationError(error.code, f"{self._file} video", error.what, error.fix)
            )
            return None

    def _cadence(self) -> float | None:
        given = self._document.get("cadence_s")
        if given is None:
            return None
        if isinstance(given, int | float) and not isinstance(given, bool) and 0.1 <= given <= 3600:
            return float(given)
        self._bad("cadence_s", f"{given!r} is not a number of seconds from 0.1 to 3600")
        return None

    def _starts_at(self) -> datetime:
        given = self._document.get("starts_at")
        if given is None:
            return _MORNING
        try:
            moment = datetime.fromisoformat(str(given))
        except ValueError:
            self._bad("starts_at", f"{given!r} is no moment like 2026-06-01T09:00:00+08:00")
            return _MORNING
        return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(_TIME_ZONE))

    def _choice(self, field: str, given: str, allowed: tuple[str, ...]) -> str:
        if given not in allowed:
            self._bad(field, f"{given!r} is none of {', '.join(allowed)}")
        return given

    def _camera(self, video: Path, cadence_s: float | None) -> CameraSettings | None:
        given = self._document.get("camera")
        if not isinstance(given, Mapping) or not given.get("zones"):
            self._bad("camera.zones", "required, but missing")
            return None
        assumed: dict[str, object] = {"position": _SOMEWHERE}
        if cadence_s:
            assumed["look_every_s"] = cadence_s
        own = {"id": CAMERA_ID, "url": str(video)}
        return self._section(CameraSettings, "camera", assumed | dict(given) | own)

    def _section(self, model: type[_Part], field: str, given: object) -> _Part | None:
        try:
            return model.model_validate(given)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                place = ".".join((field, *(str(step) for step in fault["loc"])))
                self._bad(place, fault["msg"].removeprefix("Value error, "))
            return None

    def _truths(self, camera: CameraSettings, length_s: float) -> tuple[Truth, ...]:
        given = self._document.get("truth")
        if not isinstance(given, list):
            self._bad("truth", "a list is required ([] when nothing should be reported)")
            return ()
        read = (self._truth(n, entry, camera, length_s) for n, entry in enumerate(given))
        return tuple(truth for truth in read if truth is not None)

    def _truth(
        self, number: int, entry: object, camera: CameraSettings, length_s: float
    ) -> Truth | None:
        field = f"truth[{number}]"
        if not isinstance(entry, Mapping):
            self._bad(field, "needs category, zone, from and to")
            return None
        kind, code = self._category(field, entry.get("category"))
        from_s = self._seconds(f"{field}.from", entry.get("from"))
        to_s = self._seconds(f"{field}.to", entry.get("to"))
        zone = self._zone(field, entry.get("zone"), kind, camera) if kind else None
        if from_s is None or to_s is None or kind is None or zone is None:
            return None
        if from_s >= to_s:
            self._bad(f"{field}.to", f"{to_s:g} s is not after from ({from_s:g} s)")
        elif to_s > length_s + 1.0:  # pictures are some seconds apart, people round
            self._bad(f"{field}.to", f"{to_s:g} s, but the video ends at {length_s:g} s")
        return Truth(kind, code, zone, from_s, to_s)

    def _category(self, field: str, given: object) -> tuple[str | None, str | None]:
        if given is None:
            self._bad(f"{field}.category", "required, but missing")
            return None, None
        if str(given) in KINDS:
            return str(given), None
        key = _key_of(given)
        if key is None:
            self._bad(
                f"{field}.category",
                f"{given!r} is neither one of {', '.join(KINDS)} nor a code of the taxonomy",
            )
            return None, None
        return _KIND_OF_MAJOR.get(load_taxonomy()[key].major_zh, "piled_materials"), key

    def _zone(self, field: str, given: object, kind: str, camera: CameraSettings) -> str | None:
        fitting = [zone.id for zone in camera.zones if zone.watch == kind]
        if given is None and len(fitting) == 1:
            return fitting[0]
        watch = {zone.id: zone.watch for zone in camera.zones}.get(str(given))
        if watch is None:
            have = ", ".join(zone.id for zone in camera.zones)
            self._bad(f"{field}.zone", f"{given!r} is no zone of the camera (zones: {have})")
            return None
        if watch != kind:
            self._bad(f"{field}.zone", f"{given} is watched for {watch}, the truth is {kind}")
            return None
        return str(given)

    def _seconds(self, field: str, given: object) -> float | None:
        try:
            seconds = _as_seconds(given)
        except (TypeError, ValueError):
            self._bad(field, f'{given!r} is neither seconds nor "mm:ss"')
            return None
        if not 0 <= seconds < float("inf"):
            self._bad(field, f"{given!r} lies before the video")
            return None
        return seconds

    def _kind(self, truth: tuple[Truth, ...], camera: CameraSettings) -> str:
        given = self._document.get("kind")
        if given is not None:
            return self._choice("kind", str(given), KINDS)
        return truth[0].kind if truth else camera.zones[0].watch


def _as_seconds(given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise TypeError(given)
    seconds = 0.0
    for part in str(given).split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def _key_of(given: object) -> str | None:
    """The taxonomy's key of a 2013 code, 2026 code or EXT-nn; YAML eats leading zeros."""
    text = str(given).strip()
    spellings = {text, text.zfill(4), text.zfill(5)} if text.isdigit() else {text}
    for key, category in load_taxonomy().items():
        own = {key} if category.sub_label else {key, *(code.code for code in category.codes)}
        if own & spellings:
            return key
    return None


def _fault(file: Path, field: str, what: str) -> EvaluationError:
    return EvaluationError(
        Code.EVL_SCENARIO, f"{file} {field}".rstrip(), what, "Mend the scenario file"
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
