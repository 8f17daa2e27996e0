"""The ``probes`` and ``hops`` datasets: what can be asked of synthetic tests in the explorer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weft.model.dictionaries import Attribute
from weft.model.probes import HOPS, PROBES
from weft.query.catalogue import Dataset, Example
from weft.query.dimensions import dimensions_of
from weft.query.measures import Measure


def _mean(name: str, title: str, meaning: str, unit: str = "ms") -> Measure:
    return Measure(name, title, unit, meaning, "ratio", (f"{name}_sum", f"{name}_runs"))


def _sum(name: str, title: str, unit: str, meaning: str) -> Measure:
    return Measure(name, title, unit, meaning, "sum", (name,))


def _unique(dimension: str, title: str) -> Measure:
    meaning = f"Distinct {title}, exact."
    return Measure(f"unique_{dimension}", title[:1].upper() + title[1:], "", meaning, "unique", dimension=dimension)


_LOSS = Measure(
    "loss", "Loss", "%", "Probes not answered of those sent.", "ratio", ("probes_lost", "probes_sent"), 100.0
)

PROBE_MEASURES = (
    _mean("rtt_ms", "Latency", "Mean round trip of the runs that were answered; HTTP and DNS: the whole transaction."),
    _LOSS,
    _mean("jitter_ms", "Jitter", "Mean difference between one round trip and the next."),
    Measure("availability", "Availability", "%",
            "Runs that worked (ok or degraded) of those that could be carried out.", "ratio",
            ("runs_worked", "runs_done"), 100.0),
    _sum("runs", "Runs", "runs", "Runs of tests."),
    _sum("runs_failed", "Failed runs", "runs", "Runs without an answer, or with a wrong one."),
    _sum("runs_degraded", "Degraded runs", "runs", "Runs beyond a limit that the test declares."),
    _sum("runs_in_error", "Runs in error", "runs", "Runs that an agent could not carry out."),
    _mean("dns_ms", "Name look-up", "Looking the name up."),
    _mean("connect_ms", "Connect", "TCP handshake."),
    _mean("tls_ms", "TLS", "TLS handshake."),
    _mean("first_byte_ms", "First byte", "From the request to the first byte of the answer."),
    _mean("transfer_ms", "Transfer", "From the first byte of the answer to the last."),
    _mean("throughput_bps", "Throughput", "Mean of the runs that measured it.", "bit/s"),
    _mean("certificate_days", "Certificate", "Days until the certificate expires.", "d"),
    _mean("hop_count", "Hops", "Length of the longest branch, of the runs that traced.", "hops"),
    _unique("path", "paths"),
    _unique("agent", "agents"),
    _unique("target", "targets"),
    _unique("test", "tests"),
)  # fmt: skip

HOP_MEASURES = (
    _mean("rtt_ms", "Latency", "Mean round trip to the hop."),
    _LOSS,
    Measure("traces", "Traces", "runs", "Runs that traced.", "unique", dimension="run"),
    _unique("hop", "hops"),
    _unique("hop_as", "ASes"),
)  # fmt: skip


def build_probes(extra: Mapping[str, Sequence[Attribute]]) -> Dataset:
    """The ``probes`` table: one row per run of a test."""
    return Dataset(
        PROBES, dimensions_of(PROBES, extra), {}, {m.name: m for m in PROBE_MEASURES}, "Synthetic tests", "rtt_ms",
        records=("test", "kind", "agent", "target", "target_agent", "resolver", "address", "state", "code", "error",
                 "answer"),
        ties=("test", "agent", "run"),
        examples=(
            Example("Latency by test", {"by": ["test"]}),
            Example("Loss by agent and target", {"by": ["agent", "target"], "measures": ["loss"]}),
            Example("What failed", {"view": "records", "filter": "state IN (failed, error)"}),
            Example("Phases of HTTP", {"by": ["target"], "view": "table", "filter": "kind = http",
                    "measures": ["rtt_ms", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "transfer_ms"]}),
            Example("Availability", {"by": ["test"], "measures": ["availability"]}),
        ),
    )  # fmt: skip


def build_hops(extra: Mapping[str, Sequence[Attribute]]) -> Dataset:
    """The ``hops`` table: traced paths."""
    return Dataset(
        HOPS, dimensions_of(HOPS, extra), {}, {m.name: m for m in HOP_MEASURES}, "Traced paths", "rtt_ms",
        records=("test", "agent", "target", "flow_id", "ttl", "hop", "hop_as", "hop_device", "mpls", "reached"),
        ties=("test", "agent", "run", "flow_id", "ttl"),
        examples=(
            Example("Latency by hop", {"by": ["ttl", "hop"], "filter": "hop != ::"}),
            Example("ASes on the way", {"by": ["test", "hop_as"], "view": "table", "filter": "hop_as != 0"}),
        ),
    )  # fmt: skip
