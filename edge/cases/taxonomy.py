"""Event categories under both national schemes, as data (``taxonomy.csv``).

Codes: GB/T 30428.2-2013 and GB/T 47678.5-2026. Where the sub-label has no national code of its
own (bagged rubbish), ``files_as`` names the category whose codes the case carries, so that a
case always has scheme + code.

``urgency`` is *urgent* where one city's published limits run on a continuous clock (紧急工作时)
instead of working hours. Limits are each city's own: a list of owners may say otherwise.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from edge.errors import Code, ConfigError

Urgency = Literal["normal", "urgent"]

SCHEME_2013 = "GB/T 30428.2-2013"
SCHEME_2026 = "GB/T 47678.5-2026"

# Inference, not standard text: rubbish in bags outside a container meets the filing condition
# of 暴露垃圾 ("domestic rubbish outside a container").
_FILES_AS = {"EXT-01": "0110"}

# Sub-labels without a national code, numbered in the order of the table.
_EXTENSION_PREFIX = "EXT-"

WINDOW_HOURS = {"街面秩序": 2, "市容环境": 24, "宣传广告": 24}
"""Hours after a case is gone in which a new sighting re-opens it, by major class."""
_SLOW_WINDOW_HOURS = 7 * 24


@dataclass(frozen=True, slots=True)
class CategoryCode:
    """A code and the list it belongs to: never one without the other."""

    scheme: str
    code: str


@dataclass(frozen=True, slots=True)
class Category:
    """An event category (事项类别).

    Attributes:
        key: 2013 code, 2026 code when there is none, or ``EXT-nn`` for a sub-label.
        codes: every scheme + code pair it is filed under; never empty.
        major_zh, name_zh, name_en: names.
        sub_label: ``EXT-nn`` when the name is finer than the codes.
        urgency: whether handling limits usually run on a continuous clock.
    """

    key: str
    codes: tuple[CategoryCode, ...]
    major_zh: str
    name_zh: str
    name_en: str
    sub_label: str | None = None
    urgency: Urgency = "normal"

    def code(self, scheme: str) -> str | None:
        """Its code in one list; None where that list has none."""
        return next((c.code for c in self.codes if c.scheme == scheme), None)

    @property
    def window_hours(self) -> int:
        """Hours after it is gone in which the same place re-opens the same case."""
        return WINDOW_HOURS.get(self.major_zh, _SLOW_WINDOW_HOURS)


@cache
def load_taxonomy() -> dict[str, Category]:
    """All categories by key.

    Raises:
        ConfigError: the table that ships with the product is damaged.
    """
    table = files("edge.cases").joinpath("taxonomy.csv").read_text(encoding="utf-8")
    found: dict[str, Category] = {}
    extensions = 0
    for row in csv.DictReader(table.splitlines()):
        codes = _codes(row["code_gb30428_2_2013"], row["code_gb47678_5_2026"])
        key = codes[0].code if codes else ""
        major = row["major_zh"]
        sub_label = None
        if not codes:
            extensions += 1
            key = sub_label = f"{_EXTENSION_PREFIX}{extensions:02d}"
            parent = found.get(_FILES_AS.get(key, ""))
            if parent is None:
                continue  # no national code to file it under: it cannot become a case
            codes, major = parent.codes, parent.major_zh
        if key in found:
            key = f"{row['kind']}:{key}"  # component and matter lists share numbers in 2026
        urgency: Urgency = "urgent" if row["urgency"] == "urgent" else "normal"
        found[key] = Category(
            key, codes, major, row["minor_zh"], row["name_en"], sub_label, urgency
        )
    return found


def category(key: str) -> Category:
    """One category by key.

    Raises:
        ConfigError: no such category.
    """
    found = load_taxonomy().get(key)
    if found is None:
        raise ConfigError(
            Code.CFG_CATEGORY,
            f"category {key!r}",
            "not in the taxonomy",
            "Use a code of edge/cases/taxonomy.csv (2013 code, else 2026 code, else EXT-nn)",
        )
    return found


def _codes(code_2013: str, code_2026: str) -> tuple[CategoryCode, ...]:
    pairs = ((SCHEME_2013, code_2013.strip()), (SCHEME_2026, code_2026.strip()))
    return tuple(CategoryCode(scheme, code) for scheme, code in pairs if code and code != "-")
