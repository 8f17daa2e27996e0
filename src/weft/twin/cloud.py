"""Acme's clouds: networks, subnets, instances and gateways at four providers, and who talks to whom in them.

Addresses of the clouds are from 10.110.0.0/16 on; what faces the Internet has documentation addresses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Provider = Literal["aws", "azure", "gcp", "oci"]
Shape = Literal["work", "flat", "night"]

AWS_ACCOUNTS = {"prod": "111122223333", "shared": "444455556666"}
AZURE_SUBSCRIPTION = "00000000-0000-0000-0000-00000000ac3e"
GCP_PROJECT, GCP_HOST = "acme-analytics", "acme-net-host"
OCI_TENANCY = "ocid1.tenancy.oc1..acme"
TRANSIT_GATEWAY = "tgw-0acme0000000001"


@dataclass(frozen=True, slots=True)
class Net:
    """A network and its provider. ``key`` is what rows call it."""

    provider: Provider
    key: str
    name: str
    prefix: str
    region: str
    account: str


NETS = (
    Net("aws", "vpc-0acme0prod0use1", "prod-us", "10.110.0.0/16", "us-east-1", AWS_ACCOUNTS["prod"]),
    Net("aws", "vpc-0acme0prod0euc1", "prod-eu", "10.111.0.0/16", "eu-central-1", AWS_ACCOUNTS["prod"]),
    Net("aws", "vpc-0acme0shared001", "shared", "10.112.0.0/16", "us-east-1", AWS_ACCOUNTS["shared"]),
    Net("azure", "acme-erp/vnet-erp", "vnet-erp", "10.130.0.0/16", "westeurope", AZURE_SUBSCRIPTION),
    Net("gcp", f"{GCP_HOST}/analytics", "analytics", "10.140.0.0/16", "europe-west3", GCP_PROJECT),
    Net("oci", "ocid1.vcn.oc1.eu-frankfurt-1.acme", "vcn-db", "10.150.0.0/16", "eu-frankfurt-1", OCI_TENANCY),
)


@dataclass(frozen=True, slots=True)
class Host:
    """An instance with its one interface. ``public``: the address that the Internet sees."""

    net: Net
    name: str
    instance: str
    nic: str
    subnet: str
    zone: str
    address: str
    public: str = ""

    @property
    def mac(self) -> str:
        """Hardware address, made of the other one."""
        return "000D3A" + "".join(f"{int(part):02X}" for part in self.address.split(".")[1:])


def _group(net: Net, name: str, count: int, third: int, *, public: int = -1) -> Iterator[Host]:
    zones = {"us-east-1": ("use1-az1", "use1-az2"), "eu-central-1": ("euc1-az1", "euc1-az2"), "westeurope": ("1", "2"),
             "europe-west3": ("europe-west3-b", "europe-west3-c"), "eu-frankfurt-1": ("AD-1", "AD-1")}  # fmt: skip
    second = net.prefix.split(".")[1]
    for i in range(count):
        zone = zones[net.region][i % 2]
        address = f"10.{second}.{third + i % 2}.{10 + i}"
        number = f"{int(second):03d}{third + i % 2:03d}{10 + i:03d}"
        names = {
            "aws": (f"i-0acme{number}", f"eni-0acme{number}", f"subnet-0acme{second}{third + i % 2:03d}"),
            "azure": (f"{name}-{i + 1}", f"acme-erp/{name}-{i + 1}-nic", f"vnet-erp/{name.rstrip('0123456789')}"),
            "gcp": (f"{name}-{i + 1}", f"{GCP_PROJECT}/{name}-{i + 1}/nic0", f"{net.region}/{name}"),
            "oci": (f"ocid1.instance.oc1.{net.region}.{name}{i + 1}", f"ocid1.vnic.oc1.{net.region}.{name}{i + 1}",
                    f"ocid1.subnet.oc1.{net.region}.{name}"),
        }[net.provider]  # fmt: skip
        yield Host(net, f"{name}-{i + 1}", *names, zone, address, f"203.0.113.{public + i}" if public >= 0 else "")


_US, _EU, _SHARED, _ERP, _ANALYTICS, _DB = NETS
HOSTS = (
    *_group(_US, "edge", 2, 0, public=192), *_group(_US, "web", 6, 10), *_group(_US, "app", 8, 20),
    *_group(_US, "db", 2, 30), *_group(_EU, "edge", 2, 0, public=196), *_group(_EU, "web", 4, 10),
    *_group(_EU, "app", 4, 20), *_group(_EU, "db", 2, 30), *_group(_SHARED, "tools", 2, 10),
    *_group(_ERP, "erp", 4, 10, public=200), *_group(_ERP, "sql", 2, 20), *_group(_ANALYTICS, "worker", 8, 10),
    *_group(_DB, "oradb", 2, 10),
)  # fmt: skip


def hosts(net: Net, name: str) -> list[Host]:
    """The hosts of a group, by the beginning of their names."""
    return [host for host in HOSTS if host.net is net and host.name.startswith(name)]


@dataclass(frozen=True, slots=True)
class Talk:
    """Who talks to whom: ``peer`` is a host, or the address of somebody outside with what the provider calls it.

    ``bps`` is the busiest rate of the answer, ``ask`` the share of that which the question takes. ``path`` is how AWS
    says that traffic leaves (traffic-path), 0 = inside.
    """

    host: Host
    peer: Host | str
    port: int
    bps: float
    ask: float = 0.1
    shape: Shape = "work"
    is_server: bool = False  # the peer asked
    path: int = 0
    service: str = ""
    protocol: int = 6
    rejected: bool = False


def _inside(net: Net, scale: float) -> Iterator[Talk]:
    edge, web, app, db = (hosts(net, name) for name in ("edge", "web", "app", "db"))
    for i, server in enumerate(web):
        yield Talk(edge[i % 2], server, 8080, 60e6 * scale)
        yield Talk(server, app[i % len(app)], 8443, 40e6 * scale, 0.3)
    for i, one in enumerate(app):
        yield Talk(one, db[i % 2], 5432, 25e6 * scale, 0.15)
        yield Talk(one, "52.216.8.40", 443, 12e6 * scale, 1.6, "flat", path=7, service="S3")
    yield Talk(db[0], db[1], 5432, 30e6 * scale, 1.0, "flat")
    yield Talk(db[0], "52.216.9.10", 443, 2e6, 90.0, "night", path=7, service="S3")


def talks() -> tuple[Talk, ...]:
    """All of Acme's conversations in the clouds."""
    found = [*_inside(_US, 1.0), *_inside(_EU, 0.7)]
    clients = {_US: ("73.14.20.", "71.170.3.", "99.12.77."), _EU: ("80.140.9.", "84.105.33.", "86.130.4.")}
    for net, nets in clients.items():
        for i, one in enumerate(hosts(net, "edge")):
            found += [Talk(one, f"{start}{9 + 40 * i}", 443, 90e6, 0.06, is_server=True, path=8) for start in nets]
    us_app, us_db, eu_app = hosts(_US, "app"), hosts(_US, "db"), hosts(_EU, "app")
    tools, erp, sql = hosts(_SHARED, "tools"), hosts(_ERP, "erp"), hosts(_ERP, "sql")
    workers, ora = hosts(_ANALYTICS, "worker"), hosts(_DB, "oradb")
    found += [Talk(one, us_db[0], 5432, 8e6, 0.3, path=5) for one in eu_app[:2]]
    found += [Talk(one, tools[i % 2], 9000, 4e6, 2.0, "flat") for i, one in enumerate(us_app[:4])]
    found += [Talk(one, "10.20.129.7", 9092, 20e6, 1.2, path=3) for one in us_app[:3]]
    found += [Talk(one, "151.101.2.132", 443, 6e6, 0.05, path=8) for one in (*us_app[4:6], *eu_app[2:])]
    found += [Talk(one, "3.212.40.9", 443, 3e6, 0.5, path=8) for one in erp[:1]]
    found += [
        Talk(erp[i % 4], f"10.{net}.4.{20 + i}", 443, 15e6, 0.1, is_server=True)
        for i, net in enumerate((10, 20, 30, 40, 60))
    ]
    found += [Talk(one, sql[i % 2], 1433, 18e6, 0.2) for i, one in enumerate(erp)]
    found += [Talk(a, b, 7337, 45e6, 1.0, "night") for a, b in pairwise(workers)]
    found += [Talk(one, "142.250.74.16", 443, 30e6, 0.4, "night", service="storage.googleapis.com") for one in workers]
    found += [Talk(workers[0], "203.0.113.196", 443, 9e6, 0.2)]
    found += [Talk(one, "10.40.130.9", 1521, 10e6, 0.8, "flat", is_server=True) for one in ora]
    # What is not let through: scans from outside, and a service that was never allowed in.
    for i, one in enumerate((*hosts(_US, "edge"), *hosts(_EU, "edge"), *erp[:2])):
        for j, port in enumerate((22, 23, 3389, 445, 6379)):
            found.append(
                Talk(one, f"198.51.100.{40 + 7 * i + j}", port, 600.0, 1.0, "flat", is_server=True, rejected=True)
            )
    found.append(Talk(us_app[2], us_db[1], 6379, 900.0, 1.0, "flat", rejected=True))
    return tuple(found)
