"""What the demo's scripts already draw and know, for the scenarios: nothing is drawn twice."""

from __future__ import annotations

import sys
from pathlib import Path

_DEMO = Path(__file__).resolve().parents[1] / "demo"
if str(_DEMO) not in sys.path:
    sys.path.insert(0, str(_DEMO))

from _camera import (  # noqa: E402
    Floats,
    Frame,
    Passers,
    empty_plaza,
    footage,
    ground,
    project,
    tripod,
)
from _canvas import SUPER, Canvas, Colour  # noqa: E402
from _rubbish import bag, carton  # noqa: E402
from _stall import Canopy, Place, cut_out, fruits, heap, table  # noqa: E402
from _sticker import paper, pasted  # noqa: E402

FONT = _DEMO.parents[1] / "edge/cases/fonts/NotoSansSC-subset.otf"
SAMPLES = Path("/usr/share/doc/opencv-doc/examples/data")

__all__ = [
    "FONT", "SAMPLES", "SUPER", "Canopy", "Canvas", "Colour", "Floats", "Frame", "Passers",
    "Place", "bag", "carton", "cut_out", "empty_plaza", "footage", "fruits", "ground", "heap",
    "paper", "pasted", "project", "table", "tripod",
]  # fmt: skip
