"""Which class of the labels is which class of the model: by name, or as ``--map`` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from edge.errors import Code, EvaluationError


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes that are measured.

    Attributes:
        of_label, of_model: from a name as labels or model have it to the class measured; names
            that are left out are measured by nobody.
        names: the classes measured, in the labels' order.
        only_labels: label classes that the model does not know: not measured, and said so.
        only_model: classes the model knows and nobody labelled: likewise.
    """

    of_label: Mapping[str, str]
    of_model: Mapping[str, str]
    names: tuple[str, ...]
    only_labels: tuple[str, ...]
    only_model: tuple[str, ...]


def read_map(spec: str | None) -> dict[str, str]:
    """``a=x,b=x,3=`` or a YAML or JSON file of the same; nothing after ``=`` drops the class.

    Raises:
        EvaluationError: neither a file nor pairs.
    """
    if not spec:
        return {}
    path = Path(spec)
    if path.suffix.lower() in (".yaml", ".yml", ".json"):
        try:
            document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, YAMLError) as error:
            raise _bad(f"{spec} cannot be read as YAML or JSON") from error
        if not isinstance(document, Mapping):
            raise _bad(f"{spec} is no table of names")
        return {str(k): "" if v is None else str(v) for k, v in document.items()}
    pairs: dict[str, str] = {}
    for part in spec.split(","):
        old, equals, new = part.partition("=")
        if not equals or not old.strip():
            raise _bad(f"{part.strip()!r} is not OLD=NEW")
        pairs[old.strip()] = new.strip()
    return pairs


def meet(labels: Sequence[str], model: Sequence[str], mapping: Mapping[str, str]) -> Classes:
    """Bring label classes and model classes together.

    A key of the mapping is a class name of either side, or the number of a label class.

    Raises:
        EvaluationError: a key that names no class, or nothing that both sides have.
    """
    unknown = [
        key
        for key in mapping
        if key not in labels and key not in model and not _is_number_of(key, labels)
    ]
    if unknown:
        raise _bad(
            f"{', '.join(unknown)}: no such class (labels: {_listed(labels)}; "
            f"model: {_listed(model)})"
        )
    of_label = {
        name: new
        for number, name in enumerate(labels)
        if (new := mapping.get(name, mapping.get(str(number), name)))
    }
    of_model = {name: new for name in model if (new := mapping.get(name, name))}
    left, right = dict.fromkeys(of_label.values()), dict.fromkeys(of_model.values())
    names = tuple(name for name in left if name in right)
    if not names:
        raise EvaluationError(
            Code.EVL_CLASSES,
            "classes",
            f"labels have {_listed(tuple(left))}, the model has {_listed(tuple(right))}: "
            "none in common",
            f"Say what means the same: {_hint(tuple(left), tuple(right))}",
        )
    return Classes(
        of_label,
        of_model,
        names,
        tuple(name for name in left if name not in right),
        tuple(name for name in right if name not in left),
    )


def _is_number_of(key: str, labels: Sequence[str]) -> bool:
    return key.isdigit() and int(key) < len(labels)


def _hint(labels: Sequence[str], model: Sequence[str]) -> str:
    other = model[0] if model else "class"
    shown = ",".join(f"{label}={other}" for label in labels[:3]) or f"label={other}"
    return f"--map {shown}" + ("" if len(labels) <= 3 and len(model) == 1 else ",…")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:12])
    more = len(names) - 12
    return (f"{shown} and {more} more" if more > 0 else shown) or "none"


def _bad(what: str) -> EvaluationError:
    return EvaluationError(
        Code.EVL_OPTION, "--map", what, "Write OLD=NEW,OLD=NEW or give a YAML or JSON file"
    )
