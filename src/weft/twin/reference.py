"""Acme's reference tables, as the CSV files an operator would write: prefixes, AS names, exporters, interfaces."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from weft.twin import organisation as org
from weft.twin.probing import TRANSIT

CUSTOMERS = ("Globex", "Initech", "Umbrella", "Hooli")
_TRANSIT = (
    (3356, "Lumen"), (1299, "Arelion"), (174, "Cogent"), (3257, "GTT"), (org.ACME_AS, "Acme"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReferenceTables:
    """Where the tables were written."""

    prefixes: Path
    asns: Path
    exporters: Path
    interfaces: Path


def write_reference_tables(directory: Path) -> ReferenceTables:
    """Write the four tables into ``directory`` (made if missing), replacing what is there."""
    directory.mkdir(parents=True, exist_ok=True)
    prefix_columns = ("prefix", "asn", "site", "service", "customer", "cloud", "region", "country")
    return ReferenceTables(
        _write(directory / "prefixes.csv", prefix_columns, _prefixes()),
        _write(directory / "asns.csv", ("asn", "name"), _asns()),
        _write(
            directory / "exporters.csv",
            ("address", "name", "site", "role", "demo"),
            ((e.address, e.name, e.site, e.role, "demo") for e in org.EXPORTERS),
        ),
        _write(
            directory / "interfaces.csv",
            ("exporter", "if_index", "name", "description", "speed", "boundary", "provider", "connectivity"),
            (
                (e.address, p.index, p.name, p.description, p.speed_bps, p.boundary, p.provider, p.connectivity)
                for e in org.EXPORTERS
                for p in e.ports
            ),
        ),
    )


def _prefixes() -> Iterable[Sequence[object]]:
    for site in org.SITES:
        yield site.users, "", site.code, "people", "", "", "", site.country
        yield site.servers, "", site.code, "servers", "", "", "", site.country
        yield site.public, org.ACME_AS, site.code, "public services", "", "", "", site.country
        yield site.public_v6, org.ACME_AS, site.code, "public services", "", "", "", site.country
        for customer, part in zip(CUSTOMERS, IPv4Network(site.public).subnets(new_prefix=29), strict=True):
            yield part, "", "", "", customer, "", "", ""
    for asn, block in TRANSIT.values():
        yield block, asn, "", "", "", "", "", ""
    for remote in org.REMOTES:
        for prefix in (remote.prefix, remote.prefix_v6):
            yield prefix, remote.asn, "", remote.service, "", remote.cloud, remote.region, remote.country


def _asns() -> Iterable[Sequence[object]]:
    return sorted({(r.asn, r.name) for r in org.REMOTES} | set(_TRANSIT))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return path
