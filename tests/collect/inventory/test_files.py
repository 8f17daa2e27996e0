"""Inventory files: what they say, complaints with their line and fix, hot reload, bad files."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collect.intake.fakes import FakeFacts, FakeIntake
from tests.waiting import until

from weft.collect.inventory import yamlfile
from weft.collect.inventory.config import InventoryConfig
from weft.collect.inventory.sources import InventorySources
from weft.collect.inventory.yamlfile import load_file, load_text
from weft.errors import InvalidInput
from weft.model.inventory import CLOUD_KINDS, ObjectKind

EXAMPLE = """
sites:
  - {name: fra, country: NO, latitude: 50.1, longitude: 8.7, tags: core}
devices:
  - &common
    name: r1
    addresses: [192.0.2.1, 2001:db8::1]
    site: fra
    role: border
    serial: 0012
    interfaces:
      - {name: et-0/0/0, if_index: 3, speed: 100G, circuit: C-1, boundary: external}
  - <<: *common
    name: r2
    addresses: 192.0.2.2
    serial: ~
    interfaces: [{name: Ethernet1, enabled: no}]
links:
  - {a: r1 et-0/0/0, b: {device: r2, interface: Ethernet1}, capacity: 10G, delay_ms: 1.5, srlg: [duct-7]}
