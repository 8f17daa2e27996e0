"""The configurations of Acme's devices, as another tool would drop them into a directory; commits change them.

Every ordinary commit of the timeline adds, changes or removes a line or two; those that do harm, and maintenance, last
until they are taken back. Nothing is remembered: the text at any moment follows from the timeline since the start of
the week before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from weft.twin import organisation as org
from weft.twin.devices import peer_asn
from weft.twin.exits import peer_address
from weft.twin.fault_messages import AUTOMATION
from weft.twin.faults import effects
from weft.twin.faults.model import Fault
from weft.twin.remedies import Action
from weft.twin.timeline import Timeline

_WEEK_S = 7 * 86_400
#: Changes that last until they are taken back.
_LASTING = ("misconfig_acl", "misconfig_mtu", "misconfig_metric", "misconfig_vlan", "maintenance")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit on a device."""

    at_s: float  # UTC seconds
    device: str
    who: str
    title: str


@dataclass(slots=True)
class _Wanted:
    """What a device's configuration has to say."""

    settings: dict[str, str]
    blocked: dict[str, None]
    mtu: dict[int, int] = field(default_factory=dict)  # by ifIndex, where it is not the usual
    metric: dict[int, int] = field(default_factory=dict)
    disabled: set[int] = field(default_factory=set)
    filtered: set[int] = field(default_factory=set)  # ports with a filter that should not be there
    overloaded: bool = False
    missing: dict[int, int] = field(default_factory=dict)  # VLAN that is left out


def commits(timeline: Timeline, since_s: float, until_s: float) -> list[Commit]:
    """Commits of a span on all devices, in order: ordinary ones, mistakes and maintenance with what takes them back."""
    found = []
    for one in timeline.faults(since_s, until_s):
        if one.kind == "config_commit":
            found.append(Commit(one.start_s, one.device, one.who, f"{one.device}: committed by {one.who}"))
        elif one.kind in _LASTING:
            found.append(Commit(one.start_s, one.device, one.who, f"{one.device}: committed by {one.who}"))
            found.append(Commit(one.end_s, one.device, one.who, f"{one.device}: taken back by {one.who}"))
    for action in timeline.remedies.between(since_s, until_s):
        device = action.text_of("device")
        if action.ok and device and action.kind in ("shut", "drain", "set_metric"):
            found.append(Commit(action.start_s, device, AUTOMATION, f"{device}: {action.kind}"))
            found.append(Commit(action.end_s, device, AUTOMATION, f"{device}: {action.kind} taken back"))
    return sorted((one for one in found if since_s <= one.at_s < until_s), key=lambda one: one.at_s)


