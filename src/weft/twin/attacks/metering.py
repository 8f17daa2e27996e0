"""What each exporter's flow cache makes of the attacks that pass it: sampled, translated, by its own ports.

Random 1-in-N sampling of packets (RFC 5475): of a flow of p packets binomially many are seen, none of most short ones.
A record closes when its flow ends, or after a minute at most; sFlow exports each sampled packet by itself.
"""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.attacks.addresses import asn_of
from weft.twin.attacks.habits import habits_of
from weft.twin.attacks.plans import has_traffic, plan
from weft.twin.attacks.strands import BUCKET_S, DATA, Attack, Flows, Sight, Strand, attack_of, flows, mean_of, times_of
from weft.twin.records import FlowRecords
from weft.twin.timeline import Timeline

#: Entries of a flow cache that one strand gets in a minute: a flood that is not sampled overruns any cache.
_MOST_RECORDS = 60_000


def attack_records(exporter: org.Exporter, timeline: Timeline, since_s: float, until_s: float) -> FlowRecords:
    """Records of every attack and decoy that ``exporter`` closes from ``since_s`` to ``until_s`` (exclusive), UTC."""
    found = [nothing()]
    for fault in timeline.faults(since_s - BUCKET_S, until_s):
        if has_traffic(fault):
            found += _closed(attack_of(fault), fault.end_s, timeline.seed, exporter.name, since_s, until_s)
    return merged(found)


def habit_records(exporter: org.Exporter, timeline: Timeline, since_s: float, until_s: float) -> FlowRecords:
    """Records of machines that always call home at intervals; the span as for attacks."""
    found = [nothing()]
    for one in habits_of(exporter.name):
        found += _closed(one, np.inf, timeline.seed, exporter.name, since_s, until_s)
    return merged(found)


