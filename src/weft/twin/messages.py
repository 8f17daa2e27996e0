"""What Acme's devices log: the routine of the day, and what each fault makes them say, in their vendors' words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from weft.twin import organisation as org
from weft.twin.agents.syslog_emitter import Dialect, Entry, render
from weft.twin.attacks import attack_messages
from weft.twin.cluster.logs import cluster_messages
from weft.twin.fault_messages import LATEST_S, action_lines, fault_lines
from weft.twin.faults.begin import ENGINEERS
from weft.twin.timeline import Timeline

DIALECTS: dict[str, Dialect] = {"border": "junos", "core": "nxos", "firewall": "fortinet"}
_NOTICE, _INFO = 5, 6
_DAEMON, _AUTH, _LOCAL7 = 3, 4, 23
#: Routine messages an hour of a device of each role.
_ROUTINE_PER_H = {"border": 42, "core": 26, "firewall": 240}
_SPAN_S = 600


@dataclass(frozen=True, slots=True)
class Message:
    """One line that a device logs. For NX-OS ``program`` is the mnemonic (``ETHPORT-5-IF_UP``)."""

    time_s: float  # UTC seconds
    device: str
    facility: int
    severity: int
    program: str
    pid: int  # 0 = none is shown
    text: str

    @property
    def wire(self) -> bytes:
        """The datagram, in its maker's dialect."""
        entry = Entry(self.device, self.program, self.text, self.severity, self.facility, str(self.pid or ""))
        known = _BY_NAME.get(self.device)  # switches and hosts of the cluster run Linux
        return render(entry, DIALECTS[known.role] if known is not None else "rfc3164", self.time_s)


_BY_NAME = {device.name: device for device in org.DEVICES}


