# ruff: noqa: E501  # a message is one line
"""Rules: what public samples and our own say happened, and what the loader says of wrong files."""

import json
import re
from datetime import UTC, datetime

import pytest
from tests.decode.syslog.samples import HEADED

from weft.decode.syslog import SyslogDecoder, builtin_rules, nested, rule_table
from weft.decode.syslog.load import read_rules
from weft.decode.syslog.pattern import compile_text
from weft.decode.syslog.table import plain_id
from weft.errors import InvalidInput

NOW_NS = int(datetime(2026, 8, 3, 12, 30, tzinfo=UTC).timestamp()) * 10**9
LEAST = 130


@pytest.fixture(scope="module")
def decoder():
    return SyslogDecoder(rule_table())


def differences(decoder, text, expected):
    """What is read otherwise than another project's structured record of the same message says."""
    header, found = decoder.read(text, NOW_NS)
    if found is None:
        return ["no rule"]
    details = expected["message_details"]
    pairs = {
        "event": (found.rule.event, expected["error"]),
        "fields": (nested(found.fields()), expected["yang_message"]),
        "facility": (header.facility, expected["facility"]),
        "severity": (header.severity, expected["severity"]),
        "host": (header.host, expected["host"]),
    }
    if details.get("processName"):
        pairs["program"] = header.program, details["processName"]
    if details.get("processId") not in (None, "-"):
        pairs["process"] = found.process or header.process_id, details["processId"]
    if details.get("tag", "-")[:1].isupper() and "-" in details["tag"]:
        pairs["message id"] = header.message_id, details["tag"]
    clock = re.search(r"(\d\d):(\d\d):(\d\d)", details["time"])
    seconds = sum(int(part) * unit for part, unit in zip(clock.groups(), (3600, 60, 1), strict=True))
    pairs["time"] = header.stamp.seconds % 86400 if header.stamp else None, seconds
    return [(name, got, want) for name, (got, want) in pairs.items() if got != want]


def test_what_napalm_logs_reads_we_read(test_data, decoder):
    folder = test_data / "logs/napalm-automation+napalm-logs"
    if not folder.is_dir():
        pytest.skip(f"no napalm-logs samples at {folder}")
    same, other = 0, {}
    for path in sorted(folder.glob("*/*/*/syslog.msg")):
        expected = json.loads(path.with_name("yang.json").read_text())
        for line in filter(None, map(str.rstrip, path.read_text().splitlines())):
            found = differences(decoder, line, expected)
            same += not found
            if found:
                other[str(path.relative_to(folder))] = found
    assert same >= LEAST, other
    # Where the record is wrong: it names the peer's address as its AS number; the message says 4292019902.
    assert list(other) in ([], ["junos/BGP_INCORRECT_AS_NUMBER/default/syslog.msg"])


@pytest.mark.parametrize("sample", HEADED, ids=[str(n) for n in range(len(HEADED))])
def test_own_samples(decoder, sample):
    text, _, _, process, _, event, component, fields = sample
    header, found = decoder.read(text, NOW_NS)
    assert (found.rule.event if found else "") == event
    if found is not None:
        assert found.component == component
        assert (found.process or header.process_id) == process
        if fields is not None:
            assert found.fields() == fields


