"""How fast every counter of the cluster grows in one state of the fabric, and how full its queues are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.twin.cluster import layout as at
from weft.twin.cluster import troubles as wrong
from weft.twin.cluster.fabric import F64, Flowing, card_share, clock_share, store_share
from weft.twin.cluster.troubles import Trouble

#: Counters of a port or card, by the name that the metrics table has for it (of cards: ``hosts`` says).
COUNTERS = (
    "in_octets", "out_octets", "in_unicast_pkts", "out_unicast_pkts", "in_errors", "out_discards", "pfc_rx_pkts",
    "pfc_tx_pkts", "pfc_rx_pause_us", "fec_correctable_frames", "fec_uncorrectable_frames", "ecn_marked_pkts",
    "np_cnp_sent", "rp_cnp_handled", "out_of_sequence", "packet_seq_err", "local_ack_timeout_err",
)  # fmt: skip
NUMBER: Mapping[str, int] = {name: number for number, name in enumerate(COUNTERS)}
_PACKET = 4166.0  # octets: RDMA with an MTU of 4096, and what is around it
_PAUSES = 42_000.0  # PFC frames a second of a port that pauses all the time
_ACK_S = 0.02
GPUS = at.HOSTS * at.RAILS
CLOCK_MHZ, IDLE_W, BUSY_W = 1980.0, 118.0, 655.0


@dataclass(frozen=True)
class Rates:
    """One state of the cluster, as its counters and gauges show it."""

    flowing: Flowing
    growth: F64  # [counters, rows] a second
    queue_octets: F64  # [rows] watermark of the lossless queue
    up: NDArray[np.bool_]  # [rows]
    enabled: NDArray[np.bool_]  # [rows]
    rx_dbm: F64  # [rows] change of the light received
    gpu_busy: F64  # [GPUs] share of time
    gpu_tensor: F64  # [GPUs] share of time in which tensor cores work
    gpu_clock: F64  # [GPUs] share of the full clock
    slow_cards: tuple[tuple[int, float], ...]  # number of a card, share of its speed that its bus leaves it
    stores: F64  # [stores] share of its usual speed at which each answers


def rates(flow: Flowing, trouble: Trouble) -> Rates:
    """Everything that a state shows."""
    growth = np.zeros((len(COUNTERS), at.ROWS))
    _octets(growth, flow)
    marked = _marked(flow, trouble)
    growth[NUMBER["ecn_marked_pkts"]] = growth[NUMBER["out_unicast_pkts"]] * marked[at.ARC_OUT]
    paused = flow.paused * np.clip(flow.busy + (flow.paused >= 0.5), 0, 1)
    growth[NUMBER["pfc_rx_pkts"]] = _PAUSES * paused[at.ARC_OUT]
    growth[NUMBER["pfc_tx_pkts"]] = _PAUSES * paused[at.ARC_IN]
    growth[NUMBER["pfc_rx_pause_us"]] = 1e6 * paused[at.ARC_OUT]
    _errors(growth, flow)
    _cards(growth, flow, marked)
    up, enabled = np.ones(at.ROWS, np.bool_), np.ones(at.ROWS, np.bool_)
    down, shut = sorted(trouble.down), sorted(trouble.shut)
    up[down], enabled[shut] = False, False
    growth[:, down] = 0
    light = np.zeros(at.ROWS)
    light[down] = -37.0
    for one in trouble.of(wrong.OPTIC):
        light[at.row(one.device, one.port)] -= 2.2 + 5.5 * one.severity
    slow = tuple((gpu_of(one.device, one.port), card_share(one)) for one in trouble.of(wrong.NIC))
    stores = np.array([store_share(store, trouble) for store in range(at.STORES)])
    return Rates(flow, growth, _queues(flow, trouble), up, enabled, light, *_gpus(flow, trouble), slow, stores)


def _octets(growth: F64, flow: Flowing) -> None:
    bps = np.append(flow.bps[: at.ALL_ARCS], 0.0)
    for way, arcs in (("in", at.ARC_IN), ("out", at.ARC_OUT)):
        octets = bps[arcs] / 8
        growth[NUMBER[f"{way}_octets"]] = octets
        growth[NUMBER[f"{way}_unicast_pkts"]] = octets / _PACKET


def _marked(flow: Flowing, trouble: Trouble) -> F64:
    """Share of packets that the switch before each arc marks."""
    found = 1.5e-6 * np.clip(flow.pressure, 0, 1) + 0.07 * np.clip(flow.pressure - 1.02, 0, 1.2)
    for one in trouble.of(wrong.INCAST):
        found[at.ARC_OUT[at.row(one.device, one.port)]] += 0.002 + 0.02 * one.severity
    for one in trouble.of(wrong.ECN):
        found[at.ARC_OUT[at.rows(one.device)]] = 0.0
    found[: at.NIC_DOWN] = 0.0  # cards and hosts mark nothing
    found[at.FRONT_UP : at.FRONT_DOWN] = found[at.STORE_OUT : at.PEER] = 0.0
    return found


def _errors(growth: F64, flow: Flowing) -> None:
    packets = growth[NUMBER["in_unicast_pkts"]]
    bad = flow.lost[at.ARC_IN]
    own = 0.4 + (np.arange(at.ROWS) * 7919 % 97) / 24  # every line corrects a little
    growth[NUMBER["in_errors"]] = packets * bad
    growth[NUMBER["fec_uncorrectable_frames"]] = packets * bad * 0.6
    growth[NUMBER["fec_correctable_frames"]] = own + 4e8 * np.sqrt(bad) * (bad > 0)
    full = np.clip(flow.pressure[at.ARC_OUT] - 2.6, 0, 1)
    growth[NUMBER["out_discards"]] = growth[NUMBER["out_unicast_pkts"]] * 2e-6 * full
    growth[NUMBER["out_discards"], at.FIRST["gpu01"] :] = 0.0


def _cards(growth: F64, flow: Flowing, marked: F64) -> None:
    """What network cards count of the queue pairs that begin or end there."""
    cards = [np.zeros(GPUS) for _ in range(5)]
    for way, pace in zip(flow.ways, flow.paces, strict=True):
        packets = way.weight / 0.88 * pace.job.track.comm_octets / _PACKET / pace.step_s
        lost = 1 - np.prod(1 - flow.lost[way.arcs], axis=1)
        told = packets * (1 - np.prod(1 - marked[way.arcs], axis=1)) * 0.15  # cards tell at most once in some packets
        for into, where, values in (
            (0, way.target, told), (1, way.source, told), (2, way.target, packets * lost),
            (3, way.source, packets * lost * 0.96), (4, way.source, packets * lost * _ACK_S),
        ):  # fmt: skip
            cards[into] += np.bincount(where, values, GPUS)
    rows = card_rows()
    for number, values in enumerate(cards):
        growth[NUMBER["np_cnp_sent"] + number, rows] = values + (2e-4 if number else 4e-3)


def card_rows() -> NDArray[np.int64]:
    """The row of each card, by host and rail."""
    first = at.FIRST["gpu01"] + np.arange(at.HOSTS)[:, None] * (at.RAILS + 1)
    found: NDArray[np.int64] = (first + np.arange(at.RAILS)).ravel()
    return found


def _queues(flow: Flowing, trouble: Trouble) -> F64:
    """Watermark of the lossless queue of each port, octets."""
    found = 18e3 + 210e3 * np.clip(flow.pressure, 0, 1) + 5.2e6 * np.clip(flow.pressure - 1.0, 0, 1.4)
    for one in trouble.of(wrong.INCAST):
        found[at.ARC_OUT[at.row(one.device, one.port)]] += 1.1e6 + 7e6 * one.severity
    for one in trouble.of(wrong.ECN):
        out = at.ARC_OUT[at.rows(one.device)]
        found[out] += np.where(flow.pressure[out] > 0.1, 0.8e6 + 3e6 * one.severity, 0)
    found = np.maximum(found, 9e6 * np.clip(2 * flow.paused, 0, 1) * (flow.paused > 0.1))
    found[at.ALL_ARCS] = 0
    rows: F64 = np.minimum(found, 12.6e6)[at.ARC_OUT]
    return rows


def _gpus(flow: Flowing, trouble: Trouble) -> tuple[F64, F64, F64]:
    busy, tensor, clock = np.zeros(GPUS), np.zeros(GPUS), np.ones(GPUS)
    for one in trouble.of(wrong.GPU):
        clock[gpu_of(one.device, int(one.target.removeprefix("gpu")) + 1)] = clock_share(one)
    for pace in flow.paces:
        gpus = (np.array(pace.job.track.hosts)[:, None] * at.RAILS + np.arange(at.RAILS)).ravel()
        work = pace.job.track.compute_s / pace.step_s  # of those that are as they should be; kernels of NCCL spin
        slow = work / clock[gpus]
        busy[gpus] = np.where(pace.saving, 0.35, 0.97)
        tensor[gpus] = 0.52 * np.clip(slow, 0, 1) if not pace.saving else 0.15
    return busy, tensor, clock


def gpu_of(host: str, port: int) -> int:
    """The number of a GPU: ports 1 to 8 of a host are those of its GPUs."""
    return (int(host.removeprefix("gpu")) - 1) * at.RAILS + port - 1
