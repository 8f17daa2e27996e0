"""MRT files into the history: tables restate, updates change, sessions come and go, and damage takes nothing back."""

from __future__ import annotations

import gzip
import ipaddress
import os
import struct
from collections import Counter
from pathlib import Path

import pytest
from tests.collect.intake.fakes import FakeIntake
from tests.collect.routing import wire

from weft.collect.routing.feed import Feed
from weft.collect.routing.mrt import MrtImport, first_time, newest_time
from weft.collect.routing.rib import Rib
from weft.errors import InvalidInput
from weft.model.addresses import address_text, packed
from weft.model.routes import ROUTE_EVENTS, ROUTES

T = 1_800_000_000
DATA = Path(os.environ.get("WEFT_TEST_DATA", Path(__file__).parents[3] / "../shared/data")) / "bgp"
PEERS = (("192.0.2.1", 64500), ("192.0.2.2", 64501))
PATH = wire.attributes(64500, 64510)


def record(time: int, kind: int, subtype: int, body: bytes) -> bytes:
    return struct.pack("!IHHI", time, kind, subtype, len(body)) + body


def head(peer: tuple[str, int]) -> bytes:
    """Of a BGP4MP record with AS numbers of four octets."""
    address, asn = peer
    return struct.pack("!IIHH", asn, 64496, 0, 1) + ipaddress.IPv4Address(address).packed + bytes([192, 0, 2, 254])


def update(time: int, peer: tuple[str, int], *prefixes: str, **more) -> bytes:
    return record(time, 16, 4, head(peer) + wire.update(*prefixes, **more))


def change(time: int, peer: tuple[str, int], old: int, new: int) -> bytes:
    return record(time, 16, 5, head(peer) + struct.pack("!HH", old, new))


def table(time: int, *entries: tuple[str, int]) -> bytes:
    """A table dump: (prefix, number of the peer that has it)."""
    index = ipaddress.IPv4Address("192.0.2.254").packed + struct.pack("!HH", 0, len(PEERS))
    for address, asn in PEERS:
        index += b"\x02" + bytes(4) + ipaddress.IPv4Address(address).packed + asn.to_bytes(4, "big")
    found = record(time, 13, 1, index)
    for number, (prefix, peer) in enumerate(entries):
        entry = struct.pack("!HIH", peer, time - 500, len(PATH)) + PATH
        found += record(time, 13, 2, struct.pack("!I", number) + wire.nlri(prefix) + struct.pack("!H", 1) + entry)
    return found


class Import:
    """An import into memory."""

    def __init__(self, folder: Path, **more) -> None:
        self.folder, self.intake = folder, FakeIntake()
        self.rib = Rib()
        self.book = self.intake.open_source("mrt", "import", "files")
        self.importer = MrtImport(Feed(self.rib, self.intake, is_history=True), self.book, **more)

    def read(self, octets: bytes) -> None:
        path = self.folder / "file"
        path.write_bytes(octets)
        self.importer.read(path)

    def events(self) -> list[tuple[int, str]]:
        """(second, what happened) in the order of time."""
        rows = sorted(self.intake.rows(ROUTES), key=lambda row: row["time"])
        return [
            (round(row["time"].value / 1e9) - T, " ".join(filter(None, (
                ROUTE_EVENTS[row["event"]], address_text(row["peer"]),
                f"{address_text(row['prefix'])}/{row['prefix_length']}" if row["family"] else "",
            ))))
            for row in rows
        ]  # fmt: skip


def test_tables_and_updates_make_one_history(tmp_path):
    one = Import(tmp_path)
    one.read(table(T, ("198.51.100.0/24", 0), ("203.0.113.0/24", 0), ("198.51.100.0/24", 1)))
    one.read(
        update(T + 60, PEERS[0], withdrawn=("203.0.113.0/24",)) + update(T + 61, PEERS[0], "192.0.2.0/25", path=PATH)
    )
    one.read(table(T + 7200, ("198.51.100.0/24", 0), ("198.51.100.0/24", 1)))
    assert one.events() == [
        (0, "peer_up 192.0.2.1"), (0, "peer_up 192.0.2.2"), (0, "checkpoint 192.0.2.1 198.51.100.0/24"),
        (0, "checkpoint 192.0.2.1 203.0.113.0/24"), (0, "checkpoint 192.0.2.2 198.51.100.0/24"),
        (60, "withdraw 192.0.2.1 203.0.113.0/24"), (61, "announce 192.0.2.1 192.0.2.0/25"),
        (7200, "checkpoint 192.0.2.1 198.51.100.0/24"), (7200, "checkpoint 192.0.2.2 198.51.100.0/24"),
        (7200, "withdraw 192.0.2.1 192.0.2.0/25"),
    ]  # fmt: skip
    assert {address_text(row["exporter"]) for row in one.intake.rows(ROUTES)} == {"192.0.2.254"}
    assert len(one.rib) == 2


