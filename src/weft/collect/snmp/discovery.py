"""Finding devices: names become addresses, prefixes are swept, the inventory is asked.

A device that answers at several addresses of a prefix is polled at one of them: the same engine id and name are the
same device.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from weft.collect.ports import Facts
from weft.collect.snmp.config import Network, SnmpConfig, TargetConfig
from weft.collect.snmp.errors import SnmpError
from weft.collect.snmp.reader import DeviceReader
from weft.collect.snmp.session import Credential
from weft.collect.snmp.transport import Transport
from weft.decode.snmp.library import Library
from weft.model.inventory import ObjectKind


@dataclass(frozen=True, slots=True)
class Found:
    """A device to poll."""

    endpoint: tuple[str, int]
    target: TargetConfig
    swept: bool = False


def listed(config: SnmpConfig, facts: Facts) -> tuple[list[Found], list[str]]:
    """Devices that are named: single addresses, host names, the inventory's. And names that mean no address."""
    found: dict[tuple[str, int], Found] = {}
    unknown = []
    for target in config.targets:
        if isinstance(target.address, str):
            try:
                address = _resolve(target.address)
            except OSError:
                unknown.append(target.address)
                continue
        elif target.address.num_addresses == 1:
            address = str(target.address.network_address)
        else:
            continue
        found.setdefault((address, target.port), Found((address, target.port), target))
    if config.inventory:
        for one in facts.objects(ObjectKind.DEVICE):
            addresses = one.get("addresses") or ()
            if addresses and _is_address(addresses[0]):
                target = TargetConfig(address=ipaddress.ip_network(addresses[0]))
                found.setdefault((addresses[0], target.port), Found((addresses[0], target.port), target))
    return list(found.values()), unknown


def _resolve(name: str) -> str:
    return str(socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)[0][4][0])


def _is_address(text: object) -> bool:
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True


def prefixes(config: SnmpConfig) -> list[TargetConfig]:
    """Targets that are swept."""
    return [one for one in config.targets if not isinstance(one.address, str) and one.address.num_addresses > 1]


def addresses(target: TargetConfig) -> Iterator[str]:
    """Addresses of a prefix that are asked."""
    assert not isinstance(target.address, str)
    for one in target.address.hosts():
        if not any(one in excluded for excluded in target.exclude):
            yield str(one)


def identity(reader: DeviceReader) -> tuple[bytes, str] | None:
    """What tells that two addresses are one device; none where the agent does not say."""
    system = reader.system
    if system is None or not reader.engine_id or not system.name:
        return None
    return reader.engine_id, system.name


class Sweeper:
    """Asks every address of a prefix once. ``room`` bounds the requests under way."""

    def __init__(self, config: SnmpConfig, transport: Transport, library: Library, room: asyncio.Semaphore) -> None:
        self._config, self._transport, self._library, self._room = config, transport, library, room

    async def sweep(
        self, target: TargetConfig, credentials: Sequence[Credential], known: set[tuple[str, int]]
    ) -> tuple[list[tuple[Found, DeviceReader]], dict[str, int]]:
        """Devices that answer and are not ``known``, and what went wrong by reason (silence is nothing wrong)."""
        found: list[tuple[Found, DeviceReader]] = []
        wrong: dict[str, int] = {}
        waiting = (one for one in addresses(target) if (one, target.port) not in known)

        async def worker() -> None:
            for address in waiting:
                async with self._room:
                    reader = DeviceReader(
                        self._transport, (address, target.port), credentials, self._config, self._library,
                        profile=target.profile,
                    )  # fmt: skip
                    try:
                        await reader.identify(retries=0)
                    except SnmpError as error:
                        if error.reason != "timeout":
                            wrong[error.reason] = wrong.get(error.reason, 0) + 1
                        continue
                    found.append((Found(reader.endpoint, target, swept=True), reader))

        assert not isinstance(target.address, str)
        await asyncio.gather(*(worker() for _ in range(min(self._config.probes_at_once, target.address.num_addresses))))
        found.sort(key=lambda one: ipaddress.ip_address(one[0].endpoint[0]).packed)
        return found, wrong


def target_text(target: TargetConfig) -> str:
    """The target as people wrote it."""
    address: Network | str = target.address
    return str(address) if target.port == 161 else f"{address} port {target.port}"
