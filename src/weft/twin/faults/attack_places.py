"""Where attacks and what looks like them can happen: victims, hosts of ours, devices that face the Internet."""

from __future__ import annotations

from functools import cache

from weft.twin import organisation as org
from weft.twin.attacks.addresses import host
from weft.twin.attacks.floods import VECTORS
from weft.twin.attacks.logs import firewall_of
from weft.twin.attacks.sights import device_address, from_inside, to_cloud
from weft.twin.faults.model import Place


def open_sites() -> tuple[org.Site, ...]:
    """Sites with services for the public."""
    return tuple(site for site in org.SITES if site.kind != "branch")


def _guarded_sites() -> tuple[org.Site, ...]:
    """Sites whose people go out by a firewall."""
    return tuple(
        site for site in org.SITES
        if any(sight.device.role == "firewall" for sight in from_inside(site.code, "people"))
    )  # fmt: skip


def _victim(site: org.Site, number: int) -> str:
    """A public service: another customer's for another number."""
    return host(site.public, 1 + 8 * (number % 3) + number % 5)


def _person(site: org.Site, number: int) -> str:
    """A machine of somebody at a site."""
    return host(site.users, 137 + 611 * number)


def _server(site: org.Site, number: int) -> str:
    return host(site.servers, 21 + 57 * number)


def _at(site: org.Site, what: str, whom: str, title: str, device: str = "") -> Place:
    return Place(f"{site.code}-{what}", title, device or _nearest(site), target=f"{what}@{whom}")


def _nearest(site: org.Site) -> str:
    own = [device.name for device in org.DEVICES if device.site == site.code]
    return next((name for name in own if org.BY_NAME[name].role == "border"), own[0])


@cache
def amplified(_seed: int) -> tuple[Place, ...]:
    """Public services, by each vector."""
    return tuple(
        _at(site, vector.name, _victim(site, number), f"{vector.title} at {site.name}")
        for site in open_sites() for number, vector in enumerate(VECTORS.values())
    )  # fmt: skip


@cache
def syn(_seed: int) -> tuple[Place, ...]:
    """Public services."""
    return tuple(_at(site, "syn", _victim(site, 1), f"A public service in {site.name}") for site in open_sites())


@cache
def carpets(_seed: int) -> tuple[Place, ...]:
    """Public prefixes."""
    return tuple(_at(site, "carpet", site.public, f"All of {site.public}, {site.name}") for site in open_sites())


@cache
def scans(_seed: int) -> tuple[Place, ...]:
    """Hosts that are scanned, and hosts of ours that scan."""
    found = [_at(site, "vertical", _victim(site, 2), f"All ports of a host in {site.name}") for site in open_sites()]
    found.append(Place("everywhere-horizontal", "One port of every public address", target="horizontal@everywhere"))
    for site in _guarded_sites():
        if to_cloud(site.code, "people"):
            whom = _person(site, 1)
            found.append(_at(site, "sweep", whom, f"From a machine in {site.name} to the clouds", firewall_of(whom)))
            whom = _person(site, 2)
            found.append(_at(site, "slow", whom, f"From a machine in {site.name}, slowly", firewall_of(whom)))
    return tuple(found)


@cache
def logins(_seed: int) -> tuple[Place, ...]:
    """Devices by SSH, and desktops that are open to the Internet."""
    ssh = [
        Place(f"{device.name}-ssh", f"SSH of {device.name}", device.name, target=f"ssh@{device_address(device.name)}")
        for device in org.EXPORTERS if device.role in ("border", "firewall")
    ]  # fmt: skip
    rdp = [
        _at(site, "rdp", _person(site, 3), f"A desktop that is open to the Internet, {site.name}",
            firewall_of(_person(site, 3)))
        for site in _guarded_sites()
    ]  # fmt: skip
    return (*ssh, *rdp)


@cache
def typos(_seed: int) -> tuple[Place, ...]:
    """Devices that engineers sign in to."""
    return tuple(
        Place(f"{name}-login", f"SSH of {name}", name, target=f"typo@{device_address(name)}")
        for name in (device.name for device in org.EXPORTERS if device.role in ("border", "firewall"))
    )


@cache
def infected(_seed: int) -> tuple[Place, ...]:
    """Machines of people that go out by a firewall."""
    return tuple(
        _at(site, f"host{number}", _person(site, 4 + number), f"A machine in {site.name}",
            firewall_of(_person(site, 4 + number)))
        for site in _guarded_sites() for number in (1, 2)
    )  # fmt: skip


@cache
def thieves(_seed: int) -> tuple[Place, ...]:
    """Machines and servers that something can be stolen from."""
    inside = [
        _at(site, "https", _person(site, 8), f"From a machine in {site.name}", firewall_of(_person(site, 8)))
        for site in _guarded_sites()
    ]  # fmt: skip
    servers = [
        _at(site, "sftp", _server(site, 1), f"From a server in {site.name}") for site in open_sites()
        if from_inside(site.code, "servers")
    ]  # fmt: skip
    return (*inside, *servers)


@cache
def scanners(_seed: int) -> tuple[Place, ...]:
    """Acme's own scanners."""
    return tuple(
        _at(site, "scanner", _server(site, 60), f"Acme's scanner in {site.name}", firewall_of(_server(site, 60)))
        for site in org.SITES if to_cloud(site.code, "servers")
    )  # fmt: skip


@cache
def backups(_seed: int) -> tuple[Place, ...]:
    """Servers that are backed up to the cloud."""
    return tuple(
        _at(site, "backup", _server(site, 3), f"From {site.name} to the cloud", firewall_of(_server(site, 3)))
        for site in org.SITES if to_cloud(site.code, "servers")
    )  # fmt: skip


@cache
def crowds(_seed: int) -> tuple[Place, ...]:
    """Public services that people want."""
    return tuple(_at(site, "crowd", _victim(site, 0), f"A public service in {site.name}") for site in open_sites())


@cache
def updates(_seed: int) -> tuple[Place, ...]:
    """Sites whose people fetch updates, and from whom."""
    return tuple(
        Place(f"{site.code}-{name.lower()}", f"Everybody in {site.name} fetches from {name}", _nearest(site),
              target=f"{name}@{site.code}")
        for site in open_sites() if site not in _guarded_sites() for name in ("Akamai", "Apple")
    )  # fmt: skip


def scanner_addresses() -> tuple[str, ...]:
    """Addresses of those scanners: who runs Acme's network knows them."""
    return tuple(place.target.partition("@")[2] for place in scanners(0))
