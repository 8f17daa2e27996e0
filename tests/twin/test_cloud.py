"""Acme's clouds: every provider's files decode, are placed by the inventory, and add up to what was carried."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from weft.cli.decode_cloud import rows_of
from weft.collect.cloud.facts import facts_of
from weft.collect.cloud.index import CloudIndex
from weft.collect.cloud.place import Placer
from weft.decode.cloud import CloudDecoder, Options
from weft.model.cloud import DESTINATIONS
from weft.model.inventory import Fact, InventoryObject, ObjectKind
from weft.store.inventory.merge import merge
from weft.store.inventory.statements import Statement, clean
from weft.twin.cloud import AWS_ACCOUNTS, HOSTS, NETS
from weft.twin.cloud_inventory import write_cloud_inventory
from weft.twin.cloud_logs import aws_file, azure_records, gcp_file, oci_file, ways
from weft.twin.config import DemoConfig
from weft.twin.demo_cloud import DemoCloud, cloud_settings
from weft.twin.timeline import Timeline

SLOT = 1_795_000_200
QUIET = Timeline(7, None)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> list[Fact]:
    folder = write_cloud_inventory(tmp_path_factory.mktemp("inventory"))
    return [
        fact
        for path in sorted(folder.glob("*.json"))
        for fact in facts_of(json.loads(path.read_text()), str(path))
    ]  # fmt: skip


def objects_of(facts: list[Fact]) -> dict[ObjectKind, list[InventoryObject]]:
    """As the inventory merges them."""
    statements = [
        Statement(i + 1, "cloud", f"file {i}", one.kind, one.key, one.attributes, 0.0)
        for i, one in enumerate(map(clean, facts))
    ]
    return {kind: list(found.values()) for kind, found in merge(statements).objects.items()}


def files() -> list[bytes]:
    azure = json.dumps({"records": azure_records(QUIET, SLOT)}).encode()
    aws = [aws_file(QUIET, SLOT, account) for account in AWS_ACCOUNTS.values()]
    return [*aws, azure, gcp_file(QUIET, SLOT), oci_file(QUIET, SLOT)]


@cache
def decoded(data: bytes) -> list[Any]:
    text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    decoder = CloudDecoder(Options(), SLOT * 10**9)
    batches = [*decoder.feed(text), *decoder.finish()]
    assert decoder.errors == Counter()
    return batches


def test_the_inventory_knows_every_host(facts: list[Fact]) -> None:
    kinds = Counter(fact.kind for fact in facts)
    assert kinds[ObjectKind.NIC] == len(HOSTS)
    objects = objects_of(facts)
    assert len(objects[ObjectKind.VPC]) == len(NETS)
    assert {one.get("provider") for one in objects[ObjectKind.NIC]} == {"aws", "azure", "gcp", "oci"}
    regions = {one.get("region") for one in objects[ObjectKind.SUBNET]}
    assert regions >= {"us-east-1", "eu-central-1", "westeurope", "europe-west3", "eu-frankfurt-1"}
    logged = [one for one in objects[ObjectKind.VPC] if one.get("flow_logs")]
    assert {one.get("provider") for one in logged} == {"aws", "azure"}


def test_what_counts_is_what_was_carried(facts: list[Fact]) -> None:
    placer = Placer()
    placer.use(CloudIndex(objects_of(facts)))
    batches = [placer.place(batch) for data in files() for batch in decoded(data)]
    carried: dict[tuple[Any, ...], Counter[int]] = defaultdict(Counter)
    goes: Counter[tuple[str, str]] = Counter()
    for batch in batches:
        for row, raw in zip(rows_of(batch), batch.to_pylist(), strict=True):
            if row["log_state"] != "ok" or row["verdict"] != "accept":
                continue
            assert row["direction"] in {"ingress", "egress"}
            if row["provider"] in {"aws", "azure", "oci"}:
                assert row["instance"], row
                flow = (row["src_addr"], row["dst_addr"], row["src_port"], row["dst_port"], row["bytes"])
                carried[flow][raw["counted"]] += 1
            else:
                assert row["sampling_rate"] == 2
            if row["direction"] == "egress":
                goes[row["provider"], DESTINATIONS[raw["destination"]]] += 1
    assert all(counts[1] == 1 and counts[0] <= 1 for counts in carried.values())
    assert sum(counts[0] for counts in carried.values()) > 50
    seen = {where for _, where in goes}
    assert seen == {
        "same_zone", "same_region", "other_region", "other_vpc", "cloud_service", "internet", "on_premises",
        "other_cloud",
    }  # fmt: skip


def test_both_ends_are_in_the_logs() -> None:
    aws = list(ways(QUIET, SLOT, "aws"))
    ends = Counter((way.src, way.dst, way.src_port, way.octets) for way in aws)
    assert set(ends.values()) == {1, 2}
    assert any(way.talk.rejected for way in aws)
    assert list(ways(QUIET, SLOT, "aws")) == aws


def test_files_are_written_once_and_azures_grow(tmp_path: Path) -> None:
    demo = DemoCloud(DemoConfig(backfill_hours=0.5), QUIET, tmp_path)
    hour = SLOT - SLOT % 3600
    demo._write(hour)
    first = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    demo._write(hour)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == first
    demo._write(hour + 300)
    blob = next(tmp_path.rglob("PT1H.json"))
    assert blob.read_bytes().startswith(first[blob][:-2])
    assert len(json.loads(blob.read_text())["records"]) == 2 * len(json.loads(first[blob])["records"])
    settings = cloud_settings(tmp_path)
    assert all(Path(one["path"]).is_dir() for one in settings["logs"])
