"""Options data: sampling rates by scope, interface names."""

from __future__ import annotations

from typing import Any

import pytest
from flow_wire import (
    RECEIVED,
    a_set,
    decode,
    ip4,
    ipfix,
    new_decoder,
    number,
    options9,
    options10,
    rows,
    stream,
    template9,
    template10,
    to_batch,
    v9,
    variable,
)  # fmt: skip

from weft.decode.flow.decoder import FlowDecoder
from weft.decode.flow.limits import SamplingOverrides, SamplingRule
from weft.model.exporters import InterfaceFact

PLAIN = ((8, 4), (1, 4))
BODY = ip4("192.0.2.1") + number(100, 4)


def rates(records: list[dict[str, Any]]) -> list[tuple[int | None, str]]:
    return [(r.get("sampling_rate"), r["sampling_source"]) for r in records]


@pytest.mark.parametrize(
    ("specs", "values", "rate"),
    [
        ([(34, 4)], (512,), 512),
        ([(34, 2), (35, 1)], (512, 2), 512),
        ([(50, 4)], (1000,), 1000),
        ([(305, 4), (306, 4)], (1, 99), 100),
        ([(305, 2), (306, 4)], (2, 198), 100),
        ([(309, 4), (310, 8)], (10, 5000), 500),
    ],
)
@pytest.mark.parametrize("version", [9, 10])
def test_the_rate_of_a_domain(version: int, specs: Any, values: tuple[int, ...], rate: int) -> None:
    data = b"".join(number(v, length) for v, (_, length) in zip(values, specs, strict=True))
    if version == 9:
        message = v9(options9(300, [(1, 4)], specs), a_set(300, number(0, 4), data), template9(256, *PLAIN))
        data_message = v9(a_set(256, BODY), sequence=2)
    else:
        message = ipfix(options10(300, [(149, 4)], specs), a_set(300, number(7, 4), data), template10(256, *PLAIN))
        data_message = ipfix(a_set(256, BODY), sequence=2)
    assert rates(decode(message, data_message)) == [(rate, "options")]


def test_samplers() -> None:
    """Cisco: scope system, sampler id, mode, interval; records name their sampler. Unknown samplers are marked."""
    decoder = new_decoder()
    specs = [(48, 1), (49, 1), (50, 4)]
    table = a_set(300, *[number(0, 4) + number(i, 1) + b"\2" + number(n, 4) for i, n in ((1, 100), (2, 1000))])
    template = template9(256, (8, 4), (48, 1))
    data = a_set(256, *[ip4("192.0.2.1") + number(i, 1) for i in (1, 2, 3, 0, 2)])
    records = decode(v9(options9(300, [(1, 4)], specs), table, template, data), decoder=decoder)
    unknown = (None, "unknown")
    assert rates(records) == [(100, "options"), (1000, "options"), unknown, unknown, (1000, "options")]
    assert stream(decoder).unsampled_records == 2


def test_a_selector_is_named_in_the_scope() -> None:
    table = options10(300, [(302, 8)], [(304, 2), (305, 4), (306, 4)]), a_set(
        300, number(77, 8) + number(1, 2) + number(1, 4) + number(255, 4)
    )  # fmt: skip
    data = template10(256, (8, 4), (302, 8)), a_set(256, ip4("192.0.2.1") + number(77, 8))
    assert rates(decode(ipfix(*table, *data))) == [(256, "options")]


def test_the_only_sampler_holds_for_records_that_name_none() -> None:
    table = options9(300, [(1, 4)], [(48, 1), (50, 4)]), a_set(300, number(0, 4) + b"\1" + number(64, 4))
    assert rates(decode(v9(*table, template9(256, *PLAIN), a_set(256, BODY)))) == [(64, "options")]


def test_interfaces() -> None:
    specs = [(34, 4)]
    table = a_set(300, number(5, 4) + number(10, 4), number(6, 4) + number(20, 4))
    data = a_set(256, *[ip4("192.0.2.1") + number(i, 4) for i in (5, 6, 7)])
    records = decode(v9(options9(300, [(2, 4)], specs), table, template9(256, (8, 4), (10, 4)), data))
    assert rates(records) == [(10, "options"), (20, "options"), (None, "unknown")]


