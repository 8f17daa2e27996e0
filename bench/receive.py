"""How many datagrams one CPU-second receives: the product's listener against a plain ``recvfrom_into`` loop.

    python -m bench.receive [--seconds S] [--rate DATAGRAMS_PER_S] [--runs N]

The listener's figure includes telling senders apart, the fair-share accounting and the hand-over to the queue; the peer
does nothing with what it gets. Figures are medians of interleaved runs, user and system time of the receiving process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path

from bench._measure import cpu
from bench._send import sender
from bench._streams import plain_stream

from weft.collect.admission import Admission
from weft.collect.config import CollectConfig, ListenerConfig
from weft.collect.listener import Listener
from weft.collect.queue import DatagramQueue
from weft.collect.slab import SlabPool
from weft.collect.sockets import open_listener


def run_listener(stream: Path, rate: float, count: int) -> tuple[float, int, int]:
    """Datagrams per CPU-second, datagrams received, dropped by the kernel."""
    config = CollectConfig()
    queue, pool = DatagramQueue(), SlabPool(config.receive_rows)
    admission = Admission(queue_bytes=config.queue_bytes, max_senders=config.max_senders)
    listener = Listener(ListenerConfig(port=0), config, admission, queue, pool)
    listener.open()

    def consume() -> None:
        while not queue.closed:
            item = queue.get(1.0)
            if item is not None and item.admitted is not None:
                admission.release(item.admitted)
                if item.slab is not None:
                    pool.give(item.slab)

    listener.start()
    thread = threading.Thread(target=consume)
    thread.start()
    process = sender(stream, listener.port, rate, count)
    time.sleep(0.7)  # the sender's imports
    before = cpu()
    process.wait()
    time.sleep(0.3)
    used = cpu() - before
    status = listener.status()
    listener.stop()
    queue.close()
    thread.join()
    return status.datagrams / used, status.datagrams, status.kernel_drops or 0


def run_plain(stream: Path, rate: float, count: int) -> tuple[float, int, int]:
    """The same with one system call per datagram."""
    sock = open_listener(ListenerConfig(port=0), CollectConfig().receive_buffer)
    sock.settimeout(0.5)
    scratch = bytearray(65536)
    process = sender(stream, sock.getsockname()[1], rate, count)
    time.sleep(0.7)
    before, got = cpu(), 0
    while True:
        try:
            sock.recvfrom_into(scratch)
        except TimeoutError:
            if process.poll() is not None:
                break
        else:
            got += 1
    used = cpu() - before
    sock.close()
    return got / used, got, 0


def main() -> None:
    """Print one JSON line per case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rate", type=float, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    count = int(options.rate * options.seconds)
    with tempfile.TemporaryDirectory() as folder:
        stream = plain_stream(Path(folder) / "plain.npz")
        run_listener(stream, options.rate, 10_000)  # compiles
        ours, peers, lost = [], [], 0
        for _ in range(options.runs):
            rate, _, drops = run_listener(stream, options.rate, count)
            ours.append(rate)
            lost += drops
            peers.append(run_plain(stream, options.rate, count)[0])
    value, peer = statistics.median(ours), statistics.median(peers)
    case = f"1373 B, {options.rate:.0f}/s, {options.runs} runs, kernel drops {lost}"
    line = {
        "bench": "receive", "case": case, "value": round(value), "unit": "datagrams/CPU-s",
        "peer": "recvfrom_into loop", "peer_value": round(peer), "ratio": round(value / peer, 2),
    }  # fmt: skip
    print(json.dumps(line))


if __name__ == "__main__":
    main()
