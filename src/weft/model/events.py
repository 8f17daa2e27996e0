"""Events: what deviated, where, since when, how far from expected, on which evidence. The contract of detection.

A detector finds; the tracker makes events of it, each with a stable id; the state store keeps them as they change, and
a row per change goes to the ``events`` table, so that they are queried and charted like all else. Pure data: no I/O.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from weft.model.flows import TIME_NS
from weft.model.metrics import WORD
from weft.model.tables import Column, Kind, Role, Table


class EventGroup(StrEnum):
    """Families of events, in the order in which people are shown them."""

    LINK = "link"
    DEVICE = "device"
    ROUTING = "routing"
    TRAFFIC = "traffic"
    SECURITY = "security"
    PATH = "path"
    CLOUD = "cloud"
    FABRIC = "fabric"
    BUSINESS = "business"
    CHANGE = "change"
    TELEMETRY = "telemetry"
    POLICY = "policy"


class Severity(StrEnum):
    """How bad, for whoever is on duty: ``info`` waits for the morning, ``critical`` wakes people up."""

    INFO = "info"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """1 for info to 4 for critical."""
        return _RANKS[self]


_RANKS = {Severity.INFO: 1, Severity.MINOR: 2, Severity.MAJOR: 3, Severity.CRITICAL: 4}


class EventState(StrEnum):
    """``suppressed``: feedback or a maintenance says that it is no trouble; it stays listed and says why."""

    OPEN = "open"
    CLOSED = "closed"
    SUPPRESSED = "suppressed"


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Entity(_Frozen):
    """What an event is about. As text ``kind:id``: ``device:chi-border1``, ``interface:chi-border1|et-0/0/0``."""

    kind: str = Field(max_length=40)
    """``device``, ``interface``, ``link``, ``site``, ``prefix``, ``asn``, ``peer``, ``host``, ``service``, ``test``,
    ``provider``, ``job``, ``domain``, ``exporter``, ``source``, ``business``, ``cloud`` …"""
    id: str = Field(max_length=400)
    """Of an interface ``device|interface``, of a BGP session ``device|address``, of a test ``test|agent|target``."""
    title: str = Field(default="", max_length=400)
    """What people call it; empty = the id."""

    @property
    def text(self) -> str:
        """``kind:id``, as the ground truth of the twin writes it too."""
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``kind:id``. Raises ``ValueError`` where there is no kind."""
        kind, colon, name = text.partition(":")
        if not (colon and kind and name):
            raise ValueError(f"{text!r} is no entity: it is written kind:id, e.g. device:chi-border1")
        return cls(kind=kind, id=name)


class Evidence(_Frozen):
    """One thing that an event rests on. Whoever doubts it can look it up: by the query, or by the rows themselves."""

    kind: Literal["query", "rows", "fact", "model"]
    """``query``: a question to the store; ``rows``: a small table, kept as it was; ``fact``: a sentence about what was
    looked up elsewhere (inventory, RPKI); ``model``: what was expected, and how that is known."""
    title: str = Field(max_length=200)
    text: str = Field(default="", max_length=2000)
    query: dict[str, Any] | None = None
    """Fields of a ``Query`` that shows it, with absolute times."""
    columns: list[str] = Field(default_factory=list, max_length=12)
    rows: list[list[str | float | int | None]] = Field(default_factory=list, max_length=50)


class Event(_Frozen):
    """One thing that is wrong, or was. Times are UTC seconds."""

    id: str = Field(max_length=40)
    """Stable: the same finding about the same entity since the same time has the same id after a restart."""
    detector: str
    kind: str
    """What it is, in the words of the field: ``spike``, ``link_down``, ``ddos``, ``origin_hijack`` …"""
    group: EventGroup
    severity: Severity
    state: EventState
    title: str = Field(max_length=200)
    text: str = Field(max_length=2000)
    """Why it fired, in a sentence or two, with the numbers."""
    entity: Entity
    others: list[Entity] = Field(default_factory=list, max_length=50)
    """What else takes part: the other end of a line, those who attack."""
    started_s: float
    """When it began, as far as that can be told afterwards; at or before ``detected_s``."""
    detected_s: float
    """Time of the sample or row that gave it away."""
    raised_s: float
    """When Weft raised it (its own clock): later than ``detected_s`` by what collecting and computing took."""
    seen_s: float
    """When it was last seen."""
    ended_s: float | None = None
    seen: float | None = None
    """Value at its worst; ``unit`` is that of all four."""
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None
    unit: str = ""
    score: float = 0.0
    """How unlikely: minus the decimal logarithm of the chance per sample that this happens with nothing wrong."""
    return_period_s: float | None = None
    """How often the like is expected with nothing wrong: once in this many seconds."""
    confidence: float = Field(default=1.0, ge=0, le=1)
    """That it is no artefact. Facts (a session is down) have 1."""
    labels: dict[str, str] = Field(default_factory=dict)
    """What tells it apart from others of its kind about the same entity (a metric, a vector, a port)."""
    evidence: list[Evidence] = Field(default_factory=list, max_length=20)
    count: int = 1
    """Findings that it is made of."""
    suppressed_by: str = ""
    """Id of the feedback or name of the maintenance that suppressed it."""
    acknowledged_by: str = ""
    acknowledged_s: float | None = None


#: Longest text that one row of the table keeps.
MOST_TEXT = 2000
GROUPS = {number: group.value for number, group in enumerate(EventGroup, 1)}
SEVERITIES = {severity.rank: severity.value for severity in Severity}
TRANSITIONS = {1: "opened", 2: "worse", 3: "closed", 4: "suppressed", 5: "reopened"}

EVENTS = Table(
    name="events",
    meaning="One row per change of an event: it was opened, became worse, was closed, suppressed or opened again.",
    order_by=("time", "entity"),
    ttl_days=730,
    columns=(
        Column("time", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP,
               "When it changed: of an opened event when it began, of a closed one when it ended.", unit="ns",
               codec="Delta(8), LZ4"),
        Column("time_received", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP, "When Weft noticed.",
               unit="ns", codec="Delta(8), LZ4"),
        Column("event_id", pa.string(), "String", Role.DIMENSION, Kind.TEXT, "Names the event."),
        Column("transition", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "What happened to it.",
               values=TRANSITIONS),
        Column("detector", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT, "What found it."),
        Column("kind", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT, "What it is, e.g. link_down."),
        Column("event_group", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "Family of events.", values=GROUPS),
        Column("severity", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "How bad.", values=SEVERITIES),
        Column("entity_kind", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT,
               "What sort of thing it is about: device, interface, prefix, host …"),
        Column("entity", pa.string(), "String", Role.DIMENSION, Kind.TEXT, "What it is about."),
        Column("site", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT, "Site of that, where known."),
        Column("title", pa.string(), "String", Role.DIMENSION, Kind.TEXT, "The event in a line."),
        Column("detail", pa.string(), "String", Role.DIMENSION, Kind.TEXT, "Why it fired."),
        Column("lasted_s", pa.float64(), "Float64", Role.MEASURE, Kind.NUMBER,
               "Of a closed event: how long it lasted.", unit="s"),
        Column("score", pa.float64(), "Float64", Role.MEASURE, Kind.NUMBER,
               "Minus the decimal logarithm of the chance that it happens with nothing wrong."),
    ),
)  # fmt: skip
