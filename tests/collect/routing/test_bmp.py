"""BMP streams over TCP: what becomes of sessions and routes, of routers that leave, and of what is no BMP at all."""

from __future__ import annotations

import random
import socket
import time

import pytest
from tests.collect.intake.fakes import FakeIntake
from tests.collect.routing import wire
from tests.waiting import until

from weft.collect.intake.identity import Nobody
from weft.collect.routing.collector import RoutingCollector
from weft.collect.routing.config import BmpConfig, BmpListenerConfig, RoutingConfig
from weft.collect.routing.memory import STATE_FILE, SessionsFile
from weft.errors import Unavailable
from weft.model.addresses import NO_ADDRESS, address_text, packed
from weft.model.routes import RIBS, ROUTE_EVENTS, ROUTES

A, B = ("192.0.2.1", 64500), ("2001:db8::2", 64501)
PATH = wire.attributes(64500, 64510)


class Named(Nobody):
    """An inventory that knows one device by its name, and takes others' words for their addresses."""

    def __init__(self) -> None:
        self.version, self.known = 1, {"edge1": packed("198.51.100.1")}
        self.moved: dict[bytes, bytes] = {}

    def address_of(self, host: str) -> bytes:
        return self.known.get(host, NO_ADDRESS)

    def primary_address(self, address: bytes) -> bytes:
        return self.moved.get(address, address)


class Lab:
    """A collector that listens, and routers that connect to it."""

    def __init__(self, tmp_path, **settings) -> None:
        self.intake, self.identity = FakeIntake(), Named()
        settings.setdefault("bmp", {})
        listener = BmpListenerConfig(address="127.0.0.1", port=0)
        bmp = BmpConfig(listeners=(listener,), **settings.pop("bmp"))
        self.collector = RoutingCollector(
            RoutingConfig(bmp=bmp, **settings), self.intake, data_dir=tmp_path, identity=self.identity
        )
        self.collector.start()
        self.sockets: list[socket.socket] = []

    def connect(self, *messages: bytes) -> socket.socket:
        one = socket.create_connection(("127.0.0.1", self.collector.bmp.ports[0]), timeout=10)
        self.sockets.append(one)
        one.sendall(b"".join(messages))
        return one

    def rows(self) -> list[dict]:
        return self.intake.rows(ROUTES)

    def events(self) -> list[str]:
        """What was stored: event, table, neighbour, prefix."""
        return [
            " ".join(filter(None, (
                ROUTE_EVENTS[row["event"]], RIBS[row["rib"]], address_text(row["peer"]),
                f"{address_text(row['prefix'])}/{row['prefix_length']}" if row["family"] else "",
            )))
            for row in self.rows()
        ]  # fmt: skip

    def until(self, *events: str) -> None:
        """Wait until all of these were stored."""
        until(lambda: set(events) <= set(self.events()))

    def stop(self) -> None:
        for one in self.sockets:
            one.close()
        self.collector.stop()


def is_closed(one: socket.socket) -> bool:
    """Whether the other end has gone, by whatever way."""
    try:
        return one.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.fixture
