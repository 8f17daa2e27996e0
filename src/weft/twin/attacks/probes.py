"""Scans of ports and hosts, guessing of passwords, and what is harmless and looks the same.

Answers follow what hosts do: an open port answers a SYN, a closed one refuses (RFC 9293 section 3.10.7.1), most
that are filtered stay silent.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.attacks.addresses import attackers, entries, host, number
from weft.twin.attacks.sights import from_inside, to_cloud, to_device, to_public, where_is
from weft.twin.attacks.strands import (
    RST,
    SYN,
    SYN_ACK,
    TCP,
    WHOLE,
    Attack,
    Flows,
    Rate,
    Sight,
    Strand,
    both_ways,
    dice,
    flows,
    joined,
    scaled,
    split_target,
)

_OPEN, _SERVING = (80, 443), 0.6  # ports that hosts have open, and how many of them do
_SWEPT = (445, 3389, 22, 5985)  # what moves from host to host inside
_HUNTED = (22, 23, 3389, 445, 6379, 8291)  # what the Internet is searched for
_CLOUDS = ("10.110.0.0/16", "10.111.0.0/16", "10.112.0.0/16")
#: Octets and packets of one attempt to sign in: asked, answered, seconds.
_ATTEMPTS = {"ssh": (22, 14, 158.0, 12, 215.0, 2.4), "rdp": (3389, 10, 165.0, 9, 240.0, 0.9)}


def ticks(
    attack: Attack, rng: np.random.Generator, per_s: float, since_s: float, until_s: float, jitter: float = 0.4
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Numbers and times of what happens ``per_s`` times a second since the start, in a span, not quite evenly."""
    first, last = np.ceil((np.array([since_s, until_s]) - attack.start_s) * per_s).astype(np.int64)
    which = np.arange(max(first, 0), max(last, 0))
    times = attack.start_s + (which + rng.uniform(0, jitter, len(which))) / per_s
    return which, np.minimum(times, until_s)


