"""What goes wrong in Acme's clouds shows in the flow logs of each provider and in what its inventory says."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from weft.collect.cloud.facts import facts_of
from weft.decode.cloud import CloudDecoder, Options
from weft.model.cloud import VERDICTS
from weft.model.inventory import ObjectKind
from weft.twin.cloud import AWS_ACCOUNTS, NETS
from weft.twin.cloud_faults import admitted, cut_off, group_of, net_of, orders_kept, read_bps
from weft.twin.cloud_inventory import write_cloud_inventory
from weft.twin.cloud_logs import INTERVAL_S, aws_file, azure_records, ways
from weft.twin.config import DemoConfig
from weft.twin.demo_cloud import DemoCloud
from weft.twin.faults.cloud import KINDS
from weft.twin.faults.model import Fault
from weft.twin.timeline import Timeline

SLOT = 1_795_000_200
BY_KIND = {kind.name: kind for kind in KINDS}
US, EU, *_ = NETS
ERP = next(net for net in NETS if net.name == "vnet-erp")


def begin(
    kind: str, place: str, severity: float = 1.0, at_s: float = SLOT, lasts_s: float = 600
) -> tuple[Timeline, Fault]:  # fmt: skip
    where = next(one for one in BY_KIND[kind].places(7) if one.id == place)
    timeline = Timeline(7, None)
    return timeline, timeline.trigger(Fault("", kind, at_s, at_s + lasts_s, target=where.target, severity=severity))


def to_databases(timeline: Timeline, start_s: int = SLOT) -> Counter[bool]:
    """Octets of applications to databases in prod-us, by whether they were refused."""
    found: Counter[bool] = Counter()
    for way in ways(timeline, start_s, "aws"):
        asks = way.talk.host
        if way.dst_port == 5432 and way.at.net is US and asks.net is US and asks.name.startswith("app-"):
            found[way.talk.rejected] += way.octets
    return found


def test_a_lost_rule_refuses_what_it_let_in() -> None:
    quiet, (timeline, fault) = Timeline(7, None), begin("cloud_sg_block", "prod-us")
    before, during, after = to_databases(quiet), to_databases(timeline), to_databases(timeline, SLOT + 900)
    assert before[True] == 0
    assert during[False] == 0 < before[False]
    assert during[True] > 10_000
    assert after[True] == 0
    rows = [
        row for one in AWS_ACCOUNTS.values() for batch in decoded(aws_file(timeline, SLOT, one)) for row in batch
    ]  # fmt: skip
    refused = [row for row in rows if VERDICTS[row["verdict"]] == "reject" and row["dst_port"] == 5432]
    assert len({bytes(row["src_addr"]) for row in refused}) == len(cut_off(fault)) == 8
    assert len({row["src_port"] for row in refused}) > 20  # each attempt has its own port
    edge = [sum(way.octets for way in ways(one, SLOT, "aws") if way.talk.path == 8 and way.at.net is US)
            for one in (quiet, timeline)]  # fmt: skip
    assert edge[1] < 0.4 * edge[0]  # pages without data


def decoded(data: bytes) -> list[list[dict[str, object]]]:
    decoder = CloudDecoder(Options(), SLOT * 10**9)
    text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    batches = [*decoder.feed(text), *decoder.finish()]
    assert decoder.errors == Counter()
    return [batch.to_pylist() for batch in batches]


def test_a_mild_one_loses_one_zone_and_a_short_one_part_of_an_interval() -> None:
    timeline, fault = begin("cloud_sg_block", "prod-us", severity=0.3)
    assert len(cut_off(fault)) == 4
    assert orders_kept(fault, "Americas") == pytest.approx(0.575)
    assert orders_kept(fault, "Europe") == 1
    whole = to_databases(timeline)[True]
    timeline, _ = begin("cloud_sg_block", "prod-us", severity=0.3, at_s=SLOT + 200, lasts_s=50)
    assert to_databases(timeline)[True] < 0.4 * whole


def test_azure_says_which_rule_refused() -> None:
    timeline, _ = begin("cloud_sg_block", "vnet-erp")
    data = json.dumps({"records": azure_records(timeline, SLOT)}).encode()
    rows = [row for batch in decoded(data) for row in batch if row["dst_port"] == 1433]
    assert {VERDICTS[row["verdict"]] for row in rows} == {"reject"}
    assert len(rows) > 10


@pytest.mark.parametrize("net", [US, EU, ERP], ids=lambda net: net.name)
def test_the_inventory_has_lost_the_rule(net: object, tmp_path: Path) -> None:
    _, fault = begin("cloud_sg_block", net.name)  # type: ignore[attr-defined]
    assert net_of(fault) is net
    folder = write_cloud_inventory(tmp_path)
    before = rules_of(folder)
    stamps = {path: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    write_cloud_inventory(tmp_path, (fault,))
    during = rules_of(folder)
    changed = [key for key in before if before[key] != during[key]]
    assert changed == [group_of(net)]  # type: ignore[arg-type]
    assert before[changed[0]]
    assert not during[changed[0]]
    touched = [path.name for path, stamp in stamps.items() if path.stat().st_mtime_ns != stamp]
    assert len(touched) == 1
    write_cloud_inventory(tmp_path)
    assert rules_of(folder) == before
    assert len(admitted(net, ())) == 2  # type: ignore[arg-type]
    truth = BY_KIND["cloud_sg_block"].truth(fault)
    assert truth.root_cause == f"security_group:{changed[0]}"
    assert truth.action.parameters == {"group": changed[0]}


def rules_of(folder: Path) -> dict[str, list[str]]:
    """Rules of every security group, as the inventory reads them."""
    return {
        fact.key[0]: fact.attributes.get("rules", [])
        for path in sorted(folder.glob("*.json"))
        for fact in facts_of(json.loads(path.read_text()), str(path))
        if fact.kind == ObjectKind.SECURITY_GROUP
    }


def test_a_job_in_the_wrong_region_reads_from_far_away() -> None:
    quiet, (timeline, fault) = Timeline(7, None), begin("cloud_cost_spike", "prod-eu", severity=0.8)

    def far(one: Timeline) -> float:
        return sum(way.octets for way in ways(one, SLOT, "aws")
                   if way.peer is not None and way.at.net is EU and way.peer.net is US)  # fmt: skip

    assert far(timeline) > 5 * far(quiet) > 0
    assert far(timeline) - far(quiet) == pytest.approx(4 * read_bps(fault) * 0.85 / 8 * INTERVAL_S, rel=0.5)
    weak, _ = begin("cloud_cost_spike", "prod-eu", severity=0.1)
    assert far(quiet) < far(weak) < 8 * far(quiet)


def test_the_demo_writes_the_inventory_anew_when_a_rule_is_lost_and_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weft.twin.demo_cloud.time.time", lambda: SLOT + 60.0)
    timeline = Timeline(7, None)
    demo = DemoCloud(DemoConfig(backfill_hours=0.1), timeline, tmp_path)
    demo._write_inventory()
    before = rules_of(tmp_path / "inventory")
    where = BY_KIND["cloud_sg_block"].places(7)[0]
    fault = timeline.trigger(Fault("", "cloud_sg_block", SLOT, SLOT + 600, target=where.target))
    demo._write_inventory()
    assert rules_of(tmp_path / "inventory") != before
    timeline.end(fault, SLOT + 50)
    demo._write_inventory()
    assert rules_of(tmp_path / "inventory") == before


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_place_has_a_truth(kind: object) -> None:
    for place in kind.places(7):  # type: ignore[attr-defined]
        _, fault = begin(kind.name, place.id, 0.5)  # type: ignore[attr-defined]
        truth = kind.truth(fault)  # type: ignore[attr-defined]
        assert truth.symptoms
        assert net_of(fault).region in truth.text or net_of(fault).name in truth.text
