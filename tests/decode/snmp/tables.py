"""Tables as a walk brings them, written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.decode.snmp import ber
from weft.decode.snmp.columns import ColumnData

#: One second after the epoch, in nanoseconds: when everything was read.
READ = 1_000_000_000


def column(cells: Mapping[Any, Any], tag: int | None = None) -> ColumnData:
    """A column of index (an arc or arcs) → value."""
    keys = [ber.pack_arcs(index if isinstance(index, tuple) else (index,)) for index in cells]
    values = [value.encode() if isinstance(value, str) else value for value in cells.values()]
    if tag is None:
        tag = ber.OCTETS if values and isinstance(values[0], bytes) else ber.GAUGE32
    return ColumnData(keys, values, tag, [(len(keys), READ)])


def table(columns: Mapping[str, Mapping[Any, Any]], **tags: int) -> dict[str, ColumnData]:
    """Columns of a table."""
    return {name: column(cells, tags.get(name)) for name, cells in columns.items()}


def interfaces(names: Mapping[int, str], **columns: Mapping[int, Any]) -> dict[str, ColumnData]:
    """The ``interfaces`` table; octet columns are 64-bit counters but those that end in ``_32``."""
    found = table({"name": names, **columns})
    for name, data in found.items():
        if "octets" in name:
            data.tag = ber.COUNTER32 if name.endswith("_32") else ber.COUNTER64
    return found
