"""BMP streams: messages however the octets come, what sessions agreed on, and what is wrong counted."""

from __future__ import annotations

import ipaddress
import json
import random
from collections import Counter
from pathlib import Path

import pytest

from weft.decode.bgp import Paths
from weft.decode.bmp import BmpStream, Initiation, Mirroring, Monitoring, PeerDown, PeerUp, Statistics, Termination
from weft.decode.capture.tcp import TcpFile
from weft.errors import InvalidInput
from weft.model.addresses import address_text, packed
from weft.twin.encode_bgp import (
    Attributes,
    Peer,
    bmp,
    end_of_rib,
    initiation,
    message,
    monitoring,
    nlri,
    notification,
    open_message,
    peer_down,
    peer_up,
    statistics,
    termination,
    updates,
    withdrawals,
)  # fmt: skip

NOW, THEN = 1_800_000_000_000_000_000, 1_700_000_000_000_001_000
PEER = Peer("192.0.2.7", 64497, "192.0.2.7")
AFTER = Peer("192.0.2.7", 64497, "192.0.2.7", flags=0x40)
LOCAL = Peer("0.0.0.0", 64496, "192.0.2.1", kind=3)
NETWORKS = [ipaddress.ip_network(f"198.51.{at}.0/24") for at in range(50)]


def session(peer: Peer = PEER, **options: str) -> bytes:
    return peer_up(
        peer, THEN, "192.0.2.1", open_message(64496, "192.0.2.1"), open_message(peer.asn, peer.bgp_id), **options
    )


def routes(peer: Peer = PEER) -> bytes:
    found = [
        monitoring(peer, THEN + at * 1000, updates([one], Attributes((64497,)))[0]) for at, one in enumerate(NETWORKS)
    ]
    return b"".join([*found, monitoring(peer, THEN, end_of_rib())])


def test_a_router_tells_its_story() -> None:
    stream = BmpStream(Paths())
    octets = initiation("edge-1", "a router") + session() + routes() + statistics(PEER, THEN, {0: 3, 7: 50})
    octets += peer_down(PEER, THEN, 3, notification(6, 2, "work")) + termination(1)
    start, up, told, counted, down, end = stream.feed(octets, NOW)
    assert isinstance(start, Initiation)
    assert (start.sys_name, start.sys_descr) == ("edge-1", "a router")
    assert isinstance(up, PeerUp)
    assert (address_text(up.peer.address), up.peer_as, up.rib, up.as4) == ("192.0.2.7", 64497, 1, True)
    assert address_text(up.local_address) == "192.0.2.1"
    assert isinstance(told, Monitoring)
    assert (len(told.routes), told.messages, told.routes.end_of_rib) == (50, 51, [1])
    assert told.row_time_ns.tolist() == [THEN + at * 1000 for at in range(50)]
    assert isinstance(counted, Statistics)
    assert counted.values == {0: 3, 7: 50}
    assert isinstance(down, PeerDown)
    assert down.reason == "peer sent NOTIFICATION cease: administrative shutdown (work)"
    assert isinstance(end, Termination)
    assert end.reason == "unspecified"
    assert stream.close() == 0


def test_octets_may_come_in_any_pieces() -> None:
    octets = initiation("edge-1", "") + session() + routes()
    rng = random.Random(3)
    for most in (1, 7, 300):
        stream, rows, messages = BmpStream(Paths()), 0, 0
        at = 0
        while at < len(octets):
            size = rng.randint(1, most)
            for one in stream.feed(octets[at : at + size], NOW):
                rows += len(one.routes) if isinstance(one, Monitoring) else 0
                messages += one.messages if isinstance(one, Monitoring) else 1
            at += size
        assert (rows, messages, stream.close()) == (50, 53, 0)


