"""Differences of configurations and the sections they are in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.collect.configs.diffs import compare
from weft.collect.configs.outline import Outline

IOS = """hostname r1
interface Ethernet1
 description up
 ip address 10.0.0.1 255.255.255.0
!
interface Ethernet2
 shutdown
!
router bgp 65001
 neighbor 10.0.0.2 remote-as 65002
 address-family ipv4 unicast
  neighbor 10.0.0.2 activate
 exit
!
end
"""


FORTIOS = """config system global
    set hostname "x"
end
config router bgp
    config neighbor
        edit "10.0.0.2"
            set remote-as 1
        next
    end
end
"""


@pytest.mark.parametrize(
    ("old", "new", "sections", "added", "removed"),
    [
        (" description up", " description down", ("interface Ethernet1",), 1, 1),
        (" shutdown", " no shutdown", ("interface Ethernet2",), 1, 1),
        ("  neighbor 10.0.0.2 activate", "  neighbor 10.0.0.2 activate\n  maximum-paths 4",
         ("router bgp 65001 / address-family ipv4 unicast",), 1, 0),
        ("hostname r1", "hostname r2", ("hostname r2", "hostname r1"), 1, 1),
        ("interface Ethernet2\n shutdown\n!\n", "", ("interface Ethernet2",), 0, 3),
        ("end\n", "ip route 0.0.0.0 0.0.0.0 10.0.0.9\nend\n", ("ip route 0.0.0.0 0.0.0.0 10.0.0.9",), 1, 0),
    ],
)  # fmt: skip
def test_ios(old, new, sections, added, removed):
    assert old in IOS
    change = compare(IOS, IOS.replace(old, new, 1))
    assert (change.sections, change.added, change.removed) == (sections, added, removed)


@pytest.mark.parametrize(
    ("text", "line", "section"),
    [
        ("interfaces {\n    ge-0/0/0 {\n        unit 0 {\n            mtu 1500;\n        }\n    }\n}\n", "mtu",
         "interfaces / ge-0/0/0"),
        ("set interfaces ge-0/0/0 unit 0 family inet\nset system host-name x\n", "host-name", "system host-name x"),
        ("set interfaces ethernet eth0 address '10.0.0.1/24'\n", "eth0", "interfaces ethernet eth0"),
        (FORTIOS, "remote-as", "config router bgp / config neighbor"),
        ("/interface bridge\nadd name=b\n/ip address\nadd address=10.0.0.1/24\n", "10.0.0.1", "/ip address"),
        ('{\n    "PORT": {\n        "Ethernet0": {\n            "mtu": "9100"\n        }\n    }\n}\n', "mtu",
         "PORT / Ethernet0"),
        ("#\ninterface GE1/0/0\n description x\n#\nbgp 1\n peer 10.0.0.2 as-number 2\n#\n", "as-number", "bgp 1"),
    ],
)  # fmt: skip
def test_sections_of_other_vendors(text, line, section):
    lines = text.splitlines()
    at = next(i for i, one in enumerate(lines) if line in one)
    assert Outline(lines).section(at) == section


def test_many_sections_are_counted():
    text = "".join(f"interface Ethernet{i}\n mtu 1500\n" for i in range(6))
    assert compare(text, text.replace("1500", "9000")).component == (
        "interface Ethernet0, interface Ethernet1, interface Ethernet2 (+3)"
    )


@given(st.lists(st.sampled_from("abcde"), max_size=40), st.lists(st.sampled_from("abcde"), max_size=40))
def test_a_diff_makes_the_new_text_of_the_old(old, new):
    change = compare("\n".join(old), "\n".join(new))
    ours = change.text.splitlines()
    assert _apply(old, ours) == new
    assert change.added - change.removed == len(new) - len(old)
    assert bool(ours) == (old != new)


def _apply(old, diff):
    """Patch ``old`` by a unified diff."""
    out, at = [], 0
    for line in diff[2:]:
        if line.startswith("@@"):
            start, length = (int(part) for part in line.split()[1][1:].split(","))
            begin = start - 1 if length else start
            out += old[at:begin]
            at = begin
        elif line[0] == " ":
            assert old[at] == line[1:]
            out.append(line[1:])
            at += 1
        elif line[0] == "-":
            assert old[at] == line[1:]
            at += 1
        else:
            out.append(line[1:])
    return out + old[at:]


def test_a_large_difference_is_told_quickly():
    import time

    old = "\n".join(f"line {i}" for i in range(60_000))
    new = "\n".join(f"other {i}" for i in range(60_000))
    before = time.process_time()
    change = compare(old, new)
    assert (change.added, change.removed) == (60_000, 60_000)
    assert len(change.text) < 210_000
    assert time.process_time() - before < 5
