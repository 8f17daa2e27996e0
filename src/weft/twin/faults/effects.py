"""What faults do to lines, ports, devices and demands, as numbers. Whoever plays a part of Acme asks here.

Functions of one fault: of lines that are down, light and errors (optics), processors, metrics and exits of routing, and
of how much more or less traffic there is. What does not concern a fault leaves it as it is (0 or 1). How strong an
effect is follows from ``severity``; the weakest stay within what is ordinary on such a network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import ip_network

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.faults.begin import dice, planned_s
from weft.twin.faults.model import Fault

#: Received light from where on bits get lost, dBm; at full degradation the line loses a few percent of its packets.
SENSITIVITY_DBM = -8.0
#: Received light below which devices raise an alarm, dBm.
ALARM_DBM = -7.0
#: Octets that a port passes on after a misconfigured MTU; the network uses jumbo frames elsewhere.
SMALL_MTU, JUMBO_MTU = 1500, 9192
#: VLANs of the rows of servers.
VLANS = (110, 120, 130, 140)
#: AS numbers of those who do harm (set aside for documentation, RFC 5398).
HIJACKER_AS, LEAKER_AS, INVALID_AS = 64_510, 64_509, 64_508
_PORTS = {device.name: tuple(port.index for port in org.all_ports(device)) for device in org.DEVICES}

#: A port that is down: device, ifIndex, from, until (UTC seconds).
Outage = tuple[str, int, float, float]


@lru_cache(maxsize=4096)
def outages(fault: Fault) -> tuple[Outage, ...]:
    """Ports that a fault takes down."""
    ends = [(name, port) for name, port in ((fault.device, fault.port), (fault.other, fault.other_port)) if name]
    if fault.kind in ("link_cut", "congestion_reroute", "maintenance"):
        return tuple((*end, fault.start_s, fault.end_s) for end in ends)
    if fault.kind == "link_flap":
        return tuple((*end, since, until) for since, until in _flaps(fault) for end in ends)
    if fault.kind == "device_reboot":
        own = [(fault.device, port) for port in _PORTS[fault.device]]
        far = [
            (name, port)
            for link in org.LINKS
            for near, name, port in ((link.a, link.b, link.b_port), (link.b, link.a, link.a_port))
            if near == fault.device
        ]
        return tuple((*end, fault.start_s, fault.end_s) for end in (*own, *far))
    return ()


def _flaps(fault: Fault) -> Iterator[tuple[float, float]]:
    """Each time the line goes down: more often, and for longer, the worse."""
    rng, at = dice(fault, "flaps"), fault.start_s
    while at < fault.end_s:
        down = float(rng.uniform(2, 6 + 14 * fault.severity))
        yield at, min(at + down, fault.end_s)
        at += down + float(rng.uniform(15, 30 + 120 * (1 - fault.severity)))


def is_down(faults: Iterable[Fault], at_s: float) -> frozenset[tuple[str, int]]:
    """(device, ifIndex) of the ports that faults hold down at a moment."""
    return frozenset(
        (name, port) for one in faults for name, port, since, until in outages(one) if since <= at_s < until
    )


def reboots(fault: Fault) -> str:
    """The device that is off during the fault and then starts afresh; empty for none."""
    return fault.device if fault.kind == "device_reboot" else ""


# --- optics ----------------------------------------------------------------------------------------------------------


def optic_rx_db(fault: Fault, device: str, port: int, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light that a port receives less, dB: the fault's first end receives through what ages."""
    if fault.kind != "optic_degradation" or (device, port) != (fault.device, fault.port):
        return np.zeros_like(at_s)
    is_on = (at_s >= fault.start_s) & (at_s < fault.end_s)
    far = np.clip((at_s - fault.start_s) / (0.6 * planned_s(fault)), 0, 1)
    lost: NDArray[np.float64] = np.where(is_on, (2.5 + 8.5 * fault.severity) * far**0.7, 0.0)
    return lost


def alarm_after_s(fault: Fault) -> float | None:
    """Seconds from the start until a port reports too little light, None where that never happens."""
    if fault.kind != "optic_degradation":
        return None
    when = np.arange(fault.start_s, fault.end_s, 10.0)
    below = -2.8 - optic_rx_db(fault, fault.device, fault.port, when) < ALARM_DBM
    return 10.0 * int(below.argmax()) + 3.0 if below.any() else None


