"""Which kinds of faults bring traffic of their own, and the strands of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from weft.twin.attacks.covert import backup_burst, c2_beacon, data_exfiltration, dns_tunnelling
from weft.twin.attacks.floods import amplification, carpet, syn_flood
from weft.twin.attacks.habits import habit
from weft.twin.attacks.probes import brute_force, login_typo, port_scan, scanner_approved
from weft.twin.attacks.strands import Attack, Strand
from weft.twin.attacks.surges import benign_surge, flash_crowd
from weft.twin.faults.model import Fault

PLANS: Mapping[str, Callable[[Attack], tuple[Strand, ...]]] = {
    "ddos_udp_amplification": amplification, "ddos_syn": syn_flood, "ddos_carpet": carpet, "port_scan": port_scan,
    "brute_force": brute_force, "c2_beacon": c2_beacon, "data_exfiltration": data_exfiltration,
    "dns_tunnelling": dns_tunnelling, "benign_surge": benign_surge, "flash_crowd": flash_crowd,
    "backup_burst": backup_burst, "login_typo": login_typo, "scanner_approved": scanner_approved,
}  # fmt: skip


def has_traffic(fault: Fault) -> bool:
    """Whether a fault brings traffic of its own."""
    return fault.kind in PLANS and "@" in fault.target


@lru_cache(maxsize=128)
def plan(attack: Attack) -> tuple[Strand, ...]:
    """The strands of an attack or a habit, drawn once."""
    return habit(attack) if attack.kind == "habit" else PLANS[attack.kind](attack)
