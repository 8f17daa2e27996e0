"""BGP sessions of a device, gathered from the metrics that tell of them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from weft.api.devices_queries import metrics_query, of_device, quoted
from weft.api.devices_readings import Row
from weft.api.models.devices import BgpPeer
from weft.api.topology_network import Machine, Network

#: BGP4-MIB bgpPeerState, RFC 4273.
STATES = {1: "idle", 2: "connect", 3: "active", 4: "opensent", 5: "openconfirm", 6: "established"}
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')
_PREFIXES = ("bgp_prefixes_received", "bgp_prefixes_accepted", "bgp_prefixes_sent")


def labels_of(text: str) -> dict[str, str]:
    """``a="b",c="d"`` as a dictionary."""
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in _LABEL.findall(text)}


def bgp_peers(network: Network, machine: Machine, rows: Iterable[Row], start: int, end: int) -> list[BgpPeer]:
    """One line per peer, address family and VRF. What is said of a session as a whole stands in each of its lines."""
    sessions: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    families: dict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
    for row in rows:
        if not row.metric.startswith("bgp_") or not row.component:
            continue
        labels = labels_of(row.labels)
        vrf, family = labels.get("vrf", ""), labels.get("afi_safi", "")
        session = sessions[row.component, vrf]
        if labels.get("remote_as"):
            session["remote_as"] = labels["remote_as"]
        if row.metric in _PREFIXES and family:
            families[row.component, vrf, family][row.metric] = row.reading.last
        else:
            session[row.metric] = row.reading.last
    lines = [*families, *((*key, "") for key in sessions if not any(f[:2] == key for f in families))]
    return [
        _peer(network, machine, key, sessions[key[0], key[1]], families.get(key, {}), start, end)
        for key in sorted(lines)
    ]


def _peer(
    network: Network, machine: Machine, key: tuple[str, str, str], session: dict[str, Any], family: dict[str, float],
    start: int, end: int,
) -> BgpPeer:  # fmt: skip
    peer, vrf, afi_safi = key
    known = session | family
    number = known.get("bgp_peer_state")
    state: Any = STATES.get(int(number), "unknown") if number is not None else "unknown"
    other = network.machine(peer)
    where = f"{of_device(machine)} AND component = {quoted(peer)}"
    return BgpPeer(
        peer=peer, remote_as=str(session.get("remote_as", "")), afi_safi=afi_safi, vrf=vrf, state=state,
        uptime_s=known.get("bgp_peer_uptime_s"), received=known.get(_PREFIXES[0]), accepted=known.get(_PREFIXES[1]),
        sent=known.get(_PREFIXES[2]), transitions=known.get("bgp_transitions"),
        device=other.name if other else "",
        query=metrics_query(where, ("bgp_peer_state",), "last", start, end),
    )  # fmt: skip
