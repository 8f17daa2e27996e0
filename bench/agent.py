"""The synthetics agent: what 1 000 tests a minute cost, by kind and as a mix.

    python -m bench.agent [--tests 1000] [--every 60] [--seconds 30] [--only ping,mix]

The agent is ``weft agent`` in a process of its own, whose CPU (user and system) is read from /proc; a server, resolvers
and web servers run beside it. Traces go through a network of four branches behind a TUN device where that can be made
(root), each with 16 flows of five hops; else to loopback.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT / "tests"))  # its doubles: the server, the network

from certificates import authority, certificate  # type: ignore[import-not-found]  # noqa: E402
from doubles.synthetics_server import TOKEN, SyntheticsServer  # type: ignore[import-not-found]  # noqa: E402

_BAR = 10.0  # per cent of a core
_WARM_S = 8.0
#: Of 100 tests, how many of each kind are in the mix.
MIX = {"ping": 60, "tcp": 10, "dns": 10, "http": 8, "https": 4, "trace": 8}


def emit(case: str, value: float, unit: str, **more: Any) -> None:
    """One result line."""
    print(json.dumps({"bench": "agent", "case": case, "value": round(value, 3), "unit": unit, **more}), flush=True)


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"x" * 20_000
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


def web(tls: Path | None) -> int:
    """A web server; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def resolver() -> int:
    """A DNS server that knows one address; its port."""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            data, sender = one.recvfrom(2048)
            end = data.index(b"\0", 12) + 5
            head = data[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + data[12:end]
            one.sendto(head + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x0a", sender)

    threading.Thread(target=serve, daemon=True).start()
    port: int = one.getsockname()[1]
    return port


def listener() -> int:
    """A TCP port that takes connections and ends them."""
    one = socket.create_server(("", 0), backlog=512)

    def serve() -> None:
        while True:
            one.accept()[0].close()

    threading.Thread(target=serve, daemon=True).start()
    port: int = one.getsockname()[1]
    return port


@contextlib.contextmanager
def network() -> Iterator[str]:
    """The network behind a TUN device, in this namespace; gives the prefix of its targets, empty where it cannot be."""
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        yield ""
        return
    command = [sys.executable, str(_ROOT / "tests/doubles/tun_network.py")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    made = process.stdout.readline() == "ready\n"
    yield "198.51.100" if made else ""
    process.communicate("", timeout=10)


class Places:
    """Where tests are aimed at."""

    def __init__(self, directory: Path, targets: str) -> None:
        cert, key = certificate(authority(), "localhost", ["127.0.0.1"])
        pem = directory / "pem"
        pem.write_bytes(cert + key)
        self.http, self.https, self.tcp, self.dns = web(None), web(pem), listener(), resolver()
        self.targets = targets

    def test(self, kind: str, number: int, every_s: float) -> dict[str, Any]:
        """One test as the server tells it."""
        own: dict[str, Any] = {"targets": [f"127.0.{number // 250}.{number % 250 + 1}"]}
        if kind == "tcp":
            own["port"] = self.tcp
        elif kind == "dns":
            own = {"targets": ["www.example.com"], "resolvers": [f"127.0.0.1:{self.dns}"]}
        elif kind in ("http", "https"):
            own = {"targets": [f"{kind}://127.0.0.1:{getattr(self, kind)}/"], "verify_tls": False}
        elif kind == "trace" and self.targets:
            own = {"targets": [f"{self.targets}.{number % 150 + 100}"], "timeout_ms": 1000}
        shown = "http" if kind == "https" else kind
        return {"name": f"{kind} {number}", "kind": shown, "every_s": every_s, "limits": {"certificate_days": 0}, **own}


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """Peak resident memory, MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1000
    return 0.0


def measure(case: str, tests: list[dict[str, Any]], seconds: float) -> None:
    """Run an agent with these tests for a while."""
    server = SyntheticsServer()
    server.tests = tests
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
        environment |= {"WEFT_AGENT__TOKEN": TOKEN, "WEFT_LOG__LEVEL": "error", "PYTHONPATH": str(_ROOT / "src")}
        command = [
            sys.executable,
            "-m",
            "weft",
            "agent",
            "--server",
            server.url,
            "--name",
            "bench",
            "--data-dir",
            folder,
        ]
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            time.sleep(_WARM_S)
            before, runs_before, began = cpu_of(process.pid), len(server.probes), time.monotonic()
            time.sleep(seconds)
            used, wall = cpu_of(process.pid) - before, time.monotonic() - began
            probes = server.probes[runs_before:]
            memory = peak_mb(process.pid)
        finally:
            process.terminate()
            process.wait(20)
            server.stop()
    states: dict[str, int] = {}
    for row in probes:
        states[row["state"]] = states.get(row["state"], 0) + 1
    rtts = sorted(row["rtt_ms"] for row in probes if "rtt_ms" in row and row["kind"] == "ping")
    more = {"ping_rtt_p99_ms": rtts[int(len(rtts) * 0.99)]} if rtts else {}
    each = round(1000 * used / max(1, len(probes)), 2)
    emit(case, 100 * used / wall, "% of a core", bar=_BAR, runs=len(probes), runs_per_s=round(len(probes) / wall, 1),
         cpu_ms_per_run=each, peak_mb=round(memory), states=states, **more)  # fmt: skip


def main() -> None:
    """All cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=1000)
    parser.add_argument("--every", type=float, default=60)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    wanted = given.only.split(",") if given.only else [*MIX, "mix"]
    with network() as targets, tempfile.TemporaryDirectory() as folder:
        places = Places(Path(folder), targets)
        for case in wanted:
            kinds = [kind for kind, share in MIX.items() for _ in range(share)] if case == "mix" else [case]
            tests = [places.test(kinds[at % len(kinds)], at, given.every) for at in range(given.tests)]
            measure(f"{given.tests} tests of {case} every {given.every:g} s", tests, given.seconds)


if __name__ == "__main__":
    main()
