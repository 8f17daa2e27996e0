"""Replays: what a detector is fed, when, and what becomes of what it finds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.detect.histories import BUILT_IN, CONTEXT, SINCE, Broken, Levels, NoNames, NoRows, Steps, Words, write_run

from weft.detect import registry
from weft.detect.backtest import History, backtest, report
from weft.detect.detector import Finding, SeriesDetector, Watch
from weft.detect.frame import Frame
from weft.detect.names import InventoryNames, facts
from weft.detect.replay import Replay, Span, sample_s
from weft.detect.runfolder import NS, RunFolder, Stretch, arrivals, series_of
from weft.detect.runnames import RunInventory
from weft.detect.runstore import opened
from weft.errors import InvalidInput
from weft.model.addresses import packed
from weft.model.logs import LOGS
from weft.model.rows import batch_of


def test_rows_of_all_senders_come_in_order_and_each_once(tmp_path: Path) -> None:
    run = RunFolder(write_run(tmp_path / "run"))
    assert (run.since_s, run.until_s, run.seed) == (SINCE, SINCE + 3600, 3)
    times = []
    for end, table, rows in run.rows(["metrics"], SINCE + 120, SINCE + 3000):
        assert table == "metrics"
        at = (arrivals(table, rows) / 1e9).tolist()
        assert max(at) < end
        times += at
    assert times == sorted(times)
    assert times == [SINCE + minute * 60 for minute in range(2, 50) for _ in range(2)]
    assert series_of(run, ["metrics", "logs", "flows"], SINCE, SINCE + 3600) == {"metrics": 2, "logs": 1, "flows": 0}


def test_what_ended_before_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last day of a month does not bring the month into memory."""
    run, read = RunFolder(write_run(tmp_path / "run")), list[int]()
    real = pq.ParquetFile.iter_batches

    def counting(file: pq.ParquetFile, size: int, *, row_groups: list[int], **named: Any) -> Any:
        read.extend(row_groups)
        return real(file, size, row_groups=row_groups, **named)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counting)
    times = [
        at / NS for *_, rows in run.rows(["metrics"], SINCE + 2900, SINCE + 3600) for at in arrivals("metrics", rows)
    ]
    assert times == [SINCE + minute * 60 for minute in range(49, 60) for _ in range(2)]
    assert sorted(read) == [
        0,
        3,
    ]  # of four row groups of 16 minutes, in a file that runs backwards and one that does not


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no run"):
        RunFolder(tmp_path)
    (tmp_path / "scenario.json").write_text(
        json.dumps(
            {"scenario": {"name": "x", "seed": 1, "since": "2026-03-05T00:00:00Z", "hours": 1}, "format": "wire"}
        ),
        encoding="utf-8",
    )
    with pytest.raises(InvalidInput, match="as wire"):
        RunFolder(tmp_path)


def test_detectors_are_told_every_second_and_see_nothing_early(tmp_path: Path) -> None:
    run = RunFolder(write_run(tmp_path / "run"))
    words = Words(CONTEXT)
    done = Replay({"words": words}, run, None).run(Span(SINCE, SINCE + 900.0, SINCE + 3600.0))
    assert words.ticks == [SINCE + second for second in range(1, 3601)]
    assert [at for table, at in words.seen if table == "logs"] == [SINCE + 1010.5, SINCE + 1020.5]
    assert len(words.seen) == 122
    (event,) = done.events
    assert (event.detected_s, event.raised_s, event.count) == (SINCE + 1010.5, SINCE + 1011.0, 2)
    assert event.ended_s == SINCE + 1020.5
    assert done.rows == {"metrics": 120, "logs": 2}


def test_what_is_found_while_learning_is_not_told(tmp_path: Path) -> None:
    run = RunFolder(write_run(tmp_path / "run"))
    done = Replay({"words": Words(CONTEXT)}, run, None).run(Span(SINCE, SINCE + 1015.0, SINCE + 3600.0))
    assert [event.detected_s for event in done.events] == [SINCE + 1020.5]


def test_a_detector_that_fails_does_not_stop_others(tmp_path: Path) -> None:
    run = RunFolder(write_run(tmp_path / "run"))
    detectors = {"broken": Broken(CONTEXT), "words": Words(CONTEXT)}
    done = Replay(detectors, run, None).run(Span(SINCE, SINCE + 60.0, SINCE + 3600.0))
    assert done.failed == {"broken": "RuntimeError: no"}
    assert [event.detector for event in done.events] == ["words"]


def test_series_are_learned_then_fed_bucket_by_bucket_as_late_as_live() -> None:
    levels, steps = Levels(CONTEXT), Steps()
    done = Replay({"levels": levels}, NoRows(), steps).run(Span(SINCE, SINCE + 900.0, SINCE + 3600.0))
    assert levels.learned == list(range(SINCE + 300, SINCE + 900, 60)), "ten minutes are what it wants"
    assert levels.fed == list(range(SINCE + 900, SINCE + 3540, 60)), "the last bucket's late rows are not in yet"
    (event,) = done.events
    assert (event.detected_s, event.raised_s) == (SINCE + 1200, SINCE + 1290)
    assert done.series == {"levels": 1}
    assert sample_s(levels) == 60.0
    assert sample_s(Words(CONTEXT)) == 60.0


def test_a_replay_of_series_alone_says_how_far_it_is_and_can_be_stopped() -> None:
    told: list[float] = []
    span = Span(SINCE, SINCE + 900.0, SINCE + 3000.0)
    Replay({"levels": Levels(CONTEXT)}, NoRows(), Steps()).run(span, told.append)
    assert told == [SINCE + 1800.0, SINCE + 2700.0, SINCE + 3000.0]


