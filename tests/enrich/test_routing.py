"""Flows and the routes of their own exporter."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from tests.enrich.flowbatch import decoded

from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.enrich.routing import build_table
from weft.model.addresses import packed
from weft.model.inventory import KnownDevice

R1, R2, OTHER = "198.51.100.1", "198.51.100.2", "198.51.100.9"


@dataclass
class Path:
    as_path: str = "64500 64501"
    next_hop: str = "203.0.113.1"
    communities: str = ""

    @property
    def number(self) -> int:
        return abs(hash((self.as_path, self.communities))) + 1


@dataclass
class _Paths:
    fingerprint: Any
    as_path: Any
    as_path_length: Any
    origin_as: Any
    neighbor_as: Any
    next_hop: Any
    communities: Any


@dataclass
class _Used:
    prefix: Any
    length: Any
    family: Any
    path: Any
    paths: _Paths


def used(routes: Mapping[str, Path]) -> _Used:
    networks = [ipaddress.ip_network(prefix) for prefix in routes]
    paths = list(routes.values())
    ases = [[int(one) for one in path.as_path.split()] for path in paths]
    return _Used(
        np.frombuffer(b"".join(packed(str(one.network_address)) for one in networks), np.uint8).reshape(-1, 16),
        np.array([one.prefixlen for one in networks], np.uint8),
        np.array([1 if one.version == 4 else 2 for one in networks], np.uint8),
        np.arange(len(paths), dtype=np.int32),
        _Paths(
            np.array([path.number for path in paths], np.uint64),
            np.array([path.as_path for path in paths], object),
            np.array([len(one) for one in ases], np.uint16),
            np.array([one[-1] if one else 0 for one in ases], np.uint32),
            np.array([one[0] if one else 0 for one in ases], np.uint32),
            np.frombuffer(b"".join(packed(path.next_hop) for path in paths), np.uint8).reshape(-1, 16),
            np.array([path.communities for path in paths], object),
        ),
    )


@dataclass
class FakeRibs:
    routes: dict[str, dict[str, Path]]
    versions: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def exporters(self) -> Sequence[bytes]:
        return [packed(router) for router in self.routes]

    def version(self, exporter: bytes, /) -> int:
        return self.versions.get(self._name(exporter), 1)

    def best(self, exporter: bytes, /) -> _Used:
        self.asked.append(self._name(exporter))
        return used(self.routes[self._name(exporter)])

    def _name(self, exporter: bytes) -> str:
        return next(router for router in self.routes if packed(router) == exporter)


def _enricher(ribs: FakeRibs, **settings: Any) -> Enricher:
    enricher = Enricher(EnrichConfig.model_validate(settings))
    enricher.routes.use(ribs)
    enricher.routes.look()
    return enricher


def flow_batch(*flows: dict[str, Any]) -> Any:
    """Decoded flows; what a flow does not say is zero."""
    empty: dict[str, Any] = {"exporter": "", "src_addr": "", "dst_addr": "", "next_hop": ""}
    names = [*empty, "src_as", "dst_as", "src_mask", "dst_mask"]
    return decoded(len(flows), **{name: [flow.get(name, empty.get(name, 0)) for flow in flows] for name in names})


def _rows(enricher: Enricher, *flows: dict[str, Any]) -> list[dict[str, Any]]:
    return enricher.enrich(flow_batch(*flows)).to_pylist()


def _path(enricher: Enricher, number: int) -> str:
    names = {row["path"]: row["as_path"] for row in enricher.dictionary_rows()["paths"]}
    return str(names.get(number))


LONG, SHORT = Path("64500 64501", "203.0.113.1", "64500:120"), Path("64502 64503 64503", "203.0.113.2")
TABLE = {"192.0.2.0/24": LONG, "192.0.2.128/25": SHORT, "2001:db8::/32": SHORT}


def test_a_flow_is_told_what_its_exporter_knows() -> None:
    enricher = _enricher(FakeRibs({R1: TABLE}))
    (row,) = _rows(enricher, {"exporter": R1, "src_addr": "192.0.2.200", "dst_addr": "192.0.2.1"})
    assert (row["src_as"], row["dst_as"], row["src_mask"], row["dst_mask"]) == (64503, 64501, 25, 24)
    assert (row["src_path"], row["dst_path"]) == (SHORT.number, LONG.number)
    assert row["next_hop"] == packed("203.0.113.1")
    named = {one["path"]: one for one in enricher.dictionary_rows()["paths"]}
    assert named == {
        LONG.number: {"path": LONG.number, "as_path": "64500 64501", "as_path_length": 2, "neighbor_as": 64500,
                      "communities": "64500:120"},
        SHORT.number: {"path": SHORT.number, "as_path": "64502 64503 64503", "as_path_length": 3,
                       "neighbor_as": 64502, "communities": ""},
    }  # fmt: skip
    assert enricher.counters.addresses_with_route == 2


def test_what_the_exporter_sent_stays() -> None:
    enricher = _enricher(FakeRibs({R1: TABLE}))
    sent = {"src_as": 64510, "dst_as": 64511, "dst_mask": 22, "next_hop": "203.0.113.9"}
    (row,) = _rows(enricher, {"exporter": R1, "src_addr": "192.0.2.1", "dst_addr": "2001:db8::1", **sent})
    assert (row["src_as"], row["dst_as"], row["src_mask"], row["dst_mask"]) == (64510, 64511, 24, 22)
    assert row["next_hop"] == packed("203.0.113.9")
    assert row["dst_path"] == SHORT.number
    (row,) = _rows(enricher, {"exporter": R1, "dst_addr": "192.0.2.1", "next_hop": "0.0.0.0"})
    assert row["next_hop"] == packed("203.0.113.1")


def test_each_exporter_has_its_own_routes_and_others_have_none() -> None:
    enricher = _enricher(FakeRibs({R1: {"192.0.2.0/24": LONG}, R2: {"192.0.2.0/24": SHORT}}))
    rng = random.Random(9)
    exporters = [rng.choice((R1, R2, OTHER)) for _ in range(500)]
    rows = _rows(enricher, *({"exporter": one, "dst_addr": "192.0.2.7", "src_addr": "192.0.3.7"} for one in exporters))
    expected = {R1: (LONG.number, 64501), R2: (SHORT.number, 64503), OTHER: (0, 0)}
    assert [(row["dst_path"], row["dst_as"]) for row in rows] == [expected[one] for one in exporters]
    assert {row["src_path"] for row in rows} == {0}


def test_a_default_route_does_not_say_who_is_behind_it() -> None:
    enricher = _enricher(FakeRibs({R1: {"0.0.0.0/0": LONG}}))
    (row,) = _rows(enricher, {"exporter": R1, "dst_addr": "192.0.2.7"})
    assert (row["dst_as"], row["dst_path"], row["next_hop"]) == (0, LONG.number, packed("203.0.113.1"))


@pytest.mark.parametrize(
    ("as_from", "expected"),
    [
        (["flow", "routing", "table"], 64510), (["routing", "flow"], 64501), (["table", "routing"], 64505),
        (["flow-except-private", "routing"], 64501), (["flow"], 64510),
    ],
)  # fmt: skip
def test_the_order_of_origins_decides(tmp_path: Any, as_from: list[str], expected: int) -> None:
    (tmp_path / "p.csv").write_text("prefix,asn\n192.0.2.0/24,64505\n")
    enricher = _enricher(FakeRibs({R1: TABLE}), prefixes=[str(tmp_path / "p.csv")], as_from=as_from)
    (row,) = _rows(enricher, {"exporter": R1, "dst_addr": "192.0.2.7", "dst_as": 64510})
    assert row["dst_as"] == expected


def test_lookups_equal_a_naive_search() -> None:
    rng = random.Random(5)
    routes = {}
    for _ in range(400):
        length = rng.randint(0, 28)
        address = ipaddress.IPv4Address(rng.getrandbits(8) << 24 >> (32 - length) << (32 - length) if length else 0)
        routes[f"{address}/{length}"] = Path(f"64500 {rng.randint(1, 9)}")
    for _ in range(200):
        length = rng.randint(8, 128)
        address = ipaddress.IPv6Address((0x20010DB8 << 96 | rng.getrandbits(96)) >> (128 - length) << (128 - length))
        routes[f"{address}/{length}"] = Path(f"64500 {rng.randint(1, 9)}")
    enricher = _enricher(FakeRibs({R1: routes}))
    networks = [(ipaddress.ip_network(prefix), path) for prefix, path in routes.items()]
    addresses = [str(ipaddress.IPv4Address(rng.getrandbits(32))) for _ in range(300)]
    addresses += [str(network.network_address) for network, _ in networks]
    rows = _rows(enricher, *({"exporter": R1, "dst_addr": address} for address in addresses))
    for address, row in zip(addresses, rows, strict=True):
        one = ipaddress.ip_address(address)
        covering = [(n.prefixlen, path) for n, path in networks if n.version == one.version and one in n]
        length, path = max(covering, key=lambda item: item[0], default=(0, None))
        assert (row["dst_mask"], row["dst_path"]) == (length, path.number if path else 0), address


def test_tables_follow_the_routes() -> None:
    ribs = FakeRibs({R1: {"192.0.2.0/24": LONG}})
    enricher = _enricher(ribs)
    enricher.routes.look()
    assert ribs.asked == [R1]
    ribs.routes[R1], ribs.versions[R1] = {"192.0.2.0/24": SHORT}, 2
    enricher.routes._due.clear()  # else it waits for twenty times as long as building took
    enricher.routes.look()
    (row,) = _rows(enricher, {"exporter": R1, "dst_addr": "192.0.2.7"})
    assert row["dst_path"] == SHORT.number
    del ribs.routes[R1]
    enricher.routes.look()
    (row,) = _rows(enricher, {"exporter": R1, "dst_addr": "192.0.2.7"})
    assert (row["dst_path"], row["next_hop"]) == (0, bytes(16))


def test_names_of_paths_are_told_even_when_the_routes_are_gone() -> None:
    ribs = FakeRibs({R1: TABLE})
    enricher = _enricher(ribs)
    (row,) = _rows(enricher, {"exporter": R1, "dst_addr": "192.0.2.7"})
    ribs.routes.clear()
    enricher.routes.look()
    assert _path(enricher, row["dst_path"]) == "64500 64501"
    assert enricher.dictionary_rows().get("paths") is None


def test_a_router_is_known_by_all_its_addresses() -> None:
    enricher = _enricher(FakeRibs({R1: TABLE}))
    device = KnownDevice(R1, (R1, "203.0.113.77"), name="border1")
    enricher.use_inventory({R1: device, "203.0.113.77": device})
    (row,) = _rows(enricher, {"exporter": "203.0.113.77", "dst_addr": "192.0.2.7"})
    assert row["dst_path"] == LONG.number


def test_memory_is_bounded() -> None:
    size = build_table(used(TABLE)).nbytes
    enricher = _enricher(FakeRibs({R1: TABLE, R2: TABLE}), routes_memory=size * 3 // 2)
    assert enricher.routes.status() == (1, size, 1)
    rows = _rows(enricher, {"exporter": R1, "dst_addr": "192.0.2.7"}, {"exporter": R2, "dst_addr": "192.0.2.7"})
    assert sorted(row["dst_path"] for row in rows) == [0, LONG.number]


def test_without_routes_columns_share_their_memory() -> None:
    enricher = Enricher(EnrichConfig())
    flows = flow_batch({"exporter": R1, "dst_addr": "192.0.2.7"})
    rows = enricher.enrich(flows)
    assert rows.column("next_hop").buffers()[1].address == flows.column("next_hop").buffers()[1].address
    assert rows.column("dst_path").to_pylist() == [0]
