"""Denial of service: reflected and amplified UDP, SYN floods, and carpets of small floods over a whole prefix.

Sizes of the answers, and how many machines give them, after US-CERT alert TA14-017A (amplification) and public
captures; how fragments look to a flow cache (ports 0 from the second on) after RFC 7011 and common exporters.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.twin.attacks.addresses import anyone, entries, machines, number, text
from weft.twin.attacks.sights import to_public, where_is
from weft.twin.attacks.strands import (
    ICMP,
    SYN,
    SYN_ACK,
    TCP,
    UDP,
    Attack,
    Flows,
    Rate,
    Strand,
    dice,
    flows,
    joined,
    mean_of,
    scaled,
    split_target,
    steady,
    times_of,
)

#: ICMP destination unreachable, port unreachable, as NetFlow tells it: type in the high byte of the port.
_PORT_UNREACHABLE = 3 << 8 | 3
_BURSTS_PER_BUCKET = 2.5  # a reflector answers in bursts: that often in a minute


@dataclass(frozen=True, slots=True)
class Vector:
    """A service that amplifies: its port, octets of a packet of its answers, share of packets that are fragments."""

    name: str
    title: str
    port: int
    packet_octets: tuple[float, float]
    fragments: float
    reflectors: tuple[int, int]
    kinds: tuple[str, ...]  # of networks that such machines are in


VECTORS = {
    vector.name: vector
    for vector in (
        Vector("dns", "DNS", 53, (1380, 1500), 0.55, (1800, 6000), ("eyeball", "cloud")),
        Vector("ntp", "NTP monlist", 123, (468, 468), 0.0, (500, 1800), ("cloud", "eyeball")),
        Vector("cldap", "CLDAP", 389, (1340, 1500), 0.35, (300, 1500), ("cloud", "eyeball")),
        Vector("memcached", "memcached", 11211, (1400, 1428), 0.0, (30, 160), ("cloud",)),
        Vector("ssdp", "SSDP", 1900, (290, 390), 0.0, (3000, 9000), ("eyeball",)),
    )
}


def amplification(attack: Attack) -> tuple[Strand, ...]:
    """Answers of many reflectors to a question that the victim never asked, and its few ICMP refusals."""
    vector = VECTORS[split_target(attack)[0]]
    victim = number(split_target(attack)[1])
    return _reflected(attack, vector, np.array([victim], np.uint32), attack_bps_of(attack))


def attack_bps_of(attack: Attack) -> float:
    """Bit/s that a flood reaches: at low severity no more than an hour's swing of a border."""
    low, high = {"ddos_syn": (0.008e9, 0.35e9), "ddos_carpet": (0.4e9, 22e9)}.get(attack.kind, (0.25e9, 34e9))
    return scaled(attack, low, high)


def carpet(attack: Attack) -> tuple[Strand, ...]:
    """A flood over every address of a prefix: little for each, much for the line."""
    rng, prefix = dice(attack, "carpet"), ipaddress.IPv4Network(split_target(attack)[1])
    victims = np.arange(prefix.num_addresses, dtype=np.uint32) + np.uint32(int(prefix.network_address))
    vector = VECTORS[("dns", "cldap", "ntp")[int(rng.integers(3))]]
    return _reflected(attack, vector, victims, attack_bps_of(attack))