VARIANTS = [
    ("<187>1: a.b RP/0/RSP0/CPU0:Mar  1 10:00:00.001 CET: ifmgr[1]: %PKT_INFRA-LINK-3-UPDOWN : Interface HundredGigE0/0/1/3.100, changed state to Up",
     {"interfaces/interface[HundredGigE0/0/1/3.100]/state/oper_status": "UP"}),
    ("<189>1: x: Mar  1 10:00:00.001: %LINEPROTO-5-UPDOWN: Line protocol on Interface   Vlan100, changed state   to up",
     {"interfaces/interface[Vlan100]/state/oper_status": "UP"}),
    ("<28>Mar  1 10:00:00 re1.mx rpd[1]: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer 2001:db8::5 (Internal AS 65001) changed state from OpenConfirm to Established (event RecvKeepAlive)",
     {"bgp/neighbors/neighbor[2001:db8::5]/state/peer_as": "65001",
      "bgp/neighbors/neighbor[2001:db8::5]/state/session-state": "ESTABLISHED",
      "bgp/neighbors/neighbor[2001:db8::5]/state/session-state-old": "OPEN_CONFIRM",
      "bgp/neighbors/neighbor[2001:db8::5]/state/session-state-change-event": "RecvKeepAlive"}),
    ("<28>Mar  1 10:00:00 mx alarmd[1]: Alarm set: FPC color=YELLOW, class=CHASSIS, reason=FPC 3 Minor Errors",
     {"hardware-state/component[FPC 3]/name": "FPC 3", "hardware-state/component[FPC 3]/class": "CHASSIS",
      "hardware-state/component[FPC 3]/state/alarm-reason": "Minor Errors",
      "hardware-state/component[FPC 3]/state/alarm-state": 4}),
    ("<190>2024 Apr 20 13:15:07 n9k %ETHPORT-5-IF_DOWN_ADMIN_DOWN: Interface port-channel12 is down (Administratively down)",
     {"interfaces/interface[port-channel12]/state/admin_status": "DOWN",
      "interfaces/interface[port-channel12]/state/change_reason": "Administratively down"}),
    ("<14>Nov  6 13:36:45 sw System: Interface ethernet 2/1, state up",
     {"interfaces/interface[ethernet2/1]/state/oper_status": "UP"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fields"), VARIANTS)
def test_rules_read_other_names_and_white_space_too(decoder, text, fields):
    assert decoder.read(text, NOW_NS)[1].fields() == fields


def test_keys_with_brackets_come_back_from_the_path():
    assert nested({"a/b[x\\]z]/c": 1, "plain": 2}) == {"a": {"b": {"x]z": {"c": 1}}}, "plain": 2}
    rules = read_rules("own.yaml", "rules:\n  - {event: E, text: 'at {where}', fields: {'a/b/{where}/c': 1}}")
    match = rules[0].pattern.match("at x[1]\\y")
    from weft.decode.syslog.table import Found

    assert nested(Found(rules[0], match).fields()) == {"a": {"b": {"x[1]\\y": {"c": 1}}}}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{event: down, text: x}", "`event` is a name in capitals"),
        ("{text: x}", "`event` is a name in capitals"),
        ("{event: E}", "needs `id`, `text` or `regex`"),
        ("{event: E, text: x, regex: y}", "both `text` and `regex`"),
        ("{event: E, text: x, colour: red}", "there is no ['colour']"),
        ("{event: E, text: 'x {a:colour}'}", "no such kind"),
        ("{event: E, text: 'x {a} {a}'}", "stands twice"),
        ("{event: E, text: 'x {a'}", "brace that belongs to nothing"),
        ("{event: E, regex: '('}", "`regex` is none"),
        ("{event: E, text: x, fields: {a: '{b}'}}", "`{b}` is not in its `text`"),
        ("{event: E, text: '{b}', fields: {a: '{b|shout}'}}", "`|shout` is neither"),
        ("{event: E, text: x, severity: loud}", "`severity` is one of"),
        ("{event: E, text: x, change: yes}", "`change` is a map"),
        ("{event: E, text: x, fields: [a]}", "`fields` is a map"),
        ("{event: E, text: x, fields: {a: [1]}}", "a field's value"),
        ("{event: E, text: '...'}", "`text` is empty"),
        ("E", "a rule is a map"),
    ],
)
def test_errors_name_the_file_and_the_rule(body, says):
    with pytest.raises(InvalidInput) as caught:
        read_rules("own/my.yaml", f"rules:\n  - {{event: FINE, text: fine}}\n  - {body}\n")
    assert says in caught.value.what
    assert caught.value.where.startswith("own/my.yaml: rule 2")


@pytest.mark.parametrize("text", ["rules: 5", "[]", "rules: []\ncolour: red", "rules: [\n"])
def test_a_file_that_is_no_rule_file(text):
    with pytest.raises(InvalidInput, match=r"^my\.yaml"):
        read_rules("my.yaml", text)


def test_patterns():
    pattern, anywhere, word = compile_text("...Interface {interface:interface}, {state:up|gone down}")
    assert (anywhere, word) == (True, "Interface")
    assert pattern.search("x Interface   Te0/1,\tgone  down").groupdict() == {
        "interface": "Te0/1",
        "state": "gone  down",
    }
    assert plain_id("PKT_INFRA-LINK-3-UPDOWN") == "PKT_INFRA-LINK-UPDOWN"
    assert plain_id("IFNET/4/IF_STATE") == "IFNET/IF_STATE"
    assert plain_id("ASA-4-106023") == "ASA-106023"


def test_every_rule_that_comes_with_weft_has_an_event_of_its_kind():
    rules = builtin_rules()
    assert len(rules) > 250
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]+", rule.event) for rule in rules)


def test_hostile_texts_take_little_time(decoder):
    import time

    for program in ("rpd", "kernel", "sshd", "bgpd", "traffic", "SYSTEM", "mgd", "alarmd", "RT_FLOW", "x"):
        for filler in ("session created 1/1->1/1 ", "user ", "a" * 50, "1.1.1.1 ", "IN= OUT= SRC= DST= ", "link down ",
                       "rx power low ", "[", "login failed user="):  # fmt: skip
            text = f"<13>Mar  1 10:00:00 h {program}: " + filler * (16000 // len(filler))
            began = time.thread_time()
            decoder.read(text, NOW_NS)
            assert time.thread_time() - began < 1.0, (program, filler)
