"""The ``metrics`` table: counters and gauges of devices, interfaces, queues, sensors, GPUs; one value per row.

Names follow OpenConfig leaves in snake case (``in_octets``, ``out_discards``); what is pushed by others (Prometheus,
OTLP) keeps its own name. A counter is stored as it came, with its *increase* since the value before and the time that
took: sums of increases over sums of intervals are exact rates over any window, whatever was reset or missed in between.
"""

from __future__ import annotations

import pyarrow as pa

from weft.model.flows import ADDRESS, TIME_NS
from weft.model.tables import Column, Kind, Role, Table

METRIC_TYPES = {1: "counter", 2: "gauge", 3: "text"}
METRIC_SOURCES = {1: "sflow", 2: "snmp", 3: "gnmi", 4: "prometheus", 5: "otlp"}

#: What a source that *knows* that a counter began anew (the device restarted) puts into ``interval_ms``: the value
#: before says nothing then. A source that sends increases of its own (OTLP's delta sums) sets both columns; they stay.
BEGINS_ANEW = 0xFFFFFFFF

#: Arrow type of short texts that repeat from row to row.
WORD = pa.dictionary(pa.int32(), pa.string())
_WORD_SQL = "LowCardinality(String)"

METRICS = Table(
    name="metrics",
    meaning="One row per value of a device, interface, queue, sensor or other counter or gauge.",
    order_by=("metric", "exporter", "component", "time"),
    ttl_days=90,
    columns=(
        Column("time", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP,
               "When the value was read: the device's own stamp where its clock agrees, else the arrival.", unit="ns",
               codec="Delta(8), LZ4"),
        Column("time_received", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP,
               "When the value reached Weft.", unit="ns", codec="Delta(8), LZ4"),
        Column("exporter", ADDRESS, "IPv6", Role.DIMENSION, Kind.ADDRESS,
               "Address of the device; absent where the source named it only by host."),
        Column("host", WORD, _WORD_SQL, Role.DIMENSION, Kind.TEXT, "Name that the source gives the device."),
        Column("source", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "How it was collected.",
               values=METRIC_SOURCES),
        Column("metric_type", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "Counter, gauge or text.",
               values=METRIC_TYPES),
        Column("metric", WORD, _WORD_SQL, Role.DIMENSION, Kind.TEXT, "Name, e.g. in_octets."),
        Column("component", WORD, _WORD_SQL, Role.DIMENSION, Kind.TEXT,
               "What in the device the value is of: the name of an interface, queue, sensor, BGP peer, GPU; empty = "
               "the device itself."),
        Column("if_index", pa.uint32(), "UInt32", Role.DIMENSION, Kind.INTERFACE,
               "ifIndex of the interface; 0 = not of an interface, or unknown."),
        Column("labels", WORD, _WORD_SQL, Role.DIMENSION, Kind.TEXT,
               'Further labels, sorted by name, as in name="value",name="value".'),
        Column("value", pa.float64(), "Float64", Role.MEASURE, Kind.NUMBER, "The value as read.", codec="Gorilla, LZ4"),
        Column("increase", pa.float64(), "Float64", Role.MEASURE, Kind.NUMBER,
               "How much a counter grew since its value before, resets and wraps made good.", codec="Gorilla, LZ4",
               optional=True),
        Column("interval_ms", pa.uint32(), "UInt32", Role.MEASURE, Kind.NUMBER,
               "Time that the increase took; 0 = there was no value before, or not a counter.", unit="ms",
               codec="T64, LZ4", optional=True),
        Column("text", pa.string(), "String", Role.DIMENSION, Kind.TEXT, "The value where it is not a number.",
               optional=True),
    ),
)  # fmt: skip
