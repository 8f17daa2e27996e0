"""The facade of flow decoding: one decoder per collector, fed with batches of datagrams of any protocol."""

from __future__ import annotations

from weft.decode.datagrams import DatagramBatch
from weft.decode.flow.columns import FlowColumns
from weft.decode.flow.decoded import Decoded
from weft.decode.flow.limits import DecodeLimits, SamplingOverrides
from weft.decode.flow.messages import SFLOW
from weft.decode.flow.metric_columns import MetricColumns
from weft.decode.flow.sflow import SflowDecoder
from weft.decode.flow.streams import StreamTable
from weft.model.exporters import InterfaceFact, StreamStatus


class FlowDecoder:
    """Decodes NetFlow v5, v9, IPFIX and sFlow v5; keeps templates, sampling rates and loss accounting per exporter.

    Not thread-safe: one thread decodes. ``decode`` never raises, whatever the bytes.
    """

    def __init__(self, limits: DecodeLimits | None = None, sampling: SamplingOverrides | None = None) -> None:
        self._limits = limits or DecodeLimits()
        self._sampling = sampling or SamplingOverrides()
        self._streams = StreamTable(self._limits)
        self._sflow = SflowDecoder(self._streams)
        self._columns = FlowColumns()
        self._metrics = MetricColumns()

    def decode(self, batch: DatagramBatch) -> Decoded:
        """Everything that the datagrams hold. Unreadable parts are counted by exporter and reason, never raised."""
        messages = self._streams.identify(batch)
        interfaces: list[InterfaceFact] = []
        sflow = messages.of_kind(SFLOW)
        if len(sflow):
            interfaces = self._sflow.decode(messages, sflow, self._columns, self._metrics)
        return Decoded(self._columns.to_batch(), self._metrics.to_batch(), interfaces)

    def streams(self) -> list[StreamStatus]:
        """The health of every stream seen."""
        return [self._streams.status(int(slot)) for slot in self._streams.slots()]
