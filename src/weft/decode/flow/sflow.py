"""sFlow v5: flow samples and discarded packets to rows of ``flows``, counter samples to rows of ``metrics``.

``bytes`` is the sampled frame's length as the agent states it (``frame_length``, which by the standard already includes
what was ``stripped``), else the length in the agent's own reading of the packet. ``packets`` is 1. ``sampling_rate`` is
the sample's own unless the operator overrides it; a rate of 0 is kept and marked. Samples have no time of their own:
theirs is the datagram's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import SLOTS, FlowColumns, zero_gap
from weft.decode.flow.messages import M_RECEIVED, Messages
from weft.decode.flow.metric_columns import MetricColumns
from weft.decode.flow.sampling import SamplingState
from weft.decode.flow.sflow_counters import counter_batch
from weft.decode.flow.sflow_samples import K_MESSAGE, SAMPLE_COLUMNS, most_samples, write_samples
from weft.decode.flow.sflow_sources import SampleSources
from weft.decode.flow.streams import StreamTable
from weft.decode.packet import FRAME_COLUMNS
from weft.model.addresses import address_text
from weft.model.exporters import InterfaceFact

_MAX_INTERFACES = 1 << 17
_PLACES = {SLOTS[name].column: SLOTS[name] for name in SAMPLE_COLUMNS}
_COLUMNS = np.array(sorted(_PLACES))


class SflowDecoder:
    """Decodes the samples of sFlow datagrams whose headers are already read; remembers the agents' data sources."""

    def __init__(self, streams: StreamTable, sampling: SamplingState) -> None:
        self._streams, self._sampling = streams, sampling
        self._interfaces: dict[tuple[bytes, int], tuple[str, int]] = {}
        self._sources = SampleSources.new(len(streams.counters))

    def forget(self) -> None:
        """A stream was given up: what agents said last of their sources is taken anew."""
        self._sources.forget()

    def decode(
        self, messages: Messages, index: NDArray[np.int64], out: FlowColumns, metrics: MetricColumns
    ) -> list[InterfaceFact]:
        """Append the samples of the datagrams ``index`` to ``out`` and ``metrics``; returns interface names learned."""
        rows = most_samples(messages.info, index)
        listed = np.empty((rows, 4), np.int64)
        m = out.claim(FRAME_COLUMNS, rows)
        for column in _COLUMNS[m.valid[_COLUMNS] < out.rows]:
            place = _PLACES[column]
            zero_gap(m, place.width, place.row, place.column, out.rows)
        m.valid[_COLUMNS] = out.rows + rows
        end, n_listed = write_samples(
            messages.data,
            messages.info,
            messages.exporter,
            index,
            m,
            out.rows,
            self._streams.counters,
            self._streams.errors,
            self._sampling.rows,
            self._sources,
            listed,
        )
        out.commit(end - out.rows)
        return self._counters(messages, listed[:n_listed], metrics) if n_listed else []

    def _counters(self, messages: Messages, listed: NDArray[np.int64], metrics: MetricColumns) -> list[InterfaceFact]:
        """Append the counter samples to ``metrics``; what they say of interfaces is returned when it is news."""
        batch, interfaces = counter_batch(messages, listed, self._streams.errors)
        metrics.append(batch)
        found: dict[tuple[bytes, int], tuple[str, int]] = {}
        for one in interfaces:
            name, speed = found.get((one.exporter, one.if_index), ("", 0))
            found[one.exporter, one.if_index] = (one.name or name, one.speed_bps or speed)
        received = int(messages.info[listed[-1, K_MESSAGE], M_RECEIVED])
        return [
            InterfaceFact(address_text(exporter, "::"), if_index, name=name, speed_bps=speed, learned_ns=received)
            for (exporter, if_index), (name, speed) in found.items()
            if self._is_news(exporter, if_index, name, speed)
        ]

    def _is_news(self, exporter: bytes, if_index: int, name: str, speed: int) -> bool:
        """Whether an interface's name and speed differ from what was last said of it."""
        key = (exporter, if_index)
        if self._interfaces.get(key) == (name, speed) or not (name or speed):
            return False
        if key not in self._interfaces and len(self._interfaces) >= _MAX_INTERFACES:
            self._interfaces.clear()
        self._interfaces[key] = (name, speed)
        return True
