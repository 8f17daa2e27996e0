"""What hops say in ICMP errors, and what servers answer, damaged or not."""

from __future__ import annotations

import random
import socket
import struct

from collect.agent.kit import a_test
from weft.collect.agent import dns, errqueue, flows
from weft.collect.agent.echo import checksum, reply_of, request


def entry(label, bottom=0):
    return struct.pack("!I", label << 12 | bottom << 8 | 1)


def extension(*objects):
    return b"\x20\x00\x00\x00" + b"".join(objects)


def stack(*labels):
    return struct.pack("!HBB", 4 + 4 * len(labels), 1, 1) + b"".join(map(entry, labels))


def test_mpls_labels_are_read_outermost_first():
    assert errqueue.mpls_labels(extension(stack(16001, 24005))) == (16001, 24005)
    interface = struct.pack("!HBB", 8, 2, 0) + bytes(4)
    assert errqueue.mpls_labels(extension(interface, stack(3))) == (3,)


def test_damaged_extensions_give_nothing():
    assert errqueue.mpls_labels(b"") == ()
    assert errqueue.mpls_labels(b"\x10\x00\x00\x00" + stack(1)) == ()
    assert errqueue.mpls_labels(extension(struct.pack("!HBB", 400, 1, 1))) == ()
    assert errqueue.mpls_labels(extension(struct.pack("!HBB", 0, 1, 1))) == ()
    chance = random.Random(1)
    for _ in range(2000):
        data = bytearray(extension(stack(*range(5)), stack(7)))
        data[chance.randrange(len(data))] = chance.randrange(256)
        assert len(errqueue.mpls_labels(bytes(data[: chance.randrange(len(data) + 1)]))) <= 16


def test_a_probe_is_told_by_its_key_and_its_checksum_does_not_tell():
    packets = {key: flows._KEY.pack(key, key ^ 0xFFFF) + flows._FILL for key in (0, 1, 0x1234, 0xFFFF)}
    assert {key: flows.key_of(data) for key, data in packets.items()} == {key: key for key in packets}
    assert len({checksum(data) for data in packets.values()}) == 1
    assert flows.key_of(b"") is None
    assert flows.key_of(b"\x12\x34\x12\x34") is None
    echoes = [request(socket.AF_INET, 77, key, struct.pack("!H", key ^ 0xFFFF) + flows._FILL) for key in packets]
    assert len({packet[2:4] for packet in echoes}) == 1


def test_replies_of_others_and_damaged_ones_are_not_ours():
    ours = bytes([0, 0]) + request(socket.AF_INET, 77, 5, b"mark")[2:]
    header = bytes([0x45]) + bytes(19)
    assert reply_of(header + ours, socket.AF_INET, raw=True, identifier=77) == (5, b"mark")
    assert reply_of(header + ours, socket.AF_INET, raw=True, identifier=78) is None
    assert reply_of(ours, socket.AF_INET, raw=False, identifier=0) == (5, b"mark")
    for length in range(28):
        assert reply_of((header + ours)[:length], socket.AF_INET, raw=True, identifier=77) is None


def test_damaged_dns_answers_are_none():
    query = question = dns.question(a_test("dns"), "example.com")
    wire = bytearray(query.to_wire())
    wire[2] |= 0x80
    assert dns._parsed(question, bytes(wire)) is not None
    chance = random.Random(2)
    for _ in range(2000):
        data = bytearray(wire)
        for _ in range(3):
            data[chance.randrange(len(data))] = chance.randrange(256)
        dns._parsed(question, bytes(data[: chance.randrange(len(data) + 1)]))
