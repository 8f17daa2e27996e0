"""Acme's clouds in the demo: flow logs that appear in a directory as a bucket's mirror would have them.

The hours before at the first start, then a file an interval; Azure's grows by the interval, as Azure's do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from weft.twin.cloud import AWS_ACCOUNTS
from weft.twin.cloud_faults import concerned, rules
from weft.twin.cloud_inventory import write_cloud_inventory
from weft.twin.cloud_logs import INTERVAL_S, aws_file, azure_records, gcp_file, oci_file
from weft.twin.config import DemoConfig
from weft.twin.player import Player
from weft.twin.timeline import Timeline

log = structlog.get_logger(__name__)

_KEPT_S = 3 * 86_400
_REGION = "us-east-1"


def cloud_settings(folder: Path) -> dict[str, Any]:
    """The section ``cloud`` of the demo's settings."""
    logs = [
        {"name": f"acme {provider}", "path": str(folder / "logs" / provider), "interval_seconds": 5,
         "settle_seconds": 1}
        for provider in ("aws", "azure", "gcp", "oci")
    ]  # fmt: skip
    return {
        "logs": logs,
        "inventory": [{"name": "acme clouds", "path": str(folder / "inventory"), "interval_seconds": 10}],
    }


def interval_files(timeline: Timeline, start_s: int) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """The files that buckets get for an interval, Azure's apart: where they are put, and what makes their content."""
    stamp = time.strftime("%Y%m%dT%H%MZ", time.gmtime(start_s))
    day = time.strftime("%Y/%m/%d", time.gmtime(start_s))
    for account in AWS_ACCOUNTS.values():
        place = f"aws/AWSLogs/{account}/vpcflowlogs/{_REGION}/{day}/{account}_vpcflowlogs_{_REGION}_{stamp}.log.gz"
        yield place, partial(aws_file, timeline, start_s, account)
    yield f"gcp/compute.googleapis.com/vpc_flows/{day}/{stamp}_S0.json", partial(gcp_file, timeline, start_s)
    yield f"oci/{day}/{stamp}.log.gz", partial(oci_file, timeline, start_s)


class DemoCloud(Player):
    """Writes the files. To be started before the reader is, so that names come first."""

    def __init__(self, config: DemoConfig, timeline: Timeline, folder: Path) -> None:
        """Inert until started."""
        super().__init__("demo-cloud")
        self._config, self._timeline, self._folder = config, timeline, folder
        self._rules: object = None  # of the security groups as last written

    def start(self) -> None:
        """Write the inventory, then begin with the logs."""
        self._write_inventory()
        (self._folder / "logs").mkdir(parents=True, exist_ok=True)
        super().start()

    def _run(self) -> None:
        now = time.time()
        slot = int(now - self._config.backfill_hours * 3600) // INTERVAL_S
        while True:
            while (slot + 1) * INTERVAL_S <= time.time():
                if self._stop.is_set():
                    return
                self._write(slot * INTERVAL_S)
                slot += 1
            self._write_inventory()
            self._forget()
            if self._stop.wait(min(10.0, max(0.5, (slot + 1) * INTERVAL_S - time.time()))):
                return

    def _write_inventory(self) -> None:
        """Write it anew when a rule was lost or put back."""
        faults = concerned(self._timeline.active(time.time()))
        if rules(faults) != self._rules:
            self._rules = rules(faults)
            write_cloud_inventory(self._folder / "inventory", faults)

    def _write(self, start_s: int) -> None:
        for place, make in interval_files(self._timeline, start_s):
            self._once(place, make)
        self._grow(start_s)

    def _once(self, place: str, make: Callable[[], bytes]) -> None:
        path = self._folder / "logs" / place
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".tmp")
        fresh.write_bytes(make())
        fresh.replace(path)

    def _grow(self, start_s: int) -> None:
        """Add an interval to the hour's file, unless it is in it: how many are is told by a mark beside it."""
        hour = time.strftime("y=%Y/m=%m/d=%d/h=%H/m=00", time.gmtime(start_s))
        path = self._folder / "logs" / "azure" / hour / "PT1H.json"
        mark = path.with_name(".until")
        if mark.exists() and int(mark.read_text(encoding="utf-8") or 0) >= start_s:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        records = [json.dumps(one, separators=(",", ":")) for one in azure_records(self._timeline, start_s)]
        held = path.read_text(encoding="utf-8")[:-2] + "," if path.exists() else '{"records":['
        fresh = path.with_name("PT1H.json.tmp")
        fresh.write_text(held + ",".join(records) + "]}", encoding="utf-8")
        fresh.replace(path)
        mark.write_text(str(start_s), encoding="utf-8")

    def _forget(self) -> None:
        """Remove files that nobody reads any more."""
        oldest = time.time() - _KEPT_S
        for path in (self._folder / "logs").rglob("*"):
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
