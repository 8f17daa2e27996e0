"""What a detector is: it watches a query or rows of tables, keeps a bounded state, and finds.

There are two sorts. ``SeriesDetector`` is fed frames of a regular grid; ``RowsDetector`` the rows of tables in order of
their arrival. Neither knows whether it is fed live or from history, reads a clock, or does I/O: that is what makes
back-tests honest. Made by a factory (``weft.detectors`` entry point, or ``registry``) for each run.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from weft.detect.frame import Frame
from weft.errors import InvalidInput
from weft.model.events import Entity, EventGroup, Evidence, Severity


@dataclass(frozen=True, slots=True)
class About:
    """What people are told of a detector. ``kinds``: kinds of events that it raises, each with its meaning."""

    name: str
    title: str
    group: EventGroup
    description: str
    kinds: Mapping[str, str]


@dataclass(slots=True)
class Finding:
    """Something deviates, in one sample or row. Times are UTC seconds.

    Findings with the same kind, entity and labels make one event, as long as no two are further apart than ``hold_s``.
    """

    kind: str
    entity: Entity
    at_s: float
    title: str
    text: str
    severity: Severity
    hold_s: float = 300.0  # the event stays open this long after its last finding
    started_s: float | None = None  # backdated; None = at_s
    ends: bool = False  # it is over: closes the event at at_s
    seen: float | None = None
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None
    unit: str = ""
    score: float = 0.0
    return_period_s: float | None = None
    confidence: float = 1.0
    labels: Mapping[str, str] = field(default_factory=dict)
    others: Sequence[Entity] = ()
    evidence: Sequence[Evidence] = ()
    was: Sequence[tuple[str, Entity]] = ()
    """Kind and entity of events that this one goes on with: what was of a host has become of its whole prefix."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What a detector of series looks at: fields of a ``Query`` without times.

    ``by``: dimensions that tell series apart. ``entity``: kind of entity, and the dimensions that name it.
    """

    dataset: str
    measure: str
    by: tuple[str, ...]
    entity_kind: str
    entity_by: tuple[str, ...]
    filter: str = ""
    step_s: int = 60
    history_s: int = 14 * 86400  # what it wants to learn from before it is of use
    lateness_s: int = 30  # a bucket is fed this long after its end
    most_series: int = 100_000


class SeriesDetector(ABC):
    """Fed frames in order of time, each bucket once. Keeps a state per series, found again by ``SeriesKey.text``."""

    about: About
    watch: Watch

    @abstractmethod
    def learn(self, frame: Frame) -> None:
        """Take history in: as ``feed``, but nothing is found."""

    @abstractmethod
    def feed(self, frame: Frame) -> list[Finding]:
        """Take the next buckets in; what deviates in them. Series may come and go from frame to frame."""

    @abstractmethod
    def save(self) -> bytes:
        """The state, for ``load`` after a restart; bounded."""

    @abstractmethod
    def load(self, state: bytes) -> None:
        """Go on where ``save`` was. Raises ``InvalidInput`` where the state is not understood (it then learns anew)."""

    @property
    def left_out(self) -> int:
        """What it had no room for since the start: series, keys, deviations. Counted, shown, and logged once."""
        return 0


class RowsDetector(ABC):
    """Fed rows of ``tables`` as they arrive, and told the time."""

    about: About
    tables: tuple[str, ...]

    @abstractmethod
    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Rows of a table (its declared schema, columns may be missing where optional), roughly in order of time."""

    @abstractmethod
    def tick(self, now_s: float) -> list[Finding]:
        """Time passes: once a second live; over history by the rows' own times. Windows are closed here."""

    def save(self) -> bytes:
        """The state, for ``load`` after a restart; empty where nothing need be remembered."""
        return b""

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was. Raises ``InvalidInput`` where the state is not understood."""
        if state:
            raise InvalidInput(f"{self.about.name} keeps no state", where="state")

    @property
    def left_out(self) -> int:
        """What it had no room for since the start: series, keys, deviations. Counted, shown, and logged once."""
        return 0


Detector = SeriesDetector | RowsDetector
