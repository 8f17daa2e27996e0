"""From what the server tells to series."""

from __future__ import annotations

from weft.collect.agent.config import KINDS
from weft.collect.agent.dns import host_and_port, system_resolvers
from weft.collect.agent.plan import Assignment, offset_s, plan_of


def plan(*tests, peers=(), me="a", kinds=KINDS, most=100):
    return plan_of(Assignment(tests=list(tests), peers=list(peers)), me, kinds, most)


def test_each_target_and_resolver_is_a_series():
    made = plan(
        {"name": "p", "kind": "ping", "targets": ["192.0.2.1", "192.0.2.2"]},
        {"name": "d", "kind": "dns", "targets": ["example.com"], "resolvers": ["192.0.2.53", "[2001:db8::53]:5353"]},
    )
    assert [one.key for one in made.series] == [
        ("p", "192.0.2.1", ""), ("p", "192.0.2.2", ""), ("d", "example.com", "192.0.2.53"),
        ("d", "example.com", "[2001:db8::53]:5353"),
    ]  # fmt: skip


def test_a_mesh_is_with_the_others_that_it_names():
    peers = [{"agent": name, "addresses": ["192.0.2.1"], "port": 0} for name in ("a", "b", "site-1", "site-2")]
    test = {"name": "m", "kind": "ping", "mesh": True, "agents": ["a", "site-*"]}
    made = plan(test, peers=peers)
    assert [one.target for one in made.series] == ["site-1", "site-2"]
    assert made.series[0].peer.address("any") == "192.0.2.1"
    assert made.series[0].peer.address("ipv6") == ""
    assert plan(test, peers=peers, me="b").series == ()
    assert plan(test | {"kind": "http"}, peers=peers).series == ()


def test_what_does_not_concern_it_or_is_not_understood_is_left_out():
    made = plan(
        {"name": "off", "kind": "ping", "targets": ["192.0.2.1"], "enabled": False},
        {"name": "others", "kind": "ping", "targets": ["192.0.2.1"], "agents": ["b"]},
        {"name": "new", "kind": "quantum", "targets": ["192.0.2.1"]},
        {"name": "bad", "kind": "ping", "count": -1},
        "not a test",
        {"name": "more", "kind": "ping", "targets": ["192.0.2.1"], "a_field_of_tomorrow": 1},
        {"name": "raw", "kind": "trace", "targets": ["192.0.2.1"]},
        kinds=("ping",),
    )
    assert [one.test.name for one in made.series] == ["more"]
    assert made.left_out == {"test not understood": 3, "trace is not allowed or not possible here": 1}


def test_there_is_an_end_to_series():
    made = plan({"name": "p", "kind": "ping", "targets": [f"192.0.2.{i}" for i in range(10)]}, most=4)
    assert (len(made.series), made.left_out) == (4, {"more series than agent.most_tests": 6})


def test_series_are_spread_over_the_interval():
    offsets = sorted(offset_s("a", ("p", str(i), ""), 60) for i in range(1000))
    assert 0 <= offsets[0] <= offsets[-1] < 60
    assert all(abs(at - i * 0.06) < 3 for i, at in enumerate(offsets))
    assert offset_s("a", ("p", "1", ""), 60) == offset_s("a", ("p", "1", ""), 60) != offset_s("b", ("p", "1", ""), 60)


def test_resolvers_are_read_as_people_write_them():
    text = "# a comment\nsearch example.net\nnameserver 192.0.2.53\nnameserver 2001:db8::53\nnameserver\n"
    assert system_resolvers(text) == ["192.0.2.53", "2001:db8::53"]
    assert host_and_port("192.0.2.53") == ("192.0.2.53", 53)
    assert host_and_port("192.0.2.53:5353") == ("192.0.2.53", 5353)
    assert host_and_port("2001:db8::53") == ("2001:db8::53", 53)
    assert host_and_port("[2001:db8::53]:5353") == ("2001:db8::53", 5353)
    assert host_and_port("ns.example.net:54") == ("ns.example.net", 54)
