"""The AI cluster of a scenario: switches as subscriptions leave them, hosts and jobs through the Prometheus decoder."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from weft.collect.business.values import rows_of
from weft.collect.intake.counters import CounterBook
from weft.decode.prometheus import RemoteWriteDecoder
from weft.model.business import BUSINESS
from weft.model.metrics import METRICS
from weft.twin.cluster import hosts, switches
from weft.twin.cluster.demo import hour_values
from weft.twin.cluster.twin import Cluster
from weft.twin.run.jobs import Job, Rows, Stage
from weft.twin.run.telemetry import chunks

_NS = 1_000_000_000
#: Seconds between values of switches and hosts, and of jobs.
STEP_S, JOBS_S = 120.0, 30.0
_CHUNK_S = 3600.0


def cluster_rows(stage: Stage, _: Job) -> Rows:
    """Rows of ``metrics`` and ``business``."""
    counters = CounterBook()
    for batch in _metrics(stage):
        yield METRICS, counters.apply(batch)
    values = hour_values(stage.scenario.seed, int(stage.since_s), int(stage.until_s))
    if values:
        yield BUSINESS, rows_of(values, "push", "dai-slurm", int(stage.until_s * _NS))


def _metrics(stage: Stage) -> Iterator[pa.RecordBatch]:
    cluster = Cluster.of(stage.timeline)
    shown, decoder = cluster.counters(stage.since_s), RemoteWriteDecoder()
    for since_s, until_s in chunks(stage.since_s, stage.until_s, _CHUNK_S):
        yield from switches.history(cluster, shown, since_s, until_s, STEP_S)
        bodies: list[bytes] = []
        times = np.arange(since_s // STEP_S * STEP_S + STEP_S, until_s, STEP_S)
        if len(times):
            bodies.append(hosts.request(cluster, shown, times))
        bodies += hosts.job_requests(cluster, np.arange(since_s // JOBS_S * JOBS_S + JOBS_S, until_s, JOBS_S))
        for body in bodies:
            decoded = decoder.decode(body, int(until_s * _NS))
            decoder.taken(decoded)
            yield decoded.rows