def test_tables_of_a_peer_are_told_apart() -> None:
    stream = BmpStream(Paths())
    octets = routes(PEER) + routes(AFTER) + routes(LOCAL) + routes(Peer("2001:db8::7", 64497, "192.0.2.7", flags=0x10))
    found = [one for one in stream.feed(octets, NOW) if isinstance(one, Monitoring)]
    assert [one.rib for one in found] == [1, 2, 3, 4]
    assert [address_text(one.peer.address) for one in found] == ["192.0.2.7", "192.0.2.7", "", "2001:db8::7"]
    assert found[0].peer == found[1].peer != found[2].peer


def test_identifiers_where_the_session_agreed() -> None:
    stream = BmpStream(Paths())
    block = Attributes((64497,)).encoded()
    body = b"\0\0" + len(block).to_bytes(2, "big") + block + nlri(NETWORKS[0], 9)
    told = monitoring(PEER, THEN, message(2, body))
    both = [open_message(asn, "192.0.2.1", add_path=[(1, 1)]) for asn in (64496, 64497)]
    [up, one] = stream.feed(peer_up(PEER, THEN, "192.0.2.1", both[0], both[1]) + told, NOW)
    assert isinstance(up, PeerUp)
    assert up.add_path == {(1, 1)}
    assert isinstance(one, Monitoring)
    assert one.routes.path_id.tolist() == [9]
    stream.feed(peer_down(PEER, THEN, 4), NOW)
    [after] = stream.feed(told, NOW)
    assert isinstance(after, Monitoring)
    assert after.routes.errors == {"nlri": 1}  # what was agreed went with the session


def test_old_routers_say_that_paths_have_two_octets() -> None:
    block = bytes.fromhex("40010100 4002060202FBF1FBFF 400304C0000201".replace(" ", ""))
    body = b"\0\0" + len(block).to_bytes(2, "big") + block + nlri(NETWORKS[0])
    paths = Paths()
    [one] = BmpStream(paths).feed(
        monitoring(Peer("192.0.2.7", 64497, "192.0.2.7", flags=0x20), THEN, message(2, body)), NOW
    )
    assert isinstance(one, Monitoring)
    assert paths.as_path[one.routes.path[0]] == "64497 64511"


def test_a_time_that_is_not_said_is_the_arrival() -> None:
    [one] = BmpStream(Paths()).feed(monitoring(PEER, 0, withdrawals(NETWORKS[:2])[0]), NOW)
    assert isinstance(one, Monitoring)
    assert (one.time_ns, one.row_time_ns.tolist()) == (NOW, [NOW, NOW])


def test_tlvs_behind_an_update_are_not_an_error() -> None:
    octets = PEER.header(THEN) + updates(NETWORKS[:1], Attributes((64497,)))[0] + bytes.fromhex("ea6200040000000a")
    stream = BmpStream(Paths())
    [one] = stream.feed(bmp(0, octets), NOW)
    assert isinstance(one, Monitoring)
    assert (len(one.routes), dict(one.routes.errors)) == (1, {})


def test_mirrored_messages_are_handed_on() -> None:
    update = updates(NETWORKS[:1], Attributes((64497,)))[0]
    octets = PEER.header(THEN) + b"\0\1\0\2\0\0" + b"\0\0" + len(update).to_bytes(2, "big") + update
    [one] = BmpStream(Paths()).feed(bmp(6, octets), NOW)
    assert isinstance(one, Mirroring)
    assert (one.what, one.message) == ("errored PDU", update)


@pytest.mark.parametrize(
    "octets", [b"\x04\0\0\0\x06\x04", b"\x03\0\0\0\x05\x04", b"\x03\xff\0\0\0\x04", b"GET / HTTP/1.1\r\n"]
)
def test_lost_framing_ends_the_stream(octets: bytes) -> None:
    with pytest.raises(InvalidInput, match="BMP"):
        BmpStream(Paths()).feed(initiation("a", "b") + octets, NOW)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (bmp(3, PEER.header(THEN) + bytes(20)), "malformed_peer_up"),
        (bmp(1, PEER.header(THEN) + b"\0\0\0\1\0\7\0\xff"), "malformed_statistics"),
        (bmp(2, b"short"), "short_message"),
        (bmp(0, b"short"), "short_message"),
        (bmp(9, PEER.header(THEN)), "unknown_type"),
    ],
)
def test_what_is_damaged_is_counted_and_the_stream_goes_on(octets: bytes, reason: str) -> None:
    stream = BmpStream(Paths())
    [one] = stream.feed(octets + initiation("edge-1", ""), NOW)
    assert isinstance(one, Initiation)
    assert stream.errors == {reason: 1}


