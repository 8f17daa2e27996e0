"""The whole chain: datagrams over loopback, decoded, enriched and stored in the embedded engine.

    python -m bench.pipeline [--rates FLOWS_PER_S,…] [--seconds S] [--peer-rate FLOWS_PER_S] [--runs N] [--prefixes N]

*Sustained*: the rates are tried one after the other, each for S seconds; reported are the highest one without any loss
and its 99th percentile from datagram to queryable. *Side by side*: the same datagrams at the same rate go to Weft,
``nfcapd -y`` (nfdump) and ``nfacctd`` (pmacct, five-tuple and more, CSV) in turn; reported is CPU per flow stored, ours
and theirs, background merges included. NetFlow v9, 25 fields, 20 records per datagram.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench._send import sender
from bench._streams import PER_DATAGRAM, v9_stream

_ROOT = Path(__file__).parent.parent
_TICK = os.sysconf("SC_CLK_TCK")
_BUFFER = 64 << 20
_WARM_S = 3.0
_PEER_WARM = 1_000  # datagrams


@dataclass
class Run:
    """One run of one collector."""

    flows: int
    cpu: float
    lost: int
    detail: dict[str, Any]

    @property
    def micros(self) -> float:
        """CPU microseconds per flow stored."""
        return self.cpu / max(1, self.flows) * 1e6


def emit(case: str, value: float, unit: str, peer: str = "", peer_value: float | None = None, **more: Any) -> None:
    """One result line."""
    ratio = round(value / peer_value, 3) if peer_value else None
    line = {"bench": "pipeline", "case": case, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value}
    print(json.dumps(line | {"ratio": ratio} | more), flush=True)


def run_weft(stream: Path, rate: float, count: int, folder: Path, prefixes: Path | None) -> Run:
    """Weft with the embedded store."""
    command = [sys.executable, "-m", "bench._collect", str(folder), str(stream), *([str(prefixes)] if prefixes else [])]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = json.loads(process.stdout.readline())["port"]
        sender(stream, port, rate / PER_DATAGRAM, int(rate / PER_DATAGRAM * _WARM_S)).wait()
        result: dict[str, Any] = {}
        for line in ("begin", "end"):
            if line == "end":
                done = json.loads(sender(stream, port, rate / PER_DATAGRAM, count // PER_DATAGRAM).communicate()[0])
            process.stdin.write(line + "\n")
            process.stdin.flush()
            result = json.loads(process.stdout.readline())
        process.wait(120)
    finally:
        process.kill()
    result["sent_flows_per_s"] = round(done["records"] / done["seconds"])
    return Run(result["flows"], result["cpu"], done["records"] - result["flows"], result)


def run_nfcapd(stream: Path, rate: float, count: int, folder: Path) -> Run:
    """``nfcapd -y``: LZ4-compressed files."""
    port = free_port()
    command = ["nfcapd", "-y", "-b", "127.0.0.1", "-p", str(port), "-w", str(folder), "-t", "3600", "-B", str(_BUFFER)]
    cpu, _, drops = run_peer(command, port, stream, rate, count, signal.SIGTERM, 2.0)
    flows = 0
    for path in folder.glob("nfcapd.*"):
        shown = subprocess.run(["nfdump", "-r", str(path), "-I"], capture_output=True, text=True, check=False).stdout
        flows += sum(int(found) for found in re.findall(r"^Flows:\s+(\d+)", shown, re.MULTILINE))
    flows -= _PEER_WARM * PER_DATAGRAM  # sent before the measurement began
    return Run(flows, cpu, count - flows, {"kernel_drops": drops})


def run_nfacctd(stream: Path, rate: float, count: int, folder: Path) -> Run:
    """``nfacctd`` with the print plug-in. It aggregates, so flows are those sent less what the kernel dropped."""
    port = free_port()
    (folder / "nfacctd.conf").write_text(
        f"daemonize: false\nnfacctd_ip: 127.0.0.1\nnfacctd_port: {port}\nnfacctd_pipe_size: {_BUFFER}\nplugins: print\n"
        "aggregate: src_host,dst_host,src_port,dst_port,proto,in_iface,out_iface,tos,tcpflags,src_as,dst_as,src_mask,"
        "dst_mask,peer_src_ip\nnfacctd_as: netflow\nnfacctd_net: netflow\nplugin_buffer_size: 1024000\n"
        "plugin_pipe_size: 204800000\nprint_output: csv\nprint_refresh_time: 5\nprint_history: 1m\n"
        f"print_cache_entries: 399989\nprint_output_file: {folder}/out-%H%M.csv\nlogfile: {folder}/log\n"
    )
    command = ["nfacctd", "-f", str(folder / "nfacctd.conf")]
    cpu, sent, drops = run_peer(command, port, stream, rate, count, signal.SIGINT, 7.0)
    return Run(sent - drops * PER_DATAGRAM, cpu, drops * PER_DATAGRAM, {"kernel_drops": drops})


def run_peer(
    command: list[str], port: int, stream: Path, rate: float, count: int, stop: signal.Signals, quiet_s: float
) -> tuple[float, int, int]:
    """CPU seconds of a peer for the stream, flows sent, datagrams the kernel dropped."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while kernel_drops(port) is None:
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit(f"{command[0]} did not start")
            time.sleep(0.1)
        time.sleep(1)
        sender(stream, port, 2_000, _PEER_WARM).wait()
        time.sleep(1)
        before = tree_cpu(process.pid)
        done = json.loads(sender(stream, port, rate / PER_DATAGRAM, count // PER_DATAGRAM).communicate()[0])
        began, last = time.monotonic(), -1.0
        while time.monotonic() - began < 20:
            time.sleep(1)
            now = tree_cpu(process.pid)
            if now - last < 0.02 and time.monotonic() - began > quiet_s:
                break
            last = now
        used, drops = tree_cpu(process.pid) - before, kernel_drops(port) or 0
    finally:
        process.send_signal(stop)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
    return used, done["records"], drops


def tree_cpu(pid: int) -> float:
    """User and system seconds of a process and its children."""
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
            for task in Path(f"/proc/{one}/task").iterdir():
                todo += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return total / _TICK


def kernel_drops(port: int) -> int | None:
    """Drops of the socket bound to ``port``; None when nothing is."""
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1].split(":")[1], 16) == port:
                return int(fields[-1])
    return None


