"""Reference tables as people write them: formats, synonyms, and complaints that say file, line, column and fix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from weft.enrich.applications import build_port_table, classify_ports, parse_ports, parse_protocols
from weft.enrich.config import EnrichConfig
from weft.enrich.tables import (
    load_applications,
    load_asns,
    load_exporters,
    load_interface_rules,
    load_interfaces,
    load_prefixes,
    to_address,
)
from weft.enrich.values import parse_asn, parse_speed
from weft.errors import InvalidInput


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_dialects_mean_the_same(tmp_path: Path) -> None:
    texts = {
        "plain.csv": "prefix,asn,site\n192.0.2.0/24,64500,hq\n2001:db8::/32,,v6\n",
        "excel.csv": "\ufeffNetwork;AS;Site\r\n192.0.2.0/24;AS64500;hq\r\n2001:db8::/32;;v6;;\r\n",
        "comments.csv": '# ours\n\nprefix,asn,site\n# main\n192.0.2.0/24,64500,"hq"\n\n2001:db8::/32,,v6\n',
        "tabs.tsv": "cidr\tasn\tsite\n192.0.2.0/24\t64500\thq\n2001:db8::/32\t\tv6\n",
        "list.yaml": "- {prefix: 192.0.2.0/24, asn: 64500, site: hq}\n- prefix: 2001:db8::/32\n  site: v6\n",
        "titled.yml": "a:\n  - {prefix: 192.0.2.0/24, asn: 64500, site: hq}\n  - {prefix: '2001:db8::/32', site: v6}\n",
    }
    for name, text in texts.items():
        table, report = load_prefixes(write(tmp_path / name, text), 100)
        assert (table.columns, table.texts[1], report.skipped) == (("asn", "site"), ("hq", "v6"), 0), name
        assert (table.v4.codes.tolist(), table.v6.codes.tolist()) == ([[64500, 1]], [[0, 2]]), name


def test_yaml_words_stay_words(tmp_path: Path) -> None:
    table, _ = load_prefixes(write(tmp_path / "n.yaml", "- {prefix: 192.0.2.0/24, country: no, site: 007}\n"), 100)
    assert dict(zip(table.columns, table.texts, strict=True)) == {"country": ("NO",), "site": ("007",)}


def test_a_bad_row_is_skipped_and_described(tmp_path: Path) -> None:
    path = write(
        tmp_path / "n.csv",
        "prefix,asn,site\n10.0.0.0/8,64500,hq\n10.0.0.1/8,1,a\n10.0.0.0/9,abc,a\n10.0.0.0/10,1,a,b\n10.0.0.0/11,1,"
        + "x" * 300
        + "\n",
    )
    table, report = load_prefixes(path, 100)
    assert (len(table), report.rows, report.skipped) == (1, 5, 4)
    assert report.problems[:3] == [
        f"{path}:3: column 'prefix': '10.0.0.1/8' has bits set after its length. Write 10.0.0.0/8",
        f"{path}:4: column 'asn': 'abc' is not an AS number. Write a number such as 64500 or AS64500",
        f"{path}:5: column 'prefix': the row has 4 cells, the first line 3. Put quotes around a cell with commas",
    ]
    assert "longer than 256" in report.problems[3]
    assert report.filled == {"asn": 1, "site": 1}


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "address,site\n10.0.0.0/8,hq\n", r"a\.csv:1: has no column 'prefix', only address, site"),
        ("a.csv", "prefix\nx\ny\n", "none of its 2 rows can be used"),
        ("a.xlsx", "prefix\n", "not a kind of table"),
        ("a.yaml", "- {prefix: [\n", r"a\.yaml:2:1: is not YAML"),
        ("a.yaml", "a: 1\nb: 2\n", "is not a list of rows"),
        ("a.yaml", "- 10.0.0.0/8\n", r"a\.yaml:1: a row is not a mapping"),
    ],
)
def test_a_bad_file_says_why(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        load_prefixes(write(tmp_path / name, text), 100)


def test_other_bad_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        load_prefixes(tmp_path / "absent.csv", 100)
    (tmp_path / "latin.csv").write_bytes(b"prefix,site\n10.0.0.0/8,Z\xfcrich\n")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        load_prefixes(tmp_path / "latin.csv", 100)


def test_own_columns(tmp_path: Path) -> None:
    table, report = load_prefixes(write(tmp_path / "n.csv", "prefix,Cost Center,mask,2nd\n10.0.0.0/8,42,1,2\n"), 100)
    assert table.columns == ("cost_center",)
    assert "column 'mask': this name is taken, choose another. The column is passed over" in report.problems[0]
    assert "column '2nd': a name is a lower-case letter" in report.problems[1]
    with pytest.raises(ValidationError, match="this name is taken"):
        EnrichConfig(columns={"port": "x"})


def test_asns_exporters_interfaces(tmp_path: Path) -> None:
    names, _ = load_asns(write(tmp_path / "a.csv", "asn,name\nAS64500,Acme\n1.10,Dotted\n64501,\n"))
    assert names == {64500: "Acme", 65546: "Dotted"}
    exporters, _ = load_exporters(write(tmp_path / "e.csv", "address,name,site,role\n::ffff:192.0.2.1,r1,hq,border\n"))
    assert exporters[to_address("192.0.2.1")].name == "r1"
    interfaces, report = load_interfaces(
        write(
            tmp_path / "i.csv",
            "exporter,ifIndex,name,speed,boundary\n192.0.2.1,7,et-0/0/1,10G,External\n"
            "192.0.2.1,8,et-0/0/2,2.5 Gbit/s,\n192.0.2.1,9,x,fast,\n192.0.2.1,10,x,,outside\n192.0.2.1,0,x,,\n",
        )
    )
    row = interfaces[to_address("192.0.2.1"), 7]
    assert (row.name, row.speed_bps, row.boundary) == ("et-0/0/1", 10**10, "external")
    assert interfaces[to_address("192.0.2.1"), 8].speed_bps == 2_500_000_000
    assert [p.split(": ", 1)[1].split(":")[0] for p in report.problems] == [
        "column 'speed'",
        "column 'boundary'",
        "column 'if_index'",
    ]


def test_interface_rules_from_a_file(tmp_path: Path) -> None:
    rules, report = load_interface_rules(
        write(
            tmp_path / "r.yaml",
            "- {description: '^transit: (\\S+)', provider: '\\1', boundary: external}\n- {name: '('}\n",
        )
    )
    assert [rule.provider for rule in rules] == ["\\1"]
    assert "not a regular expression" in report.problems[0]


@pytest.mark.parametrize(
    ("text", "bits"), [("10G", 10**10), ("100 mbit/s", 10**8), ("1000000000", 10**9), ("", 0), ("2.5g", 25 * 10**8)]
)
def test_speeds(text: str, bits: int) -> None:
    assert parse_speed(text) == bits


@pytest.mark.parametrize("text", ["AS", "-1", "4294967295", "1.70000", "64500x", "６４"])
def test_no_as_number(text: str) -> None:
    with pytest.raises(InvalidInput, match="Write a number"):
        parse_asn(text)


def test_the_built_in_applications_are_sound() -> None:
    path = Path(__file__).parents[2] / "src/weft/enrich/data/applications.csv"
    rules, report = load_applications(path)
    assert (report.skipped, len({rule.name for rule in rules}) > 300) == (0, True)
    owner: dict[tuple[int, int], str] = {}
    category: dict[str, str] = {}
    for rule in rules:
        assert rule.category
        assert category.setdefault(rule.name, rule.category) == rule.category
        for protocol in rule.protocols:
            for low, high in rule.ports:
                for port in range(low, high + 1):
                    assert owner.setdefault((protocol, port), rule.name) == rule.name, (rule, port)
    assert owner[6, 443] == "https"
    assert owner[17, 443] == "quic"
    assert owner[17, 4791] == "roce-v2"


def test_the_lower_named_port_wins_in_both_directions(tmp_path: Path) -> None:
    rules, _ = load_applications(
        write(
            tmp_path / "a.csv",
            "name,protocol,ports\nweb,tcp,80 443 8000-8100\nhigh,,50000\nping,icmp,\nrest,udp,\nmine,tcp,8080\n",
        )
    )
    names = ["", *dict.fromkeys(rule.name for rule in rules)]
    ports = build_port_table(rules, {name: i for i, name in enumerate(names) if name})
    cases = [
        (6, 50000, 443, "web"), (6, 443, 50000, "web"), (6, 50000, 1234, "high"), (6, 1234, 1235, ""),
        (17, 1, 2, "rest"), (17, 50000, 53, "high"), (1, 0, 2048, "ping"), (6, 8080, 50000, "mine"),
        (6, 8100, 9, "web"), (47, 0, 0, ""),
    ]  # fmt: skip
    protocol = np.array([c[0] for c in cases], np.uint8)
    source, destination = (np.array([c[k] for c in cases], np.uint16) for k in (1, 2))
    out = np.empty(len(cases), np.uint32)
    named = classify_ports(protocol, source, destination, ports.by_port, ports.by_protocol, ports.row, ports.ids, out)
    assert [names[i] for i in out] == [c[3] for c in cases]
    assert named == sum(bool(c[3]) for c in cases)


def test_ports_and_protocols() -> None:
    assert parse_ports("80, 8000-8001;9") == ((80, 80), (8000, 8001), (9, 9))
    assert parse_protocols("TCP/udp 132") == (6, 17, 132)
    assert parse_protocols("") == (6, 17)
    for bad in ("x", "80-", "9-8", "65536", "-1"):
        with pytest.raises(InvalidInput, match="port"):
            parse_ports(bad)
    with pytest.raises(InvalidInput, match="not a protocol"):
        parse_protocols("tcpp")
