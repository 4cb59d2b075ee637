"""Everything that is wrong with a folder, told at once, so that one pass mends it."""

from __future__ import annotations

from collections.abc import Sequence

from edge.errors import EvaluationError, GridpatrolError

_MOST_LINES = 40


class FaultsError(EvaluationError):
    """One line for each fault; code and place are the first one's.

    Attributes:
        problems: in the order in which they were found.
    """

    def __init__(self, problems: Sequence[GridpatrolError]) -> None:
        first = problems[0]
        super().__init__(first.code, first.where, first.what, first.fix)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:_MOST_LINES]]
        more = len(self.problems) - len(lines)
        return "\n".join([*lines, *([f"… and {more} more"] if more else [])])
