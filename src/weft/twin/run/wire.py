"""Telemetry of a scenario as it comes over the wire: captures, lines of logs, BMP streams, cloud logs, reports.

Device metrics have no bytes of their own here: what is polled depends on who asks. They are written as rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from weft.twin import organisation as org
from weft.twin.cluster.logs import TALKING
from weft.twin.routing import borders
from weft.twin.run.events import log_messages, route_octets
from weft.twin.run.files import write_capture
from weft.twin.run.jobs import Job, Stage
from weft.twin.run.measured import business_values, cloud_files, probe_runs
from weft.twin.run.telemetry import datagrams
from weft.twin.scenario import Part


def _flows(stage: Stage, job: Job) -> dict[str, int]:
    """``flows/DEVICE.pcap``."""
    exporter = org.EXPORTERS[job.number]
    path = _path(stage, "flows", f"{exporter.name}.pcap")
    return {"datagrams": write_capture(path, exporter.address, exporter.protocol, datagrams(stage, job))}


def _logs(stage: Stage, _: Job) -> dict[str, int]:
    """``logs/DEVICE.log``, a message a line, as it was sent."""
    names = [*(device.name for device in org.DEVICES), *(node.name for node in TALKING)]
    files = {name: _path(stage, "logs", f"{name}.log").open("wb") for name in names}
    count = 0
    for said, lines in log_messages(stage):
        for one, line in zip(said, lines, strict=True):
            files[one.device].write(line.rstrip(b"\n") + b"\n")
        count += len(said)
    for file in files.values():
        file.close()
    return {"messages": count}


def _routes(stage: Stage, job: Job) -> dict[str, int]:
    """``routes/DEVICE.bmp``, the stream of a border router from its first octet."""
    octets = 0
    with _path(stage, "routes", f"{borders()[job.number].name}.bmp").open("wb") as file:
        for _, piece in route_octets(stage, job):
            octets += file.write(piece)
    return {"bmp_octets": octets}


def _probes(stage: Stage, job: Job) -> dict[str, int]:
    """``probes/SITE.jsonl``: reports as agents post them, one a line."""
    count = 0
    with _path(stage, "probes", f"{job.name}.jsonl").open("w", encoding="utf-8") as file:
        for told_s, runs in probe_runs(stage, job):
            report = {
                "sent_ns": int(told_s * 1e9), "probes": [one.probe for one in runs],
                "hops": [hop for one in runs for hop in one.hops], "buffered": 0, "dropped": 0,
            }  # fmt: skip
            file.write(json.dumps(report, separators=(",", ":")) + "\n")
            count += len(runs)
    return {"runs": count}


def _business(stage: Stage, _: Job) -> dict[str, int]:
    """``business/SOURCE.jsonl``: values as they would be pushed, one a line."""
    count = 0
    files = {}
    for source, _told_s, values in business_values(stage):
        if source not in files:
            files[source] = _path(stage, "business", f"{source}.jsonl").open("w", encoding="utf-8")
        for one in values:
            row = {"series": one.series, "time": one.time_ns / 1e9, "value": one.value, "unit": one.unit,
                   "labels": one.labels}  # fmt: skip
            files[source].write(json.dumps(row, separators=(",", ":")) + "\n")
        count += len(values)
    for file in files.values():
        file.close()
    return {"values": count}


def _cloud(stage: Stage, _: Job) -> dict[str, int]:
    """``cloud/…``, as the providers lay out their buckets."""
    count = 0
    for place, _done_s, content in cloud_files(stage):
        _path(stage, "cloud", place).write_bytes(content)
        count += 1
    return {"cloud_files": count}


def _path(stage: Stage, *parts: str) -> Path:
    path = stage.folder.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


WRITERS: Mapping[Part, Callable[[Stage, Job], dict[str, int]]] = {
    "flows": _flows, "logs": _logs, "routes": _routes, "probes": _probes, "business": _business, "cloud": _cloud,
}  # fmt: skip
