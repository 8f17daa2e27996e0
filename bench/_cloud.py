"""Flow logs as the providers write them, made up: every address, port and count drawn anew."""

from __future__ import annotations

import io
import json
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_ENIS = [f"eni-{n:017x}" for n in range(500)]
_AWS_FIELDS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
_AWS_MORE = (
    " vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id"
    " pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path"
)


def _addresses(rng: np.random.Generator, count: int, first: int) -> list[str]:
    hosts = rng.integers(0, 1 << 16, count)
    return [f"{first}.0.{h >> 8}.{h & 255}" for h in hosts.tolist()]


def aws_text(count: int, *, wide: bool = False, seed: int = 1) -> bytes:
    """A file in the default format, or with all fields up to version 5."""
    rng, now = np.random.default_rng(seed), int(time.time())
    src, dst = _addresses(rng, count, 10), _addresses(rng, count, 10)
    ports = rng.integers(1024, 65536, count).tolist()
    sums = rng.integers(1, 1 << 24, count).tolist()
    eni = rng.integers(0, len(_ENIS), count).tolist()
    more = (
        " vpc-0aaaaaaaaaaaaaaa1 subnet-0bbbbbbbbbbbbbbb{0} i-0cccccccccccccc{0:02x} 27 IPv4 {1} {2} eu-central-1"
        " euc1-az2 - - - S3 egress 8"
    )
    lines = [_AWS_FIELDS + (_AWS_MORE if wide else "")]
    for i in range(count):
        line = (
            f"{5 if wide else 2} 123456789012 {_ENIS[eni[i]]} {src[i]} {dst[i]} {ports[i]} 443 6 {sums[i] // 900 + 1}"
            f" {sums[i]} {now - 60} {now} {'REJECT' if i % 29 == 0 else 'ACCEPT'} OK"
        )
        lines.append(line + more.format(eni[i] % 90, src[i], dst[i]) if wide else line)
    return ("\n".join(lines) + "\n").encode()


def aws_parquet(count: int) -> bytes:
    """The same, default format, as Parquet."""
    heading, *lines = aws_text(count).decode().splitlines()
    cells = list(zip(*(line.split() for line in lines), strict=True))
    whole = {"version", "srcport", "dstport", "protocol", "start", "end", "packets", "bytes"}
    columns: dict[str, Any] = {}
    for name, values in zip(heading.split(), cells, strict=True):
        columns[name.replace("-", "_")] = pa.array([int(v) for v in values] if name in whole else list(values))
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression="gzip")
    return out.getvalue()


def azure(count: int, per_record: int = 2000) -> bytes:
    """A file of virtual network flow logs with ``count`` tuples."""
    rng, now = np.random.default_rng(2), int(time.time() * 1000)
    src, dst = _addresses(rng, count, 10), _addresses(rng, count, 10)
    sums = rng.integers(1, 1 << 24, count).tolist()
    records = []
    for first in range(0, count, per_record):
        tuples = [
            f"{now},{src[i]},{dst[i]},{40000 + i % 20000},443,6,{'OI'[i % 2]},C,NX,{sums[i] // 900 + 1},{sums[i]},"
            f"{sums[i] // 1200 + 1},{sums[i] // 3}"
            for i in range(first, min(first + per_record, count))
        ]
        network = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/net/providers/Microsoft.Network"
        records.append({
            "time": datetime.now(UTC).isoformat(), "flowLogVersion": 4, "macAddress": "00224871C205",
            "category": "FlowLogFlowEvent", "targetResourceID": f"{network}/virtualNetworks/vnet-prod",
            "flowRecords": {"flows": [{"aclID": "1", "flowGroups": [{"rule": "DefaultRule", "flowTuples": tuples}]}]},
        })  # fmt: skip
    return json.dumps({"records": records}, separators=(",", ":")).encode()


def gcp(count: int) -> bytes:
    """Lines of Cloud Logging entries with all that Google writes about both ends."""
    rng = np.random.default_rng(3)
    src, dst = _addresses(rng, count, 10), _addresses(rng, count, 10)
    sums = rng.integers(1, 1 << 24, count).tolist()
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")

    def side(i: int) -> dict[str, Any]:
        return {
            "instance": {"project_id": "prod-1", "vm_name": f"web-{i % 700}", "region": "europe-west3",
                         "zone": "europe-west3-b"},
            "vpc": {"project_id": "net-host", "vpc_name": "prod", "subnetwork_name": f"front-{i % 9}",
                    "subnetwork_region": "europe-west3"},
        }  # fmt: skip

    lines = []
    for i in range(count):
        one, other = side(i), side(i * 7 + 1)
        payload = {
            "connection": {"src_ip": src[i], "src_port": 40000 + i % 9999, "dest_ip": dst[i], "dest_port": 443,
                           "protocol": 6},
            "reporter": "SRC" if i % 2 else "DEST", "bytes_sent": str(sums[i]), "packets_sent": str(sums[i] // 900 + 1),
            "rtt_msec": "2", "start_time": now, "end_time": now, "src_instance": one["instance"],
            "dest_instance": other["instance"], "src_vpc": one["vpc"], "dest_vpc": other["vpc"],
        }  # fmt: skip
        lines.append(json.dumps({
            "insertId": f"{i:012x}", "jsonPayload": payload, "timestamp": now, "receiveTimestamp": now,
            "resource": {"type": "gce_subnetwork", "labels": {"subnetwork_name": "front", "location": "europe-west3-b",
                                                              "project_id": "prod-1", "subnetwork_id": "123456789"}},
            "logName": "projects/prod-1/logs/compute.googleapis.com%2Fvpc_flows",
        }, separators=(",", ":")))  # fmt: skip
    return ("\n".join(lines) + "\n").encode()


def oci(count: int) -> bytes:
    """Lines as a service connector writes them."""
    rng, now = np.random.default_rng(4), int(time.time())
    src, dst = _addresses(rng, count, 10), _addresses(rng, count, 10)
    sums = rng.integers(1, 1 << 24, count).tolist()
    lines = []
    for i in range(count):
        ocid = f"oc1.eu-frankfurt-1.{'a' * 50}{i % 300:04d}"
        lines.append(json.dumps({
            "datetime": now * 1000,
            "logContent": {
                "data": {"action": "ACCEPT", "bytesOut": sums[i], "destinationAddress": dst[i], "destinationPort": 443,
                         "endTime": now, "flowid": f"{i:08x}", "packets": sums[i] // 900 + 1, "protocol": 6,
                         "protocolName": "TCP", "sourceAddress": src[i], "sourcePort": 40000 + i % 9999,
                         "startTime": now - 60, "status": "OK", "version": "2"},
                "id": f"{i:08x}",
                "oracle": {"compartmentid": f"ocid1.compartment.{ocid}", "ingestedtime": "2026-01-01T00:00:00Z",
                           "loggroupid": f"ocid1.loggroup.{ocid}", "logid": f"ocid1.log.{ocid}",
                           "tenantid": f"ocid1.tenancy.{ocid}", "vniccompartmentocid": f"ocid1.compartment.{ocid}",
                           "vnicocid": f"ocid1.vnic.{ocid}", "vnicsubnetocid": f"ocid1.subnet.{ocid}"},
                "source": "-", "specversion": "1.0", "time": "2026-01-01T00:00:00Z",
                "type": "com.oraclecloud.vcn.flowlogs.DataEvent",
            },
        }, separators=(",", ":")))  # fmt: skip
    return ("\n".join(lines) + "\n").encode()
