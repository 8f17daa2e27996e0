"""What reference tables say of a thing over time, as rows of the ``ref_…`` dictionaries, and which of them changed.

Of several rows that hold at a time each attribute comes from the row that began last; of those that began together,
from the table listed first and, in one file, from the later row. Where a thing's rows have dates they say it all, the
past included. Where they have none, what the table says now was always so, unless it said otherwise before: then the
change holds from when it was seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from weft.enrich.ids import Content, content_of
from weft.enrich.stated import Key, Stated
from weft.enrich.tables import to_address
from weft.enrich.values import FOREVER
from weft.model.dictionaries import REFERENCES

Row = dict[str, Any]
#: From when on a thing has which attributes; None = no table lists it. The first one is from 0 on.
Timeline = list[tuple[int, Content | None]]
_VALID_FROM = "valid_from"


def timeline(rows: Sequence[Stated]) -> Timeline:
    """What rows about one thing say together; of equal strength the last one wins."""
    edges = sorted({0, *(t for row in rows for t in row.period if t < FOREVER)})
    ordered = sorted(rows, key=lambda row: row.period.since)  # stable
    out: Timeline = []
    for at in edges:
        holding = [row for row in ordered if row.period.since <= at < row.period.until]
        values = {name: text for row in holding for name, text in row.values.items()}
        content = content_of({n: t for n, t in values.items() if t != "-"}) if holding else None
        if not out or out[-1][1] != content:
            out.append((at, content))
    return out


def at_time(line: Timeline, second: int) -> Content | None:
    """What holds at a time."""
    found: Content | None = None
    for since, content in line:
        if since > second:
            break
        found = content
    return found


def _same(one: Sequence[tuple[str, Sequence[Stated]]], other: Sequence[tuple[str, Sequence[Stated]]]) -> bool:
    return [(name, id(rows)) for name, rows in one] == [(name, id(rows)) for name, rows in other]


class References:
    """Knows what was handed out or found in the store, and what tables say now. Not for several threads at once."""

    def __init__(self) -> None:
        self._written: dict[str, dict[Key, Timeline]] = {kind: {} for kind in REFERENCES}
        self._stated: dict[str, dict[Key, list[Stated]]] = {}
        self._tables: Mapping[str, Sequence[tuple[str, Sequence[Stated]]]] = {}
        self._waiting: set[str] = set()

    def remember(self, kind: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take rows of a dictionary that the store holds, in the order of ``valid_from``."""
        dictionary, written = REFERENCES[kind], self._written[kind]
        keys = [name for name, _ in dictionary.key]
        for row in rows:
            parts = tuple(to_address(str(row[k])) if k == "exporter" else row[k] for k in keys)
            texts = {k: str(v) for k, v in row.items() if k not in keys and k not in (_VALID_FROM, "listed")}
            key = parts if len(parts) > 1 else parts[0]
            written.setdefault(key, []).append((int(row[_VALID_FROM]), content_of(texts) if row["listed"] else None))

    def use(self, tables: Mapping[str, Sequence[tuple[str, Sequence[Stated]]]]) -> None:
        """What tables say, by kind, with their names: those listed first come first.

        Kinds that are not given, or whose tables were not read again, stay as they are.
        """
        before, self._tables = self._tables, {**self._tables, **tables}
        for kind, each in tables.items():
            if kind in before and _same(before[kind], each):
                continue
            found: dict[Key, list[Stated]] = defaultdict(list)
            for _, table in reversed(each):
                for row in table:
                    found[row.key].append(row)
            self._stated[kind] = found
            self._waiting.add(kind)

    def columns(self) -> dict[str, list[str]]:
        """Attributes that tables fill, by kind."""
        out: dict[str, list[str]] = {}
        for kind, found in self._stated.items():
            names = {name for rows in found.values() for row in rows for name in row.values}
            out[kind] = sorted(names)
        return out

    def tables(self) -> Mapping[str, Sequence[tuple[str, Sequence[Stated]]]]:
        """Rows as tables state them, by kind and table."""
        return self._tables

    def changes(self, now_s: int) -> dict[str, list[Row]]:
        """Rows by dictionary that differ from what was written; they count as written from now on."""
        out: dict[str, list[Row]] = {}
        for kind in sorted(self._waiting):
            found, written = self._stated[kind], self._written[kind]
            rows: list[Row] = []
            for key in {**found, **written}:
                rows += self._rows(kind, key, found.get(key, ()), now_s)
            if rows:
                out[REFERENCES[kind].name] = rows
        self._waiting.clear()
        return out

    def _rows(self, kind: str, key: Key, stated: Sequence[Stated], now_s: int) -> list[Row]:
        before = self._written[kind].get(key, [])
        wanted: Timeline = timeline(stated) if stated else [(0, None)]
        if before and not any(row.period.dated for row in stated):
            past = [(since, content) for since, content in before if since < now_s]
            now = wanted[-1][1]
            wanted = past if at_time(past, now_s) == now else [*past, (now_s, now)]
        known = dict(before)
        # What was written for a moment at which nothing begins any more says what holds then.
        due = dict(wanted) | {since: at_time(wanted, since) for since in known.keys() - dict(wanted).keys()}
        rows = [self._row(kind, key, t, c) for t, c in sorted(due.items()) if t not in known or known[t] != c]
        if rows:
            self._written[kind][key] = sorted(due.items())
        return rows

    @staticmethod
    def _row(kind: str, key: Key, since: int, content: Content | None) -> Row:
        names = [name for name, _ in REFERENCES[kind].key]
        parts = key if isinstance(key, tuple) else (key,)
        row: Row = {n: str(p) if n == "exporter" else p for n, p in zip(names, parts, strict=True)}
        return row | {_VALID_FROM: since, "listed": int(content is not None)} | dict(content or ())
