"""A store with a day of routes, written by routers that came, went and changed their minds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.doubles.routes import EDGE2, LOCAL, PARTNER, POST, PRE, TRANSIT, batch, route, row, session

from weft.model.dictionaries import ASNS
from weft.model.routes import ROUTES
from weft.query.routing.questions import RoutingQuestions
from weft.store.config import StoreConfig
from weft.store.open import open_store

#: 2026-11-16 00:00 UTC, and the hour that is "now".
DAY = int(datetime(2026, 11, 16, tzinfo=UTC).timestamp())
NOW = DAY + 20 * 3600
H = 3600


def story() -> list:
    """What was said; times in hours of the day."""

    def at(hours: float) -> float:
        return DAY + hours * H

    said = []
    # EDGE1 has two neighbours, before and after policy, and tells its Loc-RIB.
    for peer in (TRANSIT, PARTNER):
        said += [session(at(1), True, peer=peer, rib=rib) for rib in (PRE, POST)]
    said.append(session(at(1), True, peer="", rib=LOCAL))
    web, covering, more, kept = "203.0.113.0/24", "203.0.112.0/20", "203.0.113.128/25", "198.51.100.0/24"
    for rib in (PRE, POST):
        policy = {"local_pref": 200, "communities": "64496:100"} if rib == POST else {}
        said.append(route(at(1.1), "announce", web, "64500 64511", rib=rib))
        said.append(route(at(1.1), "announce", web, "64501 64505 64511", peer=PARTNER, rib=rib, **policy))
        said.append(route(at(1.1), "announce", covering, "64500 64511", rib=rib))
    said.append(route(at(1.1), "announce", "0.0.0.0/0", "64500", rib=PRE))
    said.append(route(at(1.2), "announce", web, "64501 64505 64511", rib=LOCAL, peer="", next_hop=PARTNER))
    # Policy keeps this one out.
    said.append(route(at(1.3), "announce", "192.0.2.128/25", "64500 64502", rib=PRE, rpki="invalid"))
    # A more specific one of another origin for ten minutes at 10.
    said.append(route(at(10), "announce", more, "64500 64502", rib=PRE, rpki="invalid"))
    said.append(route(at(10) + 600, "withdraw", more, "64500 64502", rib=PRE, rpki="invalid"))
    # The partner's path changes at 12; at 14 its session goes away, at 15 it comes back with fewer routes.
    for rib in (PRE, POST):
        policy = {"local_pref": 200, "communities": "64496:100"} if rib == POST else {}
        said.append(route(at(12), "change", web, "64501 64511", peer=PARTNER, rib=rib, **policy))
        said.append(row(at(14), "peer_down", peer=PARTNER, rib=rib, reason="hold timer expired"))
        said.append(session(at(15), True, peer=PARTNER, rib=rib))
        said.append(route(at(15) + 1, "announce", "198.51.100.0/25", "64501", peer=PARTNER, rib=rib))
    said.append(route(at(12) + 1, "change", web, "64501 64511", rib=LOCAL, peer="", next_hop=PARTNER))
    said.append(route(at(14) + 1, "change", web, "64500 64511", rib=LOCAL, peer="", next_hop=TRANSIT))
    # A prefix that flaps five times.
    for n in range(5):
        for rib in (PRE, POST):
            said.append(route(at(16) + n * 60, "announce", "192.0.2.0/25", "64500 64503", rib=rib))
            said.append(route(at(16) + n * 60 + 30, "withdraw", "192.0.2.0/25", "64500 64503", rib=rib))
    # EDGE2 told of a route three days ago and has only repeated it since.
    said.append(session(at(-72), True, exporter=EDGE2))
    said.append(route(at(-72), "announce", kept, "64500 64509", exporter=EDGE2))
    said += [route(at(24 * day), "checkpoint", kept, "64500 64509", exporter=EDGE2) for day in (-2, -1, 0)]
    # A collector's dump.
    dump = {"exporter": "192.0.2.200", "source": "mrt"}
    said.append(route(at(8), "checkpoint", web, "64510 64500 64511", peer="198.51.100.77", **dump))
    said.append(route(at(8), "checkpoint", web, "64512 64511", peer="198.51.100.78", **dump))
    # IPv6, a route of a VRF, and one with add-path.
    said.append(route(at(2), "announce", "2001:db8:1::/48", "64500 64511"))
    said.append(route(at(2), "announce", web, "64500 64599", vrf="64496:7"))
    said.append(route(at(2), "announce", "203.0.112.0/24", "64500 64511", path_id=1))
    said.append(route(at(2), "announce", "203.0.112.0/24", "64500 64505 64511", path_id=2))
    return said


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    folder: Path = tmp_path_factory.mktemp("routes")
    store = open_store(StoreConfig(data_dir=folder, retention_days={"routes": 20000}))
    store.start()
    rows = story()
    # In several parts, as they arrive: what belongs together is not always stored together.
    for part in range(4):
        store.insert(ROUTES, batch(rows[part::4]))
    store.upsert_dictionary(ASNS, [{"asn": 64511, "name": "Example Net"}])
    yield store
    store.stop()


@pytest.fixture
def ask(store) -> RoutingQuestions:
    return RoutingQuestions(store, clock=lambda: NOW)
