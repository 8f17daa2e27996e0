"""What each exporter of Acme meters, second by second: the conversations that pass it, as flow records.

Which those are, over which of its ports and how much of each, follows from the state of the network at the time
(``weft.twin.world``): where a line is cut, other exporters see what it carried. A conversation's flows have log-normal
sizes and Zipf-like hosts. Attacks and what looks like them come on top. Seeded: the same seed gives the same records.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import cache, cached_property
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.attacks import attack_records, habit_records
from weft.twin.attacks.metering import merged
from weft.twin.conversations import conversations
from weft.twin.records import FlowRecords
from weft.twin.segments import peaks
from weft.twin.timeline import Timeline
from weft.twin.ways import Crossings, Structure, Ways
from weft.twin.world import Piece, World

_V6_SHARE = 0.22
_FLOW_OCTETS_EXPONENT = 0.75  # volume → share of the records: bigger conversations have more and bigger flows
_STEP_S = 60.0
#: What passes a device at its busiest, of which the mean over a day follows.
_QUIET_SHARE, _BUSY_SHARE = 0.35, 1.3


class ExporterTraffic:
    """What one exporter meters: each packet once, where it comes in."""

    def __init__(self, exporter: org.Exporter, records_per_s: float, timeline: Timeline) -> None:
        """``records_per_s`` is about the mean over a day of the flow records that an exporter of share 1 exports."""
        self.exporter, self._timeline, self._world = exporter, timeline, World.of(timeline)
        self._rng = np.random.default_rng([timeline.seed, int(ipaddress.IPv4Address(exporter.address))])
        self._per_s = records_per_s * exporter.share
        self._table = _columns()
        self._seen: tuple[Ways, Crossings] | None = None

    def rates_bps(self, utc_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """True rate at each time of everything that comes in, bit/s; attacks apart."""
        rates = []
        for at in utc_s.tolist():
            (piece,) = self._world.pieces(at, at + 1e-3)
            passing = self._passing(piece.ways)
            rates.append(float((piece.bps[passing.column] * passing.share).sum()))
        return np.array(rates)

    def generate(self, since_s: float, until_s: float) -> FlowRecords:
        """The records whose flows end between ``since_s`` and ``until_s`` (UTC seconds)."""
        pieces = self._world.pieces(since_s, until_s, _STEP_S)
        # By what the state is, not by which object holds it: that depends on what else was asked for before.
        found = [self._of_one_state(list(one)) for _, one in groupby(pieces, key=lambda piece: piece.ways.structure)]
        for more in (attack_records, habit_records):
            records = more(self.exporter, self._timeline, since_s, until_s)
            found += [records] if len(records) else []
        return merged(found)

    @cached_property
    def _usual_bps(self) -> float:
        """What passes the exporter on an ordinary day if everything is at its busiest at once."""
        passing = self._world.ways_in(Structure()).crossings(self.exporter.name)
        return float((peaks()[passing.column] * passing.share).sum())

    def _passing(self, ways: Ways) -> Crossings:
        """What passes the exporter in a state of the network."""
        if self._seen is None or self._seen[0] is not ways:
            self._seen = ways, ways.crossings(self.exporter.name)
        return self._seen[1]

    def _of_one_state(self, pieces: Sequence[Piece]) -> FlowRecords:
        passing = self._passing(pieces[0].ways)
        starts = np.array([piece.start_s for piece in pieces])
        lasts = np.array([piece.end_s - piece.start_s for piece in pieces])
        rates = np.stack([piece.bps[passing.column] for piece in pieces], axis=1) * passing.share[:, None]
        sampling, table = self.exporter.sampling_rate or 1, self._table[passing.column]
        if self.exporter.protocol == "sflow":  # one record per sampled packet: the volume sets how many there are
            popularity = rates / 8 / table["packet_octets"][:, None]
            expected = popularity.sum(0) * lasts / sampling
        else:  # bigger conversations have more flows and bigger flows
            popularity = rates**_FLOW_OCTETS_EXPONENT
            expected = self._per_s * lasts * (_QUIET_SHARE + _BUSY_SHARE * rates.sum(0) / self._usual_bps)
        total = popularity.sum(0)
        if not total.all():  # nothing passes a device that is cut off
            expected, total = np.where(total > 0, expected, 0.0), np.maximum(total, 1e-9)
        counts = self._rng.poisson(expected)
        slot = np.repeat(np.arange(len(starts)), counts)
        share = popularity / total
        cumulative = np.cumsum(share, axis=0).T + np.arange(len(starts))[:, None]
        draw = slot + self._rng.random(len(slot)) * (1 - 1e-12)
        which = np.minimum(np.searchsorted(cumulative.ravel(), draw) - slot * len(rates), len(rates) - 1)
        mean_octets = rates * lasts / 8 / np.maximum(share * expected, 1e-9) / sampling
        end = starts[slot] + self._rng.random(len(slot)) * lasts[slot]
        return self._records(table[which], passing, which, mean_octets[which, slot], end)

    def _records(
        self, table: NDArray[np.void], passing: Crossings, which: NDArray[np.int64], mean_octets: NDArray[np.float64],
        end_s: NDArray[np.float64],
    ) -> FlowRecords:  # fmt: skip
        rng, n = self._rng, len(table)
        octets, packets = self._volumes(table, mean_octets)
        v6 = (rng.random(n) < _V6_SHARE) & table["v6"] & (self.exporter.protocol != "netflow_v5")
        to_server, server_port = table["to_server"], table["port"]
        client_port = rng.integers(32768, 61000, n).astype(np.uint16)
        flags = rng.choice(np.array([0x18, 0x1B, 0x10, 0x02], np.uint8), n, p=[0.55, 0.3, 0.12, 0.03])
        end_ms = (end_s * 1000).astype(np.int64)
        duration = np.minimum(rng.exponential(9_000, n), 59_000).astype(np.int64)
        return FlowRecords(
            start_ms=end_ms - np.where(packets > 1, duration, 0),
            end_ms=end_ms,
            src=self._addresses(table["src"], v6),
            dst=self._addresses(table["dst"], v6),
            src_port=np.where(to_server, client_port, server_port),
            dst_port=np.where(to_server, server_port, client_port),
            protocol=table["protocol"],
            tcp_flags=np.where(table["protocol"] == 6, flags, 0).astype(np.uint8),
            tos=np.where(server_port == _VOICE_PORT, 0xB8, 0).astype(np.uint8),  # real-time media marks EF
            octets=octets,
            packets=packets,
            in_if=passing.in_if[which],
            out_if=passing.out_if[which],
            src_as=table["src"]["asn"],
            dst_as=table["dst"]["asn"],
        )

    def _volumes(
        self, table: NDArray[np.void], mean_octets: NDArray[np.float64]
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Octets and packets of each record; an sFlow sample is one packet."""
        rng, n, packet = self._rng, len(table), table["packet_octets"]
        if self.exporter.protocol == "sflow":
            octets, packets = packet * rng.uniform(0.9, 1.1, n), np.ones(n, np.uint64)
        else:
            spread = table["spread"]
            octets = mean_octets * np.exp(rng.normal(0, spread) - spread**2 / 2)
            packets = np.maximum(octets / np.where(octets < 400, 72, packet), 1).astype(np.uint64)
        return np.maximum(octets, packets * 46.0).astype(np.uint64), packets

    def _addresses(self, group: NDArray[np.void], v6: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Zipf-like hosts of each record's group, ``[n, 16]`` network order."""
        n = len(group)
        host = np.floor(np.exp(self._rng.random(n) * np.log(group["spread"] + 1.0))).astype(np.uint64)
        out = np.zeros((n, 16), np.uint8)
        scattered = (host * np.uint64(2654435761)) % np.maximum(group["spread"], 1)  # neighbours are not equally busy
        v4 = group["base"] + scattered + np.uint64(1)
        out[:, 10:12] = 0xFF
        out[:, 12:] = v4.astype(">u4").view(np.uint8).reshape(n, 4)
        high, low = (group["v6_high"] + host % np.uint64(16)).astype(">u8"), host.astype(">u8")
        six = np.stack([high, low], axis=1).view(np.uint8).reshape(n, 16)
        return np.where(v6[:, None], six, out)


_VOICE_PORT = 8801
_GROUP = np.dtype([("base", np.uint64), ("v6_high", np.uint64), ("spread", np.uint64), ("asn", np.uint32)])
_TABLE = np.dtype(
    [("src", _GROUP), ("dst", _GROUP), ("v6", np.bool_), ("to_server", np.bool_), ("port", np.uint16),
     ("protocol", np.uint8), ("packet_octets", np.float64), ("spread", np.float64)]
)  # fmt: skip


@cache
def _columns() -> NDArray[np.void]:
    """What a record needs of its conversation and direction, one row for each column of the world."""
    rows = []
    for one in conversations():
        ours, theirs = ((h.base, h.v6_base >> 64, h.spread, h.asn) for h in (one.ours, one.theirs))
        v6, app = bool(one.ours.v6_base and one.theirs.v6_base), one.app
        what = (app.port, app.protocol, app.packet_octets, app.spread)
        rows.append((ours, theirs, v6, not one.server_is_ours, *what))
        rows.append((theirs, ours, v6, one.server_is_ours, *what))
    return np.array(rows, _TABLE)
