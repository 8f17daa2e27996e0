"""Looking at agents by hand, for ``weft snmp``: what would be collected and what fails, a walk, a sweep."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

from weft.collect.snmp.config import PROFILES, SnmpConfig, TargetConfig
from weft.collect.snmp.discovery import Sweeper, identity
from weft.collect.snmp.errors import SnmpError
from weft.collect.snmp.reader import DeviceReader, Reading
from weft.collect.snmp.session import Credential, Session
from weft.collect.snmp.transport import Transport
from weft.decode.snmp import ber, columns
from weft.decode.snmp.library import Library, load
from weft.errors import InvalidInput
from weft.model.inventory import Fact, ObjectKind
from weft.rulefile import read_folder

_TAGS = {
    ber.INTEGER: "INTEGER", ber.OCTETS: "STRING", ber.OID: "OID", ber.IP_ADDRESS: "IpAddress",
    ber.COUNTER32: "Counter32", ber.GAUGE32: "Gauge32", ber.TIMETICKS: "Timeticks", ber.OPAQUE: "Opaque",
    ber.COUNTER64: "Counter64", ber.UINTEGER32: "Unsigned32", ber.NULL: "NULL",
}  # fmt: skip
_BULK = 24


def credentials_of(config: SnmpConfig, names: Sequence[str]) -> list[Credential]:
    """Credentials by name, or all. Raises ``InvalidInput``, ``ConfigError``."""
    known = ", ".join(config.credentials) or "none"
    if not config.credentials:
        raise InvalidInput("there are none", where="snmp.credentials", fix="Add {lab: {community: …}} to weft.yaml.")
    for name in names:
        if name not in config.credentials:
            raise InvalidInput(f"no credentials called {name!r}", where="--credentials", fix=f"Known: {known}.")
    return [Credential.of(name, config.credentials[name]) for name in names or config.credentials]


async def check(config: SnmpConfig, endpoint: tuple[str, int], names: Sequence[str], profile: str) -> dict[str, Any]:
    """Everything about one device: which credentials it takes, its profile, what two readings brought, what failed."""
    transport = Transport()
    library = load(read_folder(config.profiles_dir, PROFILES))
    if profile and profile not in library.profiles:
        raise InvalidInput(f"no profile {profile!r}", where="--profile", fix="See weft snmp profiles.")
    tried: list[dict[str, str]] = []
    try:
        for credential in credentials_of(config, names):
            reader = DeviceReader(transport, endpoint, [credential], config, library, profile=profile)
            entry = {"credentials": credential.name, "security": credential.level}
            try:
                await reader.identify()
                reading = await reader.read()
            except SnmpError as error:
                tried.append({**entry, "result": error.reason, "message": error.message})
                continue
            tried.append({**entry, "result": "ok", "message": ""})
            return {"ok": True, "address": endpoint[0], "port": endpoint[1], "tried": tried, **_told(reader, reading)}
        return {"ok": False, "address": endpoint[0], "port": endpoint[1], "tried": tried}
    finally:
        transport.close()
        await asyncio.sleep(0)


def _told(reader: DeviceReader, reading: Reading) -> dict[str, Any]:
    assert reader.system is not None
    assert reader.profile is not None
    assert reader.session is not None
    system, profile = reader.system, reader.profile
    metrics = Counter(row for row in reading.rows.column("metric").to_pylist())
    facts = [*reading.device, *reading.neighbours]
    links = [list(fact.key) for fact in facts if fact.kind is ObjectKind.LINK]
    return {
        "name": system.name, "description": system.descr, "object_id": system.object_id, "profile": profile.name,
        "credentials": reader.session.credential.name, "security": reader.session.credential.level,
        "device": _attributes(next((fact for fact in reading.device if fact.kind is ObjectKind.DEVICE), None)),
        "uptime_s": reading.uptime_s, "seconds": round(reading.seconds, 3), "requests": reader.session.requests,
        "retried": reader.session.retried, "tables": reading.tables, "metrics": dict(sorted(metrics.items())),
        "failures": {name: {"reason": e.reason, "message": e.message} for name, e in reading.failures.items()},
        "interfaces": [fact.key[1] for fact in reading.device if fact.kind is ObjectKind.INTERFACE], "links": links,
    }  # fmt: skip


def _attributes(fact: Fact | None) -> dict[str, Any]:
    return {} if fact is None else dict(fact.attributes)


async def walk_all(
    config: SnmpConfig, endpoint: tuple[str, int], names: Sequence[str], start: str
) -> AsyncIterator[dict[str, Any]]:
    """Every variable below ``start``, one by one. Raises ``SnmpError``."""
    transport = Transport()
    try:
        session = await _first_that_works(config, transport, endpoint, names)
        prefix = last = ber.oid(start)
        while True:
            reply = await session.ask(ber.GET_BULK, [last], 0, _BULK)
            binds = reply.pdu.varbinds
            for name, tag, value in zip(binds.oids, binds.tags, binds.values, strict=True):
                if tag == ber.END_OF_MIB_VIEW or not name.startswith(prefix):
                    return
                if ber.unpack_oid(name) <= ber.unpack_oid(last):
                    raise SnmpError(
                        "loop", f"the agent does not move on after {ber.oid_text(last)}", where=session.where
                    )
                last = name
                yield {"oid": ber.oid_text(name), "type": _TAGS.get(tag, f"0x{tag:02x}"), "value": _shown(tag, value)}
            if not len(binds):
                return
    finally:
        transport.close()
        await asyncio.sleep(0)


def _shown(tag: int, value: ber.Value) -> str | int | float:
    if isinstance(value, bytes):
        kind = {ber.OID: "oid", ber.IP_ADDRESS: "address"}.get(tag, "text")
        return columns.text(value, kind)  # type: ignore[arg-type]
    return "" if value is None else value


async def _first_that_works(
    config: SnmpConfig, transport: Transport, endpoint: tuple[str, int], names: Sequence[str]
) -> Session:
    failure: SnmpError | None = None
    for credential in credentials_of(config, names):
        session = Session(transport, endpoint, credential, timeout_s=config.timeout_s, retries=config.retries)
        try:
            await session.get([ber.oid("1.3.6.1.2.1.1.2.0")])
        except SnmpError as error:
            failure = error if failure is None or error.reason != "timeout" else failure
        else:
            return session
    assert failure is not None
    raise failure


async def sweep(config: SnmpConfig, target: TargetConfig, names: Sequence[str]) -> dict[str, Any]:
    """Devices that answer in a prefix, and what went wrong by reason."""
    transport = Transport()
    library: Library = load(read_folder(config.profiles_dir, PROFILES))
    try:
        room = asyncio.Semaphore(config.probes_at_once)
        sweeper = Sweeper(config, transport, library, room)
        found, wrong = await sweeper.sweep(target, credentials_of(config, names), set())
    finally:
        transport.close()
        await asyncio.sleep(0)
    devices: list[dict[str, str]] = []
    seen: dict[tuple[bytes, str] | None, str] = {}
    for one, reader in found:
        assert reader.system is not None
        assert reader.profile is not None
        assert reader.session is not None
        own = identity(reader)
        same = seen.get(own) if own is not None else None
        seen.setdefault(own, one.endpoint[0])
        devices.append({
            "address": one.endpoint[0], "name": reader.system.name, "profile": reader.profile.name,
            "credentials": reader.session.credential.name, "description": reader.system.descr,
            "same_as": same or "",
        })  # fmt: skip
    return {"devices": devices, "errors": wrong}