def _reflected(attack: Attack, vector: Vector, victims: NDArray[np.uint32], bps: float) -> tuple[Strand, ...]:
    rng = dice(attack, "reflectors")
    count = int(rng.integers(*vector.reflectors))
    reflectors = machines(rng, count, *vector.kinds)
    weight = rng.lognormal(0, 0.8, count)  # some lines are faster
    weight /= weight.sum()
    size = float(rng.uniform(*vector.packet_octets)) if vector.packet_octets[0] < vector.packet_octets[1] else 468.0
    port = int(rng.choice([80, 443, 0, 0]))  # one port for all, or another for each burst
    pulse_s = float(rng.choice([0.0, 0.0, 120.0]))
    rate = steady(attack, bps, ramp_s=float(rng.uniform(4, 40)), pulse_s=pulse_s)
    refusals = min(400.0, bps / 8 / size)  # per second: hosts limit their ICMP errors

    def answers(rng: np.random.Generator, since_s: float, until_s: float) -> Flows:
        packets = mean_of(rate, since_s, until_s) * (until_s - since_s) / 8 / size
        bursts = rng.poisson(_BURSTS_PER_BUCKET * max(1.0, len(victims) / 24) * (until_s - since_s) / 60, count)
        who = np.repeat(np.arange(count), bursts)
        share = weight[who] * rng.lognormal(0, 0.5, len(who)) / np.maximum(bursts[who], 1)
        middle = times_of(rate, rng, len(who), since_s, until_s)
        if not len(middle):
            return flows(0)
        half = np.minimum(rng.uniform(0.5, 12, len(who)), np.minimum(middle - since_s, until_s - middle))
        whole = flows(
            len(who), start_s=middle - half, end_s=middle + half, src=reflectors[who],
            dst=victims[rng.integers(0, len(victims), len(who))], src_port=vector.port,
            dst_port=port or rng.integers(1024, 65535, len(who)), protocol=UDP,
            packets=rng.poisson(packets * (share / share.sum())), packet_octets=size, entry=entries(reflectors[who]),
        )  # fmt: skip
        rest = whole.take(np.arange(len(whole)))
        rest.packets = rng.binomial(whole.packets, vector.fragments)
        rest.src_port = rest.dst_port = np.zeros(len(rest), np.uint16)
        whole.packets = whole.packets - rest.packets
        both = joined(whole, rest)
        return both.take(both.packets > 0)

    def refused(rng: np.random.Generator, times: NDArray[np.float64]) -> Flows:
        n = len(times)
        to = reflectors[rng.choice(count, n, p=weight)]
        return flows(n, start_s=times, end_s=times, src=victims[rng.integers(0, len(victims), n)], dst=to,
                     dst_port=_PORT_UNREACHABLE, protocol=ICMP, packets=1, packet_octets=56, inward=False,
                     entry=entries(to))  # fmt: skip

    sights = to_public(where_is(text(int(victims[0])))[0])
    unreachable = _share_of(rate, bps, refusals)
    return (
        Strand(sights, rate, flows=answers),
        Strand(sights, _nothing, _times(unreachable, 56 * 8), packets=refused, pps=unreachable),
    )


def syn_flood(attack: Attack) -> tuple[Strand, ...]:
    """SYNs from addresses that are not the senders', and answers to them as long as the victim can."""
    rng, (_, whom) = dice(attack, "syn"), split_target(attack)
    victim, port, size = number(whom), int(rng.choice([443, 443, 80])), int(rng.choice([40, 44, 60]))
    rate = steady(attack, attack_bps_of(attack), ramp_s=float(rng.uniform(1, 15)))
    pps = _times(rate, 1 / 8 / size)
    most = float(rng.uniform(40e3, 160e3))  # answers per second that the victim is good for
    sights = to_public(where_is(whom)[0])

    def backscatter(times: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.minimum(pps(times) * 0.9, most)

    def asked(rng: np.random.Generator, times: NDArray[np.float64]) -> Flows:
        n = len(times)
        # Spoofed sources come from where the bots are: any way in, whatever address they bear.
        return flows(n, start_s=times, end_s=times, src=anyone(rng, n), dst=victim, dst_port=port, protocol=TCP,
                     src_port=rng.integers(1024, 65535, n), tcp_flags=SYN, packets=1, packet_octets=size,
                     entry=rng.random(n))  # fmt: skip

    def answered(rng: np.random.Generator, times: NDArray[np.float64]) -> Flows:
        n = len(times)
        to = anyone(rng, n)
        return flows(n, start_s=times, end_s=times, src=victim, dst=to, src_port=port, protocol=TCP,
                     dst_port=rng.integers(1024, 65535, n), tcp_flags=SYN_ACK, packets=1, packet_octets=44,
                     inward=False, entry=entries(to))  # fmt: skip

    return (
        Strand(sights, rate, packets=asked, pps=pps),
        Strand(sights, _nothing, _times(backscatter, 44 * 8), packets=answered, pps=backscatter),
    )


def _nothing(times: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.zeros(len(times))


def _times(rate: Rate, factor: float) -> Rate:
    def scaled_rate(times: NDArray[np.float64]) -> NDArray[np.float64]:
        return rate(times) * factor

    return scaled_rate


def _share_of(rate: Rate, peak: float, most: float) -> Rate:
    """As much of ``most`` as the rate is of its peak, at most all."""

    def limited(times: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.minimum(1.0, rate(times) / peak) * most

    return limited
