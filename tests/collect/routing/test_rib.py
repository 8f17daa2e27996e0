"""The routes of sessions in memory: what is news, in which order of time, and what is left after a session."""

from __future__ import annotations

import random

import numpy as np
import pytest
from tests.collect.routing.wire import attributes, routes

from weft.collect.routing.rib import Rib
from weft.collect.routing.rows import SessionKey
from weft.decode.bgp.routes import Routes
from weft.model.addresses import address_text, packed
from weft.model.routes import ROUTE_EVENTS, ROUTES

T = 1_800_000_000_000_000_000
EDGE = packed("192.0.2.254")


def key(peer: str = "192.0.2.1", rib: int = 2, asn: int = 64500, **more) -> SessionKey:
    return SessionKey(EDGE, 1, rib, packed(peer), asn, **more)


def told(rows) -> list[tuple[str, str]]:
    """(event, prefix) of rows to store."""
    if rows is None:
        return []
    rows.validate(full=True)
    assert rows.schema == ROUTES.schema
    return [
        (ROUTE_EVENTS[row["event"]], f"{address_text(row['prefix'], '::')}/{row['prefix_length']}")
        for row in rows.to_pylist()
    ]


def test_only_news_is_stored():
    rib = Rib()
    session = rib.open(key(), T)
    one = routes(rib.paths, "198.51.100.0/24", "203.0.113.0/24")
    assert told(rib.apply(session, one, T + 1)) == [("announce", "198.51.100.0/24"), ("announce", "203.0.113.0/24")]
    assert rib.apply(session, one, T + 2) is None
    other = routes(rib.paths, "203.0.113.0/24", path=attributes(64500, 64501))
    assert told(rib.apply(session, other, T + 3)) == [("change", "203.0.113.0/24")]
    gone = routes(rib.paths, "203.0.113.0/24", "192.0.2.0/25", withdrawn=True)
    rows = rib.apply(session, gone, T + 4)
    assert told(rows) == [("withdraw", "203.0.113.0/24")]
    assert rows.to_pylist()[0]["as_path"] == "64500 64501"  # the path that is gone
    counts = session.counts
    assert (counts.announced, counts.changed, counts.withdrawn, counts.unchanged, counts.unknown) == (2, 1, 1, 2, 1)
    assert len(rib) == len(session.table) == 1


def test_attributes_are_columns():
    rib = Rib(states=lambda prefix, length, origin: np.where(origin == 64501, 2, 1).astype(np.uint8))
    session = rib.open(key(), T)
    path = attributes(64500, 64501, next_hop="192.0.2.9", local_pref=200, med=7, communities=((64500, 120),))
    (row,) = rib.apply(session, routes(rib.paths, "198.51.100.0/24", path=path), T + 1, received_ns=T + 5).to_pylist()
    assert (row["as_path"], row["as_path_length"]) == ("64500 64501", 2)
    assert (row["origin_as"], row["neighbor_as"]) == (64501, 64500)
    assert (row["local_pref"], row["med"], row["communities"]) == (200, 7, "64500:120")
    assert address_text(row["next_hop"]) == "192.0.2.9"
    assert row["rpki"] == 2
    assert row["time_received"].value == T + 5


def test_times_of_a_route_grow_whatever_its_stamps():
    rib = Rib()
    session = rib.open(key(), T)
    times = []
    for number in range(6):  # a router whose clock has whole seconds
        path = attributes(64500, 65000 + number)
        one = routes(rib.paths, "198.51.100.0/24", path=path, withdrawn=number % 3 == 2)
        times += [row["time"].value for row in rib.apply(session, one, T - 10**9).to_pylist()]
    assert len(set(times)) == 6
    assert times == sorted(times)
    assert times[0] > T  # the session came up then


def test_routes_are_told_apart_by_all_that_makes_them():
    rib = Rib()
    session = rib.open(key(), T)
    one = routes(rib.paths, "198.51.100.0/24", "198.51.100.0/25", "198.51.100.0/24", ids=(1, 1, 2))
    assert len(told(rib.apply(session, one, T))) == 3
    plain = routes(rib.paths, "198.51.100.0/24", "198.51.100.0/24")
    vpn = Routes(
        plain.withdrawn, np.full(2, 7, np.uint8), plain.prefix, plain.prefix_length, plain.path_id, plain.path,
        rd=["64500:1", "64500:2"],
    )  # fmt: skip
    rows = rib.apply(session, vpn, T).to_pylist()
    assert [row["nlri"] for row in rows] == ["rd:64500:1 198.51.100.0/24", "rd:64500:2 198.51.100.0/24"]
    (again,) = rib.checkpoint(session, T + 10**9)
    assert {row["nlri"] for row in again.to_pylist()} == {"", *(row["nlri"] for row in rows)}


def test_a_session_that_goes_away_takes_its_routes_only():
    rib = Rib()
    first, second = rib.open(key(), T), rib.open(key("192.0.2.2"), T)
    for session in (first, second):
        rib.apply(session, routes(rib.paths, "198.51.100.0/24"), T)
    assert rib.drop(first) == 1
    assert rib.drop(first) == 0
    assert [one.key for one in rib.sessions()] == [second.key]
    assert len(rib) == 1


