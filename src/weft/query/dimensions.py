"""Dimensions of a dataset, derived from the declarations of its table and of the dictionaries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from weft.model.dictionaries import APPLICATIONS, ASNS, EXPORTERS, INTERFACES, NETWORKS, PATHS, Attribute, Dictionary
from weft.model.tables import Column, Kind, Role, Table
from weft.query.catalogue import (
    FLAG_OPERATORS,
    OPERATORS,
    ORDER,
    WORD_OPERATORS,
    Dimension,
    Either,
    title_of,
)
from weft.query.compile.sql import literal
from weft.query.references import label_names, with_references

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
    "process_id", "change_id", "reference", "title", "detail", "text", "event_id",
    "entity",
}  # fmt: skip
#: Columns whose words can be searched, and columns whose named values have an order.
_SEARCHED = {"message", "title", "detail"}
_ORDERED = {"severity"}
#: Kind of column → the dictionary that knows its ids. An interface is known by its exporter and its index.
_DICTIONARIES = {
    Kind.INTERFACE: INTERFACES, Kind.NETWORK: NETWORKS, Kind.APPLICATION: APPLICATIONS, Kind.ASN: ASNS,
    Kind.ROUTE: PATHS,
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
    kind = Kind.TEXT if a.sql == "String" else Kind.ASN if a.is_as else Kind.NUMBER
    meaning = f"{a.meaning} ({column.meaning.rstrip('.')}.)"
    return _dimension(
        f"{prefix}_{a.name}", kind, meaning, keys, unit=a.unit, dictionary=dictionary, attribute=a.name,
        wide=dictionary in (ASNS, PATHS),
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
    elif kind is Kind.ROUTE:
        prefix = name.removesuffix("_path")
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


def either_sides(dimensions: Mapping[str, Dimension]) -> Iterable[Either]:
    """What a flow has twice under one name: ``addr`` for ``src_addr`` or ``dst_addr``."""
    for one, other in (("src_", "dst_"), ("in_if", "out_if"), ("in_vrf", "out_vrf"), ("inner_src_", "inner_dst_")):
        for name, side in dimensions.items():
            if not name.startswith(one):
                continue
            rest = name.removeprefix(one)
            short = {"in_if": "if" + rest, "in_vrf": "vrf", "inner_src_": "inner_" + rest}.get(one, rest)
            if other + rest in dimensions and short not in dimensions:
                yield Either(short, f"{title_of(short)}, either side", (side, dimensions[other + rest]))


def dimensions_of(table: Table, extra: Mapping[str, Sequence[Attribute]]) -> dict[str, Dimension]:
    """Columns to group by with what the dictionaries know of them, then columns that are only filtered by."""
    dimensions = {d.name: d for c in table.columns if c.role is Role.DIMENSION for d in _of_column(c, extra)}
    labels = [label_dimension(name) for name in label_names()] if "labels" in table.by_name else []
    dimensions = with_references(dimensions, extra, filter(None, labels))
    for name, kind, meaning, column, sql, values in _EXPRESSIONS:
        if column in table.by_name:
            dimensions[name] = _dimension(name, kind, meaning, (column,), expression=sql, values=values)
    for c in table.measures:
        meaning = f"{c.meaning} Of one record; filters raw rows."
        dimensions[c.name] = _dimension(
            c.name, Kind.NUMBER, meaning, (c.name,), unit=c.unit, groupable=False, real=c.sql == "Float64"
        )
    return dimensions


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


def label_dimension(name: str) -> Dimension | None:
    """The dimension of one label of ``labels``; None where no label can have that name."""
    if not _LABEL.fullmatch(name):
        return None
    meaning = f"Value of the label {name}; empty where a series has none."
    return _dimension(f"label_{name}", Kind.TEXT, meaning, ("labels",), expression=label_sql(name))
