"""What is remembered of agents' data sources goes with the streams that are given up."""

from __future__ import annotations

from weft.decode.flow.sflow_sources import SampleSources


def test_nothing_of_a_given_up_stream_stays() -> None:
    sources = SampleSources.new(4)
    seed = int(sources.seed[0])
    sources.keys[3], sources.last[3], sources.tracked[1], sources.total[0] = 9, (7, 8), 1, 1
    sources.forget()
    assert not any(array.any() for array in (sources.keys, sources.last, sources.tracked, sources.total))
    assert int(sources.seed[0]) == seed
