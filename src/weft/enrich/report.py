"""What became of a reference table: what it filled, what was skipped and why."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from weft.errors import InvalidInput

_MOST_PROBLEMS = 20


@dataclass(slots=True)
class Report:
    """Counts of one reading of one file. ``problems`` keeps the first few complaints in full."""

    rows: int = 0
    skipped: int = 0
    filled: dict[str, int] = field(default_factory=dict)  # column → rows that fill it
    problems: list[str] = field(default_factory=list)
    resting: int = 0  # good rows that do not hold now
    until_s: float = math.inf  # when a row begins or ends to hold, so that the file must be read again

    def bad(self, where: str, error: Exception) -> None:
        """Count a row that could not be used."""
        self.skipped += 1
        self.note(where, error)

    def note(self, where: str, error: Exception) -> None:
        """Keep a complaint without counting a row."""
        if len(self.problems) < _MOST_PROBLEMS:
            what = error.message if isinstance(error, InvalidInput) else str(error)
            self.problems.append(f"{where}: {what}")
