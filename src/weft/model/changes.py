"""The ``changes`` table: what people and machines did to the network. One row per change, from whatever told of it."""

from __future__ import annotations

import pyarrow as pa

from weft.model.flows import ADDRESS, TIME_NS
from weft.model.metrics import WORD
from weft.model.tables import Column, Kind, Role, Table

CHANGE_KINDS = {1: "config", 2: "deployment", 3: "ticket", 4: "maintenance", 5: "inventory", 6: "other"}

CHANGES = Table(
    name="changes",
    meaning="One row per change of a configuration, deployment, ticket, maintenance or inventory object.",
    order_by=("time", "exporter"),
    ttl_days=730,
    columns=(
        Column("time", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP,
               "When it took effect, as far as known.", unit="ns", codec="Delta(8), LZ4"),
        Column("time_received", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP, "When Weft learned of it.",
               unit="ns", codec="Delta(8), LZ4"),
        Column("exporter", ADDRESS, "IPv6", Role.DIMENSION, Kind.ADDRESS, "Address of the device; absent = of none."),
        Column("host", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT, "Name of the device or system."),
        Column("kind", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "What was changed.", values=CHANGE_KINDS),
        Column("source", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT,
               "What told of it: ssh, directory, push, syslog, or a name given by the sender."),
        Column("author", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT, "Who did it, where known."),
        Column("component", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT,
               "What part was changed: section of a configuration, service, inventory object."),
        Column("change_id", pa.string(), "String", Role.DIMENSION, Kind.TEXT,
               "Names the change; a second report of it with the same name is the same change."),
        Column("reference", pa.string(), "String", Role.DIMENSION, Kind.TEXT, "Link or number of a ticket or job."),
        Column("title", pa.string(), "String", Role.DIMENSION, Kind.TEXT, "The change in a line."),
        Column("detail", pa.string(), "String", Role.DIMENSION, Kind.TEXT,
               "More: for a configuration the unified diff, secrets masked."),
        Column("added", pa.uint32(), "UInt32", Role.MEASURE, Kind.NUMBER, "Lines that came."),
        Column("removed", pa.uint32(), "UInt32", Role.MEASURE, Kind.NUMBER, "Lines that went."),
    ),
)  # fmt: skip
