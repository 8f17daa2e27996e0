"""Decoys that people of Acme make at work: maintenance and ordinary commits. Decoys of traffic: see ``attacks``."""

from __future__ import annotations

from weft.twin.faults import places
from weft.twin.faults.model import LEAVE, Fault, FaultGroup, FaultKind, Symptom, Truth
from weft.twin.faults.places import device_entity, interface_entity

_MIN = 60.0


def _maintenance(fault: Fault) -> Truth:
    return Truth(
        f"Maintenance: {fault.device} – {fault.other}", interface_entity(fault.device, fault.port), "benign",
        f"{fault.who} takes the line out of service for announced work and puts it back.",
        (
            Symptom("changes", device_entity(fault.device), f"committed by {fault.who}"),
            Symptom("metrics", interface_entity(fault.device, fault.port), "oper status down"),
            Symptom("metrics", interface_entity(fault.other, fault.other_port), "oper status down"),
            Symptom("logs", device_entity(fault.device), "a commit, then link down"),
        ),
        LEAVE, is_benign=True,
    )  # fmt: skip


def _config_commit(fault: Fault) -> Truth:
    return Truth(
        f"Commit on {fault.device}", device_entity(fault.device), "benign", f"{fault.who} commits an ordinary change.",
        (
            Symptom("changes", device_entity(fault.device), f"committed by {fault.who}"),
            Symptom("logs", device_entity(fault.device), f"committed by {fault.who}"),
        ),
        LEAVE, is_benign=True,
    )  # fmt: skip


KINDS = (
    FaultKind("maintenance", "Maintenance", FaultGroup.BENIGN, "Announced work on a line: it is shut and comes back.",
              (5 * _MIN, 30 * _MIN), 0.8, places.lines, _maintenance),
    FaultKind("config_commit", "Ordinary commit", FaultGroup.BENIGN, "An engineer commits a change that is in order.",
              (60.0, 60.0), 2.2, places.devices, _config_commit),
)  # fmt: skip
