"""What can be measured of rows that add up: flows, log messages, changes; of metrics see ``metric/measures.py``.

A measure is built from a few exact sums, so that rollups and raw rows give the same number. Of flows the sums are
``bytes`` and ``packets`` (corrected for sampling: × the row's own rate, an unknown rate counting as 1) and ``flows``
(records, not corrected). Rates divide by the seconds asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

#: ``rate``: sum × scale ÷ seconds. ``sum``: sum × scale. ``ratio``: first sum ÷ second. ``unique``: exact count of
#: distinct values of a column. ``percentile``: 95th of the rates of the window's slots. The last two do not add up.
#: ``metric``: worked out per series of a metric first, see ``metric/measures.py``.
Form = Literal["rate", "sum", "ratio", "unique", "percentile", "metric"]

#: The sums, as SQL over the rows of a table. Those of ``COUNTS`` count rows: rollups keep them as a column.
SUMS: Mapping[str, str] = {
    "bytes": "sum(bytes * greatest(sampling_rate, 1))",
    "packets": "sum(packets * greatest(sampling_rate, 1))",
    "flows": "flows",
    "messages": "messages",
    "changes": "changes",
    "added": "sum(added)",
    "removed": "sum(removed)",
    "updates": "countIf(event IN (1, 2, 3))",
    "announcements": "countIf(event = 1)",
    "path_changes": "countIf(event = 2)",
    "withdrawals": "countIf(event = 3)",
    "sessions_up": "countIf(event = 5)",
    "sessions_down": "countIf(event = 6)",
    "invalid_updates": "countIf(rpki = 2 AND event IN (1, 2))",
    "cloud_bytes": "sumIf(bytes * greatest(sampling_rate, 1), counted = 1)",
    "cloud_packets": "sumIf(packets * greatest(sampling_rate, 1), counted = 1)",
    "cloud_logged_bytes": "sum(bytes * greatest(sampling_rate, 1))",
    "cloud_records": "countIf(log_state = 1)",
    "cloud_rejected": "countIf(verdict = 2)",
    "cloud_no_data": "countIf(log_state = 2)",
    "cloud_skipped": "countIf(log_state = 3)",
    "cloud_packets_lost": "sum(packets_lost)",
    "runs": "count()",
    "runs_worked": "countIf(state IN (1, 2))",
    "runs_done": "countIf(state != 4)",
    "runs_degraded": "countIf(state = 2)",
    "runs_failed": "countIf(state = 3)",
    "runs_in_error": "countIf(state = 4)",
    "probes_sent": "sum(sent)",
    "probes_lost": "sum(sent - least(sent, received))",
    "rtt_ms_sum": "sum(rtt_ms)",
    "rtt_ms_runs": "countIf(rtt_ms > 0)",
    "jitter_ms_sum": "sum(jitter_ms)",
    "jitter_ms_runs": "countIf(jitter_ms > 0)",
    "dns_ms_sum": "sum(dns_ms)",
    "dns_ms_runs": "countIf(dns_ms > 0)",
    "connect_ms_sum": "sum(connect_ms)",
    "connect_ms_runs": "countIf(connect_ms > 0)",
    "tls_ms_sum": "sum(tls_ms)",
    "tls_ms_runs": "countIf(tls_ms > 0)",
    "first_byte_ms_sum": "sum(first_byte_ms)",
    "first_byte_ms_runs": "countIf(first_byte_ms > 0)",
    "transfer_ms_sum": "sum(transfer_ms)",
    "transfer_ms_runs": "countIf(transfer_ms > 0)",
    "throughput_bps_sum": "sum(throughput_bps)",
    "throughput_bps_runs": "countIf(throughput_bps > 0)",
    "certificate_days_sum": "sum(certificate_days)",
    "certificate_days_runs": "countIf(certificate_days > 0)",
    "hop_count_sum": "sum(hops)",
    "hop_count_runs": "countIf(hops > 0)",
    "event_rows": "count()",
    "events_opened": "countIf(transition = 1)",
    "events_worse": "countIf(transition = 2)",
    "events_closed": "countIf(transition = 3)",
    "events_suppressed": "countIf(transition = 4)",
    "events_lasted_s": "sumIf(lasted_s, transition = 3)",
}
COUNTS = frozenset({"flows", "messages", "changes"})


@dataclass(frozen=True)
class Measure:
    """One measure: its form, the sums it needs and, for ``unique``, the dimension it counts."""

    name: str
    title: str
    unit: str
    meaning: str
    form: Form
    sums: tuple[str, ...] = ()
    scale: float = 1.0
    dimension: str = ""

    @property
    def additive(self) -> bool:
        """Whether the remainder can be had by subtraction from the total."""
        return self.form in ("rate", "sum", "ratio")

    def value(self, sums: Mapping[str, float | None], seconds: float) -> float | None:
        """The measure from its sums over ``seconds``; None where it is undefined (a mean of nothing)."""
        if self.form == "unique" or self.form == "percentile":
            value = sums[self.name]
            return None if value is None else value * self.scale
        parts = [sums[name] for name in self.sums]
        first = parts[0]
        if first is None:
            return None
        if self.form == "ratio":
            second = parts[1]
            return first * self.scale / second if second else None
        return first * self.scale / seconds if self.form == "rate" else first * self.scale


def _rate(name: str, title: str, unit: str, of: str, scale: float, meaning: str) -> Measure:
    return Measure(name, title, unit, meaning, "rate", (of,), scale)


def _percentile(name: str, title: str, unit: str, of: str, scale: float) -> Measure:
    meaning = "95th percentile of the 5-minute rates (of the bucket rates in windows under an hour), silence being 0."
    return Measure(name, title, unit, meaning, "percentile", (of,), scale)


def _unique(dimension: str, title: str) -> Measure:
    meaning = f"Distinct {title[:1].lower()}{title[1:]}, exact."
    return Measure(f"unique_{dimension}", title, "", meaning, "unique", dimension=dimension)


#: Slot of the percentile measures in seconds: the field bills the 95th percentile of 5-minute rates.
SLOT_S = 300

FLOW_MEASURES = (
    _rate("bps", "Bits per second", "bit/s", "bytes", 8.0, "Average rate, corrected for sampling."),
    _rate("pps", "Packets per second", "packet/s", "packets", 1.0, "Average packet rate, corrected for sampling."),
    _rate("fps", "Flows per second", "flow/s", "flows", 1.0, "Flow records received per second, not corrected."),
    Measure("bytes", "Bytes", "B", "Volume, corrected for sampling.", "sum", ("bytes",)),
    Measure("packets", "Packets", "packets", "Packets, corrected for sampling.", "sum", ("packets",)),
    Measure("flows", "Flows", "flows", "Flow records or samples received, not corrected.", "sum", ("flows",)),
    Measure("avg_packet_size", "Average packet size", "B", "Bytes per packet.", "ratio", ("bytes", "packets")),
    _percentile("p95_bps", "95th percentile", "bit/s", "bytes", 8.0),
    _percentile("p95_pps", "95th percentile of packets", "packet/s", "packets", 1.0),
    _unique("src_addr", "Source addresses"),
    _unique("dst_addr", "Destination addresses"),
    _unique("src_port", "Source ports"),
    _unique("dst_port", "Destination ports"),
    _unique("src_as", "Source ASes"),
    _unique("dst_as", "Destination ASes"),
    _unique("exporter", "Exporters"),
)  # fmt: skip


LOG_MEASURES = (
    Measure("messages", "Messages", "messages", "Log messages.", "sum", ("messages",)),
    _rate("mps", "Messages per second", "message/s", "messages", 1.0, "Log messages per second."),
    _percentile("p95_mps", "95th percentile of messages", "message/s", "messages", 1.0),
    _unique("exporter", "Devices"),
    _unique("host", "Hosts"),
    _unique("program", "Programs"),
    _unique("event", "Events"),
    _unique("template", "Templates"),
    _unique("component", "Components"),
)  # fmt: skip

CHANGE_MEASURES = (
    Measure("changes", "Changes", "changes", "Changes as reported.", "sum", ("changes",)),
    Measure("added", "Lines added", "lines", "Lines that came.", "sum", ("added",)),
    Measure("removed", "Lines removed", "lines", "Lines that went.", "sum", ("removed",)),
    _unique("change_id", "Change names"),
    _unique("exporter", "Devices"),
    _unique("author", "Authors"),
    _unique("component", "Components"),
)  # fmt: skip


def sums_needed(measures: Sequence[Measure]) -> tuple[str, ...]:
    """The sums that these measures are built from, each once, in a fixed order."""
    needed = {name for m in measures if m.form != "unique" for name in m.sums}
    return tuple(name for name in SUMS if name in needed)
