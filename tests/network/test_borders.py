"""Sessions at the ports that they run over, and the routes that they tell as those of a model."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.api.networks import device, interface, link
from tests.api.networks import known as provider

from weft.api.topology_network import Network, network_of
from weft.model.inventory import ObjectKind
from weft.network.borders import DEFAULT, routing_of, sessions
from weft.network.build import Neighbour, build
from weft.network.snapshot import NetworkSource
from weft.query.routing.exits import Exit

ASNS = {"Lumen": 3356, "Arelion": 1299}
OUT = {"boundary": "external"}


@pytest.fixture
def known() -> Network:
    return network_of([
        device("b1", "192.0.2.1"), device("b2", "192.0.2.2"),
        interface("b1", "x", 1), interface("b2", "x", 1), link(("b1", "x"), ("b2", "x"), delay_ms=1.0),
        interface("b1", "t1", 2, provider="Lumen", connectivity="transit", **OUT),
        interface("b1", "t2", 3, provider="Cogent", connectivity="transit", addresses=["198.51.100.1/30"], **OUT),
        interface("b1", "ix", 4, provider="LINX", connectivity="ix", **OUT),
        interface("b2", "t1", 2, provider="Arelion", connectivity="transit", **OUT),
    ])  # fmt: skip


def told(exporter: str, peer: str, peer_as: int, origin: int = 15169, *, post: bool = False, default: bool = False,
         **more: Any) -> Exit:  # fmt: skip
    said: dict[str, Any] = {"neighbor_as": peer_as, "as_path_length": 2, "bgp_origin": 0, "local_pref": 0, "med": 0}
    return Exit(exporter, post, peer, peer_as, origin, default, 1, (f"10.{origin % 200}.0.0/16",), **(said | more))


HEARD = [
    told("192.0.2.1", "203.0.113.9", 3356), told("192.0.2.1", "203.0.113.9", 3356, 64501, med=7),
    told("192.0.2.1", "198.51.100.2", 174), told("192.0.2.1", "203.0.113.77", 64700, as_path_length=1),
    told("192.0.2.1", "203.0.113.78", 64701, 64701), told("192.0.2.1", "192.0.2.2", 64500),
    told("192.0.2.2", "203.0.113.5", 1299, 0, default=True, post=True), told("192.0.2.2", "203.0.113.66", 64999),
    told("192.0.2.2", "203.0.113.5", 1299, local_pref=300), told("192.0.2.2", "203.0.113.5", 1299, local_pref=50,
                                                                post=True),
    told("192.0.2.2", "203.0.113.5", 1299, 64500), told("192.0.2.99", "203.0.113.5", 1299),
]  # fmt: skip


def test_sessions_are_at_their_ports(known: Network) -> None:
    placed = sessions(known, HEARD, ASNS)
    assert placed.links == {
        Neighbour("b1", "203.0.113.9", 3356): "b1:t1--AS3356",  # its provider's AS
        Neighbour("b1", "198.51.100.2", 174): "b1:t2--Cogent",  # in the net of the port
        Neighbour("b1", "203.0.113.77", 64700): "b1:ix--LINX", Neighbour("b1", "203.0.113.78", 64701): "b1:ix--LINX",
        Neighbour("b2", "203.0.113.5", 1299): "b2:t1--AS1299",
        Neighbour("b2", "203.0.113.66", 64999): "b2:203.0.113.66--AS64999",  # at no port that is known
    }  # fmt: skip
    assert [(one.device, one.asn) for one in placed.unplaced] == [("b2", 64999)]
    assert placed.own_as == 64500


def test_routes_of_origins(known: Network) -> None:
    placed = sessions(known, HEARD, ASNS)
    topology = build(known, {}, ASNS, placed.unplaced)
    routing, notes = routing_of(topology, known, HEARD, placed)
    groups = [group.name for group in routing.groups]
    assert sorted(groups) == sorted(["AS15169", "AS64501", "AS64701", DEFAULT])
    said = {
        (groups[one.group], topology.links[one.link].id): (one.local_pref, one.as_path_length, one.med)
        for one in routing.routes
    }
    assert said == {
        ("AS15169", "b1:t1--AS3356"): (100, 2, 0), ("AS64501", "b1:t1--AS3356"): (100, 2, 7),
        ("AS15169", "b1:t2--Cogent"): (100, 2, 0), ("AS15169", "b1:ix--LINX"): (100, 1, 0),
        ("AS64701", "b1:ix--LINX"): (100, 2, 0), ("AS15169", "b2:203.0.113.66--AS64999"): (100, 2, 0),
        (DEFAULT, "b2:t1--AS1299"): (100, 2, 0),
        ("AS15169", "b2:t1--AS1299"): (50, 2, 0),  # after policy; our own AS and what is only before it are left out
    }  # fmt: skip
    assert any("before import policy alone" in note for note in notes)
    assert any("1 BGP sessions" in note for note in notes)


def test_an_address_is_routed_by_its_own_routes(known: Network) -> None:
    def path(exporter: str, peer: str, peer_as: int, rib: str, **more: Any) -> Any:
        session = SimpleNamespace(exporter=exporter, peer=peer, peer_as=peer_as, rib=rib)
        said = {"local_pref": 0, "as_path_length": 3, "bgp_origin": "igp", "neighbor_as": peer_as, "med": 0}
        found = SimpleNamespace(session=session, origin_as=15169, **(said | more))
        return SimpleNamespace(path=found, eligible=more.get("eligible", True))

    def view(prefix: str, *paths: Any) -> Any:
        router = SimpleNamespace(choice=SimpleNamespace(paths=paths))
        return SimpleNamespace(prefix=prefix, family="ipv4_unicast", routers=[router])

    class Routes:
        def exits(self, _: str = "now") -> Any:
            return SimpleNamespace(found=HEARD)

        def look_up(self, *_: Any) -> Any:
            # The longest is heard by a collector that is no device of ours.
            return SimpleNamespace(found=SimpleNamespace(prefixes=[
                view("8.8.8.0/24", path("192.0.2.99", "203.0.113.5", 1299, "adj_rib_in_pre")),
                view("8.8.0.0/16", path("192.0.2.1", "203.0.113.9", 3356, "adj_rib_in_pre", local_pref=400),
                     path("192.0.2.1", "203.0.113.9", 3356, "adj_rib_in_post", local_pref=200),
                     path("192.0.2.1", "", 0, "loc_rib"), path("192.0.2.2", "203.0.113.5", 1299, "adj_rib_in_pre")),
            ]))  # fmt: skip

        def as_names(self, _: Any) -> dict[str, str]:
            return {}

    class Nothing:
        def run(self, _: Any) -> Any:
            return SimpleNamespace(rows=[], other=None)

    providers = [provider(ObjectKind.PROVIDER, name, asn=asn) for name, asn in ASNS.items()]
    objects = SimpleNamespace(objects=lambda kind: providers if kind is ObjectKind.PROVIDER else [])
    source = NetworkSource(lambda _: known, lambda _: objects, lambda *_: {}, Nothing(), Routes(), clock=lambda: 1e9)
    snapshot = source.at(None)
    place = snapshot.places.find("8.8.8.8")
    assert (place.prefix, place.title) == ("8.8.0.0/16", "8.8.8.8, by 8.8.0.0/16")
    network, there = snapshot.places.with_routes(place, snapshot.network)
    routes = [one for one in network.routing.routes if one.group == there.group]
    links = network.topology.links
    assert [(links[one.link].provider, one.local_pref) for one in routes] == [("Lumen", 200), ("Arelion", 100)]