def test_a_table_that_is_cut_off_takes_nothing_back(tmp_path):
    one = Import(tmp_path)
    one.read(table(T, ("198.51.100.0/24", 0), ("203.0.113.0/24", 0)))
    one.read(table(T + 7200, ("198.51.100.0/24", 0), ("203.0.113.0/24", 0))[:-9])
    assert len(one.rib) == 2
    assert one.book.status().errors == {"truncated": 1}


def test_sessions_of_the_collector_come_and_go(tmp_path):
    one = Import(tmp_path, exporter=packed("192.0.2.77"))
    one.read(
        update(T, PEERS[0], "198.51.100.0/24", path=PATH) + change(T + 5, PEERS[0], 6, 1)
        + change(T + 9, PEERS[0], 5, 6) + update(T + 10, PEERS[0], "203.0.113.0/24", path=PATH)
    )  # fmt: skip
    assert one.events() == [
        (0, "peer_up 192.0.2.1"), (0, "announce 192.0.2.1 198.51.100.0/24"), (5, "peer_down 192.0.2.1"),
        (9, "peer_up 192.0.2.1"), (10, "announce 192.0.2.1 203.0.113.0/24"),
    ]  # fmt: skip
    assert {address_text(row["exporter"]) for row in one.intake.rows(ROUTES)} == {"192.0.2.77"}
    assert len(one.rib) == 1


def test_a_peer_whose_as_is_told_in_two_ways_is_one_session(tmp_path):
    """Collectors write 23456 for an AS of four octets where a record has room for two."""
    one = Import(tmp_path)
    one.read(
        update(T, PEERS[0], "198.51.100.0/24", path=PATH)
        + update(T + 1, (PEERS[0][0], 23456), "203.0.113.0/24", path=PATH)
        + update(T + 2, PEERS[0], withdrawn=("198.51.100.0/24", "203.0.113.0/24"))
    )  # fmt: skip
    assert [event for _, event in one.events()] == [
        "peer_up 192.0.2.1", "announce 192.0.2.1 198.51.100.0/24", "announce 192.0.2.1 203.0.113.0/24",
        "withdraw 192.0.2.1 198.51.100.0/24", "withdraw 192.0.2.1 203.0.113.0/24",
    ]  # fmt: skip
    assert len(one.rib) == 0


def test_times_of_files(tmp_path):
    first, second = tmp_path / "a.gz", tmp_path / "b"
    first.write_bytes(gzip.compress(update(T, PEERS[0]) + update(T + 3, PEERS[0])))
    second.write_bytes(update(T + 60, PEERS[0]))
    assert first_time(first) == T * 10**9
    assert newest_time([second, first]) == (T + 60) * 10**9
    one = Import(tmp_path, shift_ns=100 * 10**9)
    one.read(update(T, PEERS[0], "198.51.100.0/24", path=PATH))
    assert one.events()[-1] == (100, "announce 192.0.2.1 198.51.100.0/24")


@pytest.mark.parametrize("octets", [b"<html>", bytes(40)])
def test_what_is_no_mrt_is_refused(tmp_path, octets):
    path = tmp_path / "file"
    path.write_bytes(octets)
    with pytest.raises(InvalidInput):
        Import(tmp_path).read(octets)


@pytest.mark.skipif(not DATA.exists(), reason=f"no captures in {DATA}")
def test_updates_of_real_collectors_add_up(tmp_path):
    """Stored rows, replayed, leave what stands in memory; every prefix is a row, or a repetition, or was not there."""
    one = Import(tmp_path)
    for path in sorted(DATA.rglob("*updates.1427846400*")):
        one.importer.read(path)
    rows = one.intake.rows(ROUTES)
    counts = Counter(ROUTE_EVENTS[row["event"]] for row in rows)
    sessions = one.rib.sessions()
    again = sum(session.counts.unchanged for session in sessions)
    unknown = sum(session.counts.unknown for session in sessions)
    assert counts["announce"] + counts["change"] + counts["withdraw"] + again + unknown == one.importer.prefixes
    assert counts["announce"] - counts["withdraw"] == len(one.rib) > 1000
    assert one.importer.errors == {}
