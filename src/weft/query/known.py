"""Values that the store knows by name: what a filter is completed with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from weft.errors import WeftError
from weft.model.dictionaries import ASNS, DICTIONARIES, EXPORTERS, INTERFACES, Attribute
from weft.model.tables import Kind
from weft.query.catalogue import Dimension
from weft.query.compile.lookups import attribute_sql, rows_sql
from weft.query.compile.sql import moment, select
from weft.query.names import address_cell
from weft.store.telemetry import Limits, TelemetryStore

_LIMITS = Limits(seconds=2.0, threads=1)


@dataclass(frozen=True, slots=True)
class KnownValues:
    """Looks names up in the dictionaries, as of ``now``. A ``filter.complete.Values``."""

    store: TelemetryStore
    now: int

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
        except WeftError:
            pass  # completion is a courtesy: without the store there is just less of it
        return ()

    def _select(self, sql: str, prefix: str, limit: int) -> list[dict[str, object]]:
        escaped = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        parameters = {"like": f"%{escaped}%", "prefix": prefix}
        return self.store.query(f"{sql} LIMIT {limit}", parameters, _LIMITS).table.to_pylist()

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


def user_attributes(store: TelemetryStore) -> dict[str, tuple[Attribute, ...]]:
    """Attributes that the user added to a dictionary, by its name. Raises what the store raises."""
    out = {}
    for dictionary in DICTIONARIES:
        if dictionary.extensible:
            declared = {a.name for a in dictionary.attributes}
            full = store.ensure_dictionary_columns(dictionary, ())
            out[dictionary.name] = tuple(a for a in full.attributes if a.name not in declared)
    return out
