"""Values that the store knows by name, or has lately seen: what a filter is completed with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from weft.errors import WeftError
from weft.model.dictionaries import (
    ASNS,
    DICTIONARIES,
    EXPORTERS,
    INTERFACES,
    REFERENCE_COLUMNS,
    REFERENCES,
    Attribute,
)
from weft.model.metric_names import NAMES, describe
from weft.model.tables import Kind
from weft.query.catalogue import Dataset, Dimension
from weft.query.compile.lookups import attribute_sql, rows_sql
from weft.query.compile.sql import literal, moment, select, subquery
from weft.query.names import address_cell
from weft.store.dictionaries import dictionary_table
from weft.store.telemetry import Limits, TelemetryStore

_LIMITS = Limits(seconds=2.0, threads=1)
#: How far back rows are looked at for what a text may be, and how many of them.
_LATELY_S = {
    "flows": 600,
    "metrics": 900,
    "logs": 86_400,
    "changes": 90 * 86_400,
    "business": 30 * 86_400,
    "events": 90 * 86_400,
}
_MOST_ROWS = 2_000_000
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class KnownValues:
    """Looks names up in the dictionaries, as of ``now``. A ``filter.complete.Values``."""

    store: TelemetryStore
    now: int
    dataset: Dataset | None = None

    def names(self, family: str) -> Iterable[str]:
        """Names that the dimensions of a family have had lately (of ``label``: names of labels)."""
        if family != "label":
            return ()
        pairs = "extractAll(labels, '(?:^|,)([A-Za-z_][A-Za-z0-9_:.-]*)=\"')"
        try:
            sql = select([f"arrayJoin({pairs}) AS value"], subquery(self._lately("labels"), "l"), group_by=["labels"])
            distinct = select(["DISTINCT value"], subquery(sql, "n"), order_by=["value"], limit=100)
            found = self.store.query(distinct, {}, _LIMITS)
        except WeftError:
            return ()
        return [str(v) for v in found.table["value"].to_pylist()]

    def known(self, dimension: Dimension, prefix: str, limit: int) -> Iterable[tuple[str, str]]:
        """Values of the dimension that contain ``prefix``; none when the store is away."""
        try:
            if dimension.kind is Kind.INTERFACE:
                return self._interfaces(prefix, limit)
            if dimension.kind is Kind.ASN:
                return self._asns(prefix, limit)
            if dimension.name == "exporter":
                return self._exporters(prefix, limit)
            if dimension.dictionary is not None and dimension.kind in (Kind.TEXT, Kind.APPLICATION):
                return self._attribute(dimension, prefix, limit)
            if dimension.kind is Kind.TEXT and self.dataset is not None:
                return self._seen(dimension, prefix, limit)
        except WeftError:
            pass  # completion is a courtesy: without the store there is just less of it
        return ()

    def _select(self, sql: str, prefix: str, limit: int) -> list[dict[str, object]]:
        escaped = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        parameters = {"like": f"%{escaped}%", "prefix": prefix}
        return self.store.query(f"{sql} LIMIT {limit}", parameters, _LIMITS).table.to_pylist()

    def _lately(self, column: str) -> str:
        """The newest rows of the dataset, as many as can be looked at while somebody types."""
        assert self.dataset is not None
        time = self.dataset.table.time.name
        since = moment(self.now - _LATELY_S.get(self.dataset.name, 86_400))
        return select([column], self.dataset.table.name, where=f"{time} >= {since}", limit=_MOST_ROWS)

    def _seen(self, dimension: Dimension, prefix: str, limit: int) -> list[tuple[str, str]]:
        """Values of a text that rows have had lately, most frequent first."""
        value = dimension.expression or dimension.keys[-1]
        sql = select(
            [f"{value} AS value", "count() AS n"],
            subquery(self._lately(dimension.keys[-1]), "l"),
            where="value ILIKE {like:String} AND value != ''",
            group_by=["value"],
            order_by=["NOT startsWith(value, {prefix:String})", "n DESC", "value"],
        )
        found = [(str(r["value"]), "") for r in self._select(sql, prefix, limit)]
        if dimension.name == "metric":
            return _with_vocabulary([name for name, _ in found], prefix)[:limit]
        return [(value, "") for value, _ in found if len(value) <= _LONGEST]

    def _attribute(self, dimension: Dimension, prefix: str, limit: int) -> list[tuple[str, str]]:
        assert dimension.dictionary is not None
        name = dimension.attribute
        sql = select(
            [f"DISTINCT {name} AS value"],
            rows_sql(dimension.dictionary),
            where=f"{name} != '' AND {name} ILIKE {{like:String}}",
            order_by=["NOT startsWith(value, {prefix:String})", "value"],
        )
        return [(str(r["value"]), "") for r in self._select(sql, prefix, limit)]

    def _asns(self, prefix: str, limit: int) -> list[tuple[str, str]]:
        text = prefix[2:] if prefix[:2].lower() == "as" and not prefix[2:].strip("0123456789") else prefix
        sql = select(
            ["asn", "name"],
            rows_sql(ASNS),
            where="startsWith(toString(asn), {prefix:String}) OR name ILIKE {like:String}",
            order_by=["asn"],
        )
        return [(f"AS{r['asn']}", str(r["name"])) for r in self._select(sql, text, limit)]

    def _exporters(self, prefix: str, limit: int) -> list[tuple[str, str]]:
        address = "replaceOne(toString(exporter), '::ffff:', '')"
        sql = select(
            ["DISTINCT exporter", "name"],
            rows_sql(EXPORTERS),
            where=f"name ILIKE {{like:String}} OR {address} ILIKE {{like:String}}",
            order_by=["name", "exporter"],
        )
        rows = self._select(sql, prefix, limit)
        return [(address_cell(r["exporter"]), str(r["name"])) for r in rows if isinstance(r["exporter"], bytes)]

    def _interfaces(self, prefix: str, limit: int) -> list[tuple[str, str]]:
        host = attribute_sql(EXPORTERS, "name", ("exporter",), moment(self.now))
        sql = select(
            ["DISTINCT exporter", f"{host} AS host", "if_index", "name", "description"],
            rows_sql(INTERFACES),
            where="concat(host, ':', name) ILIKE {like:String} OR description ILIKE {like:String}",
            order_by=["host", "if_index"],
        )
        out = []
        for r in self._select(sql, prefix, limit):
            assert isinstance(r["exporter"], bytes)
            address = address_cell(r["exporter"])
            host_text = str(r["host"]) or (f"[{address}]" if ":" in address else address)
            out.append((f"{host_text}:{r['name'] or r['if_index']}", str(r["description"])))
        return out


def _with_vocabulary(seen: list[str], prefix: str) -> list[tuple[str, str]]:
    """Metrics that there are, then those of the vocabulary; with what is known of each."""
    known = (m.name for m in NAMES if prefix.lower() in m.name)
    names = dict.fromkeys([*seen, *sorted(known, key=lambda name: not name.startswith(prefix.lower()))])
    out = []
    for name in names:
        metric = describe(name)
        unit = f" ({metric.rate_unit or metric.unit})" if metric.rate_unit or metric.unit else ""
        out.append((name, f"{metric.meaning.rstrip('.')}{unit}".strip()))
    return out


def user_attributes(store: TelemetryStore) -> dict[str, tuple[Attribute, ...]]:
    """Attributes that users added to dictionaries, by its name: as stored, whichever process added them.

    Raises what the store raises.
    """
    extensible = {d.name: d for d in DICTIONARIES if d.extensible}
    sql = select(
        ["table", "name"],
        "system.columns",
        where=f"database = currentDatabase() AND table IN {literal(list(extensible))}",
        order_by=["table", "position"],
    )
    stored: dict[str, list[str]] = {name: [] for name in extensible}
    for row in store.query(sql, {}, _LIMITS).table.to_pylist():
        stored[str(row["table"])].append(str(row["name"]))
    out = {}
    for name, dictionary in extensible.items():
        declared = {column.name for column in dictionary_table(dictionary).columns}
        meanings = {a.name: a.meaning for a in store.ensure_dictionary_columns(dictionary, ()).attributes}
        usual = REFERENCE_COLUMNS if dictionary in REFERENCES.values() else {}
        own = [n for n in stored[name] if n not in declared]
        out[name] = tuple(Attribute(n, meanings.get(n) or usual.get(n, "")) for n in own)
    return out
