"""What the fabric makes of the jobs: loads, queues, pauses and how long a step takes, for one state.

Traffic goes by queue pairs: every flow has four, and switches spread them over parallel lines by a hash of each, so
that some lines get more than others, as on real fabrics: what the even split of ``weft.network`` is not. A collective
is as fast as its slowest queue pair. A step takes its computing and the communication that this does not hide.

Approximations: what a job sends is fluid; other jobs on a line count for half the time; go-back-N sends a window again
for each packet lost (goodput ``(1-p)/(1-p+pW)``); pauses go back along the queue pairs that meet the full queue.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from weft.twin.cluster import layout as at
from weft.twin.cluster import troubles as wrong
from weft.twin.cluster.jobs import READ_OCTETS_S, Job, flows
from weft.twin.cluster.troubles import Trouble
from weft.twin.faults.model import Fault

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_PAIRS = 4  # queue pairs of a flow
_OTHERS = 0.5  # how much of another job's traffic meets one's own
NIC_SHARE = 0.88  # of a card's rate that a collective uses: headers, gaps
_WINDOW = 2000.0  # packets in flight that go-back-N sends again
_SLOWEST = 40.0
_STORE_SHARE = 0.75  # of a store's line that it can write
_SAVING = 0.3  # what training does while a checkpoint is written
_QUIET_BPS = 42e3  # BGP, LLDP, keepalives
CAPACITY: F64 = np.full(at.ALL_ARCS + 1, float(at.SPEED))
CAPACITY[at.FRONT_UP : at.STORE_IN] = at.FRONT_SPEED
CAPACITY[at.STORE_IN : at.PEER] = at.STORE_SPEED
CAPACITY[at.PEER : at.ALL_ARCS] = at.PEER_SPEED
_NONE = at.ALL_ARCS


@dataclass(frozen=True)
class Pace:
    """How a job goes."""

    job: Job
    step_s: float
    compute_s: float
    comm_s: float
    exposed_s: float  # communication that computing does not hide
    saving: bool  # a checkpoint is being written

    @property
    def busy(self) -> float:
        """Share of time in which its cards send."""
        return min(1.0, self.comm_s / self.step_s)


@dataclass(frozen=True)
class Ways:
    """The queue pairs of a job."""

    arcs: I64  # [pairs, 4]: card, up, down, card; ``ALL_ARCS`` where a way is shorter
    source: I64  # card: host × rails + rail
    target: I64
    weight: F64  # of the sender's rate


@dataclass(frozen=True)
class Flowing:
    """One state of the fabric. Arrays over arcs, ``ALL_ARCS + 1`` long."""

    paces: tuple[Pace, ...]
    ways: tuple[Ways, ...]
    bps: F64  # mean over steps
    pressure: F64  # what is offered while jobs communicate, of what a line can carry
    busy: F64  # share of time in which that is so
    paused: F64  # share of time for which the sender is told to wait
    lost: F64  # share of packets


def flowing(jobs: tuple[Job, ...], saving: frozenset[str], trouble: Trouble) -> Flowing:
    """The fabric with these jobs, those of them that write a checkpoint, and what is wrong."""
    capacity, lost = CAPACITY.copy(), np.zeros(at.ALL_ARCS + 1)
    _weakened(trouble, capacity, lost)
    ways = tuple(_ways(job, trouble) for job in jobs)
    offered = [_sum(one.arcs, one.weight * at.SPEED) for one in ways]
    everything = np.sum(offered, axis=0) if offered else np.zeros(at.ALL_ARCS + 1)
    bps, pressure, busy = (np.zeros(at.ALL_ARCS + 1) for _ in range(3))
    paces = []
    for job, way, own in zip(jobs, ways, offered, strict=True):
        mine = (own + _OTHERS * (everything - own)) / capacity
        mine[_NONE] = 0
        goodput = np.prod((1 - lost[way.arcs]) / (1 - lost[way.arcs] + lost[way.arcs] * _WINDOW), axis=1)
        slowest = float((np.maximum(1.0, mine[way.arcs].max(axis=1)) / goodput).max())
        pace = _pace(job, min(_SLOWEST, slowest * _drag(way, trouble)), job.name in saving, trouble)
        rate = job.track.comm_octets * 8 / (NIC_SHARE * at.SPEED * pace.step_s)
        bps += own * rate * (_SAVING if pace.saving else 1.0)
        used = own > 0
        pressure[used] = np.maximum(pressure[used], mine[used])
        busy[used] = np.maximum(busy[used], pace.busy)
        paces.append(pace)
    paused = _pauses(ways, pressure, trouble)
    _front(paces, trouble, bps, pressure, busy)
    return Flowing(tuple(paces), ways, bps + _QUIET_BPS, pressure, busy, paused, lost)


def checkpoint_s(job: Job, trouble: Trouble) -> float:
    """How long a checkpoint takes: it is striped over all stores, the slowest of which decides."""
    slowest = min((store_share(store, trouble) for store in range(at.STORES)), default=1.0)
    wire = min(at.STORES * at.STORE_SPEED * _STORE_SHARE * slowest, len(job.track.hosts) * 0.8 * at.FRONT_SPEED)
    return min(job.track.checkpoint_octets * 8 / wire, 0.8 * job.track.checkpoint_every_s)


def store_share(store: int, trouble: Trouble) -> float:
    """What a store does of what it could."""
    stalls = [one for one in trouble.of(wrong.STORAGE) if one.device == f"store{store + 1}"]
    return min((1 - 0.96 * one.severity for one in stalls), default=1.0)


def _pace(job: Job, slower: float, saving: bool, trouble: Trouble) -> Pace:
    lag = [1 / clock_share(one) for one in trouble.of(wrong.GPU) if _is_on(job, one.device)]
    compute = job.track.compute_s * max(lag, default=1.0)
    comm = job.track.comm_octets * 8 / (NIC_SHARE * at.SPEED) * slower
    exposed = max(0.02 * comm, comm - job.track.overlap * job.track.compute_s)
    step = compute + exposed
    return Pace(job, step / _SAVING if saving else step, compute, comm, exposed, saving)


def clock_share(fault: Fault) -> float:
    """What a slow GPU does of what it should."""
    return 1 - 0.6 * fault.severity


def card_share(fault: Fault) -> float:
    """What a slow card carries of what it should."""
    return 1 - 0.85 * fault.severity


def _is_on(job: Job, host: str) -> bool:
    return any(at.host_name(one) == host for one in job.track.hosts)


def _sum(arcs: I64, weight: F64) -> F64:
    found = np.bincount(arcs.ravel(), np.repeat(weight, arcs.shape[1]), at.ALL_ARCS + 1).astype(np.float64)
    found[_NONE] = 0
    return found


def _weakened(trouble: Trouble, capacity: F64, lost: F64) -> None:
    """Lines that carry less than they should."""
    for one in trouble.faults:
        if one.kind not in (wrong.STORM, wrong.NIC, wrong.OPTIC):
            continue
        row = at.row(one.device, one.port)
        into, out = int(at.ARC_IN[row]), int(at.ARC_OUT[row])
        if one.kind == wrong.STORM:  # the card behind the leaf's port takes hardly anything
            capacity[out] *= 1 - 0.97 * one.severity
        elif one.kind == wrong.NIC:
            capacity[[into, out]] *= card_share(one)
        else:
            lost[into] += wrong.lost_packets(one)


def _drag(ways: Ways, trouble: Trouble) -> float:
    """How much slower a job communicates for other reasons than full lines: bursts, pauses, relays through NVLink."""
    found = 1.0
    for one in trouble.faults:
        if one.kind == wrong.INCAST and (ways.arcs == at.ARC_OUT[at.row(one.device, one.port)]).any():
            found *= 1 + 0.35 * one.severity
        elif one.kind == wrong.ECN and np.isin(ways.arcs, at.ARC_OUT[at.rows(one.device)]).any():
            found *= 1.1 + 0.55 * one.severity
        elif one.kind == wrong.MISPLACED and _is_turned(ways):
            found *= 1.1 + 0.5 * one.severity
    return found


def _is_turned(ways: Ways) -> bool:
    return bool((ways.source % at.RAILS != ways.target % at.RAILS).any())


# --- ways ------------------------------------------------------------------------------------------------------------


def _ways(job: Job, trouble: Trouble) -> Ways:
    spread = tuple(one for one in trouble.faults if one.kind in (wrong.MISPLACED, wrong.COLLISION))
    return _ways_with(job, Trouble(spread, trouble.down))


@lru_cache(maxsize=64)
def _ways_with(job: Job, trouble: Trouble) -> Ways:
    """The lines that each queue pair of a job goes by."""
    misplaced = any(one.target == job.track.id for one in trouble.of(wrong.MISPLACED))
    sent = flows(job.track, misplaced)
    source, target = np.repeat(sent.source, _PAIRS), np.repeat(sent.target, _PAIRS)
    weight = np.repeat(sent.weight, _PAIRS)
    port = np.arange(len(source), dtype=np.uint64) * np.uint64(2) + np.uint64(49_152)  # UDP source ports
    dice = _hashed(port + np.uint64(zlib.crc32(job.name.encode()) << 20))
    near, far = _leaf(source), _leaf(target)
    up, down = _spread(near, far, dice, trouble)
    same = near == far
    arcs = np.stack([
        at.NIC_UP + source, np.where(same, _NONE, at.UP + near * at.UPLINKS + up),
        np.where(same, _NONE, at.DOWN + far * at.UPLINKS + down), at.NIC_DOWN + target,
    ], axis=1)  # fmt: skip
    kept = np.flatnonzero(~np.isin(arcs, _arcs_down(trouble)).any(axis=1))  # cards that are off leave theirs to others
    kept = kept if len(kept) else np.arange(len(arcs))
    more = len(arcs) / len(kept)
    return Ways(arcs[kept], source[kept], target[kept], weight[kept] / _PAIRS * more)


def _leaf(card: I64) -> I64:
    host, rail = np.divmod(card, at.RAILS)
    found: I64 = host // at.UNIT_HOSTS * at.UNIT_LEAVES + rail // 2
    return found


def _hashed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A good mixture of bits (SplitMix64's)."""
    mixed = (values + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _spread(near: I64, far: I64, dice: NDArray[np.uint64], trouble: Trouble) -> tuple[I64, I64]:
    """Uplink and downlink (0 to 31, of the leaf) of each queue pair: spine by hash, then a line that is left there."""
    spine = (dice % np.uint64(at.SPINES)).astype(np.int64)
    first, second = ((dice >> np.uint64(bits)) % np.uint64(840) for bits in (8, 24))
    up, down = np.zeros(len(dice), np.int64), np.zeros(len(dice), np.int64)
    gone = set(_arcs_down(trouble).tolist())
    for leaf in np.unique(np.concatenate([near, far])):
        for one in range(at.SPINES):
            for mine, which, found, base in ((near, first, up, at.UP), (far, second, down, at.DOWN)):
                ports = [one * at.PARALLEL + number for number in range(at.PARALLEL)]
                left = [port for port in ports if base + leaf * at.UPLINKS + port not in gone] or ports
                chosen = (mine == leaf) & (spine == one)
                found[chosen] = np.array(left)[(which[chosen] % np.uint64(len(left))).astype(np.int64)]
    for fault in trouble.of(wrong.COLLISION):
        leaf = next(i for i, node in enumerate(at.LEAF_NODES) if node.name == fault.device)
        chosen = near == leaf
        up[chosen] = (first[chosen] % np.uint64(wrong.crowded(fault))).astype(np.int64)
        down[chosen] = up[chosen] // at.PARALLEL * at.PARALLEL + down[chosen] % at.PARALLEL
    return up, down


def _arcs_down(trouble: Trouble) -> I64:
    found = np.array(sorted(trouble.down), np.int64)
    arcs = np.concatenate([at.ARC_IN[found], at.ARC_OUT[found]])
    return np.unique(arcs[arcs < at.FRONT_UP])


# --- queues ----------------------------------------------------------------------------------------------------------


def _pauses(ways: tuple[Ways, ...], pressure: F64, trouble: Trouble) -> F64:
    """For what share of time the sender into each arc is told to wait: full queues hold up what feeds them."""
    full = np.clip((pressure - 1.3) / 1.5, 0, 0.8)
    for one in trouble.of(wrong.ECN):  # nothing slows the senders down before the queue is full
        out = at.ARC_OUT[at.rows(one.device)]
        full[out] = np.maximum(full[out], np.where(pressure[out] > 0.25, 0.04 + 0.3 * one.severity, 0))
    for one in trouble.of(wrong.INCAST):
        port = int(at.ARC_OUT[at.row(one.device, one.port)])
        full[port] = max(full[port], 0.12 * max(0.0, one.severity - 0.3))
    paused = np.zeros(at.ALL_ARCS + 1)
    for way in ways:
        for hop in (3, 2, 1):
            fed, by = way.arcs[:, hop], way.arcs[:, hop - 1]
            short = fed == _NONE  # within a leaf: card to card
            np.maximum.at(paused, by[~short], full[fed[~short]])
            np.maximum.at(full, by[~short], 0.6 * full[fed[~short]])
        within = way.arcs[:, 1] == _NONE
        np.maximum.at(paused, way.arcs[within, 0], full[way.arcs[within, 3]])
    for one in trouble.faults:
        if one.kind in (wrong.STORM, wrong.NIC):  # the card itself
            card = int(at.ARC_OUT[at.row(one.device, one.port)] if one.kind == wrong.STORM
                       else at.ARC_IN[at.row(one.device, one.port)])  # fmt: skip
            paused[card] = max(
                paused[card], 0.5 + 0.5 * one.severity if one.kind == wrong.STORM else 0.4 * one.severity
            )
    paused[_NONE] = 0
    return paused


def _front(paces: list[Pace], trouble: Trouble, bps: F64, pressure: F64, busy: F64) -> None:
    """Reading of datasets, and writing of checkpoints."""
    burst = trouble.of(wrong.BURST)
    for pace in paces:
        hosts = np.array(pace.job.track.hosts)
        write = pace.job.track.checkpoint_octets * 8 / checkpoint_s(pace.job, trouble) if pace.saving else 0.0
        if burst:  # from page caches, as fast as lines are
            most = min(0.9 * at.FRONT_SPEED * len(hosts), at.STORES * at.STORE_SPEED * 1.1 / len(paces))
            write = max(write, most * (0.5 + 0.5 * burst[0].severity))
        read = READ_OCTETS_S * 8 * len(hosts)
        bps[at.FRONT_UP + hosts] += write / len(hosts)
        bps[at.FRONT_DOWN + hosts] += read / len(hosts)
        bps[at.STORE_IN : at.STORE_OUT] += write / at.STORES
        bps[at.STORE_OUT : at.PEER] += read / at.STORES
        bps[at.PEER : at.ALL_ARCS] += (write + read) / 4
        pressure[at.STORE_IN : at.STORE_OUT] += write / at.STORES / at.STORE_SPEED * (1.15 if burst else 1.0)
    part = slice(at.FRONT_UP, at.STORE_IN)
    pressure[part] = bps[part] / CAPACITY[part]
    busy[at.FRONT_UP : at.ALL_ARCS] = 1.0
    bps[at.STORE_IN : at.STORE_OUT] = np.minimum(bps[at.STORE_IN : at.STORE_OUT], 0.99 * at.STORE_SPEED)
