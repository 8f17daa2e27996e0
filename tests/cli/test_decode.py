"""``weft decode``, run as people run it."""

from __future__ import annotations

import json
import runpy
import struct
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from weft.cli import weft
from weft.decode.flow.records import RECORD_FIELDS
from weft.errors import InvalidInput

V5 = struct.pack(">HHIIIIBBH", 5, 2, 1000, 1_700_000_000, 0, 7, 0, 3, 0)
V5 += 2 * struct.pack(
    ">4s4s4sHHIIIIHHBBBBHHBBH", bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2)), bytes(4), 1, 2, 10, 5000, 500, 900, 1234,
    443,
    0, 0x12, 6, 0, 64500, 64501, 24, 16, 0,
)  # fmt: skip
TEMPLATE = struct.pack(">HHIIIHHHHHHHH", 10, 32, 1_700_000_000, 0, 1, 2, 16, 256, 2, 8, 4, 1, 4)
DATA = struct.pack(">HHIIIHH4sI", 10, 28, 1_700_000_000, 0, 1, 256, 12, bytes((10, 0, 0, 7)), 99)
COUNTERS = (
    struct.pack(">II4s4I", 5, 1, bytes((192, 0, 2, 9)), 0, 1, 2, 1)
    + struct.pack(">IIIII", 2, 12 + 8 + 28, 1, 7, 1)
    + struct.pack(">II3IQQ", 1001, 28, 1250, 500, 300, 1000, 400)
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(weft, ["decode", *map(str, arguments)])


def file(folder: Path, content: bytes, name: str = "one.dat") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_records_then_a_summary(tmp_path: Path) -> None:
    result = run(file(tmp_path, V5), "--json")
    assert result.exit_code == 0
    found = objects(result.stdout)
    assert len(found) == 2
    assert {
        key: found[0][key] for key in ("src_addr", "dst_port", "bytes", "next_hop", "time_received", "exporter")
    } == {
        "src_addr": "10.0.0.1",
        "dst_port": 443,
        "bytes": 5000,
        "next_hop": "0.0.0.0",
        "time_received": None,
        "exporter": None,
    }
    (summary,) = objects(result.stderr)
    assert (summary["records"], summary["datagrams"], summary["templates"]) == (2, 1, 0)
    assert summary["losses"] == {}
    assert summary["errors"] == {}
    assert summary["streams"][0]["flow_type"] == "netflow_v5"


def test_files_share_one_decoder_in_either_order(tmp_path: Path) -> None:
    template, data = file(tmp_path, TEMPLATE, "template"), file(tmp_path, DATA, "data")
    for files in ((template, data), (data, template)):
        result = run(*files, "--json")
        (found,) = objects(result.stdout)
        assert (found["src_addr"], found["bytes"]) == ("10.0.0.7", 99)
        (summary,) = objects(result.stderr)
        assert (summary["records"], summary["templates"], summary["held"]) == (1, 1, 0)


def test_data_without_a_template_is_said_to_wait(tmp_path: Path) -> None:
    result = run(file(tmp_path, DATA), "--json")
    assert result.stdout == ""
    assert objects(result.stderr)[0]["held"] == 1


def test_for_people(tmp_path: Path) -> None:
    result = run(file(tmp_path, V5))
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        "time",
        "exporter",
        "type",
        "proto",
        "source",
        "destination",
        "bytes",
        "packets",
        "1/rate",
        "in",
        "out",
    ]
    assert "10.0.0.1:1234" in lines[1]
    assert "records: 2" in result.stderr


def test_limit(tmp_path: Path) -> None:
    result = run(file(tmp_path, V5), file(tmp_path, V5, "two"), "--limit", 1, "--json")
    assert len(result.stdout.splitlines()) == 1
    assert run(file(tmp_path, V5), "--limit", 0, "--json").stdout == ""


def test_counters(tmp_path: Path) -> None:
    path = file(tmp_path, COUNTERS)
    found = objects(run(path, "--counters", "--json").stdout)
    assert found[0] == {
        "time_received": None,
        "exporter": "192.0.2.9",
        "metric": "cpu_5s_percent",
        "metric_type": "gauge",
        "if_index": 0,
        "labels": "",
        "value": 12.5,
    }
    assert "memory_free_bytes[0] = 400" in run(path, "--counters").stdout
    assert objects(run(path, "--json").stderr)[0]["counters"] == 5


def test_errors_by_reason(tmp_path: Path) -> None:
    result = run(file(tmp_path, V5[:-1]), "--json")
    assert result.exit_code == 0
    assert objects(result.stderr)[0]["errors"] == {"count_mismatch": 1}


def test_unreadable_files_are_bad_input(tmp_path: Path) -> None:
    for path in (tmp_path / "none", file(tmp_path, b"hello")):
        result = run(path, "--json")
        assert isinstance(result.exception, InvalidInput)
        assert str(path) in str(result.exception)


def test_a_bad_file_among_good_ones_keeps_what_was_printed(tmp_path: Path) -> None:
    result = run(file(tmp_path, V5), tmp_path / "none", "--json")
    assert isinstance(result.exception, InvalidInput)
    assert len(result.stdout.splitlines()) == 2
    assert objects(result.stderr)[0]["records"] == 2


@pytest.mark.parametrize("arguments", [(), ("--port", "0", "x"), ("--limit", "-1", "x")])
def test_bad_usage(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_the_page_is_up_to_date() -> None:
    """docs/decode.md names every field as it is declared (``python scripts/gen_decode_docs.py`` rewrites it)."""
    generator = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "gen_decode_docs.py"))
    page = generator["PAGE"].read_text()
    assert generator["filled"](page) == page
    assert all(f"| `{name}` |" in page for name in RECORD_FIELDS)
