"""``gcloud compute … list --format=json`` as facts. Names are those of rows: ``project/network``. Must do no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from weft.model.inventory import Fact, ObjectKind

_One = Mapping[str, Any]
_PATH = re.compile(r"/projects/([^/]+)/(?:global|regions/([^/]+)|zones/([^/]+))/[^/]+/([^/]+)$")


def facts_of(document: Any, _: str) -> Iterator[Fact] | None:
    """Facts of a document; None where it is none of GCP."""
    if not isinstance(document, list) or not document or not isinstance(document[0], dict):
        return None
    if not str(document[0].get("kind", "")).startswith("compute#"):
        return None
    return _all(document)


def _all(listed: list[Any]) -> Iterator[Fact]:
    for one in listed:
        maker = _MAKERS.get(str(one.get("kind", "")).removeprefix("compute#"))
        if maker is not None:
            yield from maker(one)


def _split(link: str) -> tuple[str, str, str, str]:
    """Project, region, zone and name of a link."""
    found = _PATH.search(link)
    if found is None:
        return "", "", "", link.rsplit("/", 1)[-1]
    project, region, zone, name = found.groups()
    return project, region or (zone or "").rpartition("-")[0], zone or "", name


def _vpc_of(link: str) -> str:
    project, _, _, name = _split(link)
    return f"{project}/{name}" if project and name else name


def _subnet_of(link: str) -> str:
    _, region, _, name = _split(link)
    return f"{region}/{name}" if region and name else name


def _fact(kind: ObjectKind, key: str, one: _One, /, **more: Any) -> Fact:
    project, region, zone, name = _split(str(one.get("selfLink", "")))
    labels = one.get("labels") or {}
    attributes = {
        "name": one.get("name") or name, "provider": "gcp", "account": project, "region": region, "zone": zone,
        "description": one.get("description"), "tags": [f"{label}={value}" for label, value in labels.items()], **more,
    }  # fmt: skip
    return Fact(kind, (key,), {name: value for name, value in attributes.items() if value not in (None, "", [])})


def _network(one: _One) -> Iterator[Fact]:
    yield _fact(
        ObjectKind.VPC, _vpc_of(one["selfLink"]), one, prefixes=[one["IPv4Range"]] if one.get("IPv4Range") else None
    )
    for peering in one.get("peerings") or ():
        yield _fact(
            ObjectKind.GATEWAY, f"{_vpc_of(one['selfLink'])}/{peering['name']}", one, name=peering["name"],
            kind="peering", vpc=_vpc_of(one["selfLink"]), peer_vpc=_vpc_of(peering.get("network", "")),
            state=peering.get("state"),
        )  # fmt: skip


def _subnetwork(one: _One) -> Iterator[Fact]:
    blocks = [one.get("ipCidrRange"), one.get("ipv6CidrRange")]
    blocks += [second.get("ipCidrRange") for second in one.get("secondaryIpRanges") or ()]
    logs = one.get("logConfig") or {}
    share = logs.get("flowSampling")
    enabled = bool(logs.get("enable", one.get("enableFlowLogs")))
    yield _fact(
        ObjectKind.SUBNET, _subnet_of(one["selfLink"]), one, vpc=_vpc_of(one.get("network", "")),
        prefixes=[block for block in blocks if block], flow_logs=True if enabled else None,
        sampling_rate=max(1, round(1 / share)) if enabled and isinstance(share, int | float) and share > 0 else None,
    )  # fmt: skip


def _instance(one: _One) -> Iterator[Fact]:
    project = _split(one["selfLink"])[0]
    nics, everything = [], []
    for nic in one.get("networkInterfaces") or ():
        addresses = [nic.get("networkIP"), nic.get("ipv6Address")]
        addresses += [access.get("natIP") for access in nic.get("accessConfigs") or ()]
        addresses = [address for address in addresses if address]
        everything += addresses
        nics.append(_fact(
            ObjectKind.NIC, f"{project}/{one['name']}/{nic.get('name', 'nic0')}", one, addresses=addresses,
            vpc=_vpc_of(nic.get("network", "")), subnet=_subnet_of(nic.get("subnetwork", "")), instance=one["name"],
        ))  # fmt: skip
    first = nics[0].attributes if nics else {}
    size = str(one.get("machineType", "")).rsplit("/", 1)[-1]
    yield _fact(
        ObjectKind.INSTANCE, one["name"], one, size=size, state=one.get("status"), addresses=everything,
        vpc=first.get("vpc"), subnet=first.get("subnet"),
    )  # fmt: skip
    yield from nics


def _firewall(one: _One) -> Iterator[Fact]:
    rules = []
    for word, listed in (("allow", one.get("allowed")), ("deny", one.get("denied"))):
        for rule in listed or ():
            ports = ",".join(rule.get("ports") or ())
            ends = one.get("sourceRanges") or one.get("destinationRanges") or one.get("sourceTags") or ["any"]
            rules += [
                f"{word} {one.get('direction', '').lower()} {rule.get('IPProtocol')} {ports} {end}" for end in ends
            ]
    yield _fact(
        ObjectKind.SECURITY_GROUP, _vpc_of(one["selfLink"]), one, vpc=_vpc_of(one.get("network", "")), rules=rules
    )


def _route(one: _One) -> Iterator[Fact]:
    names = ("nextHopGateway", "nextHopIp", "nextHopInstance", "nextHopVpnTunnel", "nextHopPeering", "nextHopIlb",
             "nextHopNetwork")  # fmt: skip
    via = next((str(one[name]).rsplit("/", 1)[-1] for name in names if one.get(name)), "")
    yield _fact(
        ObjectKind.ROUTE_TABLE, _vpc_of(one["selfLink"]), one, vpc=_vpc_of(one.get("network", "")),
        routes=[f"{one.get('destRange')} via {via}"],
    )  # fmt: skip


def _gateway(one: _One) -> Iterator[Fact]:
    kind = str(one["kind"]).removeprefix("compute#")
    words = {"router": "nat" if one.get("nats") else "router", "vpnTunnel": "vpn", "vpnGateway": "vpn",
             "targetVpnGateway": "vpn", "interconnectAttachment": "direct_connect"}  # fmt: skip
    yield _fact(ObjectKind.GATEWAY, one["name"], one, kind=words[kind], vpc=_vpc_of(one.get("network", "")) or None,
                state=one.get("status") or one.get("state"))  # fmt: skip


_MAKERS = {
    "network": _network, "subnetwork": _subnetwork, "instance": _instance, "firewall": _firewall, "route": _route,
    "router": _gateway, "vpnTunnel": _gateway, "vpnGateway": _gateway, "targetVpnGateway": _gateway,
    "interconnectAttachment": _gateway,
}  # fmt: skip
