"""The datasets: dimensions and measures of each, derived from the table and dictionary declarations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from weft.model.changes import CHANGES
from weft.model.dictionaries import APPLICATIONS, ASNS, EXPORTERS, INTERFACES, NETWORKS, Attribute, Dictionary
from weft.model.flows import FLOWS
from weft.model.logs import LOGS
from weft.model.metrics import METRICS
from weft.model.tables import Column, Kind, Role, Table
from weft.query.catalogue import (
    FLAG_OPERATORS,
    OPERATORS,
    ORDER,
    WORD_OPERATORS,
    Catalogue,
    Dataset,
    Dimension,
    Either,
    Example,
    Family,
    title_of,
)
from weft.query.compile.sql import literal
from weft.query.measures import CHANGE_MEASURES, FLOW_MEASURES, LOG_MEASURES
from weft.query.metric.measures import METRIC_MEASURES

_ALIASES = {
    "protocol": ("proto",), "exporter": ("exporter_address", "exporter_addr", "router"),
    "app": ("application", "app_name"),
    "in_if_speed_bps": ("in_if_speed",), "out_if_speed_bps": ("out_if_speed",), "tcp_flags": ("flags",),
    "src_addr": ("src_address", "src_ip"), "dst_addr": ("dst_address", "dst_ip"), "next_hop": ("nexthop_addr",),
    "ip_version": ("etype",), "in_if": ("input_interface", "in_iface"), "out_if": ("output_interface", "out_iface"),
    "interface": ("if", "if_index"), "if_name": ("interface_name",), "if_speed_bps": ("if_speed",),
}  # fmt: skip
_WIDE_KINDS = (Kind.ADDRESS, Kind.PORT, Kind.ASN, Kind.MAC, Kind.INTERFACE)
_WIDE = {
    "observation_domain", "ipv6_flow_label", "tunnel_id", "mpls_label", "component", "labels", "message", "fields",
    "process_id", "change_id", "reference", "title", "detail", "text",
}  # fmt: skip
#: Columns whose words can be searched, and columns whose named values have an order.
_SEARCHED = {"message", "title", "detail"}
_ORDERED = {"severity"}
#: Kind of column → the dictionary that knows its ids. An interface is known by its exporter and its index.
_DICTIONARIES = {
    Kind.INTERFACE: INTERFACES, Kind.NETWORK: NETWORKS, Kind.APPLICATION: APPLICATIONS, Kind.ASN: ASNS,
}  # fmt: skip


def _dimension(name: str, kind: Kind, meaning: str, keys: tuple[str, ...], **more: object) -> Dimension:
    operators = OPERATORS[kind]
    if name == "tcp_flags":
        operators = (*operators, *FLAG_OPERATORS)
    if name in _SEARCHED:
        operators = (*WORD_OPERATORS, *operators)
    if name in _ORDERED:
        operators = (*operators, *ORDER)
    return Dimension(
        name, title_of(name), kind, meaning, keys, operators=operators, aliases=_ALIASES.get(name, ()), **more  # type: ignore[arg-type]
    )  # fmt: skip


def _of_attribute(
    prefix: str, column: Column, keys: tuple[str, ...], dictionary: Dictionary, a: Attribute
) -> Dimension:
    kind = Kind.TEXT if a.sql == "String" else Kind.NUMBER
    meaning = f"{a.meaning} ({column.meaning.rstrip('.')}.)"
    return _dimension(
        f"{prefix}_{a.name}", kind, meaning, keys, unit=a.unit, dictionary=dictionary, attribute=a.name,
        wide=dictionary is ASNS,
    )  # fmt: skip


def _of_column(column: Column, extra: Mapping[str, Sequence[Attribute]]) -> Iterable[Dimension]:
    name, kind = column.name, column.kind
    keys: tuple[str, ...] = (name,)
    dictionary = EXPORTERS if name == "exporter" else _DICTIONARIES.get(kind)
    prefix = name
    if kind is Kind.INTERFACE:
        keys = ("exporter", name)
        if name == "if_index":
            name, prefix = "interface", "if"
    if kind is Kind.APPLICATION:
        yield _dimension(
            name, kind, "Application that protocol and ports name.", keys, dictionary=APPLICATIONS, attribute="name"
        )
    elif kind is Kind.NETWORK:
        prefix = name.removesuffix("_net")
    else:
        wide = name in _WIDE or (kind in _WIDE_KINDS and name != "exporter")
        yield _dimension(name, kind, column.meaning, keys, unit=column.unit, values=column.values, wide=wide)
    if dictionary is None:
        return
    for a in (*dictionary.attributes, *extra.get(dictionary.name, ())):
        if kind is not Kind.APPLICATION or a.name != "name":
            yield _of_attribute(prefix, column, keys, dictionary, a)


#: Small expressions over columns that people group and filter by: name, kind, meaning, column, SQL, values.
_EXPRESSIONS: tuple[tuple[str, Kind, str, str, str, dict[int, str]], ...] = (
    ("ip_version", Kind.ENUM, "IP version of the source address.", "src_addr",
     "if(src_addr BETWEEN toIPv6('::ffff:0.0.0.0') AND toIPv6('::ffff:255.255.255.255'), 4, 6)",
     {4: "ipv4", 6: "ipv6"}),
    ("dscp", Kind.NUMBER, "Differentiated services code point: the upper six bits of tos.", "tos",
     "bitShiftRight(tos, 2)", {}),
    ("icmp_type", Kind.NUMBER, "ICMP type.", "icmp_type_code", "bitShiftRight(icmp_type_code, 8)", {}),
    ("icmp_code", Kind.NUMBER, "ICMP code.", "icmp_type_code", "bitAnd(icmp_type_code, 255)", {}),
)  # fmt: skip


def _either_sides(dimensions: Mapping[str, Dimension]) -> Iterable[Either]:
    for one, other in (("src_", "dst_"), ("in_if", "out_if"), ("in_vrf", "out_vrf"), ("inner_src_", "inner_dst_")):
        for name, side in dimensions.items():
            if not name.startswith(one):
                continue
            rest = name.removeprefix(one)
            short = {"in_if": "if" + rest, "in_vrf": "vrf", "inner_src_": "inner_" + rest}.get(one, rest)
            if other + rest in dimensions and short not in dimensions:
                yield Either(short, f"{title_of(short)}, either side", (side, dimensions[other + rest]))


def _of_table(table: Table, extra: Mapping[str, Sequence[Attribute]]) -> dict[str, Dimension]:
    """Columns to group by with what the dictionaries know of them, then columns that are only filtered by."""
    dimensions = {d.name: d for c in table.columns if c.role is Role.DIMENSION for d in _of_column(c, extra)}
    for name, kind, meaning, column, sql, values in _EXPRESSIONS:
        if column in table.by_name:
            dimensions[name] = _dimension(name, kind, meaning, (column,), expression=sql, values=values)
    for c in table.measures:
        meaning = f"{c.meaning} Of one record; filters raw rows."
        dimensions[c.name] = _dimension(
            c.name, Kind.NUMBER, meaning, (c.name,), unit=c.unit, groupable=False, real=c.sql == "Float64"
        )
    return dimensions


def build_flows(extra: Mapping[str, Sequence[Attribute]]) -> Dataset:
    """The ``flows`` table; ``extra`` holds the user's own attributes by dictionary name."""
    dimensions = _of_table(FLOWS, extra)
    either = {e.name: e for e in _either_sides(dimensions)}
    return Dataset(
        FLOWS, dimensions, either, {m.name: m for m in FLOW_MEASURES}, "Flows", "bps",
        records=("exporter", "src_addr", "src_port", "dst_addr", "dst_port", "protocol", "app", "tcp_flags", "in_if",
                 "out_if", "src_as", "dst_as", "sampling_rate"),
        examples=(
            Example("Top source AS", {"by": ["src_as"]}),
            Example("Traffic at the boundary", {"by": ["in_if"], "filter": "in_if_boundary = external"}),
        ),
    )  # fmt: skip


