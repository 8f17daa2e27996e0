"""What the cluster's switches and hosts log: SONiC's daemons, kernels and drivers, in their words."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from weft.twin.attacks.logs import Line
from weft.twin.cluster import layout as at
from weft.twin.cluster import troubles as wrong
from weft.twin.faults.begin import ENGINEERS
from weft.twin.faults.model import Fault
from weft.twin.remedies import Action
from weft.twin.timeline import Timeline

_ERROR, _WARNING, _NOTICE, _INFO = 3, 4, 5, 6
_KERNEL, _DAEMON, _AUTH, _LOCAL7 = 0, 3, 4, 23
#: Lines are said up to so long after the end of what they belong to, s.
LATEST_S = 20.0
_SPAN_S = 1800
_ROUTINE_PER_SPAN = {"leaf": 3.0, "spine": 2.0, "frontend": 3.0, "host": 1.2}
#: The nodes that log, in the order of ``layout.NODES``.
TALKING = tuple(node for node in at.NODES if node.role != "storage")


def cluster_messages(timeline: Timeline, since_s: float, until_s: float) -> Iterator[Line]:
    """Everything logged in a span, in no order. The same for the same span, always."""
    said: list[tuple[Line, ...]] = [
        fault_lines(one) for one in timeline.faults(since_s - LATEST_S, until_s) if one.kind in wrong.KINDS
    ]
    said += [
        tuple(_act(one)) for one in timeline.remedies.between(since_s - LATEST_S, until_s)
        if one.ok and one.text_of("device") in at.BY_NAME
    ]  # fmt: skip
    for line in itertools.chain.from_iterable(said):
        if since_s <= line.time_s < until_s:
            yield line
    for number, node in enumerate(TALKING):
        for span in range(int(since_s // _SPAN_S), int(until_s // _SPAN_S) + 1):
            for line in _routine(node, timeline.seed, number, span):
                if since_s <= line.time_s < until_s:
                    yield line


@lru_cache(maxsize=256)
def fault_lines(fault: Fault) -> tuple[Line, ...]:
    """Everything that is logged of a fault."""
    maker = _MAKERS.get(fault.kind)
    return tuple(maker(fault)) if maker is not None else ()


def _state(row: int, at_s: float, *, up: bool) -> Line:
    """A port goes down or comes up, as orchagent tells it."""
    node = next(one for one in at.SWITCHES if at.rows(one.name).start <= row < at.rows(one.name).stop)
    name = node.ports[row - at.FIRST[node.name]].name
    text = f":- setHostIntfsOperStatus: Set operation status {'UP' if up else 'DOWN'} to host interface {name}"
    return Line(at_s, node.name, _LOCAL7, _NOTICE, "orchagent", 0, text)


def _paths(fault: Fault) -> Iterator[Line]:
    for number, row in enumerate(wrong.lost_uplinks(fault)):
        for one in (row, wrong.far_row(row)):
            yield _state(one, fault.start_s + 0.2 + 0.1 * number, up=False)
            yield _state(one, fault.end_s + 1.0 + 0.1 * number, up=True)


def _storm(fault: Fault) -> Iterator[Line]:
    name = at.port(fault.device, fault.port).name
    queue = f"port {name}, queue index 3"
    for time_s, text in (
        (fault.start_s + 5.4, f":- startWdActionOnQueue: PFC Watchdog detected PFC storm on {queue}"),
        (fault.end_s + 3.1, f":- report_pfc_restored: PFC Watchdog storm restored on {queue}"),
    ):
        yield Line(time_s, fault.device, _LOCAL7, _NOTICE, "orchagent", 0, text)


def _ecn(fault: Fault) -> Iterator[Line]:
    who = ENGINEERS[int(fault.start_s) % len(ENGINEERS)]
    for time_s, what in ((fault.start_s, "wred_profile|AZURE_LOSSLESS green_min_threshold 12582912"),
                         (fault.end_s, "wred_profile|AZURE_LOSSLESS green_min_threshold 1048576")):  # fmt: skip
        text = f"{who} : TTY=pts/0 ; PWD=/home/{who} ; USER=root ; COMMAND=/usr/local/bin/config ecn {what}"
        yield Line(time_s, fault.device, _AUTH, _NOTICE, "sudo", 0, text)
        text = ":- doTask: Created wred profile AZURE_LOSSLESS; configuration reloaded"
        yield Line(time_s + 1.4, fault.device, _LOCAL7, _NOTICE, "orchagent", 0, text)


def _optic(fault: Fault) -> Iterator[Line]:
    if fault.severity > 0.5:
        name = at.port(fault.device, fault.port).name
        text = f":- checkErrorStatus: {name} rx power low warning asserted"
        yield Line(fault.start_s + 40.0, fault.device, _DAEMON, _WARNING, "xcvrd", 31, text)


def _card(fault: Fault) -> Iterator[Line]:
    bus = f"0000:{0x18 + 0x11 * (fault.port - 1):02x}:00.0"
    text = (f"mlx5_core {bus}: 126.024 Gb/s available PCIe bandwidth, limited by 16.0 GT/s PCIe x8 link at "
            "0000:15:01.0 (capable of 504.112 Gb/s with 32.0 GT/s PCIe x16 link)")  # fmt: skip
    yield Line(fault.start_s + 0.8, fault.device, _KERNEL, _WARNING, "kernel", 0, text)


def _gpu(fault: Fault) -> Iterator[Line]:
    bus = f"0000:{0x1B + 0x11 * int(fault.target.removeprefix('gpu')):02x}:00"
    text = (
        f"NVRM: Xid (PCI:{bus}): {79 if fault.severity > 0.75 else 63}, pid='<unknown>', clocks throttled: HW thermal"
    )
    yield Line(fault.start_s + 3.0, fault.device, _KERNEL, _ERROR, "kernel", 0, text)


_MAKERS: dict[str, Callable[[Fault], Iterator[Line]]] = {
    wrong.PATHS: _paths, wrong.STORM: _storm, wrong.ECN: _ecn, wrong.OPTIC: _optic, wrong.NIC: _card, wrong.GPU: _gpu,
}  # fmt: skip


def _act(action: Action) -> Iterator[Line]:
    """What an action on a switch makes it log."""
    node = at.BY_NAME[action.text_of("device")]
    interface = action.text_of("interface")
    port = next((one for one in node.ports if interface in (one.name, str(one.index))), None)
    if action.kind != "shut" or port is None or node.role in ("host", "storage"):
        return
    row = at.row(node.name, port.index)
    for one in {row, wrong.far_row(row)}:
        if one < at.FIRST["gpu01"]:
            yield _state(one, action.start_s + 0.2, up=False)
            if action.end_s < float("inf"):
                yield _state(one, action.end_s + 0.2, up=True)


@lru_cache(maxsize=256)
def _routine(node: at.Node, seed: int, number: int, span: int) -> tuple[Line, ...]:
    return tuple(_usual(node, np.random.default_rng([seed, 2565, number, span]), span))


def _usual(node: at.Node, rng: np.random.Generator, span: int) -> Iterator[Line]:
    for _ in range(int(rng.poisson(_ROUTINE_PER_SPAN[node.role]))):
        time_s, who = (span + float(rng.random())) * _SPAN_S, ENGINEERS[int(rng.integers(len(ENGINEERS)))]
        pid = int(rng.integers(2000, 90_000))
        if node.role == "host":
            text = f"Started Session {int(rng.integers(100, 9999))} of User {who}."
            yield Line(time_s, node.name, _DAEMON, _INFO, "systemd", 1, text)
        elif rng.random() < 0.5:
            text = f"Accepted publickey for {who} from 10.70.3.{int(rng.integers(2, 250))} port {pid} ssh2"
            yield Line(time_s, node.name, _AUTH, _INFO, "sshd", pid, text)
        else:
            yield Line(time_s, node.name, _DAEMON, _INFO, "lldpd", pid, "refreshed neighbours on all ports")
