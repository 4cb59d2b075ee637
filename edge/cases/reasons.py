"""Reasons as the database keeps them: one JSON list of both languages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from edge.scenes.finding import Words


def reasons_to_json(reasons: Iterable[Words]) -> str:
    """The text of a column."""
    return json.dumps([asdict(words) for words in reasons], ensure_ascii=False)


def reasons_from_json(text: str) -> tuple[Words, ...]:
    """What :func:`reasons_to_json` wrote."""
    return tuple(Words(**words) for words in json.loads(text))
