"""UPDATE messages to routes: what was announced comes out, what is damaged is counted (RFC 4271, 4760, 6793, 7606)."""

from __future__ import annotations

import ipaddress
import random
import struct

import numpy as np
import pytest

from weft.decode.bgp import Paths, Routes, decode_update, decode_updates
from weft.decode.bgp import update as update_module
from weft.decode.bgp.codes import TEXT_LIMIT
from weft.model.addresses import address_text
from weft.twin.encode_bgp import Attributes, Prefix, end_of_rib, nlri, updates, withdrawals

NONE: frozenset[tuple[int, int]] = frozenset()
ATTRIBUTES = Attributes(
    (64496, 64499, 64499, 64511), "192.0.2.7", 0, 150, 20, ((64496, 120), (64496, 7)), ((64500, 1, 2),)
)
NETWORKS: list[Prefix] = [ipaddress.ip_network("203.0.113.0/24"), ipaddress.ip_network("198.51.100.128/25")]


def decode(
    body: bytes, paths: Paths | None = None, *, as4: bool = True, add_path: frozenset[tuple[int, int]] = NONE
) -> Routes:
    return decode_update(body, as4=as4, add_path=add_path, paths=Paths() if paths is None else paths)


def texts(routes: Routes) -> list[str]:
    return [
        f"{address_text(prefix.tobytes())}/{length}"
        for prefix, length in zip(routes.prefix, routes.prefix_length, strict=True)
    ]


def body(block: bytes, announced: bytes = b"", withdrawn: bytes = b"") -> bytes:
    return struct.pack(">H", len(withdrawn)) + withdrawn + struct.pack(">H", len(block)) + block + announced


def test_an_announcement_is_a_row_per_prefix_with_its_path() -> None:
    paths = Paths()
    [message] = updates(NETWORKS, ATTRIBUTES)
    routes = decode(message[19:], paths)
    assert texts(routes) == ["203.0.113.0/24", "198.51.100.128/25"]
    assert routes.family.tolist() == [1, 1]
    assert not routes.withdrawn.any()
    one = int(routes.path[0])
    assert routes.path.tolist() == [one, one]
    assert paths.as_path[one] == "64496 64499 64499 64511"
    assert (paths.as_path_length[one], paths.origin_as[one], paths.neighbor_as[one]) == (4, 64511, 64496)
    assert (paths.local_pref[one], paths.med[one], paths.bgp_origin[one]) == (150, 20, 0)
    assert paths.communities[one] == "64496:7 64496:120 large:64500:1:2"
    assert address_text(paths.next_hop[one].tobytes()) == "192.0.2.7"


def test_ipv6_has_its_next_hop_in_mp_reach() -> None:
    paths = Paths()
    attributes = Attributes((64496,), "2001:db8::7")
    [message] = updates([ipaddress.ip_network("2001:db8:100::/40")], attributes)
    routes = decode(message[19:], paths)
    assert texts(routes) == ["2001:db8:100::/40"]
    assert routes.family.tolist() == [2]
    assert address_text(paths.next_hop[int(routes.path[0])].tobytes()) == "2001:db8::7"


@pytest.mark.parametrize("network", ["203.0.113.0/24", "2001:db8::/32"])
def test_withdrawals_have_no_path(network: str) -> None:
    [message] = withdrawals([ipaddress.ip_network(network)])
    routes = decode(message[19:])
    assert texts(routes) == [network]
    assert routes.withdrawn.tolist() == [True]
    assert routes.path.tolist() == [-1]


@pytest.mark.parametrize(("is_v6", "family"), [(False, 1), (True, 2)])
def test_end_of_rib_is_a_marker_without_rows(is_v6: bool, family: int) -> None:
    routes = decode(end_of_rib(is_v6=is_v6)[19:])
    assert (len(routes), routes.end_of_rib, dict(routes.errors)) == (0, [family], {})


def test_path_identifiers_where_agreed() -> None:
    announced = nlri(NETWORKS[0], 7) + nlri(NETWORKS[0], 8)
    routes = decode(body(ATTRIBUTES.encoded(), announced), add_path=frozenset({(1, 1)}))
    assert routes.path_id.tolist() == [7, 8]
    assert texts(routes) == ["203.0.113.0/24"] * 2


def test_bits_behind_a_prefix_do_not_count() -> None:
    routes = decode(body(ATTRIBUTES.encoded(), bytes([20, 203, 0, 0x7F])))
    assert texts(routes) == ["203.0.112.0/20"]


def test_two_octet_paths_are_completed_by_as4_path() -> None:
    """RFC 6793 §4.2.3: as many of the leading AS of AS_PATH as AS4_PATH lacks."""
    paths = Paths()
    block = bytes.fromhex("400101004002080203FBF05BA05BA0400304C0000201") + bytes.fromhex("C0110A02020001000000010001")
    routes = decode(body(block, nlri(NETWORKS[0])), paths, as4=False)
    assert paths.as_path[routes.path[0]] == "64496 65536 65537"


