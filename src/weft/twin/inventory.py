"""Acme's inventory, as the YAML file that an operator would keep: sites, devices, lines, circuits, who uses what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from weft.twin import organisation as org
from weft.twin.cluster import inventory as cluster
from weft.twin.probing import hop_address
from weft.twin.reference import customer_prefixes

_TRANSIT_COST = 4_200.0  # USD a month for 100 Gbit/s with a commitment of a fifth
_COMMIT = 0.2
_Entry = dict[str, Any]
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # in C where PyYAML has it: there are many lines


def write_inventory(path: Path) -> Path:
    """Write the file, replacing what is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "sites": [*_sites(), *cluster.sites()], "devices": [*_devices(), *cluster.devices()],
        "links": [*_links(), *cluster.links()], "providers": list(_providers()), "circuits": list(_circuits()),
        "services": [*_services(), *cluster.services()], "customers": list(_customers()),
        "prefixes": [*_prefixes(), *cluster.prefixes()],
    }  # fmt: skip
    text: str = yaml.dump(content, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
    return path


def transit_circuit(device: org.Exporter, port: org.Port) -> str:
    """Id of the circuit of a transit port; empty where the port is something else."""
    return f"{device.name.upper()}-T{port.index}" if port.connectivity == "transit" else ""


def _sites() -> Iterator[_Entry]:
    for site in org.SITES:
        yield {
            "name": site.code, "description": site.name, "country": site.country, "region": site.region,
            "latitude": site.latitude, "longitude": site.longitude, "kind": site.kind, "tags": ["demo"],
        }  # fmt: skip


def _devices() -> Iterator[_Entry]:
    for device in org.DEVICES:
        hardware = org.HARDWARE[device.role]
        yield {
            "name": device.name, "addresses": [device.address, hop_address(device.name)],
            "site": device.site, "role": device.role,
            "vendor": hardware.vendor, "model": hardware.model, "os": hardware.os, "demo": "demo", "tags": ["demo"],
            "interfaces": [_interface(device, port) for port in org.all_ports(device)],
        }  # fmt: skip


def _interface(device: org.Exporter, port: org.Port) -> _Entry:
    line = re.search(r"\[([A-Z]{3}-[A-Z]{3}-[A-Z]{3}-\d+)\]", port.description)
    entry = {
        "name": port.name, "if_index": port.index, "description": port.description, "speed": port.speed_bps,
        "type": "ethernet", "boundary": port.boundary, "provider": port.provider, "connectivity": port.connectivity,
        "circuit": line[1] if line else transit_circuit(device, port),
    }  # fmt: skip
    return {name: value for name, value in entry.items() if value}


def _links() -> Iterator[_Entry]:
    names = {(d.name, p.index): p.name for d in org.DEVICES for p in org.all_ports(d)}
    for link in org.LINKS:
        entry = {
            "a": f"{link.a} {names[link.a, link.a_port]}", "b": f"{link.b} {names[link.b, link.b_port]}",
            "capacity": link.speed_bps, "delay_ms": link.delay_ms, "provider": link.provider, "circuit": link.circuit,
            "cost": link.cost_per_month, "metric": link.metric, "srlg": list(link.srlgs),
        }  # fmt: skip
        yield {name: value for name, value in entry.items() if value}


def _providers() -> Iterator[_Entry]:
    names = {port.provider for device in org.DEVICES for port in org.all_ports(device)}
    for name in sorted((names | {link.provider for link in org.LINKS}) - {""}):
        yield {"name": name, **({"asn": org.PROVIDER_ASNS[name]} if name in org.PROVIDER_ASNS else {})}


def _circuits() -> Iterator[_Entry]:
    for link in org.BACKBONE:
        if link.circuit:
            yield {
                "name": link.circuit, "provider": link.provider, "capacity": link.speed_bps,
                "cost_per_month": link.cost_per_month, "currency": "USD", "ends": "2028-12-31",
            }  # fmt: skip
    for device in org.DEVICES:
        for port in device.ports:
            if circuit := transit_circuit(device, port):
                yield {
                    "name": circuit, "provider": port.provider, "capacity": port.speed_bps,
                    "commit": round(port.speed_bps * _COMMIT), "currency": "USD", "ends": "2027-06-30",
                    "cost_per_month": round(_TRANSIT_COST * port.speed_bps / 1e11, 2),
                }  # fmt: skip


def _services() -> Iterator[_Entry]:
    fields = {"people": ("users",), "servers": ("servers",), "public services": ("public", "public_v6")}
    for service in org.SERVICES:
        prefixes = [getattr(site, field) for site in org.SITES for field in fields.get(service.name, ())]
        prefixes += [remote.prefix for remote in org.REMOTES if remote.service == service.name]
        entry: _Entry = {
            "name": service.name, "owner": service.owner.lower(), "tier": service.tier, "prefixes": prefixes,
        }  # fmt: skip
        if service.name == "public services":
            entry["customers"] = [customer.name for customer in org.CUSTOMERS]
        told = {"sla": service.sla, "revenue_per_hour": f"{service.revenue_per_hour:.0f}"}
        if not service.outside:
            entry["attributes"] = told
        yield entry


def _customers() -> Iterator[_Entry]:
    for customer in org.CUSTOMERS:
        yield {
            "name": customer.name, "tier": customer.tier, "prefixes": list(customer_prefixes(customer)),
            "contact": customer.owner,
            "attributes": {
                "contract": customer.contract, "sla": customer.sla,
                "revenue_per_month": f"{customer.revenue_per_month:.0f}",
            },
        }  # fmt: skip


def _prefixes() -> Iterator[_Entry]:
    for site in org.SITES:
        for prefix, service, role in (
            (site.users, "people", "access"), (site.servers, "servers", "data centre"),
            (site.public, "public services", "public"), (site.public_v6, "public services", "public"),
        ):  # fmt: skip
            yield {"prefix": prefix, "site": site.code, "service": service, "role": role}
