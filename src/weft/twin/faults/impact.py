"""What faults cost: the share of its orders that a site still takes while something is wrong, or the crowd it draws."""

from __future__ import annotations

import numpy as np

from weft.twin import cloud_faults
from weft.twin import organisation as org
from weft.twin.attacks.addresses import host
from weft.twin.attacks.sights import where_is
from weft.twin.faults import effects
from weft.twin.faults.model import Fault

#: Until routes have settled and people's sessions are rebuilt, s.
_SETTLED_S = 120.0
#: Kind → share of orders lost until routes have settled, and afterwards.
_AT_ENDS = {
    "link_cut": (0.45, 0.04), "congestion_reroute": (0.45, 0.12), "session_down": (0.65, 0.1),
    "withdrawn_transit": (0.35, 0.05), "link_flap": (0.2, 0.2), "misconfig_mtu": (0.08, 0.08),
}  # fmt: skip
_OF_ROLE = {"border": 0.9, "core": 0.6, "firewall": 0.3}
_FLOODS = ("ddos_udp_amplification", "ddos_syn", "ddos_carpet")


def orders_kept(fault: Fault, site: str, product: str, at_s: float) -> float:
    """What a fault leaves of the orders of a product through a site: 1 for all, more where a crowd comes."""
    if not fault.start_s <= at_s < fault.end_s:
        return 1.0
    if fault.kind == "flash_crowd":
        rise = min(1.0, (at_s - fault.start_s) / 180)
        return 1 + rise * (0.3 + 1.9 * fault.severity) if site == _victim_site(fault) else 1.0
    if fault.kind == "cloud_sg_block" and product != "app":
        return 1.0
    return 1 - _lost(fault, site, at_s)


def _lost(fault: Fault, site: str, at_s: float) -> float:
    worse = 0.4 + 0.6 * fault.severity
    is_here = site in (fault.device.partition("-")[0], fault.other.partition("-")[0])
    match fault.kind:
        case kind if kind in _AT_ENDS:
            early, late = _AT_ENDS[kind]
            return worse * (early if at_s - fault.start_s < _SETTLED_S else late) if is_here else 0.0
        case "device_reboot" if is_here:
            return _OF_ROLE[org.BY_NAME[fault.device].role]
        case "optic_degradation" if is_here:
            return min(0.35, 6 * effects.line_loss(fault, at_s))
        case "misconfig_acl" | "misconfig_vlan" if is_here:
            share = effects.port_factor(fault, fault.device, fault.port, np.array([at_s]))
            return 1 - float(share[0])
        case "dns_failure" if not fault.target[0].isdigit():
            return 0.6 * (0.25 + 0.75 * fault.severity)
        case "bgp_hijack" if site in effects.sites_of(fault.target):
            return 0.5 * fault.severity
        case kind if kind in _FLOODS and site == _victim_site(fault):
            return 0.03 + 0.6 * fault.severity**2
        case "cloud_sg_block":
            return 1 - cloud_faults.orders_kept(fault, org.BY_CODE[site].region)
    return 0.0


def _victim_site(fault: Fault) -> str:
    whom = fault.target.partition("@")[2]
    return where_is(host(whom, 0) if "/" in whom else whom)[0]
