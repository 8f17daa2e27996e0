"""Networks in files: our own YAML, SNDlib's XML, traffic beside them; what is wrong is said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.errors import InvalidInput
from weft.network.files import read_source
from weft.network.snapshot import Snapshot

TOWNS = """
sites: {west: The West}
nodes:
  - {name: chi, site: west, latitude: 41.88, longitude: -87.63}
  - {name: nyc, latitude: 40.71, longitude: -74.01, overloaded: true}
  - {name: AS64501, kind: as, asn: 64501}
links:
  - {a: chi, b: nyc, capacity: 10G, srlg: [east]}
  - {a: chi, b: nyc, capacity: 2.5Gbit/s, delay_ms: 20, up: false}
  - {a: chi, b: ams, metric: 7, metric_back: 9, id: sea}
  - {a: nyc, b: AS64501, kind: transit, provider: Example}
prefixes: [{name: web, prefixes: [198.51.100.0/24]}]
routes: [{group: web, node: nyc, link: nyc--AS64501, local_pref: 200}]
demands:
  - {ingress: chi, egress: ams, bps: 1.5G}
  - {ingress: ams, group: web, bps: 200000000, class: gold}
"""
SND = """<?xml version="1.0"?>
<network xmlns="http://sndlib.zib.de/network" version="1.0">
 <networkStructure>
  <nodes coordinatesType="geographical">
   <node id="A"><coordinates><x>8.0</x><y>50.0</y></coordinates></node>
   <node id="B"><coordinates><x>13.0</x><y>52.0</y></coordinates></node>
   <node id="C"><coordinates><x>500</x><y>700</y></coordinates></node>
  </nodes>
  <links>
   <link id="L1"><source>A</source><target>B</target>
    <preInstalledModule><capacity>155.0</capacity><cost>0.0</cost></preInstalledModule>
    <additionalModules><addModule><capacity>622.0</capacity></addModule></additionalModules></link>
   <link id="L2"><source>B</source><target>C</target>
    <additionalModules><addModule><capacity>20</capacity></addModule><addModule><capacity>40</capacity></addModule>
    </additionalModules></link>
  </links>
 </networkStructure>
 <demands><demand id="D1"><source>A</source><target>C</target><demandValue>12.5</demandValue></demand>
 <demand id="D2"><source>B</source><target>A</target><demandValue>0.0</demandValue></demand></demands>
</network>"""


def read(folder: Path, text: str) -> Snapshot:
    (folder / "net").write_text(text)
    return read_source(folder / "net").at(None)


def test_json_as_any_program_writes_it(tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text('{\n\t"links": [\n\t\t{"a": "chi", "b": "nyc"}\n\t]\n}\n', encoding="utf-8-sig")
    assert [link.id for link in read_source(tmp_path / "net.json").snapshot.network.topology.links] == ["chi--nyc"]
    (tmp_path / "net.json").write_text('{"links": ')
    with pytest.raises(InvalidInput, match="is no JSON"):
        read_source(tmp_path / "net.json")


def test_our_own(tmp_path: Path) -> None:
    snapshot = read(tmp_path, TOWNS)
    net = snapshot.network.topology
    assert [node.name for node in net.nodes] == ["chi", "nyc", "AS64501", "ams"]
    assert [link.id for link in net.links] == ["chi--nyc", "chi--nyc:2", "sea", "nyc--AS64501"]
    assert net.capacity_bps[::2].tolist() == [1e10, 2.5e9, 1e10, 1e10]
    assert net.delay_s[0] == pytest.approx(0.008, rel=0.05)  # 1 145 km, and the detours of lines
    assert (net.delay_s[2], net.metric[2], net.metric[4], net.metric[5]) == (0.02, 200, 7, 9)
    assert net.up.tolist() == [True, True, False, False, True, True, True, True]
    assert net.transit.tolist() == [True, False, False, True]
    asked = snapshot.network.demands
    assert (asked.bps.tolist(), asked.group.tolist(), asked.classes) == ([1.5e9, 2e8], [-1, 0], ("", "gold"))
    assert snapshot.places.find("The West").node == 0
    assert snapshot.evaluation.exit_link.tolist() == [-1, 3]
    assert (snapshot.matrix.kind, snapshot.matrix.text, snapshot.at_s) == ("file", "from net", 0)


def test_nothing_passes_through_hosts(tmp_path: Path) -> None:
    text = "nodes: [{name: h, role: host}]\nlinks: [{a: r, b: h}, {a: h, b: s}]\n"
    snapshot = read(tmp_path, text + "demands: [{ingress: r, egress: s, bps: 1}]")
    assert snapshot.network.topology.transit.tolist() == [False, True, True]
    assert not snapshot.evaluation.reachable.any()


def test_sndlib(tmp_path: Path) -> None:
    snapshot = read(tmp_path, SND)
    net = snapshot.network.topology
    assert net.capacity_bps[::2].tolist() == [155e6, 40e6]  # what is installed, else the most that can be
    assert net.delay_s[0] > 0
    assert net.delay_s[2] == 0  # a place on a drawing is no coordinate
    assert snapshot.network.demands.bps.tolist() == [12.5e6, 0]


@pytest.mark.parametrize(
    ("name", "demands", "bps"),
    [
        ("traffic.csv", "ingress,egress,bps,class\nchi,ams,3G,\nams,chi,1e9,gold\n", [3e9, 1e9]),
        ("traffic.json", '[{"ingress": "chi", "egress": "ams", "bps": 5}]', [5.0]),
        ("traffic.xml", SND.replace(">A<", ">chi<").replace(">C<", ">ams<").replace(">B<", ">nyc<"), [12.5e6, 0.0]),
    ],
)  # fmt: skip
def test_traffic_of_its_own(tmp_path: Path, name: str, demands: str, bps: list[float]) -> None:
    (tmp_path / "net").write_text(TOWNS)
    (tmp_path / name).write_text(demands)
    snapshot = read_source(tmp_path / "net", tmp_path / name).at(None)
    assert snapshot.network.demands.bps.tolist() == bps
    assert snapshot.matrix.text == f"from {name}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("links: [", "is no YAML"), ("links: []", "links: List should have at least 1"), ("[1]", "valid dictionary"),
        (TOWNS.replace("10G", "-3"), "links.0.capacity: Input should be greater than 0"),
        (TOWNS.replace("10G", "fast"), "links.0.capacity: Input should be a valid number"),
        (TOWNS.replace("metric: 7", "metrik: 7"), "links.2.metrik"),
        (TOWNS.replace("id: sea", "id: chi--nyc"), "holds a name twice"),
        (TOWNS.replace("b: ams", "b: chi"), "does not join two nodes"),
        (TOWNS.replace("name: nyc,", "name: chi,"), "holds a node twice"),
        (TOWNS.replace("link: nyc--AS64501", "link: moon"), "there is no link 'moon'"),
        (TOWNS.replace("group: web", "group: wob"), "there is no group 'wob'"),
        (TOWNS.replace("egress: ams", "egress: mars"), "there is no node 'mars'"),
        (TOWNS.replace("bps: 1.5G", "bps: .nan"), "row 1.bps: 'nan' is no rate"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><network/>', "declares entities"), ("<network", "is no XML"),
        ("<network/>", "SNDlib"), (SND.replace("155.0", "many"), "is no number"),
        (SND.replace("12.5", "some"), "'some' is no rate"),
        (SND.replace("<target>B</target>", "<target></target>"), "at least 1 character"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_source(tmp_path / "none")
