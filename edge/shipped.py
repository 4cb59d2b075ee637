"""Where the files that ship with the product lie: in the wheel, or in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(kind: str) -> Path:
    """Folder of shipped ``models``, ``configs`` or ``demo`` files."""
    in_wheel = _PACKAGE / "_shipped" / kind
    if in_wheel.is_dir():
        return in_wheel
    return _PACKAGE.parent / ("examples/demo" if kind == "demo" else kind)
