"""Versions on disk."""

import json
import os

import pytest

from weft.collect.configs.history import ConfigHistory
from weft.errors import InvalidInput


def texts(history, device="r1", count=3):
    for i in range(count):
        history.add(
            device, f"hostname {device}\nmtu {i}\n", at=1000.0 + i, source="ssh", author="ada", also=("10.0.0.1",)
        )


def test_versions_texts_and_differences(tmp_path):
    history = ConfigHistory(tmp_path / "configs")
    texts(history)
    versions = history.versions("r1")
    assert [(v.number, v.added, v.removed, v.author) for v in versions] == [
        (3, 1, 1, "ada"), (2, 1, 1, "ada"), (1, 0, 0, "ada")
    ]  # fmt: skip
    assert history.text("r1", 2) == "hostname r1\nmtu 1\n"
    change = history.compare("r1", 1, 3)
    assert "-mtu 0\n+mtu 2" in change.text
    assert "--- version 1\n+++ version 3" in change.text
    assert history.devices() == ["r1"]
    assert history.versions("10.0.0.1") == versions


def test_what_did_not_change_is_no_version(tmp_path):
    history = ConfigHistory(tmp_path)
    assert history.add("r1", "a\n", at=1, source="ssh") is not None
    assert history.add("r1", "a\n", at=2, source="ssh") is None
    assert history.add("r1", "b\n", at=3, source="ssh") is not None
    version, _ = history.add("r1", "a\n", at=4, source="ssh")  # back to what was
    assert version.number == 3


def test_unknown_devices_and_versions(tmp_path):
    history = ConfigHistory(tmp_path / "nothing")
    assert (history.versions("x"), history.devices()) == ([], [])
    with pytest.raises(InvalidInput, match="no version 1"):
        history.text("x", 1)


def test_another_process_reads_the_same(tmp_path):
    texts(ConfigHistory(tmp_path))
    assert ConfigHistory(tmp_path).text("r1", 3) == "hostname r1\nmtu 2\n"
    again = ConfigHistory(tmp_path)
    texts(again, count=5)
    assert again.versions("r1")[0].number > 3


def test_only_so_many_are_kept(tmp_path):
    history = ConfigHistory(tmp_path, keep=3)
    texts(history, count=10)
    assert [v.number for v in history.versions("r1")] == [10, 9, 8]
    assert history.text("r1", 8) == "hostname r1\nmtu 7\n"
    assert len(list(tmp_path.glob("*/*.z"))) == 3


def test_files_are_private_and_names_cannot_lead_elsewhere(tmp_path):
    history = ConfigHistory(tmp_path / "configs")
    for name in ("../../etc/passwd", "/abs", "..", ".", "a/b", "x" * 300, "ü\n", "CON"):
        history.add(name, "x\n", at=1, source="ssh")
        assert history.text(name, 1) == "x\n"
    written = list((tmp_path / "configs").rglob("*"))
    assert len(written) >= 3 * 8  # a folder, an index and a text of each
    assert not [path for path in written if path.stat().st_mode & 0o077]
    assert os.listdir(tmp_path) == ["configs"]
    assert len(history.devices()) == 8


def test_a_line_that_was_cut_off_is_passed_over(tmp_path):
    history = ConfigHistory(tmp_path)
    texts(history)
    (file,) = tmp_path.glob("*/versions.jsonl")
    file.write_bytes(file.read_bytes() + b'{"number": 4, "ti')
    assert [v.number for v in history.versions("r1")] == [3, 2, 1]
    assert json.loads(file.read_text().splitlines()[0])["number"] == 1
