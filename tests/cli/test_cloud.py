"""Flow logs on the command line: decoded, imported, imported again."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
from click.testing import CliRunner
from tests.collect.cloud import logs

from weft.cli import weft


def test_decode_prints_rows_as_lines_and_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "a.log.gz"
    path.write_bytes(gzip.compress(logs.many(3)))
    done = CliRunner().invoke(weft, ["decode", str(path), "--json", "--limit", "2"])
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["bytes"] for row in rows] == [1, 2]
    assert rows[0]["provider"] == "aws"
    assert json.loads(done.stderr) == {"files": 1, "records": 2, "formats": {"aws": 1}, "errors": {}}
    packed = tmp_path / "a.log.zst"
    packed.write_bytes(pa.compress(logs.many(3), "zstd", asbytes=True))
    done = CliRunner().invoke(weft, ["decode", str(packed), "--json"])
    assert len(done.stdout.splitlines()) == 3, done.output
    done = CliRunner().invoke(weft, ["decode", str(path)])
    assert "198.51.100.0:443" in done.stdout
    assert "records: 3" in done.stderr


def test_import_counts_a_file_once(tmp_path: Path) -> None:
    logs.NOW_S = int(time.time()) - 60
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_bytes(logs.many(40))
    (folder / "b.log").write_bytes(logs.many(40))
    (folder / "c.json").write_bytes(b'{"nothing": 1}')
    summaries = [_import(tmp_path / "data", folder) for _ in range(2)]
    assert summaries[0] | {"seconds": 0} == {
        "files": 2, "rows": 40, "duplicates": 1, "seconds": 0, "errors": {"bad_file": 1},
    }  # fmt: skip
    assert summaries[1] | {"seconds": 0} == {"files": 0, "rows": 0, "duplicates": 0, "seconds": 0, "errors": {}}


def _import(data: Path, folder: Path) -> dict[str, object]:
    """In a process of its own: an embedded store belongs to one."""
    command = [sys.executable, "-m", "weft", "import", "cloud", str(folder), "--json", "--data-dir", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_import_of_what_is_not_there() -> None:
    done = CliRunner().invoke(weft, ["import", "cloud", "/no/such/place"])
    assert done.exit_code != 0
    assert "no such file" in str(done.exception)
