"""Where a dimension's value comes from, as SQL over the columns of a row (or of rows already grouped by its keys)."""

from __future__ import annotations

from weft.model.dictionaries import Dictionary
from weft.query.catalogue import Dimension
from weft.query.compile.sql import moment, select
from weft.store.lookups import attribute_sql


def value_sql(dimension: Dimension, at: str, prefix: str = "") -> str:
    """SQL for the dimension's value; ``at`` is the time as of which a versioned dictionary is asked.

    ``prefix`` qualifies the key columns (``g.``).
    """
    if dimension.dictionary is not None:
        if dimension.via is not None:
            keys: tuple[str, ...] = (value_sql(dimension.via, at, prefix),)
        else:
            keys = tuple(prefix + key for key in dimension.keys)
        return attribute_sql(dimension.dictionary, dimension.attribute, keys, at)
    if dimension.expression:
        return dimension.expression
    return prefix + dimension.keys[-1]


def rows_sql(dictionary: Dictionary) -> str:
    """A dictionary's rows as something to select from."""
    return f"dictionary('dict_{dictionary.name}')"


def minute_of(seconds: int) -> int:
    """Start of the minute."""
    return seconds - seconds % 60


def row_minute(time: str) -> str:
    """As of when a row's names are looked up."""
    return f"toStartOfMinute({time})"


def changes_sql(dictionary: Dictionary, since: int, until: int) -> str:
    """When names of a versioned dictionary changed, between ``since`` and ``until`` (both excluded): UTC seconds."""
    return select(
        ["DISTINCT toUnixTimestamp(valid_from) AS changed"],
        rows_sql(dictionary),
        where=f"valid_from > {moment(since)} AND valid_from < {moment(until)}",
        order_by=["changed"],
    )


__all__ = ["attribute_sql", "changes_sql", "minute_of", "row_minute", "rows_sql", "value_sql"]
