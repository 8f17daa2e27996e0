"""A process that owns a data directory: alone, killed in the middle, forked."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from weft.errors import StoreUnavailable
from weft.store.config import StoreConfig
from weft.store.open import open_store

HERE = Path(__file__).parent


def _child(job, directory, *arguments, **options):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent), *sys.path])}
    command = [sys.executable, str(HERE / "crash_child.py"), job, str(directory), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, **options)


def _wait(process):
    """Until the child is ready; it may log before."""
    assert "ready\n" in iter(process.stdout.readline, "")


def _answer(job, directory, *arguments):
    with _child(job, directory, *arguments) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    return json.loads(out.splitlines()[-1])


def test_a_second_process_is_told_who_has_the_directory(tmp_path):
    with _child("hold", tmp_path, stdin=subprocess.PIPE) as owner:
        _wait(owner)
        store = open_store(StoreConfig(data_dir=tmp_path))
        with pytest.raises(StoreUnavailable, match=rf"in use by process {owner.pid}\. Stop that process"):
            store.start()
        store.stop()
        owner.communicate("\n", timeout=30)
    assert _answer("check", tmp_path)["flows"] == 0, "free again once its owner is gone"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kill_9_loses_at_most_the_batch_in_flight_and_rollups_stay_exact(tmp_path, seed):
    """The child reports each batch once it is stored; it is killed at a random moment, twice."""
    rng = random.Random(seed)
    stored, at_risk = 0, 0
    for life in range(2):
        with _child("insert", tmp_path, life * 1000) as process:
            _wait(process)
            time.sleep(rng.uniform(0.2, 1.2))
            process.kill()
            reported = [line for line in process.stdout.read().splitlines() if line.startswith("stored ")]
        stored += len(reported)
        at_risk += 1
    found = _answer("check", tmp_path)
    assert found["partial"] == 0, "a batch is whole or absent"
    assert stored <= found["batches"] <= stored + at_risk
    assert found["check"] == 1
    assert set(found["rollups"].values()) == {found["flows"]}


def test_a_batch_that_is_replayed_after_a_crash_is_counted_once(tmp_path):
    """The process dies after the raw insert and before the sums are written; then the batch comes again."""
    with _child("insert_and_die", tmp_path) as process:
        process.communicate(timeout=60)
    found = _answer("replay", tmp_path)
    assert found["flows"] == 2000
    assert set(found["rollups"].values()) == {2000}


def test_a_forked_process_is_refused_rather_than_hung(tmp_path):
    assert _answer("fork", tmp_path) == {"child": "a forked process cannot use the store"}


@pytest.mark.slow
def test_an_idle_store_takes_little_memory(tmp_path):
    found = _answer("idle", tmp_path)
    assert found["rss_mb"] < 450
