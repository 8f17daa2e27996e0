"""Which faults an event of a kind speaks of: without that, precision could not be told for each class of faults.

A kind that is not here (a spike, a level shift) speaks of no fault in particular. It can give a fault away, and it
counts in the precision of all events, yet in that of no class.
"""

from __future__ import annotations

from collections.abc import Mapping

_LINK = ("link_cut", "link_flap", "congestion_reroute", "device_reboot", "ai_path_asymmetry")
_COMMITS = ("misconfig_metric", "misconfig_mtu", "misconfig_vlan", "misconfig_acl")
_DDOS = ("ddos_udp_amplification", "ddos_syn", "ddos_carpet")

#: Kind of event → kinds of faults (docs/twin-faults.md).
CLAIMS: Mapping[str, tuple[str, ...]] = {
    # lines and devices
    "link_down": _LINK,
    "link_flap": ("link_flap",),
    "optic_fading": ("optic_degradation", "ai_lossy_optic"),
    "optic_ageing": ("optic_degradation", "ai_lossy_optic"),
    "optic_alarm": ("optic_degradation", "ai_lossy_optic"),
    "interface_errors": ("optic_degradation", "ai_lossy_optic"),
    "interface_discards": ("congestion_growth", "congestion_reroute"),
    "interface_full": ("congestion_growth", "congestion_reroute"),
    "device_restart": ("device_reboot",),
    "cpu_high": ("cpu_overload",),
    "temperature_high": ("cpu_overload",),
    # routing
    "session_down": ("session_down", "device_reboot", "link_cut"),
    "sessions_down": ("device_reboot",),
    "session_flap": ("session_down",),
    "mass_withdrawal": ("withdrawn_transit", "session_down"),
    "origin_hijack": ("bgp_hijack", "rpki_invalid"),
    "subprefix_hijack": ("bgp_hijack",),
    "rpki_invalid": ("rpki_invalid", "bgp_hijack"),
    "route_leak": ("bgp_leak",),
    # security
    "ddos": _DDOS,
    "ddos_carpet": ("ddos_carpet",),
    "port_scan": ("port_scan",),
    "brute_force": ("brute_force",),
    "login_failures": ("brute_force",),
    "beacon": ("c2_beacon",),
    "exfiltration": ("data_exfiltration",),
    "dns_tunnel": ("dns_tunnelling",),
    # changes
    "change_impact": _COMMITS,
    "change_denies": ("misconfig_acl",),
    "acl_denies": ("misconfig_acl", "port_scan"),
    "mtu_mismatch": ("misconfig_mtu",),
    # paths and applications
    "dns_failure": ("dns_failure",),
    "dns_slow": ("dns_failure",),
    "service_slow": ("saas_slowdown",),
    "service_failing": ("saas_slowdown",),
    "path_change": ("link_cut", "link_flap", "congestion_reroute", "misconfig_metric", "withdrawn_transit"),
    "certificate_expiring": ("certificate_expiring",),
    # clouds
    "cloud_rejects": ("cloud_sg_block",),
    "cloud_volume": ("cloud_cost_spike",),
    # telemetry
    "exporter_silent": ("exporter_silent", "device_reboot"),
    "metrics_silent": ("device_reboot",),
    "clock_skew": ("clock_skew",),
    # AI cluster
    "microburst": ("ai_microburst_incast",),
    "pfc_storm": ("ai_pfc_storm", "ai_ecn_misconfig", "ai_slow_nic"),
    "ecn_missing": ("ai_ecn_misconfig",),
    "uplink_imbalance": ("ai_elephant_collision", "ai_path_asymmetry"),
    "fabric_loss": ("ai_lossy_optic",),
    "gpu_straggler": ("ai_gpu_straggler",),
    "slow_nic": ("ai_slow_nic",),
    "storage_slow": ("ai_storage_stall",),
}


def claims(kind: str) -> tuple[str, ...]:
    """Kinds of faults that an event of a kind speaks of; none where it speaks of nothing in particular."""
    return CLAIMS.get(kind, ())
