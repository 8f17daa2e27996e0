"""What leaves Acme in silence: calls of malware to its master, stolen data, data hidden in DNS; and backups.

Intervals and their jitter are those of common remote-control tools (30 s to half an hour, 0 to 35 %); tunnels ask as
iodine and dnscat2 do, a name of up to 253 octets at a time (RFC 1035 section 2.3.4).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.attacks.addresses import RESOLVER, attackers, entries, host, machines, number, text
from weft.twin.attacks.probes import constant, ticks
from weft.twin.attacks.sights import from_inside, to_cloud, where_is
from weft.twin.attacks.strands import (
    BUCKET_S,
    DATA,
    TCP,
    UDP,
    WHOLE,
    Attack,
    Flows,
    Strand,
    both_ways,
    dice,
    flows,
    mean_of,
    scaled,
    split_target,
    steady,
)

_LONGEST_S = 8 * 3600.0  # calls are planned so far ahead
#: A query and its answer through a tunnel: mean octets with IP and UDP headers.
QUERY_OCTETS, ANSWER_OCTETS = 178.0, 296.0


def outsider(attack: Attack) -> str:
    """Who is called or sent to: half of them hide in a cloud that Acme uses too."""
    rng = dice(attack, "outsider")
    if rng.random() < 0.5:
        return attackers(attack)[0]
    return text(int(machines(rng, 1, "cloud")[0]))


def beacon_every_s(attack: Attack) -> float:
    """Seconds between two calls."""
    return round(scaled(attack, 1500.0, 30.0))


@lru_cache(maxsize=64)
def beacon_times(attack: Attack) -> NDArray[np.float64]:
    """When a beacon calls: at intervals with jitter, now and then not at all."""
    rng, every = dice(attack, "calls"), beacon_every_s(attack)
    jitter = float(rng.choice([0.02, 0.1, 0.2, 0.35]))
    count = int(_LONGEST_S / every) + 1
    times = attack.start_s + 5 + np.cumsum(every * (1 - jitter * rng.random(count)))
    kept: NDArray[np.float64] = times[rng.random(count) > 0.03]
    return kept


def c2_beacon(attack: Attack) -> tuple[Strand, ...]:
    """A host that calls its master: small, alike, in time; a task comes back once in a while."""
    source, rng = split_target(attack)[1], dice(attack, "beacon")
    to, port = number(outsider(attack)), int(rng.choice([443, 443, 8443, 80]))
    asked_octets, answered_octets = float(rng.uniform(80, 140)), float(rng.uniform(70, 130))
    asked, answered = int(rng.integers(5, 9)), int(rng.integers(4, 8))
    way = float(entries(np.array([to], np.uint32))[0])

    def calls(rng: np.random.Generator, since_s: float, until_s: float) -> Flows:
        times = beacon_times(attack)
        at = times[(times >= since_s) & (times < until_s)]
        n = len(at)
        task = rng.random(n) < 0.03
        both = flows(n, start_s=at, end_s=at + rng.uniform(0.2, 0.5, n) + np.where(task, 4.0, 0.0),
                     src=number(source), dst=to, src_port=rng.integers(49152, 65535, n), dst_port=port, protocol=TCP,
                     tcp_flags=WHOLE, packets=asked + np.where(task, 9, 0), inward=False, entry=way,
                     packet_octets=asked_octets + rng.uniform(-1.5, 1.5, n))  # fmt: skip
        return both_ways(both, answered + np.where(task, 40, 0), np.where(task, 1100.0, answered_octets))

    every = beacon_every_s(attack)
    there, back = asked * asked_octets * 8 / every, answered * answered_octets * 8 / every
    return (Strand(from_inside(*where_is(source)), constant(attack, back), constant(attack, there), calls, entry=way),)


def exfiltration_bps(attack: Attack) -> float:
    """Bit/s that leave: from a trickle that takes hours to what a line carries."""
    return scaled(attack, 1.5e6, 0.9e9)


def data_exfiltration(attack: Attack) -> tuple[Strand, ...]:
    """A host that sends far more than it gets, to somebody whom nobody here talks to."""
    what, source = split_target(attack)
    port = 22 if what == "sftp" else 443
    return (_upload(attack, source, outsider(attack), port, exfiltration_bps(attack)),)


def backup_burst(attack: Attack) -> tuple[Strand, ...]:
    """A backup out of its time: as much as is stolen on a bad day, and where it belongs."""
    source = split_target(attack)[1]
    return (_upload(attack, source, backup_store(attack), 443, backup_bps(attack), is_backup=True),)


def backup_bps(attack: Attack) -> float:
    """Bit/s of a backup."""
    return scaled(attack, 0.1e9, 1.6e9)


def backup_store(attack: Attack) -> str:
    """The object store in the cloud to which a backup goes."""
    store = next(remote for remote in org.REMOTES if remote.kind == "cloud" and remote.cloud == "AWS")
    return host(store.prefix, 5000 + int(dice(attack, "store").integers(16)))


def _upload(attack: Attack, source: str, to: str, port: int, bps: float, *, is_backup: bool = False) -> Strand:
    """A few connections side by side that run for long: a record of each a minute."""
    rng = dice(attack, "upload")
    streams = int(rng.integers(2, 9))
    ports = rng.integers(32768, 61000, streams)
    share = rng.dirichlet(np.full(streams, 4.0))
    rate = steady(attack, bps, ramp_s=5.0)
    way = float(entries(np.array([number(to)], np.uint32))[0])
    sights = to_cloud(*where_is(source)) if is_backup else from_inside(*where_is(source))

    def sent(rng: np.random.Generator, since_s: float, until_s: float) -> Flows:
        octets = mean_of(rate, since_s, until_s) * (until_s - since_s) / 8
        packets = np.maximum(1, rng.poisson(octets / 1440 * share))
        both = flows(streams, start_s=since_s, end_s=until_s - rng.uniform(0.01, 0.8, streams), src=number(source),
                     dst=number(to), src_port=ports, dst_port=port, protocol=TCP, tcp_flags=DATA, packets=packets,
                     packet_octets=1440, inward=False, entry=way)  # fmt: skip
        return both_ways(both, np.maximum(1, packets // 2), 52)

    def acknowledged(times: NDArray[np.float64]) -> NDArray[np.float64]:
        return rate(times) / 1440 / 2 * 52

    return Strand(sights, acknowledged, rate, sent, entry=way)


def tunnel_rate(attack: Attack) -> float:
    """Queries a second."""
    return scaled(attack, 0.4, 45.0)


def dns_tunnelling(attack: Attack) -> tuple[Strand, ...]:
    """Query after query for names that are data, and longer answers than names have."""
    source, per_s = split_target(attack)[1], tunnel_rate(attack)
    one_socket = bool(dice(attack, "socket").random() < 0.4)  # iodine keeps one; resolvers open one each time
    way = float(entries(np.array([number(RESOLVER)], np.uint32))[0])
    own_port = int(dice(attack, "port").integers(32768, 61000))

    def queries(rng: np.random.Generator, since_s: float, until_s: float) -> Flows:
        _, at = ticks(attack, rng, per_s, since_s, until_s, jitter=0.9)
        if one_socket and len(at):
            count, start, end = np.array([len(at)]), at[:1], at[-1:] + 0.05
        else:
            count, start, end = np.ones(len(at), np.int64), at, at + 0.03
        n = len(count)
        both = flows(n, start_s=start, end_s=np.minimum(end, start + BUCKET_S), src=number(source),
                     dst=number(RESOLVER), src_port=own_port if one_socket else rng.integers(32768, 61000, n),
                     dst_port=53, protocol=UDP, packets=count, inward=False, entry=way,
                     packet_octets=QUERY_OCTETS + rng.uniform(-40, 55, n))  # fmt: skip
        return both_ways(both, count, ANSWER_OCTETS + rng.uniform(-60, 140, n))

    there, back = constant(attack, per_s * QUERY_OCTETS * 8), constant(attack, per_s * (ANSWER_OCTETS + 40) * 8)
    return (Strand(from_inside(*where_is(source)), back, there, queries, entry=way),)
