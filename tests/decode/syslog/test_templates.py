# ruff: noqa: E501  # a message is one line
"""Masking and mining: what is variable, what is the same, what is remembered."""

import json
import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.decode.syslog import TemplateMiner
from weft.decode.syslog.masking import masked, masked_hashes


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("neighbor 10.0.0.1 Up", "neighbor <*> Up"),
        ("Interface GigabitEthernet0/1, changed state to up", "Interface <*>, changed state to up"),
        ("from fe80::1%eth0 port 22", "from <*> port <*>"),
        ("mac 0011.2233.4455 (00:11:22:33:44:55)", "mac <*> (<*>)"),
        ("error 0xdeadbeef at [12.345]", "error <*> at [<*>]"),
        ("a=1 b=\"x2\" c='y'", "a=<*> b=\"<*>\" c='y'"),
        ("IPv4 Unicast via OSPFv2.", "IPv4 Unicast via OSPFv2."),
        ("took 5ms, again: 7.", "took <*>, again: <*>."),
        ("  many   blanks\t1 ", "many blanks <*>"),
        ("10.0.0.1:80->10.0.0.2:443", "<*>-><*>"),
        ("", ""),
        ("caf\u00e9 \u4e2d\u6587 1", "caf\u00e9 \u4e2d\u6587 <*>"),
    ],
)
def test_masking(text, left):
    assert masked(text.encode()) == left


def hash_of(texts):
    encoded = [text.encode() for text in texts]
    lengths = np.array([len(one) for one in encoded], np.int64)
    end = np.cumsum(lengths)
    return masked_hashes(np.frombuffer(b"".join(encoded) or b"\0", np.uint8), end - lengths, end).tolist()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text('ab1.: ,=[]<>"/-é', max_size=30), min_size=1, max_size=6))
def test_numbers_are_equal_where_masked_texts_are(texts):
    numbers, masks = hash_of(texts), [masked(text.encode()) for text in texts]
    for a in range(len(texts)):
        for b in range(a):
            if texts[a].rstrip() == texts[a] and texts[b].rstrip() == texts[b]:
                assert (numbers[a] == numbers[b]) == (masks[a] == masks[b])


def test_templates_are_mined():
    miner = TemplateMiner()
    found = [miner.mine(masked(f"job finished by {name} after {n} s".encode())).text
             for n, name in enumerate(("alice", "bob", "carol"))]  # fmt: skip
    assert found == [
        "job finished by alice after <*> s",
        "job finished by <*> after <*> s",
        "job finished by <*> after <*> s",
    ]
    assert [(one.text, one.count) for one in miner.templates()] == [("job finished by <*> after <*> s", 3)]


def test_opposites_are_never_one_template():
    miner = TemplateMiner()
    for state in ("up", "down", "up", "down"):
        miner.mine(f"Line protocol on Interface <*>, changed state to {state}")
    assert sorted(one.text.rpartition(" ")[2] for one in miner.templates()) == ["down", "up"]


def messages(count, seed=3):
    rng = random.Random(seed)
    words = ["link", "peer", "session", "fan", "alarm", "user", "config", "route", "up", "down", "lost", "ok"]
    for _ in range(count):
        yield " ".join(rng.choice(words) for _ in range(rng.randrange(1, 7)))


def test_the_same_messages_give_the_same_templates():
    one, other = TemplateMiner(), TemplateMiner()
    assert [one.mine(m).text for m in messages(2000)] == [other.mine(m).text for m in messages(2000)]
    assert one.state() == other.state()


def test_memory_is_bounded_and_the_least_met_give_way():
    miner = TemplateMiner(most=50)
    kept = miner.mine("this one is met again and again")
    for n in range(2000):
        miner.mine(f"a{n % 26} " * (n % 40 + 1) + f"word{n}" * (n % 3))
        assert miner.mine("this one is met again and again") is kept
    assert len(miner) == 50
    assert kept.is_alive
    assert _nodes(miner) < 2000


def _nodes(miner):
    todo, count = list(miner._roots.values()), 0
    while todo:
        node = todo.pop()
        count += 1
        todo += node.children.values()
    return count


def test_state_goes_through_json():
    miner = TemplateMiner()
    for message in messages(500):
        miner.mine(message)
    restored = TemplateMiner()
    restored.restore(json.loads(json.dumps(miner.state())))
    assert restored.state() == miner.state()
    assert [restored.mine(m).text for m in messages(300, 9)] == [miner.mine(m).text for m in messages(300, 9)]


@pytest.mark.parametrize("state", [[], [1, "x", None], [[1]], [["x", "y"]], [[1, 2, 3]], [[1, "ok", 5]]])
def test_a_damaged_state_is_left_out(state):
    miner = TemplateMiner()
    miner.restore([*state, [7, "link", "up"]])
    assert miner.state() == [[7, "link", "up"]]


def test_very_long_messages_have_a_bounded_template():
    template = TemplateMiner().mine("word " * 1000)
    assert len(template.words) <= 64
    assert len(template.text) <= 512


#: Device, port of HundredGigE0/0/0, local time: transceivers pulled, ports shut. (The fibre's two rows are left out: at
#: their begin the port came up, by the device's own log.)
PORT_INCIDENTS = [("spine2", 8, 10, 15), ("leaf3", 8, 10, 21), ("spine2", 8, 10, 28), ("leaf3", 8, 10, 35)]


def test_a_fabric_s_log_has_few_templates_and_says_when_ports_changed(test_data):
    """A Clos fabric's syslog with labelled port incidents: the mined templates are few, and rules name the links."""
    from weft.decode.syslog import Sender, SyslogDecoder, rule_table

    folder = test_data / "detect/cisco-syslog/4-portflap/logs"
    if not folder.is_dir():
        pytest.skip(f"no fabric's log at {folder}")
    decoder = SyslogDecoder(rule_table())
    rows = []
    for path in sorted(folder.glob("*.log")):
        lines = [line for line in path.read_bytes().splitlines() if line.strip()]
        arrival = 1504310400 * 10**9  # 2017-09-02
        sender = Sender()
        sender.clock.is_live = False
        decoded = decoder.decode(lines, [arrival] * len(lines), [sender] * len(lines), 6)
        rows += [row | {"device": path.name.partition(".")[0]} for row in decoded.logs.to_pylist()]
    assert len(rows) > 4000
    headed = [row for row in rows if row["message_id"]]
    assert len(headed) > 0.97 * len(rows)
    assert len({row["template"] for row in rows}) < 0.06 * len(rows)
    links = [row for row in headed if row["event"] in {"INTERFACE_DOWN", "INTERFACE_UP"}]
    for device, port, hour, minute in PORT_INCIDENTS:
        begin = datetime(2017, 9, 1, hour, minute, tzinfo=UTC)
        down = [row for row in links if row["device"] == device and row["component"] == f"HundredGigE0/0/0/{port}"
                and row["event"] == "INTERFACE_DOWN" and abs(row["time"].to_pydatetime() - begin) < timedelta(minutes=2)]  # fmt: skip
        assert down, (device, port, hour, minute)
