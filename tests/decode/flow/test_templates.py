"""Templates of v9 and IPFIX: when they come, change, go, and what they may not be."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from flow_wire import (
    EXPORTED,
    RECEIVED,
    a_set,
    decode,
    fields,
    ip4,
    ipfix,
    new_decoder,
    number,
    options9,
    stream,
    template9,
    template10,
    to_batch,
    v9,
    variable,
)  # fmt: skip

from weft.decode.flow.columns import LATE_DATAGRAM

#: Source address, destination port, bytes.
SHORT = ((8, 4), (11, 2), (1, 4))


def short(address: str = "192.0.2.1", port: int = 443, octets: int = 100) -> bytes:
    return ip4(address) + number(port, 2) + number(octets, 4)


def seen(records: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(r.get("src_addr"), r.get("dst_port"), r.get("bytes")) for r in records]


ONE = ("192.0.2.1", 443, 100)


@pytest.mark.parametrize("message", [v9, ipfix])
def test_template_and_data_in_one_message(message: Any) -> None:
    template = template9 if message is v9 else template10
    assert seen(decode(message(template(256, *SHORT), a_set(256, short(), short(port=80))))) == [
        ONE, ("192.0.2.1", 80, 100),
    ]  # fmt: skip


def test_data_before_its_template_in_a_later_batch() -> None:
    decoder = new_decoder()
    early = v9(template9(300, *SHORT), a_set(256, short()), a_set(300, short(port=1)), sequence=1)
    assert seen(decode(early, decoder=decoder)) == [("192.0.2.1", 1, 100)]
    assert stream(decoder).held == 1
    late = decoder.decode(to_batch(v9(template9(256, *SHORT), sequence=2, secs=EXPORTED + 60), received=RECEIVED + 60))
    assert late.held_back == late.flows.num_rows == 1
    assert late.flows.column("datagram").to_pylist() == [LATE_DATAGRAM]
    status = stream(decoder)
    assert (status.held, status.replayed, status.records) == (0, 1, 2)


def test_held_data_keeps_the_times_of_its_own_message() -> None:
    decoder = new_decoder()
    spec = ((8, 4), (22, 4), (21, 4))
    body = ip4("192.0.2.1") + number(999_000, 4) + number(999_500, 4)
    decoder.decode(to_batch(v9(a_set(256, body), uptime=1_000_000)))
    late = v9(template9(256, *spec), uptime=2_000_000, secs=EXPORTED + 1000, sequence=2)
    (record,) = decode(late, decoder=decoder, received=RECEIVED + 10**12)
    assert record["time_end"] == "2023-11-14T22:13:19.500Z"
    assert record["time_received"] == "2023-11-14T22:13:20.250Z"


def test_data_before_its_template_in_the_same_batch() -> None:
    decoder = new_decoder()
    messages = [v9(a_set(256, short()), sequence=1), v9(template9(256, *SHORT), a_set(256, short(port=2)), sequence=2)]
    decoded = decoder.decode(to_batch(*messages))
    assert sorted(decoded.flows.column("dst_port").to_pylist()) == [2, 443]
    assert decoded.held_back == 0
    assert stream(decoder).replayed == 1


def test_redefinition_applies_to_later_sets_only() -> None:
    decoder = new_decoder()
    swapped = ((11, 2), (8, 4), (1, 4))
    records = decode(
        v9(template9(256, *SHORT), a_set(256, short()), sequence=1),
        v9(a_set(256, short()), template9(256, *swapped), sequence=2),
        v9(a_set(256, number(443, 2) + ip4("192.0.2.1") + number(100, 4)), sequence=3),
        decoder=decoder,
    )
    assert seen(records) == [ONE] * 3
    assert stream(decoder).template_changes == 1


def test_a_refresh_is_silent() -> None:
    decoder = new_decoder()
    decode(*[v9(template9(256, *SHORT), a_set(256, short()), sequence=n) for n in range(5)], decoder=decoder)
    status = stream(decoder)
    assert (status.template_changes, status.templates, status.records, status.errors) == (0, 1, 5, {})


def test_a_data_template_may_become_an_options_template() -> None:
    decoder = new_decoder()
    first = v9(template9(256, *SHORT), a_set(256, short()))
    second = v9(options9(256, [(1, 4)], [(34, 4)]), a_set(256, number(0, 4) + number(64, 4)), sequence=2)
    assert len(decode(first, second, decoder=decoder)) == 1
    assert stream(decoder).template_changes == 1


def test_templates_belong_to_exporter_version_and_domain() -> None:
    decoder = new_decoder()
    decode(
        v9(template9(256, *SHORT), domain=1),
        v9(a_set(256, short()), domain=2),
        ipfix(a_set(256, short()), domain=1),
        v9(a_set(256, short()), domain=1),
        decoder=decoder,
        source=["198.51.100.7", "198.51.100.7", "198.51.100.7", "203.0.113.9"],
    )
    assert [(s.source, s.flow_type, s.observation_domain, s.templates, s.held) for s in decoder.streams()] == [
        ("198.51.100.7", 2, 1, 1, 0),
        ("198.51.100.7", 2, 2, 0, 1),
        ("198.51.100.7", 3, 1, 0, 1),
        ("203.0.113.9", 2, 1, 0, 1),
    ]


def test_withdrawal_over_udp_is_ignored() -> None:
    decoder = new_decoder()
    records = decode(
        ipfix(template10(256, *SHORT), a_set(256, short())),
        ipfix(a_set(2, struct.pack(">HH", 256, 0)), sequence=2),
        ipfix(a_set(2, struct.pack(">HH", 2, 0)), sequence=2),
        ipfix(a_set(256, short()), sequence=2),
        decoder=decoder,
    )
    assert seen(records) == [ONE, ONE]
    assert stream(decoder).errors == {"withdrawal_ignored": 2}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (struct.pack(">HH", 256, 0), "template_empty"),
        (struct.pack(">HH", 256, 2) + fields((8, 0), (12, 0)), "template_empty"),
        (struct.pack(">HH", 255, 1) + fields((8, 4)), "template_bad_id"),
        (struct.pack(">HH", 256, 3) + fields((8, 4)), "template_truncated"),
        (struct.pack(">HH", 256, 0xFFFF) + fields((8, 4)), "template_truncated"),
        (struct.pack(">HH", 256, 65) + fields(*[(8, 4)] * 65), "template_too_large"),
    ],
)
def test_templates_that_are_none(body: bytes, reason: str) -> None:
    """They are never kept: data for them waits like any without a template, and nothing loops."""
    decoder = new_decoder(max_fields=64)
    messages = [v9(a_set(0, body), sequence=1), v9(a_set(256, bytes(1000)), sequence=2)]
    assert decode(*messages, decoder=decoder) == []
    status = stream(decoder)
    assert (status.templates, status.held, status.errors) == (0, 1, {reason: 1})


def test_a_bad_template_does_not_hide_the_next() -> None:
    decoder = new_decoder()
    both = a_set(0, struct.pack(">HH", 300, 0) + struct.pack(">HH", 256, 3) + fields(*SHORT))
    assert seen(decode(v9(both, a_set(256, short())), decoder=decoder)) == [ONE]


def test_several_templates_in_one_set_and_padding() -> None:
    body = struct.pack(">HH", 256, 3) + fields(*SHORT) + struct.pack(">HH", 257, 1) + fields((8, 4)) + bytes(2)
    sets = a_set(0, body), a_set(256, short(), b"\0\0"), a_set(257, ip4("192.0.2.9"), b"\0")
    assert seen(decode(v9(*sets))) == [ONE, ("192.0.2.9", None, None)]


def test_fields_of_no_length_are_tolerated() -> None:
    spec = ((8, 4), (12, 0), (11, 2), (1, 4))
    assert seen(decode(v9(template9(256, *spec), a_set(256, short())))) == [ONE]


def test_limits_on_templates() -> None:
    decoder = new_decoder(max_templates_per_stream=2, max_templates=3)
    decode(v9(*[template9(256 + n, *SHORT) for n in range(5)], domain=1), decoder=decoder)
    decode(v9(*[template9(256 + n, *SHORT) for n in range(5)], domain=2), decoder=decoder)
    assert [(s.templates, s.errors) for s in decoder.streams()] == [
        (2, {"too_many_templates": 3}), (1, {"too_many_templates": 4}),
    ]  # fmt: skip


def test_templates_expire() -> None:
    decoder = new_decoder(template_seconds=100.0)
    decode(v9(template9(256, *SHORT)), decoder=decoder)
    decoder.tick(RECEIVED + 99 * 10**9)
    assert stream(decoder).templates == 1
    decoder.tick(RECEIVED + 101 * 10**9)
    assert stream(decoder).templates == 0
    assert decode(v9(a_set(256, short()), sequence=2), decoder=decoder) == []
    assert len(decode(v9(template9(256, *SHORT), sequence=3), decoder=decoder)) == 1


def test_held_data_expires() -> None:
    decoder = new_decoder(held_seconds=10.0)
    decode(v9(a_set(256, short())), decoder=decoder)
    decode(v9(a_set(256, short()), sequence=2), decoder=decoder, received=RECEIVED + 8 * 10**9)
    decoder.tick(RECEIVED + 11 * 10**9)
    status = stream(decoder)
    assert (status.held, status.expired, status.errors) == (1, 1, {"held_expired": 1})


@pytest.mark.parametrize("limits", [{"held_sets_per_stream": 3}, {"held_bytes_per_stream": 35}, {"held_bytes": 35}])
def test_held_data_is_bounded(limits: dict[str, int]) -> None:
    decoder = new_decoder(**limits)
    decode(*[v9(a_set(256, short()), sequence=n) for n in range(10)], decoder=decoder)
    status = stream(decoder)
    assert (status.held, status.expired, status.errors) == (3, 7, {"no_template": 7})
    assert len(decode(v9(template9(256, *SHORT), sequence=10), decoder=decoder)) == 3


def test_variable_length() -> None:
    spec = ((8, 4), (96, 65535), (11, 2), (1, 4))

    def record(name: bytes) -> bytes:
        return ip4("192.0.2.1") + variable(name) + number(443, 2) + number(100, 4)

    decoder = new_decoder()
    names = (b"", b"dns", b"x" * 254, b"y" * 255, b"z" * 1000)
    bodies = [record(name) for name in names]
    records = decode(ipfix(template10(256, *spec), a_set(256, *bodies, b"\0\0\0")), decoder=decoder)
    assert seen(records) == [ONE] * 5
    assert stream(decoder).errors == {}


def test_a_variable_length_beyond_its_set() -> None:
    spec = ((8, 4), (96, 65535))
    decoder = new_decoder()
    bodies = ip4("192.0.2.1") + variable(b"ok") + ip4("192.0.2.2") + b"\xff\xff\xffrest"
    sets = template10(256, *spec), a_set(256, bodies), template10(257, *SHORT), a_set(257, short())
    assert [r["src_addr"] for r in decode(ipfix(*sets), decoder=decoder)] == ["192.0.2.1", "192.0.2.1"]
    assert stream(decoder).errors == {"record_truncated": 1}


def test_numbers_may_be_of_variable_length_too() -> None:
    spec = ((8, 65535), (11, 65535), (1, 65535))
    body = variable(ip4("192.0.2.1")) + variable(b"\x01\xbb") + variable(b"\x64")
    odd = variable(b"\x01") + variable(bytes(20)) + variable(b"")
    records = decode(ipfix(template10(256, *spec), a_set(256, body, odd)))
    assert seen(records)[0] == ONE
    assert seen(records)[1][1:] == (0, 0)


def test_enterprise_fields_are_skipped_and_counted() -> None:
    decoder = new_decoder()
    spec = ((8, 4), (1000, 3, 99999), (11, 2), (45004, 2), (1, 4))
    body = ip4("192.0.2.1") + b"abc" + number(443, 2) + b"de" + number(100, 4)
    # v9 has no enterprise bit: 45004 there is an id like any other
    v9_spec = ((8, 4), (45004, 3), (11, 2), (1, 4))
    v9_body = ip4("192.0.2.1") + b"abc" + number(443, 2) + number(100, 4)
    spec = tuple(s for s in spec if s[0] != 45004)
    body = ip4("192.0.2.1") + b"abc" + number(443, 2) + number(100, 4)
    records = decode(
        ipfix(template10(256, *spec), a_set(256, body, body)), v9(template9(256, *v9_spec), a_set(256, v9_body)),
        decoder=decoder,
    )  # fmt: skip
    assert seen(records) == [ONE] * 3
    assert [s.unknown_fields for s in decoder.streams()] == [{"99999/1000": 2}, {"0/45004": 1}]


def test_unknown_fields_stay_counted_when_the_template_changes() -> None:
    decoder = new_decoder()
    first = v9(template9(256, (8, 4), (40000, 2)), a_set(256, ip4("192.0.2.1") + b"xx"))
    second = v9(template9(256, (8, 4), (40001, 2)), a_set(256, ip4("192.0.2.1") + b"xx"), sequence=2)
    decode(first, second, decoder=decoder)
    assert stream(decoder).unknown_fields == {"0/40000": 1, "0/40001": 1}


def test_state_survives_a_restart() -> None:
    import json

    from weft.decode.flow.state import TemplateState

    decoder = new_decoder()
    options = options9(300, [(1, 4)], [(34, 4)]), a_set(300, number(0, 4) + number(64, 4))
    decode(v9(template9(256, *SHORT), *options), decoder=decoder)
    decode(ipfix(template10(257, (8, 4), (96, 65535))), decoder=decoder)
    saved = json.dumps([state.to_json() for state in decoder.export_state()])

    again = new_decoder()
    again.import_state([TemplateState.from_json(one) for one in json.loads(saved)])
    records = decode(
        v9(a_set(256, short()), sequence=2), ipfix(a_set(257, ip4("192.0.2.3") + variable(b"n"))), decoder=again
    )
    assert [(r["src_addr"], r.get("sampling_rate")) for r in records] == [("192.0.2.1", 64), ("192.0.2.3", None)]
    assert again.export_state() == decoder.export_state()


def test_bad_state_is_skipped() -> None:
    from weft.decode.flow.state import TemplateState

    decoder = new_decoder()
    decoder.import_state(
        [
            TemplateState("not an address", 2, 1, 256, fields=[[0, 8, 4]]),
            TemplateState("192.0.2.1", 2, 1, 256, fields=[]),
            TemplateState("192.0.2.1", 2, 1, 256, fields=[[0, 8, 0]]),
            TemplateState("192.0.2.1", 2, 1, 0, rates=[["domain", 0, 10]]),
            TemplateState("192.0.2.1", 2, 1, 256, fields=[[0]]),
            TemplateState("192.0.2.1", 2, 1, 70000, fields=[[0, 8, 4]]),
            TemplateState("192.0.2.1", 9, -1, 256, fields=[[0, 8, 4]]),
        ]
    )
    assert [s.template_id for s in decoder.export_state()] == [0]