def test_another_domain_of_the_exporter_knows() -> None:
    """v9 options often come from another source id than the data (route processor and line cards)."""
    decoder = new_decoder()
    options = options9(300, [(1, 4)], [(34, 4)])
    known = v9(options, a_set(300, number(0, 4) + number(128, 4)), domain=0)
    data = v9(template9(256, *PLAIN), a_set(256, BODY), domain=1)
    assert rates(decode(known, data, decoder=decoder)) == [(128, "options")]
    # a domain that says otherwise makes it ambiguous: unknown is better than wrong
    other = v9(options, a_set(300, number(0, 4) + number(256, 4)), domain=2)
    again = v9(a_set(256, BODY), domain=1, sequence=2), v9(template9(256, *PLAIN), a_set(256, BODY), domain=2)
    assert rates(decode(other, *again, decoder=decoder)) == [(None, "unknown"), (256, "options")]


def test_samplers_of_another_domain() -> None:
    decoder = new_decoder()
    options = options9(300, [(1, 4)], [(48, 1), (50, 4)])
    known = v9(options, a_set(300, *[number(0, 4) + bytes([i]) + number(i * 10, 4) for i in (1, 2)]), domain=0)
    data = v9(template9(256, (8, 4), (48, 1)), a_set(256, *[ip4("192.0.2.1") + bytes([i]) for i in (1, 2)]), domain=1)
    assert rates(decode(known, data, decoder=decoder)) == [(10, "options"), (20, "options")]


def test_what_the_record_says_wins() -> None:
    options = options9(300, [(1, 4)], [(34, 4)]), a_set(300, number(0, 4) + number(128, 4))
    body = a_set(256, *[ip4("192.0.2.1") + number(rate, 4) for rate in (32, 0)])
    records = decode(v9(*options, template9(256, (8, 4), (34, 4)), body))
    assert rates(records) == [(32, "record"), (128, "options")]


@pytest.mark.parametrize(
    ("spec", "values", "rate"),
    [
        (((50, 4),), (7,), (7, "record")),
        (((305, 4), (306, 4)), (1, 9), (10, "record")),
        (((309, 2), (310, 4)), (3, 300), (100, "record")),
        (((305, 4),), (5,), (None, "unknown")),
        (((305, 4), (306, 4)), (0, 9), (None, "unknown")),
        (((34, 8),), (1 << 40,), (0xFFFFFFFF, "record")),
    ],
)
def test_rates_in_records(spec: Any, values: tuple[int, ...], rate: tuple[int | None, str]) -> None:
    body = b"".join(number(v, length) for v, (_, length) in zip(values, spec, strict=True))
    assert rates(decode(ipfix(template10(256, (8, 4), *spec), a_set(256, ip4("192.0.2.1"), body)))) == [rate]


def test_operator_rules() -> None:
    rules = SamplingOverrides(
        (SamplingRule("10.0.0.0/8", default=2), SamplingRule("10.1.0.0/16", override=3), SamplingRule("::/0"))
    )
    decoder = new_decoder(rules)
    options = options9(300, [(1, 4)], [(34, 4)]), a_set(300, number(0, 4) + number(128, 4))
    plain = v9(template9(256, *PLAIN), a_set(256, BODY))
    stated = v9(*options, template9(256, *PLAIN), a_set(256, BODY))
    found = decode(
        plain, plain, plain, stated, stated, decoder=decoder,
        source=["10.0.0.1", "10.1.0.1", "192.0.2.1", "10.0.0.2", "10.1.0.2"],
    )  # fmt: skip
    assert rates(found) == [
        (2, "configured"),
        (3, "configured"),
        (None, "unknown"),
        (128, "options"),
        (3, "configured"),
    ]


