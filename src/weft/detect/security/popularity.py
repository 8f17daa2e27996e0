"""How many hosts of ours use a peer, or anything in a peer's network: what all use is rarely a thief's."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from weft.detect.security.covert import WAYS, U64s, keys_of, refill, slot_of
from weft.detect.security.sketches import mix

#: ``bits``: which of 256 bits the hosts hash to (linear counting, Whang et al. 1990): good to about 1000 hosts;
#: ``weight``: how many these are, so that what one host alone sweeps over pushes nothing out that many use.
_USED = np.dtype(
    [("key", "u8"), ("first", "f8"), ("seen", "f8"), ("weight", "f4"), ("pad", "f4"), ("bits", "u8", (4,))]
)
_BITS = 256
_KEEP_S = 14 * 86400.0
_USER, _PEER, _NETWORK = 1, 0x5EED1, 0x5EED2


class Popularity:
    """Hosts per peer and per network, bounded: what was not used for longest gives way."""

    KIND = _USED

    def __init__(self, slots: int = 1 << 15) -> None:
        self._used = np.zeros(slots // WAYS * WAYS, _USED)

    def note(self, users: U64s, peers: U64s, networks: U64s, at: NDArray[np.float64]) -> None:
        """Rows of hosts that used peers in networks, by their keys."""
        _note(self._used, peers, users, at)
        _note(self._used, networks, users, at)

    def hosts(self, keys: U64s, now: float) -> NDArray[np.float64]:
        """How many hosts used each peer or network (by ``peer_keys``, ``network_keys``)."""
        out = np.zeros(len(keys))
        _hosts(self._used, keys, now, out)
        return out

    def table(self) -> NDArray[Any]:
        """What is known, to be kept."""
        return self._used[self._used["key"] > 0]

    def fill(self, table: NDArray[Any]) -> None:
        """What ``table`` gave."""
        table["weight"] = np.bitwise_count(table["bits"]).sum(axis=1)
        refill(self._used, table, _KEEP_S)


def user_keys(hosts: U64s) -> U64s:
    """Keys of hosts that use something."""
    return keys_of(hosts, _USER)


def peer_keys(peers: U64s) -> U64s:
    """Keys of peers."""
    return keys_of(peers, _PEER)


def network_keys(peers: U64s, asn: NDArray[np.uint32]) -> U64s:
    """Keys of the networks of peers: their AS, and where it is not known their /24 or /48."""
    is_v4 = peers[:, 0] == 0
    prefix = np.where(is_v4, peers[:, 1] >> np.uint64(8), peers[:, 0] >> np.uint64(16))
    one = np.stack([np.where(asn > 0, asn.astype(np.uint64), 0), np.where(asn > 0, 0, prefix)], axis=1)
    return keys_of(one.astype(np.uint64), _NETWORK)


@numba.njit(cache=True, nogil=True)
def _note(used: Any, keys: Any, who: Any, at: Any) -> None:
    for i in range(len(keys)):
        slot = slot_of(used, keys[i], at[i], _KEEP_S)
        if slot < 0:
            slot = -1 - slot
            one = used[slot]
            one.key, one.first, one.weight = keys[i], at[i], 0.0
            for word in range(4):
                one.bits[word] = np.uint64(0)
        one = used[slot]
        one.seen = max(one.seen, at[i])
        bit = mix(who[i]) & np.uint64(_BITS - 1)
        word, mask = int(bit >> np.uint64(6)), np.uint64(1) << (bit & np.uint64(63))
        if one.bits[word] & mask == np.uint64(0):
            one.bits[word] |= mask
            one.weight += np.float32(1.0)


@numba.njit(cache=True, nogil=True)
def _hosts(used: Any, keys: Any, now: Any, out: Any) -> None:
    for i in range(len(keys)):
        slot = slot_of(used, keys[i], now, _KEEP_S)
        if slot < 0:
            continue
        out[i] = -_BITS * np.log(max(_BITS - used[slot].weight, 1.0) / _BITS)
