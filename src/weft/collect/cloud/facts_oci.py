"""``oci network … list`` and ``oci compute … list`` as facts. Names are OCIDs, as in flow logs. Must do no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from weft.model.inventory import Fact, ObjectKind

_One = Mapping[str, Any]


def facts_of(document: Any, _: str) -> Iterator[Fact] | None:
    """Facts of a document; None where it is none of OCI."""
    listed = document.get("data") if isinstance(document, dict) else None
    if isinstance(listed, dict):
        listed = listed.get("items", [listed])
    if not isinstance(listed, list) or not listed or not isinstance(listed[0], dict):
        return None
    if not str(listed[0].get("id", "")).startswith("ocid1."):
        return None
    return _all(listed)


def _all(listed: list[Any]) -> Iterator[Fact]:
    for one in listed:
        kind = str(one["id"]).split(".")[1]
        maker = _MAKERS.get(kind)
        if maker is not None:
            yield from maker(one)
        elif kind in _GATEWAYS:
            yield _fact(ObjectKind.GATEWAY, one, kind=_GATEWAYS[kind], state=one.get("lifecycle-state"),
                        addresses=[one["nat-ip"]] if one.get("nat-ip") else None)  # fmt: skip


def _fact(kind: ObjectKind, one: _One, /, **more: Any) -> Fact:
    region = str(one["id"]).split(".")
    tags = one.get("freeform-tags") or {}
    attributes = {
        "name": one.get("display-name"), "provider": "oci", "account": one.get("compartment-id"),
        "region": one.get("region") or (region[3] if len(region) > 3 else ""), "vpc": one.get("vcn-id"),
        "zone": one.get("availability-domain"), "tags": [f"{name}={value}" for name, value in tags.items()], **more,
    }  # fmt: skip
    return Fact(kind, (one["id"],), {name: value for name, value in attributes.items() if value not in (None, "", [])})


def _vcn(one: _One) -> Iterator[Fact]:
    blocks = [*(one.get("cidr-blocks") or [one.get("cidr-block")]), *(one.get("ipv6-cidr-blocks") or ())]
    yield _fact(ObjectKind.VPC, one, prefixes=[block for block in blocks if block])


def _subnet(one: _One) -> Iterator[Fact]:
    blocks = [one.get("cidr-block"), one.get("ipv6-cidr-block")]
    yield _fact(ObjectKind.SUBNET, one, prefixes=[block for block in blocks if block])


def _vnic(one: _One) -> Iterator[Fact]:
    addresses = [one.get("private-ip"), one.get("public-ip"), *(one.get("ipv6-addresses") or ())]
    yield _fact(
        ObjectKind.NIC, one, subnet=one.get("subnet-id"), instance=one.get("instance-id"), mac=one.get("mac-address"),
        addresses=[address for address in addresses if address], security_groups=one.get("nsg-ids"),
    )  # fmt: skip


def _attachment(one: _One) -> Iterator[Fact]:
    """Says which instance an interface is of, and no more."""
    if one.get("vnic-id"):
        own = {"provider": "oci", "instance": one.get("instance-id"), "subnet": one.get("subnet-id")}
        yield Fact(ObjectKind.NIC, (one["vnic-id"],), {name: value for name, value in own.items() if value})


def _instance(one: _One) -> Iterator[Fact]:
    yield _fact(ObjectKind.INSTANCE, one, size=one.get("shape"), state=one.get("lifecycle-state"))


def _route_table(one: _One) -> Iterator[Fact]:
    routes = [f"{r.get('destination')} via {r.get('network-entity-id')}" for r in one.get("route-rules") or ()]
    yield _fact(ObjectKind.ROUTE_TABLE, one, routes=routes)


def _security_list(one: _One) -> Iterator[Fact]:
    rules = [f"in {r.get('protocol')} {r.get('source')}" for r in one.get("ingress-security-rules") or ()]
    rules += [f"out {r.get('protocol')} {r.get('destination')}" for r in one.get("egress-security-rules") or ()]
    yield _fact(ObjectKind.SECURITY_GROUP, one, rules=rules)


_GATEWAYS = {
    "internetgateway": "internet", "natgateway": "nat", "drg": "transit", "servicegateway": "endpoint",
    "localpeeringgateway": "peering", "virtualcircuit": "direct_connect", "ipsecconnection": "vpn",
}  # fmt: skip
_MAKERS = {
    "vcn": _vcn, "subnet": _subnet, "vnic": _vnic, "vnicattachment": _attachment, "instance": _instance,
    "routetable": _route_table, "securitylist": _security_list, "networksecuritygroup": _security_list,
}  # fmt: skip
