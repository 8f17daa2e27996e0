"""Owns sockets, clocks, back-pressure and loss accounting: network in, decode → enrich → store out.

Comes in: UDP datagrams (listeners) and ``DatagramBatch``es (import, back-fill). Goes out: rows in the telemetry store,
names in its dictionaries, decoder state in the state store, and a ledger that accounts for every datagram and row.

    listener threads ─ admission ─▶ DatagramQueue ─▶ decode thread: decode · enrich · batch ─▶ writer thread ─▶ store
                          │ (counted drops)                                                     ⇅ spool on disk

Must never block a socket on the store, grow without bound, or lose anything without counting it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weft.collect.collector import Collector
    from weft.collect.config import CollectConfig, ListenerConfig
    from weft.collect.status import CollectStatus

__all__ = ["CollectConfig", "CollectStatus", "Collector", "ListenerConfig"]

_HOMES = {"Collector": "collector", "CollectConfig": "config", "ListenerConfig": "config", "CollectStatus": "status"}


def __getattr__(name: str) -> Any:
    """Import on first use: a synthetics agent is part of this package and must not bring the decoders along."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
