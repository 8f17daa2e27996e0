"""MRT files of every age to routes; what is damaged is counted and read past."""

from __future__ import annotations

import bz2
import gzip
import ipaddress
import random
import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from mrt_wire import THEN, dumped, entry, old_dump, peer_index, record, rib, state, update

from weft.decode.bgp import Paths
from weft.decode.mrt import MrtBlock, MrtReader, file_chunks, is_mrt
from weft.errors import InvalidInput
from weft.model.addresses import address_text
from weft.twin.encode_bgp import Attributes, message, nlri, open_message, updates, withdrawals

V4, V6 = ipaddress.ip_network("203.0.113.0/24"), ipaddress.ip_network("2001:db8:100::/40")
PEERS = [("192.0.2.7", 64497), ("2001:db8::7", 64498)]
ONE = Attributes((64497, 64511), "192.0.2.7")
SIX = Attributes((64498, 64511), "2001:db8::7")
OLD = bytes.fromhex("40010100 4002060202FBF1FBFF 400304C0000207".replace(" ", ""))


def read(octets: bytes, size: int = 1 << 20) -> tuple[MrtReader, list[MrtBlock]]:
    reader = MrtReader(Paths())
    return reader, list(reader.blocks(octets[at : at + size] for at in range(0, len(octets), size)))


def rows(reader: MrtReader, blocks: Sequence[MrtBlock]) -> list[str]:
    """Each route in a line: when, peer, its AS, prefix, what became of it."""
    found = []
    for block in blocks:
        routes = block.routes
        for at in range(len(routes)):
            path = "withdrawn" if routes.withdrawn[at] else reader.paths.as_path[routes.path[at]]
            peer, prefix = (address_text(one[at].tobytes()) for one in (block.peer, routes.prefix))
            seconds = int(block.time_ns[at]) // 1_000_000_000 - THEN
            found.append(f"{seconds} {peer} {block.peer_as[at]} {prefix}/{routes.prefix_length[at]} {path}")
    return found


def test_a_table_dump_is_a_row_per_entry() -> None:
    octets = peer_index(PEERS, "view-1") + rib(V4, [entry(0, dumped(ONE, is_v6=False))])
    octets += rib(V6, [entry(1, dumped(SIX, is_v6=True)), entry(0, dumped(SIX, is_v6=True))])
    reader, blocks = read(octets)
    assert rows(reader, blocks) == [
        "-60 192.0.2.7 64497 203.0.113.0/24 64497 64511",
        "-60 2001:db8::7 64498 2001:db8:100::/40 64498 64511",
        "-60 192.0.2.7 64497 2001:db8:100::/40 64498 64511",
    ]
    assert [(one.is_table, one.view, address_text(one.collector)) for one in blocks] == [
        (True, "view-1", "192.0.2.250")
    ]
    assert blocks[0].dump_ns == THEN * 1_000_000_000
    six = blocks[0].routes.path[1]
    assert address_text(reader.paths.next_hop[six].tobytes()) == "2001:db8::7"
    assert (reader.records, dict(reader.errors)) == (3, {})


def test_entries_with_identifiers() -> None:
    octets = peer_index(PEERS) + rib(V4, [entry(0, dumped(ONE, is_v6=False), path_id=at) for at in (5, 6)], subtype=8)
    _, [block] = read(octets)
    assert block.routes.path_id.tolist() == [5, 6]


def test_a_whole_mp_reach_is_read_as_well() -> None:
    """RFC 6396 §4.3.4 wants the next hop alone; some write the attribute whole."""
    whole = updates([V6], SIX)[0][23:]
    reader, [block] = read(peer_index(PEERS) + rib(V6, [entry(1, whole)]))
    assert address_text(reader.paths.next_hop[block.routes.path[0]].tobytes()) == "2001:db8::7"


def test_other_families_are_words() -> None:
    rd = bytes.fromhex("0000FBF000000007")
    body = b"\0\0\0\1" + b"\0\1\x80" + bytes([112]) + b"\0\x03\xe1" + rd + bytes([203, 0, 113])
    block = dumped(ONE, is_v6=False)
    body += b"\0\1" + entry(0, block)
    _, [one] = read(peer_index(PEERS) + record(13, 6, body))
    assert one.routes.rd == ["64496:7"]
    assert one.routes.labels == ["62"]
    assert address_text(one.routes.prefix[0].tobytes()) == "203.0.113.0"


