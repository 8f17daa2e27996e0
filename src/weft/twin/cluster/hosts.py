"""What hosts, GPUs, network cards, stores and jobs tell, as exporters for Prometheus name it.

GPUs as DCGM exporter does, cards and hosts as node exporter does (``node_infiniband_*``, hardware counters included), a
job as the training loop of its rank 0 does. Every reading has noise: the same for the same moment, whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from weft.twin.cluster import layout as at
from weft.twin.cluster import remote_write
from weft.twin.cluster.fabric import F64, Pace, checkpoint_s
from weft.twin.cluster.jobs import Job, checkpoints, jobs
from weft.twin.cluster.rates import BUSY_W, CLOCK_MHZ, GPUS, IDLE_W, NUMBER, Rates, card_rows
from weft.twin.cluster.troubles import trouble
from weft.twin.cluster.twin import Cluster, Counters, noise

Labels = Mapping[str, str]
_CARDS, _HOSTS, _STORES = card_rows(), np.arange(at.HOSTS), np.arange(at.STORES)
#: Counters of a card: ours → node exporter's.
_CARD_COUNTERS = {
    "in_octets": "node_infiniband_port_data_received_bytes_total",
    "out_octets": "node_infiniband_port_data_transmitted_bytes_total",
    "np_cnp_sent": "node_infiniband_np_cnp_sent",
    "rp_cnp_handled": "node_infiniband_rp_cnp_handled",
    "out_of_sequence": "node_infiniband_out_of_sequence",
    "packet_seq_err": "node_infiniband_packet_seq_err",
    "local_ack_timeout_err": "node_infiniband_local_ack_timeout_err",
    "pfc_rx_pkts": "node_infiniband_rx_prio3_pause",
    "pfc_tx_pkts": "node_infiniband_tx_prio3_pause",
}  # fmt: skip
_LOSS_FLOOR = 1.62


@dataclass(frozen=True)
class Reading:
    """The cluster at a moment, for whoever reads it off."""

    at_s: float
    rates: Rates
    counters: F64  # [counters, rows]
    seed: int

    def noise(self, kind: int, count: int) -> NDArray[np.float64]:
        """What this reading is off, in standard deviations."""
        return noise(self.seed, kind, self.at_s, count)


@dataclass(frozen=True)
class Family:
    """Metrics of one name: the labels of each series, and how their values are read."""

    name: str
    labels: tuple[Labels, ...]
    read: Callable[[Reading], NDArray[np.float64]]


def _gpu_labels() -> tuple[Labels, ...]:
    return tuple(
        {"gpu": str(number % 8), "device": f"nvidia{number % 8}", "modelName": "NVIDIA H100 80GB HBM3",
         "Hostname": at.host_name(number // 8), "instance": f"{at.HOST_NODES[number // 8].address}:9400",
         "job": "dcgm"} for number in range(GPUS)
    )  # fmt: skip


def _card_labels() -> tuple[Labels, ...]:
    return tuple(
        {"device": at.card(number % 8), "port": "1", "instance": f"{at.host_name(number // 8)}:9100", "job": "node"}
        for number in range(GPUS)
    )


def _node_labels(**more: str) -> tuple[Labels, ...]:
    return tuple({"instance": f"{at.host_name(host)}:9100", "job": "node", **more} for host in range(at.HOSTS))


def _store_labels(**more: str) -> tuple[Labels, ...]:
    return tuple({"instance": f"store{store + 1}:9100", "job": "node", **more} for store in range(at.STORES))


@lru_cache(maxsize=1)
def families() -> tuple[Family, ...]:
    """Everything that exporters of hosts, GPUs and stores tell."""
    gpus, cards = _gpu_labels(), _card_labels()
    found = [
        Family("DCGM_FI_DEV_GPU_UTIL", gpus, _busy),
        Family("DCGM_FI_DEV_POWER_USAGE", gpus, _power),
        Family("DCGM_FI_DEV_GPU_TEMP", gpus, lambda r: np.round(27 + _power(r) / 15.5 + _hot(r))),
        Family("DCGM_FI_DEV_SM_CLOCK", gpus, lambda r: np.round(CLOCK_MHZ * r.rates.gpu_clock / 15) * 15),
        Family("DCGM_FI_DEV_FB_USED", gpus, lambda r: np.where(r.rates.gpu_busy > 0, 72_540.0, 640.0)),
        Family("DCGM_FI_DEV_XID_ERRORS", gpus, _xid),
        Family("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", gpus, _tensor),
    ]
    for own, name in _CARD_COUNTERS.items():
        found.append(Family(name, cards, _card_counter(own)))
    found += [
        Family("node_infiniband_rnr_nak_retry_err", cards, _none),
        Family("node_infiniband_rate_bytes_per_second", cards, _card_rate),
        Family("node_load1", _node_labels(), _load),
        Family("node_network_receive_bytes_total", _node_labels(device="ens1"), _front("in_octets", "gpu")),
        Family("node_network_transmit_bytes_total", _node_labels(device="ens1"), _front("out_octets", "gpu")),
        Family("node_network_receive_bytes_total", _store_labels(device="ens1"), _front("in_octets", "store")),
        Family("node_network_transmit_bytes_total", _store_labels(device="ens1"), _front("out_octets", "store")),
        Family("storage_write_latency_seconds", _store_labels(), _latency),
    ]
    return tuple(found)


def _none(_: Reading) -> F64:
    return np.zeros(GPUS)


def _busy(one: Reading) -> F64:
    off = 1.2 * one.noise(1, GPUS) * (one.rates.gpu_busy > 0)
    return np.asarray(np.round(np.clip(100 * one.rates.gpu_busy + off, 0, 100)), np.float64)


def _tensor(one: Reading) -> F64:
    found: F64 = np.clip(one.rates.gpu_tensor * (1 + 0.02 * one.noise(2, GPUS)), 0, 1)
    return found


def _power(one: Reading) -> F64:
    work = one.rates.gpu_tensor / 0.52 * one.rates.gpu_clock
    own = 1 + 0.03 * np.sin(np.arange(GPUS) * 1.7)  # no two GPUs are alike
    found: F64 = IDLE_W + (BUSY_W - IDLE_W) * work * own + 6 * one.noise(3, GPUS)
    return found


def _hot(one: Reading) -> F64:
    found: F64 = 34 * (1 - one.rates.gpu_clock) + one.noise(4, GPUS)  # what is slow is so because it is hot
    return found


def _xid(one: Reading) -> F64:
    found: F64 = np.where(one.rates.gpu_clock < 0.55, 79.0, 0.0)  # XID 79: the GPU has nearly fallen off the bus
    return found


def _card_counter(own: str) -> Callable[[Reading], F64]:
    return lambda one: one.counters[NUMBER[own], _CARDS]


def _card_rate(one: Reading) -> F64:
    found = np.full(GPUS, at.SPEED / 8)
    for fault in one.rates.slow_cards:
        found[int(fault[0])] = at.SPEED / 8 * fault[1]
    return found


def _front(own: str, host: str) -> Callable[[Reading], F64]:
    first = at.FIRST["gpu01"] if host == "gpu" else at.FIRST["store1"]
    rows = first + _HOSTS * (at.RAILS + 1) + at.RAILS if host == "gpu" else first + _STORES
    return lambda one: one.counters[NUMBER[own], rows]


def _load(one: Reading) -> F64:
    busy = one.rates.gpu_busy.reshape(at.HOSTS, -1).mean(1)
    found: F64 = np.clip(0.6 + 22 * busy + 0.8 * one.noise(5, at.HOSTS), 0.02, None)
    return found


def _latency(one: Reading) -> F64:
    full = one.rates.flowing.pressure[at.STORE_IN : at.STORE_OUT]
    found: F64 = 0.0021 * (1 + 1.4 * full) / one.rates.stores * np.exp(0.12 * one.noise(6, at.STORES))
    return found


# --- jobs ------------------------------------------------------------------------------------------------------------


def job_values(cluster: Cluster, job: Job, pace: Pace, at_s: float) -> Iterator[tuple[str, float]]:
    """What the training loop of a job tells at a moment."""
    dice = np.random.default_rng([cluster.seed, 2564, int(at_s * 10), len(job.name)])
    step = pace.step_s * float(np.exp(0.012 * dice.standard_normal()))
    done = max(0.0, (at_s - job.start_s) / (job.track.compute_s * 1.06))
    loss = _LOSS_FLOOR + 9.4 * (1 + done) ** -0.31 + 0.012 * float(dice.standard_normal())
    yield "train_step_seconds", step
    yield "train_compute_seconds", pace.compute_s * float(np.exp(0.006 * dice.standard_normal()))
    yield "train_exposed_comm_ratio", min(0.99, pace.exposed_s / step)
    yield "train_comm_seconds", pace.comm_s * float(np.exp(0.02 * dice.standard_normal()))
    yield "train_tokens_per_second", job.track.tokens / step
    yield "train_loss", loss
    if saved := checkpoints(job, at_s - 2 * job.track.checkpoint_every_s, at_s):
        faults = tuple(cluster.timeline.faults(saved[-1], saved[-1] + 1e-3))
        yield "train_checkpoint_seconds", checkpoint_s(job, trouble(faults, (), saved[-1]))


def job_labels(job: Job, name: str) -> dict[str, str]:
    """Labels of a job's series."""
    return {"__name__": name, "job": job.name, "rank": "0", "model": job.track.model, "gpus": str(job.gpus),
            "instance": f"{at.host_name(job.track.hosts[0])}:9200"}  # fmt: skip


