"""What can be measured. A measure is built from a few exact sums, so that a rollup and the raw rows give the same number.

The sums are ``bytes`` and ``packets`` (corrected for sampling: × the row's own rate, an unknown rate counting as 1) and
``flows`` (records, not corrected). Rates divide by the seconds asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

#: ``rate``: sum × scale ÷ seconds. ``sum``: sum × scale. ``ratio``: first sum ÷ second. ``unique``: exact count of
#: distinct values of a column. ``percentile``: 95th of the rates of the window's slots. The last two do not add up.
Form = Literal["rate", "sum", "ratio", "unique", "percentile"]


@dataclass(frozen=True, slots=True)
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
    Measure("p95_bps", "95th percentile", "bit/s", "95th percentile of the 5-minute bit rates (of the bucket rates where "
            "buckets are longer), empty ones counted as 0.", "percentile", ("bytes",), 8.0),
    Measure("p95_pps", "95th percentile of packets", "packet/s", "95th percentile of the 5-minute packet rates (of the "
            "bucket rates where buckets are longer), empty ones counted as 0.", "percentile", ("packets",)),
    Measure("unique_src_addr", "Source addresses", "", "Distinct source addresses, exact.", "unique", dimension="src_addr"),
    Measure("unique_dst_addr", "Destination addresses", "", "Distinct destination addresses, exact.", "unique",
            dimension="dst_addr"),
    Measure("unique_src_port", "Source ports", "", "Distinct source ports, exact.", "unique", dimension="src_port"),
    Measure("unique_dst_port", "Destination ports", "", "Distinct destination ports, exact.", "unique", dimension="dst_port"),
    Measure("unique_src_as", "Source ASes", "", "Distinct source autonomous systems, exact.", "unique", dimension="src_as"),
    Measure("unique_dst_as", "Destination ASes", "", "Distinct destination autonomous systems, exact.", "unique",
            dimension="dst_as"),
    Measure("unique_exporter", "Exporters", "", "Distinct exporters, exact.", "unique", dimension="exporter"),
)  # fmt: skip


def sums_needed(measures: Sequence[Measure]) -> tuple[str, ...]:
    """The sums that these measures are built from, each once, in a fixed order."""
    needed = {name for m in measures if m.form != "unique" for name in m.sums}
    return tuple(name for name in ("bytes", "packets", "flows") if name in needed)
