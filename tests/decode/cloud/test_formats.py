"""Every format as its provider writes it, to rows."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weft.cli.decode_cloud import rows_of
from weft.decode.cloud import CloudDecoder, Options
from weft.errors import InvalidInput
from weft.model.cloud import CLOUD_FLOWS

NOW = 1_700_000_000_000_000_000
V2 = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
PLAIN = "2 123456789010 eni-1 192.0.2.1 198.51.100.9 49152 443 6 20 4249 1418530010 1418530070 ACCEPT OK"


def decoded(data: bytes, **options: Any) -> tuple[list[dict[str, Any]], CloudDecoder]:
    decoder = CloudDecoder(Options(**options), NOW)
    batches = [*decoder.feed(data), *decoder.finish()]
    for batch in batches:
        assert batch.schema == CLOUD_FLOWS.schema
    return [row for batch in batches for row in rows_of(batch)], decoder


def one(data: bytes, **options: Any) -> dict[str, Any]:
    rows, decoder = decoded(data, **options)
    assert decoder.errors == Counter()
    assert len(rows) == 1
    return rows[0]


def test_aws_default_format_with_and_without_heading() -> None:
    expected = {
        "time": "2014-12-14T04:07:50Z", "time_start": "2014-12-14T04:06:50Z", "provider": "aws",
        "account": "123456789010", "interface_id": "eni-1", "verdict": "accept", "direction": "unknown",
        "log_state": "ok", "src_addr": "192.0.2.1", "dst_addr": "198.51.100.9", "src_port": 49152, "dst_port": 443,
        "protocol": 6, "bytes": 4249, "packets": 20,
    }  # fmt: skip
    assert one(f"{V2}\n{PLAIN}\n".encode()) == expected
    assert one(f"{PLAIN}\r\n".encode()) == expected
    assert one(PLAIN.encode()) == expected  # nor a line end
    assert one(f"2014-12-14T04:07:51.000Z {PLAIN}\n".encode()) == expected  # as CloudWatch Logs exports it


def test_aws_nodata_skipdata_and_reject() -> None:
    lines = [
        V2,
        "2 123456789010 eni-1 - - - - - - - 1431280876 1431280934 - NODATA",
        "2 123456789010 eni-1 - - - - - - - 1431280876 1431280934 - SKIPDATA",
        PLAIN.replace("ACCEPT", "REJECT"),
    ]
    rows, _ = decoded("\n".join(lines).encode())
    assert [(row["log_state"], row["verdict"], row["bytes"]) for row in rows] == [
        ("nodata", "unknown", 0), ("skipdata", "unknown", 0), ("ok", "reject", 4249),
    ]  # fmt: skip
    assert "src_addr" not in rows[0]


def test_aws_custom_format_of_version_5_and_later() -> None:
    heading = (
        "account-id action az-id bytes dstaddr dstport end flow-direction instance-id interface-id log-status packets"
        " pkt-dst-aws-service pkt-dstaddr pkt-src-aws-service pkt-srcaddr protocol region srcaddr srcport start"
        " sublocation-id sublocation-type subnet-id tcp-flags traffic-path type version vpc-id reject-reason"
        " encryption-status"
    )
    line = (
        "123456789010 REJECT euc1-az1 5380 10.0.0.7 443 1620140761 egress i-1 eni-2 OK 15 S3 203.0.113.8 - 10.0.0.9 6"
        " eu-central-1 10.0.0.62 34892 1620140661 - - subnet-1 19 8 IPv4 10 vpc-1 BPA 1"
    )
    row = one(f"{heading}\n{line}\n".encode())
    assert row["dst_addr"] == "203.0.113.8"
    assert row["interface_dst_addr"] == "10.0.0.7"
    assert row["src_addr"] == "10.0.0.9"
    assert row["interface_src_addr"] == "10.0.0.62"
    assert (row["vpc"], row["subnet"], row["instance"], row["region"], row["zone"]) == (
        "vpc-1", "subnet-1", "i-1", "eu-central-1", "euc1-az1",
    )  # fmt: skip
    assert (row["service"], row["direction"], row["gateway"], row["rule"]) == (
        "S3",
        "egress",
        "internet gateway",
        "BPA",
    )
    assert (row["tcp_flags"], row["verdict"]) == (19, "reject")


def test_aws_transit_gateway() -> None:
    heading = (
        "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id"
        " tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id"
        " tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end"
        " log-status type packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded"
        " packets-lost-ttl-expired tcp-flags region flow-direction pkt-src-aws-service pkt-dst-aws-service"
    )
    line = (
        "6 TransitGateway 123456789010 tgw-1 tgw-attach-1 123456789010 123456789011 vpc-1 vpc-2 subnet-1 subnet-2 eni-1"
        " eni-2 euc1-az1 euc1-az2 tgw-attach-2 10.1.0.1 10.2.0.1 5000 443 6 10 4000 1620140661 1620140721 OK IPv4 1 2 3"
        " 4 0 eu-central-1 ingress - -"
    )
    row = one(f"{heading}\n{line}\n".encode())
    assert (row["gateway"], row["interface_id"], row["vpc"], row["peer_vpc"], row["peer_subnet"]) == (
        "tgw-1", "tgw-attach-1", "vpc-1", "vpc-2", "subnet-2",
    )  # fmt: skip
    assert (row["verdict"], row["direction"], row["packets_lost"]) == ("accept", "ingress", 10)


def test_aws_fields_from_the_settings() -> None:
    fields = "${interface-id} ${srcaddr} ${dstaddr} ${bytes}"
    row = one(b"eni-1 192.0.2.1 2001:db8::1 77\n", fields=fields)
    assert (row["interface_id"], row["src_addr"], row["dst_addr"], row["bytes"]) == (
        "eni-1", "192.0.2.1", "2001:db8::1", 77,
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="no field 'nonsense'"):
        decoded(b"eni-1 x\n", fields="interface-id nonsense")


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_aws_parquet(compression: str) -> None:
    columns = {
        "version": pa.array([2, 2], pa.int32()), "account_id": ["123456789010"] * 2, "interface_id": ["eni-1", "eni-2"],
        "srcaddr": ["192.0.2.1", "-"], "dstaddr": ["2001:db8::1", None], "srcport": pa.array([5000, None], pa.int32()),
        "dstport": pa.array([443, None], pa.int32()), "protocol": pa.array([6, None], pa.int32()),
        "packets": pa.array([20, None], pa.int64()), "bytes": pa.array([4249, None], pa.int64()),
        "start": pa.array([1418530010, 1418530010], pa.int64()), "end": pa.array([1418530070, 1418530070], pa.int64()),
        "action": ["ACCEPT", "-"], "log_status": ["OK", "NODATA"], "vpc_id": ["vpc-1", "vpc-1"],
    }  # fmt: skip
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression=compression)
    decoder = CloudDecoder(Options(), NOW)
    rows = [row for batch in decoder.parquet(pa.BufferReader(out.getvalue())) for row in rows_of(batch)]
    assert [row["log_state"] for row in rows] == ["ok", "nodata"]
    assert (rows[0]["src_addr"], rows[0]["dst_addr"], rows[0]["bytes"], rows[0]["vpc"]) == (
        "192.0.2.1", "2001:db8::1", 4249, "vpc-1",
    )  # fmt: skip


def test_parquet_that_is_none_or_of_something_else() -> None:
    for data in (b"PAR1 and then nothing PAR1", b"PAR1"):
        with pytest.raises(InvalidInput):
            list(CloudDecoder(Options(), NOW).parquet(pa.BufferReader(data)))
    out = io.BytesIO()
    pq.write_table(pa.table({"colour": ["red"]}), out)
    with pytest.raises(InvalidInput, match="flow log"):
        list(CloudDecoder(Options(), NOW).parquet(pa.BufferReader(out.getvalue())))


VNET = {
    "time": "2026-01-05T09:31:14.3Z", "flowLogVersion": 4, "macAddress": "00224871C205", "category": "FlowLogFlowEvent",
    "targetResourceID": "/subscriptions/S1/resourceGroups/Net/providers/Microsoft.Network/virtualNetworks/Prod",
    "flowRecords": {"flows": [{"aclID": "a", "flowGroups": [{"rule": "AllowWeb", "flowTuples": [
        "1663146003599,10.0.0.6,192.0.2.180,23956,443,6,O,B,NX,0,0,0,0",
        "1663146003606,10.0.0.6,192.0.2.180,23956,443,6,O,E,NX,3,767,2,1580",
        "1663146003637,203.0.113.17,10.0.0.6,22,44,6,I,D,NX,0,0,0,0",
    ]}]}]},
}  # fmt: skip


def test_azure_virtual_network_logs_count_both_ways() -> None:
    rows, decoder = decoded(json.dumps({"records": [VNET]}).encode())
    assert decoder.kind == "azure"
    assert [(r["src_addr"], r["dst_addr"], r["direction"], r["verdict"], r["bytes"]) for r in rows] == [
        ("10.0.0.6", "192.0.2.180", "egress", "accept", 0),
        ("10.0.0.6", "192.0.2.180", "egress", "accept", 767),
        ("203.0.113.17", "10.0.0.6", "ingress", "reject", 0),
        ("192.0.2.180", "10.0.0.6", "ingress", "accept", 1580),
    ]
    assert (rows[3]["src_port"], rows[3]["dst_port"], rows[3]["packets"]) == (443, 23956, 2)
    assert (rows[0]["account"], rows[0]["vpc"], rows[0]["interface_id"], rows[0]["rule"]) == (
        "s1", "net/prod", "00224871C205", "AllowWeb",
    )  # fmt: skip
    assert rows[0]["time"] == "2022-09-14T09:00:03.599Z"


def test_azure_security_group_logs_of_both_versions() -> None:
    record = {
        "time": "2017-02-16T22:00:32.895Z", "systemId": "x", "category": "NetworkSecurityGroupFlowEvent",
        "resourceId": "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/WEB",
        "properties": {"Version": 2, "flows": [{"rule": "DefaultRule_DenyAllInBound", "flows": [{
            "mac": "000D3AF8801A", "flowTuples": [
                "1487282421,192.0.2.95,10.1.0.4,51529,5358,T,I,D",
                "1487282370,192.0.2.95,10.1.0.4,28918,5358,U,I,A,E,10,1000,20,3000",
            ],
        }]}]},
    }  # fmt: skip
    rows, _ = decoded(json.dumps({"records": [record]}).encode())
    assert [(r["protocol"], r["verdict"], r["direction"], r["bytes"]) for r in rows] == [
        (6, "reject", "ingress", 0), (17, "accept", "ingress", 1000), (17, "accept", "egress", 3000),
    ]  # fmt: skip
    assert rows[0]["interface_id"] == "000D3AF8801A"
    assert rows[0]["time"] == "2017-02-16T22:00:21Z"


GCP = {
    "insertId": "1", "logName": "projects/p/logs/compute.googleapis.com%2Fvpc_flows",
    "resource": {"type": "gce_subnetwork", "labels": {"project_id": "p"}}, "timestamp": "2026-01-01T00:00:09Z",
    "jsonPayload": {
        "connection": {"src_ip": "10.0.0.1", "src_port": 5000, "dest_ip": "10.0.1.1", "dest_port": 443, "protocol": 6},
        "reporter": "SRC", "bytes_sent": "800", "packets_sent": "20",
        "start_time": "2026-01-01T00:00:00.000000001Z", "end_time": "2026-01-01T01:00:05.5+01:00",
        "src_instance": {"project_id": "p", "region": "europe-west3", "zone": "europe-west3-b", "vm_name": "we\"b-1"},
        "dest_instance": {"project_id": "q", "region": "europe-west3", "zone": "europe-west3-c", "vm_name": "db-1"},
        "src_vpc": {"project_id": "host", "vpc_name": "prod", "subnetwork_name": "front",
                    "subnetwork_region": "europe-west3"},
        "dest_vpc": {"project_id": "host", "vpc_name": "prod", "subnetwork_name": "back"},
    },
}  # fmt: skip


def test_gcp_both_reporters() -> None:
    row = one(json.dumps(GCP).encode())
    assert (row["time_start"], row["time"]) == ("2026-01-01T00:00:00.000000001Z", "2026-01-01T00:00:05.500Z")
    assert (row["account"], row["vpc"], row["subnet"], row["instance"], row["zone"]) == (
        "p", "host/prod", "europe-west3/front", 'we"b-1', "europe-west3-b",
    )  # fmt: skip
    assert (row["peer_instance"], row["peer_vpc"], row["direction"]) == ("db-1", "host/prod", "egress")
    assert row["bytes"] == 800
    there = json.loads(json.dumps(GCP))
    there["jsonPayload"]["reporter"] = "DEST"
    row = one(json.dumps(there, indent=2).encode())
    assert (row["account"], row["instance"], row["peer_instance"], row["direction"]) == (
        "q", "db-1", 'we"b-1', "ingress",
    )  # fmt: skip


def test_gcp_firewall_logs_tell_what_was_denied() -> None:
    payload = {
        "connection": {"src_ip": "203.0.113.9", "src_port": 4, "dest_ip": "10.0.0.1", "dest_port": 22, "protocol": 6},
        "disposition": "DENIED", "rule_details": {"reference": "network:prod/firewall:no-ssh", "direction": "INGRESS"},
        "instance": {"project_id": "p", "vm_name": "web-1", "region": "europe-west3", "zone": "europe-west3-b"},
        "vpc": {"project_id": "host", "vpc_name": "prod", "subnetwork_name": "front"},
    }  # fmt: skip
    row = one(json.dumps({"jsonPayload": payload, "timestamp": "2026-01-01T00:00:09Z"}).encode())
    assert (row["verdict"], row["rule"], row["direction"], row["time"]) == (
        "reject", "network:prod/firewall:no-ssh", "ingress", "2026-01-01T00:00:09Z",
    )  # fmt: skip
    assert (row["instance"], row["vpc"]) == ("web-1", "host/prod")


def test_oci_bare_and_from_a_connector() -> None:
    inner = {
        "data": {"action": "REJECT", "bytesOut": 4132, "destinationAddress": "2001:db8::5", "destinationPort": 443,
                 "endTime": 1689108091, "packets": 9, "protocol": 6, "sourceAddress": "10.0.0.1", "sourcePort": 60830,
                 "startTime": 1689108090, "status": "OK"},
        "oracle": {"tenantid": "ocid1.tenancy.oc1..t", "vnicocid": "ocid1.vnic.oc1.phx.v",
                   "vnicsubnetocid": "ocid1.subnet.oc1.phx.s"},
        "type": "com.oraclecloud.vcn.flowlogs.DataEvent",
    }  # fmt: skip
    for document in (inner, {"datetime": 1, "logContent": inner}):
        row = one(json.dumps(document).encode())
        assert (row["verdict"], row["bytes"], row["region"], row["interface_id"], row["dst_addr"]) == (
            "reject", 4132, "phx", "ocid1.vnic.oc1.phx.v", "2001:db8::5",
        )  # fmt: skip
    inner["data"] = {"status": "NODATA", "startTime": 1689108090, "endTime": 1689108091}
    assert one(json.dumps(inner).encode())["log_state"] == "nodata"


def test_a_list_of_records_and_bytes_in_front() -> None:
    rows, _ = decoded(b"\xef\xbb\xbf" + json.dumps([GCP, GCP]).encode())
    assert len(rows) == 2


def test_what_is_no_flow_log_is_said_so() -> None:
    for data in (b'{"a": 1}', b"[1, 2]", b"hello world\n", b"\0\1\2\3\n"):
        with pytest.raises(InvalidInput):
            decoded(data)
    assert decoded(b"")[0] == []


def test_samples_of_the_providers(test_data: Any) -> None:
    """Public samples decode without a complaint."""
    found = [path for path in (test_data / "cloud").rglob("*") if path.suffix in {".log", ".json"}]
    assert len(found) >= 3
    for path in found:
        assert one(path.read_bytes())["log_state"] in {"ok", "nodata"}


def test_addresses_of_every_spelling() -> None:
    texts = [
        "::", "::1", "2001:db8::", "2001:db8::192.0.2.1", "fe80::1:2:3:4", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.9",
        "0.0.0.0", "255.255.255.255", "2001:DB8::A",
    ]  # fmt: skip
    data = "\n".join(["srcaddr bytes version", *(f"{text} 1 2" for text in texts)]).encode()
    decoder = CloudDecoder(Options(), NOW)
    rows = [bytes(cell.as_py()) for b in [*decoder.feed(data), *decoder.finish()] for cell in b.column("src_addr")]
    expected = [
        IPv6Address(text).packed if ":" in text else b"\0" * 10 + b"\xff\xff" + IPv4Address(text).packed
        for text in texts
    ]  # fmt: skip
    assert rows == expected
    for text in (
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        ":",
        ":::",
        "1::2::3",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "g::1",
        "1:",
    ):
        _, decoder = decoded(f"srcaddr bytes version\n{text} 1 2\n".encode())
        assert decoder.errors == Counter(bad_address=1), text


def test_gzip_is_the_callers_to_unpack() -> None:
    with pytest.raises(InvalidInput):
        decoded(gzip.compress(PLAIN.encode()) + b"\n")
