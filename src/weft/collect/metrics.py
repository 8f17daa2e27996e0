"""The collector's counters for Prometheus, read from its status when they are asked for: the hot path pays nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as RegistryCollector

from weft.collect.status import CollectStatus


class CollectorMetrics(RegistryCollector):
    """Registered in the process's registry while the collector runs."""

    def __init__(self, status: Callable[[], CollectStatus]) -> None:
        self._status = status

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance, so that registering does not read a status."""
        return []

    def collect(self) -> Iterable[Metric]:
        """All families."""
        status = self._status()
        yield from _listeners(status)
        yield from _stages(status)
        yield from _store(status)
        yield from _streams(status)


def _listeners(status: CollectStatus) -> Iterable[Metric]:
    datagrams = CounterMetricFamily("weft_listener_datagrams", "Datagrams received.", labels=["port"])
    octets = CounterMetricFamily("weft_listener_bytes", "UDP payload bytes received.", labels=["port"])
    drops = CounterMetricFamily("weft_listener_kernel_drops", "Datagrams dropped by the kernel.", labels=["port"])
    waiting = GaugeMetricFamily("weft_listener_kernel_waiting_bytes", "Bytes in the socket buffer.", labels=["port"])
    for listener in status.listeners:
        label = [str(listener.port)]
        datagrams.add_metric(label, listener.datagrams)
        octets.add_metric(label, listener.octets)
        if listener.kernel_drops is not None:
            drops.add_metric(label, listener.kernel_drops)
        waiting.add_metric(label, listener.kernel_waiting)
    return [datagrams, octets, drops, waiting]


def _stages(status: CollectStatus) -> Iterable[Metric]:
    dropped = CounterMetricFamily("weft_collect_dropped_datagrams", "Datagrams dropped undecoded.", labels=["reason"])
    for reason, count in status.dropped.items():
        dropped.add_metric([reason], count)
    decode = status.decode
    return [
        dropped,
        GaugeMetricFamily("weft_collect_queue_fill_ratio", "Share of the datagram queue in use.", status.queue.fill),
        GaugeMetricFamily("weft_collect_queue_oldest_seconds", "Age of the oldest batch.", status.queue.oldest_s),
        CounterMetricFamily("weft_decode_datagrams", "Datagrams decoded.", decode.datagrams),
        CounterMetricFamily("weft_decode_flows", "Flow records decoded.", decode.flows),
        CounterMetricFamily("weft_decode_failures", "Batches lost to a defect of ours.", decode.failures),
        CounterMetricFamily("weft_decode_busy_seconds", "Time spent decoding and enriching.", decode.busy_s),
        GaugeMetricFamily("weft_collect_batch_rows", "Decoded rows waiting for their batch.", decode.waiting_rows),
    ]


def _store(status: CollectStatus) -> Iterable[Metric]:
    writer, spool = status.writer, status.spool
    rows = CounterMetricFamily("weft_store_rows", "Rows stored.", labels=["table"])
    for table, count in writer.rows.items():
        rows.add_metric([table], count)
    errors = CounterMetricFamily("weft_store_errors", "Failed attempts to store a batch.", labels=["code"])
    for code, count in writer.errors.items():
        errors.add_metric([code], count)
    latency = GaugeMetricFamily("weft_store_latency_seconds", "Datagram to stored, recent.", labels=["quantile"])
    for name, milliseconds in writer.latency_ms.items():
        latency.add_metric([name], milliseconds / 1000)
    lost = CounterMetricFamily("weft_collect_lost_rows", "Decoded rows lost or set aside.", labels=["reason"])
    for reason, count in status.lost_rows.items():
        lost.add_metric([reason], count)
    return [
        rows,
        errors,
        latency,
        lost,
        GaugeMetricFamily("weft_store_available", "1 while the store answers.", float(writer.available)),
        CounterMetricFamily("weft_store_busy_seconds", "Time spent in the store.", writer.busy_s),
        CounterMetricFamily("weft_spool_written_rows", "Rows that went to disk.", writer.spooled_rows),
        CounterMetricFamily("weft_spool_drained_rows", "Rows stored from disk.", writer.drained_rows),
        GaugeMetricFamily("weft_spool_bytes", "Bytes of batches on disk.", spool.size),
        GaugeMetricFamily("weft_spool_files", "Batches on disk.", spool.files),
        GaugeMetricFamily("weft_spool_oldest_seconds", "Age of the oldest batch on disk.", spool.oldest_s),
    ]


def _streams(status: CollectStatus) -> Iterable[Metric]:
    labels = ["exporter", "flow_type", "domain"]
    records = CounterMetricFamily("weft_exporter_records", "Records decoded.", labels=labels)
    lost = CounterMetricFamily("weft_exporter_lost", "Missing by sequence number.", labels=[*labels, "unit"])
    errors = CounterMetricFamily("weft_exporter_errors", "Decode errors.", labels=["exporter", "reason"])
    for one in status.streams:
        stream = one.status
        values = [stream.exporter, str(stream.flow_type), str(stream.observation_domain)]
        records.add_metric(values, stream.records)
        lost.add_metric([*values, stream.lost_unit], stream.lost)
    for book in status.ledger:
        for reason, count in book.errors.items():
            errors.add_metric([book.exporter, reason], count)
    return [records, lost, errors]
