"""Every shipped profile: it loads, its metrics have the product's names, and it makes rows of what a device says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from weft.decode.snmp import ber
from weft.decode.snmp.columns import ColumnData
from weft.decode.snmp.layout import layout
from weft.decode.snmp.library import SHIPPED, load
from weft.decode.snmp.profile import Profile
from weft.decode.snmp.rows import RowMaker
from weft.errors import ConfigError
from weft.model.metric_names import describe
from weft.rulefile import read_folder

FILES = sorted(SHIPPED.glob("*.yaml"))
LIBRARY = load()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_profile_is_valid_and_is_named_as_its_file(path):
    profile = Profile.model_validate(yaml.safe_load(path.read_text()))
    assert profile.profile == path.stem
    assert profile.title


@pytest.mark.parametrize("name", sorted(LIBRARY.profiles))
def test_metrics_have_the_products_names_and_tables_do_not_repeat_columns(name):
    profile = LIBRARY.profiles[name]
    for table in (*profile.tables.values(), *profile.scalars.values()):
        for metric in table.metrics:
            described = describe(metric.metric)
            assert described.known, f"{metric.metric} is not in the vocabulary of metrics"
            assert (metric.type == "counter") == (described.type == "counter")
        oids = [one.oid for one in (*table.columns.values(), *table.names.values())]
        assert len(set(oids)) >= len(oids) - 1  # ifAdminStatus is both read at every poll and a fact
        for other in table.replaces:
            assert other in profile.tables


@pytest.mark.parametrize("name", sorted(LIBRARY.profiles))
def test_a_device_that_has_everything_makes_finite_rows_with_components(name):
    profile = LIBRARY.profiles[name]
    walked = {}
    for table_name, spec in (*profile.tables.items(), *profile.scalars.items()):
        keys = [_index(spec.parts, row) for row in (1, 2)] if spec.index else [b""]
        cells = {}
        for column, given in (*spec.columns.items(), *spec.names.items()):
            value = {"number": 2, "text": b"same name", "mac": bytes(6), "address": bytes([10, 0, 0, 1]),
                     "oid": ber.oid("1.3.6.1.2.1.25.2.1.2")}[given.read]  # fmt: skip
            tag = ber.COUNTER64 if given.read == "number" else ber.OCTETS
            cells[column] = ColumnData(list(keys), [value] * len(keys), tag, [(len(keys), 5)])
        walked[table_name] = cells
    maker = RowMaker(layout(profile, walked))
    found = maker.values(walked, read_ns=7, uptime_s=100.0)
    rows = maker.batch(found, bytes(16), "r1", 9).to_pylist()
    for row in rows:
        assert np.isfinite(row["value"])
        assert re.fullmatch(r'([a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*)?', row["labels"])
    keys = [(r["metric"], r["component"], r["labels"], r["if_index"]) for r in rows]
    assert len(set(keys)) == len(keys), "one cell makes one row"
    tabled = [metric for table in maker.tables.values() if table.spec.index for metric in table.metrics]
    assert all(component for metric in tabled for component in metric.components)


def _index(parts, row):
    arcs: tuple[int, ...] = ()
    for _, kind in parts:
        arcs += {
            "number": (row,), "string": (2, 65, 64 + row), "octets": (6, 0, 0, 0, 0, 0, row),
            "address": (1, 4, 10, 0, 0, row),
            "typed": (1, 10, 0, 0, row), "ipv4": (10, 0, 0, row), "ipv6": (0,) * 15 + (row,), "implied": (65, row + 64),
            "rest": (4, 10, 0, 0, row),
        }[kind]  # fmt: skip
    return ber.pack_arcs(arcs)


@pytest.mark.parametrize(
    ("object_id", "descr", "profile"),
    [
        ("1.3.6.1.4.1.9.1.1745", "Cisco IOS Software [Everest], Catalyst L3 Switch, Version 16.6.4", "cisco-ios"),
        ("1.3.6.1.4.1.9.1.1117", "Cisco IOS XR Software (Cisco ASR9K Series),  Version 6.5.3[Default]", "cisco-iosxr"),
        ("1.3.6.1.4.1.9.12.3.1.3.1812", "Cisco NX-OS(tm) n9000, Software (n9000-dk9), Version 9.3(8)", "cisco-nxos"),
        ("1.3.6.1.4.1.2636.1.1.1.2.29", "Juniper Networks, Inc. mx240 router, kernel JUNOS 18.4R1.8", "juniper-junos"),
        ("1.3.6.1.4.1.30065.1.3011.7050", "Arista Networks EOS version 4.26.4M running on an Arista", "arista-eos"),
        ("1.3.6.1.4.1.6527.1.3.8", "TiMOS-C-16.0.R4 cpm/hops64 Nokia 7750 SR", "nokia-sros"),
        ("1.3.6.1.4.1.2011.2.224.67", "Huawei Versatile Routing Platform VRP software, Version 8.150", "huawei-vrp"),
        ("1.3.6.1.4.1.14988.1", "RouterOS CCR1036-12G-4S", "mikrotik-routeros"),
        ("1.3.6.1.4.1.12356.101.1.1000", "FGT_100D", "fortinet-fortios"),
        ("1.3.6.1.4.1.25461.2.3.38", "Palo Alto Networks PA-220 series firewall", "paloalto-panos"),
        ("1.3.6.1.4.1.8072.3.2.10", "Linux lab 6.1.0 #1 SMP x86_64", "net-snmp"),
        ("1.3.6.1.4.1.8072.3.2.10", "SONiC Software Version: SONiC.202305 - HwSku: ACS-MSN2700", "sonic"),
        ("1.3.6.1.2.1.33.2.5", "A UPS", "ups"),
        ("1.3.6.1.4.1.318.1.3.4.6", "APC PDU", "pdu"),
        ("1.3.6.1.4.1.99999.1", "Something else", "generic"),
        ("1.3.6.1.4.1.90000.1", "Not Cisco, whose number begins alike", "generic"),
        ("", "", "generic"),
    ],
)  # fmt: skip
def test_devices_find_their_profile(object_id, descr, profile):
    assert LIBRARY.match(object_id, descr).name == profile


@pytest.mark.parametrize(
    ("descr", "fact", "value"),
    [
        (
            "Cisco IOS Software, C3750E Software (C3750E-UNIVERSALK9-M), Version 15.2(4)E8, RELEASE",
            "os_version",
            "15.2(4)E8",
        ),
        ("Juniper Networks, Inc. mx240 internet router, kernel JUNOS 18.4R1.8, Build date", "os_version", "18.4R1.8"),
        ("Juniper Networks, Inc. mx240 internet router, kernel JUNOS 18.4R1.8, Build date", "model", "mx240"),
        ("Arista Networks EOS version 4.26.4M running on an Arista Networks DCS-7050TX", "model", "DCS-7050TX"),
        ("TiMOS-C-16.0.R4 cpm/hops64 Nokia 7750 SR Copyright", "os_version", "16.0.R4"),
    ],
)
def test_facts_of_a_device_are_read_from_its_description(descr, fact, value):
    name = {"C": "cisco-ios", "J": "juniper-junos", "A": "arista-eos", "T": "nokia-sros"}[descr[0]]
    spec = LIBRARY.profiles[name].device[fact]
    assert next(g for g in re.search(spec.descr, descr).groups() if g) == value


# --- a user's own profiles --------------------------------------------------------------------------------------------

ACME = """
profile: acme
title: Acme boxes
extends: [generic]
match:
  - sys_object_id: 1.3.6.1.4.1.55555
