"""Labelled pictures: which picture has which boxes, in YOLO or COCO form.

YOLO: ``images/``, ``labels/`` and ``data.yaml``, also with splits (``test/images``,
``images/test`` or what ``data.yaml`` names). A picture without a label file or with an empty one
shows none of the classes. COCO: a JSON file, or a folder that holds one beside its pictures.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from edge.errors import Code, EvaluationError, GridpatrolError
from edge.evaluation.coco import read_coco
from edge.evaluation.faults import FaultsError
from edge.evaluation.labels import Label, LabelledPicture, read_label_file
from edge.evaluation.photo import SUFFIXES

_ALIASES = {"val": ("val", "valid"), "valid": ("valid", "val")}
_USUAL_SPLITS = ("test", "val", "valid")


@dataclass(frozen=True, slots=True)
class DataSet:
    """A folder of labelled pictures.

    Attributes:
        folder: the pictures' folder, for people.
        names: class names in the order of their numbers.
        pictures: never empty.
        unlabelled: pictures without a label file: taken as showing none of the classes.
    """

    folder: Path
    names: tuple[str, ...]
    pictures: tuple[LabelledPicture, ...]
    unlabelled: int


def load_dataset(
    data: Path,
    *,
    split: str | None = None,
    exclude: Collection[str] = (),
    only: Collection[str] | None = None,
    ordinary: bool = False,
) -> DataSet:
    """Read every label; pictures are only listed.

    Args:
        data: the folder, or a COCO JSON file.
        split: which one, where there are several.
        exclude: stems of pictures to leave out, with or without Roboflow's ``.rf.HASH``.
        only: stems of the pictures to take, likewise; None takes all.
        ordinary: the pictures show none of the model's classes; labels are not asked for.

    Raises:
        FaultsError: one line for each bad label.
        EvaluationError: no folder, no class names, no pictures.
    """
    coco = None if ordinary else _coco_file(data, split)
    if coco is not None:
        names, labelled = read_coco(coco)
        found = DataSet(coco, names, labelled, 0)
    elif not data.is_dir():
        raise _bad(data, "no such folder", "Give a folder with images/, labels/ and data.yaml")
    elif ordinary:
        where = _picture_folder(data, split, {})
        pictures = tuple(LabelledPicture(path, ()) for path in _pictures(where))
        found = DataSet(where, (), pictures, 0)
    else:
        found = _read_yolo(data, split)
    taken = tuple(p for p in found.pictures if _is_taken(p.path, exclude, only))
    if found.pictures and not taken:
        count = len(found.pictures)
        raise _bad(found.folder, f"none of the {count} pictures is left", "See --exclude, --only")
    found = replace(found, pictures=taken)
    if not found.pictures:
        kinds = ", ".join(sorted(SUFFIXES))
        raise _bad(found.folder, "holds no picture", f"Put pictures there: {kinds}")
    return found


def _read_yolo(data: Path, split: str | None) -> DataSet:
    document = _data_yaml(data)
    names = _names(data, document.get("names"))
    where = _picture_folder(data, split, document)
    problems: list[GridpatrolError] = []
    pictures: list[LabelledPicture] = []
    unlabelled = 0
    for path in _pictures(where):
        file = _label_file(path, data)
        labels: tuple[Label, ...] = ()
        if file is None:
            unlabelled += 1
        else:
            labels = read_label_file(file, names, problems)
        pictures.append(LabelledPicture(path, labels))
    if problems:
        raise FaultsError(problems)
    if pictures and unlabelled == len(pictures):
        raise _bad(
            where,
            f"none of the {unlabelled} pictures has a label file",
            "Put NAME.txt into labels/ beside images/, or use --ordinary for pictures without any",
        )
    return DataSet(where, names, tuple(pictures), unlabelled)


def _data_yaml(data: Path) -> Mapping[str, Any]:
    places = [folder / name for folder in (data, data.parent) for name in ("data.yaml", "data.yml")]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise _bad(data, "no data.yaml with the class names", "Put data.yaml beside images/")
    try:
        document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise _bad(path, "no readable YAML", "Mend data.yaml") from error
    if not isinstance(document, Mapping):
        raise _bad(path, "no settings in it", "Give it names: [first, second]")
    return document


def _names(data: Path, given: object) -> tuple[str, ...]:
    if isinstance(given, Mapping):
        try:
            numbered = {int(key): str(name) for key, name in given.items()}
        except (TypeError, ValueError):
            numbered = {}
        given = [numbered.get(n, f"class {n}") for n in range(max(numbered, default=-1) + 1)]
    if not isinstance(given, list) or not given:
        raise _bad(data / "data.yaml", "no class names in it", "Give it names: [first, second]")
    return tuple(str(name) for name in given)


def _picture_folder(data: Path, split: str | None, document: Mapping[str, Any]) -> Path:
    if split is None and any(_pictures(data / "images", deep=False)):
        return data / "images"
    wanted = _ALIASES.get(split, (split,)) if split is not None else _USUAL_SPLITS
    for name in wanted:
        for place in _places(data, name, document):
            if any(_pictures(place)):
                return place
    if split is not None:
        raise _bad(data, f"no pictures of split {split!r}", "Name another one with --split")
    return next((p for p in (data / "images", data) if any(_pictures(p))), data / "images")


def _places(data: Path, split: str, document: Mapping[str, Any]) -> Iterator[Path]:
    """Where the pictures of a split may lie; what data.yaml says first."""
    told = document.get(split)
    if isinstance(told, str) and told:
        base = document.get("path")
        # Roboflow writes ../test/images and means test/images beside data.yaml.
        inside = Path(*(part for part in Path(told).parts if part not in ("..", ".")))
        bases = (data, data / str(base)) if isinstance(base, str) else (data,)
        for place in (*(b / told for b in bases), data / inside, data.parent / inside):
            yield place / "images" if (place / "images").is_dir() else place
    yield from (data / split / "images", data / "images" / split, data / split)


def _pictures(folder: Path, *, deep: bool = True) -> list[Path]:
    try:
        found = folder.rglob("*") if deep else folder.iterdir()
        return sorted(p for p in found if p.suffix.lower() in SUFFIXES and p.is_file())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _bad(folder, f"cannot be read ({error.strerror})", "Mend its permissions") from error


def _label_file(picture: Path, data: Path) -> Path | None:
    parts = list(picture.parts)
    places = [picture.with_suffix(".txt"), data / "labels" / f"{picture.stem}.txt"]
    if "images" in parts:
        last = len(parts) - 1 - parts[::-1].index("images")
        swapped = Path(*parts[:last], "labels", *parts[last + 1 :])
        places.insert(0, swapped.with_suffix(".txt"))
    return next((place for place in places if place.is_file()), None)


def _coco_file(data: Path, split: str | None) -> Path | None:
    if data.is_file():
        return data
    if (data / "data.yaml").is_file() or (data / "labels").is_dir():
        return None
    folders = [data / split, data] if split else [data, *(data / s for s in _USUAL_SPLITS)]
    for folder in (*folders, data / "annotations"):
        found = sorted(folder.glob("*.json"))
        chosen = [f for f in found if split is None or split in str(f.relative_to(data))]
        if len(chosen) == 1:
            return chosen[0]
    return None


def _is_taken(path: Path, exclude: Collection[str], only: Collection[str] | None) -> bool:
    return not _is_named(path, exclude) and (only is None or _is_named(path, only))


def _is_named(path: Path, names: Collection[str]) -> bool:
    """Roboflow makes ``a_jpg.rf.HASH.jpg`` of ``a.jpg``: what is before ``.rf.`` names it too."""
    return path.stem in names or path.stem.split(".rf.")[0] in names


def _bad(where: Path, what: str, fix: str) -> EvaluationError:
    return EvaluationError(Code.EVL_DATA, str(where), what, fix)
