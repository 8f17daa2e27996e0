"""Which devices configurations are fetched from: those in the settings, and those of the inventory with a tag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from weft.collect.configs.config import ConfigLogin, ConfigsConfig
from weft.collect.configs.platforms import Platform, Platforms
from weft.collect.ports import Facts
from weft.errors import InvalidInput
from weft.model.inventory import InventoryObject, ObjectKind


@dataclass(frozen=True)
class Target:
    """A device to fetch from."""

    name: str
    address: str
    port: int
    platform: Platform
    login: ConfigLogin
    every_s: float
    timeout_s: float = 60.0
    most_bytes: int = 16 << 20
    legacy: bool = False
    also: tuple[str, ...] = ()  # its other addresses


def targets_of(config: ConfigsConfig, platforms: Platforms, facts: Facts) -> list[Target]:
    """One target per address; the settings win over the inventory."""
    known = list(facts.objects(ObjectKind.DEVICE))
    owners = {str(address): one for one in known for address in one.get("addresses") or ()}
    found: dict[str, Target] = {}
    for device in config.devices:
        owner = owners.get(device.address)
        name = device.name or (_name(owner) if owner else device.address)
        found[device.address] = Target(
            name, device.address, device.port, platforms.get(device.platform), config.logins[device.login],
            device.every_s or config.every_s, config.timeout_s, config.most_bytes, config.legacy_algorithms,
            _addresses(owner) if owner else (),
        )  # fmt: skip
    for one in known:
        for address, platform in _tagged(one, config, platforms):
            found.setdefault(address, Target(
                _name(one), address, 22, platform, config.logins[config.tags_login], config.every_s, config.timeout_s,
                config.most_bytes, config.legacy_algorithms, _addresses(one),
            ))  # fmt: skip
    return list(found.values())


def _name(one: InventoryObject) -> str:
    return str(one.get("name") or one.key[0])


def _addresses(one: InventoryObject) -> tuple[str, ...]:
    return tuple(str(address) for address in one.get("addresses") or ())


def _tagged(one: InventoryObject, config: ConfigsConfig, platforms: Platforms) -> Iterator[tuple[str, Platform]]:
    """Address and platform of a device that the inventory tags for it and knows enough of."""
    addresses = list(one.get("addresses") or ())
    if not addresses or not set(config.tags) & {str(tag) for tag in one.get("tags") or ()}:
        return
    for attribute in ("platform", "os"):
        try:
            yield str(addresses[0]), platforms.get(str(one.get(attribute) or ""))
        except InvalidInput:
            continue
        return
