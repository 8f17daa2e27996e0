"""The traffic matrix from flows: each byte once, where it entered, towards where it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from weft.model.dictionaries import EXPORTERS, INTERFACES, NETWORKS
from weft.model.flows import FLOWS
from weft.network import observed
from weft.network.observed import FlowRow, Seen, place, seen_in_flows
from weft.network.routing import PrefixGroup, Routing
from weft.network.topology import Link, Node, NodeKind, topology
from weft.query.engine import QueryEngine
from weft.store.config import StoreConfig
from weft.store.open import open_store

CHI_CORE, CHI_BORDER, NYC_BORDER, AMS, TRANSIT = range(5)
NODES = [
    Node("chi-core", site="chi", role="core"), Node("chi-border", site="chi", role="border"),
    Node("nyc-border", site="nyc", role="border"), Node("ams-border", site="ams", role="border"),
    Node("AS64501", NodeKind.AS, asn=64501),
]  # fmt: skip
LINKS = [
    Link("inside", CHI_CORE, CHI_BORDER, "up", "down"), Link("backbone", CHI_BORDER, NYC_BORDER, "east", "west"),
    Link("sea", NYC_BORDER, AMS, "sea", "land"), Link("transit", NYC_BORDER, TRANSIT, "transit", ""),
]  # fmt: skip
NET = topology(NODES, LINKS, capacity_bps=np.full(4, 1e11))
BGP = Routing((PrefixGroup("AS15169"), PrefixGroup("default route")))


def row(device: str, entered: str, left: str, bps: float, **more: object) -> FlowRow:
    given: dict[str, object] = {
        "is_egress": False, "src_site": "", "dst_site": "", "dst_as": 0, "traffic_class": "", **more,
    }  # fmt: skip
    return FlowRow(device, entered, left, bps=bps, **given)  # type: ignore[arg-type]


def table(seen: Seen) -> dict[tuple[int, int, int], float]:
    asked = seen.demands
    return {
        (int(i), int(e), int(g)): float(b)
        for i, e, g, b in zip(asked.ingress, asked.egress, asked.group, asked.bps, strict=True)
    }


def test_a_flow_that_three_exporters_saw_counts_once() -> None:
    out = {"src_site": "chi", "dst_as": 15169}
    seen = place(
        [
            row("chi-core", "lan", "up", 8e9, **out), row("chi-border", "down", "east", 8e9, **out),
            row("nyc-border", "west", "transit", 7.9e9, **out),
            row("nyc-border", "transit", "west", 3e9, dst_site="chi"),
            row("chi-core", "up", "lan", 3e9, dst_site="chi"),
        ],
        NET, BGP,
    )  # fmt: skip
    assert table(seen) == {(CHI_CORE, -1, 0): 8e9, (TRANSIT, CHI_CORE, -1): 3e9}
    assert seen.known_ingress.tolist() == [True, True, True, False, True]
    assert any("1 device" in note for note in seen.notes)


def test_flows_metered_on_both_sides_count_on_the_way_in() -> None:
    both = [
        row("chi-core", "lan", "up", 5e9, dst_site="ams"),
        row("chi-core", "lan", "up", 5e9, dst_site="ams", is_egress=True),
    ]
    assert sum(table(place(both, NET, BGP)).values()) == 5e9
    assert sum(table(place(both[1:], NET, BGP)).values()) == 5e9


def test_what_enters_where_nobody_exports_is_taken_where_it_leaves() -> None:
    late = [
        row("nyc-border", "sea", "transit", 2e9, src_site="ams", dst_as=64501),
        row("nyc-border", "lan", "sea", 1e9, dst_site="ams"),
    ]
    seen = place(late, NET, Routing())
    assert table(seen) == {(AMS, TRANSIT, -1): 2e9, (NYC_BORDER, AMS, -1): 1e9}
    assert seen.known_pairs[AMS, TRANSIT]
    assert not seen.known_ingress[AMS]
    matrix = seen.observed(np.where(seen.demands.egress < 0, -1, seen.demands.egress))
    assert matrix.bps[AMS, TRANSIT] == 2e9
    assert matrix.known[NYC_BORDER].all()


def test_without_routes_traffic_leaves_where_it_was_seen_to_leave() -> None:
    seen = place(
        [
            row("chi-core", "lan", "up", 4e9, src_site="chi", dst_as=64999),
            row("nyc-border", "west", "transit", 4e9, src_site="chi", dst_as=64999),
            row("chi-core", "lan", "up", 1e9, dst_as=64998),
        ],
        NET, Routing(),
    )  # fmt: skip
    assert table(seen) == {(CHI_CORE, TRANSIT, -1): 4e9}
    assert seen.unplaced_bps == 1e9
    assert "1e+03 Mbit/s seen towards places" in seen.notes[0]


def test_a_host_stands_for_its_site_only_where_nothing_else_does() -> None:
    nodes = [Node("r", site="x"), Node("a-host", site="x", role="server"), Node("b-host", site="y", role="server")]
    net = topology(nodes, [Link("x", 0, 1, "down"), Link("y", 0, 2, "far")], capacity_bps=[1e9, 1e9])
    seen = place([row("r", "wan", "", 1e6, dst_site="y"), row("b-host", "lan", "", 2e6, dst_site="x")], net, BGP)
    assert table(seen) == {(0, 2, -1): 1e6, (2, 0, -1): 2e6}


def test_unknown_ports_units_and_strangers() -> None:
    seen = place(
        [
            row("chi-core", "", "up", 1e9, src_site="chi", dst_site="nyc"),  # no port: by where it comes from
            row("nyc-border", "", "", 1e9, src_site="chi", dst_site="nyc"),  # the same flow, further on
            row("chi-border", "down.100", "east", 1e9, dst_site="nyc"),  # a unit of a port between devices
            row("nobody", "x", "y", 9e9, dst_site="nyc"),
            row("nyc-border", "lan", "lan2", 5e9, dst_site="nyc"),  # never on the network
        ],
        NET, BGP,
    )  # fmt: skip
    assert table(seen) == {(CHI_CORE, NYC_BORDER, -1): 1e9}
    assert seen.exporters == 3


# --- through a store -------------------------------------------------------------------------------------------------

SINCE = int(datetime(2026, 11, 16, 10, tzinfo=UTC).timestamp())
KEEP = dict.fromkeys(("flows", *(rollup.name for rollup in FLOWS.rollups)), 20000)
ADDRESSES = {"chi-core": "192.0.2.1", "nyc-border": "192.0.2.2"}
PORTS = {("chi-core", 1): "lan", ("chi-core", 2): "up", ("nyc-border", 1): "west", ("nyc-border", 2): "transit"}


def packed(address: str) -> bytes:
    return b"\0" * 10 + b"\xff\xff" + bytes(map(int, address.split(".")))


def stored(device: str, entered: int, left: int, octets: int, dst_net: int, dst_as: int, tos: int) -> dict[str, object]:
    empty: dict[str, object] = {c.name: bytes(16) if c.arrow == pa.binary(16) else 0 for c in FLOWS.columns}
    return empty | {
        "time_received": SINCE + 30, "time_start": SINCE, "time_end": SINCE + 20, "exporter": packed(ADDRESSES[device]),
        "flow_type": 3, "in_if": entered, "out_if": left, "bytes": octets, "packets": 1, "sampling_rate": 100,
        "src_net": 1, "dst_net": dst_net, "dst_as": dst_as, "tos": tos,
    }  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryEngine]:
    store = open_store(StoreConfig(data_dir=tmp_path_factory.mktemp("store"), retention_days=KEEP))
    store.start()
    early = datetime(1970, 1, 1, tzinfo=UTC)
    names = {"role": "", "demo": "", "valid_from": early}
    store.upsert_dictionary(
        EXPORTERS, [{"exporter": a, "name": n, "site": n[:3], **names} for n, a in ADDRESSES.items()]
    )
    port = {"description": "", "speed_bps": 0, "boundary": "", "provider": "", "connectivity": "", "valid_from": early}
    store.upsert_dictionary(
        INTERFACES, [{"exporter": ADDRESSES[d], "if_index": i, "name": n, **port} for (d, i), n in PORTS.items()]
    )
    net = {"service": "", "customer": "", "cloud": "", "region": "", "country": ""}
    store.upsert_dictionary(NETWORKS, [{"id": 1, "site": "chi", **net}, {"id": 2, "site": "nyc", **net}])
    rows = [
        stored("chi-core", 1, 2, 7_500_000, 0, 15169, 184), stored("nyc-border", 1, 2, 7_500_000, 0, 15169, 184),
        stored("chi-core", 1, 2, 750_000, 2, 0, 0),
    ]  # fmt: skip
    arrays = []
    for field in FLOWS.schema:
        values = [one[field.name] for one in rows]
        if pa.types.is_timestamp(field.type):
            values = [value * 10**9 for value in values]  # type: ignore[operator]
        arrays.append(pa.array(values, field.type))
    store.insert(FLOWS, pa.record_batch(arrays, schema=FLOWS.schema))
    try:
        yield QueryEngine(store, clock=lambda: SINCE + 300.0)
    finally:
        store.stop()


def test_stored_flows_become_demands_by_class(engine: QueryEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = seen_in_flows(engine, NET, BGP, SINCE, SINCE + 60, class_by="dscp")
    assert table(seen) == {(CHI_CORE, -1, 0): 1e8, (CHI_CORE, NYC_BORDER, -1): 1e7}
    assert seen.demands.classes == ("0", "46")
    monkeypatch.setattr(observed, "_MOST_ROWS", 1)  # too many for one answer: each exporter is asked, the rest is said
    part = seen_in_flows(engine, NET, BGP, SINCE, SINCE + 60)
    assert table(part) == {(CHI_CORE, -1, 0): 1e8}
    assert "smallest flows" in part.notes[0]