def constant(attack: Attack, bps: float) -> Rate:
    """The same bit/s from the start on."""

    def rate(times: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(times >= attack.start_s, bps, 0.0)

    return rate


def scan_rate(attack: Attack) -> float:
    """Probes a second: slow ones hide among the day's failed connections."""
    low, high = {"slow": (1 / 60, 1 / 4), "sweep": (0.5, 40.0), "horizontal": (3.0, 800.0)}.get(
        split_target(attack)[0], (5.0, 1500.0)
    )
    return scaled(attack, low, high)


def port_scan(attack: Attack) -> tuple[Strand, ...]:
    """All ports of one host, one port of all hosts, or inside from host to host, some so slowly that nobody looks."""
    what, whom = split_target(attack)
    per_s = scan_rate(attack)
    if what == "vertical":
        scanner = number(attackers(attack)[0])
        ports = _ports(attack)

        def port_of(which: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
            return np.full(len(which), number(whom), np.uint32), ports[which % len(ports)]

        return (_probing(attack, to_public(where_is(whom)[0]), scanner, port_of, per_s),)
    if what == "horizontal":
        return _everywhere(attack, per_s)
    return _inside(attack, whom, per_s, _SWEPT)


def _ports(attack: Attack) -> NDArray[np.uint16]:
    """Ports in the order in which they are tried: a thousand, or all where the attack is bold."""
    most = 65_535 if attack.severity > 0.85 else 1024
    order = dice(attack, "ports").permutation(np.arange(1, most + 1))
    return order.astype(np.uint16)


def _everywhere(attack: Attack, per_s: float) -> tuple[Strand, ...]:
    rng, scanner = dice(attack, "horizontal"), number(attackers(attack)[0])
    hunted = rng.choice(np.array(_HUNTED, np.uint16), int(rng.integers(1, 3)), replace=False)
    strands = []
    networks = {site.code: ipaddress.IPv4Network(site.public) for site in org.SITES if site.kind != "branch"}
    total = sum(network.num_addresses for network in networks.values())
    for code, network in networks.items():
        order = rng.permutation(network.num_addresses).astype(np.uint32) + np.uint32(int(network.network_address))

        def port_of(
            which: NDArray[np.int64], order: NDArray[np.uint32] = order
        ) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
            return order[which % len(order)], hunted[which // len(order) % len(hunted)]

        strands.append(
            _probing(attack, to_public(code), scanner, port_of, per_s * network.num_addresses / total, answering=0.08)
        )
    return tuple(strands)


def _inside(attack: Attack, source: str, per_s: float, ports: tuple[int, ...]) -> tuple[Strand, ...]:
    """From a host inside to Acme's clouds, through the firewall."""
    swept = np.array(ports, np.uint16)
    spaces = np.array([int(ipaddress.IPv4Network(prefix).network_address) for prefix in _CLOUDS], np.uint32)

    def port_of(which: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
        target = which // len(swept)
        offset = (target // len(spaces) * 7 + 10) % 4096  # strides through the space, as scanners do
        return spaces[target % len(spaces)] + offset.astype(np.uint32), swept[which % len(swept)]

    sights = to_cloud(*where_is(source))
    is_open = sum(port in _OPEN for port in ports) / len(ports)
    return (_probing(attack, sights, number(source), port_of, per_s, answering=0.12, inward=False, is_open=is_open),)


def scanner_approved(attack: Attack) -> tuple[Strand, ...]:
    """Acme's own scanner on its round: louder than any attack, and nobody's enemy."""
    return _inside(attack, split_target(attack)[1], scanner_rate(attack), (22, 80, 443, 445, 3389, 5432, 8080, 9092))


def scanner_rate(attack: Attack) -> float:
    """Probes a second of the scanner."""
    return scaled(attack, 8.0, 60.0)


def _probing(
    attack: Attack, sights: tuple[Sight, ...], scanner: int,
    port_of: Callable[[NDArray[np.int64]], tuple[NDArray[np.uint32], NDArray[np.uint16]]], per_s: float,
    *, answering: float = 0.3, inward: bool = True, is_open: float = 0.0,
) -> Strand:  # fmt: skip
    """SYN after SYN. ``answering``: the share of closed ports that refuse rather than stay silent.

    ``is_open``: the share of probes that are for ports which most hosts have open.
    """
    lasting = dice(attack, "source")
    own_port = int(lasting.integers(32768, 61000)) if lasting.random() < 0.5 else 0  # one for all, or another each time
    way = float(entries(np.array([scanner], np.uint32))[0])

    def probes(rng: np.random.Generator, since_s: float, until_s: float) -> Flows:
        which, at = ticks(attack, rng, per_s, since_s, until_s)
        dst, port = port_of(which)
        n = len(which)
        # The same host and port always answers the same.
        lot = (dst.astype(np.uint64) * np.uint64(65_537) + port) * np.uint64(2654435761) % np.uint64(1000)
        serves = np.isin(port, _OPEN) & (lot < 1000 * _SERVING)
        refuses = ~serves & (lot < 1000 * answering)
        asked = flows(n, start_s=at, end_s=at + np.where(serves, 0.08, 0.0), src=scanner, dst=dst, dst_port=port,
                      src_port=own_port or rng.integers(32768, 61000, n), protocol=TCP, inward=inward, entry=way,
                      tcp_flags=np.where(serves, SYN | 0x04, SYN), packets=np.where(serves, 2, 1),
                      packet_octets=44)  # fmt: skip
        heard = asked.take(serves | refuses)
        answered = both_ways(heard, 1, 42, tcp_flags=np.where(serves, SYN_ACK, RST)[serves | refuses])
        return joined(asked, answered.take(np.arange(len(heard), 2 * len(heard))))

    serving = is_open * _SERVING
    there = constant(attack, per_s * 44 * 8 * (1 + serving))
    back = constant(attack, per_s * 42 * 8 * (serving + (1 - serving) * answering))
    return Strand(sights, there if inward else back, back if inward else there, flows=probes, entry=way)


def brute_rate(attack: Attack) -> float:
    """Attempts a second, of all who take part."""
    return scaled(attack, 0.05, 7.0)


def guessers(attack: Attack) -> tuple[str, ...]:
    """Who tries passwords: one, or a few together."""
    return attackers(attack, int(dice(attack, "guessers").choice([1, 1, 4, 12])))


def brute_force(attack: Attack) -> tuple[Strand, ...]:
    """Attempt after attempt to sign in: short connections of one size, on a device (SSH) or a server (RDP)."""
    what, whom = split_target(attack)
    sights = to_device(attack.device) if what == "ssh" else from_inside(*where_is(whom))
    own = [number(address) for address in guessers(attack)]
    per_s = brute_rate(attack) / len(own)
    return tuple(_attempts(attack, sights, source, number(whom), what, per_s) for source in own)


def login_typo(attack: Attack) -> tuple[Strand, ...]:
    """Somebody of ours who mistypes a password a few times and then gets in."""
    device = org.BY_NAME[attack.device]
    inner = (Sight(device, 0, next(port.index for port in device.ports if port.boundary == "internal")),)
    engineer = number(typist(attack))
    per_s, count = 1 / 9.0, typos(attack) + 1

    def attempts(rng: np.random.Generator, since_s: float, until_s: float) -> Flows:
        which, at = ticks(attack, rng, per_s, since_s, until_s)
        at = at[which < count]
        return _session(rng, at, engineer, number(split_target(attack)[1]), "ssh", 0.5, inward=False)

    return (Strand(inner, constant(attack, 0.0), flows=attempts, entry=0.5),)


def typos(attack: Attack) -> int:
    """How often the password was wrong."""
    return int(dice(attack, "typos").integers(2, 6))


def typist(attack: Attack) -> str:
    """Where the engineer sits."""
    return host(org.BY_CODE[org.BY_NAME[attack.device].site].users, int(dice(attack, "typist").integers(20, 4000)))


def _attempts(attack: Attack, sights: tuple[Sight, ...], source: int, to: int, what: str, per_s: float) -> Strand:
    way = float(entries(np.array([source], np.uint32))[0])
    _, asked, asked_octets, answered, answered_octets, _ = _ATTEMPTS[what]

    def attempts(rng: np.random.Generator, since_s: float, until_s: float) -> Flows:
        _, at = ticks(attack, rng, per_s, since_s, until_s, jitter=0.8)
        return _session(rng, at, source, to, what, way)

    there, back = (constant(attack, per_s * n * octets * 8)
                   for n, octets in ((asked, asked_octets), (answered, answered_octets)))  # fmt: skip
    return Strand(sights, there, back, flows=attempts, entry=way)


def _session(
    rng: np.random.Generator, at: NDArray[np.float64], source: int, to: int, what: str, way: float, *,
    inward: bool = True,
) -> Flows:  # fmt: skip
    port, asked, asked_octets, answered, answered_octets, lasts_s = _ATTEMPTS[what]
    n = len(at)
    both = flows(n, start_s=at, end_s=at + lasts_s * rng.uniform(0.8, 1.3, n), src=source, dst=to, dst_port=port,
                 src_port=rng.integers(32768, 61000, n), protocol=TCP, tcp_flags=WHOLE, inward=inward, entry=way,
                 packets=asked + rng.integers(-1, 2, n), packet_octets=asked_octets)  # fmt: skip
    return both_ways(both, answered + rng.integers(-1, 2, n), answered_octets)
