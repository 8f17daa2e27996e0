"""sFlow v5: flow samples and discarded packets to rows of ``flows``, counter samples to rows of ``metrics``.

``bytes`` is the sampled frame's length as the agent states it (``frame_length``, which by the standard already includes
what was ``stripped``), else the length in the agent's own reading of the packet. ``packets`` is 1 and ``sampling_rate``
the sample's own; a rate of 0 is kept and marked. Samples have no time of their own: theirs is the datagram's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import SLOTS, FlowColumns, zero_gap
from weft.decode.flow.messages import Messages
from weft.decode.flow.metric_columns import MetricColumns
from weft.decode.flow.sflow_samples import SAMPLE_COLUMNS, count_samples, write_samples
from weft.decode.flow.sflow_sources import SampleSources
from weft.decode.flow.streams import StreamTable
from weft.decode.packet import FRAME_COLUMNS
from weft.model.exporters import InterfaceFact


class SflowDecoder:
    """Decodes the samples of sFlow datagrams whose headers are already read; remembers the agents' data sources."""

    def __init__(self, streams: StreamTable) -> None:
        self._streams = streams
        self._sources = SampleSources.new(len(streams.counters))

    def decode(
        self, messages: Messages, index: NDArray[np.int64], out: FlowColumns, metrics: MetricColumns
    ) -> list[InterfaceFact]:
        """Append the samples of the datagrams ``index`` to ``out`` and ``metrics``; returns interface names learned."""
        rows, n_counters = count_samples(messages.data, messages.info, index)
        listed = np.zeros((n_counters, 4), np.int64)
        m = out.claim(FRAME_COLUMNS, rows)
        for name in SAMPLE_COLUMNS:
            place = SLOTS[name]
            zero_gap(m, place.width, place.row, place.column, out.rows)
            m.valid[place.column] = out.rows + rows
        end = write_samples(
            messages.data,
            messages.info,
            messages.exporter,
            index,
            m,
            out.rows,
            self._streams.counters,
            self._streams.errors,
            self._sources,
            listed,
        )
        assert end == out.rows + rows
        out.commit(rows)
        return []
