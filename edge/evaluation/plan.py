"""What ``gridpatrol eval --all`` measures: a YAML file (``configs/evaluation.yaml``)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from edge.config.model import Identifier, Section
from edge.errors import Code, EvaluationError
from edge.evaluation.photo import SUFFIXES


class DetectorPlan(Section):
    """One model on one data set.

    Attributes:
        id: names the files of its figures.
        title: heading in the report.
        model: name of the model.
        data: folder below one of the ``--data`` folders.
        map: old class name to new; nothing drops the class.
        exclude, only: files that list pictures, see :func:`stems`.
        ordinary: the pictures show none of the model's classes.
        pictures: show the worst mistakes in the report; only for photos that may be shown.
        targets: ap50, precision, recall from below; ece, fires from above.
        note: a sentence on the data: where it is from, its licence.
    """

    id: Identifier
    title: str
    model: str
    data: Path
    split: str | None = None
    map: dict[str, str | None] = Field(default_factory=dict)
    exclude: str | None = None
    only: str | None = None
    ordinary: bool = False
    pictures: bool = False
    targets: dict[str, float] = Field(default_factory=dict)
    note: str = ""

    @property
    def mapping(self) -> dict[str, str]:
        """The map as detectors take it."""
        return {old: new or "" for old, new in self.map.items()}


class OtherModel(Section):
    """A comparison: another object model in the place of one."""

    title: str
    replaces: str
    by: str


class Plan(Section):
    """The whole file."""

    detectors: tuple[DetectorPlan, ...] = ()
    other_models: tuple[OtherModel, ...] = ()


def load_plan(path: Path) -> Plan:
    """Read and check a plan.

    Raises:
        EvaluationError: not readable, or a field that is not allowed.
    """
    try:
        return Plan.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise _bad("--plan", f"{path} cannot be read as YAML") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(step) for step in first["loc"])
        raise _bad(f"{path} {field}", first["msg"]) from None


def find(wanted: Path, roots: Sequence[Path]) -> Path | None:
    """The first place where a file or folder of the plan is there."""
    return next((root / wanted for root in roots if (root / wanted).exists()), None)


def stems(spec: str | None, roots: Sequence[Path] = (Path(),)) -> frozenset[str]:
    """Names of pictures without suffix, from a text file, one a line, or from a table.

    ``pictures.csv:COLUMN=VALUE`` takes the first column of the rows that hold that value.

    Raises:
        EvaluationError: no such file, or no such column.
    """
    if spec is None:
        return frozenset()
    name, colon, condition = spec.rpartition(":")
    colon = colon if "=" in condition else ""
    file = find(Path(name if colon else spec), roots)
    try:
        if file is None:
            raise FileNotFoundError(spec)
        if not colon:
            lines = file.read_text(encoding="utf-8").splitlines()
            return frozenset(_stem(line.strip()) for line in lines if line.strip())
        column, _, value = condition.partition("=")
        with file.open(encoding="utf-8", newline="") as table:
            rows = list(csv.DictReader(table))
        return frozenset(_stem(next(iter(row.values()))) for row in rows if row[column] == value)
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(spec, "the list of pictures cannot be read") from error
    except KeyError as error:
        raise _bad(spec, f"the table has no column {error}") from error


def _stem(name: str) -> str:
    """Stems may hold dots themselves: only a picture's suffix is taken off."""
    path = Path(name)
    return path.stem if path.suffix.lower() in SUFFIXES else path.name


def _bad(where: str, what: str) -> EvaluationError:
    return EvaluationError(Code.EVL_OPTION, where, what, "See configs/evaluation.yaml")
