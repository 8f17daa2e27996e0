"""How long two neighbours' full tables take by BMP, and how much memory the whole process then has.

    ./dev bench bmp [--routes N] [--packed]

``weft up`` runs on a directory of its own; a router connects and tells two tables of N routes each, one route per
message (as FRR does) or, ``--packed``, all routes of a path in one. Reported: seconds from the first octet until every
route stands in memory and is stored (bar: 60), the highest resident memory of the process (bar: 1500 MB), and how long
it takes until all of them are gone when the router leaves.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from pathlib import Path

import httpx2
from bench._bmp import send, write
from bench._measure import emit
from bench.together import free_ports, start

_PEERS = 2
_BAR_S, _BAR_MB = 60, 1500
_LIMIT_S = 240


def reading(client: httpx2.Client, name: str, label: str = "") -> float:
    """Sum of a metric over its labels, or of those with ``label``."""
    text = client.get("/metrics").raise_for_status().text
    found = re.findall(rf"^{name}({{[^}}]*}})? (\S+)$", text, re.MULTILINE)
    return sum(float(value) for labels, value in found if label in labels)


def stored(client: httpx2.Client) -> float:
    """Rows of routes in the store."""
    return reading(client, "weft_intake_rows_total", 'table="routes"')


def memory_mb(pid: int) -> float:
    """Highest resident memory of a process so far."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) / 1024


def until(condition: object, what: str) -> None:
    """Wait for it."""
    assert callable(condition)
    deadline = time.monotonic() + _LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {_LIMIT_S} s: {what}")
        time.sleep(0.2)


def main() -> None:
    """Print three JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--routes", type=int, default=1_000_000)
    parser.add_argument("--packed", action="store_true")
    options = parser.parse_args()
    web, telemetry, bmp = free_ports(3)
    wanted = _PEERS * options.routes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        octets = write(folder / "stream", _PEERS, options.routes, single=not options.packed)
        case = f"{_PEERS} x {options.routes:,} routes, {'packed' if options.packed else 'one per message'}"
        sender = None
        process = start(folder / "data", web, telemetry, WEFT_ROUTING__BMP__LISTENERS=f"[{{port: {bmp}}}]")
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{web}", timeout=60) as client:
                idle = memory_mb(process.pid)
                began = time.monotonic()
                sender = send(folder / "stream", bmp)
                until(lambda: reading(client, "weft_routing_routes") >= wanted, "routes in memory")
                loaded = time.monotonic() - began
                until(lambda: stored(client) >= wanted + _PEERS, "rows in the store")
                seconds = time.monotonic() - began
                emit("bmp", f"{case}: loaded and stored", seconds, "s", bar=_BAR_S, in_memory_s=loaded, mb=octets / 1e6)
                peak = memory_mb(process.pid)
                emit("bmp", f"{case}: memory", peak, "MB", bar=_BAR_MB, idle_mb=idle)
                began = time.monotonic()
                sender.kill()
                sender.wait()
                until(lambda: reading(client, "weft_routing_routes") == 0, "routes gone")
                emit("bmp", f"{case}: gone", time.monotonic() - began, "s", bar=_BAR_S)
        finally:
            if sender is not None:
                sender.kill()
            process.terminate()
            process.wait(120)


if __name__ == "__main__":
    main()
