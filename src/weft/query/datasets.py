"""The datasets: dimensions and measures of each, derived from the table and dictionary declarations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weft.model.changes import CHANGES
from weft.model.dictionaries import Attribute
from weft.model.flows import FLOWS
from weft.model.logs import LOGS
from weft.model.metrics import METRICS
from weft.query.business.dataset import build_business
from weft.query.catalogue import Catalogue, Dataset, Example, Family
from weft.query.cloud.dataset import build_cloud
from weft.query.dimensions import dimensions_of, either_sides, label_dimension
from weft.query.events.dataset import build_events
from weft.query.measures import CHANGE_MEASURES, FLOW_MEASURES, LOG_MEASURES
from weft.query.metric.measures import METRIC_MEASURES, METRIC_SHAPE
from weft.query.routing.dataset import build_routes
from weft.query.synthetics.dataset import build_hops, build_probes


def build_flows(extra: Mapping[str, Sequence[Attribute]]) -> Dataset:
    """The ``flows`` table; ``extra`` holds the user's own attributes by dictionary name."""
    dimensions = dimensions_of(FLOWS, extra)
    either = {e.name: e for e in either_sides(dimensions)}
    return Dataset(
        FLOWS, dimensions, either, {m.name: m for m in FLOW_MEASURES}, "Flows", "bps",
        records=("exporter", "src_addr", "src_port", "dst_addr", "dst_port", "protocol", "app", "tcp_flags", "in_if",
                 "out_if", "src_as", "dst_as", "sampling_rate"),
        examples=(
            Example("Top source AS", {"by": ["src_as"]}),
            Example("Traffic at the boundary", {"by": ["in_if"], "filter": "in_if_boundary = external"}),
        ),
    )  # fmt: skip


def build_metrics(extra: Mapping[str, Sequence[Attribute]]) -> Dataset:
    """The ``metrics`` table: counters and gauges."""
    return Dataset(
        METRICS, dimensions_of(METRICS, extra), {}, {m.name: m for m in METRIC_MEASURES}, "Metrics", "samples",
        records=("exporter", "metric", "component", "labels", "source", "metric_type", "text"),
        ties=("exporter", "metric", "component", "if_index", "labels", "source", "host"),
        families=(Family("label", "Value of one label: label_queue, label_lane.", label_dimension),),
        views=("series", "table", "records", "stat"),
        shape=METRIC_SHAPE,
        examples=(
            Example("Busiest interfaces, received", {"by": ["interface"], "filter": "metric = in_octets"}),
            Example("Utilisation", {"by": ["interface", "metric"], "measures": ["utilisation"],
                                    "filter": "metric IN (in_octets, out_octets)"}),
            Example("Errors and discards", {"by": ["interface", "metric"], "measures": ["rate"],
                    "filter": "metric IN (in_errors, out_errors, in_discards, out_discards)"}),
            Example("Processors", {"by": ["exporter", "component"], "filter": "metric = cpu_percent"}),
            Example("Optical power received", {"by": ["exporter", "component"], "filter": "metric = optical_rx_dbm"}),
            Example("What is collected", {"by": ["metric"], "measures": ["samples", "series"], "view": "table"}),
        ),
    )  # fmt: skip


def build_logs(extra: Mapping[str, Sequence[Attribute]]) -> Dataset:
    """The ``logs`` table: what devices say in words."""
    return Dataset(
        LOGS, dimensions_of(LOGS, extra), {}, {m.name: m for m in LOG_MEASURES}, "Logs", "messages",
        records=("exporter", "host", "severity", "program", "event", "component", "message"),
        ties=("time_received", "exporter", "process_id", "message"),
        examples=(
            Example("Messages by severity", {"by": ["severity"]}),
            Example("Events", {"by": ["event"], "filter": 'event != ""'}),
            Example("Link changes", {"view": "records", "filter": 'message ~ "link down"'}),
            Example("New kinds of messages", {"by": ["template"], "view": "table", "compare_to": "previous"}),
        ),
    )  # fmt: skip


def build_changes(extra: Mapping[str, Sequence[Attribute]]) -> Dataset:
    """The ``changes`` table: what people and machines did."""
    return Dataset(
        CHANGES, dimensions_of(CHANGES, extra), {}, {m.name: m for m in CHANGE_MEASURES}, "Changes", "changes",
        records=("exporter", "host", "kind", "source", "author", "component", "title", "reference", "change_id",
                 "detail"),
        ties=("time_received", "exporter", "change_id", "component"),
        examples=(
            Example("Changes by kind", {"by": ["kind"]}),
            Example("Who changed what", {"by": ["author", "component"], "view": "table"}),
            Example("Latest changes", {"view": "records"}),
        ),
    )  # fmt: skip


def build_catalogue(extra: Mapping[str, Sequence[Attribute]] | None = None) -> Catalogue:
    """Every dataset; ``extra`` holds the user's own dictionary attributes by dictionary name."""
    extra = extra or {}
    built = (
        build_flows(extra), build_metrics(extra), build_logs(extra), build_changes(extra), build_routes(extra),
        build_cloud(extra), build_probes(extra), build_hops(extra), build_business(extra), build_events(extra),
    )  # fmt: skip
    return Catalogue({dataset.name: dataset for dataset in built})