# --- requests --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _heads() -> tuple[bytes, ...]:
    return tuple(
        remote_write.head({"__name__": family.name, **labels}) for family in families() for labels in family.labels
    )


@lru_cache(maxsize=1)
def _counting() -> bytes:
    names = [family.name for family in families() if family.name.endswith("_total")]
    names += [name for name in _CARD_COUNTERS.values() if not name.endswith("_total")]
    return b"".join(remote_write.counter(name) for name in [*names, "node_infiniband_rnr_nak_retry_err"])


def request(cluster: Cluster, counters: Counters, times_s: F64) -> bytes:
    """The body of a remote write with everything that hosts tell at the times."""
    shown = counters.at(times_s)
    values = np.array([
        np.concatenate([family.read(one) for family in families()])
        for one in (
            Reading(float(moment), cluster.at(float(moment)), shown[number], cluster.seed)
            for number, moment in enumerate(times_s)
        )
    ])  # fmt: skip
    return remote_write.body(_heads(), remote_write.times(times_s), values, _counting())


def job_requests(cluster: Cluster, times_s: F64) -> Iterator[bytes]:
    """Bodies of remote write with what jobs tell at the times."""
    told: dict[tuple[str, bytes], tuple[list[float], list[float]]] = {}
    for moment in times_s:
        for pace in cluster.at(float(moment)).flowing.paces:
            for name, value in job_values(cluster, pace.job, pace, float(moment)):
                key = pace.job.name, remote_write.head(job_labels(pace.job, name))
                stamps, values = told.setdefault(key, ([], []))
                stamps.append(float(moment))
                values.append(value)
    for (_, head), (stamps, values) in told.items():
        yield remote_write.body([head], remote_write.times(np.array(stamps)), np.array(values)[:, None])


def gpu_hours(seed: int, since_s: int, until_s: int, step_s: int = 600) -> Iterator[tuple[int, Job, float]]:
    """GPU-hours that jobs used in each ``step_s``: when it ended, the job, how many."""
    for begin in range(since_s // step_s * step_s, until_s - step_s + 1, step_s):
        if begin < since_s:
            continue
        for job in jobs(seed, begin, begin + step_s):
            used = min(job.end_s, begin + step_s) - max(job.start_s, begin)
            yield begin + step_s, job, round(job.gpus * used / 3600, 4)
