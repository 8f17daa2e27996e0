"""What detectors on metrics have in common: a board of values, rounds of new ones, deviations in a row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import Finding, RowsDetector
from weft.detect.devices.board import Board, Round
from weft.detect.devices.columns import F64, I64
from weft.detect.devices.streaks import Streaks
from weft.model.events import Entity, Evidence

#: History that a comparison with the past rests on at least, values.
ENOUGH = 8


class RoundsDetector(RowsDetector):
    """Takes metrics in, value by value in order of time, and looks at each round of new ones."""

    tables: tuple[str, ...] = ("metrics",)
    metrics: ClassVar[tuple[str, ...]] = ()
    depth: ClassVar[int] = 48

    def __init__(self, context: Context) -> None:
        self.context, self.settings = context, context.config.settings
        self.board = Board(context.names, self.metrics, self.depth, int(self.settings.get("most_series", 100_000)))
        self.streaks = Streaks()

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Looks at each round of values of its metrics."""
        del table  # metrics
        found: list[Finding] = []
        for one in self.board.take(rows):
            found += self.look(one)
        return found

    @abstractmethod
    def look(self, new: Round) -> list[Finding]:
        """What deviates in new values; they are to be learned here too."""

    def tick(self, now_s: float) -> list[Finding]:
        """Makes room for new series where the board is full."""
        if self.board.forget(now_s):
            self.streaks = Streaks()
        return []

    @property
    def left_out(self) -> int:
        """Values of series for which the board had no room."""
        return self.board.refused

    def save(self) -> bytes:
        """The board."""
        return self.board.save()

    def load(self, state: bytes) -> None:
        """Goes on with a board."""
        if state:
            self.board.load(state)

    def setting(self, name: str, default: float) -> float:
        """A number of this detector's settings."""
        return float(self.settings.get(name, default))

    def by_metric(self, new: Round) -> dict[str, tuple[I64, F64]]:
        """A round's series and values by metric, in the order in which the detector names its metrics."""
        names = np.array([self.metrics.index(self.board.series[number].metric) for number in new.at])
        return {
            self.metrics[number]: (new.at[names == number], new.values[names == number])
            for number in np.unique(names)
        }  # fmt: skip


def device_entity(device: str) -> Entity:
    """``device:NAME``."""
    return Entity(kind="device", id=device[:400])


def interface_entity(device: str, component: str) -> Entity:
    """``interface:DEVICE|NAME``."""
    return Entity(kind="interface", id=f"{device}|{component}"[:400])


def quoted(text: str) -> str:
    """A text as a filter has it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def of_device(device: str) -> str:
    """A filter for the rows of a device, by what it or the inventory calls it."""
    return f"(host = {quoted(device)} or exporter_name = {quoted(device)})"


def chart(device: str, metrics: Sequence[str], component: str = "", title: str = "") -> Evidence:
    """A query that shows metrics of a device, or of a part of it."""
    told = " or ".join(f"metric = {quoted(name)}" for name in metrics)
    chosen = f"{of_device(device)} and ({told})" + (f" and component = {quoted(component)}" if component else "")
    query = {"dataset": "metrics", "by": ["component", "metric"], "filter": chosen}
    return Evidence(kind="query", title=title or f"{', '.join(metrics)} of {device} {component}".strip(), query=query)


def recent(values: F64, title: str, unit: str) -> Evidence:
    """The last values that a comparison rests on, oldest first."""
    rows: list[list[str | float | int | None]] = [[number, round(float(one), 4)]
                                                  for number, one in enumerate(values[-24:])]  # fmt: skip
    return Evidence(kind="rows", title=title, columns=["reading", unit or "value"], rows=rows)