def test_updates_keep_their_order_between_sessions_that_agreed_differently() -> None:
    block = ONE.encoded()
    with_id = message(2, b"\0\0" + len(block).to_bytes(2, "big") + block + nlri(V4, 9))
    octets = update(updates([V4], ONE)[0]) + update(with_id, subtype=9, time=THEN + 1)
    octets += update(withdrawals([V4])[0], time=THEN + 2)
    octets += update(updates([V6], SIX)[0], peer="2001:db8::7", asn=64498, time=THEN + 3)
    reader, blocks = read(octets)
    assert rows(reader, blocks) == [
        "0 192.0.2.7 64497 203.0.113.0/24 64497 64511",
        "1 192.0.2.7 64497 203.0.113.0/24 64497 64511",
        "2 192.0.2.7 64497 203.0.113.0/24 withdrawn",
        "3 2001:db8::7 64498 2001:db8:100::/40 64498 64511",
    ]
    assert blocks[0].routes.path_id.tolist() == [0, 9, 0, 0]
    assert not blocks[0].is_table
    assert address_text(blocks[0].collector) == "192.0.2.250"


def test_a_change_of_state_stands_before_what_follows_it() -> None:
    octets = update(updates([V4], ONE)[0]) + state(6, 1) + state(5, 6) + update(withdrawals([V4])[0])
    _, blocks = read(octets)
    assert [(len(one.changes), len(one.routes)) for one in blocks] == [(0, 1), (2, 1)]
    [down, up] = blocks[1].changes
    assert (down.old_state, down.new_state, up.new_state, down.peer_as) == (6, 1, 6, 64497)


def test_other_messages_are_not_routes() -> None:
    reader, blocks = read(update(open_message(64497, "192.0.2.7")) + update(message(4, b"")))
    assert (rows(reader, blocks), dict(reader.errors)) == ([], {})


def test_microseconds_of_extended_records() -> None:
    plain = update(updates([V4], ONE)[0])[12:]
    octets = struct.pack(">IHHI", THEN, 17, 4, len(plain) + 4) + struct.pack(">I", 123_456) + plain
    _, [block] = read(octets)
    assert block.time_ns.tolist() == [THEN * 1_000_000_000 + 123_456_000]


@pytest.mark.parametrize("leaves_out", [0, 4])
def test_old_dumps_with_several_entries_in_a_record(leaves_out: int) -> None:
    """Dumps of 1999 and 2000 leave view and sequence out of the length."""
    octets = 3 * old_dump([V4, ipaddress.ip_network("198.51.100.0/25")], OLD, leaves_out=leaves_out)
    reader, blocks = read(octets, 50)
    assert rows(reader, blocks) == [
        "-60 192.0.2.7 64497 203.0.113.0/24 64497 64511", "-60 192.0.2.7 64497 198.51.100.0/25 64497 64511",
    ] * 3  # fmt: skip
    assert not reader.errors


def test_records_of_the_first_kind() -> None:
    """Type BGP (RFC 6396 appendix B.2), without the message's header."""
    body = struct.pack(">H", 64497) + bytes([192, 0, 2, 7]) + struct.pack(">H", 64496) + bytes([192, 0, 2, 250])
    body += b"\0\0" + len(OLD).to_bytes(2, "big") + OLD + nlri(V4)
    reader, blocks = read(record(5, 1, body) + record(5, 3, body[:6] + struct.pack(">HH", 6, 1)))
    assert rows(reader, blocks) == ["0 192.0.2.7 64497 203.0.113.0/24 64497 64511"]
    assert blocks[-1].changes[0].new_state == 1


def test_any_pieces_give_the_same() -> None:
    octets = peer_index(PEERS) + b"".join(
        rib(V4, [entry(0, dumped(ONE, is_v6=False))] * 3) + rib(V6, [entry(1, dumped(SIX, is_v6=True))])
        for _ in range(20)
    )
    wanted = rows(*read(octets))
    assert len(wanted) == 80
    for size in (13, 100, 1000):
        assert rows(*read(octets, size)) == wanted


def test_more_than_fits_in_one_go() -> None:
    networks = [ipaddress.ip_network((at << 8, 24)) for at in range(9000)]
    octets = [rib(one, [entry(0, dumped(Attributes((64497, at + 1)), is_v6=False))]) for at, one in enumerate(networks)]
    reader, blocks = read(peer_index(PEERS) + b"".join(octets))
    assert len(blocks) > 1
    assert sum(len(one.routes) for one in blocks) == 9000
    assert sum(one.records for one in blocks) == 9000
    paths = [path for one in blocks for path in reader.paths.origin_as[one.routes.path].tolist()]
    assert paths == list(range(1, 9001))


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (peer_index(PEERS) + rib(V4, [entry(9, dumped(ONE, is_v6=False))]), "unknown_peer"),
        (peer_index(PEERS) + rib(V4, [entry(0, b"\x40\x01\xff\0")]), "attribute_length"),
        (peer_index(PEERS) + rib(V4, [entry(0, b"\x40\x01\x01\xff")]), "origin"),
        (record(13, 2, b"\0\0\0\1\x21"), "record_length"),
        (record(13, 1, b"\0\0\0\1\0\xff"), "peer_index"),
        (record(16, 4, b"\0\0"), "record_length"),
        (record(16, 2, b"\0\0"), "unknown_type"),
        (record(48, 0, b"\0\0"), "unknown_type"),
        (update(updates([V4], ONE)[0])[:-3], "truncated"),
    ],
)
def test_what_is_damaged_is_counted(octets: bytes, reason: str) -> None:
    good = update(updates([V4], ONE)[0])
    reader, blocks = read(good + octets)
    assert reader.errors == {reason: 1}
    assert len(rows(reader, blocks)) == 1


