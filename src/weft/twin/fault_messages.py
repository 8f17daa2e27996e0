"""What faults and changes make Acme's devices log, in the words of Junos, NX-OS and FortiOS. Attacks: ``attacks.logs``.

Comes in: one fault, or one action of an operator. Goes out: its lines, in no order. What is said while a fault lasts is
drawn from its start on, so that ending it early changes nothing of what was said before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

from weft.twin import organisation as org
from weft.twin.attacks.logs import Line
from weft.twin.devices import peer_asn
from weft.twin.exits import peer_address
from weft.twin.faults import effects
from weft.twin.faults.begin import dice
from weft.twin.faults.model import Fault
from weft.twin.faults.places import PORTS
from weft.twin.remedies import Action

_CRITICAL, _ERROR, _WARNING, _NOTICE, _INFO = 2, 3, 4, 5, 6
_DAEMON, _LOCAL7 = 3, 23
#: Lines are said up to so long after the fault that they belong to, s; none before: a person may start it at any time.
LATEST_S = 60.0
#: Who carries out actions, and which of them are commits on a device.
AUTOMATION = "svc-automation"
COMMITTED = ("shut", "no_shut", "drain", "undrain", "set_metric", "local_pref", "reject_routes", "qos")
#: A device that is reloaded goes down so long after it is told to, s.
RELOAD_S = 5.0
_BY_NAME = {device.name: device for device in org.DEVICES}
_SITES = {site.code: site for site in org.SITES}


@lru_cache(maxsize=256)
def fault_lines(fault: Fault) -> tuple[Line, ...]:
    """Everything that devices log of a fault."""
    maker = _MAKERS.get(fault.kind)
    return tuple(maker(fault)) if maker is not None else ()


def action_lines(action: Action) -> Iterator[Line]:
    """What devices log of what an operator did: the commit, and lines that go down and come back by it."""
    device = action.text_of("device")
    if not action.ok or device not in _BY_NAME:
        return
    if action.kind == "reload":
        yield from _reboot(Fault(action.id, "device_reboot", action.asked_s + RELOAD_S, action.start_s, device))
    elif action.kind in COMMITTED:
        done = Fault(action.id, "config_commit", action.start_s, action.start_s, device)
        yield from _committed(done, action.start_s, AUTOMATION, action.kind)
    if action.kind == "shut":
        for name, index in _ends(device, action.text_of("interface")):
            yield _line_state(name, index, action.start_s + 0.2, up=False)
            if math.isfinite(action.end_s):
                yield _line_state(name, index, action.end_s + 0.2, up=True)


def _ends(device: str, interface: str) -> Iterator[tuple[str, int]]:
    """An interface, and the one at the other end of its line."""
    near = next((at for at, port in PORTS.items() if at[0] == device and interface in (port.name, str(at[1]))), None)
    if near is not None:
        yield near
        for link in org.LINKS:
            ends = [(link.a, link.a_port), (link.b, link.b_port)]
            if near in ends:
                yield ends[1 - ends.index(near)]


def _role(device: str) -> str:
    return _BY_NAME[device].role


# --- lines and devices -----------------------------------------------------------------------------------------------


def _line_states(fault: Fault) -> Iterator[Line]:
    """Down and up, as each end tells it. A device that is off itself tells nothing until it is back."""
    for number, (name, index, since, until) in enumerate(effects.outages(fault)):
        if name == effects.reboots(fault):
            continue
        lag = float(dice(fault, f"lag {number}").uniform(0.01, 0.4))
        yield _line_state(name, index, since + lag, up=False)
        yield _line_state(name, index, until + lag, up=True)


def _line_state(device: str, index: int, at: float, *, up: bool) -> Line:
    port, role = PORTS[device, index].name, _role(device)
    if role == "border":
        word, state, severity = ("UP", "up(1)", _INFO) if up else ("DOWN", "down(2)", _WARNING)
        text = f"SNMP_TRAP_LINK_{word}: ifIndex {index}, ifAdminStatus up(1), ifOperStatus {state}, ifName {port}"
        return Line(at, device, _DAEMON, severity, "mib2d", 14_207, text)
    if role == "core":
        if up:
            return Line(at, device, _LOCAL7, _NOTICE, "ETHPORT-5-IF_UP", 0, f"Interface {port} is up in mode trunk")
        text = f"Interface {port} is down (Link failure)"
        return Line(at, device, _LOCAL7, _NOTICE, "ETHPORT-5-IF_DOWN_LINK_FAILURE", 0, text)
    word = "UP" if up else "DOWN"
    text = (
        f'logid="0100020099" type="event" subtype="system" level="warning" vd="root" '
        f'logdesc="Interface status changed" action="interface-stat-change" status="{word}" intf="{port}" '
        f'msg="Link monitor: Interface {port} was turned {word.lower()}"'
    )
    return Line(at, device, _LOCAL7, _WARNING, "", 0, text)


def _optics(fault: Fault) -> Iterator[Line]:
    """The alarm when light falls below what the receiver needs, and its end."""
    after_s = effects.alarm_after_s(fault)
    if after_s is None:
        return
    port = PORTS[fault.device, fault.port].name
    for at, word in ((fault.start_s + after_s, "set"), (fault.end_s + 2.0, "cleared")):
        text = f"Alarm {word}: Optics {port} color=YELLOW, class=CHASSIS, reason=Rx power low alarm"
        yield Line(at, fault.device, _DAEMON, _NOTICE, "alarmd", 14_031, text)


def _reboot(fault: Fault) -> Iterator[Line]:
    yield from _line_states(fault)
    name, at = fault.device, fault.end_s
    if _role(name) == "border":
        text = "SNMPD_TRAP_COLD_START: trap_generate_cold: SNMP trap: cold start"
        yield Line(at + 1.2, name, _DAEMON, _CRITICAL, "snmpd", 14_090, text)
        yield Line(
            at + 1.9, name, _DAEMON, _NOTICE, "rpd", 14_155, "RPD_START: Start rpd[14155] version built by builder"
        )
    elif _role(name) == "core":
        yield Line(at + 1.2, name, _LOCAL7, _CRITICAL, "VDC_MGR-2-VDC_ONLINE", 0, "vdc 1 has come online")
        serial = f"ACME{sum(name.encode()):08X}"
        text = f"Supervisor 1 is active (serial: {serial})"
        yield Line(at + 1.9, name, _LOCAL7, _NOTICE, "MODULE-5-ACTIVE_SUP_OK", 0, text)
    else:
        text = (
            'logid="0100032009" type="event" subtype="system" level="information" vd="root" '
            'logdesc="FortiGate started" action="reboot" msg="FortiGate started after an unexpected restart"'
        )
        yield Line(at + 1.2, name, _LOCAL7, _INFO, "", 0, text)
    for port in org.all_ports(_BY_NAME[name]):
        yield _line_state(name, port.index, at + 4.0 + port.index / 10, up=True)


def _cpu(fault: Fault) -> Iterator[Line]:
    """Alarms of heat on switches, slips of the scheduler on routers, conserve mode on firewalls."""
    rng, name = dice(fault, "cpu"), fault.device
    if _role(name) == "border":
        at = fault.start_s + 20
        while at < fault.end_s:
            slip = float(rng.uniform(3, 6 + 20 * fault.severity))
            text = (
                f"RPD_SCHED_SLIP: {slip:.0f} sec scheduler slip, user: {slip * 0.8:.0f} sec 112406 usec, system: 0 sec"
            )
            yield Line(at, name, _DAEMON, _WARNING, "rpd", 14_155, text)
            at += float(rng.uniform(25, 140))
    elif _role(name) == "core":
        degrees = int(rng.integers(71, 79))
        for at, word, mnemonic, heat in (
            (fault.start_s + 20, "reported", "MOD_TEMPMAJALRM", degrees),
            (fault.end_s + 15, "recovered from", "MOD_TEMPRECOVER", degrees - 24),
        ):
            text = f"Module-1 {word} Major temperature alarm. Sensor=1 Temperature={heat} MajThreshold=70"
            yield Line(at, name, _LOCAL7, _CRITICAL, f"PLATFORM-2-{mnemonic}", 0, text)
    else:
        for at, word, logid in (
            (fault.start_s + 20, "enters", "0100022011"),
            (fault.end_s + 15, "leaves", "0100022013"),
        ):
            text = (
                f'logid="{logid}" type="event" subtype="system" level="critical" vd="root" '
                f'logdesc="Memory conserve mode {word[:-1]}ed" service="kernel" msg="Kernel {word} conserve mode"'
            )
            yield Line(at, name, _LOCAL7, _CRITICAL, "", 0, text)


def _session(fault: Fault) -> Iterator[Line]:
    device, port = _BY_NAME[fault.device], PORTS[fault.device, fault.port]
    peer = f"BGP peer {peer_address(device, port)} (External AS {peer_asn(port)})"
    reason = ("HoldTime", "RecvNotify", "TransportError")[int(dice(fault, "reason").integers(3))]
    for at, old, new, event in (
        (fault.start_s, "Established", "Idle", reason), (fault.end_s, "OpenConfirm", "Established", "RecvKeepAlive"),
    ):  # fmt: skip
        changed = f"changed state from {old} to {new} (event {event}) (instance master)"
        text = f"RPD_BGP_NEIGHBOR_STATE_CHANGED: {peer} {changed}"
        yield Line(at, fault.device, _DAEMON, _WARNING, "rpd", 14_155, text)


# --- changes ---------------------------------------------------------------------------------------------------------


def _commit(fault: Fault) -> Iterator[Line]:
    yield from _committed(fault, fault.start_s, fault.who, "none")


def _mistake(fault: Fault) -> Iterator[Line]:
    """A commit that does harm, and the one that takes it back."""
    yield from _committed(fault, fault.start_s, fault.who, "none")
    yield from _committed(fault, fault.end_s, fault.who, "rollback 1")


def _work(fault: Fault) -> Iterator[Line]:
    change = f"CHG{int(dice(fault, 'change').integers(10_000, 99_999))}"
    yield from _committed(fault, fault.start_s, fault.who, f"{change} maintenance begins")
    yield from _line_states(fault)
    yield from _committed(fault, fault.end_s, fault.who, f"{change} maintenance ends")


def _committed(fault: Fault, at: float, who: str, comment: str) -> Iterator[Line]:
    rng, name = dice(fault, f"commit {comment}"), fault.device
    seat = f"10.{10 * int(rng.integers(1, 7))}.{int(rng.integers(0, 60))}.{int(rng.integers(1, 255))}"
    if _role(name) == "border":
        pid = int(rng.integers(20000, 60000))
        text = f"UI_COMMIT: User '{who}' requested 'commit' operation (comment: {comment})"
        yield Line(at, name, _LOCAL7, _NOTICE, "mgd", pid, text)
        yield Line(at + 4.1, name, _LOCAL7, _WARNING, "mgd", pid, "UI_COMMIT_COMPLETED: commit complete")
    elif _role(name) == "core":
        text = f"Configured from vty by {who} on {seat}@pts/{int(rng.integers(0, 5))}"
        yield Line(at, name, _LOCAL7, _NOTICE, "VSHD-5-VSHD_SYSLOG_CONFIG_I", 0, text)
    else:
        is_policy = fault.kind in ("config_commit", "misconfig_acl")
        path = "firewall.policy" if is_policy else "system.interface"
        policy = int(rng.integers(1, 40)) if is_policy else PORTS[name, fault.port].name
        text = (
            f'logid="0100044547" type="event" subtype="system" level="information" vd="root" '
            f'logdesc="Object attribute configured" user="{who}" ui="GUI({seat})" action="Edit" '
            f'cfgpath="{path}" cfgobj="{policy}" msg="Edit {path} {policy}"'
        )
        yield Line(at, name, _LOCAL7, _INFO, "", 0, text)


def _filter(fault: Fault) -> Iterator[Line]:
    """A filter that logs what it drops: connections of ordinary people."""
    yield from _mistake(fault)
    rng, at, name = dice(fault, "drops"), fault.start_s + 5.0, fault.device
    port, base = PORTS[name, fault.port].name, _SITES[_BY_NAME[name].site].public.split("/")[0]
    start, last = base.rsplit(".", 1)
    while at < fault.end_s:
        remote = org.REMOTES[int(rng.choice([i for i, one in enumerate(org.REMOTES) if one.kind == "eyeball"]))]
        first, second, *_ = remote.prefix.split(".")
        source = f"{first}.{second}.{int(rng.integers(0, 255))}.{int(rng.integers(1, 255))}"
        target, sport = f"{start}.{int(last) + int(rng.integers(1, 6))}", int(rng.integers(32768, 61000))
        if _role(name) == "border":
            text = f"PFE_FW_SYSLOG_IP: FW: {port}.0   D  tcp {source} {target} {sport}   443 (1 packets)"
            yield Line(at, name, _DAEMON, _INFO, "fpc0", 0, text)
        else:
            text = (
                f'logid="0000000013" type="traffic" subtype="forward" level="warning" vd="root" srcip={source} '
                f'srcport={sport} srcintf="{port}" dstip={target} dstport=443 dstintf="port10" proto=6 '
                f'action="deny" policyid=0 service="HTTPS" sentbyte=0 rcvdbyte=0'
            )
            yield Line(at, name, _LOCAL7, _WARNING, "", 0, text)
        at += float(rng.exponential(90 - 84 * fault.severity)) + 0.2


def _vlan(fault: Fault) -> Iterator[Line]:
    yield from _mistake(fault)
    port, vlan = PORTS[fault.device, fault.port].name, effects.missing_vlan(fault)
    for at, word, reason in (
        (fault.start_s + 1.5, "SUSPENDED", "are being suspended. (Reason: Vlan is not allowed on the trunk)"),
        (fault.end_s + 1.5, "REMOVED", "are removed from suspended state."),
    ):
        text = f"VLANs {vlan} on Interface {port} {reason}"
        yield Line(at, fault.device, _LOCAL7, _ERROR, f"ETHPORT-3-IF_ERROR_VLANS_{word}", 0, text)


_MAKERS: dict[str, Callable[[Fault], Iterator[Line]]] = {
    "link_cut": _line_states, "link_flap": _line_states, "congestion_reroute": _line_states,
    "optic_degradation": _optics, "device_reboot": _reboot, "cpu_overload": _cpu,
    "session_down": _session, "config_commit": _commit, "maintenance": _work, "misconfig_acl": _filter,
    "misconfig_mtu": _mistake, "misconfig_metric": _mistake, "misconfig_vlan": _vlan,
}  # fmt: skip
