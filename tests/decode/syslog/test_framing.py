# ruff: noqa: E501  # a message is one line
"""Streams to messages: the cases of another implementation, and anything that may come."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.decode.syslog import Framer, datagram

FULL = b"<13>1 - h p - - - hello"


def feed(octets, size=None, **options):
    framer = Framer(**options)
    parts = [octets] if size is None else [octets[at : at + size] for at in range(0, len(octets), size)]
    found = [message for part in parts for message in framer.feed(part)]
    return found + framer.close(), framer.counts


def counted(message):
    return b"%d %b" % (len(message), message)


@pytest.mark.parametrize("size", [None, 1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    ("octets", "messages"),
    [
        (counted(FULL) * 3, [FULL] * 3),
        (FULL + b"\n" + FULL + b"\r\n" + FULL + b"\0" + FULL, [FULL] * 4),
        (counted(FULL) + b"\n" + FULL + b"\n" + counted(b"<1>a\nb\n"), [FULL, FULL, b"<1>a\nb"]),
        (b"\n\n\r\n" + FULL + b"\n\n\n", [FULL]),
        (b"117: host: text\n<13>b\n", [b"117: host: text", b"<13>b"]),
        (b"2024 Mar 1 text\n", [b"2024 Mar 1 text"]),
        (b"", []),
    ],
)
def test_framings_may_mix(octets, messages, size):
    found, counts = feed(octets, size)
    assert found == messages
    assert not counts


@pytest.mark.parametrize("size", [None, 1, 5])
def test_what_follows_octets_that_make_no_sense_is_found_again(size):
    found, counts = feed(counted(FULL) + b"garbage without end" + counted(FULL) + b"zz\n" + FULL + b"\n", size)
    assert found == [FULL] * 3
    assert counts["bad_framing"] == 2


@pytest.mark.parametrize("size", [None, 1, 100])
def test_long_messages_are_cut(size):
    long = b"<13>" + b"x" * 1000
    found, counts = feed(counted(long) + long + b"\n" + FULL + b"\n", size, longest=100)
    assert found == [long[:100], long[:100], FULL]
    assert counts == {"oversize": 2}


def test_a_message_that_the_end_cuts_off():
    found, counts = feed(b"50 <13>half")
    assert (found, counts) == ([b"<13>half"], {"bad_framing": 1})
    assert feed(b"<13>whole")[0] == [b"<13>whole"]


@pytest.mark.parametrize("framing", ["octets", "lines"])
def test_one_framing_only(framing):
    octets = counted(FULL) + b"\n" + FULL + b"\n"
    found, counts = feed(octets, framing=framing)
    if framing == "lines":
        assert found == [counted(FULL), FULL]
    else:
        assert found == [FULL]
        assert counts["bad_framing"] == 1


def test_datagrams_lose_their_trailers():
    assert datagram(b"<13>a b\r\n\0\0") == b"<13>a b"
    assert datagram(b"\n") == b""


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=60), st.booleans()), max_size=8), st.integers(1, 40)
)  # fmt: skip
def test_messages_come_back_whatever_the_pieces(messages, size):
    clean = [(b"<13>" + m.replace(b"\n", b" ").replace(b"\0", b" ") + b".", is_counted) for m, is_counted in messages]
    octets = b"".join(counted(m) if is_counted else m + b"\n" for m, is_counted in clean)
    found, counts = feed(octets, size)
    assert found == [m.rstrip(b"\r") for m, _ in clean]
    assert not counts


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.integers(1, 50), st.sampled_from(["auto", "octets", "lines"]), st.integers(1, 60))
def test_nothing_is_too_odd(octets, size, framing, longest):
    found, _ = feed(octets, size, framing=framing, longest=longest)
    assert all(0 < len(message) <= longest for message in found)
    assert sum(map(len, found)) <= len(octets)


def test_pieces_make_no_difference_to_what_is_counted():
    octets = counted(FULL) + b"nonsense\n" + counted(FULL) + b"\n" + FULL + b"\n"
    assert len({(tuple(feed(octets, size)[0]), tuple(feed(octets, size)[1].items())) for size in (1, 2, 5, 999)}) == 1


# -- telegraf's cases: input.txt, expected.out (line protocol), expected.err --------------------------------------------


def cases(folder: Path):
    return sorted(one for one in folder.iterdir() if (one / "input.txt").exists())


def expected_of(case):
    """Messages of a case's metrics: tags and fields that say how the message reads."""
    path = case / "expected.out"
    if not path.exists():
        return []
    return [_line(line) for line in path.read_text().splitlines() if line.startswith("syslog,")]


def _line(line):
    quoted, parts, part = False, [], ""
    at = 0
    while at < len(line):
        c = line[at]
        if c == "\\" and quoted:
            part += {"n": "\n"}.get(line[at + 1], line[at + 1])
            at += 2
            continue
        if c == '"':
            quoted = not quoted
        elif c in ", " and not quoted:
            parts.append(part)
            part = ""
        else:
            part += c
        at += 1
    return dict(one.split("=", 1) for one in [*parts, part] if "=" in one)


#: Cases that telegraf refuses and we keep: a version that is none, a name that is too long, a message cut off.
LENIENT = {"underflow", "toolong", "min_incomplete"}


def test_telegraf_s_cases(test_data):
    folder = test_data / "logs/influxdata+telegraf/syslog/testcases"
    if not folder.is_dir():
        pytest.skip(f"no framing cases at {folder}")
    from weft.decode.syslog.header import HeaderReader

    reader, compared = HeaderReader(), 0
    for case in cases(folder):
        octets, settings_text = (case / "input.txt").read_bytes(), (case / "telegraf.conf").read_text()
        is_datagram = '"udp://' in settings_text
        found = [datagram(octets)] if is_datagram else feed(octets, longest=65536)[0]
        expected = expected_of(case)
        if any(word in case.name for word in LENIENT):
            assert len(found) >= len(expected), case.name
            continue
        assert len(found) == len(expected), case.name
        for message, want in zip(found, expected, strict=True):
            compared += 1
            text = message.decode()
            arrival = int(want.get("timestamp", "1700000000000000000i")[:10]) + 60
            header = reader.read(text, arrival)
            assert header.facility == int(want["facility_code"][:-1]), case.name
            assert header.severity == int(want["severity_code"][:-1]), case.name
            assert header.host == want.get("hostname", ""), case.name
            assert header.program == want.get("appname", ""), case.name
            assert header.process_id == want.get("procid", ""), case.name
            assert text[header.at :].rstrip("\n") == want.get("message", ""), case.name
            if "timestamp" in want:
                assert header.stamp.seconds * 10**9 + header.stamp.nanos == int(want["timestamp"][:-1]), case.name
            if "msgid" in want:
                assert header.message_id == want["msgid"], case.name
            if "meta_sequence" in want:
                assert header.data["meta"]["sequence"] == want["meta_sequence"], case.name
    assert compared >= 40
