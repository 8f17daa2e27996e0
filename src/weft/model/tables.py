"""How a telemetry table is declared: once, here, for everything that needs to know.

Comes in: nothing. Goes out: ``Table`` values (``model/flows.py``, ``model/metrics.py`` …) from which the Arrow schema,
the ClickHouse DDL and rollups, the query catalogue, the explorer's field list, ``weft decode --json`` and the docs page
are derived. Must never do I/O or know SQL beyond the name of a column's storage type.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import pyarrow as pa


class Role(StrEnum):
    """What a column is for."""

    TIME = "time"  # when; the first column of a table with this role is its time axis
    DIMENSION = "dimension"  # group and filter by it
    MEASURE = "measure"  # sum it


class Kind(StrEnum):
    """How a column's values are read and shown, independently of how they are stored."""

    TIMESTAMP = "timestamp"  # UTC nanoseconds
    ADDRESS = "address"  # 16 bytes, network order, IPv4 as ::ffff:a.b.c.d; all zero = absent
    ASN = "asn"
    PORT = "port"
    PROTOCOL = "protocol"  # IP protocol number
    INTERFACE = "interface"  # ifIndex; 0 = unknown or local
    NETWORK = "network"  # id of a row of the `networks` dictionary; 0 = no match
    APPLICATION = "application"  # id of a row of the `applications` dictionary; 0 = unknown
    ROUTE = "route"  # fingerprint of an AS path and its communities: row of the `paths` dictionary; 0 = unknown
    ENUM = "enum"  # small number with named values
    MAC = "mac"  # 48 bits in a UInt64
    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a telemetry table.

    ``arrow`` is the type that travels between the stages; ``sql`` the ClickHouse storage type and ``codec`` its
    compression. ``values`` names the values of an ENUM. ``optional`` columns are usually at their default (zero or
    empty) and may be left out of an insert. ``wire`` columns come from the decoder; ``enrich`` writes the others.
    """

    name: str
    arrow: pa.DataType
    sql: str
    role: Role
    kind: Kind
    meaning: str
    unit: str = ""
    codec: str = "LZ4"
    values: dict[int, str] = field(default_factory=dict)
    optional: bool = False
    wire: bool = True


@dataclass(frozen=True, slots=True)
class Rollup:
    """A coarser copy of a table that the engine keeps: sums of the measures per ``seconds`` and ``dimensions``.

    ``source`` is the table or rollup it is fed from; ``ttl_days`` how long it is kept by default.
    """

    name: str
    seconds: int
    dimensions: tuple[str, ...]
    source: str
    ttl_days: int


@dataclass(frozen=True)
class Table:
    """A telemetry table: its columns, its sort key and its rollups.

    ``searched`` columns are looked up by single, rare values: the store may skip blocks that do not hold them.
    ``full_text`` columns are searched for words: the store keeps an index of the words in them. ``granularity``: rows
    that a look-up by the sort key reads at least; fewer make the key's index longer.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    order_by: tuple[str, ...]
    ttl_days: int
    rollups: tuple[Rollup, ...] = ()
    searched: tuple[str, ...] = ()
    full_text: tuple[str, ...] = ()
    granularity: int = 8192

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Columns by name."""
        return {c.name: c for c in self.columns}

    @cached_property
    def time(self) -> Column:
        """The time axis."""
        return next(c for c in self.columns if c.role is Role.TIME)

    @cached_property
    def dimensions(self) -> tuple[Column, ...]:
        """Columns to group and filter by."""
        return tuple(c for c in self.columns if c.role is Role.DIMENSION)

    @cached_property
    def measures(self) -> tuple[Column, ...]:
        """Columns to sum."""
        return tuple(c for c in self.columns if c.role is Role.MEASURE)

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of a batch of this table."""
        return pa.schema([pa.field(c.name, c.arrow, nullable=False) for c in self.columns])
