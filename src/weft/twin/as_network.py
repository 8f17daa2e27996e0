"""Acme at a moment as the network model has it: topology, routes, static entries, demands; the truth for estimates.

Demands are per device, prefix group and kind of host. Groups are the remote networks, and once more those in clouds as
servers reach them over private lines.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from weft.network.demands import Demands, demands
from weft.network.routing import Entry, EntryAction, ExternalRoute, PrefixGroup, Routing
from weft.network.state import Network
from weft.network.topology import Topology
from weft.twin import organisation as org
from weft.twin.conversations import Group, conversations
from weft.twin.exits import NEVER, STATIC, exits, local_pref, path_length
from weft.twin.graph import base
from weft.twin.ways import Ways

#: Classes of demands.
CLASSES: tuple[Group, ...] = ("people", "servers", "public")


@cache
def _groups() -> tuple[tuple[PrefixGroup, ...], dict[int, int]]:
    """Prefix groups, and of a remote network in a cloud the group of its private ways."""
    found = [PrefixGroup(f"{one.name} {one.region}".strip(), (one.prefix, one.prefix_v6)) for one in org.REMOTES]
    private: dict[int, int] = {}
    for number, remote in enumerate(org.REMOTES):
        if remote.cloud:
            private[number] = len(found)
            found.append(PrefixGroup(f"{remote.cloud} {remote.region}, private"))
    return tuple(found), private


def network_at(ways: Ways, bps: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Network:
    """The network while it has these ways. ``bps``: what each column carries (``World.pieces``)."""
    return Network(ways.topology, _routing(ways), _demands(ways, bps))


def _routing(ways: Ways) -> Routing:
    groups, private = _groups()
    preferred = {(device, port): value for device, port, value in ways.structure.preferred}
    silent = ways.structure.no_routes | ways.structure.down
    routes, entries = [], []
    for at, way in enumerate(exits()):
        link, node = len(org.LINKS) + at, ways.topology.positions[way.device]
        if way.at in silent:
            continue
        for number, remote in enumerate(org.REMOTES):
            liked = local_pref(way, remote.asn)
            if way.port.connectivity == "cloud" and remote.cloud == way.port.provider:
                routes.append(ExternalRoute(private[number], node, link, STATIC, 1, neighbor_as=way.asn))
            elif liked != NEVER:
                length = 1 if way.port.connectivity == "ix" else path_length(remote.asn)
                value = preferred.get(way.at, liked)
                routes += [
                    ExternalRoute(group, node, link, value, length, neighbor_as=way.asn)
                    for group in sorted({number, private.get(number, number)})
                ]
            elif not way.is_bgp and way.port.connectivity != "cloud":
                entries.append(Entry(
                    EntryAction.NEXT_HOP, node, number, traffic_class=CLASSES.index("people"), link=link,
                    name=f"default route of {way.device}",
                ))  # fmt: skip
    return Routing(groups, tuple(routes), tuple(entries))


def _demands(ways: Ways, bps: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Demands:
    """One demand for all conversations of a class between the same ends."""
    _, private = _groups()
    sums: dict[tuple[int, int, int, int], float] = {}
    topology = base()
    for i, one in enumerate(conversations()):
        at, kind = topology.positions[one.at.device], CLASSES.index(one.group)
        if one.other is not None:
            there = topology.positions[one.other.device]
            keys = [(at, there, -1, kind), (there, at, -1, kind)]
        else:
            own = private.get(one.remote) if one.group == "servers" else None
            entry = _outside(topology, int(ways.exit_in[i]))
            keys = [(at, -1, one.remote if own is None else own, kind), (entry, at, -1, kind)]
        for back, key in enumerate(keys):
            if key[0] >= 0 and key[0] != key[1]:
                sums[key] = sums.get(key, 0.0) + float(bps[2 * i + back])
    columns = np.array(list(sums), np.int32).reshape(-1, 4).T
    return demands(
        columns[0], columns[1], np.array(list(sums.values())), group=columns[2],
        traffic_class=columns[3].astype(np.int16), classes=CLASSES,
    )  # fmt: skip


def _outside(topology: Topology, way: int) -> int:
    """The node behind an exit; -1 for none."""
    return -1 if way < 0 else topology.links[len(org.LINKS) + way].b
