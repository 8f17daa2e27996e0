"""The collector on the embedded engine, in processes of its own: the engine takes one data directory per process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .wire import v5_stream

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent


class Process:
    """The collector process and what it says."""

    def __init__(self, data_dir: Path, batch_ms: int = 200) -> None:
        self.child = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("process.py")), str(data_dir), str(batch_ms)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        )  # fmt: skip
        self.found, self.found_bytes = (int(number) for number in self.line("found").split()[1:])
        self.port = int(self.line("port").split()[1])

    def line(self, start: str) -> str:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            if line.startswith(start):
                return line
        raise AssertionError(f"the process ended before it said {start!r}")

    def send(self, datagrams: list[bytes], pause_s: float = 0.0) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for datagram in datagrams:
                sender.sendto(datagram, ("127.0.0.1", self.port))
                if pause_s:
                    time.sleep(pause_s)

    def kill(self) -> int:
        """Kill it as ``kill -9`` would; returns how many flows it had said were stored."""
        self.child.send_signal(signal.SIGKILL)
        assert self.child.stdout is not None
        rest = [line for line in self.child.stdout.read().splitlines() if line.startswith("stored")]
        self.child.wait(10)
        self.close()
        return int(rest[-1].split()[1]) if rest else 0

    def end(self) -> None:
        assert self.child.stdin is not None
        self.child.stdin.close()
        assert self.child.wait(60) == 0
        self.close()

    def close(self) -> None:
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe is not None:
                pipe.close()


def test_everything_received_is_stored_and_found_after_a_restart(tmp_path: Path) -> None:
    one = Process(tmp_path)
    assert one.found == 0
    one.send(v5_stream(9000))
    one.end()
    again = Process(tmp_path)
    assert (again.found, again.found_bytes) == (9000, sum(range(9000)))
    again.end()


def test_kill_9_loses_at_most_the_unflushed_batch_and_corrupts_nothing(tmp_path: Path) -> None:
    total = total_bytes = 0
    for round_ in range(2):
        one = Process(tmp_path, batch_ms=100)
        assert one.found == total
        stream = v5_stream(60_000, first=0)
        one.send(stream, pause_s=0.0005)
        acknowledged = one.kill()
        again = Process(tmp_path)
        gained, gained_bytes = again.found - total, again.found_bytes - total_bytes
        again.end()
        assert 0 < acknowledged <= gained <= 60_000
        # Batches are stored in the order of arrival and whole: what is there is exactly the first `gained` records.
        assert gained_bytes == sum(range(gained)), f"round {round_}: a batch was torn or stored twice"
        total, total_bytes = again.found, again.found_bytes
