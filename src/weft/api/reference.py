"""Reference tables and explanations as the API answers them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from weft.api.models.questions import Explanation, TableView
from weft.api.models.reference import ReferenceColumn, ReferenceKind, ReferenceRow, ReferenceRows
from weft.errors import InvalidInput
from weft.model.dictionaries import REFERENCES
from weft.query.catalogue import Catalogue

_FOREVER = 0xFFFFFFFF


def table_views(enricher: Any) -> list[TableView]:
    """The tables and how they are."""
    return [TableView.model_validate(table, from_attributes=True) for table in enricher.tables()]


def explanation(enricher: Any, address: str) -> Explanation:
    """What fills which column for an address."""
    return Explanation.model_validate(enricher.explain(address), from_attributes=True)


def reference_kinds(enricher: Any, catalogue: Catalogue) -> list[ReferenceKind]:
    """What there are tables of, and the dimensions that they make."""
    kinds = []
    for kind, tables in enricher.references().items():
        filled = Counter(name for _, rows in tables for row in rows for name in row.values)
        if not filled and kind not in ("site", "vlan", "service", "customer", "provider", "job"):
            continue  # a table of names alone, which says nothing further
        meanings = enricher.user_columns(REFERENCES[kind].name)
        columns = [
            ReferenceColumn(name=name, meaning=meanings.get(name, ""), filled=count)
            for name, count in sorted(filled.items())
        ]
        one = ReferenceKind(
            kind=kind,
            meaning=REFERENCES[kind].meaning,
            tables=[name for name, rows in tables if rows],
            rows=sum(len(rows) for _, rows in tables),
            columns=columns,
            dimensions=_dimensions(kind, catalogue),
        )
        kinds.append(one)
    return kinds


def _dimensions(kind: str, catalogue: Catalogue) -> dict[str, list[str]]:
    found = {}
    for name, dataset in catalogue.datasets.items():
        if names := [d.name for d in dataset.dimensions.values() if d.dictionary is REFERENCES[kind]]:
            found[name] = names
    return found


def reference_rows(enricher: Any, kind: str, text: str, limit: int, offset: int) -> ReferenceRows:
    """Rows of one kind that hold ``text`` anywhere, in the order of their keys. Raises ``InvalidInput``."""
    tables: Mapping[str, Any] = enricher.references()
    if kind not in REFERENCES:
        raise InvalidInput(f"unknown kind {kind!r}", where="kind", fix=f"use one of: {', '.join(REFERENCES)}")
    found = sorted(_found(tables.get(kind, ()), text.strip().lower()), key=lambda one: (one[0], one[2].period.since))
    columns = sorted({name for _, _, stated in found for name in stated.values})
    now = time.time()
    rows = [_row(*one, now) for one in found[offset : offset + limit]]
    return ReferenceRows(kind=kind, columns=columns, rows=rows, total=len(found))


def _found(tables: Any, text: str) -> Iterator[tuple[str, str, Any]]:
    """Key, table and row of what holds ``text``."""
    for table, stated in tables:
        for one in stated:
            key = " ".join(map(str, one.key)) if isinstance(one.key, tuple) else str(one.key)
            if text and not any(text in part.lower() for part in (key, table, *one.values.values())):
                continue
            yield key, table, one


def _row(key: str, table: str, stated: Any, now: float) -> ReferenceRow:
    since, until = stated.period
    return ReferenceRow(
        key=key, table=table, valid_from=since or None, valid_to=until if until < _FOREVER else None,
        holds="later" if now < since else "ended" if now >= until else "now", values=dict(stated.values),
    )  # fmt: skip
