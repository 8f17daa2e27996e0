"""What tests of business series need: a running component over an intake that remembers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.collect.intake.fakes import FakeIntake

from weft.collect.business import BusinessConfig, BusinessSeries


@contextmanager
def running(data_dir: Path, intake: FakeIntake | None = None, **section: Any) -> Iterator[FakeIntake]:
    """The component with these settings; gives its intake."""
    intake = intake or FakeIntake()
    series = BusinessSeries(BusinessConfig.model_validate(section), intake, data_dir)
    series.start()
    try:
        yield intake
    finally:
        series.stop()
    assert intake.open == []


def told(intake: FakeIntake) -> list[tuple[str, str, int, float]]:
    """Series, labels, UTC second and value of every row, in the order they came."""
    return [(row["series"], row["labels"], row["time"].value // 10**9, row["value"]) for row in intake.rows("business")]
