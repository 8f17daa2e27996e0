"""Attacks on Acme, and what looks like them: as flow records of each exporter, bit/s of each port, and log lines.

A fault of a security kind is planned as *strands*: parts of its traffic that take one way through the network. Each
exporter on that way meters a strand with its own sampling. What is true of an attack is drawn from the seed, the fault
and the minute, never from who asks or when: live and back-filled telemetry are the same.
"""

from weft.twin.attacks.logs import attack_messages
from weft.twin.attacks.metering import attack_records, habit_records
from weft.twin.attacks.plans import PLANS
from weft.twin.attacks.volume import attack_bps

__all__ = ["PLANS", "attack_bps", "attack_messages", "attack_records", "habit_records"]
