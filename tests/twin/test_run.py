"""Scenarios played into files: tables as they would be stored, the same bytes for the same seed, the truth beside."""

from __future__ import annotations

import hashlib
import json

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from weft.decode.capture import CaptureFile
from weft.decode.flow.decoder import FlowDecoder
from weft.errors import InvalidInput
from weft.model.business import BUSINESS
from weft.model.cloud import CLOUD_FLOWS
from weft.model.flows import FLOWS
from weft.model.logs import LOGS
from weft.model.metrics import METRICS
from weft.model.probes import HOPS, PROBES
from weft.model.routes import ROUTES
from weft.twin import organisation as org
from weft.twin.run.runner import run
from weft.twin.scenario import Scenario, load

BRIEF = Scenario.model_validate({
    "name": "brief", "hours": 0.1, "records_per_s": 0.3, "since": "2026-03-03T14:00:00Z", "pace": 8,
    "parts": ["flows", "metrics", "logs", "business", "cloud"],
    "faults": [{"kind": "link_cut", "at": 60, "duration": 120, "place": "chi-border1--nyc-border1"}],
})  # fmt: skip


@pytest.fixture(scope="module")
def ci(tmp_path_factory):
    """The small scenario that comes along, as it is."""
    return run(load("ci"), tmp_path_factory.mktemp("ci") / "out", processes=1)


@pytest.fixture(scope="module")
def brief(tmp_path_factory):
    return run(BRIEF, tmp_path_factory.mktemp("brief") / "out", processes=1)


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def read(folder, table):
    return pq.ParquetDataset(sorted((folder / table.name).glob("*.parquet"))).read()


def test_every_table_is_written_as_it_would_be_stored(ci):
    for table in (FLOWS, METRICS, LOGS, ROUTES, PROBES, HOPS, BUSINESS, CLOUD_FLOWS):
        files = sorted((ci.folder / table.name).glob("*.parquet"))
        assert files, table.name
        rows = 0
        for path in files:
            found = pq.ParquetFile(path)
            assert found.schema_arrow.equals(table.schema), path
            rows += found.metadata.num_rows
        assert rows == ci.rows[table.name] > 0
        times = read(ci.folder, table).column(table.time.name).cast("int64").to_numpy() / 1e9
        # Sessions and flows may have begun a while before; nothing is told of the future.
        assert times.max() <= ci.scenario.until_s + 60
        assert times.min() >= ci.scenario.since_s - 7 * 3600


def test_flows_are_enriched_and_their_ids_have_names(ci):
    flows = read(ci.folder, FLOWS)
    networks = pq.read_table(ci.folder / "names" / "networks.parquet")
    sites = dict(zip(networks.column("id").to_pylist(), networks.column("site").to_pylist(), strict=True))
    met = {sites.get(number) for number in flows.column("dst_net").to_pylist()}
    assert {"chi", "fra"} <= met
    exporters = set(flows.column("exporter").to_pylist())
    assert len(exporters) > len(org.EXPORTERS) / 2


def test_the_truth_tells_of_every_fault(ci):
    rows = [json.loads(line) for line in (ci.folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    (cut,) = [row for row in rows if row["type"] == "fault"]
    assert (cut["kind"], cut["is_benign"], cut["group"]) == ("link_cut", False, "link")
    assert cut["start"] == ci.scenario.since_s + 120
    assert cut["symptoms"]
    assert cut["root_cause"]
    summary = json.loads((ci.folder / "truth-summary.json").read_text(encoding="utf-8"))
    assert (summary["faults"], summary["decoys"], summary["fault_s"]) == (1, 0, 240.0)
    assert ci.document()["truth"] == summary


def test_a_fault_shows_in_the_telemetry_of_the_same_run(brief):
    rows = [json.loads(line) for line in (brief.folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    cut = next(row for row in rows if row["kind"] == "link_cut" and row["triggered"])
    said = [text for text in read(brief.folder, LOGS).column("message").to_pylist() if "et-2/0/0" in text]
    assert any("ifOperStatus down" in text for text in said)
    metrics = pq.read_table(brief.folder / "metrics" / "chi-border1.parquet")
    port = metrics.filter((pc.field("metric") == "in_octets") & (pc.field("component") == "et-2/0/0"))
    during = [at.timestamp() for at in port.column("time").to_pylist()]
    grown = dict(zip(during, port.column("increase").to_pylist(), strict=True))
    assert min(grown[at] for at in during if cut["start"] + 60 <= at <= cut["end"]) == 0
    assert max(grown.values()) > 1e8


def test_the_same_seed_makes_the_same_bytes_by_however_many_processes(brief, tmp_path):
    again = run(BRIEF, tmp_path / "again", processes=2)
    first, second = digests(brief.folder), digests(again.folder)
    assert [name for name in sorted({*first, *second}) if first.get(name) != second.get(name)] == []
    other = run(
        BRIEF.model_copy(update={"seed": 8, "parts": ("business",)}), tmp_path / "other", processes=1
    )  # fmt: skip
    assert digests(other.folder)["business/all.parquet"] != digests(brief.folder)["business/all.parquet"]


def test_wire_files_are_what_the_decoders_read(brief, tmp_path):
    wired = run(BRIEF, tmp_path / "wire", form="wire", processes=1)
    decoder, records = FlowDecoder(), 0
    for path in sorted((wired.folder / "flows").glob("*.pcap")):
        for batch in CaptureFile(path, ()):
            records += decoder.decode(batch).flows.num_rows
    assert records == brief.rows["flows"]
    assert {stream.exporter for stream in decoder.streams()} == {one.address for one in org.EXPORTERS}
    lines = b"".join(path.read_bytes() for path in (wired.folder / "logs").glob("*.log")).count(b"\n")
    assert lines == wired.rows["messages"] == brief.rows["logs"]
    assert any((wired.folder / "cloud").rglob("*.log.gz"))


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    for mark in ("nothing.json", "scenario.json"):  # somebody else may call a file so, too
        (tmp_path / mark).write_text("{}", encoding="utf-8")
        with pytest.raises(InvalidInput, match="no run"):
            run(BRIEF, tmp_path)
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_a_folder_of_an_earlier_run_is_written_anew(tmp_path):
    small = BRIEF.model_copy(update={"parts": ("business",), "faults": ()})
    run(small, tmp_path / "out", processes=1)
    (tmp_path / "out" / "business" / "old.parquet").write_bytes(b"")
    run(small, tmp_path / "out", processes=1)
    assert not (tmp_path / "out" / "business" / "old.parquet").exists()
    with pytest.raises(InvalidInput, match="processes"):
        run(small, tmp_path / "out", processes=0)


def test_a_scenario_that_cannot_be_played_leaves_what_was_there(tmp_path):
    small = BRIEF.model_copy(update={"parts": ("business",), "faults": ()})
    run(small, tmp_path / "out", processes=1)
    before = digests(tmp_path / "out")
    wrong = Scenario.model_validate({"name": "x", "faults": [{"kind": "link_cut", "at": 0, "place": "mars"}]})
    with pytest.raises(InvalidInput):
        run(wrong, tmp_path / "out")
    assert digests(tmp_path / "out") == before
