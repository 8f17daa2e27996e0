"""What really happened: the faults and decoys of a run, and which entities have to do with which."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from weft.errors import InvalidInput
from weft.model.events import Entity

#: Entities that are written under another name by some: an exporter is a device.
_SAME_KIND = {"exporter": "device", "source": "device"}
#: Written ``device|part``.
_PARTS = frozenset({"interface", "peer", "queue", "optic", "sensor", "fan", "gpu"})
_NETWORKS = frozenset({"host", "prefix"})
_SPECIFIC_V4, _SPECIFIC_V6 = 16, 32
_MOST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Symptom:
    """What shows of a fault: in which dataset, at which entity, at the earliest ``after_s`` seconds after its start."""

    dataset: str
    entity: Entity
    after_s: float


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault or decoy that really was, between two times in UTC seconds. ``severity`` 0 to 1, in its own terms."""

    id: str
    kind: str
    group: str
    start_s: float
    end_s: float
    severity: float
    is_benign: bool
    root_cause: Entity
    symptoms: tuple[Symptom, ...]
    title: str = ""
    entities: frozenset[Entity] = field(default_factory=frozenset)
    """Root cause and where symptoms show."""

    @property
    def shows_s(self) -> float:
        """When its first symptom can be seen at the earliest."""
        return self.start_s + min((one.after_s for one in self.symptoms), default=0.0)

    def concerns(self, entities: Iterable[Entity]) -> bool:
        """Whether one of these entities is at fault or shows it, or is a part or the whole of one that does."""
        return any(related(mine, other) for other in entities for mine in self.entities)


def related(one: Entity, other: Entity) -> bool:
    """Whether two entities are the same, or one is a part of the other (port of a device, host of a prefix)."""
    kind, other_kind = _SAME_KIND.get(one.kind, one.kind), _SAME_KIND.get(other.kind, other.kind)
    if kind == other_kind and one.id == other.id:
        return True
    if kind in _NETWORKS and other_kind in _NETWORKS:
        return _overlap(one.id, other.id)
    if kind == "device" and other_kind in _PARTS:
        return one.id == other.id.partition("|")[0]
    if other_kind == "device" and kind in _PARTS:
        return other.id == one.id.partition("|")[0]
    if "link" in (kind, other_kind):
        return _at_link(one, other)
    return _named_within(one, other) or _named_within(other, one)


def _at_link(one: Entity, other: Entity) -> bool:
    """A link is written by its two ends (``a|x--b|y``), or its two devices: it has to do with each of them."""
    link, end = (one, other) if one.kind == "link" else (other, one)
    ends = link.id.split("--")
    return end.kind in ("device", "interface") and any(
        each in (end.id, end.id.partition("|")[0]) or each.partition("|")[0] == end.id for each in ends
    )


def _named_within(one: Entity, other: Entity) -> bool:
    """A test (``test|agent|target``) or a series of business (``series|label=value …``) tells of what it names."""
    if other.kind not in ("test", "business", "path", "domain"):
        return False
    parts = other.id.replace(",", "|").split("|")
    return one.id in parts or any(part.partition("=")[2].strip('"') == one.id for part in parts)


def _overlap(one: str, other: str) -> bool:
    """Whether one holds the other; what holds half of the Internet has to do with nothing in particular."""
    first, second = _network(one), _network(other)
    if isinstance(first, IPv4Network) and isinstance(second, IPv4Network):
        return min(first.prefixlen, second.prefixlen) >= _SPECIFIC_V4 and first.overlaps(second)
    if isinstance(first, IPv6Network) and isinstance(second, IPv6Network):
        return min(first.prefixlen, second.prefixlen) >= _SPECIFIC_V6 and first.overlaps(second)
    return False


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def read_truth(path: Path) -> list[Fault]:
    """Faults and decoys of a ``truth.jsonl``, by their start. Raises ``InvalidInput`` naming the line."""
    try:
        with path.open(encoding="utf-8") as file:
            return sorted(_faults(file, path), key=lambda fault: (fault.start_s, fault.id))
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", where=str(path)) from None


def _faults(lines: Iterable[str], path: Path) -> Iterator[Fault]:
    for number, line in enumerate(lines, 1):
        try:
            if len(line) > _MOST_LINE:
                raise ValueError("too long")
            told = json.loads(line)
            if told.get("type", "fault") in ("fault", "standing"):
                yield fault_of(told)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInput(f"is no line of a truth: {error}", where=f"{path.name}, line {number}") from None


def fault_of(told: Mapping[str, Any]) -> Fault:
    """From a line of ``truth.jsonl`` (docs/twin-faults.md). Raises ``KeyError`` or ``ValueError``."""
    root = Entity.parse(told["root_cause"])
    symptoms = tuple(
        Symptom(one["dataset"], Entity.parse(one["entity"]), float(one["after_s"])) for one in told["symptoms"]
    )
    return Fault(
        id=told["id"], kind=told["kind"], group=told["group"], start_s=float(told["start"]), end_s=float(told["end"]),
        severity=float(told["severity"]), is_benign=bool(told["is_benign"]), root_cause=root, symptoms=symptoms,
        title=told.get("title", ""), entities=frozenset((root, *(one.entity for one in symptoms))),
    )  # fmt: skip


def within(faults: Sequence[Fault], since_s: float, until_s: float) -> list[Fault]:
    """Those that were going on at some moment between two times."""
    return [one for one in faults if one.start_s < until_s and one.end_s > since_s]
