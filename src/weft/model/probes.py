"""The ``probes`` and ``hops`` tables: what synthetic tests measured, one row per run; and the paths that they saw.

A run of a trace is many rows of ``hops``: one per flow id and TTL, so that the branches of an ECMP fan stay apart
(Paris traceroute: Augustin et al., IMC 2006; RFC 2991 on why flows must not be mixed).
"""

from __future__ import annotations

import pyarrow as pa

from weft.model.flows import ADDRESS, TIME_NS
from weft.model.metrics import WORD
from weft.model.tables import Column, Kind, Role, Table

_WORD_SQL = "LowCardinality(String)"
PROBE_KINDS = {1: "ping", 2: "tcp", 3: "trace", 4: "http", 5: "dns", 6: "throughput"}
#: ``degraded``: it works, beyond a limit that the test declares; ``failed``: no answer, or a wrong one; ``error``: the
#: agent could not carry the test out (no permission, no route, name unknown): nothing is known of the target.
PROBE_STATES = {1: "ok", 2: "degraded", 3: "failed", 4: "error"}


def _word(name: str, meaning: str) -> Column:
    return Column(name, WORD, _WORD_SQL, Role.DIMENSION, Kind.TEXT, meaning)


def _text(name: str, meaning: str) -> Column:
    return Column(name, pa.string(), "String", Role.DIMENSION, Kind.TEXT, meaning, optional=True)


def _ms(name: str, meaning: str) -> Column:
    return Column(name, pa.float32(), "Float32", Role.MEASURE, Kind.NUMBER, f"{meaning} 0 = not measured.", unit="ms",
                  codec="Gorilla, LZ4", optional=True)  # fmt: skip


def _count(name: str, meaning: str, unit: str = "") -> Column:
    return Column(name, pa.uint32(), "UInt32", Role.MEASURE, Kind.NUMBER, meaning, unit=unit)


_TIME = Column("time", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP, "When the run began.", unit="ns",
               codec="Delta(8), LZ4")  # fmt: skip
_RECEIVED = Column("time_received", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP,
                   "When the result reached Weft.", unit="ns", codec="Delta(8), LZ4")  # fmt: skip
_RUN = Column("run", pa.uint64(), "UInt64", Role.DIMENSION, Kind.NUMBER,
              "Names the run: the same in `probes` and `hops`; a result sent twice has the same.")  # fmt: skip

PROBES = Table(
    name="probes",
    meaning="One row per run of a synthetic test.",
    order_by=("test", "agent", "time"),
    ttl_days=180,
    columns=(
        _TIME,
        _RECEIVED,
        _word("agent", "Agent that ran the test."),
        _word("test", "Name of the test."),
        Column("kind", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "What the test does.", values=PROBE_KINDS),
        _word("target", "What it was aimed at, as configured: a name, an address, a URL."),
        _word("target_agent", "Agent at the other end, of a test between agents."),
        _word("resolver", "DNS resolver that was asked, of a DNS test."),
        Column("address", ADDRESS, "IPv6", Role.DIMENSION, Kind.ADDRESS, "Address that was reached for."),
        Column("target_as", pa.uint32(), "UInt32", Role.DIMENSION, Kind.ASN, "AS of that address; 0 = unknown.",
               wire=False),
        Column("target_net", pa.uint32(), "UInt32", Role.DIMENSION, Kind.NETWORK,
               "Row of `networks` that the address matched.", wire=False),
        Column("source_address", ADDRESS, "IPv6", Role.DIMENSION, Kind.ADDRESS, "Address that the agent sent from.",
               optional=True),
        Column("agent_net", pa.uint32(), "UInt32", Role.DIMENSION, Kind.NETWORK,
               "Row of `networks` that the agent's address matched.", wire=False),
        _RUN,
        Column("state", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "How it ended.", values=PROBE_STATES),
        Column("code", pa.uint32(), "UInt32", Role.DIMENSION, Kind.NUMBER, "HTTP status or DNS RCODE.", optional=True),
        _text("error", "Why it did not end well, in words."),
        _text("answer", "What came: DNS records, issuer of the certificate."),
        _count("sent", "Probes sent.", "packets"),
        _count("received", "Probes answered.", "packets"),
        _ms("rtt_min_ms", "Shortest round trip."),
        _ms("rtt_ms", "Mean round trip of those answered; HTTP and DNS: the whole transaction."),
        _ms("rtt_max_ms", "Longest round trip."),
        _ms("jitter_ms", "Mean difference between one round trip and the next (RFC 3550's, unsmoothed)."),
        _ms("dns_ms", "Looking the name up."),
        _ms("connect_ms", "TCP handshake."),
        _ms("tls_ms", "TLS handshake."),
        _ms("first_byte_ms", "From the request to the first byte of the answer."),
        _ms("transfer_ms", "From the first byte to the last."),
        Column("bytes", pa.uint64(), "UInt64", Role.MEASURE, Kind.NUMBER, "Bytes of the answer, or transferred.",
               unit="B", optional=True),
        Column("throughput_bps", pa.float64(), "Float64", Role.MEASURE, Kind.NUMBER, "Throughput between agents.",
               unit="bit/s", codec="Gorilla, LZ4", optional=True),
        Column("certificate_days", pa.float32(), "Float32", Role.MEASURE, Kind.NUMBER,
               "Days until the certificate expires; 0 = no certificate seen.", unit="d", optional=True),
        Column("hops", pa.uint8(), "UInt8", Role.MEASURE, Kind.NUMBER, "Length of the longest branch.", optional=True),
        Column("branches", pa.uint16(), "UInt16", Role.MEASURE, Kind.NUMBER, "Different paths that the flows took.",
               optional=True),
        Column("path", pa.uint64(), "UInt64", Role.DIMENSION, Kind.NUMBER,
               "Names the set of paths seen; another number = another route. 0 = no trace.", optional=True),
    ),
)  # fmt: skip

HOPS = Table(
    name="hops",
    meaning="One row per flow id and TTL of a traced path.",
    order_by=("test", "agent", "time", "flow_id", "ttl"),
    ttl_days=60,
    columns=(
        _TIME,
        _RECEIVED,
        _word("agent", "Agent that traced."),
        _word("test", "Name of the test."),
        _word("target", "What it was aimed at, as configured."),
        Column("address", ADDRESS, "IPv6", Role.DIMENSION, Kind.ADDRESS, "Address that was reached for."),
        _RUN,
        Column("flow_id", pa.uint16(), "UInt16", Role.DIMENSION, Kind.NUMBER,
               "Which flow: probes of one have the same 5-tuple, so that routers hash them alike."),
        Column("ttl", pa.uint8(), "UInt8", Role.DIMENSION, Kind.NUMBER, "Hop limit that the probe was sent with."),
        Column("hop", ADDRESS, "IPv6", Role.DIMENSION, Kind.ADDRESS, "Who answered; absent = nobody."),
        Column("hop_as", pa.uint32(), "UInt32", Role.DIMENSION, Kind.ASN, "AS of that address; 0 = unknown.",
               wire=False),
        Column("hop_net", pa.uint32(), "UInt32", Role.DIMENSION, Kind.NETWORK,
               "Row of `networks` that the address matched.", wire=False),
        _word("hop_device", "Device of ours that has that address."),
        _word("mpls", "Labels that the hop told of (RFC 4950), outermost first."),
        Column("reached", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "Whether the hop is the target itself.",
               values={0: "no", 1: "yes"}),
        _count("sent", "Probes sent.", "packets"),
        _count("received", "Probes answered.", "packets"),
        _ms("rtt_ms", "Mean round trip."),
    ),
)  # fmt: skip
