"""A border router that speaks BMP: its neighbours' routes before and after policy, and those it uses.

Comes in: what neighbours send. Goes out: the octets of the stream, message by message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from weft.twin import organisation as org
from weft.twin.encode_bgp import (
    Attributes,
    Peer,
    Prefix,
    end_of_rib,
    initiation,
    monitoring,
    notification,
    open_message,
    peer_down,
    peer_up,
    statistics,
    updates,
    withdrawals,
)  # fmt: skip
from weft.twin.routing import Neighbour, RouteChange, Table, accepted, neighbours, table

_AFTER_POLICY = 0x40
_HOLD_TIMER, _CEASE = (4, 0), (6, 4)
_UP_S = 6 * 3600  # how long sessions have been up when the stream begins

#: Routes that changed: prefix → attributes, None where withdrawn.
_Changed = dict[Prefix, Attributes | None]


class BmpRouter:
    """State of one router, from the beginning of its stream on."""

    def __init__(self, device: org.Exporter, seed: int) -> None:
        self.device = device
        self._seed = seed
        self._neighbours = {each.port: each for each in neighbours(device.name)}
        self._heard: dict[int, Table] = {}
        self._kept: dict[int, Table] = {}  # of what was heard, what policy leaves
        self._used: dict[Prefix, tuple[int, Attributes]] = {}
        self._refused = dict.fromkeys(self._neighbours, 0)
        self._own = Peer("0.0.0.0", org.ACME_AS, self._router_id, kind=3)  # noqa: S104 - Loc-RIB has no address

    @property
    def _router_id(self) -> str:
        return self.device.address.replace("127.", "10.", 1)

    def begin(self, at_s: float) -> Iterator[bytes]:
        """The stream from its first octet: who the router is, and every neighbour's table, up for hours already."""
        hardware = org.HARDWARE[self.device.role]
        yield initiation(self.device.name, f"{hardware.vendor} {hardware.model}, {hardware.os} {hardware.os_version}")
        own = open_message(org.ACME_AS, self._router_id)
        yield peer_up(self._own, _ns(at_s - _UP_S), "0.0.0.0", own, own, table="global")  # noqa: S104
        self._heard.clear()
        self._kept.clear()
        self._used.clear()
        for port in self._neighbours:
            yield from self._up(port, at_s, at_s - _UP_S)

    def change(self, one: RouteChange) -> Iterator[bytes]:
        """What the stream says of a change."""
        if one.kind == "up":
            yield from self._up(one.port, one.at_s, one.at_s)
        elif one.port in self._heard:
            if one.kind == "down":
                yield from self._down(one.port, one.at_s)
            else:
                yield from self._told(one.port, dict(one.routes), one.at_s)

    def counters(self, at_s: float) -> Iterator[bytes]:
        """Statistics Reports of the sessions that are up."""
        for port, heard in self._heard.items():
            values = {0: self._refused[port], 7: len(heard), 8: len(self._used)}
            yield statistics(self._peer(self._neighbours[port]), _ns(at_s), values)

    def _peer(self, neighbour: Neighbour, flags: int = 0) -> Peer:
        return Peer(neighbour.address, neighbour.asn, neighbour.address, flags=flags)

    def _up(self, port: int, at_s: float, up_s: float) -> Iterator[bytes]:
        neighbour = self._neighbours[port]
        local = f"192.0.2.{(int(neighbour.address.split('.')[3]) + 1) % 255}"
        yield peer_up(
            self._peer(neighbour), _ns(up_s), local, open_message(org.ACME_AS, self._router_id),
            open_message(neighbour.asn, neighbour.address),
        )  # fmt: skip
        self._heard[port], self._kept[port] = {}, {}
        yield from self._told(port, dict(table(self._seed, neighbour)), at_s)
        for flags in (0, _AFTER_POLICY):
            for is_v6 in (False, True):
                yield monitoring(self._peer(neighbour, flags), _ns(at_s), end_of_rib(is_v6=is_v6))

    def _down(self, port: int, at_s: float) -> Iterator[bytes]:
        neighbour, heard = self._neighbours[port], self._heard.pop(port)
        del self._kept[port]
        code = _HOLD_TIMER if port % 2 else _CEASE
        yield peer_down(self._peer(neighbour), _ns(at_s), 1 if port % 2 else 3, notification(*code))
        yield from self._choose(heard, at_s)

    def _told(self, port: int, changed: _Changed, at_s: float) -> Iterator[bytes]:
        """Routes of a neighbour before policy, what is left of them after it, and what that means for those in use."""
        neighbour, heard, kept = self._neighbours[port], self._heard[port], self._kept[port]
        after: _Changed = {}
        for prefix, said in changed.items():
            if said is None:
                heard.pop(prefix, None)
            else:
                heard[prefix] = said
            left = None if said is None else accepted(neighbour, prefix, said)
            self._refused[port] += said is not None and left is None
            if left is not None:
                kept[prefix] = after[prefix] = left
            elif kept.pop(prefix, None) is not None:
                after[prefix] = None
        yield from _monitored(self._peer(neighbour), changed, at_s)
        yield from _monitored(self._peer(neighbour, _AFTER_POLICY), after, at_s)
        yield from self._choose(changed, at_s)

    def _choose(self, prefixes: Iterable[Prefix], at_s: float) -> Iterator[bytes]:
        """Best paths of some prefixes, where they are others than before."""
        changed: _Changed = {}
        for prefix in prefixes:
            best = self._best(prefix)
            if best != self._used.get(prefix):
                changed[prefix] = best[1] if best else None
                if best:
                    self._used[prefix] = best
                else:
                    del self._used[prefix]
        yield from _monitored(self._own, changed, at_s)

    def _best(self, prefix: Prefix) -> tuple[int, Attributes] | None:
        """By preference, then the length of the path, then the neighbour."""
        found = None
        for port, kept in self._kept.items():
            if (said := kept.get(prefix)) is not None:
                rank = -(said.local_pref or 0), len(said.as_path), port
                if found is None or rank < found[0]:
                    found = rank, port, said
        return (found[1], found[2]) if found else None


def _ns(at_s: float) -> int:
    return int(at_s * 1_000_000) * 1_000


def _monitored(peer: Peer, changed: _Changed, at_s: float) -> Iterator[bytes]:
    """Route Monitoring for changes, prefixes with the same attributes together."""
    groups: dict[tuple[int, Attributes | None], list[Prefix]] = {}
    for prefix, said in changed.items():
        groups.setdefault((prefix.version, said), []).append(prefix)
    for (_, said), prefixes in groups.items():
        messages = withdrawals(prefixes) if said is None else updates(prefixes, said)
        yield from (monitoring(peer, _ns(at_s), message) for message in messages)
