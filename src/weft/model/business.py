"""The ``business`` table: any keyed series that says what the network is for: orders, sign-ins, tickets, GPU-hours."""

from __future__ import annotations

import pyarrow as pa

from weft.model.flows import TIME_NS
from weft.model.metrics import WORD
from weft.model.tables import Column, Kind, Role, Table

BUSINESS_SOURCES = {1: "push", 2: "file", 3: "prometheus", 4: "sql"}

BUSINESS = Table(
    name="business",
    meaning="One row per value of a business series.",
    order_by=("series", "labels", "time"),
    ttl_days=730,
    columns=(
        Column("time", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP, "What moment the value is of.",
               unit="ns", codec="Delta(8), LZ4"),
        Column("time_received", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP,
               "When the value reached Weft.", unit="ns", codec="Delta(8), LZ4"),
        Column("series", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT, "Name, e.g. orders_per_minute."),
        Column("labels", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT,
               'What the value is of: its key, sorted by name, as in name="value",name="value".'),
        Column("unit", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT, "Unit, as the sender names it."),
        Column("source", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "How it came.", values=BUSINESS_SOURCES),
        Column("origin", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT,
               "Which sender, file or query it came from."),
        Column("value", pa.float64(), "Float64", Role.MEASURE, Kind.NUMBER, "The value.", codec="Gorilla, LZ4"),
    ),
)  # fmt: skip
