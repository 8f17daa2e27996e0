"""Cells and labels: what a group's stored values are called.

Cells are filterable text (see ``ViewResult``); labels are what people read. Names are looked up for the few groups that
are shown, as of the end of the window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from weft.model.dictionaries import ASNS, EXPORTERS, INTERFACES, Dictionary
from weft.model.tables import Kind
from weft.query.answer.groups import Key
from weft.query.answer.runner import Runner
from weft.query.catalogue import Dimension
from weft.query.compile.lookups import attribute_sql
from weft.query.compile.sql import Statement, literal, moment, select, subquery
from weft.query.names import address_cell, cell_text, number_text

OTHER = "Other"
UNKNOWN = "unknown"
_ZERO = bytes(16)


def split_key(by: Sequence[Dimension], key: Key) -> list[Key]:
    """A group's flat values, by dimension: an interface takes two."""
    out, i = [], 0
    for d in by:
        width = 2 if d.kind is Kind.INTERFACE else 1
        out.append(tuple(key[i : i + width]))
        i += width
    return out


@dataclass
class Naming:
    """Names groups; ``labels`` fills as it goes."""

    runner: Runner
    at: int
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    _names: dict[tuple[str, Key], str] = field(default_factory=dict)

    def learn(self, by: Sequence[Dimension], keys: Iterable[Key]) -> None:
        """Look up the names that cells and labels of these groups need, in one statement per dictionary."""
        wanted: dict[str, set[Key]] = {}
        for key in keys:
            for d, part in zip(by, split_key(by, key), strict=True):
                if d.dictionary is not None:
                    continue
                if d.kind is Kind.ASN:
                    wanted.setdefault(ASNS.name, set()).add(part)
                elif d.kind is Kind.INTERFACE:
                    wanted.setdefault(INTERFACES.name, set()).add(part)
                    wanted.setdefault(EXPORTERS.name, set()).add(part[:1])
                elif d.name == "exporter":
                    wanted.setdefault(EXPORTERS.name, set()).add(part)
        for dictionary in (ASNS, EXPORTERS, INTERFACES):
            if parts := wanted.get(dictionary.name):
                self._look_up(dictionary, sorted(parts))

    def _look_up(self, dictionary: Dictionary, keys: Sequence[Key]) -> None:
        names = tuple(name for name, _ in dictionary.key)
        if len(names) == 1:
            values = ", ".join(literal(k[0]) for k in keys)
            columns = [f"CAST(k, '{dictionary.key[0][1]}') AS {names[0]}"]
        else:
            values = ", ".join(literal(k) for k in keys)
            columns = [f"CAST(k.{i + 1}, '{type_}') AS {name}" for i, (name, type_) in enumerate(dictionary.key)]
        value = attribute_sql(dictionary, "name", names, moment(self.at))
        wanted = select(columns, f"(SELECT arrayJoin([{values}]) AS k)")
        sql = select([*names, f"{value} AS name"], subquery(wanted, "wanted"))
        table = self.runner.run(Statement(sql), shown=False)
        for row in table.to_pylist():
            if row["name"]:
                self._names[dictionary.name, tuple(row[n] for n in names)] = row["name"]

    def cells(self, by: Sequence[Dimension], key: Key) -> list[Any]:
        """One cell per dimension."""
        return [self._cell(d, part) for d, part in zip(by, split_key(by, key), strict=True)]

    def _cell(self, d: Dimension, part: Key) -> str:
        if d.dictionary is None and d.kind is Kind.INTERFACE:
            cell, label = self._interface(part)
        else:
            cell = cell_text(d, part[0])
            label = self._label(d, part[0], cell)
        if label != cell:
            self.labels.setdefault(d.name, {})[cell] = label
        return cell

    def _label(self, d: Dimension, value: Any, cell: str) -> str:
        if d.kind in (Kind.TEXT, Kind.APPLICATION):
            return cell or UNKNOWN
        if d.kind is Kind.ASN:
            name = self._names.get((ASNS.name, (value,)))
            return f"{cell} {name}" if name else cell if value else UNKNOWN
        if d.name == "exporter":
            return self._names.get((EXPORTERS.name, (value,)), "none" if value == _ZERO else cell)
        if d.kind is Kind.ADDRESS:
            return "none" if value == _ZERO else cell
        if d.unit == "bit/s":
            text = number_text(value)
            return f"{text[:-1]} {text[-1]}bit/s" if text[-1:].isalpha() else f"{text} bit/s" if value else UNKNOWN
        return cell

    def _interface(self, part: Key) -> tuple[str, str]:
        exporter, index = part
        address = address_cell(exporter)
        known = self._names.get((EXPORTERS.name, (exporter,)), "")
        name = self._names.get((INTERFACES.name, part), "")
        plain = known if known and self._only(EXPORTERS, known) and not set(known) & set(":[]") else ""
        host = plain or (f"[{address}]" if ":" in address else address)
        same_name = [k for (d, k), n in self._names.items() if d == INTERFACES.name and n == name and k[0] == exporter]
        usable = bool(name) and not name.isdigit() and len(same_name) == 1
        label = f"{known or address}: {name or (f'ifIndex {index}' if index else UNKNOWN)}"
        return f"{host}:{name if usable else index}", label

    def _only(self, dictionary: Dictionary, name: str) -> bool:
        return sum(1 for (d, _), n in self._names.items() if d == dictionary.name and n == name) == 1

    def label(self, by: Sequence[Dimension], cells: Sequence[Any]) -> str:
        """What to show for a group."""
        return " · ".join(self.labels.get(d.name, {}).get(c, c) for d, c in zip(by, cells, strict=True))
