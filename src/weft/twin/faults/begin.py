"""A fault of a kind at a place: the one way in which the schedule, people and scenarios make them."""

from __future__ import annotations

import numpy as np

from weft.twin.faults.model import Fault, FaultGroup, FaultKind, Place

ENGINEERS = ("mchen", "akowalski", "jdoe", "psingh", "svc-automation")
#: Decoys that people of Acme do with their own accounts.
_BY_ENGINEERS = ("config_commit", "maintenance", "login_typo")


def begin(
    kind: FaultKind, place: Place, start_s: float, lasts_s: float, severity: float, rng: np.random.Generator,
    name: str = "",
) -> Fault:  # fmt: skip
    """A fault of a kind at a place. ``details["planned_s"]`` is how long it lasts unless somebody ends it."""
    engineer, outsider = ENGINEERS[int(rng.integers(len(ENGINEERS)))], f"198.51.100.{int(rng.integers(1, 255))}"
    is_ours = kind.group is FaultGroup.CHANGE or kind.name in _BY_ENGINEERS
    who = engineer if is_ours else outsider if kind.group is FaultGroup.SECURITY else ""
    return Fault(
        name, kind.name, start_s, start_s + lasts_s, place.device, place.port, place.other, place.other_port,
        place.target, who, severity, details={"planned_s": lasts_s},
    )  # fmt: skip


def planned_s(fault: Fault) -> float:
    """How long a fault lasts unless somebody ends it, s."""
    return float(fault.details.get("planned_s", fault.end_s - fault.start_s))


def dice(fault: Fault, salt: str) -> np.random.Generator:
    """Dice that a fault's features are thrown with: the same for a fault, however long it lasts."""
    return np.random.default_rng([int(fault.start_s * 1000) % 2**63, *f"{fault.kind} {salt}".encode()])