def test_reading_goes_on_behind_a_record_that_was_cut_off() -> None:
    """A collector died while it wrote: its next file begins in the middle of a record."""
    good = [update(updates([V4], ONE)[0], time=THEN + at) for at in range(6)]
    reader, blocks = read(good[0] + good[1] + good[2][:30] + good[3] + good[4] + good[5])
    found = [line.split()[0] for line in rows(reader, blocks)]
    assert found == ["0", "1", "3", "4", "5"]
    assert reader.errors["damaged_record"] == 1


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\n\r\n" * 5, b"\0" * 100, b"short"])
def test_other_files_are_refused(octets: bytes) -> None:
    with pytest.raises(InvalidInput, match="not an MRT file"):
        read(octets)
    assert not is_mrt(octets)


def test_rubbish_is_counted_or_refused() -> None:
    rng = random.Random(23)
    whole = peer_index(PEERS) + rib(V4, [entry(0, dumped(ONE, is_v6=False))] * 2) + old_dump([V4], OLD)
    whole += rib(V6, [entry(1, dumped(SIX, is_v6=True))]) + update(updates([V4], ONE)[0]) + state(6, 1)
    for _ in range(1000):
        octets = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            octets[rng.randrange(len(octets))] = rng.getrandbits(8)
        try:
            reader, blocks = read(bytes(octets), rng.choice([40, 1 << 20]))
            rows(reader, blocks)
        except InvalidInput:
            pass


@pytest.mark.parametrize("packing", ["plain", "gzip", "bz2", "zstd"])
def test_packed_files(tmp_path: Path, packing: str) -> None:
    octets = update(updates([V4], ONE)[0]) * 1000
    packed = {
        "plain": octets, "gzip": gzip.compress(octets), "bz2": bz2.compress(octets),
        "zstd": pa.compress(octets, codec="zstd", asbytes=True),
    }[packing]  # fmt: skip
    path = tmp_path / "updates"
    path.write_bytes(packed)
    assert b"".join(file_chunks(path)) == octets
    path.write_bytes(packed[: len(packed) // 2])
    if packing in ("gzip", "bz2"):
        with pytest.raises(InvalidInput, match="updates"):
            list(file_chunks(path))


#: Of each file: records, routes, withdrawals as pybgpkit-parser 0.6.2 counts them (it does not know the older ones).
COUNTS = {
    "updates.bz2": (85, 268, 109),
    "updates.20100227.1600.first-796-records.gz": (796, 1359, 133),
    "updates.20100227.1600.gz": (6615, 53786, 1318),
    "updates.20100227.1610.gz": (1953, 7469, 1549),
    "ris.rrc06.updates.1427846400.gz": (795, 1557, 122),
    "routeviews.route-views.jinx.updates.1427846400.bz2": (1756, 8611, 451),
}
#: What the older files hold: there a state change may lack its peer (2000.11), and a record may be cut off (2000.03).
OLDER = {
    "updates.19990903.1041.gz": (24242, {}),
    "updates.19991214.1621.gz": (18203, {}),
    "bview.20000111.0032.gz": (2490, {}),
    "updates.20000102.2014.gz": (3957, {}),
    "updates.20000325.0345.gz": (2579, {"damaged_record": 2}),
    "updates.20001104.0124.gz": (1286, {"record_length": 63}),
}


@pytest.mark.parametrize("name", [*COUNTS, *OLDER])
def test_public_files(test_data: Path, name: str) -> None:
    found = [*(test_data / "bgp").rglob(name)]
    if not found:
        pytest.skip(f"no {name}")
    reader = MrtReader(Paths())
    routes, gone = 0, 0
    for block in reader.blocks(file_chunks(found[0])):
        routes += len(block.routes)
        gone += int(block.routes.withdrawn.sum())
        assert np.array_equal(block.routes.path < 0, block.routes.withdrawn)
    records, *wanted = COUNTS.get(name, (OLDER.get(name, (0, {}))[0],))
    assert reader.records == records
    if name in COUNTS:
        assert [routes, gone] == wanted
        assert not reader.errors
    else:
        assert routes > 500
        assert reader.errors == Counter(OLDER[name][1])
