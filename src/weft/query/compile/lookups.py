"""Where a dimension's value comes from, as SQL over the columns of a row (or of rows already grouped by its keys)."""

from __future__ import annotations

from weft.query.catalogue import Dimension
from weft.model.dictionaries import Dictionary


def attribute_sql(dictionary: Dictionary, attribute: str, key_sql: tuple[str, ...], time_sql: str) -> str:
    """The attribute of the row that the key names."""
    key = key_sql[0] if len(key_sql) == 1 else f"({', '.join(key_sql)})"
    time = f", {time_sql}" if dictionary.versioned else ""
    return f"dictGet('dict_{dictionary.name}', '{attribute}', {key}{time})"


def value_sql(dimension: Dimension, at: str, prefix: str = "") -> str:
    """SQL for the dimension's value; ``at`` is the time as of which a versioned dictionary is asked.

    ``prefix`` qualifies the key columns (``g.``).
    """
    if dimension.dictionary is not None:
        keys = tuple(prefix + key for key in dimension.keys)
        return attribute_sql(dimension.dictionary, dimension.attribute, keys, at)
    if dimension.expression:
        return dimension.expression
    return prefix + dimension.keys[-1]
