"""The component: what sources say is merged, kept with its history, found again after a restart, bounded."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from tests.waiting import until

from weft.errors import StoreUnavailable
from weft.model.addresses import NO_ADDRESS, address_text, packed
from weft.model.inventory import Fact, ObjectKind
from weft.store.config import StoreConfig
from weft.store.inventory import FactsConfig, Inventory
from weft.store.inventory import keeping as keeping_module
from weft.store.inventory import strangers as strangers_module
from weft.store.inventory.ledger import MOST_VERSIONS_A_DAY, Ledger
from weft.store.state import StateStore, open_state
from weft.store.state.facts import FactChanges, FactStore

D, I, L = ObjectKind.DEVICE, ObjectKind.INTERFACE, ObjectKind.LINK  # noqa: E741


@pytest.fixture
def state(tmp_path) -> Iterator[StateStore]:
    store = open_state(StoreConfig(data_dir=tmp_path))
    store.start()
    yield store
    store.stop()


@pytest.fixture
def inventory(state) -> Iterator[Inventory]:
    one = Inventory(FactsConfig(), state)
    one.start()
    yield one
    one.stop()


def device(name: str, *addresses: str, **more: Any) -> Fact:
    return Fact(D, (name,), {"addresses": list(addresses), **more})


def port(name: str, interface: str, if_index: int = 0, **more: Any) -> Fact:
    return Fact(I, (name, interface), {"if_index": if_index, **more})


def told(inventory: Inventory, origin: str, scope: str, *facts: Fact, complete: bool = True) -> None:
    inventory.observe(origin, scope, facts, complete=complete)
    assert inventory.flush(90)


def names(inventory: Inventory, kind: ObjectKind = D) -> list[tuple[str, ...]]:
    return sorted(one.key for one in inventory.objects(kind))


def rows(state: StateStore) -> int:
    with state.reading() as session:
        return int(session.execute(text("SELECT count(*) FROM inventory_facts")).scalar_one())


def test_identity(inventory: Inventory) -> None:
    assert inventory.address_of("r1") == NO_ADDRESS
    before = inventory.version
    told(inventory, "snmp", "192.0.2.1", device("r1.example", "192.0.2.1", "192.0.2.2", "2001:db8::1"),
         port("r1.example", "GigabitEthernet0/1", 7), port("r1.example", "ifIndex 9", 9))  # fmt: skip
    assert inventory.version > before
    for host in ("r1", "R1.EXAMPLE", "r1.example.", "192.0.2.2", "2001:db8:0::1"):
        assert address_text(inventory.address_of(host)) == "192.0.2.1"
    assert inventory.address_of("r1.test") == NO_ADDRESS  # of another domain
    assert address_text(inventory.primary_address(packed("2001:db8::1"))) == "192.0.2.1"
    assert address_text(inventory.primary_address(packed("198.51.100.1"))) == "198.51.100.1"
    for name in ("Gi0/1", "gigabitethernet0/1"):
        assert inventory.if_index_of(packed("192.0.2.2"), name) == 7
    assert inventory.if_index_of(packed("192.0.2.2"), "Gi0/2") == 0
    assert inventory.interface_name(packed("192.0.2.1"), 7) == "GigabitEthernet0/1"
    assert inventory.interface_name(packed("192.0.2.1"), 8) == ""
    snapshot = inventory.snapshot()
    for name in ("r1.example|GigabitEthernet0/1", "r1/Gi0/1", "r1 Gi0/1", "192.0.2.1/Gi0/1"):
        assert snapshot.find(I, name).key == ("r1.example", "GigabitEthernet0/1")  # type: ignore[union-attr]


def test_what_is_said_again_is_not_written_again(inventory: Inventory, state: StateStore) -> None:
    facts = [device("r1", "192.0.2.1"), *(port("r1", f"et{n}", n, speed_bps=10) for n in range(50))]
    told(inventory, "snmp", "192.0.2.1", *facts)
    assert rows(state) == 51
    version = inventory.version
    for _ in range(3):
        told(inventory, "snmp", "192.0.2.1", *facts)
    assert (rows(state), inventory.version) == (51, version)
    told(inventory, "snmp", "192.0.2.1", *facts[:-1], port("r1", "et49", 49, speed_bps=20))
    assert rows(state) == 52
    assert inventory.counters().held == {"snmp": 51}


def test_what_is_not_said_any_more_is_withdrawn(inventory: Inventory) -> None:
    told(inventory, "snmp", "192.0.2.1", device("r1", "192.0.2.1"), port("r1", "et0"))
    told(inventory, "snmp", "192.0.2.1", port("r1", "et1"), complete=False)
    assert names(inventory, I) == [("r1", "et0"), ("r1", "et1")]
    told(inventory, "file", "x.yaml", device("r1", site="fra"))
    told(inventory, "snmp", "192.0.2.1", device("r1", "192.0.2.1"))
    assert names(inventory, I) == []
    told(inventory, "snmp", "192.0.2.1")
    assert (names(inventory), inventory.objects(D)[0].origins) == ([("r1",)], ("file",))


def test_restart_and_history(inventory: Inventory, state: StateStore) -> None:
    told(inventory, "snmp", "192.0.2.1", device("r1", "192.0.2.1", os_version="1"), port("r1", "et0", 1))
    time.sleep(0.02)
    then = time.time()
    time.sleep(0.02)
    told(inventory, "snmp", "192.0.2.1", device("r1", "192.0.2.1", os_version="2", serial="X"))
    told(inventory, "file", "a.yaml", device("r1", role="core"))
    told(inventory, "file", "a.yaml")
    history = inventory.history(D, ("r1",))
    assert [(entry.what, entry.origin) for entry in history] == [
        ("withdrawn", "file"), ("stated", "file"), ("changed", "snmp"), ("stated", "snmp"),
    ]  # fmt: skip
    assert history[2].attributes == {"os_version": ("1", "2"), "serial": (None, "X")}
    assert history[0].attributes["role"] == ("core", None)
    assert [entry.what for entry in inventory.history(I, ("r1", "et0"))] == ["withdrawn", "stated"]

    before = inventory.snapshot(then)
    assert before.get(D, ("r1",)).get("os_version") == "1"  # type: ignore[union-attr]
    assert [one.key for one in before.objects(I)] == [("r1", "et0")]
    assert before.known["192.0.2.1"].interfaces[1].name == "et0"
    assert inventory.snapshot(then - 3600).objects(D) == ()
    assert inventory.snapshot(then) is before  # nothing changed in between: it is the same

    inventory.stop()
    again = Inventory(FactsConfig(), state)
    again.start()
    assert (names(again), names(again, I)) == ([("r1",)], [])
    assert again.objects(D)[0].get("serial") == "X"
    count = rows(state)
    told(again, "snmp", "192.0.2.1", device("r1", "192.0.2.1", os_version="2", serial="X"))
    assert rows(state) == count
    again.stop()


def test_changes_become_rows(inventory: Inventory) -> None:
    batches: list[Any] = []
    inventory.tell_changes(batches.append)
    told(inventory, "file", "x", device("r0"))
    assert not batches  # the first inventory of all is no change
    told(inventory, "snmp", "192.0.2.0", device("r0", "192.0.2.0"))
    assert not batches  # nor is what was not known before
    base = [device("r1", "192.0.2.1", serial="A"), port("r1", "et0"), Fact(L, ("r1", "et0", "r2", "et9"), {})]
    told(inventory, "snmp", "192.0.2.1", *base)
    titles = [title for batch in batches for title in batch.column("title").to_pylist()]
    assert titles == ["new device r1", "new device r2", "new link r1 et0 – r2 et9"]  # its interfaces come with it
    batches.clear()
    told(inventory, "snmp", "192.0.2.1", device("r1", "192.0.2.1", serial="B"), port("r1", "et1"))
    (batch,) = batches
    by_title = dict(zip(batch.column("title").to_pylist(), batch.to_pylist(), strict=True))
    assert set(by_title) == {
        "device r1: serial", "device r2 is gone", "new interface r1 et1", "interface r1 et0 is gone",
        "link r1 et0 – r2 et9 is gone",
    }  # fmt: skip
    row = by_title["device r1: serial"]
    assert (row["detail"], row["source"], row["host"], row["kind"]) == ("serial: A → B", "snmp", "r1", 5)
    assert address_text(row["exporter"]) == "192.0.2.1"
    batches.clear()
    told(inventory, "file", "x", device("r0"), device("edge-1", "192.0.2.1"))
    (batch,) = batches
    assert batch.column("title").to_pylist()[0] == "r1 is now called edge-1"
    assert not any("is gone" in title for title in batch.column("title").to_pylist())


def test_a_failing_listener_or_sink_stops_nothing(inventory: Inventory) -> None:
    def broken(_: object) -> None:
        raise StoreUnavailable("away")

    inventory.tell_changes(broken)
    inventory._listeners.append(broken)
    told(inventory, "file", "x", device("r1"))
    told(inventory, "file", "x", device("r2"))
    assert names(inventory) == [("r2",)]
    assert inventory.counters().refused["", "changes_not_told"] == 2


HOSTILE: list[Any] = [
    Fact(D, ("",), {}), Fact(D, (), {}), Fact(I, ("r1",), {}), Fact(I, ("r1", ""), {}), Fact(D, ("x" * 5000,), {}),
    Fact(ObjectKind.PREFIX, ("nonsense",), {}), Fact("nothing", ("x",), {}), Fact(L, ("a", "b"), {}), None,  # type: ignore[arg-type]
]  # fmt: skip


def test_hostile_facts_are_refused_or_bounded(inventory: Inventory) -> None:
    wild = {f"a{n}": "y" for n in range(500)} | {
        "description": "\x00\x1b[2J" + "z" * 10_000, "Bad Name": "x", "n": float("nan"), "deep": {"a": {"b": 1}},
        "if_index": "7", "big": 2**80, "addresses": ["192.0.2.1/24", "junk", "fe80::1%eth0", 7], "surrogate": "\ud800x",
    }  # fmt: skip
    wild = dict(reversed(wild.items()))
    told(inventory, "snmp", "192.0.2.1", *HOSTILE, Fact(D, ("r1",), wild))
    (one,) = inventory.objects(D)
    assert inventory.counters().refused == {("snmp", "bad_key"): len(HOSTILE)}
    assert len(one.claims) <= 65
    assert one.get("description").isprintable()
    assert len(one.get("description")) <= 2048
    assert one.get("addresses") == ["192.0.2.1", "fe80::1"]
    assert (one.get("n"), one.get("big"), one.get("Bad Name"), one.get("surrogate")) == (None, None, None, "x")


def test_bounds(state: StateStore) -> None:
    inventory = Inventory(FactsConfig(max_facts=1000, max_facts_per_scope=100), state)
    inventory.start()
    told(inventory, "snmp", "a", *(port("r1", f"et{n}") for n in range(300)))
    assert len(inventory.objects(I)) == 100
    for n in range(20):
        inventory.observe("lldp", str(n), [port(f"d{n}", f"et{m}") for m in range(90)])
    assert inventory.flush(90)
    counters = inventory.counters()
    assert counters.held == {"snmp": 100, "lldp": 1000}
    assert counters.refused == {("snmp", "too_many"): 200, ("lldp", "too_many"): 800}
    inventory.stop()


def test_a_value_that_changes_with_every_look_does_not_fill_the_disk(state: StateStore) -> None:
    ledger, store = Ledger(1000, 1000), FactStore(state)
    looks = MOST_VERSIONS_A_DAY * 3
    for n in range(looks):
        changes = FactChanges()
        ledger.take("snmp", "a", [device("r1", description=str(n))], complete=True, now_s=1000.0 + n, changes=changes)
        store.write(changes)
    assert rows(state) == MOST_VERSIONS_A_DAY + 1
    (current,) = store.current()
    assert current.attributes["description"] == str(looks - 1)
    assert ledger.refused["snmp", "too_many_versions"] == looks - 1 - MOST_VERSIONS_A_DAY
    assert current.first_seen == 1000.0


def test_what_is_discovered_and_not_seen_expires(state: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = Inventory(FactsConfig(expire_days=0.01), state)
    inventory.start()
    told(inventory, "snmp", "a", device("r1"))
    told(inventory, "lldp", "a", device("r2"))
    told(inventory, "file", "f", device("kept"))
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    told(inventory, "lldp", "a", device("r2"))
    inventory._expire()
    inventory._publish()
    assert names(inventory) == [("kept",), ("r2",)]
    inventory.stop()


def test_strangers_become_devices(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers_module, "_GRACE_S", 0.0)
    told(inventory, "snmp", "a", device("r1", "192.0.2.1"))
    for address in ("192.0.2.1", "198.51.100.7", "fe80::1"):
        inventory.primary_address(packed(address))
    until(lambda: len(inventory.objects(D)) == 2)
    assert names(inventory) == [("198.51.100.7",), ("r1",)]
    assert inventory.snapshot().find(D, "198.51.100.7").origins == ("syslog",)  # type: ignore[union-attr]
    told(inventory, "snmp", "b", device("r7", "198.51.100.7"))
    assert names(inventory) == [("r1",), ("r7",)]


def test_the_state_store_may_be_away(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping_module, "_RETRY_S", 0.05)
    state = open_state(StoreConfig(data_dir=tmp_path))
    state.start()
    inventory = Inventory(FactsConfig(), state)
    inventory.start()
    told(inventory, "file", "a", device("gone", site="x"), device("kept", site="x"))
    state.stop()
    inventory.observe("file", "a", [device("kept", site="y"), device("new")])
    until(lambda: names(inventory) == [("kept",), ("new",)])  # merged all the same
    assert inventory.counters().unwritten > 0
    assert "not open" in inventory.counters().store_error
    # So long that what waits was given up: it is found out again by comparing.
    inventory._keeping._lost = True
    state.start()
    until(lambda: not inventory._keeping._lost and not inventory.counters().unwritten)
    inventory.stop()
    again = Inventory(FactsConfig(), state)
    again.start()
    assert {one.key: one.get("site") for one in again.objects(D)} == {("kept",): "y", ("new",): None}
    again.stop()
    state.stop()


def test_processes_that_share_a_state_database_follow_each_other(state: StateStore) -> None:
    config = FactsConfig(follow_seconds=1.0)
    one, other = Inventory(config, state, follows=True), Inventory(config, state, follows=True)
    one.start()
    other.start()
    told(one, "snmp", "a", device("r1"))
    told(other, "snmp", "b", device("r2"))
    until(lambda: names(one) == names(other) == [("r1",), ("r2",)])
    other.stop()
    one.stop()


def test_many_threads_tell_at_once(inventory: Inventory) -> None:
    def work(n: int) -> None:
        for _ in range(5):
            inventory.observe("snmp", f"s{n}", [device(f"r{n}", f"192.0.2.{n}"), port(f"r{n}", "et0", 1)])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inventory.flush(90)
    assert len(inventory.objects(D)) == 8
    assert all(inventory.if_index_of(packed(f"192.0.2.{n}"), "et0") == 1 for n in range(1, 9))


def test_what_dictionaries_and_prefix_tables_get(inventory: Inventory) -> None:
    told(inventory, "file", "f", device("r1", "192.0.2.1", "192.0.2.2", site="fra", vendor="Juniper"),
         port("r1", "et-0/0/0", 3, circuit="C-1"), Fact(L, ("r1", "et-0/0/0", "r2", "Et1"), {}),
         Fact(ObjectKind.PREFIX, ("10.0.0.0/8",), {"site": "fra"}),
         Fact(ObjectKind.CUSTOMER, ("Globex",), {"prefixes": ["10.0.0.0/8", "10.9.0.0/16"]}))  # fmt: skip
    told(inventory, "flows", "192.0.2.1", port("192.0.2.1", "et-0/0/0", 3, description="first hand"))
    known = inventory.known
    assert known["192.0.2.1"] is known["192.0.2.2"]
    one = known["192.0.2.1"]
    assert (one.name, one.site, one.vendor, one.address) == ("r1", "fra", "Juniper", "192.0.2.1")
    assert (one.interfaces[3].circuit, one.interfaces[3].peer) == ("C-1", "r2 Et1")
    assert one.interfaces[3].description == ""  # enrichment has it at first hand, with its time
    assert dict(inventory.snapshot().networks) == {
        "10.0.0.0/8": {"customer": "Globex", "site": "fra"}, "10.9.0.0/16": {"customer": "Globex"},
    }  # fmt: skip
    told(inventory, "file", "g", device("r9"))
    assert inventory.known["192.0.2.1"] is one  # what did not change is the very same
