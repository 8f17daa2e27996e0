"""A batch as several detectors read it: made once, and what each would have made by itself."""

from __future__ import annotations

from dataclasses import fields
from ipaddress import ip_network

import numpy as np
from tests.detect.security.covert_rows import OWN, Flow, flow_rows, fortinet, log_rows

from weft.detect.security.covert import Own, Talk, from_clients, pair_keys, talk
from weft.detect.security.query_logs import queries
from weft.detect.security.shared import shared


def same(one: Talk, other: Talk) -> bool:
    return all(np.array_equal(getattr(one, each.name), getattr(other, each.name)) for each in fields(Talk))


def test_a_batch_is_read_once_for_all_that_have_the_same_networks() -> None:
    rows = flow_rows([
        Flow(1, "10.0.0.1", "198.51.100.1", dst_as=64511), Flow(2, "198.51.100.1", "10.0.0.1", 50000, 443),
        Flow(3, "10.0.0.2", "10.0.0.3", 22), Flow(4, "10.0.0.2", "224.0.0.1", 5353),
    ])  # fmt: skip
    own = Own(lambda: OWN)
    one = shared(rows, own())
    assert shared(rows, Own(lambda: OWN)()) is one
    assert same(one.talk, talk(rows, own()))
    out, back = from_clients(talk(rows, own()))
    assert same(one.out, out)
    assert same(one.back, back)
    assert np.array_equal(one.out_keys, pair_keys(out))
    assert len(one.users) == len(one.peers) == len(one.networks) == len(out) == 1
    other = shared(rows, Own(lambda: (*OWN, ip_network("198.51.100.0/24")))())
    assert other is not one
    assert not len(other.out)
    assert shared(rows.slice(0, 1), own()) is not one


def test_log_lines_are_read_once() -> None:
    rows = log_rows([(1, fortinet("10.0.0.1", "www.example.com"))])
    assert queries(rows) is queries(rows)
    assert [one.name for one in queries(log_rows([(2, fortinet("10.0.0.1", "other.example"))]))] == ["other.example"]