def _closed(
    attack: Attack, end_s: float, seed: int, name: str, since_s: float, until_s: float
) -> Iterator[FlowRecords]:  # fmt: skip
    first = int(max(since_s - BUCKET_S, attack.start_s) // BUCKET_S)
    for bucket in range(first, int(min(until_s, end_s) // BUCKET_S) + 1):
        ends = end_s if end_s < (bucket + 2) * BUCKET_S else np.inf
        seen = _metered(attack, ends, seed, bucket, name)
        if len(seen):
            yield seen.take((seen.end_ms >= since_s * 1000) & (seen.end_ms < until_s * 1000))


@lru_cache(maxsize=512)
def _metered(attack: Attack, end_s: float, seed: int, bucket: int, name: str) -> FlowRecords:
    """Everything of an attack that an exporter sees of one bucket; nothing is sent after ``end_s``."""
    exporter = next(one for one in org.EXPORTERS if one.name == name)
    key = zlib.crc32(f"{attack.kind} {attack.id}".encode())
    since = max(bucket * BUCKET_S, attack.start_s)
    until = (bucket + 1) * BUCKET_S
    found = [nothing()]
    for number, strand in enumerate(plan(attack)):
        sights = [sight for sight in strand.sights if sight.device.name == name and _passes(sight, strand)]
        if not sights or since >= until:
            continue
        rng = np.random.default_rng([seed, key, number, bucket, int(ipaddress.IPv4Address(exporter.address))])
        if strand.packets is not None:
            seen = _sampled_packets(strand, sights, exporter, rng, since, until)
        else:
            assert strand.flows is not None
            true = strand.flows(np.random.default_rng([seed, key, number, bucket]), since, until)
            if not len(true):
                continue
            if strand.entry is not None:
                true.entry = np.full(len(true), strand.entry)
            seen = _sampled(true, exporter, rng)
        kept = seen.until(end_s)
        found += [_as_records(kept, sight) for sight in sights]
    return merged(found)


def _passes(sight: Sight, strand: Strand) -> bool:
    return strand.entry is None or sight.low <= strand.entry < sight.high


def _sampled_packets(
    strand: Strand, sights: list[Sight], exporter: org.Exporter, rng: np.random.Generator, since: float, until: float
) -> Flows:
    assert strand.packets is not None
    passing = sum(sight.high - sight.low for sight in sights)
    expected = mean_of(strand.pps, since, until) * (until - since) / (exporter.sampling_rate or 1)
    # Drawn for all ways in; those of other exporters are dropped by their entry.
    count = min(int(rng.poisson(expected)), int(_MOST_RECORDS / max(passing, 0.05)))
    return strand.packets(rng, times_of(strand.pps, rng, count, since, until))


def _sampled(true: Flows, exporter: org.Exporter, rng: np.random.Generator) -> Flows:
    """The flows with the packets that were sampled, as the exporter keeps them."""
    rate = exporter.sampling_rate or 1
    seen = rng.binomial(true.packets, 1 / rate) if rate > 1 else true.packets
    kept = true.take(seen > 0)
    few, before = seen[seen > 0], kept.packets
    if exporter.protocol == "sflow":
        kept = kept.take(np.repeat(np.arange(len(kept)), few))
        few, before = np.ones(len(kept), np.int64), kept.packets
    kept.packets = few
    if rate > 1:
        at = kept.start_s + rng.random(len(kept)) * (kept.end_s - kept.start_s)
        single = few == 1
        kept.start_s = np.where(single, at, kept.start_s)
        kept.end_s = np.where(single, at, kept.end_s)
        # Of a longer connection, packets from its middle are seen, neither its beginning nor its end.
        middle = (before > 4) & (few < before) & (kept.protocol == 6)
        kept.tcp_flags = np.where(middle, kept.tcp_flags & DATA, kept.tcp_flags).astype(np.uint8)
    return kept


def _as_records(seen: Flows, sight: Sight) -> FlowRecords:
    here = seen.take((seen.entry >= sight.low) & (seen.entry < sight.high) & (seen.packets > 0))
    src, dst = here.src.copy(), here.dst.copy()
    if sight.public:
        src = np.where(here.inward, src, np.uint32(sight.public))
        dst = np.where(here.inward, np.uint32(sight.public), dst)
    octets = np.maximum(here.packets * here.packet_octets, here.packets * 28.0)
    return FlowRecords(
        start_ms=(here.start_s * 1000).astype(np.int64), end_ms=(here.end_s * 1000).astype(np.int64),
        src=_mapped(src), dst=_mapped(dst), src_port=here.src_port, dst_port=here.dst_port, protocol=here.protocol,
        tcp_flags=np.where(here.protocol == 6, here.tcp_flags, 0).astype(np.uint8),
        tos=np.zeros(len(here), np.uint8), octets=octets.astype(np.uint64), packets=here.packets.astype(np.uint64),
        in_if=np.where(here.inward, sight.outer, sight.inner).astype(np.uint32),
        out_if=np.where(here.inward, sight.inner, sight.outer).astype(np.uint32),
        src_as=asn_of(src), dst_as=asn_of(dst),
    )  # fmt: skip


def _mapped(address: NDArray[np.uint32]) -> NDArray[np.uint8]:
    out = np.zeros((len(address), 16), np.uint8)
    out[:, 10:12] = 0xFF
    out[:, 12:] = np.ascontiguousarray(address.astype(">u4")).view(np.uint8).reshape(len(address), 4)
    return out


@cache
def nothing() -> FlowRecords:
    """No records."""
    return _as_records(flows(0), Sight(org.EXPORTERS[0], 0, 0))


def merged(parts: list[FlowRecords]) -> FlowRecords:
    """The records of all parts."""
    kept = [part for part in parts if len(part)] or parts[:1]
    if len(kept) == 1:
        return kept[0]
    return FlowRecords(
        **{f.name: np.concatenate([getattr(part, f.name) for part in kept]) for f in fields(FlowRecords)}
    )
