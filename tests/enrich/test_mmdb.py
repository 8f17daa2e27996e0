"""MaxMind-format databases: every record size, both families, aliases, usual and chosen fields, damage."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import maxminddb
import numpy as np
import pytest
from tests.enrich.mmdb_writer import write_mmdb

from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.enrich.mmdb import load_mmdb
from weft.enrich.prefixes import format_prefix
from weft.errors import InvalidInput

ASN = {
    "10.0.0.0/8": {"autonomous_system_number": 64500, "autonomous_system_organization": "Acme"},
    "10.1.0.0/16": {"autonomous_system_number": 64501, "autonomous_system_organization": "Globex"},
    "192.0.2.0/25": {"autonomous_system_number": 64501, "autonomous_system_organization": "Globex"},
    "2001:db8::/32": {"autonomous_system_number": 64502},
    "2001:db8:0:1:8000::/65": {"autonomous_system_number": 4200000001, "autonomous_system_organization": "Édge"},
}


def contents(path: Path) -> dict[str, int]:
    table, _ = load_mmdb(path, {}, 0)
    k = table.columns.index("asn")
    return {
        format_prefix((family, int(rows.high[i]), int(rows.low[i]), int(rows.length[i]))): int(rows.codes[i, k])
        for family, rows in ((4, table.v4), (6, table.v6))
        for i in range(len(rows))
    }


@pytest.mark.parametrize("record_size", [24, 28, 32])
@pytest.mark.parametrize("ip_version", [4, 6])
def test_equals_the_usual_reader(tmp_path: Path, record_size: int, ip_version: int) -> None:
    path = tmp_path / "asn.mmdb"
    records = {k: v for k, v in ASN.items() if ip_version == 6 or ":" not in k}
    write_mmdb(path, records, record_size=record_size, ip_version=ip_version)
    with maxminddb.open_database(path, maxminddb.MODE_MEMORY) as reader:
        expected = {str(network): int(record["autonomous_system_number"]) for network, record in reader}  # type: ignore[index, call-overload, arg-type]
    assert contents(path) == expected
    assert "10.1.0.0/16" in expected
    assert len(expected) >= len(records)


def test_attributes_and_as_names(tmp_path: Path) -> None:
    write_mmdb(tmp_path / "asn.mmdb", ASN)
    write_mmdb(
        tmp_path / "city.mmdb",
        {
            "10.0.0.0/8": {
                "country": {"iso_code": "CH"},
                "city": {"names": {"en": "Zürich"}},
                "subdivisions": [{"iso_code": "ZH"}],
            }
        },
    )
    config: dict[str, Any] = {
        "mmdb": [
            str(tmp_path / "asn.mmdb"),
            {
                "path": str(tmp_path / "city.mmdb"),
                "columns": {
                    "country": "country.iso_code",
                    "city": "city.names.en",
                    "canton": "subdivisions.0.iso_code",
                },
            },
        ]
    }
    enricher = Enricher(EnrichConfig.model_validate(config))
    found = {f.column: (f.value, f.table, f.prefix) for f in enricher.explain("10.1.2.3").columns}
    assert found["asn"] == ("64501", "asn.mmdb", "10.1.0.0/16")
    assert found["as_name"] == ("Globex", "asn.mmdb", "")
    assert found["country"] == ("CH", "city.mmdb", "10.0.0.0/8")
    assert found["city"][0] == "Zürich"
    assert found["canton"][0] == "ZH"
    assert set(enricher.user_columns()) == {"city", "canton"}
    assert {row["asn"]: row["name"] for row in enricher.dictionary_rows()["asns"]}[4200000001] == "Édge"
    assert [t.ok for t in enricher.tables() if t.kind == "mmdb"] == [True, True]


def test_text_asn_and_flat_country(tmp_path: Path) -> None:
    write_mmdb(tmp_path / "flat.mmdb", {"203.0.113.0/24": {"asn": "AS64511", "as_name": "Flat", "country": "FR"}})
    table, _ = load_mmdb(tmp_path / "flat.mmdb", {}, 0)
    assert table.columns == ("asn", "country")
    assert table.names == {64511: "Flat"}


def test_damage_is_told_not_raised_wildly(tmp_path: Path) -> None:
    good = tmp_path / "good.mmdb"
    write_mmdb(good, ASN)
    raw = good.read_bytes()
    for name, data in {
        "empty": b"",
        "text": b"prefix,asn\n10.0.0.0/8,1\n",
        "half": raw[: len(raw) // 2],
        "no data": raw[:600] + raw[raw.index(b"\xab\xcd\xefMaxMind.com") :],
    }.items():
        path = tmp_path / f"{name}.mmdb"
        path.write_bytes(data)
        with pytest.raises(InvalidInput, match=str(path)):
            load_mmdb(path, {}, 0)
    with pytest.raises(InvalidInput, match="none of the wanted fields"):
        load_mmdb(good, {"country": "nothing.here"}, 0)
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_mmdb(tmp_path / "absent.mmdb", {}, 0)


def test_random_damage_never_crashes(tmp_path: Path) -> None:
    path = tmp_path / "db.mmdb"
    write_mmdb(path, ASN, record_size=28)
    raw = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    for _ in range(200):
        damaged = bytearray(raw)
        for at in rng.integers(0, len(raw), 6).tolist():
            damaged[at] = int(rng.integers(0, 256))
        path.write_bytes(damaged)
        try:
            table, _ = load_mmdb(path, {}, 0)
        except InvalidInput:
            continue
        assert all(ipaddress.ip_network(format_prefix((6, int(h), int(lo), int(n))), strict=False)
                   for h, lo, n in zip(table.v6.high, table.v6.low, table.v6.length, strict=True))  # fmt: skip
