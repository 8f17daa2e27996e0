# ruff: noqa: E501  # a message is one line
"""Batches to rows: everything together."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.decode.syslog.samples import SAMPLES

from weft.decode.syslog import Sender, SyslogDecoder, TemplateMiner, rule_table
from weft.model.addresses import NO_ADDRESS, packed
from weft.model.changes import CHANGES
from weft.model.logs import CLOCKS, LOGS

NOW_NS = int(datetime(2026, 8, 3, 12, 30, 45, 678901, UTC).timestamp() * 1e6) * 1000
DEVICE = packed("192.0.2.1")


@pytest.fixture(scope="module")
def rules():
    return rule_table()


def decode(rules, *messages, sender=None, now_ns=NOW_NS):
    decoder = SyslogDecoder(rules)
    sender = sender or Sender(DEVICE)
    return decoder.decode(messages, [now_ns] * len(messages), [sender] * len(messages), 1)


def test_a_whole_row(rules):
    message = (
        b"<187>45: r1: *Aug  3 12:30:45.123 UTC: %LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to down"
    )
    decoded = decode(rules, message)
    assert decoded.logs.schema == LOGS.schema
    (row,) = decoded.logs.to_pylist()
    row["fields"] = json.loads(row["fields"])
    assert row.pop("time") == row.pop("time_device") == datetime(2026, 8, 3, 12, 30, 45, 123000, UTC)
    assert row.pop("time_received").value == NOW_NS
    assert CLOCKS[row.pop("clock")] == "unsynchronised"
    assert row == {
        "exporter": DEVICE, "host": "r1", "source": 1, "facility": 23, "severity": 3, "program": "LINK",
        "process_id": "", "message_id": "LINK-3-UPDOWN", "event": "INTERFACE_DOWN",
        "template": "Interface <*>, changed state to down", "component": "GigabitEthernet0/1", "if_index": 0,
        "fields": {"interfaces/interface[GigabitEthernet0/1]/state/oper_status": "DOWN"},
        "message": "Interface GigabitEthernet0/1, changed state to down",
    }  # fmt: skip
    assert decoded.changes is None
    assert (decoded.messages, decoded.hosts, decoded.notes) == ([0], ["r1"], [])


def test_structured_data_is_kept_beside_what_a_rule_read(rules):
    message = (
        b'<28>1 2026-08-03T12:30:45Z mx rpd 9 RPD_ISIS_ADJUP [x@1 a="b"] IS-IS new L2 adjacency to r2 on ge-0/0/1.0'
    )
    (row,) = (
        decode(rules, message, b'<28>1 2026-08-03T12:30:45Z mx rpd 9 OTHER [x@1 a="b"]').logs.slice(0, 1).to_pylist()
    )
    fields = json.loads(row["fields"])
    assert fields.pop("sd") == {"x@1": {"a": "b"}}
    assert list(fields.values()) == ["UP"]


def test_a_message_that_is_only_structured_data_has_it_as_its_text(rules):
    (row,) = decode(rules, b'<28>1 2026-08-03T12:30:45Z mx rpd 9 OTHER [x@1 a="b"]').logs.to_pylist()
    assert row["message"] == '[x@1 a="b"]'


def test_changes_of_a_configuration(rules):
    messages = [
        b"<189>30: r1: Aug  3 12:30:45.055: %SYS-5-CONFIG_I: Configured from console by admin on vty0 (10.31.0.24)",
        b"<189>Aug  3 12:30:45 mx mgd[7729]: UI_COMMIT: User 'luke' requested 'commit' operation (comment: ticket 7)",
        b"<190>40: xr RP/0/RP0/CPU0:Aug  3 12:30:45.441 UTC: cfgmgr[1]: %MGBL-CONFIG-6-DB_COMMIT : Configuration committed by user 'eve'. Use 'show configuration commit changes 1000000093' to view the changes.",
        b"<13>nothing of the kind",
    ]
    decoded = decode(rules, *messages)
    assert decoded.changes.schema == CHANGES.schema
    rows = decoded.changes.to_pylist()
    assert [row["author"] for row in rows] == ["admin", "luke", "eve"]
    assert [row["title"] for row in rows] == ["configured from console on vty0 (10.31.0.24)", "commit: ticket 7",
                                              "configuration committed"]  # fmt: skip
    assert {(row["source"], row["kind"], row["exporter"]) for row in rows} == {("syslog", 1, DEVICE)}
    assert len({row["change_id"] for row in rows}) == 3
    assert decode(rules, *messages).changes.to_pylist() == rows  # told twice, it is the same change


def test_a_relay_s_hosts_have_clocks_of_their_own(rules):
    sender = Sender(DEVICE, is_relay=True)
    decoder = SyslogDecoder(rules)
    for second in range(6):
        now = NOW_NS + second * 10**9
        stamp = datetime.fromtimestamp(now / 1e9, UTC)
        ahead = stamp.replace(hour=14)
        texts = [
            f"<13>{stamp:%b} {stamp.day:2} {stamp:%H:%M:%S} good p: x",
            f"<13>{ahead:%b} {ahead.day:2} {ahead:%H:%M:%S} summer p: x",
        ]
        decoded = decoder.decode([t.encode() for t in texts], [now] * 2, [sender] * 2, 2)
    rows = decoded.logs.to_pylist()
    assert {row["exporter"] for row in rows} == {NO_ADDRESS}
    assert [sender.hosts[host].quarter_s for host in ("good", "summer")] == [0, 7200]
    assert [CLOCKS[row["clock"]] for row in rows] == ["coarse", "coarse"]
    assert rows[0]["time_device"] == rows[1]["time_device"]


def test_empty_and_odd_messages_are_noted(rules):
    decoded = decode(rules, b"", b"<13>h\xe9", b"\x00\x01", b"<13>a\x07b\tc\nd")
    assert decoded.messages == [1, 3]
    assert decoded.notes == [(0, "empty"), (1, "not_utf8"), (2, "empty")]
    assert [row["message"] for row in decoded.logs.to_pylist()] == ["h\xe9", "a b\tc\nd"]


def test_an_empty_batch(rules):
    assert decode(rules).logs.num_rows == 0
    assert decode(rules).logs.schema == LOGS.schema


def test_words_are_bounded(rules):
    long = b"<13>Aug  3 12:30:45 " + b"h" * 3000 + b" " + b"p" * 3000 + b"[" + b"1" * 60 + b"]: text"
    (row,) = decode(rules, long).logs.to_pylist()
    assert max(len(row[name]) for name in ("host", "program", "process_id", "message_id", "component")) <= 255
    assert len(row["template"]) <= 512


def test_a_rule_may_set_the_severity():
    table = rule_table([("own.yaml", "rules:\n  - {event: BAD, text: oh no, severity: critical}")])
    (row,) = decode(table, b"<13>Aug  3 12:30:45 h p: oh no").logs.to_pylist()
    assert (row["event"], row["severity"]) == ("BAD", 2)


def test_templates_follow_the_miner(rules):
    decoder = SyslogDecoder(rules, TemplateMiner(most=3))
    sender = Sender(DEVICE)
    for n in range(50):
        batch = [f"<13>Aug  3 12:30:45 h p: {word} happened to someone {n}".encode() for word in "abcdefgh"]
        rows = decoder.decode(batch, [NOW_NS] * 8, [sender] * 8, 1).logs.to_pylist()
        assert all(row["template"].endswith("happened to someone <*>") for row in rows)
    assert len(decoder.miner) <= 3


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=200) | st.sampled_from([s[0].encode() for s in SAMPLES]), max_size=8))
def test_nothing_is_too_odd(rules, messages):
    decoded = decode(rules, *messages)
    decoded.logs.validate(full=True)
    assert decoded.logs.num_rows + sum(reason == "empty" for _, reason in decoded.notes) == len(messages)
    for fields in decoded.logs.column("fields").to_pylist():
        assert fields == "" or isinstance(json.loads(fields), dict)
