"""Bursts of a device: many measurements at once are an event, some or slow ones are not."""

from __future__ import annotations

import numpy as np
import pytest
from bench import _public

from weft.detect.burst import BurstDetector, Levels
from weft.detect.context import Context, DetectorConfig
from weft.detect.detector import Finding
from weft.detect.frame import Frame, SeriesKey
from weft.detect.registry import make
from weft.errors import InvalidInput
from weft.model.events import Entity

F64 = np.ndarray


class Unnamed:
    def device(self, address: bytes) -> str:
        return address.hex()

    def interface(self, address: bytes, if_index: int) -> str:
        return f"if{if_index}"

    def site(self, device: str) -> str:
        return ""

    def site_of_address(self, address: bytes) -> str:
        return ""


def detector(**settings: object) -> BurstDetector:
    return BurstDetector(Context(Unnamed(), DetectorConfig(settings=settings)))


def frame(values: F64, devices: int = 2, first: int = 0) -> Frame:
    per = len(values) // devices
    keys = [
        SeriesKey(Entity(kind="device", id=f"leaf{at // per}"), {"metric": f"m{at % per}"}) for at in range(len(values))
    ]
    return Frame(keys, 60 * np.arange(first, first + values.shape[1], dtype=np.int64), values, 60)


def quiet(rng: np.random.Generator, series: int = 120, samples: int = 300) -> F64:
    level = rng.lognormal(3, 2, (series, 1))
    daily = 1 + 0.3 * np.sin(2 * np.pi * np.arange(samples) / 1440 + rng.random((series, 1)))
    return level * daily * (1 + 0.05 * rng.normal(size=(series, samples)))


def when(found: list[Finding]) -> list[tuple[str, float]]:
    return [(one.entity.text, one.at_s) for one in found]


def test_many_at_once_are_told_of_the_right_device_in_the_very_sample() -> None:
    values = quiet(np.random.default_rng(1))
    values[60:80, 200] *= 3
    found = detector().feed(frame(values))
    assert when(found) == [("device:leaf1", 200 * 60)]
    one = found[0]
    assert "20 of 60 measurements of leaf1" in one.text
    assert one.seen == pytest.approx(20 / 60)
    assert len(one.evidence[0].rows) == 10
    assert one.evidence[0].rows[0][0].startswith("m")


def test_a_few_or_slow_or_missing_ones_are_not_an_event() -> None:
    for seed in range(3):
        values = quiet(np.random.default_rng(seed), samples=500)
        values[:5, 200] *= 9
        values[5:, 300:] *= np.minimum(1 + np.arange(200) / 400, 1.4)
        values[:, 250:260] = np.nan
        assert detector().feed(frame(values)) == []


def test_nothing_is_found_while_it_learns_and_history_counts() -> None:
    values = quiet(np.random.default_rng(2))
    values[:60, 40] *= 5
    assert detector().feed(frame(values[:, :100])) == []
    taught = detector()
    taught.learn(frame(values[:, 60:160]))
    values[:60, 170] *= 5
    assert when(taught.feed(frame(values[:, 160:180], first=160))) == [("device:leaf0", 170 * 60)]


def test_cut_into_pieces_and_restarted_it_finds_the_same() -> None:
    values = quiet(np.random.default_rng(3))
    values[:30, 220] *= 4
    values[70:90, 250] *= 4
    whole = when(detector().feed(frame(values)))
    assert len(whole) == 2
    parts, found = detector(), []
    for begin in range(0, 300, 7):
        found += parts.feed(frame(values[:, begin : begin + 7], first=begin))
        again = detector()
        again.load(parts.save())
        parts = again
    assert when(found) == whole


def test_steady_measurements_that_move_at_last_count() -> None:
    values = np.repeat(np.arange(40.0)[:, None], 120, axis=1)
    values[:, 110] += 7
    (found,) = detector().feed(frame(values, devices=1))
    assert found.at_s == 110 * 60


def test_memory_is_bounded_and_what_is_gone_is_forgotten() -> None:
    levels = Levels(most=10)
    rows = levels.find([f"s{at}" for at in range(50)])
    assert (rows >= 0).sum() == 10
    levels.learn(rows, np.ones(50), 100.0)
    levels.learn(rows[:4], np.ones(4), 900.0)
    levels.forget(500.0)
    assert list(levels.rows) == ["s0", "s1", "s2", "s3"]
    assert len(levels.level) == 4


def test_settings_and_states_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InvalidInput, match="no such setting"):
        detector(sigma=3)
    with pytest.raises(InvalidInput):
        detector(sigmas="many")
    with pytest.raises(InvalidInput, match="not understood"):
        detector().load(b"what")
    assert isinstance(make("device_burst", Context(Unnamed())), BurstDetector)


def test_cleared_bgp_sessions_of_a_real_fabric_are_seen_and_nothing_else() -> None:
    if not (_public.DATA / "cisco-telemetry").is_dir():
        pytest.skip(f"no public data at {_public.DATA / 'cisco-telemetry'} (set WEFT_TEST_DATA)")
    nodes, cleared = _public.cisco()
    bursts: list[tuple[str, float]] = []
    for node in nodes:
        grown = np.diff(node.values, axis=0, prepend=node.values[:1])
        counters = (grown.min(axis=0) >= 0) & (grown.max(axis=0) > 0)
        values = np.where(counters, grown, node.values).T
        keys = [SeriesKey(Entity(kind="device", id=node.name), {"metric": name}) for name in node.names]
        made = Frame(keys, 5 * np.arange(len(node.times_s), dtype=np.int64), np.ascontiguousarray(values), 5)
        bursts += [(node.name, node.times_s[int(one.at_s) // 5]) for one in detector().feed(made)]
    for name, begin, _ in cleared:
        if sum(abs(begin - other) < 60 for _, other, _ in cleared) == 1:  # alone
            assert any(device == name and begin <= at <= begin + 30 for device, at in bursts), name
    for device, at in bursts:
        assert any(begin <= at <= end + 30 for _, begin, end in cleared), (device, at)
