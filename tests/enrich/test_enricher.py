"""The stage: columns filled, columns shared, precedence, ids that stay, reload, names for the dictionaries."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.enrich.flowbatch import decoded
from tests.enrich.mmdb_writer import write_mmdb

from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.errors import InvalidInput
from weft.model.exporters import InterfaceFact
from weft.model.flows import FLOWS
from weft.model.inventory import KnownDevice, KnownInterface

NETWORKS = """prefix,asn,site,customer
10.0.0.0/8,64500,hq,
10.1.0.0/16,,,acme
10.1.2.0/24,64502,-,
2001:db8::/32,64503,v6,
"""


def enricher(tmp_path: Path, tables: dict[str, Any] | None = None, known: Any = None, **settings_: Any) -> Enricher:
    """An enricher over tables written from text: ``{"prefixes": "prefix,…", …}``; several files as a list."""
    config: dict[str, Any] = dict(settings_)
    for kind, texts in (tables or {}).items():
        paths = []
        for i, text in enumerate([texts] if isinstance(texts, str) else texts):
            path = tmp_path / f"{kind}{i}.csv"
            path.write_text(text)
            paths.append(str(path))
        config[kind] = [*paths, *config.get(kind, [])]
    return Enricher(EnrichConfig.model_validate(config), known)


def networks_of(target: Enricher) -> dict[int, dict[str, str]]:
    """Id → non-empty attributes."""
    return {
        r["id"]: {k: v for k, v in r.items() if v and k != "id"} for r in target.dictionary_rows().get("networks", [])
    }


def test_columns_are_filled(tmp_path: Path) -> None:
    target = enricher(tmp_path, {"prefixes": NETWORKS})
    flows = decoded(
        5,
        src_addr=["10.9.9.9", "10.1.9.9", "10.1.2.9", "2001:db8::1", ""],
        dst_addr=["192.0.2.1", "10.0.0.1", "::1", "10.1.2.3", ""],
        src_as=[1, 0, 0, 0, 0],
        protocol=[6, 17, 6, 1, 0],
        src_port=[50000, 53, 9, 0, 0],
        dst_port=[443, 50000, 60000, 0, 0],
    )
    out = target.enrich(flows)
    out.validate(full=True)
    assert out.schema == FLOWS.schema
    rows = out.to_pydict()
    assert rows["src_as"] == [1, 64500, 64502, 64503, 0]
    assert rows["dst_as"] == [0, 64500, 0, 64502, 0]
    names = target.dictionary_rows()
    networks = {r["id"]: {k: v for k, v in r.items() if v and k != "id"} for r in names["networks"]} | {0: {}}
    assert [networks[i] for i in rows["src_net"]] == [
        {"site": "hq"},
        {"site": "hq", "customer": "acme"},
        {"customer": "acme"},
        {"site": "v6"},
        {},
    ]
    assert [networks[i] for i in rows["dst_net"]] == [{}, {"site": "hq"}, {}, {"customer": "acme"}, {}]
    applications = {r["id"]: r["name"] for r in names["applications"]} | {0: ""}
    assert [applications[i] for i in rows["app"]] == ["https", "dns", "discard", "icmp", ""]
    counters = target.counters
    assert (counters.rows, counters.addresses_with_network, counters.applications_named) == (5, 6, 4)


def test_unchanged_columns_share_their_memory(tmp_path: Path) -> None:
    flows = decoded(3, bytes=[1, 2, 3])
    for target in (enricher(tmp_path), enricher(tmp_path, {"prefixes": NETWORKS})):
        out = target.enrich(flows)
        for name in ("bytes", "src_addr", "time_received"):
            assert out.column(name).buffers()[1].address == flows.column(name).buffers()[1].address
    out = enricher(tmp_path, {"prefixes": "prefix,site\n10.0.0.0/8,hq\n"}).enrich(flows)
    assert out.column("src_as").buffers()[1].address == flows.column("src_as").buffers()[1].address


def test_slices_and_empty_batches(tmp_path: Path) -> None:
    target = enricher(tmp_path, {"prefixes": NETWORKS})
    flows = decoded(4, src_addr=["192.0.2.1", "10.1.2.3", "10.0.0.1", "10.1.2.3"], src_as=[0, 0, 0, 9])
    whole = target.enrich(flows)
    assert target.enrich(flows.slice(1, 2)).equals(whole.slice(1, 2))
    assert target.enrich(flows.slice(3)).equals(whole.slice(3))
    assert target.enrich(flows.slice(0, 0)).num_rows == 0


@pytest.mark.parametrize(
    ("as_from", "expected"),
    [
        (["flow", "table"], [7, 64500, 64512, 64500]),
        (["table", "flow"], [64500, 64500, 64500, 64500]),
        (["flow"], [7, 0, 64512, 23456]),
        (["table"], [64500, 64500, 64500, 64500]),
        (["flow-except-private", "table"], [7, 64500, 64500, 64500]),
        (["flow-except-private"], [7, 0, 0, 0]),
        (["flow-except-private", "table", "flow"], [7, 64500, 64500, 64500]),
    ],
)
def test_where_the_as_comes_from(tmp_path: Path, as_from: list[str], expected: list[int]) -> None:
    target = enricher(tmp_path, {"prefixes": NETWORKS}, as_from=as_from)
    flows = decoded(4, src_addr=["10.0.0.1"] * 4, src_as=[7, 0, 64512, 23456])
    if as_from == ["flow", "table"]:
        expected = [7, 64500, 64512, 23456]
    assert target.enrich(flows).column("src_as").to_pylist() == expected


def test_order_and_priority_between_tables(tmp_path: Path) -> None:
    first = "prefix,site,country\n10.0.0.0/8,first,\n10.2.0.0/16,,DE\n"
    second = "prefix,site,region\n10.0.0.0/8,second,r8\n10.1.0.0/16,second,\n"
    target = enricher(tmp_path, {"prefixes": [first, second]})
    filled = {f.column: (f.value, f.table, f.prefix) for f in target.explain("10.1.0.1").columns}
    assert filled["site"] == ("second", "prefixes1.csv", "10.1.0.0/16")  # more specific
    assert filled["region"] == ("r8", "prefixes1.csv", "10.0.0.0/8")  # inherited
    assert {f.column: f.value for f in target.explain("10.3.0.1").columns}["site"] == "first"  # listed first
    # A database has a lower priority: its more specific prefix does not undo what a table says.
    write_mmdb(
        tmp_path / "geo.mmdb",
        {"10.2.3.0/24": {"country": {"iso_code": "US"}}, "10.4.0.0/16": {"country": {"iso_code": "US"}}},
    )
    target = enricher(tmp_path, {"prefixes": [first, second]}, mmdb=[str(tmp_path / "geo.mmdb")])
    countries = {
        a: {f.column: f.value for f in target.explain(a).columns}.get("country") for a in ("10.2.3.4", "10.4.0.1")
    }
    assert countries == {"10.2.3.4": "DE", "10.4.0.1": "US"}


TABLE = st.lists(
    st.tuples(
        st.sampled_from(
            ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/24", "10.0.0.1/32", "::/0", "fd00::/8", "fd00::1/128"]
        ),
        st.sampled_from(["", "a", "b", "-"]),
        st.sampled_from(["", "x", "y", "-"]),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TABLE, st.sampled_from([0, 100])), min_size=1, max_size=3))
def test_what_is_enriched_is_what_is_explained(tmp_path_factory: pytest.TempPathFactory, tables: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("t")
    config = []
    for i, (rows, priority) in enumerate(tables):
        path = folder / f"{i}.csv"
        path.write_text("prefix,site,tenant\n" + "".join(",".join(row) + "\n" for row in rows))
        config.append({"path": str(path), "priority": priority})
    target = Enricher(EnrichConfig.model_validate({"prefixes": config}))
    addresses = ["10.0.0.1", "10.0.0.2", "10.0.1.0", "10.1.0.0", "11.0.0.0", "fd00::1", "fd00::2", "fe80::1"]
    numbers = target.enrich(decoded(len(addresses), src_addr=addresses)).column("src_net").to_pylist()
    networks = networks_of(target) | {0: {}}
    for address, number in zip(addresses, numbers, strict=True):
        explanation = target.explain(address)
        assert explanation.network == number
        assert {f.column: f.value for f in explanation.columns} == networks[number]


def test_ids_survive_restarts_and_other_tables(tmp_path: Path) -> None:
    flows = decoded(1, src_addr=["10.1.0.1"])
    one = enricher(tmp_path, {"prefixes": NETWORKS}).enrich(flows).column("src_net").to_pylist()
    other = "prefix,customer,site\n10.0.0.0/9,acme,hq\n172.16.0.0/12,,lab\n"
    assert enricher(tmp_path, {"prefixes": other}).enrich(flows).column("src_net").to_pylist() == one


def test_what_the_store_knows_is_kept_and_not_written_again(tmp_path: Path) -> None:
    tables = {
        "prefixes": NETWORKS,
        "asns": "asn,name\n64500,Acme\n",
        "exporters": "address,name\n192.0.2.1,r1\n",
    }
    first = enricher(tmp_path, tables)
    rows = first.dictionary_rows()
    assert first.dictionary_rows() == {}
    known = {
        name: [row | {"exporter": str(row["exporter"])} if "exporter" in row else row for row in found]
        for name, found in rows.items()
    }
    assert enricher(tmp_path, tables, lambda: known).dictionary_rows() == {}
    # An id that the store gave to something else stays with it.
    number = next(r["id"] for r in rows["networks"] if r["site"] == "v6")
    stolen = {"networks": [{"id": number, "site": "elsewhere"}]}
    moved = enricher(tmp_path, {"prefixes": NETWORKS}, lambda: stolen)
    assert moved.enrich(decoded(1, src_addr=["2001:db8::1"])).column("src_net").to_pylist() == [number + 1]


def test_reload(tmp_path: Path) -> None:
    target = enricher(
        tmp_path,
        {
            "prefixes": NETWORKS,
            "asns": "asn,name\n64500,Acme\n",
            "applications": "name,category,protocol,ports\nmine,x,tcp,443\n",
        },
    )
    path = tmp_path / "prefixes0.csv"
    flows = decoded(1, src_addr=["10.0.0.1"], protocol=[6], dst_port=[443], src_port=[50000])
    before = target.enrich(flows)
    target.dictionary_rows()
    assert target.reload() is False
    path.write_text(NETWORKS.replace("hq", "new"))
    assert target.reload() is True
    after = target.enrich(flows)
    assert before.column("src_net") != after.column("src_net")
    assert before.column("app") == after.column("app")
    assert {"site": "new"} in networks_of(target).values()
    # A bad file keeps the old table, says so, and is not read again until it changes.
    path.write_text("nonsense\n")
    assert target.reload() is False
    assert target.enrich(flows).equals(after)
    (status,) = (t for t in target.tables() if t.kind == "prefixes")
    assert (status.ok, status.rows, "has no column 'prefix'" in status.error) == (False, 4, True)
    path.unlink()
    assert target.reload() is False
    assert "cannot be read" in next(t for t in target.tables() if t.kind == "prefixes").error
    replacement = tmp_path / "next.csv"
    replacement.write_text(NETWORKS)
    os.replace(replacement, path)
    assert target.reload() is True
    assert target.enrich(flows).equals(before)
    (tmp_path / "applications0.csv").write_text("name,category,protocol,ports\nother,x,tcp,443\n")
    assert target.reload() is True
    assert target.dictionary_rows()["applications"][0]["name"] == "other"


def test_a_missing_file_at_start_is_reported_and_picked_up(tmp_path: Path) -> None:
    target = enricher(tmp_path, prefixes=[str(tmp_path / "later.csv")])
    flows = decoded(1, src_addr=["10.0.0.1"])
    assert target.enrich(flows).column("src_net").to_pylist() == [0]
    assert [t.ok for t in target.tables() if t.kind == "prefixes"] == [False]
    (tmp_path / "later.csv").write_text(NETWORKS)
    assert target.reload() is True
    assert target.enrich(flows).column("src_net").to_pylist() != [0]


def test_changes_are_noticed_by_a_started_enricher(tmp_path: Path) -> None:
    target = enricher(tmp_path, {"prefixes": NETWORKS}, reload_interval_s=1.0)
    target.start()
    try:
        done = threading.Event()
        reload = target.reload
        target.reload = lambda: bool(reload() and (done.set() or True))  # type: ignore[method-assign]
        (tmp_path / "prefixes0.csv").write_text(NETWORKS.replace("hq", "newer"))
        assert done.wait(10)
    finally:
        target.stop()
        target.stop()


def test_interfaces_join_tables_facts_and_rules(tmp_path: Path) -> None:
    target = enricher(
        tmp_path,
        {
            "exporters": "address,name,site\n192.0.2.1,edge1.zrh,zrh\n",
            "interfaces": "exporter,if_index,boundary,provider\n192.0.2.1,1,internal,\n192.0.2.9,5,,Own\n",
        },
        interface_rules=[
            {"exporter": "^edge", "description": r"^(transit|peer): (?P<who>\w+)", "boundary": "external",
             "provider": r"\g<who>", "connectivity": r"\1"},
            {"name": "^lo", "boundary": "internal"},
            {"description": "core", "boundary": "internal", "connectivity": r"\7"},
        ],
    )  # fmt: skip
    rows = {(str(r["exporter"]), r["if_index"]): r for r in target.dictionary_rows()["interfaces"]}
    assert set(rows) == {("192.0.2.1", 1), ("192.0.2.9", 5)}
    target.learn(
        [
            InterfaceFact("192.0.2.1", 1, "et-0/0/1", "Transit: Lumen 10G", 10**10, 7 * 10**9),
            InterfaceFact("192.0.2.1", 2, "lo0", "", 0, 7 * 10**9),
            InterfaceFact("198.51.100.1", 1, "et-1", "transit: Cogent", 0, 7 * 10**9),
            InterfaceFact("not an address", 1, "x"),
        ]
    )
    target.saw(["192.0.2.1", "198.51.100.1", "junk"])
    changes = target.dictionary_rows()
    rows = {(str(r["exporter"]), r["if_index"]): r for r in changes["interfaces"]}
    one = rows["192.0.2.1", 1]
    # The table's own word wins over the rule; the rule fills the rest. A change holds from when it was learned.
    assert (one["boundary"], one["provider"], one["connectivity"]) == ("internal", "Lumen", "transit")
    assert (one["name"], one["speed_bps"], one["valid_from"]) == ("et-0/0/1", 10**10, 7)
    assert (rows["192.0.2.1", 2]["boundary"], rows["192.0.2.1", 2]["valid_from"]) == ("internal", 0)
    assert rows["198.51.100.1", 1]["boundary"] == ""  # the rule is for edge routers
    assert [(str(r["exporter"]), r["name"], r["valid_from"]) for r in changes["exporters"]] == [
        ("198.51.100.1", "198.51.100.1", 0)
    ]
    assert target.dictionary_rows() == {}
    target.learn([InterfaceFact("192.0.2.1", 2, "lo0", "", 0, 9 * 10**9)])  # said again: nothing new
    assert target.dictionary_rows() == {}
    assert target.classify(InterfaceFact("192.0.2.1", 3, "x", "core"))["boundary"] == "internal"
    with pytest.raises(InvalidInput):
        target.classify(InterfaceFact("nowhere", 3))


def test_no_thread_sees_half_a_table(tmp_path: Path) -> None:
    """While tables are swapped, a batch is enriched from one of them."""
    path = tmp_path / "prefixes0.csv"
    versions = [f"prefix,asn,site\n10.0.0.0/8,{n},{n}\n" for n in (1, 2)]
    target = enricher(tmp_path, {"prefixes": versions[0]})
    flows = decoded(2000, src_addr=["10.0.0.1"] * 2000)
    stop, failures = threading.Event(), []

    def run() -> None:
        while not stop.is_set():
            out = target.enrich(flows)
            pairs = set(zip(out.column("src_as").to_pylist(), out.column("src_net").to_pylist(), strict=True))
            if len(pairs) != 1:
                failures.append(pairs)

    thread = threading.Thread(target=run)
    thread.start()
    for i in range(20):
        path.write_text(versions[i % 2] + f"# {i}\n")
        target.reload()
    stop.set()
    thread.join()
    assert failures == []


def test_a_route_table_is_built_quickly_enough(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["prefix,asn"]
    lines += [
        f"{a}.{b}.{c}.0/24,{n}"
        for a, b, c, n in zip(
            *rng.integers([[1], [0], [0], [1]], [[223], [256], [256], [65000]], (4, 20000)), strict=True
        )
    ]
    target = enricher(tmp_path, {"prefixes": "\n".join(lines)})
    assert target.tables()[0].rows == 20000


def test_the_inventory_stands_between_tables_and_what_exporters_tell(tmp_path: Path) -> None:
    target = enricher(
        tmp_path,
        {
            "exporters": "address,name,site\n192.0.2.1,,zrh\n",
            "interfaces": "exporter,if_index,name,boundary\n192.0.2.1,1,,internal\n",
        },
        interface_rules=[{"description": "^transit", "connectivity": "transit"}],
    )
    target.learn([InterfaceFact("192.0.2.1", 1, "wire", "transit: X", 7, 5 * 10**9),
                  InterfaceFact("192.0.2.1", 2, "only", "", 0, 5 * 10**9)])  # fmt: skip
    ports = {1: KnownInterface("et-0/0/0", "", 10**10, "external", "Lumen", circuit="C-1", peer="r2 et9"),
             3: KnownInterface("silent")}  # fmt: skip
    device = KnownDevice("192.0.2.1", ("192.0.2.1", "192.0.2.2"), "r1", "fra", "border", "Juniper", interfaces=ports)
    target.use_inventory({"192.0.2.1": device, "192.0.2.2": device})
    rows = target.dictionary_rows()
    exporters = {str(row["exporter"]): row for row in rows["exporters"]}
    # The table's site wins; every address of the device has a row.
    assert {a: (r["name"], r["site"], r["vendor"]) for a, r in exporters.items()} == {
        "192.0.2.1": ("r1", "zrh", "Juniper"), "192.0.2.2": ("r1", "fra", "Juniper"),
    }  # fmt: skip
    ports_at = {(str(row["exporter"]), row["if_index"]): row for row in rows["interfaces"]}
    assert set(ports_at) == {("192.0.2.1", 1), ("192.0.2.1", 2), ("192.0.2.1", 3)}  # telemetry is kept under the first
    one = ports_at["192.0.2.1", 1]
    assert (one["name"], one["description"], one["boundary"], one["provider"], one["connectivity"]) == (
        "et-0/0/0", "transit: X", "internal", "Lumen", "transit",
    )  # fmt: skip
    assert (one["speed_bps"], one["circuit"], one["peer"]) == (10**10, "C-1", "r2 et9")
    assert ports_at["192.0.2.1", 2]["name"] == "only"
    # Nothing new is nothing to write; another address that sends has interfaces, too; what is gone is gone.
    target.use_inventory({"192.0.2.1": device, "192.0.2.2": device})
    assert target.dictionary_rows() == {}
    target.saw(["192.0.2.2"])
    assert {(str(r["exporter"]), r["if_index"]) for r in target.dictionary_rows()["interfaces"]} == {
        ("192.0.2.2", 1), ("192.0.2.2", 3),
    }  # fmt: skip
    target.use_inventory({})
    rows = target.dictionary_rows()
    assert {(str(r["exporter"]), r["name"]) for r in rows["exporters"]} == {(a, a) for a in ("192.0.2.1", "192.0.2.2")}
    assert all(row["valid_from"] > 0 for found in rows.values() for row in found)


def test_prefixes_of_the_inventory(tmp_path: Path) -> None:
    target = enricher(tmp_path, {"prefixes": "prefix,site\n10.1.0.0/16,table\n"})
    flows = decoded(3, src_addr=["10.1.0.1", "10.2.0.1", "11.0.0.1"])
    target.enrich(flows)
    known = (("10.0.0.0/8", {"site": "inventory", "customer": "Globex"}), ("nonsense", {"site": "x"}),
             ("2001:db8::/32", {"service": "dns"}))  # fmt: skip
    target.use_inventory({}, known)
    numbers = target.enrich(flows).column("src_net").to_pylist()
    networks = networks_of(target)
    assert networks[numbers[0]] == {"site": "table", "customer": "Globex"}
    assert networks[numbers[1]] == {"site": "inventory", "customer": "Globex"}
    assert numbers[2] == 0
    assert {"service": "dns"} in networks.values()
    assert {f.table for f in target.explain("10.2.0.1").columns} == {"inventory"}
    target.use_inventory({}, known)  # the same again
    assert target.dictionary_rows() == {}


def test_what_enrichment_knows_is_told(tmp_path: Path) -> None:
    said: dict[tuple[str, str], list[Any]] = {}
    target = enricher(tmp_path, {
        "exporters": "address,name,site\n192.0.2.1,r1,zrh\n",
        "interfaces": "exporter,if_index,provider\n192.0.2.1,1,Lumen\n",
    })  # fmt: skip
    target.tell(lambda origin, scope, facts, complete=True: said.__setitem__((origin, scope), list(facts)))
    target.dictionary_rows()
    device, port = said.pop(("tables", "enrich"))
    assert dict(device.attributes) == {"name": "r1", "site": "zrh", "addresses": ["192.0.2.1"]}
    assert (port.key, dict(port.attributes)) == (("192.0.2.1", "ifIndex 1"), {"provider": "Lumen", "if_index": 1})
    assert said == {}
    target.saw(["192.0.2.9"])
    target.learn([InterfaceFact("192.0.2.1", 1, "eth0", "up", 10), InterfaceFact("192.0.2.1", 2, "eth0")])
    target.dictionary_rows()
    assert [fact.key for fact in said["flows", "192.0.2.1"]] == [
        ("192.0.2.1",), ("192.0.2.1", "eth0"), ("192.0.2.1", "ifIndex 2"),
    ]  # fmt: skip
    assert [fact.key for fact in said["flows", "192.0.2.9"]] == [("192.0.2.9",)]
    said.clear()
    target.dictionary_rows()
    assert said == {}
