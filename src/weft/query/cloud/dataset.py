"""The ``cloud_flows`` dataset: what can be asked and measured of cloud flow logs.

Volumes count every packet once: rows of traffic that the other end logs as it leaves (``counted = no``) are left out,
and rows are multiplied by their sampling rate. ``records`` and what is derived from them count log records as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weft.model.cloud import CLOUD_FLOWS
from weft.model.dictionaries import Attribute
from weft.query.catalogue import Dataset, Example
from weft.query.dimensions import dimensions_of, either_sides
from weft.query.measures import SLOT_S, Measure


def _sum(name: str, title: str, unit: str, meaning: str, of: str) -> Measure:
    return Measure(name, title, unit, meaning, "sum", (of,))


def _rate(name: str, title: str, unit: str, meaning: str, of: str, scale: float = 1.0) -> Measure:
    return Measure(name, title, unit, meaning, "rate", (of,), scale)


def _unique(dimension: str, title: str) -> Measure:
    meaning = f"Distinct {title}, exact."
    return Measure(f"unique_{dimension}", title[:1].upper() + title[1:], "", meaning, "unique", dimension=dimension)


CLOUD_MEASURES = (
    _rate("bps", "Bits per second", "bit/s", "Average rate, each packet once, corrected for sampling.", "cloud_bytes",
          8.0),
    _rate("pps", "Packets per second", "packet/s", "Average packet rate, likewise.", "cloud_packets"),
    _sum("bytes", "Bytes", "B", "Volume, each packet once, corrected for sampling.", "cloud_bytes"),
    _sum("packets", "Packets", "packets", "Packets, likewise.", "cloud_packets"),
    _sum("records", "Records", "records", "Log records that hold a flow, of both ends.", "cloud_records"),
    _rate("records_per_s", "Records per second", "record/s", "The same per second.", "cloud_records"),
    _sum("rejected", "Rejected", "records", "Records of traffic that was not let through.", "cloud_rejected"),
    Measure("rejected_share", "Share rejected", "%", "Of the records with a flow, those not let through.", "ratio",
            ("cloud_rejected", "cloud_records"), 100.0),
    _sum("logged_bytes", "Bytes as logged", "B", "Volume as both ends log it, corrected for sampling.",
         "cloud_logged_bytes"),
    _sum("packets_lost", "Packets lost", "packets", "Packets that transit gateways dropped.", "cloud_packets_lost"),
    _sum("intervals_skipped", "Intervals with losses", "intervals",
         "Intervals of which the provider lost records (SKIPDATA).", "cloud_skipped"),
    _sum("intervals_without_data", "Intervals without data", "intervals",
         "Intervals in which nothing passed (NODATA).", "cloud_no_data"),
    Measure("p95_bps", "95th percentile", "bit/s",
            f"95th percentile of the {SLOT_S // 60}-minute rates (of the bucket rates in windows under an hour), "
            "silence being 0.", "percentile", ("cloud_bytes",), 8.0),
    _unique("account", "accounts"),
    _unique("vpc", "networks"),
    _unique("subnet", "subnets"),
    _unique("interface_id", "interfaces"),
    _unique("instance", "instances"),
    _unique("src_addr", "source addresses"),
    _unique("dst_addr", "destination addresses"),
    _unique("dst_port", "destination ports"),
)  # fmt: skip


def build_cloud(extra: Mapping[str, Sequence[Attribute]]) -> Dataset:
    """The ``cloud_flows`` table: what clouds log of their traffic."""
    dimensions = dimensions_of(CLOUD_FLOWS, extra)
    return Dataset(
        CLOUD_FLOWS, dimensions, {one.name: one for one in either_sides(dimensions)},
        {m.name: m for m in CLOUD_MEASURES}, "Cloud flows", "bps",
        records=("provider", "account", "vpc", "interface_id", "verdict", "direction", "src_addr", "src_port",
                 "dst_addr", "dst_port", "protocol", "destination"),
        ties=("time_start", "interface_id", "src_addr", "dst_addr", "src_port", "dst_port", "protocol", "direction",
              "file"),
        examples=(
            Example("Traffic by network", {"by": ["vpc"]}),
            Example("Traffic by region and zone", {"by": ["region", "zone"]}),
            Example("What leaves, by where it goes", {"by": ["destination"], "filter": "direction = egress"}),
            Example("Rejected traffic", {"by": ["dst_port", "src_addr"], "filter": "verdict = reject",
                                         "measures": ["rejected"], "view": "table"}),
            Example("Through gateways", {"by": ["gateway"], "filter": 'gateway != ""'}),
            Example("To the Internet, by instance",
                    {"by": ["instance"], "filter": "direction = egress AND destination = internet"}),
            Example("Records that the providers lost", {"by": ["account", "interface_id"], "view": "table",
                                                        "measures": ["intervals_skipped"],
                                                        "filter": "log_state = skipdata"}),
        ),
    )  # fmt: skip
