"""Much traffic that nobody means ill: a crowd that wants one thing at once, and the day of a big update."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.attacks.addresses import entries, host, machines, number, text
from weft.twin.attacks.sights import from_inside, to_public, where_is
from weft.twin.attacks.strands import (
    TCP,
    UDP,
    WHOLE,
    Attack,
    Flows,
    Rate,
    Sight,
    Strand,
    both_ways,
    dice,
    flows,
    mean_of,
    scaled,
    split_target,
    steady,
    times_of,
)

_MOST_SESSIONS = 12_000  # of a minute; beyond that each stands for more
_ANSWER_OCTETS = 1380


def flash_crowd(attack: Attack) -> tuple[Strand, ...]:
    """Thousands of people who open one page: whole connections, far more out than in, from where customers are."""
    whom = number(split_target(attack)[1])
    rng = dice(attack, "crowd")
    crowd = machines(rng, int(scaled(attack, 2500, 9000)), "eyeball")
    rate = steady(attack, surge_bps(attack), ramp_s=float(rng.uniform(90, 300)))
    server = np.array([whom], np.uint32)
    return (_sessions(to_public(where_is(text(whom))[0]), rate, crowd, server, ask=0.045, server_inside=True),)


def benign_surge(attack: Attack) -> tuple[Strand, ...]:
    """Everybody's machine fetches an update from one network."""
    what, code = split_target(attack)
    rng, source = dice(attack, "update"), next(remote for remote in org.REMOTES if remote.name == what)
    servers = np.array([number(host(source.prefix, 900 + i)) for i in range(int(rng.integers(12, 40)))], np.uint32)
    users = next(site.users for site in org.SITES if site.code == code)
    base = int(ipaddress.IPv4Network(users).network_address) + 1
    clients = (base + rng.permutation(4000)[: int(scaled(attack, 300, 2500))]).astype(np.uint32)
    rate = steady(attack, surge_bps(attack), ramp_s=float(rng.uniform(60, 240)))
    sights = from_inside(code, "people")
    exchange = next(
        sight for sight in sights
        if any(port.index == sight.outer and port.connectivity == "ix" for port in sight.device.ports)
    )  # fmt: skip
    whole = _sessions(sights, rate, clients, servers, ask=0.02, server_inside=False)
    return (replace(whole, entry=(exchange.low + exchange.high) / 2),)  # networks of content are met at exchanges


def surge_bps(attack: Attack) -> float:
    """Bit/s from the servers: as much as many an attack."""
    return scaled(attack, 0.5e9, 14e9)


def _sessions(
    sights: tuple[Sight, ...], rate: Rate, clients: NDArray[np.uint32], servers: NDArray[np.uint32],
    *, ask: float, server_inside: bool,
) -> Strand:  # fmt: skip
    """Connections from clients to servers that carry ``rate`` to the clients, and ``ask`` times that back."""

    def sessions(rng: np.random.Generator, since_s: float, until_s: float) -> Flows:
        octets = mean_of(rate, since_s, until_s) * (until_s - since_s) / 8
        count = int(min(_MOST_SESSIONS, octets / 400e3 + 1))
        at = times_of(rate, rng, count, since_s, until_s)
        n = len(at)
        client, server = clients[rng.integers(0, len(clients), n)], servers[rng.integers(0, len(servers), n)]
        share = rng.lognormal(0, 1.2, n)
        answered = np.maximum(2, rng.poisson(octets / _ANSWER_OCTETS * share / max(share.sum(), 1e-9)))
        quic = rng.random(n) < 0.35
        asked_packets = np.maximum(2, answered // 3)
        both = flows(
            n, start_s=at, end_s=np.minimum(at + rng.gamma(2.0, 4.0, n), until_s), src=client, dst=server,
            src_port=rng.integers(32768, 61000, n), dst_port=443, protocol=np.where(quic, UDP, TCP),
            tcp_flags=np.where(quic, 0, WHOLE), packets=asked_packets, inward=server_inside,
            packet_octets=ask * _ANSWER_OCTETS * answered / asked_packets,
            entry=entries(client if server_inside else server),
        )  # fmt: skip
        both.packet_octets = np.clip(both.packet_octets, 46, 1400)
        return both_ways(both, answered, _ANSWER_OCTETS)

    def asked(times: NDArray[np.float64]) -> NDArray[np.float64]:
        return rate(times) * ask

    return Strand(sights, asked if server_inside else rate, rate if server_inside else asked, sessions)
