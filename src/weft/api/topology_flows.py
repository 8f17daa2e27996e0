"""Rates of interfaces by flow records, for links whose ends have no counters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from weft.api.topology_network import Network, Wire
from weft.model.views import ViewResult
from weft.query.model import Query

_CELL = re.compile(r"(?:\[([^\]]+)\]|([^:]*)):(.*)", re.DOTALL)
_MOST_FILTER = 3500
_MOST_GROUPS = 1000


class Asks(Protocol):
    """``weft.query.QueryEngine``, as far as it is asked here."""

    def run(self, query: Query) -> ViewResult:
        """Answer a question."""


def flow_query(network: Network, wires: Sequence[Wire], side: str, since: int, until: int) -> Query:
    """Bit/s by interface (``in_if`` or ``out_if``) of the devices at the ends of these links."""
    devices = {end.device for wire in wires for end in (wire.a, wire.b)}
    addresses = [a for name in sorted(devices) if name in network.machines for a in network.machines[name].addresses]
    condition = f"exporter IN ({', '.join(addresses)})" if addresses else ""
    return Query(
        dataset="flows", view="table", measures=["bps"], by=[side], top=_MOST_GROUPS, other=False,
        filter=condition if len(condition) <= _MOST_FILTER else "", since=str(since), until=str(until),
    )  # fmt: skip


def flow_rates(
    questions: Asks, network: Network, wires: Sequence[Wire], since: int, until: int
) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    """(device, interface) → bit/s in, out; only interfaces that flows name. Raises what the engine raises."""
    wanted = {(end.device, end.interface) for wire in wires for end in (wire.a, wire.b)}
    out: dict[tuple[str, str], tuple[float | None, float | None]] = {}
    for place, side in enumerate(("in_if", "out_if")):
        for cell, value in _cells(questions.run(flow_query(network, wires, side, since, until))):
            end = _end(network, cell)
            if end in wanted and end is not None:
                known = list(out.get(end, (None, None)))
                known[place] = (known[place] or 0.0) + value
                out[end] = (known[0], known[1])
    return out


def _cells(result: ViewResult) -> list[tuple[str, float]]:
    return [
        (str(row[0]), float(row[1]))
        for i, row in enumerate(result.rows)
        if i != result.other and len(row) > 1 and row[1] is not None
    ]


def _end(network: Network, cell: str) -> tuple[str, str] | None:
    """``router1:et-0/0/0`` or ``192.0.2.1:3`` as the inventory spells it."""
    match = _CELL.fullmatch(cell)
    machine = network.machine(match[1] or match[2]) if match else None
    if match is None or machine is None:
        return None
    name = match[3]
    port = machine.port(name, int(name) if name.isascii() and name.isdigit() and len(name) <= 10 else 0)
    return (machine.name, port.name) if port else None
