"""``az network … list`` and ``az vm list`` as facts. Names are those of rows: ``group/network``. Must do no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from weft.model.inventory import Fact, ObjectKind

_One = Mapping[str, Any]


def facts_of(document: Any, _: str) -> Iterator[Fact] | None:
    """Facts of a document; None where it is none of Azure."""
    listed = document.get("value") if isinstance(document, dict) else document
    if not isinstance(listed, list) or not listed or not isinstance(listed[0], dict):
        return None
    if not str(listed[0].get("id", "")).lower().startswith("/subscriptions/"):
        return None
    return _all(listed)


def _all(listed: list[Any]) -> Iterator[Fact]:
    for one in listed:
        parts = _parts(one["id"])
        maker = _MAKERS.get(_type(one["id"]))
        if maker is not None:
            yield from maker(one, parts)


def _type(resource: str) -> str:
    """``virtualnetworks`` of ``/subscriptions/…/providers/Microsoft.Network/virtualNetworks/one``."""
    path = resource.lower().split("/")
    return path[-2] if len(path) > 2 else ""


def _parts(resource: str) -> dict[str, str]:
    path = resource.lower().strip("/").split("/")
    return dict(zip(path[::2], path[1::2], strict=False))


def _fact(kind: ObjectKind, key: str, one: _One, parts: Mapping[str, str], /, **more: Any) -> Fact:
    tags = one.get("tags") or {}
    zones = one.get("zones") or ()
    attributes = {
        "name": one.get("name"), "provider": "azure", "account": parts.get("subscriptions"),
        "region": one.get("location"), "zone": zones[0] if zones else None,
        "tags": [f"{name}={value}" for name, value in tags.items()], **more,
    }  # fmt: skip
    return Fact(kind, (key,), {name: value for name, value in attributes.items() if value not in (None, "", [])})


def vpc_key(resource: str) -> str:
    """The name of a virtual network by an id in it; empty where there is none."""
    parts = _parts(resource)
    network = parts.get("virtualnetworks")
    return f"{parts.get('resourcegroups', '')}/{network}" if network else ""


def subnet_key(resource: str) -> str:
    """The name of a subnet by its id."""
    parts = _parts(resource)
    return f"{parts['virtualnetworks']}/{parts['subnets']}" if {"virtualnetworks", "subnets"} <= parts.keys() else ""


def _get(one: _One, name: str) -> Any:
    """A property, as the CLI shows it at the top or the API below ``properties``."""
    return one.get(name, (one.get("properties") or {}).get(name))


def _network(one: _One, parts: Mapping[str, str]) -> Iterator[Fact]:
    space = (_get(one, "addressSpace") or {}).get("addressPrefixes")
    yield _fact(ObjectKind.VPC, vpc_key(one["id"]), one, parts, prefixes=space)
    for subnet in _get(one, "subnets") or ():
        prefixes = _get(subnet, "addressPrefixes") or [_get(subnet, "addressPrefix")]
        yield _fact(
            ObjectKind.SUBNET, subnet_key(subnet["id"]), subnet, parts, vpc=vpc_key(one["id"]),
            region=one.get("location"), prefixes=[prefix for prefix in prefixes if prefix],
        )  # fmt: skip
    for peering in _get(one, "virtualNetworkPeerings") or ():
        yield _fact(
            ObjectKind.GATEWAY, f"{vpc_key(one['id'])}/{peering['name']}".lower(), peering, parts, kind="peering",
            vpc=vpc_key(one["id"]), state=_get(peering, "peeringState"), region=one.get("location"),
            peer_vpc=vpc_key((_get(peering, "remoteVirtualNetwork") or {}).get("id", "")),
        )  # fmt: skip


def _nic(one: _One, parts: Mapping[str, str]) -> Iterator[Fact]:
    addresses, subnet = [], ""
    for each in _get(one, "ipConfigurations") or ():
        public = _get(each, "publicIPAddress") or _get(each, "publicIpAddress") or {}
        private = _get(each, "privateIPAddress") or _get(each, "privateIpAddress")
        addresses += [private, _get(public, "ipAddress")]
        subnet = subnet or (_get(each, "subnet") or {}).get("id", "")
    machine = (_get(one, "virtualMachine") or {}).get("id", "")
    group = (_get(one, "networkSecurityGroup") or {}).get("id", "")
    yield _fact(
        ObjectKind.NIC, _own_key(parts, "networkinterfaces"), one, parts, vpc=vpc_key(subnet),
        subnet=subnet_key(subnet), instance=_parts(machine).get("virtualmachines"), mac=_get(one, "macAddress"),
        addresses=[address for address in addresses if address],
        security_groups=[_own_key(_parts(group), "networksecuritygroups")] if group else None,
    )  # fmt: skip


def _own_key(parts: Mapping[str, str], kind: str) -> str:
    return f"{parts.get('resourcegroups', '')}/{parts.get(kind, '')}"


def _machine(one: _One, parts: Mapping[str, str]) -> Iterator[Fact]:
    size = (_get(one, "hardwareProfile") or {}).get("vmSize")
    yield _fact(ObjectKind.INSTANCE, parts["virtualmachines"], one, parts, size=size, state=one.get("powerState"))


def _group(one: _One, parts: Mapping[str, str]) -> Iterator[Fact]:
    rules = [
        f"{_get(rule, 'priority')} {_get(rule, 'access')} {_get(rule, 'direction')} {_get(rule, 'protocol')} "
        f"{_get(rule, 'sourceAddressPrefix') or 'several'} → {_get(rule, 'destinationAddressPrefix') or 'several'}"
        f":{_get(rule, 'destinationPortRange') or 'several'} ({rule.get('name')})"
        for rule in _get(one, "securityRules") or ()
    ]  # fmt: skip
    subnets = [subnet_key(subnet["id"]) for subnet in _get(one, "subnets") or ()]
    yield _fact(
        ObjectKind.SECURITY_GROUP, _own_key(parts, "networksecuritygroups"), one, parts, rules=rules, subnets=subnets
    )  # fmt: skip


def _route_table(one: _One, parts: Mapping[str, str]) -> Iterator[Fact]:
    routes = [
        f"{_get(route, 'addressPrefix')} via {_get(route, 'nextHopIpAddress') or _get(route, 'nextHopType')}"
        for route in _get(one, "routes") or ()
    ]  # fmt: skip
    subnets = [subnet_key(subnet["id"]) for subnet in _get(one, "subnets") or ()]
    yield _fact(ObjectKind.ROUTE_TABLE, _own_key(parts, "routetables"), one, parts, routes=routes, subnets=subnets)


def _gateway(one: _One, parts: Mapping[str, str]) -> Iterator[Fact]:
    kind = _type(one["id"])
    words = {"natgateways": "nat", "virtualnetworkgateways": str(_get(one, "gatewayType") or "vpn").lower(),
             "expressroutecircuits": "direct_connect", "azurefirewalls": "firewall"}  # fmt: skip
    subnet = next(((_get(each, "subnet") or {}).get("id", "") for each in _get(one, "ipConfigurations") or ()), "")
    yield _fact(ObjectKind.GATEWAY, _own_key(parts, kind), one, parts, kind=words[kind], vpc=vpc_key(subnet))


def _flow_log(one: _One, _: Mapping[str, str]) -> Iterator[Fact]:
    target = str(_get(one, "targetResourceId") or "")
    kinds = {"virtualnetworks": (ObjectKind.VPC, vpc_key(target)), "subnets": (ObjectKind.SUBNET, subnet_key(target))}
    found = kinds.get(_type(target))
    if found is not None and _get(one, "enabled") is not False:
        yield Fact(found[0], (found[1],), {"provider": "azure", "flow_logs": True})


_MAKERS = {
    "virtualnetworks": _network, "networkinterfaces": _nic, "virtualmachines": _machine,
    "networksecuritygroups": _group, "routetables": _route_table, "natgateways": _gateway,
    "virtualnetworkgateways": _gateway, "expressroutecircuits": _gateway, "azurefirewalls": _gateway,
    "flowlogs": _flow_log,
}  # fmt: skip