def free_port() -> int:
    """A UDP port nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def write_prefixes(path: Path, count: int) -> Path:
    """A prefix table over the addresses of the stream and ``count`` more /24s, with AS and site."""
    near = [f"10.0.{i}.0/24" for i in range(80)]
    far = [f"{20 + (i >> 16)}.{i >> 8 & 255}.{i & 255}.0/24" for i in range(count)]
    with open(path, "w", encoding="utf-8") as file:
        file.write("prefix,asn,site\n10.0.0.0/8,64512,core\n")
        file.writelines(f"{prefix},{64512 + i % 900},site{i % 40}\n" for i, prefix in enumerate(near + far))
    return path


def _weft_at(stream: Path, rate: float, seconds: float, prefixes: Path | None, folder: Path) -> Run:
    return run_weft(stream, rate, int(rate * seconds), folder, prefixes)


def sustained(stream: Path, rates: list[float], seconds: float, prefixes: Path | None) -> None:
    """Try rates; report the highest one without loss."""
    best: tuple[float, Run] | None = None
    for rate in rates:
        run = in_folder(partial(_weft_at, stream, rate, seconds, prefixes))
        emit(f"offered {rate:.0f} flows/s for {seconds:.0f} s", run.lost, "flows lost", detail=run.detail)
        if run.lost == 0:
            best = (run.detail["sent_flows_per_s"], run)
    if best is not None:
        emit("sustained without loss, embedded engine", best[0], "flows/s")
        emit("datagram to queryable, 99th percentile at that rate", best[1].detail["latency_p99_ms"], "ms")


def side_by_side(stream: Path, rate: float, seconds: float, runs: int, prefixes: Path | None) -> None:
    """Weft and its peers in turn on the same datagrams."""
    count = int(rate * seconds)
    collectors: dict[str, Callable[[Path], Run]] = {
        "weft": lambda folder: run_weft(stream, rate, count, folder, prefixes)
    }
    for name, peer in (("nfcapd -y", run_nfcapd), ("nfacctd", run_nfacctd)):
        if shutil.which(name.split()[0]):
            collectors[name] = lambda folder, peer=peer: peer(stream, rate, count, folder)  # type: ignore[misc]
        else:
            print(f"{name} is not installed: not compared", file=sys.stderr)
    results: dict[str, list[Run]] = {name: [] for name in collectors}
    for _ in range(runs):
        for name, collect in collectors.items():
            run = in_folder(collect)
            results[name].append(run)
            print(f"{name}: {run.micros:.3f} µs/flow, lost {run.lost}, {run.detail}", file=sys.stderr)
    ours = statistics.median(run.micros for run in results.pop("weft"))
    for name, theirs in results.items():
        peer_value = statistics.median(run.micros for run in theirs)
        emit(f"CPU per flow stored, v9, {rate:.0f} flows/s", round(ours, 3), "µs/flow", name, round(peer_value, 3))


def in_folder(collect: Callable[[Path], Run]) -> Run:
    """Run with an empty directory that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        return collect(Path(folder))


def main() -> None:
    """Print one JSON line per case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", default="400000,800000,1000000", help="flows/s to try; empty: skip")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--peer-rate", type=float, default=400_000, help="flows/s of the comparison; 0: skip")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--prefixes", type=int, default=100_000, help="prefixes in the reference table; 0: none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stream = v9_stream(Path(folder) / "v9.npz")
        prefixes = write_prefixes(Path(folder) / "prefixes.csv", options.prefixes) if options.prefixes else None
        rates = [float(rate) for rate in options.rates.split(",") if rate]
        if rates:
            sustained(stream, rates, options.seconds, prefixes)
        if options.peer_rate:
            side_by_side(stream, options.peer_rate, options.seconds, options.runs, prefixes)


if __name__ == "__main__":
    main()
