"""The questions behind the numbers of device and link pages, as ``Query`` bodies that anybody can post again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from weft.api.topology_network import End, Machine, Network


def quoted(text: str) -> str:
    """A value of a filter."""
    return json.dumps(text, ensure_ascii=False)


def of_device(machine: Machine) -> str:
    """Filter for the rows of a device: by the addresses that telemetry may come from, else by its name."""
    if not machine.addresses:
        return f"host = {quoted(machine.name)}"
    if len(machine.addresses) == 1:
        return f"exporter = {machine.addresses[0]}"
    return f"exporter IN ({', '.join(machine.addresses)})"


def of_interface(machine: Machine | None, device: str, interface: str) -> str:
    """Filter for the metrics and logs of one interface, whichever way a source names it."""
    where = of_device(machine) if machine else f"host = {quoted(device)}"
    port = machine.port(interface) if machine else None
    names = [
        f"component = {quoted(name)}" for name in dict.fromkeys((interface, port.short_name if port else "")) if name
    ]
    names += [f"interface = {port.if_index}"] if port and port.if_index else []
    return f"{where} AND {names[0] if len(names) == 1 else '(' + ' OR '.join(names) + ')'}"


def changes_of(machine: Machine, interface: str) -> str:
    """Filter for changes of an interface: those about it, and those whose lines name it."""
    name = quoted(interface)
    return f"{of_device(machine)} AND (component = {name} OR title ~ {name} OR detail ~ {name})"


def flows_of(machine: Machine | None, if_index: int) -> str:
    """Filter of flows for what comes in or goes out at an interface; empty where that cannot be said."""
    return f"{of_device(machine)} AND if = {if_index}" if machine and machine.addresses and if_index else ""


def metrics_query(
    where: str, names: Sequence[str], measure: str, since: float, until: float, **more: Any
) -> dict[str, Any]:
    """A question to the metrics."""
    wanted = f"metric = {names[0]}" if len(names) == 1 else f"metric IN ({', '.join(names)})"
    return {
        "dataset": "metrics", "view": "series", "measures": [measure], "by": ["metric"],
        "filter": f"{where} AND {wanted}",
        "since": str(int(since)), "until": str(int(until)), **more,
    }  # fmt: skip


def interface_traffic(network: Network, end: End, since: float, until: float) -> dict[str, Any]:
    """Traffic of one interface in both directions."""
    where = of_interface(network.machines.get(end.device), end.device, end.interface)
    return metrics_query(where, ("in_octets", "out_octets"), "bps", since, until)
