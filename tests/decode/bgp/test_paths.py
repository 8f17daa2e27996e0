"""Each set of path attributes is kept once, found again, and given back."""

from __future__ import annotations

import ipaddress

import numpy as np
import pytest

from weft.decode.bgp.codes import Malformed
from weft.decode.bgp.paths import Paths, fingerprint
from weft.twin.encode_bgp import Attributes, updates


def block(last: int) -> bytes:
    return Attributes((64496, last), communities=((64496, 1),)).encoded()


def test_a_set_is_kept_once() -> None:
    paths = Paths()
    one, two, again = (paths.index(block(last), True) for last in (64497, 64498, 64497))
    assert one == again != two
    assert len(paths) == 2
    assert paths.as_path[np.array([one, two])].tolist() == ["64496 64497", "64496 64498"]


def test_no_path_reads_as_empty() -> None:
    paths = Paths()
    for last in range(5000):  # grows on the way
        paths.index(block(last + 1), True)
    missing = np.array([-1], np.int32)
    assert paths.as_path[missing].tolist() == [""]
    assert paths.bgp_origin[missing].tolist() == [255]
    assert paths.fingerprint[missing].tolist() == [0]
    assert paths.next_hop[missing].any() == np.False_


def test_dropped_places_are_used_again() -> None:
    paths = Paths()
    one = paths.index(block(64497), True)
    paths.drop(np.array([one, one, -1], np.int32))
    assert len(paths) == 0
    assert paths.as_path[one] == ""
    assert paths.index(block(64498), True) == one
    assert paths.as_path[one] == "64496 64498"


def test_a_churn_of_paths_has_a_bound() -> None:
    paths = Paths(limit=10)
    for last in range(10):
        paths.index(block(last + 1), True)
    with pytest.raises(Malformed, match="too_many_paths"):
        paths.index(block(64511), True)
    assert paths.index(block(1), True) >= 0


def test_the_fingerprint_is_of_path_and_communities_in_every_run() -> None:
    paths = Paths()
    one = paths.index(Attributes((64496,), "192.0.2.1", med=1).encoded(), True)
    two = paths.index(Attributes((64496,), "192.0.2.2", med=2).encoded(), True)
    assert one != two
    assert paths.fingerprint[one] == paths.fingerprint[two] == fingerprint("64496", "")
    assert fingerprint("64496 64497", "64496:1") == 1760321547245529991
    assert fingerprint("", "") == 0


def test_the_next_hop_of_mp_reach_is_part_of_the_set() -> None:
    paths = Paths()
    network = ipaddress.ip_network("2001:db8::/32")
    blocks = [updates([network], Attributes((64496,), f"2001:db8::{last}"))[0][23:] for last in (1, 2)]
    one, two = (paths.index(each, True) for each in blocks)
    assert one != two
    assert paths.next_hop[two].tobytes()[-1] == 2


def test_malformed_sets_are_remembered() -> None:
    paths = Paths()
    for _ in range(2):
        with pytest.raises(Malformed, match="origin"):
            paths.index(bytes.fromhex("400101FF"), True)
    assert len(paths) == 0


def test_rare_attributes_are_words() -> None:
    paths = Paths()
    octets = bytes.fromhex(
        "C00708 0000FBF0 C0000209 400600 800904 C000020A 800A08 00000001 00000002 C02304 0000FBF5"
        " 801A0B 01000B 0000000000000064 C06301AA".replace(" ", "")
    )
    one = paths.index(octets, True)
    assert paths.attributes[one] == (
        "aggregator 64496 192.0.2.9; atomic_aggregate; originator 192.0.2.10; cluster_list 0.0.0.1 0.0.0.2; "
        "only_to_customer 64501; aigp 100; attribute_99 0xaa"
    )
    assert (paths.cluster_length[one], paths.originator[one]) == (2, 0xC000020A)
