"""A process that is killed while it reads, on the real store: what it had stored is not stored again."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.collect.cloud import logs

ROOT = Path(__file__).parents[3]
_ROWS = 150_000  # three batches of the decoder


def read(data: Path, folder: Path, die_at: int) -> tuple[int, str]:
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    program = [sys.executable, str(Path(__file__).with_name("reading.py")), str(data), str(folder), str(die_at)]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout.strip() or done.stderr[-2000:]


@pytest.mark.slow
def test_killed_between_the_store_and_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "NOW_S", int(time.time()) - 60)
    data, folder = tmp_path / "data", tmp_path / "logs"
    data.mkdir()
    folder.mkdir()
    (folder / "a.log.gz").write_bytes(gzip.compress(logs.many(_ROWS), 1))
    for n in range(3):
        (folder / f"b{n}.log").write_bytes(logs.many(2, _ROWS + 2 * n))
    code, said = read(data, folder, 2)  # the first batch of the large file, or the small ones, are remembered
    assert code == -signal.SIGKILL, said
    code, said = read(data, folder, 0)
    assert code == 0, said
    rows = _ROWS + 6
    assert said == f"{rows} {rows * (rows + 1) // 2} {rows}"