def test_a_session_that_comes_up_begins_empty():
    rib = Rib()
    old = rib.open(key(), T)
    rib.apply(old, routes(rib.paths, "198.51.100.0/24"), T)
    new = rib.open(key(), T + 10**9)
    assert len(rib) == len(new.table) == 0
    assert not rib.holds(old)


def test_more_routes_than_there_may_be_are_counted():
    rib = Rib(max_routes=3)
    first, second = rib.open(key(), T), rib.open(key("192.0.2.2"), T)
    rib.apply(first, routes(rib.paths, "198.51.100.0/26", "198.51.100.64/26"), T)
    rows = rib.apply(second, routes(rib.paths, "198.51.100.0/26", "198.51.100.64/26"), T)
    assert told(rows) == [("announce", "198.51.100.0/26")]
    assert second.counts.refused == 1
    assert len(rib) == 3


def test_checkpoint_says_what_stands_and_later_rows_are_later():
    rib = Rib()
    session = rib.open(key(), T)
    rib.apply(session, routes(rib.paths, "198.51.100.0/24", "203.0.113.0/24"), T)
    (rows,) = rib.checkpoint(session, T + 10**10)
    assert sorted(told(rows)) == [("checkpoint", "198.51.100.0/24"), ("checkpoint", "203.0.113.0/24")]
    late = rib.apply(session, routes(rib.paths, "203.0.113.0/24", withdrawn=True), T + 5 * 10**9)  # an older stamp
    assert late.to_pylist()[0]["time"].value > T + 10**10


def test_a_table_dump_restates_and_takes_back_what_it_lacks():
    rib = Rib()
    session = rib.open(key(), T)
    rib.apply(session, routes(rib.paths, "198.51.100.0/24", "203.0.113.0/24"), T)
    rib.begin_dump(session)
    dump = routes(rib.paths, "203.0.113.0/24", "192.0.2.0/25")
    rows = rib.apply(session, dump, T + 10**9, dump=np.ones(2, np.bool_), restate=True)
    assert told(rows) == [("checkpoint", "203.0.113.0/24"), ("checkpoint", "192.0.2.0/25")]
    assert told(rib.end_dump(session, T + 10**9)) == [("withdraw", "198.51.100.0/24")]
    assert len(rib) == 2


def test_new_payloads_judge_standing_routes_again():
    verdict = {"now": 3}
    rib = Rib(states=lambda _, length, __: np.full(len(length), verdict["now"], np.uint8))
    session = rib.open(key(), T)
    rib.apply(session, routes(rib.paths, "198.51.100.0/24"), T)
    assert rib.judge_again(session, T + 1) is None
    verdict["now"] = 2
    (row,) = rib.judge_again(session, T + 10**9).to_pylist()
    assert (ROUTE_EVENTS[row["event"]], row["rpki"]) == ("checkpoint", 2)
    assert rib.judge_again(session, T + 2 * 10**9) is None


def test_paths_that_no_route_has_are_forgotten(monkeypatch):
    monkeypatch.setattr("weft.collect.routing.rib._SPARE_PATHS", 10)
    rib = Rib()
    session = rib.open(key(), T)
    for number in range(100):
        one = routes(rib.paths, "198.51.100.0/24", path=attributes(64500, 65000 + number))
        rib.apply(session, one, T)
        rib.sweep()
    assert len(rib.paths) <= 12
    (rows,) = rib.checkpoint(session, T + 10**10)
    assert rows.to_pylist()[0]["as_path"] == "64500 65099"


def test_version_grows_with_what_changes():
    rib = Rib()
    session = rib.open(key(), T)
    assert rib.version(EDGE) == 0
    one = routes(rib.paths, "198.51.100.0/24")
    rib.apply(session, one, T)
    version = rib.version(EDGE)
    rib.apply(session, one, T)
    assert rib.version(EDGE) == version > 0
    rib.drop(session)
    assert rib.version(EDGE) > version


@pytest.mark.parametrize("seed", range(6))
def test_it_holds_what_a_dictionary_would(seed):
    rng = random.Random(seed)
    rib = Rib()
    session, model = rib.open(key(), T), {}
    prefixes = [f"10.{a}.{b}.0/{n}" for a in range(4) for b in range(0, 256, 8) for n in (24, 25)]
    numbers = [rib.paths.index(attributes(64500, 65000 + n), True) for n in range(3)]
    for step in range(40):
        chosen = [rng.choice(prefixes) for _ in range(rng.randrange(1, 120))]
        batch = routes(rib.paths, *chosen, path=attributes(64500))
        batch.withdrawn = np.array([rng.random() < 0.4 for _ in chosen])
        batch.path = np.where(batch.withdrawn, -1, [rng.choice(numbers) for _ in chosen]).astype(np.int32)
        expected = []
        for prefix, withdrawn, path in zip(chosen, batch.withdrawn, batch.path.tolist(), strict=True):
            if withdrawn:
                if model.pop(prefix, None) is not None:
                    expected.append(("withdraw", prefix))
            elif prefix not in model or model[prefix] != path:
                expected.append(("change" if prefix in model else "announce", prefix))
                model[prefix] = path
        assert told(rib.apply(session, batch, T + step)) == expected
    standing = session.table.standing()
    held = {
        f"{address_text(prefix.tobytes())}/{length}": path
        for prefix, length, path in zip(standing.prefix, standing.length.tolist(), standing.path.tolist(), strict=True)
    }
    assert held == model
