"""Which facts are about the same device.

Two facts are when they share a serial number, an LLDP chassis id, a name or an address, in that order. They are not,
whatever they share, when their serial numbers differ or when one source gives them two names: that is reported as a
conflict. The outcome does not depend on the order in which facts came. Must do no I/O.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from weft.model.inventory import Conflict, ObjectKind
from weft.model.naming import address_token, host_token, identifying, mac_token, same_host, serial_tokens
from weft.store.inventory.fuse import Precedence
from weft.store.inventory.statements import Statement

Host = tuple[str, str]
_NOBODY: Host = ("", "")
#: Devices that share something and contradict each other; with more of them it tells nothing.
_MOST_APART = 32


@dataclass(slots=True)
class Cluster:
    """Facts about one device, best first, and what they are told from others by."""

    facts: list[Statement]
    serials: list[frozenset[str]] = field(default_factory=list)
    names: dict[str, set[Host]] = field(default_factory=dict)  # by origin
    key: tuple[str, ...] = ()
    parent: Cluster | None = None

    def root(self) -> Cluster:
        """The cluster that this one has become part of."""
        one = self
        while one.parent is not None:
            if one.parent.parent is not None:
                one.parent = one.parent.parent
            one = one.parent
        return one


@dataclass(frozen=True, slots=True)
class Devices:
    """All devices, and which of them a source means by a name."""

    clusters: list[Cluster]
    by_reference: Mapping[tuple[str, str, str], Cluster]  # (origin, scope, device key as the source writes it)
    conflicts: list[Conflict]


def resolve(statements: Sequence[Statement], precedence: Precedence) -> Devices:
    """The devices that ``statements`` of kind device (best first) are about."""
    clusters = [_cluster(s) for s in statements]
    refused: dict[tuple[int, int], tuple[str, str]] = {}
    for what, groups in _evidence(statements):
        for token, members in groups:
            _join([clusters[i] for i in members], what, token, refused)
    found: dict[int, Cluster] = {}
    for cluster in clusters:
        root = cluster.root()
        found.setdefault(id(root), root)
    devices = list(found.values())
    for device in devices:
        device.facts = precedence.ordered(device.facts)
    _name(devices, precedence)
    references = {(s.origin, s.scope, s.key[0]): c.root() for s, c in zip(statements, clusters, strict=True)}
    return Devices(devices, references, _conflicts(refused, clusters))


def names_of(statement: Statement) -> Iterator[str]:
    """Names that a fact gives its device: the attribute's and, unless it is an address, the key's."""
    name = statement.attributes.get("name")
    if isinstance(name, str):
        yield name
    if name != statement.key[0]:
        yield statement.key[0]


def addresses_of(statement: Statement) -> list[str]:
    """Addresses that a fact gives its device, the one in the key last."""
    given = statement.attributes.get("addresses")
    found = [text for text in given if isinstance(text, str)] if isinstance(given, list) else []
    own = address_token(statement.key[0])
    return [*found, own] if own and own not in found else found


def _cluster(statement: Statement) -> Cluster:
    cluster = Cluster([statement])
    serials = serial_tokens(str(statement.attributes.get("serial", "")))
    if serials:
        cluster.serials.append(serials)
    # What the source calls it: the name where there is one, else the key.
    host = next((token for token in map(host_token, names_of(statement)) if token != _NOBODY), _NOBODY)
    if host != _NOBODY:
        cluster.names[statement.origin] = {host}
    return cluster


def _evidence(statements: Sequence[Statement]) -> Iterator[tuple[str, list[tuple[str, list[int]]]]]:
    """What facts share, strongest first: kind of evidence, and facts by what they have in common."""
    serials: dict[str, list[int]] = defaultdict(list)
    chassis: dict[str, list[int]] = defaultdict(list)
    names: dict[str, list[int]] = defaultdict(list)
    addresses: dict[str, list[int]] = defaultdict(list)
    domains: dict[str, set[str]] = defaultdict(set)
    for i, one in enumerate(statements):
        for token in serial_tokens(str(one.attributes.get("serial", ""))):
            serials[token].append(i)
        if one.attributes.get("chassis_id"):
            chassis[mac_token(str(one.attributes["chassis_id"]))].append(i)
        for short, domain in map(host_token, names_of(one)):
            domains[short].add(domain)
        for text in addresses_of(one):
            if identifying(text):
                addresses[text].append(i)
    for i, one in enumerate(statements):
        for short, domain in dict.fromkeys(map(host_token, names_of(one))):
            if short:  # "r1" is "r1.example" unless there is "r1.example" and "r1.test"
                alone = len(domains[short] - {""}) <= 1
                names[short if alone else f"{short}.{domain}"].append(i)
    for what, groups in (("serial", serials), ("chassis id", chassis), ("name", names), ("address", addresses)):
        yield what, sorted((token, members) for token, members in groups.items() if len(members) > 1)


def _join(members: Sequence[Cluster], what: str, token: str, refused: dict[tuple[int, int], tuple[str, str]]) -> None:
    """Make one of the members as far as they do not contradict each other; members come best first."""
    apart: list[Cluster] = []
    for member in members:
        root = member.root()
        for other in apart:
            home = other.root()
            if root is home:
                break
            if not _contradiction(home, root):
                _absorb(home, root)
                break
        else:
            if len(apart) >= _MOST_APART:
                return
            for other in apart:
                refused.setdefault((id(other), id(member)), (what, token))
            apart.append(member)


def _absorb(into: Cluster, one: Cluster) -> None:
    into.facts += one.facts
    into.serials += one.serials
    for origin, hosts in one.names.items():
        into.names.setdefault(origin, set()).update(hosts)
    one.parent = into


def _contradiction(one: Cluster, other: Cluster) -> str:
    """What speaks against two clusters being one device; empty = nothing."""
    if any(not a & b for a in one.serials for b in other.serials):
        return "serial"
    for origin, hosts in one.names.items():
        for host in hosts:
            if any(not same_host(host, another) for another in other.names.get(origin, ())):
                return "name"
    return ""


def _name(devices: Sequence[Cluster], precedence: Precedence) -> None:
    """Give each device its key: its name in force, else its first address; told apart where two have the same."""
    taken: set[str] = set()
    for device in sorted(devices, key=lambda d: precedence.rank(d.facts[0])):
        candidates = list(_candidates(device, precedence))
        name = next((text for text in candidates if text.casefold() not in taken), "")
        if not name:
            n = 2
            while f"{candidates[0]} ({n})".casefold() in taken:
                n += 1
            name = f"{candidates[0]} ({n})"
        taken.add(name.casefold())
        device.key = (name,)


def _candidates(device: Cluster, precedence: Precedence) -> Iterator[str]:
    ranked = sorted(
        precedence.of_attribute("name", device.facts), key=lambda fact: not fact.number
    )  # those of it first
    best = next((n for s in ranked for n in names_of(s) if host_token(n) != _NOBODY), "")
    addresses = list(dict.fromkeys(a for s in device.facts for a in addresses_of(s)))
    serial = next((str(s.attributes["serial"]) for s in device.facts if s.attributes.get("serial")), "")
    if best:
        yield best
        if serial:
            yield f"{best} ({serial})"
        for address in addresses:
            yield f"{best} ({address})"
    yield from addresses
    yield device.facts[0].key[0]


def _conflicts(refused: Mapping[tuple[int, int], tuple[str, str]], clusters: Iterable[Cluster]) -> list[Conflict]:
    """Pairs that share something and were kept apart."""
    by_id = {id(cluster): cluster for cluster in clusters}
    found: dict[tuple[str, ...], Conflict] = {}
    for (left, right), (shared, token) in refused.items():
        one, other = by_id[left].root(), by_id[right].root()
        if one is other:
            continue
        what = _contradiction(one, other)
        if what != "serial" and shared in {"address", "name"}:
            # One source tells them apart, and knows best: an address that several devices share is no contradiction.
            continue
        keys = tuple(sorted((one.key, other.key)))
        said = " and ".join(f"{c.key[0]} ({_says(c, what)})" for c in sorted((one, other), key=lambda c: c.key))
        text = f"{said} share the {shared} {token} and are not the same device"
        found.setdefault((shared, *keys[0], *keys[1]), Conflict(ObjectKind.DEVICE, what, keys, text))
    return list(found.values())


def _says(cluster: Cluster, what: str) -> str:
    for fact in cluster.facts:
        value = fact.attributes.get("serial") if what == "serial" else next(names_of(fact), "")
        if value:
            return f"{what} {value} says {fact.origin}"
    return cluster.facts[0].origin
