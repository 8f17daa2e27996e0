"""Acme's reference tables, as the CSV files an operator would write: what is where, whose it is, what it is worth."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path

from weft.twin import organisation as org
from weft.twin.probing import TRANSIT

_OWNERS = {"Americas": "Americas IT", "Europe": "EMEA IT", "Asia": "APAC IT"}
_TIERS = {"data centre": "1", "pop": "2", "branch": "3"}
_PROVIDERS = (
    ("Lumen", "MSA-2024-017", "Procurement"), ("Arelion", "MSA-2023-101", "Procurement"),
    ("Cogent", "MSA-2025-004", "Procurement"), ("GTT", "MSA-2022-310", "Procurement"),
    ("DE-CIX", "IX-0441", "Peering"), ("AMS-IX", "IX-0442", "Peering"), ("AWS", "EA-88123", "Cloud team"),
    ("Azure", "EA-55710", "Cloud team"),
)  # fmt: skip
_APPS = (
    ("https", "Platform", "1"), ("quic", "Platform", "2"), ("postgresql", "Data", "1"), ("kafka", "Data", "1"),
    ("iscsi", "Storage", "1"), ("nfs", "Storage", "2"), ("microsoft-ds", "Workplace", "3"), ("backup", "Storage", "3"),
    ("zoom", "Workplace", "2"), ("domain", "Platform", "1"),
)  # fmt: skip
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
    sites: Path
    services: Path
    customers: Path
    providers: Path
    applications: Path


def write_reference_tables(directory: Path) -> ReferenceTables:
    """Write the tables into ``directory`` (made if missing), replacing what is there."""
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
                for p in org.all_ports(e)
            ),
        ),
        _write(directory / "sites.csv", ("site", "owner", "tier"), _sites()),
        _write(directory / "services.csv", ("service", "owner", "tier", "sla"), _services()),
        _write(
            directory / "customers.csv",
            ("customer", "tier", "owner", "contract", "sla", "revenue", "valid_from", "valid_to"), _customers(),
        ),
        _write(directory / "providers.csv", ("provider", "contract", "owner"), _PROVIDERS),
        _write(directory / "apps.csv", ("name", "owner", "tier"), _APPS),
    )  # fmt: skip


def _prefixes() -> Iterable[Sequence[object]]:
    for site in org.SITES:
        yield site.users, "", site.code, "people", "", "", "", site.country
        yield site.servers, "", site.code, "servers", "", "", "", site.country
        yield site.public, org.ACME_AS, site.code, "public services", "", "", "", site.country
        yield site.public_v6, org.ACME_AS, site.code, "public services", "", "", "", site.country
    for customer in org.CUSTOMERS:
        for part in customer_prefixes(customer):
            yield part, "", "", "", customer.name, "", "", ""
    for asn, block in TRANSIT.values():
        yield block, asn, "", "", "", "", "", ""
    for remote in org.REMOTES:
        for prefix in (remote.prefix, remote.prefix_v6):
            yield prefix, remote.asn, "", remote.service, "", remote.cloud, remote.region, remote.country


def customer_prefixes(customer: org.Customer) -> Iterator[str]:
    """The part of the public prefix of every site but the branch offices that a customer has for itself."""
    number = org.CUSTOMERS.index(customer)
    for site in org.SITES:
        if site.kind != "branch":
            yield str(list(IPv4Network(site.public).subnets(new_prefix=29))[number])


def _sites() -> Iterable[Sequence[object]]:
    for site in org.SITES:
        yield site.code, _OWNERS[site.region], _TIERS[site.kind]


def _services() -> Iterable[Sequence[object]]:
    for service in org.SERVICES:
        yield service.name, service.owner, service.tier, service.sla


def _customers() -> Iterable[Sequence[object]]:
    """Globex moved to a better contract at the last 06:00 UTC; Hooli's ends with the year after next."""
    now = datetime.now(UTC)
    moved = (now - timedelta(hours=6)).replace(hour=6, minute=0, second=0, microsecond=0).isoformat()
    for one in org.CUSTOMERS:
        revenue = f"{one.revenue_per_month:.0f}"
        if one.name == "Globex":
            yield one.name, "silver", one.owner, "C-1001", "99.9", "120000", "", moved
        ends = f"{now.year + 2}-12-31" if one.name == "Hooli" else ""
        yield one.name, one.tier, one.owner, one.contract, one.sla, revenue, moved if one.name == "Globex" else "", ends


def _asns() -> Iterable[Sequence[object]]:
    return sorted({(r.asn, r.name) for r in org.REMOTES} | set(_TRANSIT))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return path
