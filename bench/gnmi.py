"""Updates of gNMI per CPU-second made into rows, by form and through a real connection; what idle targets cost.

    python -m bench.gnmi [--seconds 5] [--idle 200]

``decode`` cases start at the bytes of messages; their peer reads them with protobuf and looks each path up. ``receive``
cases go from a target's process through gRPC to the real intake with a store that throws away; the CPU is that of the
receiving process alone, held to one core.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
from bench._measure import cpu

from weft.collect.config import CollectConfig
from weft.collect.gnmi import GnmiConfig, GnmiSubscriber
from weft.collect.intake import Intake
from weft.collect.ports import NoFacts
from weft.decode.gnmi import walk
from weft.decode.gnmi.decoder import GnmiDecoder
from weft.decode.gnmi.mapping import PathMapping
from weft.decode.gnmi.paths import parse_path
from weft.decode.gnmi.proto import pb
from weft.model.tables import Table

_BAR = 50_000
_PORTS = 400
_COUNTERS = (
    "in-octets", "out-octets", "in-unicast-pkts", "out-unicast-pkts", "in-multicast-pkts", "out-multicast-pkts",
    "in-broadcast-pkts", "out-broadcast-pkts", "in-errors", "out-errors", "in-discards", "out-discards",
    "in-fcs-errors", "in-unknown-protos", "in-pkts", "out-pkts", "carrier-transitions", "in-pause", "out-pause",
    "resets",
)  # fmt: skip


def emit(case: str, value: float, unit: str, **more: Any) -> None:
    """One result line."""
    print(json.dumps({"bench": "gnmi", "case": case, "value": round(value, 3), "unit": unit, **more}), flush=True)


# --- messages ---------------------------------------------------------------------------------------------------------


def path(text: str) -> Any:
    """A path message."""
    return pb.Path(elem=[pb.PathElem(name=name, key=dict(keys)) for name, keys in parse_path(text).elements])


def round_of(form: str, number: int) -> list[bytes]:
    """One sample of every port, as a target would send it in a form."""
    stamp, messages = time.time_ns(), []
    for port in range(_PORTS):
        prefix = path(f"/interfaces/interface[name=Ethernet{port}]/state")
        counters = {name: (1 << 40) + number * 1000 + at for at, name in enumerate(_COUNTERS)}
        if form == "counters":
            updates = [
                pb.Update(path=path(f"counters/{n}"), val=pb.TypedValue(uint_val=v)) for n, v in counters.items()
            ]
            messages.append(_message(stamp, prefix, updates))
        elif form == "one each":
            messages += [
                _message(stamp, prefix, [pb.Update(path=path(f"counters/{n}"), val=pb.TypedValue(uint_val=v))])
                for n, v in counters.items()
            ]
        elif form == "json leaves":
            updates = [
                pb.Update(path=path(f"counters/{n}"), val=pb.TypedValue(json_ietf_val=f'"{v}"'.encode()))
                for n, v in counters.items()
            ]
            messages.append(_message(stamp, prefix, updates))
        elif form == "json tree":
            tree = json.dumps({name: str(value) for name, value in counters.items()}).encode()
            messages.append(
                _message(stamp, prefix, [pb.Update(path=path("counters"), val=pb.TypedValue(json_ietf_val=tree))])
            )
        else:
            updates = [
                pb.Update(path=path(f"{leaf}-status"), val=pb.TypedValue(string_val="UP")) for leaf in ("oper", "admin")
            ]
            messages.append(_message(stamp, prefix, updates))
    return messages


def _message(stamp: int, prefix: Any, updates: Sequence[Any]) -> bytes:
    raw: bytes = pb.SubscribeResponse(
        update=pb.Notification(timestamp=stamp, prefix=prefix, update=updates)
    ).SerializeToString()
    return raw


# --- decoding alone ---------------------------------------------------------------------------------------------------


def rate(work: Callable[[], int], seconds: float) -> float:
    """What ``work`` does per CPU-second."""
    work()
    work()
    done, began, until = 0, cpu(), time.monotonic() + seconds
    while time.monotonic() < until:
        done += work()
    return done / (cpu() - began)


def decode(form: str, seconds: float) -> float:
    """Values per CPU-second made into rows."""
    decoder, rounds, at = GnmiDecoder(PathMapping.load(), host="r1"), [round_of(form, n) for n in range(4)], [0]

    def work() -> int:
        at[0] += 1
        return decoder.decode(rounds[at[0] % 4], time.time_ns()).values

    return rate(work, seconds)


def with_protobuf(form: str, seconds: float) -> float:
    """The peer: messages as objects, one look-up and three appends per update; JSON with the standard library."""
    messages = round_of(form, 0)
    series: dict[tuple[bytes, bytes, str], int] = {}
    states = {"UP": 1.0, "DOWN": 2.0}

    def work() -> int:
        found: list[int] = []
        values: list[Any] = []
        stamps: list[int] = []
        for raw in messages:
            notification = pb.SubscribeResponse.FromString(raw).update
            prefix = notification.prefix.SerializeToString(deterministic=True)
            for update in notification.update:
                key = prefix, update.path.SerializeToString(deterministic=True)
                value = getattr(update.val, update.val.WhichOneof("value"))
                members = json.loads(value) if isinstance(value, bytes) else value
                for name, one in members.items() if isinstance(members, dict) else [("", members)]:
                    found.append(series.setdefault((*key, name), len(series)))
                    values.append(one if isinstance(one, int) else states.get(one) or float(one))
                    stamps.append(notification.timestamp)
        return len(found)

    return rate(work, seconds)


# --- a target's process -----------------------------------------------------------------------------------------------


def serve(form: str, targets: int) -> None:
    """Send rounds as fast as they are taken, or nothing after the first; tell the ports first."""
    import grpc

    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rounds = [round_of(form, number) for number in range(4)] if form != "idle" else [round_of("states", 0)[:1]]
    ended = threading.Event()

    def subscribe(_: Any, context: Any) -> Iterator[bytes]:
        yield from rounds[0]
        yield b"\x18\x01"  # sync_response
        if form == "idle":
            ended.wait()
        while context.is_active() and not ended.is_set():
            for one in rounds:
                yield from one

    def capabilities(_: Any, __: Any) -> bytes:
        return bytes(pb.CapabilityResponse(supported_encodings=[2, 4], gNMI_version="0.8.0").SerializeToString())

    servers, ports = [], []
    for _ in range(targets):
        server = grpc.server(ThreadPoolExecutor(3))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("gnmi.gNMI", {
            "Subscribe": grpc.stream_stream_rpc_method_handler(subscribe),
            "Capabilities": grpc.unary_unary_rpc_method_handler(capabilities),
        }),))  # fmt: skip
        ports.append(server.add_insecure_port("127.0.0.1:0"))
        server.start()
        servers.append(server)
    print(json.dumps(ports), flush=True)
    sys.stdin.readline()
    ended.set()
    for server in servers:
        server.stop(0)
    os._exit(0)


# --- receiving --------------------------------------------------------------------------------------------------------


class NullStore:
    """Takes batches and forgets them."""

    def insert(self, table: Table, batch: pa.RecordBatch, token: str | None = None) -> None:
        """Forget."""

    def upsert_dictionary(self, _: Any, __: Any) -> None:
        """Forget."""


def receive(form: str, seconds: float, targets: int = 1) -> None:
    """Through gRPC, decoder and intake; with ``idle``, what waiting costs."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.gnmi", "--serve", form, "--targets", str(targets)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child, tempfile.TemporaryDirectory() as folder:  # fmt: skip
        assert child.stdout is not None
        assert child.stdin is not None
        ports = json.loads(child.stdout.readline())
        intake = Intake(CollectConfig(), store=NullStore(), data_dir=Path(folder))  # type: ignore[arg-type]
        intake.start()
        paths = [{"path": "/interfaces/interface/state"}]
        config = GnmiConfig.model_validate({"targets": [
            {"address": f"127.0.0.1:{port}", "name": f"r{port}", "plaintext": True, "presets": [],
             "subscriptions": paths}
            for port in ports
        ]})  # fmt: skip
        before_kb = _rss_kb()
        subscriber = GnmiSubscriber(config, intake, NoFacts())
        subscriber.start()
        enough = 1 if form == "idle" else 10 * _PORTS * len(_COUNTERS)  # kernels are compiled by then, paths known
        _wait(lambda: all(one.rows >= enough for one in intake.sources()))
        first, began, used = _rows(intake), time.monotonic(), cpu()
        time.sleep(seconds)
        spent, wall, rows = cpu() - used, time.monotonic() - began, _rows(intake) - first
        if form == "idle":
            emit("idle memory", (_rss_kb() - before_kb) / targets, "kB per target", targets=targets)
            emit("idle cpu", 1000 * spent / wall / targets, "ms of CPU per second and target", targets=targets)
            emit("threads", threading.active_count(), "threads of Python in all", targets=targets)
        else:
            emit(f"receive, {form}", rows / spent, "values/CPU-s", bar=_BAR, wall=round(rows / wall))
        subscriber.stop()
        intake.stop()
        child.stdin.write("\n")
        child.stdin.flush()


def _rows(intake: Intake) -> int:
    return sum(one.rows for one in intake.sources())


def _wait(condition: Callable[[], bool], seconds: float = 180.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise SystemExit("the targets did not answer")
        time.sleep(0.05)


def _rss_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def main() -> None:
    """Run all cases."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=5)
    arguments.add_argument("--idle", type=int, default=200)
    arguments.add_argument("--serve", default="")
    arguments.add_argument("--targets", type=int, default=1)
    given = arguments.parse_args()
    if given.serve:
        serve(given.serve, given.targets)
        return
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    receive("idle", given.seconds, given.idle)  # first: memory is that of a young process
    walk.warm()
    for form in ("counters", "one each", "json leaves", "json tree", "states"):
        ours, theirs = decode(form, given.seconds), with_protobuf(form, given.seconds)
        emit(f"decode, {form}", ours, "values/CPU-s", bar=_BAR, peer="protobuf objects", peer_value=round(theirs),
             ratio=round(ours / theirs, 2))  # fmt: skip
    for form in ("counters", "one each", "json tree"):
        receive(form, given.seconds)


if __name__ == "__main__":
    main()
