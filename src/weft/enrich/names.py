"""Which rows of the networks, applications and asns dictionaries the store does not have yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from weft.enrich.ids import Content, content_of
from weft.model.dictionaries import APPLICATIONS, ASNS, NETWORKS, Dictionary

Row = dict[str, Any]
_KEYS: dict[str, str] = {d.name: d.key[0][0] for d in (NETWORKS, APPLICATIONS, ASNS)}


class Written:
    """Remembers rows as they were handed out or found in the store."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[int, Content]] = {name: {} for name in _KEYS}

    def remember(self, dictionary: Dictionary, rows: Iterable[Mapping[str, Any]]) -> dict[int, Content]:
        """Take rows that the store holds; returns the attributes of each id."""
        name, key = dictionary.name, _KEYS[dictionary.name]
        own = {attribute.name for attribute in dictionary.attributes}
        for row in rows:
            texts = {k: str(v) for k, v in row.items() if k != key and (k in own or dictionary.extensible)}
            self._rows[name][int(row[key])] = content_of(texts)
        return dict(self._rows[name])

    def changes(self, dictionary: Dictionary, contents: Mapping[int, Content]) -> list[Row]:
        """Rows of ``contents`` that differ from what is known to be written, and take them as written."""
        written, key = self._rows[dictionary.name], _KEYS[dictionary.name]
        blank = {attribute.name: "" for attribute in dictionary.attributes}
        rows = []
        for number, content in contents.items():
            if written.get(number) != content:
                written[number] = content
                rows.append({key: number, **blank, **dict(content)})
        return rows
