"""``aws ec2 describe-…`` as facts. Must do no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from weft.model.inventory import Fact, ObjectKind

_REGION = re.compile(
    r"(?<![a-z0-9])((?:us|eu|ap|ca|sa|me|af|il|mx|cn|eusc)(?:-(?:gov|iso[a-z]?|de))?"
    r"-(?:north|south|east|west|central)(?:east|west)?-\d)(?!\d)"
)
_One = Mapping[str, Any]


def facts_of(document: Any, path: str) -> Iterator[Fact] | None:
    """Facts of a document; None where it is none of AWS."""
    if not isinstance(document, dict) or not _MAKERS.keys() & document.keys():
        return None
    named = _REGION.search(path)
    return _all(document, named[1] if named else "")


def _all(document: _One, region: str) -> Iterator[Fact]:
    for key, maker in _MAKERS.items():
        for one in document.get(key) or ():
            yield from maker(one, region)


def _fact(kind: ObjectKind, key: str, one: _One, region: str, /, **more: Any) -> Fact:
    tags = {str(tag["Key"]): str(tag.get("Value", "")) for tag in one.get("Tags") or one.get("TagSet") or ()}
    attributes = {
        "name": tags.get("Name", ""), "provider": "aws", "account": one.get("OwnerId", ""), "region": region,
        "tags": [f"{name}={value}" for name, value in tags.items() if name != "Name"], **more,
    }  # fmt: skip
    return Fact(kind, (key,), {name: value for name, value in attributes.items() if value not in (None, "", [])})


def _zone_region(one: _One, region: str) -> str:
    zone = str(one.get("AvailabilityZone", ""))
    found = _REGION.match(zone)
    return found[1] if found else region


def _vpc(one: _One, region: str) -> Iterator[Fact]:
    blocks = [b["CidrBlock"] for b in one.get("CidrBlockAssociationSet") or ()] or [one.get("CidrBlock")]
    blocks += [b["Ipv6CidrBlock"] for b in one.get("Ipv6CidrBlockAssociationSet") or ()]
    yield _fact(ObjectKind.VPC, one["VpcId"], one, region, prefixes=[b for b in blocks if b])


def _subnet(one: _One, region: str) -> Iterator[Fact]:
    blocks = [one.get("CidrBlock"), *(b["Ipv6CidrBlock"] for b in one.get("Ipv6CidrBlockAssociationSet") or ())]
    yield _fact(
        ObjectKind.SUBNET, one["SubnetId"], one, _zone_region(one, region), vpc=one.get("VpcId"),
        zone=one.get("AvailabilityZoneId") or one.get("AvailabilityZone"), prefixes=[b for b in blocks if b],
    )  # fmt: skip


def _reservation(reservation: _One, region: str) -> Iterator[Fact]:
    for one in reservation.get("Instances") or ():
        place = one.get("Placement") or {}
        addresses = [one.get("PrivateIpAddress"), one.get("PublicIpAddress"), one.get("Ipv6Address")]
        yield _fact(
            ObjectKind.INSTANCE, one["InstanceId"], one, _zone_region(place, region),
            account=reservation.get("OwnerId"), zone=place.get("AvailabilityZoneId") or place.get("AvailabilityZone"),
            vpc=one.get("VpcId"), subnet=one.get("SubnetId"), size=one.get("InstanceType"),
            state=(one.get("State") or {}).get("Name"), addresses=[a for a in addresses if a],
        )  # fmt: skip
        for nic in one.get("NetworkInterfaces") or ():
            yield from _nic({**nic, "Attachment": {"InstanceId": one["InstanceId"]}}, _zone_region(place, region))


def _nic(one: _One, region: str) -> Iterator[Fact]:
    addresses = []
    for private in one.get("PrivateIpAddresses") or ():
        addresses += [private.get("PrivateIpAddress"), (private.get("Association") or {}).get("PublicIp")]
    addresses += [one.get("PrivateIpAddress"), (one.get("Association") or {}).get("PublicIp")]
    addresses += [a.get("Ipv6Address") for a in one.get("Ipv6Addresses") or ()]
    yield _fact(
        ObjectKind.NIC, one["NetworkInterfaceId"], one, _zone_region(one, region), vpc=one.get("VpcId"),
        subnet=one.get("SubnetId"), instance=(one.get("Attachment") or {}).get("InstanceId"), mac=one.get("MacAddress"),
        kind=one.get("InterfaceType"), description=one.get("Description"),
        addresses=list(dict.fromkeys(a for a in addresses if a)),
        security_groups=[group["GroupId"] for group in one.get("Groups") or ()],
    )  # fmt: skip


def _internet_gateway(one: _One, region: str) -> Iterator[Fact]:
    vpc = next((a.get("VpcId") for a in one.get("Attachments") or ()), None)
    yield _fact(ObjectKind.GATEWAY, one["InternetGatewayId"], one, region, kind="internet", vpc=vpc)


def _nat_gateway(one: _One, region: str) -> Iterator[Fact]:
    addresses = [a.get("PublicIp") for a in one.get("NatGatewayAddresses") or ()]
    yield _fact(
        ObjectKind.GATEWAY, one["NatGatewayId"], one, region, kind="nat", vpc=one.get("VpcId"), state=one.get("State"),
        addresses=[a for a in addresses if a],
    )  # fmt: skip


def _transit_gateway(one: _One, region: str) -> Iterator[Fact]:
    yield _fact(
        ObjectKind.GATEWAY, one["TransitGatewayId"], one, region, kind="transit", state=one.get("State"),
        description=one.get("Description"),
    )  # fmt: skip


def _attachment(one: _One, region: str) -> Iterator[Fact]:
    yield _fact(
        ObjectKind.GATEWAY, one["TransitGatewayAttachmentId"], one, region, kind="transit_attachment",
        account=one.get("VpcOwnerId") or one.get("ResourceOwnerId"), state=one.get("State"),
        vpc=one.get("VpcId") or (one.get("ResourceId") if one.get("ResourceType") == "vpc" else None),
    )  # fmt: skip


def _vpn_gateway(one: _One, region: str) -> Iterator[Fact]:
    vpc = next((a.get("VpcId") for a in one.get("VpcAttachments") or ()), None)
    yield _fact(ObjectKind.GATEWAY, one["VpnGatewayId"], one, region, kind="vpn", vpc=vpc, state=one.get("State"))


def _peering(one: _One, region: str) -> Iterator[Fact]:
    mine, other = one.get("RequesterVpcInfo") or {}, one.get("AccepterVpcInfo") or {}
    yield _fact(
        ObjectKind.GATEWAY, one["VpcPeeringConnectionId"], one, mine.get("Region") or region, kind="peering",
        account=mine.get("OwnerId"), vpc=mine.get("VpcId"), peer_vpc=other.get("VpcId"),
        state=(one.get("Status") or {}).get("Code"),
    )  # fmt: skip


def _endpoint(one: _One, region: str) -> Iterator[Fact]:
    yield _fact(
        ObjectKind.GATEWAY, one["VpcEndpointId"], one, region, kind="endpoint", vpc=one.get("VpcId"),
        state=one.get("State"), description=one.get("ServiceName"),
    )  # fmt: skip


def _route_table(one: _One, region: str) -> Iterator[Fact]:
    routes = []
    for route in one.get("Routes") or ():
        to = next((route[name] for name in _DESTINATIONS if route.get(name)), "")
        via = next((route[name] for name in _TARGETS if route.get(name)), "")
        routes.append(f"{to} via {via}" + (" (blackhole)" if route.get("State") == "blackhole" else ""))
    subnets = [a["SubnetId"] for a in one.get("Associations") or () if a.get("SubnetId")]
    yield _fact(ObjectKind.ROUTE_TABLE, one["RouteTableId"], one, region, vpc=one.get("VpcId"), routes=routes,
                subnets=subnets)  # fmt: skip


_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_TARGETS = (
    "TransitGatewayId", "NatGatewayId", "VpcPeeringConnectionId", "GatewayId", "NetworkInterfaceId", "InstanceId",
    "EgressOnlyInternetGatewayId", "LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn",
)  # fmt: skip


def _security_group(one: _One, region: str) -> Iterator[Fact]:
    rules = []
    for word, permissions in (("in", one.get("IpPermissions")), ("out", one.get("IpPermissionsEgress"))):
        for rule in permissions or ():
            protocol = "any" if rule.get("IpProtocol") == "-1" else str(rule.get("IpProtocol"))
            first, last = rule.get("FromPort"), rule.get("ToPort")
            ports = "" if first is None else f" {first}" if first == last else f" {first}-{last}"
            whom = [r["CidrIp"] for r in rule.get("IpRanges") or ()]
            whom += [r["CidrIpv6"] for r in rule.get("Ipv6Ranges") or ()]
            whom += [str(r.get("GroupId")) for r in rule.get("UserIdGroupPairs") or ()]
            rules += [f"{word} {protocol}{ports} {end}" for end in whom]
    yield _fact(
        ObjectKind.SECURITY_GROUP, one["GroupId"], one, region, vpc=one.get("VpcId"), rules=rules,
        description=one.get("Description"), **({} if _named(one) else {"name": one.get("GroupName")}),
    )  # fmt: skip


def _named(one: _One) -> bool:
    return any(tag.get("Key") == "Name" for tag in one.get("Tags") or ())


def _flow_log(one: _One, region: str) -> Iterator[Fact]:
    resource = str(one["ResourceId"])
    kinds = {"vpc": ObjectKind.VPC, "subnet": ObjectKind.SUBNET, "eni": ObjectKind.NIC, "tgw": ObjectKind.GATEWAY}
    kind = kinds.get(resource.partition("-")[0])
    if kind is not None and one.get("FlowLogStatus", "ACTIVE") == "ACTIVE":
        yield Fact(kind, (resource,), {"provider": "aws", "flow_logs": True, **({"region": region} if region else {})})


_MAKERS = {
    "Vpcs": _vpc, "Subnets": _subnet, "Reservations": _reservation, "NetworkInterfaces": _nic,
    "InternetGateways": _internet_gateway, "NatGateways": _nat_gateway, "TransitGateways": _transit_gateway,
    "TransitGatewayVpcAttachments": _attachment, "TransitGatewayAttachments": _attachment,
    "VpnGateways": _vpn_gateway, "VpcPeeringConnections": _peering, "VpcEndpoints": _endpoint,
    "RouteTables": _route_table, "SecurityGroups": _security_group, "FlowLogs": _flow_log,
}  # fmt: skip
