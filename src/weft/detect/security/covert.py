"""What detectors of covert traffic share: rows of flows as who talks to whom, and a bounded table of them.

A *host* is an address of one's own networks or a private one, a *peer* any other. The *client* is the end with the
higher port (RFC 6335: services listen below the ephemeral range). All of it is columns; loops are numba kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.detect.security.rows import CurrentNetworks, OwnNetworks, address_text, plain, same_rows
from weft.detect.security.sketches import mix
from weft.model.events import Entity

Network = IPv4Network | IPv6Network
U64s = NDArray[np.uint64]
Floats = NDArray[np.float64]
#: Always one's own: RFC 1918, RFC 6598, RFC 3927, RFC 4193, link-local.
PRIVATE = tuple(
    ip_network(one) for one in
    ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)  # fmt: skip
#: Nobody's host: multicast, broadcast, loopback, unspecified.
_NOBODY = OwnNetworks([
    ip_network(one) for one in ("224.0.0.0/4", "255.255.255.255/32", "127.0.0.0/8", "0.0.0.0/8", "ff00::/8", "::/127")
])  # fmt: skip
ICMP, TCP, UDP = 1, 6, 17
WAYS = 8


class Own(CurrentNetworks):
    """Which addresses are inside: one's own networks as they are now, and private ones."""

    def __init__(self, networks: Callable[[], Sequence[Network]]) -> None:
        super().__init__(networks, always=PRIVATE)


@dataclass(frozen=True, slots=True)
class Talk:
    """Rows of flows by who talks: arrays of one length. Times are UTC seconds; ``octets`` are scaled by sampling.

    ``src_net``, ``dst_net``: number of the own network that the end is in; −1 = outside.
    """

    src: U64s  # [N, 2], high word first
    dst: U64s
    src_net: NDArray[np.int32]
    dst_net: NDArray[np.int32]
    src_port: NDArray[np.uint16]
    dst_port: NDArray[np.uint16]
    protocol: NDArray[np.uint8]
    octets: Floats
    seen: Floats  # packets that were looked at, before scaling
    rate: Floats  # one in so many
    start: Floats
    end: Floats
    received: Floats
    exporter: U64s  # [N, 2]
    src_as: NDArray[np.uint32]
    dst_as: NDArray[np.uint32]
    flags: NDArray[np.uint16]
    out_if: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.octets)

    def take(self, which: NDArray[Any]) -> Talk:
        """Only some of the rows: a mask or indices."""
        return Talk(*(getattr(self, name)[which] for name in _COLUMNS))

    def turned(self) -> Talk:
        """The same rows from the other end."""
        return Talk(
            self.dst, self.src, self.dst_net, self.src_net, self.dst_port, self.src_port, self.protocol, self.octets,
            self.seen, self.rate, self.start, self.end, self.received, self.exporter, self.dst_as, self.src_as,
            self.flags, self.out_if,
        )  # fmt: skip


_COLUMNS = tuple(one.name for one in fields(Talk))


def talk(rows: pa.RecordBatch, own: OwnNetworks) -> Talk:
    """Rows of ``flows`` as arrays; what goes to nobody (multicast and the like) is left out."""
    flow = same_rows(rows)
    somebody = (_NOBODY.find(flow.dst_high, flow.dst_low) < 0) & (_NOBODY.find(flow.src_high, flow.src_low) < 0)
    whole = Talk(
        np.stack([flow.src_high, flow.src_low], axis=1), np.stack([flow.dst_high, flow.dst_low], axis=1),
        own.find(flow.src_high, flow.src_low), own.find(flow.dst_high, flow.dst_low), flow.src_port, flow.dst_port,
        flow.protocol, flow.octets, flow.seen, flow.rate, flow.start_s, flow.end_s, flow.received_s,
        np.stack([flow.exporter_high, flow.exporter_low], axis=1), plain(rows, "src_as", np.uint32),
        plain(rows, "dst_as", np.uint32), flow.flags, plain(rows, "out_if", np.uint32),
    )  # fmt: skip
    return whole if somebody.all() else whole.take(somebody)


def from_clients(rows: Talk) -> tuple[Talk, Talk]:
    """What hosts send to peers outside whose service they use, and what comes back (host still as ``src``)."""
    is_service = (rows.dst_port < rows.src_port) | (rows.protocol == ICMP)
    there = rows.take((rows.src_net >= 0) & (rows.dst_net < 0) & is_service)
    is_answer = (rows.src_port < rows.dst_port) | (rows.protocol == ICMP)
    back = rows.take((rows.src_net < 0) & (rows.dst_net >= 0) & is_answer)
    return there, back.turned()


def pair_keys(rows: Talk, salt: int = 0) -> U64s:
    """One number per row that stands for (source, destination, service port); never 0."""
    out = np.empty(len(rows), np.uint64)
    _pair_keys(rows.src, rows.dst, rows.dst_port, np.uint64(salt), out)
    return out


def keys_of(one: U64s, salt: int) -> U64s:
    """One number per address (uint64 [N, 2]); never 0."""
    out = np.empty(len(one), np.uint64)
    _keys(one, np.uint64(salt), out)
    return out


@numba.njit(cache=True, nogil=True)
def _pair_keys(src: Any, dst: Any, port: Any, salt: Any, out: Any) -> None:
    for i in range(len(out)):
        word = mix(src[i, 0] ^ mix(src[i, 1] ^ salt))
        word = mix(word ^ dst[i, 0])
        word = mix(word ^ dst[i, 1] ^ (np.uint64(port[i]) << np.uint64(40)))
        out[i] = word | np.uint64(1)


@numba.njit(cache=True, nogil=True)
def _keys(one: Any, salt: Any, out: Any) -> None:
    for i in range(len(out)):
        out[i] = mix(one[i, 0] ^ mix(one[i, 1] ^ salt)) | np.uint64(1)


# --- the bounded table -----------------------------------------------------------------------------------------------


@numba.njit(cache=True, nogil=True)
def slot_of(table: Any, key: int, now: float, keep_s: float) -> int:
    """Where ``key`` is in a set-associative table of records with ``key``, ``seen`` and ``weight``.

    Negative: it is not there, and ``-1 - slot`` is the place that was made for it, of what weighs least and was not
    seen for longest. What was not seen for ``keep_s`` weighs nothing: nobody can fill the table for ever.
    """
    sets = len(table) // WAYS
    base = int(np.uint64(key) % np.uint64(sets)) * WAYS
    victim, least, oldest = base, 1e300, 1e300
    for slot in range(base, base + WAYS):
        if table[slot].key == key:
            return slot
        seen = table[slot].seen
        weight = 0.0 if now - seen > keep_s else float(table[slot].weight)
        if table[slot].key == 0:
            weight, seen = -1.0, -1e300
        if weight < least or (weight == least and seen < oldest):
            victim, least, oldest = slot, weight, seen
    return -1 - victim


@numba.njit(cache=True, nogil=True)
def refill(table: Any, rows: Any, keep_s: float) -> None:
    """Put records that were kept back into a table."""
    for i in range(len(rows)):
        slot = slot_of(table, rows[i].key, rows[i].seen, keep_s)
        table[slot if slot >= 0 else -1 - slot] = rows[i]


# --- words -----------------------------------------------------------------------------------------------------------


def text_of(pair: NDArray[Any]) -> str:
    """An address of two 64-bit words as text."""
    return address_text(int(pair[0]), int(pair[1]))


def host(address: str) -> Entity:
    """The entity of an address."""
    return Entity(kind="host", id=address)