def messages(timeline: Timeline, since_s: float, until_s: float) -> list[Message]:
    """Everything logged from ``since_s`` to ``until_s`` (exclusive), in order. The same for the same span, always."""
    found = [
        Message(*line)
        for fault in timeline.faults(since_s - LATEST_S, until_s)
        for line in fault_lines(fault)
        if since_s <= line.time_s < until_s
    ]
    found += [
        Message(*line)
        for action in timeline.remedies.between(since_s - LATEST_S, until_s)
        for line in action_lines(action)
        if since_s <= line.time_s < until_s
    ]
    found += [Message(*line) for line in attack_messages(timeline, since_s, until_s)]
    found += [Message(*line) for line in cluster_messages(timeline, since_s, until_s)]
    for number, device in enumerate(org.DEVICES):
        for span in range(int(since_s // _SPAN_S), int(until_s // _SPAN_S) + 1):
            found += _routine(device, timeline.seed, number, span)
    return sorted((m for m in found if since_s <= m.time_s < until_s), key=lambda m: m.time_s)


# --- routine ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _routine(device: org.Exporter, seed: int, number: int, span: int) -> tuple[Message, ...]:
    """All of a span: it is asked for second after second while the demo is live."""
    return tuple(_usual(device, np.random.default_rng([seed, 77, number, span]), span * _SPAN_S))


def _usual(device: org.Exporter, rng: np.random.Generator, start_s: float) -> Iterator[Message]:
    kinds = _ROUTINES[DIALECTS[device.role]]
    for _ in range(int(rng.poisson(_ROUTINE_PER_H[device.role] * _SPAN_S / 3600))):
        at = start_s + float(rng.random() * _SPAN_S)
        yield kinds[int(rng.integers(len(kinds)))](device, at, rng)


def _person(rng: np.random.Generator) -> str:
    return ENGINEERS[int(rng.integers(len(ENGINEERS)))]


def _inside(rng: np.random.Generator) -> str:
    return f"10.{10 * int(rng.integers(1, 7))}.{int(rng.integers(0, 60))}.{int(rng.integers(1, 255))}"


def _junos_login(device: org.Exporter, at: float, rng: np.random.Generator) -> Message:
    text = f"Accepted publickey for {_person(rng)} from {_inside(rng)} port {int(rng.integers(30000, 65000))} ssh2"
    return Message(at, device.name, _AUTH, _INFO, "sshd", int(rng.integers(20000, 60000)), text)


def _junos_command(device: org.Exporter, at: float, rng: np.random.Generator) -> Message:
    commands = ("show bgp summary", "show interfaces diagnostics optics", "show chassis alarms", "show system uptime")
    command = commands[int(rng.integers(len(commands)))]
    text = f"UI_CMDLINE_READ_LINE: User '{_person(rng)}', command '{command} '"
    return Message(at, device.name, _LOCAL7, _INFO, "mgd", int(rng.integers(20000, 60000)), text)


def _junos_clock(device: org.Exporter, at: float, rng: np.random.Generator) -> Message:
    text = f"kernel time sync enabled {int(rng.integers(2000, 9000))}"
    return Message(at, device.name, _DAEMON, _NOTICE, "xntpd", 14_021, text)


def _junos_rpm(device: org.Exporter, at: float, rng: np.random.Generator) -> Message:
    owner = device.ports[int(rng.integers(3))].provider.replace(" ", "-")
    text = f"PING_TEST_COMPLETED: pingCtlOwnerIndex = {owner}, pingCtlTestName = loss"
    return Message(at, device.name, _DAEMON, _INFO, "rmopd", 14_112, text)


def _nxos_login(device: org.Exporter, at: float, rng: np.random.Generator) -> Message:
    text = f"accepted password for user {_person(rng)} from {_inside(rng)} - sshd[{int(rng.integers(9000, 32000))}]"
    return Message(at, device.name, _LOCAL7, _INFO, "DAEMON-6-SYSTEM_MSG", 0, text)


def _nxos_neighbour(device: org.Exporter, at: float, rng: np.random.Generator) -> Message:
    port = device.ports[int(rng.integers(1, len(device.ports)))]
    mac = f"0050.56{int(rng.integers(0, 256)):02x}.{int(rng.integers(0, 65536)):04x}"
    text = f"Server with MAC {mac} on {port.name} refreshed"
    return Message(at, device.name, _LOCAL7, _INFO, "LLDP-6-SERVER_REFRESHED", 0, text)


def _nxos_save(device: org.Exporter, at: float, rng: np.random.Generator) -> Message:
    text = f"Copy running-config startup-config by {_person(rng)} took {int(rng.integers(2, 9))} seconds"
    return Message(at, device.name, _LOCAL7, _INFO, "SYSMGR-6-CFGWRITE_DONE", 0, text)


def _forti_traffic(device: org.Exporter, at: float, rng: np.random.Generator) -> Message:
    remote = org.REMOTES[int(rng.integers(len(org.REMOTES)))]
    first, second, *_ = remote.prefix.split(".")
    target = f"{first}.{second}.{int(rng.integers(0, 255))}.{int(rng.integers(1, 255))}"
    sent, received = int(rng.integers(500, 90_000)), int(rng.integers(900, 4_000_000))
    text = (
        f'logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip={_inside(rng)} '
        f'srcport={int(rng.integers(32768, 61000))} srcintf="port10" dstip={target} dstport=443 dstintf="port1" '
        f'proto=6 action="close" policyid={int(rng.integers(1, 40))} service="HTTPS" '
        f"duration={int(rng.integers(1, 300))} "
        f"sentbyte={sent} rcvdbyte={received}"
    )
    return Message(at, device.name, _LOCAL7, _NOTICE, "", 0, text)


_Maker = Callable[[org.Exporter, float, np.random.Generator], Message]
_ROUTINES: dict[Dialect, tuple[_Maker, ...]] = {
    "junos": (_junos_login, _junos_command, _junos_command, _junos_clock, _junos_rpm),
    "nxos": (_nxos_login, _nxos_neighbour, _nxos_neighbour, _nxos_save),
    "fortinet": (_forti_traffic,),
}
