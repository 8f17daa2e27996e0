"""``weft detect`` on a small run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tests.detect.histories import BUILT_IN, SINCE, write_run

from weft.cli.detect import detect_command
from weft.detect import registry
from weft.errors import InvalidInput
from weft.model.logs import LOGS
from weft.model.rows import batch_of
from weft.store.config import StoreConfig
from weft.store.open import open_store


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(registry, "BUILT_IN", {"words": BUILT_IN["words"], "broken": BUILT_IN["broken"]})
    return str(write_run(tmp_path / "run"))


def run(*arguments: str) -> str:
    result = CliRunner().invoke(detect_command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_detectors_are_listed_with_what_they_raise(folder: str) -> None:
    assert folder
    assert "A line." in run("list")
    assert [one["name"] for one in json.loads(run("list", "--json"))] == ["words", "broken"]


def test_a_backtest_tells_what_would_have_fired(folder: str) -> None:
    text = run("backtest", folder, "--detector", "words")
    assert "1 events" in text
    assert "It said so." in text
    told = json.loads(run("backtest", folder, "-d", "words", "--since", "2026-03-05T00:17:00Z", "--json"))
    assert (told["events"], told["since"]) == (1, "2026-03-05T00:17:00Z")
    assert told["kinds"][0]["examples"][0]["detected"] == "2026-03-05T00:17:00Z"


def test_a_score_says_what_was_right_and_who_gave_up(folder: str) -> None:
    result = CliRunner().invoke(detect_command, ("score", folder), catch_exceptions=False)
    assert "1 of 1 faults found, recall 1" in result.stdout
    assert "broken was given up" in result.stderr
    told = json.loads(run("score", folder, "--json", "--matches", "-d", "words"))
    assert (told["precision"], told["recall"], told["seed"], told["series"]) == (1.0, 1.0, 3, 3)
    (match,) = told["matches"]
    assert (match["verdict"], match["fault"], match["named"]) == ("true", "cpu-1", True)


def test_times_outside_of_the_run_are_refused(folder: str) -> None:
    with pytest.raises(InvalidInput, match="outside"):
        CliRunner().invoke(detect_command, ("backtest", folder, "--since", "2027-01-01"), catch_exceptions=False)


def test_what_the_store_holds_is_replayed_as_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "BUILT_IN", {"words": BUILT_IN["words"], "levels": BUILT_IN["levels"]})
    data, kept = tmp_path / "data", dict.fromkeys(("logs", "metrics"), 20_000)
    store = open_store(StoreConfig(data_dir=data / "store", retention_days=kept))
    store.start()
    at = SINCE * 10**9 + np.array([1010, 1020], np.int64) * 10**9
    store.insert(LOGS, batch_of(LOGS, 2, time=at, time_received=at, host="r1", message="hot"))
    store.stop()
    config = tmp_path / "weft.yaml"
    config.write_text(
        f"data_dir: {data}\nstore: {{data_dir: {data / 'store'}, retention_days: {json.dumps(kept)}}}\n",
        encoding="utf-8",
    )
    since, until = "2026-03-05T00:15:00Z", "2026-03-05T00:30:00Z"
    told = json.loads(run(
        "backtest", "-d", "words", "--since", since, "--until", until, "--learn", "10m", "--json",
        "--config", str(config),
    ))  # fmt: skip
    assert (told["events"], told["rows"], told["failed"]) == (1, {"logs": 2}, {})
    assert told["kinds"][0]["examples"][0]["started"] == "2026-03-05T00:16:50Z"
    assert told["learned_from"] == "2026-03-05T00:05:00Z"


def test_only_of_a_run_is_it_known_what_really_happened() -> None:
    assert CliRunner().invoke(detect_command, ("score",)).exit_code == 2


def test_the_oddest_moments_and_levels_of_an_answer(tmp_path: Path) -> None:
    values = (100 + 20 * np.sin(np.arange(400) / 8) + np.random.default_rng(1).normal(0, 1, 400)).tolist()
    values[200] = 400.0
    values[300:] = [one + 300 for one in values[300:]]
    values[10] = None
    series = [{"label": "chi", "values": values}, {"label": "new", "values": [1.0, None]},
              {"label": "Other", "values": values, "other": True}]  # fmt: skip
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps({"series": series, "grid": {"start": 0, "step": 60}, "unit": "bit/s"}))
    chi, new = json.loads(run("oddest", str(answer), "--json"))
    assert "1970-01-01T03:20:00Z" in {one["at"] for one in chi["oddest"]}
    assert [one["at"] for one in chi["changes"]] == ["1970-01-01T05:00:00Z"]
    assert chi["changes"][0]["after"] > 300 > chi["changes"][0]["before"]
    assert new == {"label": "new", "oddest": [], "changes": []}
    text = run("oddest", str(answer))
    assert "another level: " in text
    assert "nothing" in text
    for wrong in ("{}", "[1]", '{"series": [{"label": "x", "values": ["a"]}], "grid": {}, "unit": ""}'):
        answer.write_text(wrong)
        with pytest.raises(InvalidInput):
            run("oddest", str(answer))
