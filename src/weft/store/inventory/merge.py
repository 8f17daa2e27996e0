"""Everything that all sources say → one inventory: the objects, their names, and where sources contradict each other.

``merge`` is a function of the statements as a set: their order does not matter, saying a thing twice changes nothing.
Must do no I/O and know no clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from weft.model.inventory import CLOUD_KINDS, Conflict, InventoryObject, ObjectKind
from weft.model.naming import host_token
from weft.store.inventory.devices import Cluster, Devices, addresses_of, names_of, resolve
from weft.store.inventory.fuse import Fuser, Precedence
from weft.store.inventory.interfaces import NO_PORTS, Ports, merge_interfaces
from weft.store.inventory.links import End, FindEnd, merge_links
from weft.store.inventory.statements import Statement

#: Objects that others name: they are listed even where nothing else is known of them.
_NAMED = (
    (ObjectKind.DEVICE, "site", ObjectKind.SITE), (ObjectKind.PREFIX, "site", ObjectKind.SITE),
    (ObjectKind.PREFIX, "service", ObjectKind.SERVICE), (ObjectKind.PREFIX, "customer", ObjectKind.CUSTOMER),
    (ObjectKind.LINK, "circuit", ObjectKind.CIRCUIT), (ObjectKind.INTERFACE, "circuit", ObjectKind.CIRCUIT),
    (ObjectKind.CIRCUIT, "provider", ObjectKind.PROVIDER), (ObjectKind.LINK, "provider", ObjectKind.PROVIDER),
    (ObjectKind.INTERFACE, "provider", ObjectKind.PROVIDER), (ObjectKind.SERVICE, "customers", ObjectKind.CUSTOMER),
)  # fmt: skip
_BY_NAME = (
    ObjectKind.SITE, ObjectKind.PROVIDER, ObjectKind.CIRCUIT, ObjectKind.SERVICE, ObjectKind.CUSTOMER,
    ObjectKind.PREFIX, *CLOUD_KINDS,
)  # fmt: skip
_Signature = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class MergedDevice:
    """A device with its interfaces and everything that it is known by."""

    object: InventoryObject
    ports: Ports
    names: tuple[str, ...]  # every name that a source gives it, best first
    addresses: tuple[str, ...]  # every address, best first


@dataclass(frozen=True, slots=True)
class Merged:
    """One inventory."""

    objects: Mapping[ObjectKind, Mapping[tuple[str, ...], InventoryObject]]
    devices: tuple[MergedDevice, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


@dataclass(slots=True)
class Remembered:
    """What the last merge made of each device, so that the next one need not do again what did not change."""

    devices: dict[_Signature, MergedDevice] = field(default_factory=dict)


def merge(
    statements: Iterable[Statement], precedence: Precedence | None = None, remembered: Remembered | None = None
) -> Merged:
    """Merge what all sources say."""
    precedence = precedence or Precedence()
    fuser = Fuser(precedence)
    by_kind: dict[ObjectKind, list[Statement]] = {kind: [] for kind in ObjectKind}
    for one in statements:
        by_kind[one.kind].append(one)
    ordered = {kind: precedence.ordered(found) for kind, found in by_kind.items()}
    spoken = [*ordered[ObjectKind.DEVICE], *_spoken_of(ordered)]
    resolved = resolve(precedence.ordered(spoken), precedence)
    devices = _devices(resolved, ordered[ObjectKind.INTERFACE], fuser, remembered)
    by_name = {device.object.key[0]: device for device in devices}
    links, link_conflicts = merge_links(ordered[ObjectKind.LINK], _finder(resolved, by_name), fuser)
    objects: dict[ObjectKind, dict[tuple[str, ...], InventoryObject]] = {kind: {} for kind in ObjectKind}
    for kind in _BY_NAME:
        objects[kind] = _by_name(kind, ordered[kind], fuser)
    for device in devices:
        objects[ObjectKind.DEVICE][device.object.key] = device.object
        objects[ObjectKind.INTERFACE].update({port.key: port for port in device.ports.objects})
    objects[ObjectKind.LINK] = {link.key: link for link in links}
    _add_named(objects)
    return Merged(objects, tuple(devices), (*resolved.conflicts, *link_conflicts))


def _spoken_of(ordered: Mapping[ObjectKind, Sequence[Statement]]) -> list[Statement]:
    """A fact for each device that a source knows only by its interfaces or links."""
    known = {(s.origin, s.scope, s.key[0]) for s in ordered[ObjectKind.DEVICE]}
    found: dict[tuple[str, str, str], Statement] = {}
    for kind, parts in ((ObjectKind.INTERFACE, (0,)), (ObjectKind.LINK, (0, 2))):
        for s in ordered[kind]:
            for part in parts:
                reference = (s.origin, s.scope, s.key[part])
                if reference in known:
                    continue
                last = found.get(reference)
                first, seen = (s.first_s, s.seen_s) if last is None else (
                    min(last.first_s, s.first_s), max(last.seen_s, s.seen_s)
                )  # fmt: skip
                key = (s.key[part],)
                found[reference] = Statement(0, s.origin, s.scope, ObjectKind.DEVICE, key, {}, first, seen)
    return list(found.values())


def _devices(
    resolved: Devices, interfaces: Sequence[Statement], fuser: Fuser, remembered: Remembered | None
) -> list[MergedDevice]:
    ports: dict[int, list[Statement]] = defaultdict(list)
    for one in interfaces:
        ports[id(resolved.by_reference[one.origin, one.scope, one.key[0]])].append(one)
    before = remembered.devices if remembered is not None else {}
    after: dict[_Signature, MergedDevice] = {}
    made = []
    for cluster in resolved.clusters:
        own = ports.get(id(cluster), [])
        signature = (cluster.key, *(f.number or f.source for f in cluster.facts), *(p.number for p in own))
        device = before.get(signature) or _device(cluster, own, fuser)
        after[signature] = device
        made.append(device)
    if remembered is not None:
        remembered.devices = after
    return made


def _device(cluster: Cluster, interfaces: Sequence[Statement], fuser: Fuser) -> MergedDevice:
    names = dict.fromkeys(n for fact in cluster.facts for n in names_of(fact) if host_token(n) != ("", ""))
    facts = cluster.facts
    one = fuser.object(ObjectKind.DEVICE, cluster.key, facts)
    addresses = tuple(dict.fromkeys([*one.get("addresses", ()), *(a for fact in facts for a in addresses_of(fact))]))
    if addresses and tuple(one.get("addresses", ())) != addresses:
        origin = next(f.origin for f in facts if addresses_of(f))
        one = fuser.with_claim(one, "addresses", list(addresses), origin)
    # A device that is only spoken of has its name from there; a name that tells nothing, or that two have, is not its.
    if one.get("name", None if names else cluster.key[0]) != cluster.key[0]:
        one = fuser.with_claim(one, "name", cluster.key[0], facts[0].origin)
    ports = merge_interfaces(cluster.key[0], interfaces, fuser) if interfaces else NO_PORTS
    return MergedDevice(one, ports, tuple(names), addresses)


def _finder(resolved: Devices, by_name: Mapping[str, MergedDevice]) -> FindEnd:
    def find(origin: str, scope: str, device: str, port: str) -> tuple[End, bool]:
        key = resolved.by_reference[origin, scope, device].key[0]
        known = by_name[key].ports.find(port) if port else None
        return (key, known.key[1] if known is not None else port), known is not None

    return find


def _by_name(kind: ObjectKind, statements: Sequence[Statement], fuser: Fuser) -> dict[tuple[str, ...], InventoryObject]:
    """Objects that are the same where their names are, whatever their case."""
    groups: dict[tuple[str, ...], list[Statement]] = defaultdict(list)
    for one in statements:
        groups[tuple(part.casefold() for part in one.key)].append(one)
    attribute = "prefix" if kind is ObjectKind.PREFIX else "name"
    made = (
        fuser.object(kind, members[0].key, members, **{attribute: members[0].key[0]}) for members in groups.values()
    )
    return {one.key: one for one in made}


def _add_named(objects: Mapping[ObjectKind, dict[tuple[str, ...], InventoryObject]]) -> None:
    known = {kind: {key[0].casefold() for key in objects[kind]} for kind in _BY_NAME}
    for kind, attribute, target in _NAMED:
        for one in list(objects[kind].values()):
            claim = one.claims.get(attribute)
            if claim is None:
                continue
            for name in claim.value if isinstance(claim.value, list) else (claim.value,):
                if isinstance(name, str) and name and name.casefold() not in known[target]:
                    known[target].add(name.casefold())
                    objects[target][name,] = InventoryObject(
                        target, (name,), {"name": type(claim)(name, claim.origin)}, (claim.origin,),
                        one.first_seen_s, one.last_seen_s,
                    )  # fmt: skip
