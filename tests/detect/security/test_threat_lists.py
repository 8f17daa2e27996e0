"""Threat lists: how they are read, looked up and read again; what is told of whoever has to do with an entry."""

from __future__ import annotations

import os
from collections.abc import Iterable
from ipaddress import IPv4Address, ip_network
from pathlib import Path

import numpy as np
import pytest
from tests.detect.security.covert_rows import START_S, Flow, context, flow_rows, fortinet, log_rows

from weft.detect.security import threat_lists
from weft.detect.security.threat_lists import ThreatFiles, ThreatList, ThreatLists, ThreatMatches, parse_list
from weft.errors import InvalidInput
from weft.model.addresses import packed

_TEXT = """# bad things
198.51.100.7
203.0.113.0/24 ; a whole network
2001:db8:bad::/48
0.0.0.0 evil.example
*.Wild.example.
198.51.100.9,first seen,today
not a name!
"""


def words(*addresses: str) -> np.ndarray:
    return np.frombuffer(b"".join(packed(one) for one in addresses), ">u8").reshape(-1, 2).astype(np.uint64)


def test_lists_are_read_whatever_their_form() -> None:
    one = parse_list("mine", _TEXT.splitlines())
    assert {str(network) for network in one.networks} == {
        "198.51.100.7/32", "203.0.113.0/24", "2001:db8:bad::/48", "198.51.100.9/32",
    }  # fmt: skip
    assert one.domains == {"evil.example", "wild.example"}
    assert one.skipped == 1


def test_a_list_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threat_lists, "MOST_ENTRIES", 10)
    with pytest.raises(InvalidInput):
        parse_list("mine", (f"198.51.100.{i}" for i in range(20)))


def test_columns_are_looked_up_as_single_addresses_would_be() -> None:
    rng = np.random.default_rng(1)
    networks = [
        ip_network((int(rng.integers(0, 1 << 32)), int(rng.integers(8, 33))), strict=False) for _ in range(200)
    ]  # fmt: skip
    lists = ThreatLists([parse_list("mine", map(str, networks))])
    known = [str(one.network_address) for one in networks[:50]] + [str(one.broadcast_address) for one in networks[:50]]
    tried = [str(IPv4Address(int(one))) for one in rng.integers(0, 1 << 32, 500)] + known
    found = lists.find(words(*tried)) >= 0
    assert found.tolist() == [any(IPv4Address(one) in network for network in networks) for one in tried]
    assert lists.find(words("2001:db8::1")).tolist() == [-1]


def test_domains_are_found_at_and_below_an_entry() -> None:
    lists = ThreatLists([parse_list("mine", _TEXT.splitlines())])
    assert lists.find_domain("evil.example") == ("evil.example", "mine")
    assert lists.find_domain("a.b.wild.example") == ("wild.example", "mine")
    assert lists.find_domain("notevil.example") == ("", "")


def test_files_are_read_again_when_they_change_and_keep_what_they_said(tmp_path: Path) -> None:
    path, missing = tmp_path / "feed.txt", tmp_path / "missing.txt"
    path.write_text("198.51.100.7\n")
    files = ThreatFiles([path, missing])
    assert files.current().find(words("198.51.100.7", "198.51.100.8")).tolist() == [0, -1]
    assert missing in files.errors
    path.write_text("198.51.100.7\n198.51.100.8\n")
    os.utime(path, ns=(1, 1))
    assert files.current().find(words("198.51.100.8")).tolist() == [0]
    path.unlink()
    assert files.current().find(words("198.51.100.8")).tolist() == [0]
    assert path in files.errors


def test_a_file_that_could_not_be_read_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "feed.txt"
    path.write_text("198.51.100.7\n")
    files = ThreatFiles([path])
    with monkeypatch.context() as patched:
        patched.setattr(threat_lists, "parse_list", _forbidden)
        assert not files.current().lists
    assert path in files.errors
    assert files.current().find(words("198.51.100.7")).tolist() == [0]
    assert not files.errors


def _forbidden(name: str, lines: Iterable[str]) -> ThreatList:
    raise PermissionError(name)


def test_who_talks_to_an_entry_is_told_and_who_refuses_is_not() -> None:
    lists = ThreatLists([parse_list("mine", _TEXT.replace("203.0.113.0/24", "192.0.2.0/24").splitlines())])
    detector = ThreatMatches(context({"threat_lists": lambda: lists}))
    found = detector.take("flows", flow_rows([
        Flow(0, "10.0.0.7", "198.51.100.7"),
        Flow(1, "10.0.0.7", "198.51.100.7"),
        Flow(2, "198.51.100.7", "10.0.0.8", 22),
        Flow(2, "10.0.0.8", "198.51.100.7", 50000, 22, octets=40, packets=1),
        Flow(3, "10.0.0.9", "192.0.2.80", 50000, 443, octets=90_000, packets=80),
        Flow(4, "10.0.0.10", "198.18.0.1"),
    ]))  # fmt: skip
    assert [(one.entity.id, one.severity.value) for one in found] == [("10.0.0.7", "major"), ("10.0.0.9", "minor")]
    asked = detector.take("logs", log_rows([(5, fortinet("10.0.0.11", "x.evil.example"))]))
    assert [(one.entity.id, one.others[0].text) for one in asked] == [("10.0.0.11", "domain:evil.example")]
    assert not detector.tick(START_S + 10_000)
    assert detector.take("flows", flow_rows([Flow(9000, "10.0.0.7", "198.51.100.7")]))


def test_entries_can_be_written_into_the_settings() -> None:
    detector = ThreatMatches(context(entries=["198.51.100.7"]))
    assert detector.take("flows", flow_rows([Flow(0, "10.0.0.7", "198.51.100.7")]))
    assert not ThreatMatches(context()).take("flows", flow_rows([Flow(0, "10.0.0.7", "198.51.100.7")]))
