"""What a fault is, and what is true of it: the answer sheet that detection and diagnosis are scored against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class FaultGroup(StrEnum):
    """Families of faults, in the order in which people are shown them."""

    LINK = "link"
    DEVICE = "device"
    ROUTING = "routing"
    TRAFFIC = "traffic"
    SECURITY = "security"
    CHANGE = "change"
    APPLICATION = "application"
    CLOUD = "cloud"
    TELEMETRY = "telemetry"
    AI = "ai"
    BENIGN = "benign"  # decoys: they look like trouble and are none


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fault can happen. ``id`` is what a person or a scenario names; the rest is for those who play it."""

    id: str
    title: str
    device: str = ""
    port: int = 0
    other: str = ""
    other_port: int = 0
    target: str = ""  # site, service, prefix, job … as the kind says


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault or decoy from ``start_s`` to ``end_s``, UTC seconds. Whoever plays a part of Acme looks here."""

    id: str
    kind: str
    start_s: float
    end_s: float
    device: str = ""
    port: int = 0
    other: str = ""  # of a line: the other end
    other_port: int = 0
    target: str = ""
    who: str = ""  # engineer, or the address that attacks
    severity: float = 1.0  # 0 to 1: how bad, in the terms of its kind
    triggered: bool = False  # by a person, not by the schedule
    details: Mapping[str, Any] = field(default_factory=lambda: _NOTHING, hash=False)

    def progress(self, at_s: float) -> float:
        """How far it is, 0 at its start to 1 at its end."""
        return min(1.0, max(0.0, (at_s - self.start_s) / max(self.end_s - self.start_s, 1e-9)))


@dataclass(frozen=True, slots=True)
class Symptom:
    """What shows of a fault: in which dataset, at which entity, in words, and how long after its start."""

    dataset: str  # flows, metrics, logs, routes, probes, cloud_flows, business …
    entity: str  # "device:chi-border1", "interface:chi-border1|et-0/0/0", "prefix:203.0.113.0/24", "host:10.10.0.7" …
    text: str
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RightAction:
    """What a good operator would do: an action of the twin's executor and its parameters; ``none`` where waiting is."""

    kind: str
    parameters: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    text: str = ""


#: Of decoys.
LEAVE = RightAction("none", text="Nothing: it is meant to be so.")


@dataclass(frozen=True, slots=True)
class Truth:
    """The ground truth of one fault."""

    title: str
    root_cause: str  # the entity at fault, as in ``Symptom.entity``
    cause_type: str  # its kind in the words of diagnosis: "link down", "provider", "change", "attack", "benign" …
    text: str  # in a sentence
    symptoms: tuple[Symptom, ...]
    action: RightAction
    is_benign: bool = False
    services: tuple[str, ...] = ()  # that suffer
    customers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault. ``weight``: how often the schedule chooses it, 0 for never."""

    name: str
    title: str
    group: FaultGroup
    description: str
    lasts_s: tuple[float, float]
    weight: float
    places: Callable[[int], tuple[Place, ...]]  # seed → where it can happen
    truth: Callable[[Fault], Truth]
    severity: tuple[float, float] = (0.4, 1.0)
