"""Runs a scenario: shares its jobs out among processes, then writes what is true of it beside what they made."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from weft import __version__
from weft.errors import InvalidInput
from weft.logs import configure_logging
from weft.model.business import BUSINESS
from weft.model.changes import CHANGES
from weft.model.cloud import CLOUD_FLOWS
from weft.model.dictionaries import APPLICATIONS, ASNS, NETWORKS
from weft.model.flows import FLOWS
from weft.model.logs import LOGS
from weft.model.metrics import METRICS
from weft.model.probes import HOPS, PROBES
from weft.model.routes import ROUTES
from weft.twin.faults.catalogue import KINDS
from weft.twin.inventory import write_inventory
from weft.twin.reference import write_reference_tables
from weft.twin.routing import write_payloads
from weft.twin.run import wire
from weft.twin.run.cluster import cluster_rows
from weft.twin.run.events import log_rows, route_rows
from weft.twin.run.files import TableFiles
from weft.twin.run.jobs import Job, Rows, Stage, jobs
from weft.twin.run.measured import business_rows, cloud_rows, probe_rows
from weft.twin.run.telemetry import flow_rows, metric_rows
from weft.twin.scenario import Part, Scenario
from weft.twin.truth import jsonl, standing_rows, summary, truth_rows

Format = Literal["parquet", "wire"]
MOST_PROCESSES = 16
_MARK = "scenario.json"  # a directory with this file holds a run, and may be written anew
_ROWS: dict[Part, Callable[[Stage, Job], Rows]] = {
    "flows": flow_rows, "metrics": metric_rows, "logs": log_rows, "routes": route_rows, "probes": probe_rows,
    "business": business_rows, "cloud": cloud_rows, "cluster": cluster_rows,
}  # fmt: skip
#: Everything that a run leaves in its directory, of either form.
_WRITTEN = frozenset({
    _MARK, "truth.jsonl", "truth-summary.json", "names", "reference", "cloud",
    *(table.name for table in (FLOWS, METRICS, LOGS, CHANGES, ROUTES, PROBES, HOPS, BUSINESS, CLOUD_FLOWS)),
})  # fmt: skip
#: What the ids in rows mean, as tables of their own.
_NAMES = (NETWORKS, APPLICATIONS, ASNS)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run made."""

    folder: Path
    scenario: Scenario
    rows: dict[str, int]  # by table, or datagrams, lines and octets by kind of wire file
    truth: dict[str, Any]
    wall_s: float
    octets: int

    def document(self) -> dict[str, Any]:
        """As JSON."""
        simulated_s = self.scenario.hours * 3600
        return {
            "scenario": self.scenario.name, "seed": self.scenario.seed, "out": str(self.folder),
            "since": _text(self.scenario.since_s), "until": _text(self.scenario.until_s), "rows": self.rows,
            "bytes": self.octets, "truth": self.truth, "wall_s": round(self.wall_s, 2),
            "times_real": round(simulated_s / max(self.wall_s, 1e-9), 1),
        }  # fmt: skip


def run(
    scenario: Scenario,
    folder: Path,
    *,
    form: Format = "parquet",
    processes: int = 2,
    progress: Callable[[Job], None] | None = None,
) -> Report:
    """Play a scenario into a folder. Raises ``InvalidInput`` where the folder holds something else.

    ``processes``: how many at a time; with 1 everything is done in this one.
    """
    began = time.monotonic()
    if not 1 <= processes <= MOST_PROCESSES:
        raise InvalidInput(f"must be between 1 and {MOST_PROCESSES}", where="processes")
    stage = Stage(scenario, folder)
    timeline = stage.timeline  # before anything is written: a scenario that asks for what is not there fails here
    _prepare(folder)
    _references(stage)
    counts: Counter[str] = Counter()
    for job, made in _done(scenario, folder, form, processes):
        counts.update(made)
        if progress is not None:
            progress(job)
    if form == "parquet":
        _names(stage)
    truth = list(truth_rows(timeline, KINDS, scenario.since_s, scenario.until_s))
    standing = standing_rows(scenario.parts, scenario.since_s, scenario.until_s)
    (folder / "truth.jsonl").write_text(jsonl([*truth, *standing]), encoding="utf-8")
    told = summary(truth)
    _json(folder / "truth-summary.json", told)
    rows = dict(sorted(counts.items()))
    about = {"weft": __version__, "format": form, "scenario": scenario.model_dump(mode="json"), "rows": rows}
    _json(folder / _MARK, about)
    octets = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Report(folder, scenario, rows, told, time.monotonic() - began, octets)


def _done(scenario: Scenario, folder: Path, form: Format, processes: int) -> Iterator[tuple[Job, dict[str, int]]]:
    """Every job with what it made, in the order of the list of jobs."""
    todo, text = jobs(scenario), scenario.model_dump_json()
    if processes == 1 or len(todo) < 2:
        for job in todo:
            yield job, work(text, folder, form, job)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(todo)), context, _begin) as pool:
        waiting = [(job, pool.submit(work, text, folder, form, job)) for job in todo]
        for job, future in waiting:
            yield job, future.result()


def _begin() -> None:
    """A process of several: it says nothing of routine, and Arrow's own threads would get in the way of the others."""
    configure_logging("warning")
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


@lru_cache(maxsize=1)
def _stage(scenario: str, folder: Path) -> Stage:
    return Stage(Scenario.model_validate_json(scenario), folder)


def work(scenario: str, folder: Path, form: Format, job: Job) -> dict[str, int]:
    """Do one job of a scenario (JSON); how many rows (or what else) it made of which kind."""
    stage = _stage(scenario, folder)
    if form == "wire" and job.part in wire.WRITERS:
        return wire.WRITERS[job.part](stage, job)
    with TableFiles(folder, job) as files:
        files.take(_ROWS[job.part](stage, job))
    return files.counts


def _prepare(folder: Path) -> None:
    """An empty directory; what an earlier run left in it goes, and nothing else ever does."""
    if folder.exists() and not folder.is_dir():
        raise InvalidInput("is not a directory", where=str(folder))
    held = sorted(folder.iterdir()) if folder.exists() else []
    strange = [path.name for path in held if path.name not in _WRITTEN]
    if strange or (held and not (folder / _MARK).is_file()):
        what = f"holds {strange[0]!r}, which is of no run of a scenario" if strange else "holds no run of a scenario"
        raise InvalidInput(what, where=str(folder), fix="Name another directory.")
    for path in held:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    _json(folder / _MARK, {})


def _references(stage: Stage) -> None:
    """What Acme's operators keep: names, prefixes, contracts, the inventory, validated payloads."""
    folder = stage.folder / "reference"
    write_reference_tables(folder)
    write_inventory(folder / "inventory.yaml")
    write_payloads(folder / "payloads.json")


def _names(stage: Stage) -> None:
    """What ids of networks, applications and AS numbers in the rows mean."""
    stage.enricher.tables()
    rows = stage.enricher.dictionary_rows()
    for dictionary in _NAMES:
        found = [{key: value for key, value in row.items() if key != "valid_from"} for row in rows[dictionary.name]]
        table = pa.Table.from_pylist(sorted(found, key=lambda row: [str(value) for value in row.values()]))
        path = stage.folder / "names" / f"{dictionary.name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)


def _json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def _text(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()
