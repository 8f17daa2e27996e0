"""Flows and device metrics of a scenario: datagrams through the decoder and enrichment, states as polls leave them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from weft.collect.intake.counters import CounterBook
from weft.decode.flow.decoder import FlowDecoder
from weft.model.flows import FLOWS
from weft.model.metrics import METRICS
from weft.twin import organisation as org
from weft.twin.demo import as_batch, make_device
from weft.twin.devices import DeviceTwin
from weft.twin.encode import Datagrams
from weft.twin.history import history
from weft.twin.run.jobs import Job, Rows, Stage

_CHUNK_S = 1800.0


def chunks(since_s: float, until_s: float, length_s: float = _CHUNK_S) -> Iterator[tuple[float, float]]:
    """A span in pieces, so that memory stays bounded however long it is."""
    while since_s < until_s:
        end_s = min(since_s + length_s, until_s)
        yield since_s, end_s
        since_s = end_s


def datagrams(stage: Stage, job: Job) -> Iterator[Datagrams]:
    """What an exporter sends, in the order in which it does."""
    device = make_device(job.number, stage.config, stage.timeline, stage.until_s)
    for since_s, until_s in chunks(stage.since_s, stage.until_s):
        yield _by_time(device.datagrams(since_s, until_s, announce=True))


def _by_time(data: Datagrams) -> Datagrams:
    order = np.argsort(data.sent_ms, kind="stable")
    return Datagrams(data.data, data.start[order], data.length[order], data.sent_ms[order])


def flow_rows(stage: Stage, job: Job) -> Rows:
    """Rows of ``flows``, and of ``metrics`` for counters that come with flows (sFlow)."""
    exporter = org.EXPORTERS[job.number]
    decoder, counters = FlowDecoder(), CounterBook()
    for sent in datagrams(stage, job):
        if not len(sent):
            continue
        batch = as_batch([(exporter, sent)])
        decoded = decoder.decode(batch)
        decoder.tick(int(batch.received_ns[-1]))
        if decoded.flows.num_rows:
            yield FLOWS, stage.enricher.enrich(decoded.flows)
        if decoded.metrics.num_rows:
            yield METRICS, counters.apply(decoded.metrics)


def metric_rows(stage: Stage, job: Job) -> Rows:
    """Rows of ``metrics`` that polls and subscriptions of a device would have left."""
    twin = DeviceTwin(org.DEVICES[job.number], stage.config, stage.since_s, stage.timeline)
    counters = CounterBook()
    for since_s, until_s in chunks(stage.since_s, stage.until_s, 6 * 3600.0):
        for batch in history(twin, since_s, until_s):
            yield METRICS, counters.apply(batch)
