"""What can be switched off, so that a reader sees what each stage contributes.

``zones``: every polygon is the whole picture; wording is looked for ``SEARCHES`` times a film at
most, since each search of so much takes a second and more. ``dwell``: nothing needs to stay.
``second_look``: findings are not judged again. ``dedup``: every time a rule begins to fire counts
as a case. ``bare``: none of the rules; any detection of a fitting meaning is a case, one per ten
minutes. ``gate``, besides: the models see every look.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from edge.config.model import CameraSettings, DetectorSettings, ZoneSettings
from edge.errors import Code, EvaluationError

STAGES = ("zones", "dwell", "second_look", "dedup", "bare")
"""Those whose contribution the accuracy report shows."""
_SWITCHES = (*STAGES, "gate")
SEARCHES = 16
_AT_ONCE_S = 0.1
_WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the scenarios.

    Attributes:
        without: stages switched off.
        models: object models instead of the configured ones; empty to keep those.
        models_dir: the site's own folder of models, or None.
    """

    without: frozenset[str] = frozenset()
    models: tuple[str, ...] = ()
    models_dir: Path | None = None

    def detectors(self, given: DetectorSettings, length_s: float) -> DetectorSettings:
        """A scenario's detector settings under this variant; it lasts ``length_s`` seconds."""
        # What is measured must not hang on which of two precisions is quicker here.
        chosen = given.object.model_copy(update={"precision": "fp32"})
        if self.models:
            chosen = chosen.model_copy(update={"models": self.models})
        if self.models_dir is not None:
            chosen = chosen.model_copy(update={"models_dir": self.models_dir})
        update: dict[str, object] = {"object": chosen}
        if "dwell" in self.without:
            update["static"] = given.static.model_copy(update={"stay_s": _AT_ONCE_S})
        if "zones" in self.without:
            every_s = max(given.text.every_s, length_s / SEARCHES)
            update["text"] = given.text.model_copy(update={"every_s": every_s})
        if "gate" in self.without:
            update["gate"] = given.gate.model_copy(update={"enabled": False})
        second_look = getattr(given, "second_look", None)
        if "second_look" in self.without and second_look is not None:
            update["second_look"] = second_look.model_copy(update={"enabled": False})
        return given.model_copy(update=update)

    def camera(self, given: CameraSettings) -> CameraSettings:
        """A scenario's camera under this variant."""
        return given.model_copy(update={"zones": tuple(self._zone(zone) for zone in given.zones)})

    def _zone(self, given: ZoneSettings) -> ZoneSettings:
        update: dict[str, object] = {}
        if "zones" in self.without:
            update["polygon"] = _WHOLE
        if "dwell" in self.without:
            update["dwell_s"] = _AT_ONCE_S
        return given.model_copy(update=update)


def stages(given: Collection[str]) -> frozenset[str]:
    """The stages to switch off, checked.

    Raises:
        EvaluationError: one of them is not known.
    """
    wanted = frozenset(part.strip().replace("-", "_") for part in given) - {""}
    unknown = sorted(wanted - set(_SWITCHES))
    if unknown:
        raise EvaluationError(
            Code.EVL_OPTION,
            "--without",
            f"unknown stage {', '.join(unknown)}",
            f"Use any of {', '.join(_SWITCHES)}, with commas between",
        )
    return wanted
