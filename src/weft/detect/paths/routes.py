"""What BGP did to the routes by which tested addresses are reached: remembered for those only, so it stays small."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network
from typing import Any

import numpy as np
import pyarrow as pa

from weft.detect.routing.own import Network, OwnSpace
from weft.detect.routing.rows import (
    ANNOUNCE,
    CHECKPOINT,
    LOC,
    PEER_DOWN,
    PEER_UP,
    POST,
    WITHDRAW,
    Block,
    Loading,
    Peer,
    block,
    is_unseen,
)
from weft.model.addresses import address_text

_MOST_WATCHED, _MOST_ROUTES, _MOST_CHANGES = 5_000, 50_000, 4_000
_MOST_SAVED, _MOST_ROUTERS, _MOST_PATH = 20_000, 1_000, 400
_MAPPED = 0xFFFF  # upper bits of IPv4 in sixteen octets
_AGAIN_S = 3600.0  # an address that was tested within so long does not make room for another


@dataclass(frozen=True, slots=True)
class RouteChange:
    """A route to a tested address changed. AS paths as text: empty = no route, ``None`` = unknown. ``bits``: of 128."""

    at_s: float
    peer: Peer
    rib: int
    prefix: str
    network: int
    bits: int
    before: str | None
    after: str

    def covers(self, address: bytes) -> bool:
        """Whether an address of 16 octets is in the prefix."""
        return _covers(self.network, self.bits, int.from_bytes(address, "big"))


class RouteBook:
    """Routes to addresses that are tested, and how they changed. Bounded."""

    def __init__(self) -> None:
        self._watched: OrderedDict[bytes, float] = OrderedDict()  # address → last tested
        self._space = OwnSpace(())
        self._is_stale = False
        self._routes: OrderedDict[tuple[Peer, int, int], tuple[str, int, int]] = OrderedDict()
        self._changes: deque[RouteChange] = deque(maxlen=_MOST_CHANGES)
        self._loading = Loading()
        self.routers: dict[bytes, None] = {}
        """Who tells of routes to what is tested."""

    def watch(self, address: bytes, at_s: float) -> None:
        """An address that is tested, 16 octets."""
        if address not in self._watched:
            if len(self._watched) >= _MOST_WATCHED:
                oldest = next(iter(self._watched))
                if abs(at_s - self._watched[oldest]) < _AGAIN_S:
                    return
                del self._watched[oldest]
            self._is_stale = True
        self._watched[address] = at_s
        self._watched.move_to_end(address)

    def take(self, rows: pa.RecordBatch) -> None:
        """Rows of ``routes``. What is told as a table is told again is no change."""
        self._arrange()
        told = block(rows)
        loading = self._loading.rows(told)
        chosen = self._space.meets(told) & (told.event <= CHECKPOINT) & (told.rib != POST)
        for i in np.flatnonzero(chosen | (told.event >= PEER_UP)).tolist():
            peer, rib = told.sessions[int(told.session[i])]
            if told.event[i] >= PEER_UP:
                reason = str(told.rows.column("reason")[i].as_py() or "")
                is_seen = told.event[i] == PEER_DOWN and not is_unseen(int(told.source[i]), reason)
                self._ended((peer, rib), float(told.time_s[i]), is_news=is_seen)
            elif not peer.vrf:
                self._note(told, i, (peer, rib, int(told.prefix_id[i])), is_news=not loading[i])

    def _note(self, told: Block, i: int, key: tuple[Peer, int, int], *, is_news: bool) -> None:
        """One row about a route to what is tested."""
        known, path = self._routes.get(key), told.path(i)[:_MOST_PATH]
        before = known[0] if known else "" if told.event[i] == ANNOUNCE else None
        if len(self.routers) < _MOST_ROUTERS:
            self.routers[key[0].exporter] = None
        network = int.from_bytes(told.prefix_octets(i), "big")
        bits = min(int(told.length[i]) + (96 if network >> 32 == _MAPPED else 0), 128)
        if told.event[i] == WITHDRAW:
            self._routes.pop(key, None)
            before, after = before or path, ""  # its row still says what it was
        else:
            after = path
            self._routes[key] = path, network, bits
            self._routes.move_to_end(key)
            if len(self._routes) > _MOST_ROUTES:
                self._routes.popitem(last=False)
        if is_news and before != after:
            peer, rib, _ = key
            at_s = float(told.time_s[i])
            self._changes.append(RouteChange(at_s, peer, rib, told.prefix_text(i), network, bits, before, after))

    def _ended(self, session: tuple[Peer, int], at_s: float, *, is_news: bool) -> None:
        """A session went away, or begins anew: with it all its routes."""
        for key in [key for key in self._routes if key[:2] == session]:
            path, network, bits = self._routes.pop(key)
            if is_news and session[1] != POST:
                prefix = _text(network, bits)
                self._changes.append(RouteChange(at_s, *session, prefix, network, bits, path, ""))

    def changes(self, addresses: Iterable[bytes], since_s: float, until_s: float) -> list[RouteChange]:
        """Changes of the longest prefixes around addresses between two times, in order.

        Where routers tell what they decided (Loc-RIB), that alone.
        """
        lately = [one for one in self._changes if since_s <= one.at_s <= until_s]
        found: dict[RouteChange, None] = {}
        for address in dict.fromkeys(addresses):
            mine = [one for one in lately if one.covers(address)]
            longest = max((one.bits for one in mine), default=0)
            found.update((one, None) for one in mine if one.bits == longest)
        decided = [one for one in found if one.rib == LOC]
        return sorted(decided or found, key=lambda one: one.at_s)

    def knows(self, address: bytes) -> bool:
        """Whether any route to an address is known, other than the default one."""
        number = int.from_bytes(address, "big")
        return any(bits not in (0, 96) and _covers(network, bits, number) for _, network, bits in self._routes.values())

    def _arrange(self) -> None:
        """Addresses that are tested now, as networks."""
        if self._is_stale:
            self._space = OwnSpace((_host(one) for one in self._watched), private=True)
            self._is_stale = False

    def state(self) -> dict[str, Any]:
        """For ``restore``: what is watched, and routes as they stand."""
        routes = [
            [*peer.state(), rib, number, path, f"{network:x}", bits]
            for (peer, rib, number), (path, network, bits) in list(self._routes.items())[-_MOST_SAVED:]
        ]
        return {"watched": [[one.hex(), at_s] for one, at_s in self._watched.items()], "routes": routes}

    def restore(self, told: Mapping[str, Any]) -> None:
        """Go on where ``state`` was. Raises ``ValueError``, ``KeyError`` or ``TypeError``."""
        watched = {_address(str(one)): float(at_s) for one, at_s in told["watched"][:_MOST_WATCHED]}
        routes = OrderedDict(
            ((Peer.restored(exporter, peer, vrf), int(rib), int(number)), (str(path), int(network, 16), int(bits)))
            for exporter, peer, vrf, rib, number, path, network, bits in told["routes"][:_MOST_SAVED]
        )
        self._watched, self._routes, self._is_stale = OrderedDict(watched), routes, True
        self.routers = dict.fromkeys([peer.exporter for peer, _, _ in routes][:_MOST_ROUTERS])


def _address(text: str) -> bytes:
    found = bytes.fromhex(text)
    if len(found) != 16:
        raise ValueError("not an address")
    return found


def _host(address: bytes) -> Network:
    found = IPv6Address(address)
    return ip_network(found.ipv4_mapped or found)


def _text(network: int, bits: int) -> str:
    """A prefix as people write it."""
    of_v4 = network >> 32 == _MAPPED
    return f"{address_text(network.to_bytes(16, 'big'), '::')}/{bits - 96 if of_v4 else bits}"


def _covers(network: int, bits: int, address: int) -> bool:
    return (address ^ network) >> (128 - bits) == 0
