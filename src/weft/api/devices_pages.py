"""The pages of devices, and the picture of the network, on what they stand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from weft.api.devices import Devices, Feeds, feeds_of
from weft.api.devices_detail import DeviceDetails
from weft.api.devices_readings import Store, Telemetry
from weft.api.models.sources import ExportersView, SourcesView
from weft.api.topology import Asks, Topology
from weft.api.topology_network import Network
from weft.errors import Unavailable
from weft.store.telemetry import DEFAULT_LIMITS, Limits, QueryResult


@dataclass(frozen=True, slots=True)
class DevicePages:
    """The list, and the pages of one device and one interface."""

    devices: Devices
    details: DeviceDetails


class _NoStore:
    def query(self, _: str, __: object = None, ___: Limits = DEFAULT_LIMITS) -> QueryResult:
        """There is none."""
        raise Unavailable("this process has no telemetry store")


def device_pages(
    networks: Callable[[float | None], Network],
    store: Store | None,
    questions: Asks,
    sources: Callable[[], SourcesView],
    exporters: Callable[[], ExportersView],
) -> tuple[DevicePages, Topology]:
    """Wire the pages."""
    telemetry = Telemetry(store if store is not None else _NoStore())

    def feeds(network: Network) -> Feeds:
        return feeds_of(network, sources(), exporters())

    devices = Devices(networks, telemetry, feeds)
    return DevicePages(devices, DeviceDetails(devices)), Topology(networks, telemetry, questions)