#: Names of labels: those of Prometheus, and the keys of gNMI paths.
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_:.\-]{0,99}")
#: One label of the text, its value as written.
_ANY_LABEL = r'[^"=,]+="(?:[^"\\]|\\.)*",'


def label_sql(name: str) -> str:
    """The value of one label in ``labels``, as SQL; empty where there is none.

    The text is walked label by label from its beginning, so that a value cannot pass for another label.
    """
    pattern = f'^(?:{_ANY_LABEL})*{re.escape(name)}="((?:[^"\\\\]|\\\\.)*)"'
    written = f"extract(labels, {literal(pattern)})"
    # An escaped backslash stands aside as a control character while the other escapes are read.
    for text, meant in (("\\\\", "\x01"), ('\\"', '"'), ("\\n", "\n"), ("\x01", "\\")):
        written = f"replaceAll({written}, {literal(text)}, {literal(meant)})"
    return written


def _label(name: str) -> Dimension | None:
    if not _LABEL.fullmatch(name):
        return None
    meaning = f"Value of the label {name}; empty where a series has none."
    return _dimension(f"label_{name}", Kind.TEXT, meaning, ("labels",), expression=label_sql(name))


def build_metrics(extra: Mapping[str, Sequence[Attribute]]) -> Dataset:
    """The ``metrics`` table: counters and gauges."""
    return Dataset(
        METRICS, _of_table(METRICS, extra), {}, {m.name: m for m in METRIC_MEASURES}, "Metrics", "samples",
        records=("exporter", "metric", "component", "labels", "source", "metric_type", "text"),
        ties=("exporter", "metric", "component", "if_index", "labels", "source", "host"),
        families=(Family("label", "Value of one label: label_queue, label_lane.", _label),),
        views=("series", "table", "records", "stat"),
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
        LOGS, _of_table(LOGS, extra), {}, {m.name: m for m in LOG_MEASURES}, "Logs", "messages",
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
        CHANGES, _of_table(CHANGES, extra), {}, {m.name: m for m in CHANGE_MEASURES}, "Changes", "changes",
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
    built = (build_flows(extra), build_metrics(extra), build_logs(extra), build_changes(extra))
    return Catalogue({dataset.name: dataset for dataset in built})
