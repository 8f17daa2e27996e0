"""Acme's devices, lines and neighbours as a topology of the network model, and its ports as rows of arrays.

Row ``2 p`` of a port is what it receives, row ``2 p + 1`` what it sends; ports are counted device by device.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from weft.network.build import link_id, outside_node
from weft.network.topology import Link, Node, Topology, topology
from weft.twin import organisation as org
from weft.twin.exits import exits

RECEIVES, SENDS = 0, 1
#: Costs of the ways in: the rest of the world comes by a border, but to who stands behind a firewall.
_OUTSIDE_METRIC, _FIREWALL_METRIC = 1, 2


@dataclass(frozen=True)
class Ports:
    """Every port of every device."""

    first: dict[str, int]  # number of a device's first port
    number: dict[tuple[str, int], int]  # device and ifIndex → number
    if_index: NDArray[np.int64]  # [rows]
    device: NDArray[np.int64]  # [rows] position in ``org.DEVICES``
    speed_bps: NDArray[np.float64]  # [rows]

    def __len__(self) -> int:
        return len(self.speed_bps)

    def row(self, device: str, port: int, way: int) -> int:
        """Row of what a port receives or sends."""
        return 2 * self.number[device, port] + way

    def of(self, device: str) -> slice:
        """Rows of a device's ports."""
        first = 2 * self.first[device]
        return slice(first, first + 2 * len(org.all_ports(org.BY_NAME[device])))


@cache
def ports() -> Ports:
    """The ports of Acme."""
    listed = [(at, device, port) for at, device in enumerate(org.DEVICES) for port in org.all_ports(device)]
    number = {(device.name, port.index): i for i, (_, device, port) in enumerate(listed)}
    return Ports(
        {device.name: number[device.name, org.all_ports(device)[0].index] for device in org.DEVICES}, number,
        np.repeat([port.index for *_, port in listed], 2), np.repeat([at for at, *_ in listed], 2),
        np.repeat([float(port.speed_bps) for *_, port in listed], 2),
    )  # fmt: skip


def line_id(link: org.Link) -> str:
    """Id of a line of Acme, as the inventory's links are called."""
    names = {(name, port.index): port.name for name in (link.a, link.b) for port in org.all_ports(org.BY_NAME[name])}
    ends = sorted(((link.a, names[link.a, link.a_port]), (link.b, names[link.b, link.b_port])))
    return "--".join(f"{device}:{interface}" for device, interface in ends)


@cache
def base() -> Topology:
    """Everything in order. Nodes: the devices in their order, then who is outside; links: the lines, then the exits."""
    nodes = [Node(device.name, site=device.site, role=device.role) for device in org.DEVICES]
    position = {node.name: at for at, node in enumerate(nodes)}
    links, capacity, delay, metric = [], [], [], []
    for line in org.LINKS:
        a, b = (
            next(port.name for port in org.all_ports(org.BY_NAME[name]) if port.index == index)
            for name, index in ((line.a, line.a_port), (line.b, line.b_port))
        )
        links.append(Link(
            line_id(line), position[line.a], position[line.b], a, b, "backbone" if line in org.BACKBONE else "core",
            line.provider, line.circuit, line.cost_per_month, line.srlgs,
        ))  # fmt: skip
        capacity.append(float(line.speed_bps))
        delay.append(line.delay_ms / 1e3)
        metric.append(line.metric)
    for way in exits():
        node = outside_node(way.port.provider, way.port.connectivity, org.PROVIDER_ASNS)
        if node.name not in position:
            position[node.name] = len(nodes)
            nodes.append(node)
        name = link_id(way.device, way.port.name, node.name)
        links.append(Link(
            name, position[way.device], position[node.name], way.port.name, "", way.port.connectivity,
            way.port.provider,
        ))  # fmt: skip
        capacity.append(float(way.port.speed_bps))
        delay.append(0.0)
        metric.append(_OUTSIDE_METRIC if way.is_bgp else _FIREWALL_METRIC)
    made = topology(nodes, links, capacity_bps=capacity, delay_s=delay, metric=metric)
    return made.changed(transit=np.arange(len(nodes)) < len(org.DEVICES))