def error_rate(fault: Fault, device: str, port: int, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the packets received at a port that arrive broken (CRC)."""
    if fault.kind != "optic_degradation" or (device, port) != (fault.device, fault.port):
        return np.zeros_like(at_s)
    dbm = -2.8 - optic_rx_db(fault, device, port, at_s)
    below = np.clip(SENSITIVITY_DBM - dbm, 0, None)
    rate: NDArray[np.float64] = np.where(below > 0, np.minimum(0.08, 1e-6 * 10 ** (1.25 * below)), 0.0)
    return rate


def line_loss(fault: Fault, at_s: float) -> float:
    """Share of the packets lost on the line that a fault is at; both directions together."""
    return float(error_rate(fault, fault.device, fault.port, np.array([at_s]))[0])


# --- devices ---------------------------------------------------------------------------------------------------------


def cpu_percent(fault: Fault, device: str, at_s: float) -> float:
    """Percent of processor time that a fault takes at a device."""
    if device != fault.device or not fault.start_s <= at_s < fault.end_s:
        return 0.0
    if fault.kind == "cpu_overload":
        return (14 + 50 * fault.severity) * min(1.0, (at_s - fault.start_s) / 25 + 0.2)
    if fault.kind == "ddos_syn":
        return 18 * fault.severity
    return 0.0


def heat_celsius(fault: Fault, device: str, at_s: float) -> float:
    """How much hotter a device is."""
    return 0.7 * cpu_percent(fault, device, at_s) if fault.kind == "cpu_overload" else 0.0


def mtu(fault: Fault, device: str, port: int, at_s: float) -> int:
    """The MTU that a misconfiguration gives to a port; 0 where it leaves it alone."""
    if fault.kind == "misconfig_mtu" and (device, port) == (fault.device, fault.port):
        return SMALL_MTU if fault.start_s <= at_s < fault.end_s else 0
    return 0


def missing_vlan(fault: Fault) -> int:
    """The VLAN that a change leaves out."""
    return VLANS[int(dice(fault, "vlan").integers(len(VLANS)))]


# --- routing ---------------------------------------------------------------------------------------------------------


def metric_override(fault: Fault) -> tuple[str, int, int] | None:
    """(device, ifIndex, IGP metric) that a misconfiguration sets, None for none: far too cheap, or far too dear."""
    if fault.kind != "misconfig_metric":
        return None
    return fault.device, fault.port, 65_000 if dice(fault, "metric").random() < 0.5 else 1


def lost_exit(fault: Fault) -> tuple[str, int] | None:
    """(device, ifIndex) of the external port whose neighbour offers no routes during the fault, None for none."""
    is_one = fault.kind in ("session_down", "withdrawn_transit")
    return (fault.device, fault.port) if is_one else None


# --- traffic ---------------------------------------------------------------------------------------------------------


def demand_factor(fault: Fault, source: str, target: str, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many times as much traffic goes from a site to a site as without the fault; 1 for what it does not touch.

    ``source`` and ``target`` are codes of sites, empty for the Internet. What attacks and decoys add comes on top of
    it: see ``weft.twin.attacks``.
    """
    one = np.ones_like(at_s)
    peak = _peak(fault, source, target)
    if peak == 1.0:
        return one
    since, planned = at_s - fault.start_s, planned_s(fault)
    shape = np.clip(since / (planned * (0.8 if fault.kind == "congestion_growth" else 0.1)), 0, 1)
    is_on = (since >= 0) & (at_s < fault.end_s)
    return np.where(is_on, 1 + (peak - 1) * shape, one)


def _peak(fault: Fault, source: str, target: str) -> float:
    ends = {fault.device.partition("-")[0], fault.other.partition("-")[0]} - {""}
    match fault.kind:
        case "congestion_growth" if {source, target} == ends:
            return 1.5 + 3.5 * fault.severity
        case "congestion_reroute" if {source, target} == ends:
            return 1.0 + 1.2 * fault.severity
        case "bgp_hijack" if source == "" and target in sites_of(fault.target):
            return 1 - 0.8 * fault.severity
    return 1.0


#: Share of a port's traffic that a bad change stops at full severity; a fifth of it even at the least.
_CUT_OFF = {"misconfig_vlan": 0.75, "misconfig_acl": 0.55, "misconfig_mtu": 0.4}


def port_factor(fault: Fault, device: str, port: int, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left of a port's traffic where a change stops some of it: 1 for all."""
    if fault.kind not in _CUT_OFF or (device, port) != (fault.device, fault.port):
        return np.ones_like(at_s)
    share = _CUT_OFF[fault.kind] * (0.2 + 0.8 * fault.severity)
    return np.where((at_s >= fault.start_s) & (at_s < fault.end_s), 1 - share, 1.0)


@lru_cache(maxsize=256)
def sites_of(prefix: str) -> tuple[str, ...]:
    """Sites whose public addresses lie in a prefix."""
    whole = ip_network(prefix)
    return tuple(site.code for site in org.SITES if ip_network(site.public).overlaps(whole))