def test_a_change_applies_to_later_records_only() -> None:
    options = options9(300, [(1, 4)], [(34, 4)])

    def say(rate: int) -> bytes:
        return a_set(300, number(0, 4) + number(rate, 4))

    message = v9(
        template9(256, *PLAIN), options, a_set(256, BODY), say(10), a_set(256, BODY), say(20), a_set(256, BODY)
    )
    # the first record came before any rate was known: it takes the first one
    assert [rate for rate, _ in rates(decode(message))] == [10, 10, 20]


def test_options_before_their_template() -> None:
    decoder = new_decoder()
    decode(v9(a_set(300, number(0, 4) + number(128, 4)), template9(256, *PLAIN)), decoder=decoder)
    records = decode(v9(options9(300, [(1, 4)], [(34, 4)]), a_set(256, BODY), sequence=2), decoder=decoder)
    assert rates(records) == [(128, "options")]


def test_enterprise_fields_in_options_templates() -> None:
    table = options10(300, [(149, 4)], [(99, 65535, 9), (34, 4)]), a_set(
        300, number(7, 4) + variable(b"abc") + number(128, 4)
    )  # fmt: skip
    assert rates(decode(ipfix(*table, template10(256, *PLAIN), a_set(256, BODY)))) == [(128, "options")]


def names(decoder: FlowDecoder, *messages: bytes) -> list[InterfaceFact]:
    return decoder.decode(to_batch(*messages)).interfaces


def test_interface_names() -> None:
    decoder = new_decoder()

    def record(index: int, name: bytes, text: bytes) -> bytes:
        return number(index, 4) + name.ljust(16, b"\0") + text.ljust(16, b"\0")

    template = options9(300, [(2, 4)], [(82, 16), (83, 16)])
    first = v9(template, a_set(300, record(1, b"ge-0/0/0", b"to Paris"), record(2, b"ge-0/0/1", b"caf\xe9")))
    assert names(decoder, first) == [
        InterfaceFact("198.51.100.7", 1, "ge-0/0/0", "to Paris", 0, RECEIVED),
        InterfaceFact("198.51.100.7", 2, "ge-0/0/1", "caf\N{REPLACEMENT CHARACTER}", 0, RECEIVED),
    ]
    assert names(decoder, first) == []
    renamed = v9(a_set(300, record(1, b"ge-0/0/0", b"to Lyon")), sequence=2)
    assert [(f.if_index, f.description) for f in names(decoder, renamed)] == [(1, "to Lyon")]


def test_interface_names_in_ipfix() -> None:
    table = options10(300, [(10, 4)], [(82, 65535)]), a_set(300, number(9, 4) + variable(b"xe-1"))
    assert [(f.if_index, f.name) for f in names(new_decoder(), ipfix(*table))] == [(9, "xe-1")]


def test_options_are_bounded() -> None:
    decoder = new_decoder(options_per_batch=10, max_facts_per_stream=5)
    table = a_set(300, *[number(0, 4) + number(i, 4) + number(7, 4) for i in range(50)])
    decode(v9(options9(300, [(1, 4)], [(48, 4), (50, 4)]), table, table), decoder=decoder)
    assert stream(decoder).errors == {"too_many_options": 2}
    (state,) = [s for s in decoder.export_state() if not s.template_id]
    assert len(state.rates) == 5


def test_nothing_is_dropped_for_want_of_a_rate_or_an_interface() -> None:
    (row,) = rows(v9(template9(256, (8, 4)), a_set(256, ip4("192.0.2.1"))))
    assert (row["sampling_rate"], row["sampling_source"], row["in_if"], row["direction"]) == (0, 0, 0, 255)


def test_a_selector_of_64_bits() -> None:
    """Its rate is not kept, but nothing breaks: neither now nor when the stream is forgotten."""
    decoder = new_decoder(max_streams=1)
    table = options10(300, [(302, 8)], [(34, 4)]), a_set(300, number(1 << 63 | 5, 8) + number(64, 4))
    decode(ipfix(*table), decoder=decoder)
    (status,) = decoder.streams()
    assert status.errors == {}
    later = RECEIVED + 120 * 10**9
    assert len(decode(v9(template9(256, *PLAIN), a_set(256, BODY)), decoder=decoder, received=later)) == 1