def lab(tmp_path):
    made = []

    def make(**settings) -> Lab:
        made.append(Lab(tmp_path, **settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_sessions_and_routes_before_and_after_policy(lab):
    one = lab()
    one.connect(
        wire.initiation(), wire.peer_up(*A), wire.monitoring(*A, wire.update("198.51.100.0/24", path=PATH)),
        wire.monitoring(*A, wire.update("203.0.113.0/24", path=PATH), flags=wire.POST),
        wire.monitoring(*A, wire.update(withdrawn=("198.51.100.0/24",))),
    )  # fmt: skip
    one.until("withdraw adj_rib_in_pre 192.0.2.1 198.51.100.0/24")
    assert one.events() == [
        "peer_up adj_rib_in_pre 192.0.2.1", "checkpoint adj_rib_in_pre 192.0.2.1 198.51.100.0/24",
        "peer_up adj_rib_in_post 192.0.2.1", "checkpoint adj_rib_in_post 192.0.2.1 203.0.113.0/24",
        "withdraw adj_rib_in_pre 192.0.2.1 198.51.100.0/24",
    ]  # fmt: skip
    assert {(row["exporter"], row["peer_as"], row["source"]) for row in one.rows()} == {(packed("127.0.0.1"), 64500, 1)}
    status = one.intake.status("edge1")
    assert status.kind == "bmp"
    assert status.errors == {}
    assert status.received >= 5


def test_what_is_told_after_the_table_is_what_happens(lab):
    """Until its End-of-RIB a table that was there before says what stands; nothing of it is a change."""
    one = lab()
    end = wire.update()
    one.connect(
        wire.peer_up(*A), wire.monitoring(*A, wire.update("198.51.100.0/24", path=PATH)), wire.monitoring(*A, end)
    )
    one.until("checkpoint adj_rib_in_pre 192.0.2.1 198.51.100.0/24")
    one.sockets[0].sendall(wire.monitoring(*A, wire.update("203.0.113.0/24", path=PATH)))
    one.until("announce adj_rib_in_pre 192.0.2.1 203.0.113.0/24")


def test_a_session_that_came_up_now_announces(lab):
    one = lab()
    ahead_ns = time.time_ns() + 5 * 10**9
    one.connect(
        wire.peer_up(*A, time_ns=ahead_ns), wire.monitoring(*A, wire.update("198.51.100.0/24", path=PATH))
    )  # fmt: skip
    one.until("announce adj_rib_in_pre 192.0.2.1 198.51.100.0/24")


def test_routes_sent_again_are_counted_and_not_stored(lab):
    one = lab()
    again = wire.monitoring(*A, *[wire.update("198.51.100.0/24", path=PATH)] * 50)
    one.connect(wire.initiation(), wire.peer_up(*A), again)
    until(lambda: sum(book.status().duplicates for book in one.intake.books) == 49)
    assert len(one.rows()) == 2


def test_a_neighbour_that_goes_away_takes_its_routes(lab):
    one = lab()
    one.connect(
        wire.peer_up(*A), wire.peer_up(*B),
        *(wire.monitoring(*peer, wire.update("198.51.100.0/24", path=PATH)) for peer in (A, B)),
        wire.monitoring(*A, wire.update("198.51.100.0/24", path=PATH), flags=wire.POST), wire.peer_down(*A),
    )  # fmt: skip
    one.until("peer_down adj_rib_in_pre 192.0.2.1", "peer_down adj_rib_in_post 192.0.2.1")
    assert [address_text(session.key.peer) for session in one.collector.rib.sessions()] == ["2001:db8::2"]
    downs = [row for row in one.rows() if ROUTE_EVENTS[row["event"]] == "peer_down"]
    assert all(row["reason"] for row in downs)
    ups = [row for row in one.rows() if row["peer"] == packed("192.0.2.1") and row not in downs]
    assert min(row["time"] for row in downs) > max(row["time"] for row in ups)


@pytest.mark.parametrize("how", ["closes", "resets", "ends inside a message", "terminates"])
def test_a_router_that_goes_away_takes_all_its_routes(lab, how):
    one = lab()
    router = one.connect(
        wire.initiation(), wire.peer_up(*A), wire.monitoring(*A, wire.update("198.51.100.0/24", path=PATH))
    )  # fmt: skip
    other = one.connect(wire.peer_up(*B), wire.monitoring(*B, wire.update("198.51.100.0/24", path=PATH)))
    until(lambda: len(one.collector.rib) == 2)
    if how == "resets":
        router.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    elif how == "ends inside a message":
        router.sendall(wire.peer_up("192.0.2.9", 64509)[:30])
    elif how == "terminates":
        router.sendall(wire.termination())
    router.close()
    one.until("peer_down adj_rib_in_pre 192.0.2.1")
    assert len(one.collector.rib) == 1
    assert "peer_down adj_rib_in_pre 2001:db8::2" not in one.events()
    until(lambda: one.intake.status("edge1").state == "failing")
    assert other.fileno() > 0


def test_weft_that_stops_ends_what_it_was_told(lab, tmp_path):
    one = lab()
    one.connect(wire.peer_up(*A), wire.monitoring(*A, wire.update("198.51.100.0/24", path=PATH)))
    until(lambda: len(one.collector.rib) == 1)
    one.collector.stop()
    (down,) = [row for row in one.rows() if ROUTE_EVENTS[row["event"]] == "peer_down"]
    assert down["reason"] == "Weft stopped"
    assert one.intake.open == []
    again = FakeIntake()
    RoutingCollector(RoutingConfig(), again, data_dir=tmp_path).start()
    assert again.rows(ROUTES) == []


def test_what_a_process_that_died_left_open_is_closed(tmp_path, lab):
    one = lab()
    one.connect(wire.peer_up(*A), wire.monitoring(*A, wire.update("198.51.100.0/24", path=PATH)))
    until(lambda: len(one.collector.rib) == 1)
    state = tmp_path / "routing-sessions.json"
    until(state.exists)  # within some seconds
    again = FakeIntake()
    RoutingCollector(RoutingConfig(), again, data_dir=tmp_path).start()
    (down,) = again.rows(ROUTES)
    assert (ROUTE_EVENTS[down["event"]], down["reason"]) == ("peer_down", "Weft ended without closing it")
    assert address_text(down["peer"]) == "192.0.2.1"
    state.write_text('[["short", 1]]')
    RoutingCollector(RoutingConfig(), FakeIntake(), data_dir=tmp_path).start()  # damaged: told in the log, no more


def test_a_session_that_comes_up_again_begins_empty(lab):
    one = lab()
    one.connect(
        wire.peer_up(*A), wire.monitoring(*A, wire.update("198.51.100.0/24", path=PATH)), wire.peer_up(*A),
        wire.monitoring(*A, wire.update("203.0.113.0/24", path=PATH)),
    )  # fmt: skip
    one.until("announce adj_rib_in_pre 192.0.2.1 203.0.113.0/24")
    assert "peer_down adj_rib_in_pre 192.0.2.1" in one.events()
    assert len(one.collector.rib) == 1


def test_two_connections_that_tell_of_one_session(lab):
    """The later one counts: the router may have connected anew before the old connection was noticed to be dead."""
    one = lab()
    tell = (wire.initiation(), wire.peer_up(*A), wire.monitoring(*A, wire.update("198.51.100.0/24", path=PATH)))
    old = one.connect(*tell)
    until(lambda: len(one.collector.rib) == 1)
    one.connect(*tell)
    until(lambda: one.events().count("checkpoint adj_rib_in_pre 192.0.2.1 198.51.100.0/24") == 2)
    old.sendall(wire.monitoring(*A, wire.update(withdrawn=("198.51.100.0/24",))))
    until(lambda: "told_twice" in one.intake.errors())
    old.close()
    until(lambda: "disconnected" in one.intake.errors())
    assert len(one.collector.rib) == 1
    assert one.events()[-1] == "checkpoint adj_rib_in_pre 192.0.2.1 198.51.100.0/24"


def test_behind_a_proxy_routers_are_known_by_name_or_identifier(lab):
    one = lab(bmp={"proxies": ("127.0.0.0/8",)})
    one.connect(wire.initiation("edge1"), wire.peer_up(*A))
    one.connect(wire.initiation("nobody knows it"), wire.peer_up(*B))
    until(lambda: len(one.rows()) == 2)
    assert {address_text(row["exporter"]) for row in one.rows()} == {"198.51.100.1", wire.ROUTER}


def test_history_moves_with_a_router_that_is_known_by_another_address(lab):
    one = lab()
    one.connect(wire.peer_up(*A), wire.monitoring(*A, wire.update("198.51.100.0/24", path=PATH)))
    until(lambda: len(one.rows()) == 2)
    one.identity.moved[packed("127.0.0.1")] = packed("198.51.100.1")
    one.identity.version += 1
    until(lambda: len(one.rows()) == 5)
    assert [(ROUTE_EVENTS[row["event"]], address_text(row["exporter"])) for row in one.rows()[2:]] == [
        ("peer_down", "127.0.0.1"), ("peer_up", "198.51.100.1"), ("checkpoint", "198.51.100.1"),
    ]  # fmt: skip
    assert one.collector.rib.exporters() == [packed("198.51.100.1")]


def test_stamps_count_where_they_can_be_believed(lab):
    one = lab()
    now = time.time_ns() // 1000 * 1000
    old, late = now - 3600 * 10**9, now - 2 * 10**9
    one.connect(wire.peer_up(*A, time_ns=now - 10 * 3600 * 10**9))
    until(lambda: len(one.rows()) == 1)
    prefixes = ["198.51.100.0/26", "198.51.100.64/26", "198.51.100.128/26"]
    for prefix, stamp, flags in zip(prefixes, (old, late, late), (wire.POST, wire.OUT | wire.POST, 0), strict=True):
        one.sockets[0].sendall(
            wire.monitoring(*A, wire.update(prefix, path=PATH), time_ns=stamp, flags=flags)
        )  # fmt: skip
    until(lambda: len([row for row in one.rows() if row["family"]]) == 3)
    by_prefix = {address_text(row["prefix"]): row for row in one.rows() if row["family"]}
    assert by_prefix["198.51.100.0"]["time"].value >= now  # from long before: when it came
    assert by_prefix["198.51.100.128"]["time"].value >= now  # before policy: never
    for row in one.rows():
        assert row["time"] <= row["time_received"]


def test_routers_that_withdraw_what_they_never_announced_are_told_of(lab):
    one = lab()
    gone = [wire.update(withdrawn=(f"10.0.{n}.0/24",)) for n in range(120)]
    one.connect(wire.initiation(), wire.peer_up(*A), wire.monitoring(*A, *gone))
    until(lambda: "only_withdrawals" in one.intake.errors())
    assert "soft-reconfiguration" in one.intake.status("edge1").last_error
    assert len(one.rows()) == 1


def test_a_router_that_puts_its_own_as_before_its_neighbours(lab):
    """FRR does; the neighbour's path is what is kept."""
    one = lab()
    path = wire.attributes(wire.ROUTER_AS, 64500, 64510)
    other = wire.attributes(wire.ROUTER_AS, 64510)  # of nobody's neighbour: left as it is
    one.connect(
        wire.peer_up(*A), wire.monitoring(*A, wire.update("198.51.100.0/24", path=path)),
        wire.monitoring(*A, wire.update("203.0.113.0/24", path=wire.attributes(wire.ROUTER_AS, 64500))),
        wire.monitoring(*A, wire.update("192.0.2.0/25", path=other)),
    )  # fmt: skip
    until(lambda: len(one.rows()) == 4)
    found = [(row["as_path"], row["as_path_length"], row["neighbor_as"]) for row in one.rows()[1:]]
    assert found == [("64500 64510", 2, 64500), ("64500", 1, 64500), (f"{wire.ROUTER_AS} 64510", 2, wire.ROUTER_AS)]


def test_a_router_tells_routes_of_its_own(lab):
    """As FRR does: of a neighbour without an address, which it never said to be up."""
    one = lab()
    one.connect(wire.monitoring("0.0.0.0", wire.ROUTER_AS, wire.update("198.51.100.0/24", path=wire.attributes())))
    one.until("peer_up adj_rib_in_pre", "checkpoint adj_rib_in_pre 198.51.100.0/24")
    assert one.intake.errors() == {}
    one.sockets[0].close()
    one.until("peer_down adj_rib_in_pre")


def test_routes_of_sessions_that_are_not_up_are_counted(lab):
    one = lab()
    one.connect(wire.monitoring(*A, wire.update("198.51.100.0/24", path=PATH)), wire.peer_down(*A), wire.peer_up(*B))
    until(lambda: len(one.rows()) == 1)
    assert {"no_peer_up": 1, "not_up": 1}.items() <= one.intake.errors().items()


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x03\xff\xff\xff\xff\x00", b"\x03\0\0\0\0\0" * 9])
def test_what_is_no_bmp_ends_the_connection_and_its_routes(lab, garbage):
    one = lab()
    router = one.connect(wire.peer_up(*A), wire.monitoring(*A, wire.update("198.51.100.0/24", path=PATH)))
    until(lambda: len(one.collector.rib) == 1)
    router.sendall(garbage)
    one.until("peer_down adj_rib_in_pre 192.0.2.1")
    assert is_closed(router)
    assert one.intake.errors()["framing_lost"] == 1


def test_connections_are_bounded(lab):
    one = lab(bmp={"max_connections_per_router": 2})
    for _ in range(4):
        one.connect(wire.initiation())
    until(lambda: one.intake.errors().get("too_many_connections") == 2)


def test_only_those_that_may_connect_do(lab):
    one = lab(bmp={"allowed_routers": ("198.51.100.0/24",)})
    one.connect(wire.initiation())
    until(lambda: "not_allowed" in one.intake.errors())
    assert is_closed(one.sockets[0])


def test_tables_are_bounded(lab):
    one = lab(bmp={"max_peers": 3})
    one.connect(*(wire.peer_up(f"192.0.2.{n}", 64500) for n in range(1, 7)))
    until(lambda: one.intake.errors().get("too_many_peers") == 3)
    assert len(one.collector.rib.sessions()) == 3


def test_weft_that_stops_while_the_store_is_away_closes_sessions_at_its_next_start(lab, tmp_path, monkeypatch):
    one = lab()
    one.connect(wire.initiation(), wire.peer_up(*A), wire.monitoring(*A, wire.update("198.51.100.0/24", path=PATH)))
    until(lambda: len(one.collector.rib) == 1 and one.rows())

    def refuses(*_args, **_more):
        raise Unavailable("the intake is full", where="collect", fix="Try again later.")

    monkeypatch.setattr(one.intake, "put", refuses)
    one.collector._file.keep(session.key for session in one.collector.rib.sessions())
    began = time.monotonic()
    one.stop()
    assert time.monotonic() - began < 10  # it does not wait for a store that may stay away
    assert one.collector.feed.lost_rows
    assert len(SessionsFile(tmp_path / STATE_FILE).left_over()[1]) == 1


def test_a_store_that_is_slow_makes_routers_wait_and_loses_nothing(lab, monkeypatch):
    monkeypatch.setattr("weft.collect.routing.feed._PAUSE_S", 0.05)
    one = lab(bmp={"queue_bytes": 1 << 20})
    one.intake.full = True
    stream = wire.peer_up(*A)
    for first in range(60):
        stream += wire.monitoring(*A, *(wire.update(f"10.{first}.{n}.0/24", path=PATH) for n in range(250)))
    router = one.connect()
    router.setblocking(False)
    sent = 0
    for _ in range(50):
        try:
            sent += router.send(stream[sent:])
        except BlockingIOError:
            time.sleep(0.02)
    one.intake.full = False
    router.setblocking(True)
    router.sendall(stream[sent:])
    until(lambda: len(one.rows()) == 15_001)
    assert len(one.collector.rib) == 15_000
    assert one.collector.feed.lost_rows == 0


@pytest.mark.parametrize("seed", range(4))
def test_damaged_streams_leave_memory_and_history_alike(lab, seed):
    """Whatever comes, what stands in memory is what the stored rows add up to, and nothing of it when they are gone."""
    rng = random.Random(seed)
    one = lab()
    stream = bytearray(wire.initiation())
    for number in range(150):
        peer = rng.choice((A, B))
        prefix = f"10.0.{rng.randrange(40)}.0/24"
        kind = rng.random()
        if kind < 0.1:
            stream += rng.choice((wire.peer_up, wire.peer_down))(*peer)
        elif kind < 0.6:
            path = wire.attributes(64500, 65000 + number % 5)
            stream += wire.monitoring(*peer, wire.update(prefix, path=path), flags=rng.choice((0, wire.POST)))
        else:
            stream += wire.monitoring(*peer, wire.update(withdrawn=(prefix,)))
    for _ in range(seed * 3):
        stream[rng.randrange(len(stream))] = rng.randrange(256)
    one.connect(bytes(wire.peer_up(*A) + wire.peer_up(*B) + stream))
    one.sockets[0].close()
    until(lambda: "disconnected" in one.intake.errors())
    standing: dict[tuple, set] = {}
    for row in sorted(one.rows(), key=lambda row: row["time"]):
        table = standing.setdefault((row["rib"], row["peer"], row["vrf"]), set())
        event = ROUTE_EVENTS[row["event"]]
        route = (row["family"], row["prefix"], row["prefix_length"], row["path_id"], row["nlri"])
        if event in ("peer_up", "peer_down"):
            table.clear()
        elif event == "withdraw":
            table.remove(route)
        else:
            table.add(route)
    assert not any(standing.values())
    assert len(one.collector.rib) == 0
