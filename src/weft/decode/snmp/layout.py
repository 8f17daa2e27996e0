"""What a device's tables hold as rows: worked out when its names are read, so that a poll is arithmetic on columns.

Comes in: a profile and the names a walk brought. Goes out: for every table its rows, and for every metric the rows it
is of with their components and labels.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from weft.decode.snmp import ber, columns
from weft.decode.snmp.columns import ColumnData
from weft.decode.snmp.expression import Expression, parse
from weft.decode.snmp.library import DeviceProfile
from weft.decode.snmp.profile import MetricSpec, TableSpec
from weft.model.labels import labels_text

#: Table → column → cells.
Walked = Mapping[str, Mapping[str, ColumnData]]
_PHYSICAL_DEPTH = 16


@dataclass(frozen=True)
class MetricLayout:
    """A metric of a table: its rows, and what they are called."""

    spec: MetricSpec
    position: int  # of the specification among its table's
    value: Expression
    otherwise: Expression | None
    rows: NDArray[np.int64]  # row numbers of the table
    components: tuple[str, ...]  # one per row of `rows`
    labels: tuple[str, ...]

    @cached_property
    def columns(self) -> frozenset[str]:
        """Every name in its expressions."""
        names = self.value.names | (self.otherwise.names if self.otherwise else frozenset())
        return names | frozenset(self.spec.valid)


@dataclass
class TableLayout:
    """The rows of one table."""

    name: str
    spec: TableSpec
    keys: list[bytes]
    strange: frozenset[bytes]  # rows whose index is not as the profile says
    names: dict[str, list[str]]  # names and index parts → text per row
    if_index: NDArray[np.uint32]
    metrics: list[MetricLayout] = field(default_factory=list)

    @cached_property
    def rows(self) -> dict[bytes, int]:
        """Row number by key."""
        return {key: row for row, key in enumerate(self.keys)}

    @cached_property
    def numbers(self) -> dict[str, NDArray[np.float64]]:
        """Names and index parts that are numbers, for expressions."""
        used = {name for metric in self.metrics for name in metric.columns if name in self.names}
        return {name: np.array([columns.number(one.encode()) for one in self.names[name]]) for name in used}


def layout(profile: DeviceProfile, walked: Walked) -> dict[str, TableLayout]:
    """Rows and metrics of every table that the device has (scalars among them)."""
    tables: dict[str, TableLayout] = {}
    for name, spec in (*profile.tables.items(), *profile.scalars.items()):
        cells = walked.get(name)
        if cells:
            tables[name] = _table(name, spec, cells)
    for other in {one for table in tables.values() if table.keys for one in table.spec.replaces}:
        tables.pop(other, None)
    if "entity" in tables:
        tables["entity"].names |= _physical_interfaces(tables)
    for table in tables.values():
        _metrics(table, tables)
    return tables


def _table(name: str, spec: TableSpec, cells: Mapping[str, ColumnData]) -> TableLayout:
    keys = list(dict.fromkeys(key for column in cells.values() for key in column.keys))
    names: dict[str, list[str]] = {part: [] for part, _ in spec.parts}
    kept = []
    for key in keys:
        pieces = columns.split_index(key, spec.parts)
        if pieces is None:
            continue  # an index that is not as the profile says: the row has no name
        kept.append(key)
        for (part, _), piece in zip(spec.parts, pieces, strict=True):
            names[part].append(piece)
    for column, given in spec.names.items():
        data = cells.get(column)
        read = {} if data is None else dict(zip(data.keys, data.values, strict=True))
        names[column] = [columns.text(read.get(key), given.read) for key in kept]
    strange = frozenset(keys) - frozenset(kept)
    return TableLayout(name, spec, kept, strange, names, np.zeros(len(kept), np.uint32))


def interface_names(tables: Mapping[str, TableLayout]) -> dict[str, str]:
    """Name of every interface by its ifIndex as text: ifName, else ifDescr."""
    interfaces = tables.get("interfaces")
    if interfaces is None:
        return {}
    names = interfaces.names
    return {
        index: name or descr
        for index, name, descr in zip(names["if_index"], names["name"], names["descr"], strict=True)
    }


def _physical_interfaces(tables: Mapping[str, TableLayout]) -> dict[str, list[str]]:
    """The interface that each physical entity belongs to: its own, or that of what it is contained in."""
    entity, alias, of_index = tables["entity"], tables.get("entity_alias"), interface_names(tables)
    if alias is None:
        return {"interface": [""] * len(entity.keys), "if_index": [""] * len(entity.keys)}
    own: dict[str, str] = {}
    for physical, target in zip(alias.names["physical_index"], alias.names["target"], strict=True):
        index = target.rpartition(".")[2]  # ifIndex.N
        if index in of_index:
            own.setdefault(physical, index)
    parent = dict(zip(entity.names["physical_index"], entity.names["contained_in"], strict=True))
    found = []
    for physical in entity.names["physical_index"]:
        at, steps = physical, 0
        while at in parent and at not in own and steps < _PHYSICAL_DEPTH:
            at, steps = parent[at], steps + 1
        found.append(own.get(at, ""))
    return {"interface": [of_index.get(index, "") for index in found], "if_index": found}


class _Lookup:
    """Text of a name, an index part, or a joined name (``entity.name``), by row."""

    def __init__(self, table: TableLayout, tables: Mapping[str, TableLayout]) -> None:
        self._table, self._tables = table, tables
        self._joined: dict[str, list[int]] = {}

    def texts(self, name: str) -> list[str]:
        """One per row; of ``a|b`` the first that is not empty."""
        if "|" in name:
            each = [self.texts(one) for one in name.split("|")]
            return [next(filter(None, row), "") for row in zip(*each, strict=True)]
        alias, _, inner = name.partition(".")
        if not inner:
            return self._table.names[name]
        other = self._tables.get(self._table.spec.join[alias].table)
        if other is None or inner not in other.names:
            return [""] * len(self._table.keys)
        values = other.names[inner]
        return [values[row] if row >= 0 else "" for row in self._rows(alias, other)]

    def _rows(self, alias: str, other: TableLayout) -> list[int]:
        if alias not in self._joined:
            join = self._table.spec.join[alias]
            by = self._table.names[join.by]
            if join.key is None:
                self._joined[alias] = [other.rows.get(_key(one), -1) for one in by]
            else:
                rows = {one: row for row, one in enumerate(other.names.get(join.key, []))}
                self._joined[alias] = [rows.get(one, -1) for one in by]
        return self._joined[alias]


def _key(dotted: str) -> bytes:
    try:
        return ber.pack_arcs(tuple(int(part) for part in dotted.split(".")))
    except ValueError:
        return b""


def _metrics(table: TableLayout, tables: Mapping[str, TableLayout]) -> None:
    spec, lookup = table.spec, _Lookup(table, tables)
    if spec.if_index is not None:
        found = [int(one) if one.isdigit() else 0 for one in lookup.texts(spec.if_index)]
        table.if_index = np.array(found, np.uint64).astype(np.uint32)
    count = len(table.keys)
    taken: dict[frozenset[str], set[int]] = {}
    for position, metric in enumerate(spec.metrics):
        cell = parse(metric.source).names & frozenset(spec.columns)
        rows, groups = _matching(metric, lookup, count, taken.get(cell, set()))
        if metric.where:  # one cell is one metric: the first rule that fits it
            taken.setdefault(cell, set()).update(rows)
        if not rows:
            continue
        component = spec.component if metric.component is None else metric.component
        components = list(_filled(component, rows, groups, lookup))
        labels = list(_labels({**spec.labels, **metric.labels}, rows, groups, lookup))
        _tell_apart(table, rows, components, labels)
        table.metrics.append(
            MetricLayout(
                metric, position, parse(metric.source), parse(metric.otherwise) if metric.otherwise else None,
                np.array(rows, np.int64), tuple(components), tuple(labels),
            )
        )  # fmt: skip


def _tell_apart(table: TableLayout, rows: list[int], components: list[str], labels: list[str]) -> None:
    """Rows of one name that nothing else distinguishes get their index behind it: they are not one series."""
    series = [(components[at], labels[at], int(table.if_index[row])) for at, row in enumerate(rows)]
    often = {one for one, count in Counter(series).items() if count > 1}
    if often and table.spec.index:
        part = table.spec.parts[-1][0]
        for at, row in enumerate(rows):
            if series[at] in often:
                components[at] = f"{components[at]} #{table.names[part][row]}".strip()


def _matching(
    metric: MetricSpec, lookup: _Lookup, count: int, taken: set[int]
) -> tuple[list[int], list[dict[str, str]]]:
    tests = [(lookup.texts(name), re.compile(regex)) for name, regex in metric.where.items()]
    rows, groups = [], []
    for row in range(count):
        if tests and row in taken:
            continue
        found: dict[str, str] = {}
        for texts, regex in tests:
            match = regex.search(texts[row])
            if match is None:
                break
            found |= {name: value or "" for name, value in match.groupdict().items()}
        else:
            rows.append(row)
            groups.append(found)
    return rows, groups


def _filled(template: str, rows: list[int], groups: list[dict[str, str]], lookup: _Lookup) -> Iterable[str]:
    """The template for every row; of ``{a|b}`` the first that is not empty."""
    if not template:
        return ("" for _ in rows)
    pieces = re.split(r"\{([^{}]*)\}", template)
    captured = {name for group in groups for name in group}
    names = {name for piece in pieces[1::2] for name in piece.split("|")}
    texts = {name: lookup.texts(name) for name in names - captured}
    return (_fill(pieces, texts, row, group) for row, group in zip(rows, groups, strict=True))


def _fill(pieces: list[str], texts: Mapping[str, list[str]], row: int, group: Mapping[str, str]) -> str:
    out = []
    for at, piece in enumerate(pieces):
        if at % 2 == 0:
            out.append(piece)
            continue
        found = (texts[name][row] if name in texts else group.get(name, "") for name in piece.split("|"))
        out.append(next(filter(None, found), ""))
    return "".join(out).strip()


def _labels(
    templates: Mapping[str, str], rows: list[int], groups: list[dict[str, str]], lookup: _Lookup
) -> Iterable[str]:
    filled = {name: list(_filled(template, rows, groups, lookup)) for name, template in sorted(templates.items())}
    return (labels_text((name, values[at]) for name, values in filled.items()) for at in range(len(rows)))
