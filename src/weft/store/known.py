"""What the dictionaries hold, read back: so that ids keep their meaning after a restart, and names can be shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from weft.model.addresses import address_text, packed
from weft.model.dictionaries import DICTIONARIES, Dictionary
from weft.store.dictionaries import VALID_FROM, dictionary_table
from weft.store.telemetry import TelemetryStore


def known_rows(store: TelemetryStore, dictionary: Dictionary) -> list[dict[str, Any]]:
    """All rows of a dictionary, the user's own attributes included; of a versioned one the newest last.

    Addresses come as text, ``valid_from`` as UTC seconds. Raises ``StoreUnavailable`` or ``Failed``.
    """
    keys = ", ".join(name for name, _ in dictionary.key)
    order = f"{keys}, {VALID_FROM}" if dictionary.versioned else keys
    (*_, updated) = dictionary_table(dictionary).columns
    addresses = [name for name, sql in dictionary.key if sql == "IPv6"]
    replaced = [f"toString({name}) AS {name}" for name in addresses]
    if dictionary.versioned:
        replaced.append(f"toUnixTimestamp({VALID_FROM}) AS {VALID_FROM}")
    replace = f" REPLACE ({', '.join(replaced)})" if replaced else ""
    rows = store.query(f"SELECT *{replace} FROM {dictionary.name} FINAL ORDER BY {order}").table.to_pylist()
    return [
        {name: _address(value) if name in addresses else value for name, value in row.items() if name != updated.name}
        for row in rows
    ]


#: Those whose rows must be known before more are written.
_REMEMBERED = tuple(dictionary for dictionary in DICTIONARIES if not dictionary.ttl_days)


def known(store: TelemetryStore, dictionaries: Iterable[Dictionary] = _REMEMBERED) -> dict[str, list[dict[str, Any]]]:
    """All rows of dictionaries, by dictionary name."""
    return {dictionary.name: known_rows(store, dictionary) for dictionary in dictionaries}


def _address(text: str) -> str:
    return address_text(packed(text), "::")