def config_text(device: org.Exporter, timeline: Timeline, at_s: float) -> str:
    """The running configuration at ``at_s`` (UTC seconds). The secrets in it are made up, too."""
    wanted = _Wanted(
        {"ntp": "10.10.128.5", "contact": "noc@acme.example", "limit": "1000000", "banner": "Authorised use only"},
        dict.fromkeys(f"192.0.2.{n}" for n in (66, 91, 130)),
    )  # fmt: skip
    for one in timeline.faults(at_s // _WEEK_S * _WEEK_S - _WEEK_S, at_s + 1e-3):
        if one.device != device.name or one.start_s > at_s:
            continue
        if one.kind == "config_commit":
            _apply(np.random.default_rng([timeline.seed, 79, int(one.start_s)]), wanted)
        elif one.kind in _LASTING and at_s < one.end_s:
            _harm(one, wanted)
    for action in timeline.remedies.active(at_s):
        if action.text_of("device") == device.name:
            _act(action, device, wanted)
    return {"border": _junos, "core": _nxos, "firewall": _fortios}[device.role](device, wanted)


def _harm(one: Fault, wanted: _Wanted) -> None:
    """What a change that lasts makes of a configuration."""
    match one.kind:
        case "misconfig_mtu":
            wanted.mtu[one.port] = effects.SMALL_MTU
        case "misconfig_metric":
            override = effects.metric_override(one)
            wanted.metric[one.port] = override[2] if override else 0
        case "misconfig_acl":
            wanted.filtered.add(one.port)
        case "misconfig_vlan":
            wanted.missing[one.port] = effects.missing_vlan(one)
        case "maintenance":
            wanted.disabled.add(one.port)


def _act(action: Action, device: org.Exporter, wanted: _Wanted) -> None:
    """What an operator's action makes of a configuration while it is in force."""
    interface = action.text_of("interface")
    index = next((one.index for one in org.all_ports(device) if interface in (one.name, str(one.index))), 0)
    if action.kind == "shut":
        wanted.disabled.add(index)
    elif action.kind == "set_metric":
        wanted.metric[index] = int(action.parameters["metric"])
    elif action.kind == "drain":
        wanted.overloaded = True


def _apply(rng: np.random.Generator, wanted: _Wanted) -> None:
    """An ordinary commit."""
    blocked, settings, choice = wanted.blocked, wanted.settings, int(rng.integers(5))
    if choice <= 1:
        blocked[f"198.51.100.{int(rng.integers(1, 255))}"] = None
    elif choice == 2 and len(blocked) > 2:
        del blocked[next(iter(blocked))]
    elif choice == 3:
        settings["limit"] = str(int(rng.integers(10, 15)) * 100_000)
    else:
        settings["ntp"] = f"10.{10 * int(rng.integers(1, 7))}.128.5"


def write_configs(directory: Path, timeline: Timeline, at_s: float, device_name: str = "") -> list[Path]:
    """One file per device, or the one of ``device_name``, only where its text changed; returns the files written."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for device in (one for one in org.DEVICES if device_name in ("", one.name)):
        path, text = directory / f"{device.name}.conf", config_text(device, timeline, at_s)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def _junos(device: org.Exporter, wanted: _Wanted) -> str:
    settings, site = wanted.settings, org.BY_CODE[device.site]
    lines = [f"set version {org.HARDWARE['border'].os_version}", f"set system host-name {device.name}"]
    lines += [f"set system ntp server {settings['ntp']}", f'set system login message "{settings["banner"]}"']
    lines += ['set system root-authentication encrypted-password "$6$kZ1xvB2e$u5c9dQm0uXn"']
    lines += [f"set snmp contact {settings['contact']}", "set snmp community acme-ro-7f31 authorization read-only"]
    for port in org.all_ports(device):
        lines.append(f'set interfaces {port.name} description "{port.description}"')
        lines.append(f"set interfaces {port.name} mtu {wanted.mtu.get(port.index, effects.JUMBO_MTU)}")
        lines += [f"set interfaces {port.name} disable"] * (port.index in wanted.disabled)
        if port.boundary == "external":
            lines.append(f"set interfaces {port.name} unit 0 family inet filter input edge-in")
    lines += ["set protocols isis overload"] * wanted.overloaded
    for index, metric in _metrics(device.name).items():
        name = next(port.name for port in org.all_ports(device) if port.index == index)
        lines.append(f"set protocols isis interface {name}.0 level 2 metric {wanted.metric.get(index, metric)}")
    for port in device.ports[:3]:
        peer = f"set protocols bgp group {port.connectivity} neighbor {peer_address(device, port)}"
        lines += [f"{peer} peer-as {peer_asn(port)}", f'{peer} authentication-key "$9$mT69pu1EhrKM8X7-"']
        lines += [f"{peer} family inet unicast prefix-limit maximum {settings['limit']}"]
    lines += [f"set policy-options prefix-list blocked {address}/32" for address in wanted.blocked]
    edge = "set firewall family inet filter edge-in term"
    lines += [f"{edge} blocked from source-prefix-list blocked", f"{edge} blocked then discard"]
    if wanted.filtered:
        lines += [f"{edge} cleanup from destination-address {site.public}", f"{edge} cleanup from protocol tcp"]
        lines += [f"{edge} cleanup from destination-port https", f"{edge} cleanup then syslog"]
        lines += [f"{edge} cleanup then discard"]
    return "\n".join([*lines, f"{edge} rest then accept"]) + "\n"


def _metrics(device: str) -> dict[int, int]:
    """IGP metric of each port of a device at which a line of the backbone ends."""
    ends = [(link.a, link.a_port, link.metric) for link in org.BACKBONE]
    ends += [(link.b, link.b_port, link.metric) for link in org.BACKBONE]
    return {port: metric for name, port, metric in sorted(ends) if name == device}


def _nxos(device: org.Exporter, wanted: _Wanted) -> str:
    settings = wanted.settings
    lines = [f"version {org.HARDWARE['core'].os_version}", f"hostname {device.name}", "feature lldp", "feature bgp"]
    lines += [f"ntp server {settings['ntp']} use-vrf management", f"snmp-server contact {settings['contact']}"]
    lines += ["username admin password 5 $5$HGMPIO$kR8cWpNq7 role network-admin"]
    lines += ["snmp-server community acme-ro-7f31 group network-operator"]
    lines += ["ip access-list blocked", *(f"  deny ip {address}/32 any" for address in wanted.blocked)]
    lines += ["  permit ip any any"]
    for port in device.ports:
        lines += [f"interface {port.name}", f"  description {port.description}", "  mtu 9216"]
        if port.connectivity == "server":
            vlans = (str(vlan) for vlan in effects.VLANS if vlan != wanted.missing.get(port.index))
            lines += ["  switchport mode trunk", f"  switchport trunk allowed vlan {','.join(vlans)}"]
        lines.append("  shutdown" if port.index in wanted.disabled else "  no shutdown")
    lines += [f"router bgp {org.ACME_AS}", "  template peer backbone", f"    maximum-prefix {settings['limit']}"]
    return "\n".join(lines) + "\n"


def _fortios(device: org.Exporter, wanted: _Wanted) -> str:
    lines = ["config system global", f'    set hostname "{device.name}"', "end"]
    lines += ["config system ntp", "    set ntpsync enable", "    config ntpserver", "        edit 1"]
    lines += [f'            set server "{wanted.settings["ntp"]}"', "        next", "    end", "end"]
    lines += ["config system admin", '    edit "admin"', "        set password ENC SH2x8Qv0mKfJw91=", "    next", "end"]
    lines.append("config firewall address")
    for address in wanted.blocked:
        lines += [f'    edit "blocked-{address}"', f"        set subnet {address} 255.255.255.255", "    next"]
    lines += ["end", "config system interface"]
    for port in org.all_ports(device):
        lines += [f'    edit "{port.name}"', f'        set alias "{port.description}"']
        if port.index in wanted.mtu:
            lines += ["        set mtu-override enable", f"        set mtu {wanted.mtu[port.index]}"]
        lines += ["        set status down"] * (port.index in wanted.disabled) + ["    next"]
    lines += ["end", "config firewall policy"]
    for index in sorted(wanted.filtered):
        name = next(port.name for port in org.all_ports(device) if port.index == index)
        lines += [
            "    edit 2",
            '        set name "cleanup"',
            f'        set srcintf "{name}"',
            '        set service "HTTPS"',
        ]
        lines += ["        set action deny", "        set logtraffic all", "    next"]
    lines += ["    edit 10", '        set name "public services"', "        set action accept", "    next", "end"]
    return "\n".join(lines) + "\n"
