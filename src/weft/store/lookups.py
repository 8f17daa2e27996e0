"""SQL expressions that look names up in dictionaries, so that nobody above needs to know how they are stored."""

from __future__ import annotations

from weft.model.dictionaries import Dictionary


def full_text_sql(column: str) -> str:
    """What the full-text index of a column is made of; a search must ask for the same."""
    return f"lowerUTF8({column})"


def attribute_sql(dictionary: Dictionary, attribute: str, key_sql: tuple[str, ...], time_sql: str) -> str:
    """An attribute of the row that the key names; empty or 0 where there is none.

    ``time_sql`` is the time as of which a versioned dictionary is asked (a DateTime); others ignore it.
    """
    key = key_sql[0] if len(key_sql) == 1 else f"({', '.join(key_sql)})"
    time = f", {time_sql}" if dictionary.versioned else ""
    return f"dictGet('dict_{dictionary.name}', '{attribute}', {key}{time})"