device: {vendor: Acme, os_version: {descr: 'v([0-9.]+)'}}
tables:
  fans:
    index: [fan]
    component: "{name}"
    names: {name: 1.3.6.1.4.1.55555.1.1.2}
    columns: {speed: 1.3.6.1.4.1.55555.1.1.3}
    metrics:
      - {metric: fan_rpm, value: speed}
"""


def load_own(folder: Path):
    return load(read_folder(folder, "snmp.profiles_dir"))


def written(folder: Path, text: str, name: str = "acme.yaml") -> Path:
    (folder / name).write_text(text)
    return folder


def test_a_vendor_is_added_by_a_file(tmp_path):
    library = load_own(written(tmp_path, ACME))
    profile = library.match("1.3.6.1.4.1.55555.7", "Acme v2.1")
    assert (profile.name, "fans" in profile.tables, "interfaces" in profile.tables) == ("acme", True, True)


def test_a_shipped_profile_is_replaced_by_one_of_the_same_name(tmp_path):
    text = ACME.replace("profile: acme", "profile: arista-eos").replace("55555\ndevice", "30065\ndevice")
    assert load_own(written(tmp_path, text)).match("1.3.6.1.4.1.30065.1", "").title == "Acme boxes"


@pytest.mark.parametrize(
    ("change", "place", "text"),
    [
        (("index: [fan]", "index: [fan:wrong]"), "tables.fans", "wrong"),
        (("value: speed", "value: sped"), "tables.fans", "sped"),
        (("{name}", "{nome}"), "tables.fans", "nome"),
        (("1.3.6.1.4.1.55555.1.1.3", "1.3.x"), "tables.fans.columns.speed", "object identifier"),
        (("1.3.6.1.4.1.55555.1.1.3", "1.3"), "tables.fans.columns.speed", "quotes"),
        (("extends: [generic]", "extends: [nothing]"), "extends", "nothing"),
        (("extends: [generic]", "extends: [acme]"), "extends", "itself"),
        (("fan_rpm", "Fan-RPM"), "metrics.0.metric", "pattern"),
        (("title: Acme boxes", "titel: Acme boxes"), "titel", "no such key"),
        (("'v([0-9.]+)'", "'v([0-9.+'"), "device.os_version", "regular expression"),
        (("value: speed", "value: speed, where: {nix: a}"), "tables.fans", "nix"),
        (("value: speed", "value: speed.real"), "value", "names, numbers"),
        (("  - sys_object_id: 1.3.6.1.4.1.55555", "  - {}"), "match.0", "sys_object_id"),
        (("title", "\ttitle"), "acme.yaml:3", "YAML"),
    ],
)
def test_an_error_names_file_place_and_fix(tmp_path, change, place, text):
    with pytest.raises(ConfigError) as caught:
        load_own(written(tmp_path, ACME.replace(*change)))
    error = caught.value
    assert "acme.yaml" in error.where
    assert place in error.where
    assert text in error.message
    assert error.fix


def test_a_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="profiles_dir"):
        load_own(tmp_path / "nowhere")


def test_the_example_of_the_documentation_is_a_profile(tmp_path):
    page = (Path(__file__).parents[3] / "docs/snmp.md").read_text(encoding="utf-8")
    example = next(text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if text.startswith("profile:"))
    library = load_own(written(tmp_path, example, "acme-os.yaml"))
    assert library.match("1.3.6.1.4.1.55555.2", "Acme OS Version 3").name == "acme-os"
    assert ber.oid("1.3.6.1.4.1.55555.0.3") in library.traps
