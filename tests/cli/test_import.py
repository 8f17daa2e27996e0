"""``weft import flows`` as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from collect.wire import pcap, v5_stream  # noqa: E402

pytestmark = pytest.mark.slow


def weft(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "weft", *map(str, arguments)], capture_output=True, text=True, timeout=170, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, check=False,
    )  # fmt: skip


def test_a_file_is_stored_and_counted_and_its_owner_respected(tmp_path: Path) -> None:
    capture, data = tmp_path / "flows.pcap", tmp_path / "data"
    capture.write_bytes(pcap(v5_stream(3000), time.time()))
    done = weft("import", "flows", capture, "--data-dir", data, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["flows"], summary["stored"], summary["datagrams"]) == (3000, 3000, 100)
    assert (summary["losses"], summary["errors"], summary["lost_rows"]) == ({}, {}, {})

    owner = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/collect/process.py"), str(data)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    with owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        found = next(line for line in owner.stdout if line.startswith("found"))
        assert found.split()[1:] == ["3000", str(sum(range(3000)))]
        refused = weft("import", "flows", capture, "--data-dir", data)
        assert refused.returncode == 1
        assert "process" in refused.stderr
        assert "Traceback" not in refused.stderr
        owner.stdin.close()
        owner.wait(60)


def test_old_captures_are_warned_about_and_can_be_shifted(tmp_path: Path) -> None:
    capture = tmp_path / "old.pcap"
    capture.write_bytes(pcap(v5_stream(90), 1_500_000_000))
    old = weft("import", "flows", capture, "--data-dir", tmp_path / "a")
    assert old.returncode == 0, old.stderr
    assert "3 datagrams are older than the store keeps flows" in old.stderr
    shifted = weft("import", "flows", capture, "--shift-to-now", "--data-dir", tmp_path / "a")
    assert "90 rows stored from 1 file: 90 flows" in shifted.stderr
    assert "older" not in shifted.stderr


def test_unusable_files_are_refused_before_anything_is_stored(tmp_path: Path) -> None:
    missing = weft("import", "flows", tmp_path / "none.pcap", "--data-dir", tmp_path / "data")
    assert missing.returncode == 2
    assert "none.pcap: cannot be read" in missing.stderr
    assert not (tmp_path / "data").exists()
