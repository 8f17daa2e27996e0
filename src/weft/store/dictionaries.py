"""Dictionaries as tables plus ClickHouse ``DICTIONARY`` objects ``dict_<name>``, for lookups at query time.

A table holds one row per key, and per ``valid_from`` where the dictionary is versioned: a row is in force until the
next one of its key, and the first one of a key also covers all time before it, so that what was learned late still
names what came earlier. Must never be asked row by row: the engine joins.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from weft.errors import InvalidInput
from weft.model.addresses import packed
from weft.model.dictionaries import Attribute, Dictionary
from weft.model.tables import Column, Kind, Role, Table
from weft.store.config import StoreConfig
from weft.store.ddl import on_cluster

#: When a row of a versioned dictionary begins to hold, UTC seconds.
VALID_FROM = "valid_from"
_UPDATED = "updated"
_FOREVER = 4294967295
_ARROW: dict[str, pa.DataType] = {
    "String": pa.string(),
    "IPv6": pa.binary(16),
    "UInt8": pa.uint8(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "DateTime('UTC')": pa.uint32(),
}


def dictionary_table(dictionary: Dictionary) -> Table:
    """The table behind a dictionary, for inserts."""
    parts = list(dictionary.key)
    if dictionary.versioned:
        parts.append((VALID_FROM, "DateTime('UTC')"))
    parts += [(attribute.name, attribute.sql) for attribute in dictionary.attributes]
    parts.append((_UPDATED, "UInt64"))
    columns = tuple(Column(n, _ARROW[sql], sql, Role.DIMENSION, Kind.TEXT, "") for n, sql in parts)
    return Table(dictionary.name, dictionary.meaning, columns, _sort_key(dictionary), 0)


def _sort_key(dictionary: Dictionary) -> tuple[str, ...]:
    keys = tuple(name for name, _ in dictionary.key)
    return (*keys, VALID_FROM) if dictionary.versioned else keys


def create_table(dictionary: Dictionary, config: StoreConfig) -> str:
    """The table; ``create_dictionary`` makes the dictionary over it."""
    table = dictionary_table(dictionary)
    columns = ", ".join(f"{c.name} {c.sql}" for c in table.columns)
    engine = f"ReplacingMergeTree({_UPDATED})"
    if config.cluster is not None:  # every replica of every shard holds all of it: lookups are local
        path = f"'/clickhouse/tables/all/{config.database}/{table.name}', '{{shard}}-{{replica}}'"
        engine = f"ReplicatedReplacingMergeTree({path}, {_UPDATED})"
    made = f"CREATE TABLE IF NOT EXISTS {table.name}{on_cluster(config)} ({columns})"
    made += f"\nENGINE = {engine} ORDER BY ({', '.join(table.order_by)})"
    if dictionary.ttl_days:
        made += f"\nTTL toDateTime(intDiv({_UPDATED}, 1000000000)) + toIntervalDay({dictionary.ttl_days})"
    return made


def add_attribute(dictionary: Dictionary, attribute: Attribute, config: StoreConfig) -> str:
    """Add a column to the table behind a dictionary; ``create_dictionary`` must follow."""
    return (
        f"ALTER TABLE {dictionary.name}{on_cluster(config)} ADD COLUMN IF NOT EXISTS {attribute.name} {attribute.sql}"
    )


def create_dictionary(dictionary: Dictionary, config: StoreConfig) -> str:
    """The DICTIONARY object, replaced if it exists. Its comment is its ``mark``."""
    head = f"CREATE OR REPLACE DICTIONARY dict_{dictionary.name}{on_cluster(config)}"
    return f"{head} {_definition(dictionary, config)}\nCOMMENT '{mark(dictionary, config)}'"


def mark(dictionary: Dictionary, config: StoreConfig) -> str:
    """Tells definitions of embedded dictionaries apart: one with the same mark need not be made anew at start."""
    if config.url is not None:  # the definition holds the server's password
        return ""
    return hashlib.sha256(_definition(dictionary, config).encode()).hexdigest()[:16]


def _definition(dictionary: Dictionary, config: StoreConfig) -> str:
    keys = [name for name, _ in dictionary.key]
    single = len(keys) == 1 and dictionary.key[0][1].startswith("UInt")
    layout = ("" if single else "COMPLEX_KEY_") + ("RANGE_HASHED" if dictionary.versioned else "HASHED")
    names = [attribute.name for attribute in dictionary.attributes]
    columns = [f"{name} {'UInt64' if single and not dictionary.versioned else sql}" for name, sql in dictionary.key]
    between, bounds = "", ""
    if dictionary.versioned:
        columns += [f"{VALID_FROM} DateTime('UTC')", "valid_to DateTime('UTC')"]
        window = f"PARTITION BY {', '.join(keys)} ORDER BY {VALID_FROM}"
        between = (
            f"if(row_number() OVER ({window}) = 1, toDateTime(0, 'UTC'), {VALID_FROM}) AS since, "
            f"leadInFrame({VALID_FROM} - 1, 1, toDateTime({_FOREVER}, 'UTC')) OVER "
            f"({window} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS valid_to, "
        )
        bounds = f"\nRANGE(MIN {VALID_FROM} MAX valid_to)"
    columns += [f"{a.name} {a.sql} DEFAULT {repr('') if a.sql == 'String' else 0}" for a in dictionary.attributes]
    rows = f"SELECT {', '.join(keys)}, {between}{', '.join(names)} FROM {config.database}.{dictionary.name} FINAL"
    source = f"QUERY '{rows}' DB '{config.database}'".replace("'UTC'", "\\'UTC\\'")
    if config.url is not None:
        source += f" USER '{config.user}' PASSWORD '{config.password.get_secret_value()}'"
    life = "0" if config.url is None else "MIN 5 MAX 15"  # other processes write through a server, too
    return (
        "(\n  " + ",\n  ".join(columns) + "\n)\n"
        f"PRIMARY KEY {', '.join(keys)}\nSOURCE(CLICKHOUSE({source}))\nLAYOUT({layout}())\nLIFETIME({life}){bounds}"
    )


def rows_batch(dictionary: Dictionary, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """Rows as a batch of the dictionary's table. Missing attributes are empty. Raises ``InvalidInput``."""
    table = dictionary_table(dictionary)
    now = time.time_ns()
    known = {column.name for column in table.columns}
    for row in rows:
        if unknown := set(row) - known:
            raise InvalidInput(f"no attribute {sorted(unknown)}", where=f"dictionary {dictionary.name}")
    arrays = []
    for column in table.columns:
        values = [now + i for i in range(len(rows))] if column.name == _UPDATED else [_value(column, r) for r in rows]
        arrays.append(pa.array(values, column.arrow))
    return pa.RecordBatch.from_arrays(arrays, schema=table.schema)


def _value(column: Column, row: Mapping[str, Any]) -> Any:
    value = row.get(column.name)
    if value is None:
        return "" if column.sql == "String" else bytes(16) if column.sql == "IPv6" else 0
    if column.sql == "IPv6":
        return _packed(value, column.name)
    if isinstance(value, datetime):
        return int(value.timestamp())
    return str(value) if column.sql == "String" else int(value)


def _packed(value: Any, where: str) -> bytes:
    if isinstance(value, bytes) and len(value) == 16:
        return value
    try:
        return packed(str(value))
    except ValueError:
        raise InvalidInput(f"{value!r} is not an address", where=where) from None
