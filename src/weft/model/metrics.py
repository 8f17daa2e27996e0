"""The ``metrics`` table: counters and gauges of devices, interfaces, queues and processors, one value per row.

Names follow OpenConfig leaves in snake case (``in_octets``, ``out_discards``, ``cpu_5min_percent``). Counters are
stored as they came; ``query`` turns them into rates and handles resets and wraps.
"""

from __future__ import annotations

import pyarrow as pa

from weft.model.flows import ADDRESS, TIME_NS
from weft.model.tables import Column, Kind, Role, Table

METRIC_TYPES = {1: "counter", 2: "gauge"}
METRIC_SOURCES = {1: "sflow"}

METRICS = Table(
    name="metrics",
    meaning="One row per value of a device, interface, queue or processor counter or gauge.",
    order_by=("metric", "exporter", "instance", "time_received"),
    ttl_days=90,
    columns=(
        Column("time_received", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP,
               "When the value reached Weft.", unit="ns", codec="Delta(8), LZ4"),
        Column("exporter", ADDRESS, "IPv6", Role.DIMENSION, Kind.ADDRESS, "Address of the device."),
        Column("source", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "How it was collected.",
               values=METRIC_SOURCES),
        Column("metric_type", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "Counter or gauge.", values=METRIC_TYPES),
        Column("metric", pa.dictionary(pa.int32(), pa.string()), "LowCardinality(String)", Role.DIMENSION, Kind.TEXT,
               "Name, e.g. in_octets."),
        Column("instance", pa.uint64(), "UInt64", Role.DIMENSION, Kind.INTERFACE,
               "ifIndex or other index; 0 = the device."),
        Column("value", pa.float64(), "Float64", Role.MEASURE, Kind.NUMBER, "The value as read.", codec="Gorilla, LZ4"),
    ),
)  # fmt: skip
