"""How fast the twin makes a day of Acme's telemetry, all kinds, and that the same seed makes the same bytes.

    python -m bench.twin [--scenario busy-day] [--hours 24] [--again]

Simulated time over the time that two processes took, and over the CPU time of all of them; with ``--again`` the run is
repeated in one process and compared byte by byte.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import tempfile
from pathlib import Path

from bench._measure import emit

from weft.logs import configure_logging
from weft.twin.run.runner import Report, run
from weft.twin.scenario import load

BAR = 100.0  # times real time, on two cores


def cpu_s() -> float:
    """CPU seconds of this process and of those that it waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def digest(report: Report) -> str:
    """Of every file of a run, by name."""
    whole = hashlib.sha256()
    for path in sorted(report.folder.rglob("*")):
        if path.is_file():
            whole.update(str(path.relative_to(report.folder)).encode() + path.read_bytes())
    return whole.hexdigest()


def measure(name: str, hours: float, *, again: bool) -> None:
    """One run of the first hours of a scenario."""
    scenario = load(name).model_copy(update={"hours": hours})
    case = f"{hours:g} h of {name}"
    with tempfile.TemporaryDirectory(prefix="weft-twin-") as folder:
        before = cpu_s()
        report = run(scenario, Path(folder) / "run", processes=2)
        used = cpu_s() - before
        emit(
            "twin", f"{case}, two processes", round(hours * 3600 / report.wall_s, 1), "times real time", bar=BAR,
            wall_s=round(report.wall_s, 1), cpu_s=round(used, 1), rows=sum(report.rows.values()),
            megabytes=round(report.octets / 1e6, 1), faults=report.truth["faults"], decoys=report.truth["decoys"],
            load=round(os.getloadavg()[0], 1),
        )  # fmt: skip
        emit("twin", f"{case}, by CPU on two cores", round(hours * 7200 / used, 1), "times real time", bar=BAR)
        if again:
            same = digest(report) == digest(run(scenario, Path(folder) / "again", processes=1))
            emit("twin", f"{case}, again in one process", float(same), "same bytes", bar=1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="busy-day")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--again", action="store_true")
    asked = parser.parse_args()
    configure_logging("warning")
    measure(asked.scenario, asked.hours, again=asked.again)


if __name__ == "__main__":
    main()