class Late:
    """A day without anything, then a line."""

    def rows(self, tables: Sequence[str], since_s: float, until_s: float) -> Iterator[Stretch]:
        del tables, since_s
        at = round((SINCE + 86_400.5) * NS)
        yield until_s, "logs", batch_of(LOGS, 1, time=at, time_received=at, host="r1", message="hot")


def test_a_long_time_without_rows_is_gone_through_in_short_stretches() -> None:
    words, told = Words(CONTEXT), list[float]()
    done = Replay({"words": words}, Late(), None).run(Span(SINCE, SINCE + 60.0, SINCE + 86_700.0), told.append)
    assert max(np.diff([SINCE, *told])) <= 900.0
    assert len(words.ticks) < 12_000  # every ten seconds where nothing comes, every one where something does
    (event,) = done.events
    assert event.raised_s == SINCE + 86_401.0


def test_the_same_history_gives_the_same_events(tmp_path: Path) -> None:
    run = RunFolder(write_run(tmp_path / "run"))
    span = Span(SINCE, SINCE + 60.0, SINCE + 3600.0)
    first, second = (
        Replay({"words": Words(CONTEXT), "levels": Levels(CONTEXT)}, run, Steps()).run(span).events for _ in range(2)
    )
    assert first == second
    assert len(first) == 2


def test_a_backtest_says_what_it_cannot_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "BUILT_IN", dict(BUILT_IN))
    history = History(RunFolder(write_run(tmp_path / "run")), NoNames())
    span = Span(SINCE, SINCE + 60.0, SINCE + 3600.0)
    assert isinstance(registry.make("levels", CONTEXT), SeriesDetector)
    with pytest.raises(InvalidInput, match="levels watch series"):
        backtest(["levels"], history, span)
    with pytest.raises(InvalidInput, match="no such detector"):
        backtest(["nobody"], history, span)
    with pytest.raises(InvalidInput, match="empty"):
        backtest(["words"], history, Span(SINCE, SINCE + 60.0, SINCE + 60.0))
    told = report(backtest(["words"], history, span), whole=True)
    (kind,) = told["kinds"]
    assert (kind["kind"], kind["events"], kind["days"]) == ("cpu_high", 1, {"2026-03-05": 1})
    assert kind["examples"][0]["entity"] == "device:r1"
    assert len(told["list"]) == told["events"] == 1


def test_names_and_facts_of_a_run_are_those_of_its_inventory(tmp_path: Path) -> None:
    (tmp_path / "inventory.yaml").write_text(
        "devices:\n- name: r1\n  addresses: [192.0.2.1]\n  site: chi\n  interfaces:\n"
        "  - {name: et-0/0/0, if_index: 7, speed: 10000000000, provider: Lumen, lag: ae0}\n"
        "- name: r2\n  addresses: [192.0.2.2]\n  interfaces:\n  - {name: et-1/0/0, if_index: 3}\n"
        "links:\n- {a: r1 et-0/0/0, b: r2 et-1/0/0}\nproviders:\n- {name: Lumen, asn: 3356}\n",
        encoding="utf-8",
    )
    (tmp_path / "prefixes.csv").write_text(
        "prefix,site,customer\n10.0.0.0/8,,\n10.1.0.0/16,nyc,\n10.1.2.0/24,chi,\n203.0.113.0/29,,Globex\n",
        encoding="utf-8",
    )
    inventory = RunInventory(tmp_path)
    names, known = InventoryNames(inventory), facts(inventory)
    assert names.device(packed("192.0.2.1")) == "r1"
    assert names.device(packed("192.0.2.9")) == "192.0.2.9"
    assert names.interface(packed("192.0.2.1"), 7) == "et-0/0/0"
    assert names.interface(packed("192.0.2.1"), 8) == "if8"
    assert (names.site("r1"), names.site("r2")) == ("chi", "")
    assert [names.site_of_address(packed(one)) for one in ("10.1.2.3", "10.1.3.3", "10.9.9.9")] == ["chi", "nyc", ""]
    assert {str(one) for one in names.networks()} == {"10.1.0.0/16", "10.1.2.0/24", "203.0.113.0/29"}
    assert known["neighbour"]("r2", "et-1/0/0") == ("r1", "et-0/0/0")
    assert known["neighbour"]("r2", "et-9/0/0") is None
    (line,) = known["lines"]()
    assert {line.a.speed_bps, line.b.speed_bps} == {1e10, 0.0}
    assert known["interface"](packed("192.0.2.1"), 7)["peer"] == "r2 et-1/0/0"
    assert (known["aggregates"](), known["as_name"](3356)) == ({("r1", "et-0/0/0"): "ae0"}, "Lumen")
    assert not InventoryNames(RunInventory(tmp_path / "none")).networks()


class Rising(Levels):
    """Watches what the small run has, as the store tells it."""

    watch = Watch(
        "metrics", "avg", ("host",), "device", ("host",), filter="metric = cpu", step_s=60, history_s=600, lateness_s=30
    )

    def feed(self, frame: Frame) -> list[Finding]:
        self.learned += [len(frame.keys)]
        return super().feed(frame)


def test_series_of_a_run_are_asked_of_a_store_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "BUILT_IN", {"rising": "tests.detect.test_replay:Rising"})
    run = RunFolder(write_run(tmp_path / "run"))
    with opened(run, ["rising"]) as history:
        assert history.frames is not None
        frame = history.frames.frame(Rising.watch, "", SINCE + 120, SINCE + 420)
        assert sorted(key.entity.text for key in frame.keys) == ["device:r1", "device:r2"]
        assert frame.values.tolist() == [[7.0] * 5] * 2
        done = backtest(["rising"], history, Span(SINCE, SINCE + 900.0, SINCE + 3600.0))
    assert (done.series, done.failed, done.events) == ({"rising": 2}, {}, [])
