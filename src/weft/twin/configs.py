"""The configurations of Acme's devices, as another tool would drop them into a directory; commits change them.

Every commit of the timeline adds, changes or removes a line or two. Nothing is remembered: the text at any
moment follows from the commits since the start of the week before.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from weft.twin import organisation as org
from weft.twin.devices import peer_address, peer_asn
from weft.twin.faults.model import Fault
from weft.twin.timeline import Timeline

_WEEK_S = 7 * 86_400


def commits(timeline: Timeline, device: str, until_s: float) -> list[Fault]:
    """Commits on a device since the start of the week before that of ``until_s`` (UTC seconds)."""
    found = timeline.faults(until_s // _WEEK_S * _WEEK_S - _WEEK_S, until_s)
    return [one for one in found if one.kind == "config_commit" and one.device == device]


def config_text(device: org.Exporter, timeline: Timeline, at_s: float) -> str:
    """The running configuration at ``at_s`` (UTC seconds). The secrets in it are made up, too."""
    blocked: dict[str, None] = dict.fromkeys(f"192.0.2.{n}" for n in (66, 91, 130))
    settings = {
        "ntp": "10.10.128.5",
        "contact": "noc@acme.example",
        "limit": "1000000",
        "banner": "Authorised use only",
    }
    for one in commits(timeline, device.name, at_s):
        _apply(np.random.default_rng([timeline.seed, 79, int(one.start_s)]), blocked, settings)
    made = {"border": _junos, "core": _nxos, "firewall": _fortios}[device.role]
    return made(device, list(blocked), settings)


def _apply(rng: np.random.Generator, blocked: dict[str, None], settings: dict[str, str]) -> None:
    choice = int(rng.integers(5))
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


def _junos(device: org.Exporter, blocked: list[str], settings: dict[str, str]) -> str:
    lines = [f"set version {org.HARDWARE['border'].os_version}", f"set system host-name {device.name}"]
    lines += [f"set system ntp server {settings['ntp']}", f'set system login message "{settings["banner"]}"']
    lines += ['set system root-authentication encrypted-password "$6$kZ1xvB2e$u5c9dQm0uXn"']
    lines += [f"set snmp contact {settings['contact']}", "set snmp community acme-ro-7f31 authorization read-only"]
    for port in org.all_ports(device):
        lines.append(f'set interfaces {port.name} description "{port.description}"')
        lines.append(f"set interfaces {port.name} mtu 9192")
    for port in device.ports[:3]:
        peer = f"set protocols bgp group {port.connectivity} neighbor {peer_address(device, port)}"
        lines += [f"{peer} peer-as {peer_asn(port)}", f'{peer} authentication-key "$9$mT69pu1EhrKM8X7-"']
        lines += [f"{peer} family inet unicast prefix-limit maximum {settings['limit']}"]
    lines += [f"set policy-options prefix-list blocked {address}/32" for address in blocked]
    return "\n".join(lines) + "\n"


def _nxos(device: org.Exporter, blocked: list[str], settings: dict[str, str]) -> str:
    lines = [f"version {org.HARDWARE['core'].os_version}", f"hostname {device.name}", "feature lldp", "feature bgp"]
    lines += [f"ntp server {settings['ntp']} use-vrf management", f"snmp-server contact {settings['contact']}"]
    lines += ["username admin password 5 $5$HGMPIO$kR8cWpNq7 role network-admin"]
    lines += ["snmp-server community acme-ro-7f31 group network-operator"]
    lines += ["ip access-list blocked", *(f"  deny ip {address}/32 any" for address in blocked), "  permit ip any any"]
    for port in device.ports:
        lines += [f"interface {port.name}", f"  description {port.description}", "  mtu 9216", "  no shutdown"]
    lines += [f"router bgp {org.ACME_AS}", "  template peer backbone", f"    maximum-prefix {settings['limit']}"]
    return "\n".join(lines) + "\n"


def _fortios(device: org.Exporter, blocked: list[str], settings: dict[str, str]) -> str:
    lines = [
        "config system global",
        f'    set hostname "{device.name}"',
        "end",
        "config system ntp",
        "    set ntpsync enable",
    ]
    lines += [
        "    config ntpserver",
        "        edit 1",
        f'            set server "{settings["ntp"]}"',
        "        next",
        "    end",
        "end",
    ]
    lines += ["config system admin", '    edit "admin"', "        set password ENC SH2x8Qv0mKfJw91=", "    next", "end"]
    lines.append("config firewall address")
    for address in blocked:
        lines += [f'    edit "blocked-{address}"', f"        set subnet {address} 255.255.255.255", "    next"]
    lines += ["end", "config system interface"]
    for port in device.ports:
        lines += [f'    edit "{port.name}"', f'        set alias "{port.description}"', "    next"]
    return "\n".join([*lines, "end"]) + "\n"
