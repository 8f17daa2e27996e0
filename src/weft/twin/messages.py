"""What Acme's devices log: the routine of the day, and what each fault makes them say, in their vendors' words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from weft.twin import organisation as org
from weft.twin.agents.syslog_emitter import Dialect, Entry, render
from weft.twin.devices import peer_address, peer_asn
from weft.twin.faults.begin import ENGINEERS
from weft.twin.faults.model import Fault
from weft.twin.timeline import Timeline

DIALECTS: dict[str, Dialect] = {"border": "junos", "core": "nxos", "firewall": "fortinet"}
_ALERT, _CRITICAL, _ERROR, _WARNING, _NOTICE, _INFO = 1, 2, 3, 4, 5, 6
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
        return render(entry, DIALECTS[_BY_NAME[self.device].role], self.time_s)


_BY_NAME = {device.name: device for device in org.DEVICES}
_PORTS = {(device.name, port.index): port for device in org.DEVICES for port in org.all_ports(device)}


def messages(timeline: Timeline, since_s: float, until_s: float) -> list[Message]:
    """Everything logged from ``since_s`` to ``until_s`` (exclusive), in order. The same for the same span, always."""
    found = [m for one in timeline.faults(since_s - 1, until_s) for m in _of_fault(one, timeline.seed)]
    for number, device in enumerate(org.DEVICES):
        for span in range(int(since_s // _SPAN_S), int(until_s // _SPAN_S) + 1):
            found += _routine(device, np.random.default_rng([timeline.seed, 77, number, span]), span * _SPAN_S)
    return sorted((m for m in found if since_s <= m.time_s < until_s), key=lambda m: m.time_s)


# --- routine ---------------------------------------------------------------------------------------------------------


def _routine(device: org.Exporter, rng: np.random.Generator, start_s: float) -> Iterator[Message]:
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


# --- faults ----------------------------------------------------------------------------------------------------------


def _of_fault(one: Fault, seed: int) -> Iterator[Message]:
    rng = np.random.default_rng([seed, 78, int(one.start_s)])
    maker = _FAULTS.get(one.kind)
    if maker is not None:
        yield from maker(one, rng)


def _link_cut(one: Fault, rng: np.random.Generator) -> Iterator[Message]:
    for name, index in ((one.device, one.port), (one.other, one.other_port)):
        port, lag = _PORTS[name, index], float(rng.uniform(0.01, 0.4))
        for at, word, number, severity in ((one.start_s, "DOWN", 2, _WARNING), (one.end_s, "UP", 1, _INFO)):
            state = "down(2)" if number == 2 else "up(1)"
            text = (
                f"SNMP_TRAP_LINK_{word}: ifIndex {index}, ifAdminStatus up(1), ifOperStatus {state}, ifName {port.name}"
            )
            yield Message(at + lag, name, _DAEMON, severity, "mib2d", 14_207, text)


def _session_down(one: Fault, rng: np.random.Generator) -> Iterator[Message]:
    device, port = _BY_NAME[one.device], _PORTS[one.device, one.port]
    peer = f"BGP peer {peer_address(device, port)} (External AS {peer_asn(port)})"
    reason = ("HoldTime", "RecvNotify", "TransportError")[int(rng.integers(3))]
    for at, old, new, event in (
        (one.start_s, "Established", "Idle", reason), (one.end_s, "OpenConfirm", "Established", "RecvKeepAlive"),
    ):  # fmt: skip
        text = (
            f"RPD_BGP_NEIGHBOR_STATE_CHANGED: {peer} changed state from {old} to {new} (event {event}) "
            f"(instance master)"
        )
        yield Message(at, one.device, _DAEMON, _WARNING, "rpd", 14_155, text)


def _brute_force(one: Fault, rng: np.random.Generator) -> Iterator[Message]:
    device = _BY_NAME[one.device]
    for at in np.sort(rng.uniform(one.start_s, one.end_s, int(rng.integers(5, 25)))):
        user = ("root", "admin", "cisco", "test", "oracle")[int(rng.integers(5))]
        if DIALECTS[device.role] == "fortinet":
            text = (
                f'logid="0100032002" type="event" subtype="system" level="alert" vd="root" '
                f'logdesc="Admin login failed" user="{user}" ui="ssh({one.who})" action="login" status="failed" '
                f'reason="name_invalid" msg="Administrator {user} login failed from ssh({one.who}) because of invalid '
                f'user name"'
            )
            yield Message(float(at), one.device, _LOCAL7, _ALERT, "", 0, text)
        else:
            text = f"Failed password for {user} from {one.who} port {int(rng.integers(30000, 65000))} ssh2"
            yield Message(float(at), one.device, _AUTH, _INFO, "sshd", int(rng.integers(20000, 60000)), text)


def _config_commit(one: Fault, rng: np.random.Generator) -> Iterator[Message]:
    dialect = DIALECTS[_BY_NAME[one.device].role]
    if dialect == "junos":
        pid = int(rng.integers(20000, 60000))
        text = f"UI_COMMIT: User '{one.who}' requested 'commit' operation (comment: none)"
        yield Message(one.start_s, one.device, _LOCAL7, _NOTICE, "mgd", pid, text)
        text = "UI_COMMIT_COMPLETED: commit complete"
        yield Message(one.start_s + 4.1, one.device, _LOCAL7, _WARNING, "mgd", pid, text)
    elif dialect == "nxos":
        text = f"Configured from vty by {one.who} on {_inside(rng)}@pts/{int(rng.integers(0, 5))}"
        yield Message(one.start_s, one.device, _LOCAL7, _NOTICE, "VSHD-5-VSHD_SYSLOG_CONFIG_I", 0, text)
    else:
        policy = int(rng.integers(1, 40))
        text = (
            f'logid="0100044547" type="event" subtype="system" level="information" vd="root" '
            f'logdesc="Object attribute configured" user="{one.who}" ui="GUI({_inside(rng)})" action="Edit" '
            f'cfgpath="firewall.policy" cfgobj="{policy}" msg="Edit firewall.policy {policy}"'
        )
        yield Message(one.start_s, one.device, _LOCAL7, _INFO, "", 0, text)


def _cpu_overload(one: Fault, rng: np.random.Generator) -> Iterator[Message]:
    degrees = int(rng.integers(71, 79))
    text = f"Module-1 reported Major temperature alarm. Sensor=1 Temperature={degrees} MajThreshold=70"
    yield Message(one.start_s + 20, one.device, _LOCAL7, _CRITICAL, "PLATFORM-2-MOD_TEMPMAJALRM", 0, text)
    text = f"Module-1 recovered from Major temperature alarm. Sensor=1 Temperature={degrees - 24} MajThreshold=70"
    yield Message(one.end_s + 15, one.device, _LOCAL7, _CRITICAL, "PLATFORM-2-MOD_TEMPRECOVER", 0, text)


def _port_scan(one: Fault, rng: np.random.Generator) -> Iterator[Message]:
    site = next(s for s in org.SITES if s.code == _BY_NAME[one.device].site)
    base = ".".join(site.public.split(".")[:3])
    for at in np.sort(rng.uniform(one.start_s, one.end_s, int(rng.integers(20, 90)))):
        port = (22, 23, 445, 3389, 8080, 6379, 9200)[int(rng.integers(7))]
        text = (
            f'logid="0000000013" type="traffic" subtype="forward" level="warning" vd="root" srcip={one.who} '
            f'srcport={int(rng.integers(32768, 61000))} srcintf="port1" dstip={base}.{int(rng.integers(1, 255))} '
            f'dstport={port} dstintf="port10" proto=6 action="deny" policyid=0 service="tcp/{port}" '
            "sentbyte=0 rcvdbyte=0"
        )
        yield Message(float(at), one.device, _LOCAL7, _WARNING, "", 0, text)


_FAULTS: dict[str, Callable[[Fault, np.random.Generator], Iterator[Message]]] = {
    "link_cut": _link_cut, "session_down": _session_down, "brute_force": _brute_force,
    "config_commit": _config_commit, "cpu_overload": _cpu_overload, "port_scan": _port_scan,
}  # fmt: skip
