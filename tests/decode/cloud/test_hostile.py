"""Damaged and hostile logs: counted by reason, never a crash, and the same in pieces as in one."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest
from tests.decode.cloud.test_formats import GCP, NOW, PLAIN, V2, VNET, decoded

from weft.decode.cloud import CloudDecoder, Options, decoder
from weft.errors import InvalidInput


def test_bad_lines_are_counted_by_reason() -> None:
    bad = [
        PLAIN.replace("192.0.2.1", "192.0.2.999"), PLAIN.replace(" 443 ", " https "), "2 too few",
        PLAIN.replace("1418530070", "99999999999999"), "", PLAIN.replace("4249", "-4249"), PLAIN + " and more",
    ]  # fmt: skip
    rows, one = decoded("\n".join([V2, *bad, PLAIN]).encode())
    assert len(rows) == 2  # one has more fields than it needs
    assert one.errors == Counter(bad_number=2, bad_address=1, too_few_fields=1, bad_time=1)


def test_bad_objects_are_counted_and_the_rest_is_read() -> None:
    good = json.dumps(GCP)
    text = "\n".join([
        good, good[: len(good) // 2], good, "garbage", good, good.replace("10.0.0.1", "ten"), '{"a" 1}', good,
        '{"jsonPayload": [' + "[" * 100_000, good,
    ]).encode()  # fmt: skip
    rows, one = decoded(text)
    # The object that is cut off swallows the line after it, as JSON would; what never ends swallows the rest.
    assert 3 <= len(rows) <= 5
    assert one.errors["bad_json"] >= 2
    assert one.errors["bad_address"] == 1
    assert one.errors["truncated"] == 1


def test_azure_records_of_other_shapes_are_counted() -> None:
    others: list[Any] = [
        {"flowRecords": {"flows": [{"flowGroups": [{"rule": "r", "flowTuples": "text"}]}]}},
        {"flowRecords": 7}, {"flowRecords": {"flows": [{"flowGroups": [{"flowTuples": [1, 2]}]}]}},
        {"flowRecords": {"flows": [{"flowGroups": [{"flowTuples": ["a\nb"]}]}]}}, {"properties": {}},
    ]  # fmt: skip
    rows, one = decoded(json.dumps({"records": [*others, VNET]}).encode())
    assert len(rows) == 4
    assert one.errors == Counter(bad_json=5)


@pytest.mark.parametrize("kind", ["aws", "azure", "gcp"])
def test_the_size_of_pieces_does_not_matter(kind: str) -> None:
    lines = [PLAIN.replace("49152", str(1024 + n)).replace("eni-1", f"eni-{n % 17}") for n in range(300)]
    data = {
        "aws": "\n".join([V2, *lines]).encode(),
        "azure": json.dumps({"records": [VNET] * 40}).encode(),
        "gcp": "\n".join(json.dumps(GCP) for _ in range(60)).encode(),
    }[kind]
    whole, _ = decoded(data)
    for size in (100, 1000, 7777):
        one = CloudDecoder(Options(), NOW)
        if size < 1000 and kind == "azure":
            one = CloudDecoder(Options(format="azure"), NOW)
        count = sum(
            batch.num_rows for at in range(0, len(data), size) for batch in one.feed(data[at : at + size])
        ) + sum(batch.num_rows for batch in one.finish())  # fmt: skip
        assert count == len(whole)
        assert one.errors == Counter()


def test_a_file_that_grew_is_read_on_from_where_it_ended() -> None:
    first = json.dumps({"records": [VNET]})[:-2].encode()  # without its ]}
    grown = first + b"," + json.dumps(VNET).encode() + b"]}"
    one = CloudDecoder(Options(), NOW)
    rows = sum(batch.num_rows for batch in [*one.feed(first + b"]}"), *one.finish()])
    again = CloudDecoder(Options(), NOW, memo=one.memo, consumed=one.consumed)
    more = sum(batch.num_rows for batch in [*again.feed(grown[one.consumed :]), *again.finish()])
    assert (rows, more) == (4, 4)
    assert again.errors == Counter()
    assert again.consumed == len(grown) - 2


def test_random_damage_never_ends_in_anything_but_counts() -> None:
    rng = random.Random(11)
    samples = [
        "\n".join([V2, *[PLAIN] * 20]).encode(), json.dumps({"records": [VNET] * 5}).encode(),
        "\n".join([json.dumps(GCP)] * 5).encode(),
    ]  # fmt: skip
    for number in range(600):
        data = bytearray(samples[number % 3])
        for _ in range(rng.randint(1, 12)):
            at = rng.randrange(len(data))
            action = rng.random()
            if action < 0.5:
                data[at] = rng.randrange(256)
            elif action < 0.75:
                del data[at : at + rng.randrange(1, 30)]
            else:
                data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 20)))
        one = CloudDecoder(Options(format=("aws", "azure", "gcp")[number % 3]), NOW)
        try:
            for at in range(0, len(data), 997):
                list(one.feed(bytes(data[at : at + 997])))
            list(one.finish())
        except InvalidInput:
            continue
        assert one.records <= 60


def test_a_record_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "MOST_RECORD", 10_000)
    one = CloudDecoder(Options(format="gcp"), NOW)
    list(one.feed(b'{"jsonPayload": "'))
    with pytest.raises(InvalidInput, match="record of more than"):
        list(one.feed(b"x" * 100_000))


def test_very_many_distinct_words_are_kept_apart() -> None:
    lines = [PLAIN.replace("eni-1", f"eni-{n:08d}") for n in range(30_000)]
    one = CloudDecoder(Options(), NOW)
    batches = [*one.feed("\n".join([V2, *lines]).encode()), *one.finish()]
    names = [name for batch in batches for name in batch.column("interface_id").to_pylist()]
    assert names == [f"eni-{n:08d}" for n in range(30_000)]
    assert one.errors == Counter()


def test_long_words_are_cut() -> None:
    rows, _ = decoded("\n".join([V2, PLAIN.replace("eni-1", "e" * 3000)]).encode())
    assert rows[0]["interface_id"] == "e" * 512
