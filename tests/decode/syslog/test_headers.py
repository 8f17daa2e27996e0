# ruff: noqa: E501  # a message is one line
"""Headers of every dialect: host, stamp, program, as far as a public collection of vendors' layouts tells them."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.decode.syslog.samples import HEADED, SAMPLES
from tests.decode.syslog.vendor_templates import needs_version, render

from weft.decode.syslog.header import HeaderReader

HOSTS = ["core-sw1.example.net", "lazy-otter", "10.20.30.40", "CORE_SW1", "R1", "2001:db8::1", "switch"]
NOW = datetime(2026, 8, 3, 12, 30, 45, 678901, UTC)
TIMES = [
    NOW - timedelta(seconds=3),
    NOW - timedelta(days=150, hours=5, microseconds=7654),
    datetime(2026, 2, 1, tzinfo=UTC),
]
LEAST = 0.97


@pytest.fixture(scope="module")
def reader():
    return HeaderReader()


def judged(reader, vendor, template, host, when):
    """What is wrong about one rendering."""
    expected = render(vendor, template, host, when, needs_version(template))
    header = reader.read(expected.text, int(NOW.timestamp()))
    seconds = header.stamp.seconds + header.stamp.nanos / 1e9 if header.stamp else 0
    wrong = []
    if expected.host is not None and header.host != expected.host:
        wrong.append(("host", expected.host, header.host))
    if expected.seconds is not None and abs(seconds - expected.seconds) > 1e-4:
        wrong.append(("time", expected.seconds, seconds))
    if expected.program is not None and header.program != expected.program:
        wrong.append(("program", expected.program, header.program))
    return wrong


def test_layouts_of_sixty_vendors_are_split_right(test_data, reader):
    path = test_data / "logs/splunk+splunk-connect-for-syslog/vendor-syslog-templates.json"
    if not path.exists():
        pytest.skip(f"no vendors' layouts at {path}")
    layouts = [(vendor, one) for vendor, many in json.loads(path.read_text()).items() for one in many]
    assert len(layouts) > 400
    wrong = {}
    for vendor, template in layouts:
        found = [w for host in HOSTS for when in TIMES for w in judged(reader, vendor, template, host, when)]
        if found:
            wrong[vendor, template[:100]] = found[0]
    assert 1 - len(wrong) / len(layouts) >= LEAST, wrong


@pytest.mark.parametrize("sample", HEADED, ids=[str(n) for n in range(len(HEADED))])
def test_own_samples(reader, sample):
    text, host, program, process, message_id = sample[:5]
    header = reader.read(text, int(NOW.timestamp()))
    assert (header.host, header.program, header.message_id) == (host, program, message_id)
    assert process in {header.process_id, "1"}  # a rule may know better


@pytest.mark.parametrize(
    ("text", "facility", "severity"),
    [("<0>x", 0, 0), ("<191>x", 23, 7), ("<013>x", 1, 5), ("<192>x", 255, 5), ("<>x", 255, 5), ("<-1>x", 255, 5),
     ("x", 255, 5), ("<1234>x", 255, 5), ("<13", 255, 5), ("%LINK-3-UPDOWN: x", 255, 3)],
)  # fmt: skip
def test_priorities(reader, text, facility, severity):
    header = reader.read(text, int(NOW.timestamp()))
    assert (header.facility, header.severity) == (facility, severity)


def test_structured_data(reader):
    text = (
        r'<13>1 2026-08-03T12:30:00Z h p 1 m [a@1 x="1" y="a \"b\" \\ \] c"][timeQuality isSynced="1"] ' + "\ufeffhello"
    )
    header = reader.read(text, int(NOW.timestamp()))
    assert header.data == {"a@1": {"x": "1", "y": 'a "b" \\ ] c'}, "timeQuality": {"isSynced": "1"}}
    assert text[header.at :] == "hello"
    broken = reader.read('<13>1 2026-08-03T12:30:00Z h p 1 m [a@1 x="1 oops', int(NOW.timestamp()))
    assert (broken.data, broken.host, broken.program) == (None, "h", "p")


PIECES = ["<134>", "<13>1 ", "Mar  1 18:46:11", "2026-08-03T12:30:45.678Z", "host", " ", ": ", "*", "%LINK-3-UPDOWN: ",
          "[12]", "-", "[a b=\"c\"]", "12: ", "RP/0/0/CPU0:", "UTC", "date=2026-08-03 time=12:30:45 ", "1,2026/08/03 12:30:45,1,A,b,",
          "CEF:0|a|b|c|d|e|f", "\n", "\x00", "é", "(", "]", "=", "\"", "9" * 30, "0001-01-01T00:00:00Z", "99:99:99"]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
@example("<134>Feb 29 10:00:00 h p: x")
@example("<134>1 9999-12-31T23:59:60.999999999-14:00 h p - - - x")
def test_no_text_is_too_odd(text):
    header = HeaderReader().read(text, int(NOW.timestamp()))
    assert 0 <= header.at <= len(text)
    assert header.facility in {*range(24), 255}
    assert 0 <= header.severity < 8


def test_the_same_message_reads_the_same_after_any_other():
    rng = random.Random(7)
    texts = [sample[0] for sample in SAMPLES if sample[0]]
    first = {text: _read(HeaderReader(), text) for text in texts}
    shared = HeaderReader()
    for text in rng.choices(texts, k=500):
        assert _read(shared, text) == first[text]


def _read(reader, text):
    header = reader.read(text, int(NOW.timestamp()))
    stamp = header.stamp and (header.stamp.seconds, header.stamp.nanos, header.stamp.zone)
    return stamp, header.host, header.program, header.process_id, header.message_id, header.at, header.mark


def test_hostile_texts_take_little_time():
    import time

    reader = HeaderReader()
    for text in ("<13>" + "a=" * 8000, "<13>1 " + "- " * 8000, "<13>Mar  1 10:00:00 " + "a " * 8000, "<13>" + "[" * 16000,
                 "<13>" + "1: " * 5000, "<13>1 - a b c d [x " + 'y="\\' * 4000, "%" + "A-" * 8000, "<13>" + " " * 16000,
                 "<13>" + "a," * 8000, "<13>host " + "%%" * 8000):  # fmt: skip
        began = time.thread_time()
        reader.read(text, int(NOW.timestamp()))
        assert time.thread_time() - began < 0.5, text[:40]
