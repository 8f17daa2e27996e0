"""What the cluster is made of: hosts, switches, ports and lines, and the numbers of the rows that tell of each.

Two scalable units of 16 hosts. A host has 8 GPUs and 8 network cards, card ``r`` on rail ``r``. Leaf ``k`` of a unit
serves rails ``2k`` and ``2k+1``: 32 ports to hosts, 32 to spines, 8 in parallel to each of four: nothing is
oversubscribed. Storage and everything else is on two front switches, one of which leads to Acme's backbone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from weft.twin.organisation.model import Hardware, Port

Role = Literal["leaf", "spine", "frontend", "host", "storage"]

SITE, SITE_NAME = "dai", "Dallas AI hall"
AT = (32.80, -96.82)
GATEWAY = ("dal-border1", 10)  # where the hall meets the backbone
UNITS, UNIT_HOSTS, RAILS, UNIT_LEAVES, SPINES, PARALLEL = 2, 16, 8, 4, 4, 8
HOSTS, LEAVES, STORES, FRONTS = UNITS * UNIT_HOSTS, UNITS * UNIT_LEAVES, 4, 2
UPLINKS = SPINES * PARALLEL  # of a leaf
_G = 1_000_000_000
SPEED, FRONT_SPEED, STORE_SPEED, PEER_SPEED, GATEWAY_SPEED = 400 * _G, 200 * _G, 400 * _G, 800 * _G, 100 * _G

HARDWARE: dict[Role, Hardware] = {
    "leaf": Hardware("Dell", "Z9664F-ON", "SONiC", "202405", ""),
    "spine": Hardware("Dell", "Z9664F-ON", "SONiC", "202405", ""),
    "frontend": Hardware("Dell", "Z9664F-ON", "SONiC", "202405", ""),
    "host": Hardware("Dell", "PowerEdge XE9680", "Ubuntu", "22.04", ""),
    "storage": Hardware("VAST Data", "CNode", "VAST OS", "5.2", ""),
}

#: Arcs of the fabric: a card to its leaf, a leaf to a card, a leaf's uplinks, their way back.
NIC_UP, NIC_DOWN, UP, DOWN = 0, HOSTS * RAILS, 2 * HOSTS * RAILS, 2 * HOSTS * RAILS + LEAVES * UPLINKS
ARCS = DOWN + LEAVES * UPLINKS
#: Arcs of the front: a host to its switch and back, switches to a store and back, switch to switch.
FRONT_UP = ARCS
FRONT_DOWN = FRONT_UP + HOSTS
STORE_IN = FRONT_DOWN + HOSTS
STORE_OUT = STORE_IN + STORES
PEER = STORE_OUT + STORES  # from front 1 to front 2, and back
ALL_ARCS = PEER + FRONTS
GONE = -1  # an end whose octets are counted elsewhere


@dataclass(frozen=True, slots=True)
class Node:
    """A device of the cluster. Its ports are of the same kind as those of Acme's other devices."""

    name: str
    role: Role
    address: str
    ports: tuple[Port, ...]
    arcs: tuple[tuple[int, int], ...]  # of each port: what comes in, what goes out
    site: str = SITE


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the cluster, by device and interface."""

    a: str
    a_port: str
    b: str
    b_port: str
    speed_bps: int
    srlg: str = ""


def host_name(host: int) -> str:
    """``gpu01`` and so on."""
    return f"gpu{host + 1:02d}"


def leaf_of(host: int, rail: int) -> int:
    """The leaf that a card is on."""
    return host // UNIT_HOSTS * UNIT_LEAVES + rail // 2


def card(rail: int) -> str:
    """What a host calls the card of a rail."""
    return f"mlx5_{rail}"


def _port(number: int, name: str, description: str, speed: int, connectivity: str) -> Port:
    return Port(number + 1, name, description, speed, "internal", "", connectivity)


def _leaf(leaf: int) -> Node:
    unit, pair = divmod(leaf, UNIT_LEAVES)
    ports, arcs = [], []
    for number in range(2 * UNIT_HOSTS):
        host, rail = unit * UNIT_HOSTS + number // 2, 2 * pair + number % 2
        ports.append(_port(number, f"Ethernet{8 * number}", f"{host_name(host)} {card(rail)}", SPEED, "server"))
        arcs.append((NIC_UP + host * RAILS + rail, NIC_DOWN + host * RAILS + rail))
    for up in range(UPLINKS):
        number = 2 * UNIT_HOSTS + up
        spine, parallel = divmod(up, PARALLEL)
        far = f"dai-spine{spine + 1} Ethernet{8 * (leaf * PARALLEL + parallel)}"
        ports.append(_port(number, f"Ethernet{8 * number}", far, SPEED, "core"))
        arcs.append((DOWN + leaf * UPLINKS + up, UP + leaf * UPLINKS + up))
    return Node(f"dai-leaf{leaf + 1}", "leaf", f"127.10.75.{11 + leaf}", tuple(ports), tuple(arcs))


def _spine(spine: int) -> Node:
    ports, arcs = [], []
    for number in range(LEAVES * PARALLEL):
        leaf, parallel = divmod(number, PARALLEL)
        up = spine * PARALLEL + parallel
        far = f"dai-leaf{leaf + 1} Ethernet{8 * (2 * UNIT_HOSTS + up)}"
        ports.append(_port(number, f"Ethernet{8 * number}", far, SPEED, "core"))
        arcs.append((UP + leaf * UPLINKS + up, DOWN + leaf * UPLINKS + up))
    return Node(f"dai-spine{spine + 1}", "spine", f"127.10.75.{31 + spine}", tuple(ports), tuple(arcs))


def _front(front: int) -> Node:
    ports, arcs = [], []
    for number in range(HOSTS // FRONTS):
        host = FRONTS * number + front
        ports.append(_port(number, f"Ethernet{8 * number}", f"{host_name(host)} ens1", FRONT_SPEED, "server"))
        arcs.append((FRONT_UP + host, FRONT_DOWN + host))
    for number in range(STORES // FRONTS):
        store, index = FRONTS * number + front, HOSTS // FRONTS + number
        ports.append(_port(index, f"Ethernet{8 * index}", f"store{store + 1} ens1", STORE_SPEED, "storage"))
        arcs.append((STORE_OUT + store, STORE_IN + store))
    ports.append(_port(18, "Ethernet144", f"dai-front{2 - front} Ethernet144", PEER_SPEED, "core"))
    arcs.append((PEER + 1 - front, PEER + front))
    if front == 0:
        ports.append(_port(19, "Ethernet152", "dal-border1 et-1/0/0", GATEWAY_SPEED, "core"))
        arcs.append((GONE, GONE))
    return Node(f"dai-front{front + 1}", "frontend", f"127.10.75.{41 + front}", tuple(ports), tuple(arcs))


def _host(host: int) -> Node:
    ports = [_port(rail, card(rail), f"rail {rail + 1}", SPEED, "server") for rail in range(RAILS)]
    arcs = [(NIC_DOWN + host * RAILS + rail, NIC_UP + host * RAILS + rail) for rail in range(RAILS)]
    ports.append(_port(RAILS, "ens1", "front", FRONT_SPEED, "server"))
    arcs.append((FRONT_DOWN + host, FRONT_UP + host))
    return Node(host_name(host), "host", f"127.10.76.{11 + host}", tuple(ports), tuple(arcs))


def _store(store: int) -> Node:
    port = _port(0, "ens1", "front", STORE_SPEED, "storage")
    arcs = ((STORE_IN + store, STORE_OUT + store),)
    return Node(f"store{store + 1}", "storage", f"127.10.77.{11 + store}", (port,), arcs)


LEAF_NODES = tuple(_leaf(leaf) for leaf in range(LEAVES))
SWITCHES = (*LEAF_NODES, *(_spine(one) for one in range(SPINES)), *(_front(one) for one in range(FRONTS)))
HOST_NODES = tuple(_host(host) for host in range(HOSTS))
NODES = (*SWITCHES, *HOST_NODES, *(_store(store) for store in range(STORES)))
BY_NAME = {node.name: node for node in NODES}

#: Rows: every port of every node, in the order of ``NODES``. ``FIRST``: the first row of a node.
ROWS = sum(len(node.ports) for node in NODES)
_COUNTS = np.cumsum([0, *(len(node.ports) for node in NODES)])
FIRST = {node.name: int(_COUNTS[at]) for at, node in enumerate(NODES)}
#: Arc into and out of each row; ``ALL_ARCS`` where none is.
ARC_IN, ARC_OUT = (
    np.array([ALL_ARCS if pair[way] == GONE else pair[way] for node in NODES for pair in node.arcs], np.int64)
    for way in (0, 1)
)


def row(device: str, index: int) -> int:
    """The row of a port."""
    return FIRST[device] + index - 1


def rows(device: str) -> slice:
    """The rows of a device."""
    return slice(FIRST[device], FIRST[device] + len(BY_NAME[device].ports))


def port(device: str, index: int) -> Port:
    """A port by its number."""
    return BY_NAME[device].ports[index - 1]


def lines() -> tuple[Line, ...]:
    """Every line within the hall, once."""
    found = []
    for node in (*LEAF_NODES, *SWITCHES[-FRONTS:]):
        for one in node.ports:
            other, far = one.description.split(" ")
            if other in BY_NAME and not (node.name == "dai-front2" and other == "dai-front1"):
                risk = f"tray {node.name} {other}" if node.role == "leaf" and "spine" in other else ""
                found.append(Line(node.name, one.name, other, far, one.speed_bps, risk))
    return tuple(found)
