"""Rows tied to the inventory, where traffic goes, and one end of two that counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from tests.collect.cloud.logs import NOW_S, aws, line

from weft.cli.decode_cloud import rows_of
from weft.collect.cloud.facts import facts_of
from weft.collect.cloud.index import CloudIndex
from weft.collect.cloud.place import Placer
from weft.decode.cloud import CloudDecoder, Options
from weft.model.addresses import packed
from weft.model.cloud import CLOUD_FLOWS, DESTINATIONS
from weft.model.inventory import Claim, Fact, InventoryObject, ObjectKind


def placed(placer: Placer, data: bytes) -> list[dict[str, Any]]:
    decoder = CloudDecoder(Options(), NOW_S * 10**9)
    out = []
    for batch in [*decoder.feed(data), *decoder.finish()]:
        done = placer.place(batch)
        done.validate(full=True)
        assert done.schema == CLOUD_FLOWS.schema
        for row, raw in zip(rows_of(done), done.to_pylist(), strict=True):
            out.append(row | {"counted": raw["counted"], "destination": DESTINATIONS[raw["destination"]]})
    return out


def index_of(*facts: Fact) -> CloudIndex:
    objects: dict[ObjectKind, list[InventoryObject]] = {}
    for fact in facts:
        claims = {name: Claim(value, "cloud") for name, value in fact.attributes.items()}
        objects.setdefault(fact.kind, []).append(InventoryObject(fact.kind, fact.key, claims, ("cloud",), 0, 0))
    return CloudIndex(objects)


def nic(name: str, address: str, vpc: str, zone: str = "az1", region: str = "eu-1", **more: Any) -> Fact:
    own = {"addresses": [address], "vpc": vpc, "zone": zone, "region": region, "instance": f"i-{name}", **more}
    return Fact(ObjectKind.NIC, (name,), own)


def test_traffic_between_two_logged_interfaces_counts_once() -> None:
    there = line("10.0.0.1", "10.0.0.2", 100, "eni-a")
    here = line("10.0.0.1", "10.0.0.2", 100, "eni-b", "ingress")
    back = line("10.0.0.2", "10.0.0.1", 30, "eni-b")
    back_there = line("10.0.0.2", "10.0.0.1", 30, "eni-a", "ingress")
    rows = placed(Placer(), aws(there, here, back, back_there))
    assert [row["counted"] for row in rows] == [1, 0, 1, 0]


def test_traffic_from_who_does_not_log_counts() -> None:
    rows = placed(
        Placer(), aws(line("192.0.2.1", "10.0.0.2", 100, "eni-b", "ingress"), line("10.0.0.2", "192.0.2.1", 9))
    )
    assert [row["counted"] for row in rows] == [1, 1]
    # The same address in another network is another end.
    other = line("10.0.0.2", "10.0.0.9", 5, "eni-z", "ingress", "vpc-2")
    assert placed(Placer(), aws(line("10.0.0.2", "10.0.0.7", 1), other))[1]["counted"] == 1


def test_who_logs_is_remembered_and_survives() -> None:
    first = Placer()
    placed(first, aws(line("10.0.0.1", "10.0.0.2", 100, "eni-a")))
    arrived = aws(line("10.0.0.1", "10.0.0.2", 100, "eni-b", "ingress"))
    assert placed(first, arrived)[0]["counted"] == 0
    keys = first.new_loggers()
    assert keys
    assert first.new_loggers() == []
    from weft.collect.cloud.place import unsigned

    assert placed(Placer(loggers=unsigned(keys)), arrived)[0]["counted"] == 0
    assert placed(Placer(), arrived)[0]["counted"] == 1


def test_the_inventory_says_who_logs_before_anything_came() -> None:
    placer = Placer()
    placer.use(index_of(
        nic("eni-a", "10.0.0.1", "vpc-1"), nic("eni-b", "10.1.0.2", "vpc-2"),
        Fact(ObjectKind.VPC, ("vpc-1",), {"flow_logs": True}),
    ))  # fmt: skip
    row = placed(placer, aws(line("10.0.0.1", "10.1.0.2", 100, "eni-b", "ingress", "vpc-2")))[0]
    assert (row["counted"], row["peer_vpc"], row["peer_instance"]) == (0, "vpc-1", "i-eni-a")


def test_directions_that_the_log_does_not_say() -> None:
    v2 = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
    lines = [
        f"2 1 eni-a {src} {dst} 5000 443 6 1 1 {NOW_S - 60} {NOW_S} ACCEPT"
        for src, dst in (("10.0.0.1", "10.0.0.2"), ("10.0.0.3", "10.0.0.1"), ("10.0.0.1", "192.0.2.1"))
    ]
    data = "\n".join([v2, *lines]).encode()
    assert [row["direction"] for row in placed(Placer(), data)] == ["egress", "ingress", "egress"]
    # One record alone may be of either end, unless the inventory knows.
    one = "\n".join([v2, lines[1]]).encode()
    assert placed(Placer(), one)[0]["direction"] == "unknown"
    placer = Placer()
    placer.use(index_of(nic("eni-a", "10.0.0.1", "vpc-1")))
    row = placed(placer, one)[0]
    assert (row["direction"], row["vpc"], row["instance"]) == ("ingress", "vpc-1", "i-eni-a")


def test_transit_gateways_see_what_networks_see() -> None:
    heading = (
        "version tgw-id tgw-attachment-id tgw-src-vpc-id tgw-dst-vpc-id srcaddr dstaddr bytes start end flow-direction"
    )
    lines = [
        f"6 tgw-1 tgw-attach-{n} vpc-1 vpc-2 10.1.0.1 10.2.0.1 50 {NOW_S - 60} {NOW_S} {direction}"
        for n, direction in ((1, "ingress"), (2, "egress"))
    ]
    data = "\n".join([heading, *lines]).encode()
    assert [row["counted"] for row in placed(Placer(), data)] == [1, 0]
    placer = Placer()
    placed(placer, aws(line("10.1.0.1", "10.2.0.1", 50)))
    assert [row["counted"] for row in placed(placer, data)] == [0, 0]


class Atlas:
    """Enrichment that knows two networks."""

    def locate(self, addresses: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        azure = np.array([bytes(row) == packed("203.0.113.9") for row in addresses])
        return np.where(azure, 64501, 64500).astype(np.uint32), np.where(azure, 5, 6).astype(np.uint32)

    def network_values(self, attribute: str) -> dict[int, str]:
        assert attribute == "cloud"
        return {5: "Azure"}


@pytest.mark.parametrize(
    ("to", "direction", "expected"),
    [
        ("10.0.0.2", "egress", "same_zone"), ("10.0.0.3", "egress", "same_region"), ("10.9.0.1", "egress", "other_vpc"),
        ("10.8.0.1", "egress", "other_region"), ("10.200.0.1", "egress", "on_premises"),
        ("198.51.100.1", "egress", "internet"), ("203.0.113.9", "egress", "other_cloud"),
        ("10.0.0.2", "ingress", "unknown"),
    ],
)  # fmt: skip
def test_where_traffic_goes(to: str, direction: str, expected: str) -> None:
    placer = Placer(Atlas())
    placer.use(index_of(
        nic("eni-1", "10.0.0.1", "vpc-1"), nic("eni-2", "10.0.0.2", "vpc-1"), nic("eni-3", "10.0.0.3", "vpc-1", "az2"),
        nic("eni-4", "10.9.0.1", "vpc-9"), nic("eni-5", "10.8.0.1", "vpc-8", region="us-1"),
    ))  # fmt: skip
    row = placed(placer, aws(line("10.0.0.1", to, 1, direction=direction)))[0]
    assert row["destination"] == expected
    assert row["dst_as"] == (64501 if to == "203.0.113.9" else 64500)


def test_services_and_no_inventory() -> None:
    heading = "srcaddr dstaddr bytes flow-direction pkt-dst-aws-service interface-id start end"
    data = f"{heading}\n10.0.0.1 198.51.100.9 5 egress S3 eni-1 {NOW_S - 60} {NOW_S}\n".encode()
    assert placed(Placer(), data)[0]["destination"] == "cloud_service"
    assert placed(Placer(), aws(line("10.0.0.1", "10.0.0.2", 1)))[0]["destination"] == "unknown"


def test_the_rate_of_sampling_is_the_subnets() -> None:
    placer = Placer()
    placer.use(index_of(
        nic("eni-1", "10.0.0.1", "vpc-1", subnet="s"), Fact(ObjectKind.SUBNET, ("s",), {"sampling_rate": 2}),
    ))  # fmt: skip
    assert placed(placer, aws(line("10.0.0.1", "192.0.2.1", 1)))[0]["sampling_rate"] == 2


def test_addresses_that_several_networks_have_are_told_apart() -> None:
    placer = Placer()
    placer.use(index_of(nic("eni-1", "10.0.0.1", "vpc-1"), nic("eni-x", "10.0.0.1", "vpc-2")))
    rows = placed(placer, aws(
        line("10.0.0.1", "192.0.2.1", 1, "eni-9", vpc="vpc-2"), line("10.0.0.1", "192.0.2.1", 1, "eni-9", vpc="vpc-3"),
    ))  # fmt: skip
    assert rows[0]["instance"] == "i-eni-x"
    assert "instance" not in rows[1]


def test_the_output_of_the_providers_commands() -> None:
    """Enough of each command's JSON to place a row by."""
    vpcs = {
        "Vpcs": [
            {"VpcId": "vpc-1", "OwnerId": "1", "CidrBlock": "10.0.0.0/16", "Tags": [{"Key": "Name", "Value": "n"}]}
        ]
    }
    nics = {"NetworkInterfaces": [{
        "NetworkInterfaceId": "eni-1", "OwnerId": "1", "VpcId": "vpc-1", "SubnetId": "subnet-1",
        "AvailabilityZone": "eu-central-1a", "MacAddress": "02:00:00:00:00:01",
        "Attachment": {"InstanceId": "i-1"}, "Groups": [{"GroupId": "sg-1"}],
        "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.1", "Association": {"PublicIp": "203.0.113.1"}}],
    }]}  # fmt: skip
    found = [*facts_of(vpcs, "eu-central-1/vpcs.json"), *facts_of(nics, "nics.json")]
    assert found[0] == Fact(ObjectKind.VPC, ("vpc-1",), {
        "name": "n", "provider": "aws", "account": "1", "region": "eu-central-1", "prefixes": ["10.0.0.0/16"],
    })  # fmt: skip
    assert found[1].attributes["addresses"] == ["10.0.0.1", "203.0.113.1"]
    assert found[1].attributes["region"] == "eu-central-1"


def test_batches_without_rows_pass() -> None:
    empty = pa.RecordBatch.from_pylist([], schema=CLOUD_FLOWS.schema)
    assert Placer().place(empty).num_rows == 0
