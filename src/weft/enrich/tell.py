"""What enrichment knows of devices, as facts for the inventory: its tables, and what exporters tell of themselves.

Must know nothing of the inventory but the shape of a fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from weft.enrich.interfaces import DeviceTables
from weft.enrich.tables import Address
from weft.model.exporters import InterfaceFact
from weft.model.inventory import Fact, ObjectKind
from weft.model.naming import unnamed_interface

#: Sources of these facts, as the inventory names them, and what the tables speak about.
TABLES, FLOWS = "tables", "flows"
SCOPE = "enrich"
_INTERFACE = ("name", "description", "speed_bps", "boundary", "provider", "connectivity")


class Observe(Protocol):
    """``weft.collect.ports.Facts.observe``."""

    def __call__(self, origin: str, scope: str, facts: Sequence[Fact], /, *, complete: bool = True) -> None:
        """Take what a source says."""


def table_facts(tables: DeviceTables) -> Iterator[Fact]:
    """What the exporter and interface tables say. Devices are named by address: one can have several rows."""
    for address, row in tables.exporters.items():
        said = {"name": row.name, "site": row.site, "role": row.role, "demo": row.demo, "addresses": [str(address)]}
        yield Fact(ObjectKind.DEVICE, (str(address),), _given(said))
    for (address, index), port in tables.interfaces.items():
        said = {name: getattr(port, name) for name in _INTERFACE} | {"if_index": index}
        yield Fact(ObjectKind.INTERFACE, (str(address), port.name or unnamed_interface(index)), _given(said))


def exporter_facts(address: Address, interfaces: Iterable[InterfaceFact]) -> Iterator[Fact]:
    """What an exporter tells of itself."""
    yield Fact(ObjectKind.DEVICE, (str(address),), {"addresses": [str(address)]})
    named: set[str] = set()
    for one in interfaces:
        name = one.name if one.name and one.name not in named else unnamed_interface(one.if_index)
        named.add(name)
        said = {"description": one.description, "speed_bps": one.speed_bps, "if_index": one.if_index}
        yield Fact(ObjectKind.INTERFACE, (str(address), name), _given(said))


def _given(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value}
