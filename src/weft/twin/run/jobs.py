"""What is written by whom: one job makes the telemetry of one sender, independently of all others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.model.tables import Table
from weft.twin import organisation as org
from weft.twin.config import DemoConfig
from weft.twin.routing import borders
from weft.twin.scenario import Part, Play, Scenario, play
from weft.twin.timeline import Timeline

#: Rows of one table on their way to a file.
Rows = Iterator[tuple[Table, pa.RecordBatch]]

REFERENCE = ("prefixes", "asns", "exporters", "interfaces", "sites", "services", "customers", "providers",
             "applications")  # fmt: skip
#: About how long a job of each part takes, relative to one another: the longest are begun first.
_COST: dict[Part, float] = {
    "probes": 9.0, "routes": 6.0, "logs": 5.0, "cloud": 4.0, "flows": 3.0, "metrics": 2.0, "business": 1.0,
    "cluster": 8.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """One sender's telemetry of one kind; ``number`` is its place among those of its part."""

    part: Part
    name: str
    number: int = 0

    @property
    def cost(self) -> float:
        """How long it takes, relative to others."""
        return _COST[self.part]


class Stage:
    """What jobs of one process share: the scenario played, settings, enrichment."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self.scenario, self.folder = scenario, folder
        self.since_s, self.until_s = scenario.since_s, scenario.until_s
        self.config = DemoConfig(
            records_per_s=scenario.records_per_s, seed=scenario.seed, backfill_hours=scenario.hours
        )

    @cached_property
    def play(self) -> Play:
        """The scenario's timeline."""
        return play(self.scenario)

    @property
    def timeline(self) -> Timeline:
        """Its faults and actions."""
        return self.play.timeline

    @cached_property
    def enricher(self) -> Enricher:
        """Enrichment from the reference tables of the folder, as a running Weft would do it."""
        tables = {kind: [self.folder / "reference" / f"{_FILES.get(kind, kind)}.csv"] for kind in REFERENCE}
        return Enricher(EnrichConfig.model_validate(tables))


_FILES = {"applications": "apps"}


def jobs(scenario: Scenario) -> list[Job]:
    """Every job of a scenario, the longest first."""
    names: dict[Part, list[str]] = {
        "flows": [device.name for device in org.EXPORTERS],
        "metrics": [device.name for device in org.DEVICES],
        "logs": ["all"],
        "routes": [device.name for device in borders()],
        "probes": [site.code for site in org.AGENT_SITES],
        "business": ["all"],
        "cloud": ["all"],
        "cluster": ["dai"],
    }
    found = [Job(part, name, number) for part in scenario.parts for number, name in enumerate(names[part])]
    return sorted(found, key=lambda job: (-job.cost, job.part, job.number))
