"""How fast MRT files become routes: prefixes per CPU-second of one core, unpacking not counted.

    python -m bench.mrt [--prefixes N]

A table dump (TABLE_DUMP_V2: IPv4 and IPv6, six peers each, as route collectors write every few hours) and a file of
updates (BGP4MP_MESSAGE_AS4). What makes real files slow is kept: about one prefix in six has a path of its own per
peer, paths have four to six AS and up to six communities. Each file is read three times, with nothing known of its
paths before; the figure is the median. The bar is 100 000 prefixes per second.
"""

from __future__ import annotations

import argparse
import ipaddress
import random
import statistics
import struct
import time

from bench._measure import emit

from weft.decode.bgp import Paths
from weft.decode.mrt import MrtReader
from weft.twin.encode_bgp import Attributes, Prefix, nlri, updates

_BAR = 100_000
_PEERS = 6
_THEN = 1_700_000_000
_CHUNK = 1 << 20


def _record(kind: int, subtype: int, body: bytes, at: int) -> bytes:
    return struct.pack(">IHHI", _THEN + at, kind, subtype, len(body)) + body


def _networks(count: int) -> list[Prefix]:
    """Prefixes as a full table has them: four in five IPv4."""
    v4 = [ipaddress.ip_network((0x01000000 + (at << 8), 24)) for at in range(count * 4 // 5)]
    v6 = [ipaddress.ip_network(((0x20010000 + at) << 96, 32)) for at in range(count - len(v4))]
    return [*v4, *v6]


def _path(rng: random.Random, peer: int, is_v6: bool) -> Attributes:
    hops = tuple(rng.randrange(1000, 400_000) for _ in range(rng.randrange(3, 6)))
    communities = tuple((64_496 + peer, rng.randrange(1000)) for _ in range(rng.randrange(7)))
    hop = f"2001:db8::{peer + 1}" if is_v6 else f"192.0.2.{peer + 1}"
    return Attributes((64_496 + peer, *hops), hop, med=rng.choice([None, None, 10]), communities=communities)


def _dumped(attributes: Attributes, is_v6: bool) -> bytes:
    block = attributes.encoded(is_v6=is_v6)
    return block + b"\x80\x0e\x11\x10" + ipaddress.ip_address(attributes.next_hop).packed if is_v6 else block


def table(prefixes: int) -> bytes:
    """A dump of ``prefixes`` prefixes of each of the peers."""
    rng = random.Random(1)
    index = bytes([192, 0, 2, 250]) + struct.pack(">HH", 0, _PEERS)
    for peer in range(_PEERS):
        index += b"\2" + bytes([192, 0, 2, peer + 1] * 2) + struct.pack(">I", 64_496 + peer)
    parts = [_record(13, 1, index, 0)]
    blocks: list[bytes] = []
    was_v6 = False
    for at, network in enumerate(_networks(prefixes)):
        is_v6 = network.version == 6
        if at % 6 == 0 or is_v6 != was_v6:
            was_v6 = is_v6
            blocks = [_dumped(_path(rng, peer, is_v6), is_v6) for peer in range(_PEERS)]
        entries = b"".join(struct.pack(">HIH", peer, _THEN, len(block)) + block for peer, block in enumerate(blocks))
        body = struct.pack(">I", at) + nlri(network) + struct.pack(">H", _PEERS) + entries
        parts.append(_record(13, 4 if is_v6 else 2, body, at // 1000))
    return b"".join(parts)


def changes(prefixes: int) -> bytes:
    """Updates of ``prefixes`` prefixes, one to four in a message, half of the messages with a path seen before."""
    rng = random.Random(2)
    networks, parts, at = _networks(prefixes), [], 0
    known = {is_v6: [_path(rng, peer, is_v6) for peer in range(_PEERS)] for is_v6 in (False, True)}
    while at < len(networks):
        is_v6 = networks[at].version == 6
        some = [one for one in networks[at : at + rng.randrange(1, 5)] if (one.version == 6) == is_v6]
        at += len(some)
        if rng.random() < 0.5:
            known[is_v6].append(_path(rng, rng.randrange(_PEERS), is_v6))
        attributes = rng.choice(known[is_v6][-200:])
        peer = attributes.as_path[0] - 64_495
        head = struct.pack(">IIHH", attributes.as_path[0], 64_500, 0, 1) + bytes([192, 0, 2, peer, 192, 0, 2, 250])
        parts += [_record(16, 4, head + message, at // 1000) for message in updates(some, attributes)]
    return b"".join(parts)


def read(octets: bytes) -> tuple[int, int]:
    """Routes and sets of attributes of a file."""
    paths = Paths()
    chunks = (octets[at : at + _CHUNK] for at in range(0, len(octets), _CHUNK))
    return sum(len(block.routes) for block in MrtReader(paths).blocks(chunks)), len(paths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prefixes", type=int, default=100_000, help="prefixes of the table, and of the updates")
    arguments = parser.parse_args()
    for case, build in (("table dump", table), ("updates", changes)):
        read(build(1000))  # compiled, and its pages there
        octets = build(arguments.prefixes)
        rates = []
        routes = sets = 0
        for _ in range(3):
            began = time.process_time()
            routes, sets = read(octets)
            rates.append(routes / (time.process_time() - began))
        emit("mrt", case, statistics.median(rates), "prefixes/CPU-s", bar=_BAR, routes=routes, paths=sets,
             mebibytes=len(octets) / 2**20)  # fmt: skip


if __name__ == "__main__":
    main()
