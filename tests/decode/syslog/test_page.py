"""The page about syslog keeps up with the rules."""

import re
from pathlib import Path

import pytest

from weft.decode.syslog import SyslogDecoder, builtin_rules, rule_table
from weft.decode.syslog.load import _CASTS
from weft.decode.syslog.pattern import KINDS

PAGE = (Path(__file__).resolve().parents[3] / "docs/syslog.md").read_text()


def test_every_event_is_on_the_page_and_every_one_there_exists():
    table = PAGE.partition("## Events")[2].partition("## Rules of your own")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    told = re.findall(r"`([A-Z0-9_]+)`", " ".join(rows))
    assert len(told) == len(set(told))
    assert set(told) == {rule.event for rule in builtin_rules()}


def test_kinds_and_casts_are_on_the_page():
    part = PAGE.partition("## Rules of your own")[2]
    for kind in KINDS.keys() - {"", "port"}:
        assert f"`{kind}`" in part
    for cast in _CASTS.keys() - {"joined"}:
        assert f"`|{cast}`" in part


@pytest.mark.parametrize("state", ["opened", "closed"])
def test_the_page_s_rules_work(state):
    text = PAGE.partition("## Rules of your own")[2].partition("```yaml\n")[2].partition("```")[0]
    decoder = SyslogDecoder(rule_table([("page.yaml", text)]))
    _, found = decoder.read(f"<13>Aug  3 12:30:45 h doord[7]: door B12 was {state} by eve", 0)
    assert found.fields() == {"doors/door[B12]/state": {"opened": "OPEN", "closed": "CLOSED"}[state], "user": "eve"}
