"""Does ingest starve questions, or the pages? The whole product in one process, asked while it takes in flows.

    ./dev bench together [--rate FLOWS_PER_S] [--seconds S]

``weft up`` runs on a directory of its own and is fed NetFlow v9 for S seconds so that there is something to ask about.
Then the same questions are asked over HTTP with the ingest stopped and with it running; reported are the medians and
their ratio (bar: 2), and how long a request that only needs the event loop takes meanwhile (bar: 100 ms at the 95th
percentile), as live updates do.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import numpy as np
from bench._send import sender
from bench._streams import PER_DATAGRAM, v9_stream

_ROOT = Path(__file__).parent.parent
_WINDOW = {"since": "now-15m", "until": "now"}
QUESTIONS = {
    "top 10 applications, series": {"by": ["app"], **_WINDOW},
    "top 10 source AS, series": {"by": ["src_as"], **_WINDOW},
    "top 10 interfaces, table": {"view": "table", "by": ["in_if"], **_WINDOW},
    "top 10 source addresses, raw rows": {"by": ["src_addr"], "since": "now-1m", "until": "now"},
}
_ROUNDS = 8


def free_ports(count: int) -> list[int]:
    """Ports nobody uses, telemetry and web alike."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start(folder: Path, web: int, telemetry: int, **more: str) -> subprocess.Popen[str]:
    """``weft up`` on ``folder``, with ``more`` in its environment, once it says that it is ready."""
    listeners = json.dumps([{"port": telemetry, "address": "127.0.0.1"}])
    environment = {**os.environ, "WEFT_PORT": str(web), "WEFT_DATA_DIR": str(folder),
                   "WEFT_COLLECT__LISTENERS": listeners, "WEFT_LOG__LEVEL": "warning", **more}  # fmt: skip
    command = [sys.executable, "-m", "weft", "up"]
    process = subprocess.Popen(command, env=environment, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Weft is ready"):
            return process
    raise SystemExit("weft did not start")


def log_in(client: httpx2.Client, folder: Path) -> None:
    """A session of the first administrator."""
    password = (folder / "initial-admin-password").read_text().strip()
    answer = client.post("/api/v1/auth/login", json={"username": "admin", "password": password}).raise_for_status()
    client.headers["X-Weft-CSRF"] = answer.json()["csrf"]


def ask(client: httpx2.Client) -> dict[str, float]:
    """Median milliseconds of each question."""
    times: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    for _ in range(_ROUNDS):
        for name, question in QUESTIONS.items():
            began = time.perf_counter()
            client.post("/api/v1/query", json=question).raise_for_status()
            times[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def while_pinging(url: str, work: Callable[[], dict[str, float]]) -> tuple[dict[str, float], float]:
    """Do ``work`` and, beside it, ask for the health every 50 ms: its result and the 95th percentile of those, ms."""
    stop, times = threading.Event(), []

    def ping() -> None:
        with httpx2.Client(base_url=url) as client:
            while not stop.wait(0.05):
                began = time.perf_counter()
                client.get("/api/v1/health").raise_for_status()
                times.append((time.perf_counter() - began) * 1000)

    thread = threading.Thread(target=ping)
    thread.start()
    try:
        result = work()
    finally:
        stop.set()
        thread.join()
    return result, float(np.quantile(times, 0.95))


def main() -> None:
    """Print one JSON line per question and one for the event loop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=200_000)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    web, telemetry = free_ports(2)
    url = f"http://127.0.0.1:{web}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stream = v9_stream(folder / "stream.npz")
        process = start(folder / "data", web, telemetry)

        def feed(seconds: float) -> subprocess.Popen[str]:
            rate = options.rate / PER_DATAGRAM
            return sender(stream, telemetry, rate, int(rate * seconds))

        try:
            with httpx2.Client(base_url=url, timeout=60) as client:
                log_in(client, folder / "data")
                feed(options.seconds).wait()
                time.sleep(15)  # batches are written and merges come to rest
                ask(client)
                idle, idle_ping = while_pinging(url, lambda: ask(client))
                feeding = feed(600)
                try:
                    time.sleep(5)
                    busy, busy_ping = while_pinging(url, lambda: ask(client))
                finally:
                    feeding.kill()
                    feeding.wait()
        finally:
            process.terminate()
            process.wait(60)
    for question, value in busy.items():
        emit(f"{question}, at {options.rate:.0f} flows/s", value, idle[question])
    emit(f"health, 95th percentile, at {options.rate:.0f} flows/s", busy_ping, idle_ping)


def emit(case: str, value: float, idle: float) -> None:
    """One result line; the peer is the product itself at rest."""
    line = {"bench": "together", "case": case, "value": round(value, 1), "unit": "ms", "peer": "idle",
            "peer_value": round(idle, 1), "ratio": round(value / idle, 2)}  # fmt: skip
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
