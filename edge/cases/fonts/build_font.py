"""Make the caption font: Noto Sans SC cut down to what captions can contain.

    pip download --no-deps mplfonts==0.0.11 && unzip mplfonts-*.whl
    pip install fonttools
    python edge/cases/fonts/build_font.py mplfonts/fonts/NotoSansCJKsc-Regular.otf

GB 2312 holds 6,763 characters and covers the category names; names of streets may need others,
which are drawn as an empty box rather than failing.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from fontTools import subset

HERE = Path(__file__).resolve().parent


def wanted_characters() -> str:
    """ASCII, GB 2312, and everything in the taxonomy."""
    gb2312 = "".join(
        bytes((high, low)).decode("gb2312", errors="ignore")
        for high in range(0xA1, 0xF8)
        for low in range(0xA1, 0xFF)
    )
    with (HERE.parent / "taxonomy.csv").open(encoding="utf-8") as table:
        names = "".join("".join(row) for row in csv.reader(table))
    ascii_ = "".join(map(chr, range(0x20, 0x7F)))
    return "".join(sorted(set(ascii_ + gb2312 + names + "“”‘’…—·°×")))


def main(source: str) -> None:
    """Write ``NotoSansSC-subset.otf`` beside this script."""
    options = subset.Options(layout_features=["kern"], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14])
    font = subset.load_font(source, options)
    cutter = subset.Subsetter(options)
    cutter.populate(text=wanted_characters())
    cutter.subset(font)
    subset.save_font(font, str(HERE / "NotoSansSC-subset.otf"), options)


if __name__ == "__main__":
    main(sys.argv[1])
