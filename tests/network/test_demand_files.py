"""Traffic matrices in files: out and in again in each format, and what hostile files are told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from weft.errors import InvalidInput, LimitExceeded
from weft.network import demand_files
from weft.network.demand_files import demands_of, read_demands, write_demands
from weft.network.demands import demands
from weft.network.routing import PrefixGroup, Routing
from weft.network.topology import Link, Node, topology

NET = topology([Node("chi"), Node('new "york"'), Node("ams")], [Link("x", 0, 1), Link("y", 1, 2)], capacity_bps=[1, 1])
ROUTING = Routing((PrefixGroup("AS64501", ("203.0.113.0/24",)), PrefixGroup("default route")))
ASKED = demands(
    np.array([0, 1, 2], np.int32), np.array([1, 2, -1], np.int32), np.array([1.5e9, 7.25, 0.0]),
    group=np.array([-1, -1, 1], np.int32), traffic_class=np.array([0, 1, 0], np.int16), classes=("", "gold"),
)  # fmt: skip


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_what_is_written_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"matrix{suffix}"
    write_demands(path, ASKED, NET, ROUTING)
    again = read_demands(path, NET, ROUTING)
    for name in ("ingress", "egress", "group", "bps", "traffic_class"):
        np.testing.assert_array_equal(getattr(again, name), getattr(ASKED, name))
    assert again.classes == ASKED.classes


def test_sndlib_holds_rates_between_nodes(tmp_path: Path) -> None:
    path = tmp_path / "matrix.xml"
    plain = demands(ASKED.ingress[:2], ASKED.egress[:2], ASKED.bps[:2])
    write_demands(path, plain, NET)
    np.testing.assert_allclose(read_demands(path, NET).bps, plain.bps)
    with pytest.raises(InvalidInput, match="neither classes nor prefix groups"):
        write_demands(path, ASKED, NET, ROUTING)
    with pytest.raises(InvalidInput, match="no format"):
        write_demands(tmp_path / "matrix.doc", plain, NET)


def test_rates_and_prefixes_as_people_write_them() -> None:
    found = demands_of(
        [
            {"ingress": "chi", "egress": "ams", "bps": "2.5Gbit/s"},
            {"ingress": "chi", "group": "203.0.113.0/24", "bps": 7},
        ],
        NET, ROUTING,
    )  # fmt: skip
    assert found.bps.tolist() == [2.5e9, 7.0]
    assert found.group.tolist() == [-1, 0]
    assert len(demands_of([], NET)) == 0


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"ingress": "chi", "egress": "lax", "bps": 1}, "no node 'lax'"),
        ({"ingress": "chi", "egress": "ams", "bps": -1}, "no rate"),
        ({"ingress": "chi", "egress": "ams", "bps": "nan"}, "no rate"),
        ({"ingress": "chi", "egress": "ams", "bps": True}, "no rate"),
        ({"ingress": "chi", "egress": "ams", "bps": 1e300}, "no rate"),
        ({"ingress": "chi", "egress": "ams", "bps": 10**400}, "no rate"),
        ({"ingress": "chi", "egress": "ams"}, "no rate"),
        ({"ingress": "chi", "bps": 1}, "name one of them"),
        ({"ingress": "chi", "egress": "ams", "group": "AS64501", "bps": 1}, "name one of them"),
        ({"ingress": "chi", "group": "AS1", "bps": 1}, "no prefix group"),
        ({"ingress": ["chi"], "egress": "ams", "bps": 1}, "no name"),
        ({"from": "chi", "egress": "ams", "bps": 1}, "unknown fields from"),
        ("chi", "no object"),
    ],
)
def test_a_wrong_row_is_named(row: object, message: str) -> None:
    good = {"ingress": "chi", "egress": "ams", "bps": 1}
    with pytest.raises(InvalidInput, match=message) as told:
        demands_of([good, row], NET, ROUTING)  # type: ignore[list-item]
    assert "row 2" in str(told.value.where)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "from,to\nchi,ams\n", "no header"), ("a.csv", "ingress,egress,bps\nchi,ams,1,2,3\n", "more fields"),
        ("a.json", "{", "no JSON"), ("a.json", "[" * 100_000, "no JSON"), ("a.yaml", "a: [", "no YAML"),
        ("a.json", '{"matrix": []}', "no list"), ("a.xml", "<network/>", "SNDlib"), ("a.xml", "<network", "no XML"),
        ("a.xml", '<!DOCTYPE x [<!ENTITY a "b">]><x/>', "entities"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InvalidInput, match=message):
        read_demands(path, NET)


def test_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"ingress": "chi", "egress": "ams", "bps": 1}] * 3))
    monkeypatch.setattr(demand_files, "MOST_DEMANDS", 2)
    with pytest.raises(LimitExceeded, match="more than 2"):
        read_demands(path, NET)
    monkeypatch.setattr(demand_files, "MOST_OCTETS", 10)
    with pytest.raises(LimitExceeded, match="larger"):
        read_demands(path, NET)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_demands(tmp_path / "none.csv", NET)
