"""A model is a folder: ``model.onnx`` and ``model.toml``, its card (see ``models/README.md``).

The card says how to feed the model, how to read its output, and what its classes mean; nothing
about a model is written in code.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge.errors import Code, ModelError
from edge.shipped import shipped

_REST = 16
"""Pixels that stay empty beside a picture when the input is cut: without, 1 of 100 things at its
border was no longer found."""

_WORTH = 0.75
"""Share of the whole input from which a cut one saves too little to have another shape for it."""

Triple = tuple[float, float, float]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputCard(_Part):
    """How a picture is fed to the model.

    ``step``: the input may be cut down to multiples of so many pixels where a picture leaves the
    rest of it empty, as a wide one does of a square; 0: it is always whole.
    """

    name: str
    width: Annotated[int, Field(ge=32, le=4096)]
    height: Annotated[int, Field(ge=32, le=4096)]
    colour: Literal["bgr", "rgb"]
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    letterbox: Literal["centre", "top_left"] = "centre"
    pad: Annotated[int, Field(ge=0, le=255)] = 114
    step: Annotated[int, Field(ge=0, le=512)] = 0


class OutputCard(_Part):
    """How the model's output is read."""

    layout: Literal["nanodet", "yolox", "yolov8", "fastestdet", "classifier"]
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    strides: tuple[int, ...] = (8, 16, 32)
    bins: Annotated[int, Field(ge=2, le=64)] = 11

    @model_validator(mode="after")
    def _one_map(self) -> OutputCard:
        if self.layout == "fastestdet" and len(self.strides) != 1:
            raise ValueError("layout fastestdet has one map: give strides one value")
        return self


class Thresholds(_Part):
    """Operating point."""

    score: Annotated[float, Field(gt=0, lt=1)] = 0.4
    nms_iou: Annotated[float, Field(gt=0, lt=1)] = 0.5
    per_class: dict[str, float] = {}


class Calibration(_Part):
    """Raw score to the share of right detections, piecewise linear (``models/train/calibrate.py``).

    Guo et al., 2017: a network's scores are ranks, not probabilities; an operator reads them as
    probabilities. Thresholds are in calibrated scores.
    """

    raw: Annotated[tuple[float, ...], Field(min_length=2)]
    right: Annotated[tuple[float, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _rises(self) -> Calibration:
        if len(self.raw) != len(self.right):
            raise ValueError(f"{len(self.raw)} raw scores but {len(self.right)} shares")
        for name, values in (("raw", self.raw), ("right", self.right)):
            if list(values) != sorted(values) or not 0 <= values[0] <= values[-1] <= 1:
                raise ValueError(f"{name} must rise within 0-1")
        return self


class ModelCard(_Part):
    """The card of a model; sections such as ``accuracy`` are for people.

    ``watch`` names the kinds of zones the model is of use for; empty means all cameras.
    """

    name: str
    version: str
    file: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    licence: str
    source: str
    attribution: str = ""
    trained_on: str = ""
    input: InputCard
    output: OutputCard
    thresholds: Thresholds = Thresholds()
    calibration: Calibration | None = None
    watch: tuple[Literal["street_vending", "piled_materials", "illegal_ads"], ...] = ()
    meanings: dict[str, str]
    accuracy: dict[str, object] = {}

    @property
    def title(self) -> str:
        """Name and version, as cases cite it."""
        return f"{self.name} {self.version}"

    def cut(self, width: int, height: int) -> ModelCard:
        """The card for an input just large enough for a picture of so many pixels and some rest.

        The same card where that saves too little.
        """
        whole, step = self.input, self.input.step
        if not step:
            return self
        sides = {
            "width": min(-(-(width + _REST) // step) * step, whole.width),
            "height": min(-(-(height + _REST) // step) * step, whole.height),
        }
        if sides["width"] * sides["height"] > _WORTH * whole.width * whole.height:
            return self
        return self.model_copy(update={"input": whole.model_copy(update=sides)})


def load_card(folder: Path) -> ModelCard:
    """Read and check a model's card.

    Raises:
        ModelError: no card, a card that does not parse, or meanings for unknown classes.
    """
    path = folder / "model.toml"
    try:
        card = ModelCard.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ModelError(
            Code.MDL_MISSING, str(path), "no such card", "A model is a folder with model.toml"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(Code.MDL_CARD, str(path), str(error), "Mend the card") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(step) for step in first["loc"])
        raise ModelError(
            Code.MDL_CARD, str(path), f"{field}: {first['msg']}", "See models/README.md"
        ) from None
    unknown = sorted(set(card.meanings) - set(card.output.classes))
    if unknown:
        raise ModelError(
            Code.MDL_CARD,
            str(path),
            f"meanings for classes the model does not have: {', '.join(unknown)}",
            "Use the names in output.classes",
        )
    return card


def checked_weights(folder: Path, card: ModelCard) -> bytes:
    """The bytes of the weights, only if they are the ones the card describes.

    Raises:
        ModelError: missing, or another hash than the card's.
    """
    path = folder / card.file
    try:
        weights = path.read_bytes()
    except OSError as error:
        raise ModelError(
            Code.MDL_MISSING, str(path), f"cannot be read ({error.strerror})", "Put the file there"
        ) from error
    digest = hashlib.sha256(weights).hexdigest()
    if digest != card.sha256:
        raise ModelError(
            Code.MDL_HASH,
            str(path),
            f"sha256 is {digest[:12]}…, the card says {card.sha256[:12]}…",
            "Restore the file, or correct the card if the change was meant",
        )
    return weights


def model_folder(name: str, models_dir: Path | None) -> Path:
    """Folder of a model by name: the site's own folder first, then the shipped ones."""
    if models_dir is not None and (models_dir / name).is_dir():
        return models_dir / name
    folder = shipped("models") / name
    if not folder.is_dir():
        places = " or ".join(str(p) for p in (models_dir, shipped("models")) if p)
        raise ModelError(
            Code.MDL_MISSING, name, f"no such model folder in {places}", "gridpatrol models lists"
        )
    return folder