def test_rubbish_is_counted_or_ends_the_stream() -> None:
    rng = random.Random(17)
    whole = initiation("edge-1", "x") + session() + routes() + statistics(PEER, THEN, {7: 1})
    whole += peer_down(PEER, THEN, 1, notification(6, 9)) + termination()
    for _ in range(1500):
        octets = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            octets[rng.randrange(len(octets))] = rng.getrandbits(8)
        stream = BmpStream(Paths())
        try:
            for at in range(0, len(octets), 1500):
                stream.feed(bytes(octets[at : at + 1500]), NOW)
        except InvalidInput:
            pass


def kinds(value: object, into: Counter[str]) -> None:
    """NetGauze's names of messages, wherever they stand in its JSON."""
    names = {"RouteMonitoring", "PeerUpNotification", "PeerDownNotification", "Initiation", "StatisticsReport"}
    if isinstance(value, dict):
        for name, one in value.items():
            if name in names:
                into[name] += 1
                return
            kinds(one, into)


@pytest.mark.parametrize(
    "name",
    ["bmp/evpn/evpn", "bmp/peers-with-different-caps/example", "bmp/unreachable-prefix-announcement/upa",
     "pmacct-tests/200-BMP-HUAWEI-locrib_instance/traffic-00", "pmacct-tests/201-BMP-CISCO-rd_instance/traffic-00",
     "pmacct-tests/204-BMP-CISCO-peer_down/traffic-00", "pmacct-tests/205-BMP-6wind-FRR-peer_down/traffic-00",
     "pmacct-tests/403-IPFIXv10-BMP-IPv6-CISCO-locrib-peerdown-vrf/traffic-00"],
)  # fmt: skip
def test_as_many_messages_as_netgauze_finds(test_data: Path, name: str) -> None:
    """In 205 NetGauze refuses three messages of FRR (a Peer Up, two UPDATEs without a next hop) that Weft reads."""
    base = test_data / "flows" / "NetGauze+NetGauze" / name
    if not base.with_suffix(".pcap").exists():
        pytest.skip("no NetGauze data")
    wanted: Counter[str] = Counter()
    for line in (base.parent / f"{base.name}-bmp.json").read_text().splitlines():
        kinds(json.loads(line), wanted)
    refused = 3 if "/205" in name else 0
    found: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    streams: dict[tuple[bytes, int], BmpStream] = {}
    for segment in TcpFile(base.with_suffix(".pcap")):
        stream = streams.setdefault(segment[:2], BmpStream(Paths()))
        for one in stream.feed(segment.octets, segment.time_ns):
            found[type(one).__name__] += one.messages if isinstance(one, Monitoring) else 1
            errors.update(one.routes.errors if isinstance(one, Monitoring) else {})
    assert sum(found.values()) == sum(wanted.values()) + refused
    assert found["Statistics"] == wanted["StatisticsReport"]
    assert found["PeerDown"] == wanted["PeerDownNotification"]
    assert not errors


def test_the_peer_key_is_the_peer_and_nothing_else() -> None:
    [one] = BmpStream(Paths()).feed(
        session(Peer("192.0.2.7", 64497, "192.0.2.7", 1, 0, bytes.fromhex("0000FBF000000007"))), NOW
    )
    assert isinstance(one, PeerUp)
    assert (one.peer.kind, one.peer.vrf, one.peer.address) == (1, "64496:7", packed("192.0.2.7"))
