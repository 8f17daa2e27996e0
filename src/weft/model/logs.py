"""The ``logs`` table: what devices say in words. One row per syslog message, SNMP trap or pushed log line."""

from __future__ import annotations

import pyarrow as pa

from weft.model.flows import ADDRESS, TIME_NS
from weft.model.metrics import WORD
from weft.model.tables import Column, Kind, Role, Table

LOG_SOURCES = {1: "udp", 2: "tcp", 3: "tls", 4: "trap", 5: "push", 6: "file"}
#: RFC 5424 §6.2.1.
SEVERITIES = {0: "emergency", 1: "alert", 2: "critical", 3: "error", 4: "warning", 5: "notice", 6: "info", 7: "debug"}
FACILITIES = {
    0: "kern", 1: "user", 2: "mail", 3: "daemon", 4: "auth", 5: "syslog", 6: "lpr", 7: "news", 8: "uucp", 9: "cron",
    10: "authpriv", 11: "ftp", 12: "ntp", 13: "audit", 14: "alert", 15: "clock", 16: "local0", 17: "local1",
    18: "local2", 19: "local3", 20: "local4", 21: "local5", 22: "local6", 23: "local7", 255: "unknown",
}  # fmt: skip
#: What the device's own stamp is worth, best first.
CLOCKS = {
    0: "synchronised",  # it says so itself (RFC 5424 timeQuality isSynced=1), or its stamps agree with arrival
    1: "unsynchronised",  # it says so itself (isSynced=0, Cisco's leading `*` or `.`)
    2: "coarse",  # seconds only, agrees with arrival
    3: "wrong",  # disagrees with arrival by more than the tolerance: `time` is the arrival
    4: "uptime",  # a stamp that counts from boot
    5: "none",  # no stamp
}

LOGS = Table(
    name="logs",
    meaning="One row per log message, trap or inform of a device.",
    order_by=("time", "exporter"),
    ttl_days=90,
    full_text=("message",),
    columns=(
        Column("time", TIME_NS, "DateTime64(6, 'UTC')", Role.TIME, Kind.TIMESTAMP,
               "When it happened: the device's own stamp where its clock is good, else the arrival.", unit="ns",
               codec="Delta(8), LZ4"),
        Column("time_received", TIME_NS, "DateTime64(6, 'UTC')", Role.TIME, Kind.TIMESTAMP, "When it reached Weft.",
               unit="ns", codec="Delta(8), LZ4"),
        Column("time_device", TIME_NS, "DateTime64(6, 'UTC')", Role.TIME, Kind.TIMESTAMP,
               "The device's own stamp as it reads; 1970 = none.", unit="ns", codec="Delta(8), LZ4"),
        Column("clock", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "What the device's stamp is worth.",
               values=CLOCKS),
        Column("exporter", ADDRESS, "IPv6", Role.DIMENSION, Kind.ADDRESS, "Address of the device."),
        Column("host", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT, "Name that the message gives."),
        Column("source", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "How it came.", values=LOG_SOURCES),
        Column("facility", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "Syslog facility.", values=FACILITIES),
        Column("severity", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "Syslog severity.", values=SEVERITIES),
        Column("program", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT,
               "Program, process or facility-mnemonic that logged it."),
        Column("process_id", pa.string(), "String", Role.DIMENSION, Kind.TEXT, "Its process id, where given."),
        Column("message_id", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT,
               "Message id or mnemonic, e.g. LINK-3-UPDOWN."),
        Column("event", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT,
               "Kind of event where a rule knows it, e.g. INTERFACE_DOWN; empty = none does."),
        Column("template", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT,
               "The message with its variable parts as <*>, as mined."),
        Column("component", WORD, "LowCardinality(String)", Role.DIMENSION, Kind.TEXT,
               "What in the device it is about: interface, BGP peer, sensor, user …"),
        Column("if_index", pa.uint32(), "UInt32", Role.DIMENSION, Kind.INTERFACE,
               "ifIndex of the interface it is about; 0 = none, or unknown."),
        Column("fields", pa.string(), "String", Role.DIMENSION, Kind.TEXT,
               "What a rule read from it, as JSON of OpenConfig paths; RFC 5424 structured data under `sd`."),
        Column("message", pa.string(), "String", Role.DIMENSION, Kind.TEXT, "The text."),
    ),
)  # fmt: skip