providers: [{name: Lumen, asn: AS3356}]
circuits: [{name: C-1, provider: Lumen, capacity: 10G, cost_per_month: 4200, currency: USD, ends: 2027-01-31}]
services: [{name: dns, tier: 1, prefixes: 10.1.0.0/24, customers: [Globex]}]
customers: [{name: Globex, attributes: {account: "77"}}]
prefixes: [{prefix: 10.1.0.0/16, site: fra, vlan: 7}]
"""


def test_what_a_file_says() -> None:
    loaded = load_text(EXAMPLE, "a.yaml")
    facts = {(f.kind.value, *f.key): dict(f.attributes) for f in loaded.facts}
    assert facts["site", "fra"] == {
        "name": "fra",
        "country": "NO",
        "latitude": 50.1,
        "longitude": 8.7,
        "tags": ["core"],
    }
    assert facts["device", "r1"] == {
        "name": "r1", "addresses": ["192.0.2.1", "2001:db8::1"], "site": "fra", "role": "border", "serial": "0012",
    }  # fmt: skip
    # What `<<` brings in is overridden; `~` takes it away.
    assert facts["device", "r2"] == {"name": "r2", "addresses": ["192.0.2.2"], "site": "fra", "role": "border"}
    assert facts["interface", "r1", "et-0/0/0"]["speed_bps"] == 10**11
    assert facts["interface", "r2", "Ethernet1"]["enabled"] is False
    assert facts["link", "r1", "et-0/0/0", "r2", "Ethernet1"] == {
        "capacity_bps": 10**10,
        "delay_ms": 1.5,
        "srlg": ["duct-7"],
    }
    assert facts["provider", "Lumen"]["asn"] == 3356
    assert facts["circuit", "C-1"]["ends"] == "2027-01-31"
    assert facts["service", "dns"]["tier"] == "1"
    assert facts["customer", "Globex"]["account"] == "77"
    assert facts["prefix", "10.1.0.0/16"]["vlan"] == 7
    assert loaded.counts["device"] == 2
    assert loaded.warnings == ()
    assert load_text("", "x").facts == load_text("devices:\n", "x").facts == ()


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        ("devices:\n  - name: r1\n    adresses: [1.2.3.4]\n", 3, ("devices[1].adresses", "Did you mean `addresses`?")),
        ("devices:\n  - name: r1\n    color: red\n", 3, ("no such word", "attributes:")),
        ("device:\n  - name: r1\n", 1, ("device", "Did you mean `devices`?")),
        ("devices:\n  - site: fra\n", 2, ("devices[1].name: is missing", "Add it")),
        ("devices:\n  - name: r1\n    addresses:\n      - 192.0.2.1\n      - 300.1.1.1\n", 5, ("not an address",)),
        ("devices:\n  - name: r1\n    interfaces:\n      - {name: a}\n      - {name: b, speed: fast}\n", 5,
         ("'fast' is not a speed", "10G")),
        ("sites:\n  - name: a\n    latitude: 91\n", 3, ("less than or equal to 90",)),
        ("prefixes:\n- prefix: 10.0.0.1/8\n", 2, ("not a prefix",)),
        ("devices:\n  - name: r1\n  - name: R1\n", 3, ("device R1 is there already, in line 2",)),
        ("devices:\n  - name: r1\n    interfaces: [{name: Gi0/1}, {name: GigabitEthernet0/1}]\n", 3,
         ("there already",)),
        ("links:\n  - {a: x 1, b: y 2}\n  - {a: y 2, b: x 1}\n", 3, ("there already",)),
        ("devices:\n  - name: r1\n    name: r2\n", 3, ("`name` is there twice",)),
        ("devices:\n  - name: [\n", 3, ("not YAML",)), ("- just\n- a list\n", 1, ("must hold sections",)),
        ("sites: {name: a}\n", 1, ("valid list",)), ("? [a]\n: b\n", 1, ("a name must be a text",)),
        ("devices:\n  - <<: text\n    name: r1\n", 2, ("needs a map",)),
        ("providers: [{name: x, asn: many}]\n", 1, ("not an AS number",)),
    ],
)  # fmt: skip
def test_complaints_name_line_and_fix(text: str, line: int, parts: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_text(text, "a.yaml")
    assert caught.value.message.startswith(f"a.yaml:{line}:"), caught.value.message
    for part in parts:
        assert part in caught.value.message


def test_several_problems_come_at_once() -> None:
    text = "devices:\n" + "".join(f"  - nam: r{n}\n" for n in range(30))
    with pytest.raises(InvalidInput) as caught:
        load_text(text, "a.yaml")
    assert caught.value.message.count("also a.yaml:") == 19
    assert "and 40 more" in caught.value.message


def test_references_to_nothing_are_warned_of() -> None:
    text = "sites: [{name: fra}]\ndevices:\n  - {name: r1, site: farn}\nlinks:\n  - {a: r1 x, b: r7 y}\n"
    assert load_text(text, "a.yaml").warnings == (
        "a.yaml:3: site farn is not in this file", "a.yaml:5: device r7 is not in this file",
    )  # fmt: skip


def test_files_that_would_fill_the_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamlfile, "_MOST_NODES", 100_000)
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(InvalidInput, match="holds too much"):
        load_text(bomb, "a.yaml")
    with pytest.raises(InvalidInput, match="nested too deeply"):
        load_text("devices: " + "[" * 50 + "]" * 50, "a.yaml")
    with pytest.raises(InvalidInput, match="nested too deeply"):
        load_text("devices: &a [*a]", "a.yaml")
    monkeypatch.setattr(yamlfile, "MOST_BYTES", 10)
    (tmp_path / "a.yaml").write_text(EXAMPLE)
    with pytest.raises(InvalidInput, match="larger"):
        load_file(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        load_file(tmp_path / "b.yaml")
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_file(tmp_path / "none.yaml")


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("abc:-[]{}&*#<>|!\"'\n \tdevicsnamlk0123"), max_size=120))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        load_text(text, "a.yaml")


def write(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


def test_files_are_read_again_and_bad_ones_keep_what_was_good(tmp_path: Path) -> None:
    one, folder = tmp_path / "one.yaml", tmp_path / "more"
    folder.mkdir()
    write(one, "devices: [{name: r1}]")
    write(folder / "a.yaml", "devices: [{name: a}]")
    write(folder / "b.yml", "devices: [{name: b}]")
    (folder / "ignored.txt").write_text("x")
    told, books = FakeFacts(), FakeIntake()
    config = InventoryConfig.model_validate({"files": [str(one), str(folder)], "reload_seconds": 0.2})
    sources = InventorySources(config, told, books)
    sources.start()
    try:
        assert {scope for _, scope in told.said} == {str(one), str(folder / "a.yaml"), str(folder / "b.yml")}
        first, second = books.open
        assert [book.status().state for book in books.open] == ["ok", "ok"]
        write(one, "devices: [{name: r2}]")
        until(lambda: ("device", "r2") in told.filled("file", str(one)))
        write(one, "devices: [{nme: r2}]")
        until(lambda: first.status().state == "failing")
        assert "one.yaml:1: devices[1].n" in first.status().last_error
        assert ("device", "r2") in told.filled("file", str(one))
        errors = first.status().errors
        for name in ("b2", "b3"):  # two looks later
            write(folder / "b.yml", f"devices: [{{name: {name}}}]")
            until(lambda name=name: ("device", name) in told.filled("file", str(folder / "b.yml")))
        assert first.status().errors == errors == {"bad_file": 1}  # told once, though it stays bad
        one.unlink()
        until(lambda: "unreadable" in first.status().errors)
        assert ("device", "r2") in told.filled("file", str(one))
        write(one, "devices: [{name: r3}]")
        until(lambda: ("device", "r3") in told.filled("file", str(one)))
        assert first.status().state == "degraded"
        (folder / "a.yaml").unlink()
        until(lambda: told.said["file", str(folder / "a.yaml")] == [])
        write(folder / "c.yaml", "nonsense: 1")
        until(lambda: second.status().state == "degraded")
        assert told.filled("file", str(folder / "b.yml"))
    finally:
        sources.stop()
    sources.stop()
    assert books.open == []


def test_nothing_configured_opens_nothing() -> None:
    told, books = FakeFacts(), FakeIntake()
    sources = InventorySources(InventoryConfig(), told, books)
    sources.start()
    assert (books.open, told.times, sources._thread) == ([], 0, None)
    sources.stop()


def test_the_example_of_the_documentation_is_understood() -> None:
    page = (Path(__file__).parents[3] / "docs" / "inventory.md").read_text(encoding="utf-8")
    (example,) = [text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if text.startswith("# An inv")]
    loaded = load_text(example, "example.yaml")
    assert {fact.kind for fact in loaded.facts} == set(ObjectKind) - set(CLOUD_KINDS)
