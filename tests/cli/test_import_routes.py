"""``weft import routes``: MRT files into the store, in the order of their times."""

from __future__ import annotations

import bz2
import json
import time

from click.testing import CliRunner
from tests.collect.routing.test_mrt import PATH, PEERS, table, update

from weft.cli import weft


def run(tmp_path, *arguments: str):
    config = tmp_path / "weft.yaml"
    config.write_text(f"data_dir: {tmp_path / 'data'}\n")
    return CliRunner().invoke(weft, ["import", "routes", "--config", str(config), *arguments])


def test_files_are_stored_in_the_order_of_their_times(tmp_path):
    now = int(time.time()) - 3600
    first, second = tmp_path / "rib.bz2", tmp_path / "updates"
    first.write_bytes(bz2.compress(table(now, ("198.51.100.0/24", 0), ("203.0.113.0/24", 0))))
    second.write_bytes(
        update(now + 60, PEERS[0], "198.51.100.0/24", path=PATH) + update(now + 61, PEERS[0], "192.0.2.0/25", path=PATH)
        + update(now + 62, PEERS[0], withdrawn=("203.0.113.0/24",))
    )  # fmt: skip
    done = run(tmp_path, "--json", str(second), str(first))
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert (summary["rows"], summary["sent_again"], summary["standing"], summary["sessions"]) == (5, 1, 2, 1)
    assert summary["errors"] == {}


def test_old_files_are_told_of_and_can_be_moved(tmp_path):
    path = tmp_path / "updates"
    path.write_bytes(update(1_400_000_000, PEERS[0], "198.51.100.0/24", path=PATH))
    assert "--shift-to-now" in run(tmp_path, str(path)).stderr
    assert "2 rows stored" in run(tmp_path, "--shift-to-now", str(path)).stderr


def test_what_is_no_mrt_is_said(tmp_path):
    path = tmp_path / "file"
    path.write_text("hello, this is text")
    done = run(tmp_path, str(path))
    assert done.exit_code != 0
    assert "MRT" in done.output + str(done.exception)
