"""What can be asked: the dimensions and measures of every dataset, derived from the table and dictionary declarations.

A *dimension* is something to group and filter by: a column (``src_as``), an attribute that a dictionary gives to a
column's ids (``src_site``, ``in_if_boundary``), or a small expression over columns (``dscp``). Names match whatever
their case, ``_`` and ``.``: ``SrcAS``, ``src_as`` and ``InIf.boundary``, ``in_if_boundary`` are the same.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from weft.errors import InvalidInput
from weft.model.dictionaries import (
    APPLICATIONS,
    ASNS,
    EXPORTERS,
    INTERFACES,
    NETWORKS,
    Attribute,
    Dictionary,
)
from weft.model.flows import FLOWS
from weft.model.tables import Column, Kind, Role, Table
from weft.query.measures import FLOW_MEASURES, Measure

EQUALITY = ("=", "!=", "IN", "NOT IN")
ORDER = ("<", "<=", ">", ">=")
PATTERN = ("LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE")
OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    Kind.TIMESTAMP: ORDER,
    Kind.ADDRESS: (*EQUALITY, "<<", "!<<"),
    Kind.ASN: (*EQUALITY, *ORDER),
    Kind.PORT: (*EQUALITY, *ORDER),
    Kind.PROTOCOL: (*EQUALITY, *ORDER),
    Kind.INTERFACE: EQUALITY,
    Kind.NETWORK: EQUALITY,
    Kind.APPLICATION: (*EQUALITY, *PATTERN),
    Kind.ENUM: EQUALITY,
    Kind.MAC: EQUALITY,
    Kind.NUMBER: (*EQUALITY, *ORDER),
    Kind.TEXT: (*EQUALITY, *PATTERN),
}
FLAG_OPERATORS = ("HAS", "NOT HAS")


def fold(name: str) -> str:
    """How names are compared: without case, ``_`` and ``.``."""
    return name.replace("_", "").replace(".", "").lower()


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something to group and filter by.

    ``keys`` are the columns it is made of. With a ``dictionary`` it is ``attribute`` looked up by them; with an
    ``expression`` it is that SQL over them; otherwise it is the one column itself. ``wide`` says that it may have very
    many values. Either of ``groupable`` and ``filterable`` may be false.
    """

    name: str
    title: str
    kind: Kind
    meaning: str
    keys: tuple[str, ...]
    unit: str = ""
    dictionary: Dictionary | None = None
    attribute: str = ""
    expression: str = ""
    values: Mapping[int, str] = field(default_factory=dict)
    operators: tuple[str, ...] = ()
    wide: bool = False
    groupable: bool = True
    aliases: tuple[str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether the looked-up or stored value is a number (not an address or text)."""
        return self.kind not in (Kind.TEXT, Kind.ADDRESS, Kind.APPLICATION, Kind.INTERFACE)


@dataclass(frozen=True, slots=True)
class Either:
    """A shorthand of filters: true when either side matches (``AS = AS64501``: the source's or the destination's)."""

    name: str
    title: str
    sides: tuple[Dimension, Dimension]


@dataclass(frozen=True)
class Dataset:
    """One table as the people who ask see it."""

    table: Table
    dimensions: Mapping[str, Dimension]
    either: Mapping[str, Either]
    measures: Mapping[str, Measure]

    @cached_property
    def _folded(self) -> dict[str, str]:
        names = {fold(a): d.name for d in self.dimensions.values() for a in d.aliases}
        names |= {fold(n): n for n in self.either}
        return names | {fold(n): n for n in self.dimensions}

    def field(self, name: str) -> Dimension | Either | None:
        """The dimension or both-sides shorthand of that name, or None."""
        known = self._folded.get(fold(name))
        if known is None:
            return None
        return self.dimensions.get(known) or self.either[known]

    def dimension(self, name: str, where: str = "by") -> Dimension:
        """The dimension to group by. Raises InvalidInput with the nearest names."""
        found = self.field(name)
        if isinstance(found, Dimension) and found.groupable:
            return found
        if isinstance(found, Either):
            sides = " or ".join(d.name for d in found.sides)
            raise InvalidInput(f"{name!r} means either side and can only filter", where=where, fix=f"group by {sides}")
        raise InvalidInput(f"unknown dimension {name!r}", where=where, fix=self._nearest(name, self.dimensions))

    def measure(self, name: str, where: str = "measures") -> Measure:
        """The measure of that name. Raises InvalidInput with the nearest names."""
        known = {fold(n): n for n in self.measures}
        if fold(name) in known:
            return self.measures[known[fold(name)]]
        raise InvalidInput(f"unknown measure {name!r}", where=where, fix=self._nearest(name, self.measures))

    def _nearest(self, name: str, known: Iterable[str]) -> str:
        return suggestion(name, known) or "see the catalogue: GET /api/v1/catalogue or weft query --list"

    def tables_for(self, dimension: Dimension) -> tuple[str, ...]:
        """Which tables can answer it, the raw one first."""
        keep = [r.name for r in self.table.rollups if set(dimension.keys) <= set(r.dimensions)]
        return (self.table.name, *keep)


@dataclass(frozen=True)
class Catalogue:
    """All datasets by name."""

    datasets: Mapping[str, Dataset]

    def dataset(self, name: str) -> Dataset:
        """The dataset of that name. Raises InvalidInput."""
        try:
            return self.datasets[name]
        except KeyError:
            known = ", ".join(self.datasets)
            raise InvalidInput(f"unknown dataset {name!r}", where="dataset", fix=f"use one of: {known}") from None


def suggestion(name: str, known: Iterable[str]) -> str:
    """``did you mean src_as, dst_as?``, or nothing when no name is near."""
    folded = {fold(n): n for n in known}
    near = difflib.get_close_matches(fold(name), folded, n=3, cutoff=0.6)
    return f"did you mean {', '.join(folded[n] for n in near)}?" if near else ""


# --- building -------------------------------------------------------------------------------------------------------

_WORDS = {
    "src": "source", "dst": "destination", "in": "input", "out": "output", "if": "interface", "addr": "address",
    "as": "AS", "app": "application", "tcp": "TCP", "tos": "ToS", "ttl": "TTL", "vlan": "VLAN", "mac": "MAC",
    "vrf": "VRF",
    "mpls": "MPLS", "icmp": "ICMP", "ipv6": "IPv6", "ip": "IP", "bps": "", "dscp": "DSCP", "port": "port", "id": "id",
}  # fmt: skip
_ALIASES = {
    "protocol": ("proto",), "exporter": ("exporter_address", "exporter_addr", "router"),
    "app": ("application", "app_name"),
    "in_if_speed_bps": ("in_if_speed",), "out_if_speed_bps": ("out_if_speed",), "tcp_flags": ("flags",),
    "src_addr": ("src_address", "src_ip"), "dst_addr": ("dst_address", "dst_ip"), "next_hop": ("nexthop_addr",),
    "ip_version": ("etype",), "in_if": ("input_interface", "in_iface"), "out_if": ("output_interface", "out_iface"),
}  # fmt: skip
_WIDE_KINDS = (Kind.ADDRESS, Kind.PORT, Kind.ASN, Kind.MAC, Kind.INTERFACE)
_WIDE = {"observation_domain", "ipv6_flow_label", "tunnel_id", "mpls_label"}
#: Kind of column → the dictionary that knows its ids. An interface is known by its exporter and its index.
_DICTIONARIES = {
    Kind.INTERFACE: INTERFACES, Kind.NETWORK: NETWORKS, Kind.APPLICATION: APPLICATIONS, Kind.ASN: ASNS,
}  # fmt: skip


def title_of(name: str) -> str:
    """``in_if_boundary`` → ``Input interface boundary``."""
    words = " ".join(filter(None, (_WORDS.get(w, w) for w in name.split("_"))))
    return words[:1].upper() + words[1:]


def _dimension(name: str, kind: Kind, meaning: str, keys: tuple[str, ...], **more: object) -> Dimension:
    operators = OPERATORS[kind]
    if name == "tcp_flags":
        operators = (*operators, *FLAG_OPERATORS)
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


def build_flows(extra: Mapping[str, Sequence[Attribute]]) -> Dataset:
    """The catalogue of the ``flows`` table; ``extra`` holds the user's own attributes by dictionary name."""
    dimensions = {d.name: d for c in FLOWS.columns if c.role is Role.DIMENSION for d in _of_column(c, extra)}
    for name, kind, meaning, column, sql, values in _EXPRESSIONS:
        dimensions[name] = _dimension(name, kind, meaning, (column,), expression=sql, values=values)
    for c in FLOWS.columns:
        if c.role is Role.MEASURE:
            meaning = f"{c.meaning} Of one record; filters raw rows."
            dimensions[c.name] = _dimension(c.name, Kind.NUMBER, meaning, (c.name,), unit=c.unit, groupable=False)
    either = {e.name: e for e in _either_sides(dimensions)}
    return Dataset(FLOWS, dimensions, either, {m.name: m for m in FLOW_MEASURES})


def build_catalogue(extra: Mapping[str, Sequence[Attribute]] | None = None) -> Catalogue:
    """Every dataset; ``extra`` holds the user's own dictionary attributes by dictionary name."""
    return Catalogue({"flows": build_flows(extra or {})})