def test_sets_and_confederations_count_as_best_path_selection_does() -> None:
    paths = Paths()
    path = bytes([3, 1]) + struct.pack(">I", 64512) + bytes([2, 1]) + struct.pack(">I", 64496)
    path += bytes([1, 2]) + struct.pack(">II", 64497, 64498)
    block = bytes.fromhex("40010100") + bytes([0x40, 2, len(path)]) + path + bytes.fromhex("400304C0000201")
    one = decode(body(block, nlri(NETWORKS[0])), paths).path[0]
    assert paths.as_path[one] == "(64512) 64496 {64497 64498}"
    assert (paths.as_path_length[one], paths.origin_as[one], paths.neighbor_as[one]) == (2, 0, 64496)


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("40010100 400205020 1FBF0FB 400304C0000201", "as_path"),
        ("40010105 40020602010000FBF0 400304C0000201", "origin"),
        ("40010100 40020602010000FBF0 400303C00002", "next_hop"),
        ("40010100 40020602010000FBF0 400304C0000201 C00803FBF000", "communities"),
        ("40010100 40020602010000FBF0 400304C0000201 C02008FBF0000000000000", "large_communities"),
        ("40010100 40020602010000FBF0 400304C0000201 800402FFFF", "med"),
        ("40020602010000FBF0 400304C0000201", "missing_attribute"),
        ("40010100 40020602010000FBF0 4003FFC0000201", "attribute_length"),
    ],
)
def test_unfeasible_routes_are_withdrawn_and_counted(block: str, reason: str) -> None:
    """RFC 7606 treat-as-withdraw: the routes go, the session and the other messages stay."""
    routes = decode(body(bytes.fromhex(block.replace(" ", "")), nlri(NETWORKS[0])))
    assert texts(routes) == ["203.0.113.0/24"]
    assert routes.withdrawn.tolist() == [True]
    assert dict(routes.errors) == {reason: 1}


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "update_length"),
        (b"\0\xff\0\0", "update_length"),
        (b"\0\0\0\xff", "update_length"),
        (b"\0\0\0\0" + bytes([33, 1, 2, 3, 4, 5]), "nlri"),
        (b"\0\0\0\0" + bytes([24, 1, 2]), "nlri"),
        (b"\0\0\0\x03" + bytes([0x80, 15, 0]), "nlri"),
    ],
)
def test_what_cannot_be_told_apart_gives_nothing(octets: bytes, reason: str) -> None:
    routes = decode(octets)
    assert (len(routes), dict(routes.errors)) == (0, {reason: 1})


def test_many_messages_at_once_keep_their_order_and_number() -> None:
    rng = random.Random(7)
    bodies = [sample(rng) for _ in range(3000)]
    paths = Paths()
    data = np.frombuffer(b"".join(bodies), np.uint8)
    end = np.cumsum([len(one) for one in bodies])
    start = end - [len(one) for one in bodies]
    together, number = decode_updates(data, start, end, as4=True, add_path=NONE, paths=paths)
    parts = [decode(one, paths) for one in bodies]
    assert texts(together) == [text for part in parts for text in texts(part)]
    assert together.path.tolist() == [path for part in parts for path in part.path.tolist()]
    assert number.tolist() == [at for at, part in enumerate(parts) for _ in range(len(part))]


def sample(rng: random.Random) -> bytes:
    """A random UPDATE of plain families."""
    is_v6 = rng.random() < 0.4
    networks: list[Prefix] = []
    for _ in range(rng.randint(1, 5)):
        bits = rng.randint(0, 64 if is_v6 else 32)
        width = 128 if is_v6 else 32
        number = rng.getrandbits(bits) << (width - bits) if bits else 0
        networks.append(ipaddress.ip_network((number.to_bytes(width // 8, "big"), bits)))
    if rng.random() < 0.2:
        return withdrawals(networks)[0][19:]
    path = tuple(rng.randint(64496, 64511) for _ in range(rng.randint(0, 4)))
    hop = "2001:db8::1" if is_v6 else "192.0.2.1"
    return updates(networks, Attributes(path, hop, 0, None, rng.choice([None, 5])))[0][19:]


def test_compiled_and_plain_reading_agree() -> None:
    rng = random.Random(11)
    for _ in range(500):
        octets = sample(rng)
        paths = Paths()
        compiled = decode(octets, paths)
        plain = update_module._other(octets, True, NONE, paths)
        assert texts(compiled) == texts(plain)
        assert compiled.withdrawn.tolist() == plain.withdrawn.tolist()
        assert compiled.path.tolist() == plain.path.tolist()


def test_rubbish_is_counted_and_nothing_else() -> None:
    rng = random.Random(13)
    paths = Paths(limit=200)
    for _ in range(4000):
        octets = bytearray(sample(rng))
        for _ in range(rng.randint(1, 6)):
            octets[rng.randrange(len(octets))] = rng.getrandbits(8)
        if rng.random() < 0.3:
            del octets[rng.randrange(len(octets)) :]
        routes = decode(bytes(octets), paths, as4=rng.random() < 0.5, add_path=rng.choice([NONE, frozenset({(1, 1)})]))
        assert (routes.path >= 0).tolist() == (~routes.withdrawn).tolist()
    assert len(paths) <= 200


def test_long_words_are_bounded_and_still_tell_routes_apart() -> None:
    """Filters whose words are many times as long as their octets, alike but for the last one."""
    filters = b""
    for last in (1, 2):
        flow = b"\x09" + b"\x00\xff" * 1000 + bytes([0x80, last])
        filters += struct.pack(">H", 0xF000 | len(flow)) + flow
    unreach = struct.pack(">HB", 1, 133) + filters
    routes = decode(body(b"\x90\x0f" + struct.pack(">H", len(unreach)) + unreach))
    assert routes.nlri is not None
    one, two = routes.nlri
    assert len(one) == len(two) == TEXT_LIMIT
    assert one != two
    assert not routes.errors
