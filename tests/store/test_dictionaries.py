"""Names as of a row's own time, attributes of the user's own, and what survives a restart."""

import dataclasses
import ipaddress
from datetime import UTC, datetime

import pytest
from storekit import one

from weft.errors import InvalidInput
from weft.model.dictionaries import APPLICATIONS, ASNS, DICTIONARIES, EXPORTERS, INTERFACES, NETWORKS, Attribute
from weft.store.lookups import attribute_sql

ROUTER = "192.0.2.1"
KEY = f"toIPv6('{ROUTER}')"


def _at(seconds):
    return f"toDateTime({seconds}, 'UTC')"


def test_a_renamed_interface_keeps_its_history(store):
    store.upsert_dictionary(INTERFACES, [
        {"exporter": ROUTER, "if_index": 3, "name": "et-0/0/3", "speed_bps": 10**10, "valid_from": 2000},
        {"exporter": ROUTER, "if_index": 3, "name": "ae1", "speed_bps": 10**11, "valid_from": 3000},
        {"exporter": "2001:db8::1", "if_index": 3, "name": "other"},
    ])  # fmt: skip
    names = {
        at: one(store, f"SELECT {attribute_sql(INTERFACES, 'name', (KEY, 'toUInt32(3)'), _at(at))}")
        for at in (0, 1999, 2000, 2999, 3000, 4_000_000_000)
    }
    assert names == {
        0: "et-0/0/3",
        1999: "et-0/0/3",
        2000: "et-0/0/3",
        2999: "et-0/0/3",
        3000: "ae1",
        4_000_000_000: "ae1",
    }
    assert one(store, f"SELECT {attribute_sql(INTERFACES, 'speed_bps', (KEY, 'toUInt32(3)'), _at(3500))}") == 10**11
    other = attribute_sql(INTERFACES, "name", ("toIPv6('2001:db8::1')", "toUInt32(3)"), _at(5))
    assert one(store, f"SELECT {other}") == "other"
    assert one(store, f"SELECT {attribute_sql(INTERFACES, 'name', (KEY, 'toUInt32(4)'), _at(5))}") == ""


def test_the_same_key_and_time_replaces(store):
    now = datetime.now(UTC)
    for name in ("r1", "r1b"):
        row = {"exporter": ipaddress.ip_address(ROUTER), "name": name, "site": "paris", "valid_from": now}
        store.upsert_dictionary(EXPORTERS, [row])
        assert one(store, f"SELECT {attribute_sql(EXPORTERS, 'name', (KEY,), _at(int(now.timestamp())))}") == name
    assert one(store, "SELECT count() FROM exporters FINAL") == 1


def test_plain_dictionaries_and_awkward_text(store):
    store.upsert_dictionary(ASNS, [{"asn": 4200000000, "name": 'O\'Reilly \\ "x" ü'}, {"asn": 15169, "name": "Google"}])
    store.upsert_dictionary(APPLICATIONS, [{"id": 1, "name": "https", "category": "web"}])
    store.upsert_dictionary(ASNS, [])
    assert one(store, f"SELECT {attribute_sql(ASNS, 'name', ('toUInt32(4200000000)',), '')}") == 'O\'Reilly \\ "x" ü'
    assert one(store, f"SELECT {attribute_sql(APPLICATIONS, 'category', ('toUInt32(1)',), '')}") == "web"
    assert one(store, f"SELECT {attribute_sql(ASNS, 'name', ('toUInt32(7)',), '')}") == ""


def test_users_add_columns_that_survive_a_restart(open_any):
    store = open_any()
    store.start()
    store.upsert_dictionary(NETWORKS, [{"id": 4_000_000_000, "site": "paris"}])
    whole = store.ensure_dictionary_columns(NETWORKS, [Attribute("team", "Who to call."), Attribute("site", "Again.")])
    assert [a.name for a in whole.attributes][-1] == "team"
    store.upsert_dictionary(NETWORKS, [{"id": 5, "site": "lyon", "team": "blue"}])
    store.stop()
    again = open_any()
    again.start()
    team, site = (attribute_sql(whole, name, ("toUInt32(5)",), "") for name in ("team", "site"))
    assert (one(again, f"SELECT {team}"), one(again, f"SELECT {site}")) == ("blue", "lyon")
    assert one(again, f"SELECT {attribute_sql(whole, 'site', ('toUInt32(4000000000)',), '')}") == "paris"
    assert again.ensure_dictionary_columns(NETWORKS, [Attribute("team", "")]).attributes[-1].name == "team"
    again.upsert_dictionary(NETWORKS, [{"id": 5, "team": "red"}])
    assert one(again, f"SELECT {team}") == "red"
    again.stop()


def test_embedded_dictionaries_are_made_anew_only_where_they_changed(open_any):
    def made(**settings):
        store, seen = open_any(), []
        execute = store._engine.execute
        store._engine.execute = lambda sql: (seen.append(sql), execute(sql))
        store._known = settings.get("known", store._known)
        try:
            store.start()
            store.stop()
        finally:
            store._engine.execute = execute
        return [sql.split()[4] for sql in seen if sql.startswith("CREATE OR REPLACE DICTIONARY")]

    first = made()
    assert len(first) == len(DICTIONARIES)
    more = dataclasses.replace(ASNS, attributes=(*ASNS.attributes, Attribute("holder", "Who has it.")))
    server = open_any()._config.url is not None  # there a password may have changed
    assert made() == (first if server else [])
    assert made(known=(*(d for d in DICTIONARIES if d is not ASNS), more)) == (
        [name for name in first if name != "dict_asns"] * server + ["dict_asns"]
    )
    store = open_any()
    store.start()
    store.upsert_dictionary(more, [{"asn": 7, "holder": "me"}])
    assert one(store, f"SELECT {attribute_sql(more, 'holder', ('toUInt32(7)',), '')}") == "me"
    store.stop()


def test_rows_that_make_no_sense_are_refused(store):
    with pytest.raises(InvalidInput, match="no attribute"):
        store.upsert_dictionary(ASNS, [{"asn": 1, "colour": "red"}])
    with pytest.raises(InvalidInput, match="not an address"):
        store.upsert_dictionary(EXPORTERS, [{"exporter": "router1"}])
