"""What the live network model stands on: readings of interfaces as it takes them, and its source, wired."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weft.api.devices_readings import RATE_WINDOW_S, TRAFFIC, Reading, Store, Telemetry
from weft.api.topology_load import oper_of
from weft.api.topology_network import Network
from weft.network.build import PortState, States
from weft.network.observed import Asks
from weft.network.snapshot import NetworkSource, Objects, Routes

#: Rates are taken over so long where counters are read that often, seconds.
LATELY_S = 60


def network_source(
    networks: Callable[[float | None], Network],
    objects: Callable[[float | None], Objects],
    store: Store,
    questions: Asks,
    routes: Routes,
) -> NetworkSource:
    """The live network by the inventory, the metrics, the flows and the routes of this process."""
    telemetry = Telemetry(store)

    def states(network: Any, at: float) -> States:
        return port_states(telemetry, network, at)

    return NetworkSource(networks, objects, states, questions, routes)


def port_states(telemetry: Telemetry, network: Network, at: float) -> States:
    """State, speed and rates of every interface at a time (UTC seconds).

    Rates are of the last minute where counters were read in it, so that a change shows soon, else of some minutes.
    """
    readings = telemetry.interfaces(network, TRAFFIC, at, RATE_WINDOW_S)
    for found in (telemetry.interfaces(network, TRAFFIC, at, LATELY_S), telemetry.states(network, at)):
        for key, known in found.items():
            readings[key] = readings.get(key, {}) | {
                name: one for name, one in known.items() if name not in TRAFFIC or one.rate is not None
            }
    return {key: _state(known) for key, known in readings.items()}


def _state(known: dict[str, Reading]) -> PortState:
    oper = oper_of(known)
    speed = known.get("speed_bps")
    rates = [known[name].rate if name in known else None for name in TRAFFIC]
    into, out = (None if rate is None else rate * 8 for rate in rates)
    return PortState(
        None if oper == "unknown" else oper == "up", speed.last if speed is not None and speed.last > 0 else None,
        into, out,
    )  # fmt: skip
