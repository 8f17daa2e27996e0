"""What one device says: who it is, what its tables are called, what they hold now. No intake, no schedule.

A *full* reading walks names and values of every table of the profile, and learns what the device has; the others walk
only the columns that had something. A table that fails does not take the others with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

import pyarrow as pa

from weft.collect.snmp.config import InterfaceConfig, SnmpConfig
from weft.collect.snmp.continuity import Continuity, Findings
from weft.collect.snmp.errors import AuthError, SnmpError, Timeout
from weft.collect.snmp.session import Credential, Session
from weft.collect.snmp.transport import Transport
from weft.collect.snmp.walk import Pace, walk
from weft.decode.snmp import ber, columns
from weft.decode.snmp.columns import ColumnData
from weft.decode.snmp.facts import SystemFacts, device_facts, neighbour_facts
from weft.decode.snmp.layout import layout
from weft.decode.snmp.library import DeviceProfile, Library
from weft.decode.snmp.profile import TableSpec
from weft.decode.snmp.rows import MetricValues, RowMaker, needless
from weft.model.addresses import packed
from weft.model.inventory import Fact

_SYSTEM: Final = {
    "descr": ber.oid("1.3.6.1.2.1.1.1.0"), "object_id": ber.oid("1.3.6.1.2.1.1.2.0"),
    "contact": ber.oid("1.3.6.1.2.1.1.4.0"), "name": ber.oid("1.3.6.1.2.1.1.5.0"),
    "location": ber.oid("1.3.6.1.2.1.1.6.0"), "engine": ber.oid("1.3.6.1.6.3.10.2.1.1.0"),
}  # fmt: skip
_UPTIME: Final = ber.oid("1.3.6.1.2.1.1.3.0")
_BOOTS: Final = ber.oid("1.3.6.1.6.3.10.2.1.2.0")
#: What changes when names must be read anew: ifTableLastChange, entLastChangeTime, lldpStatsRemTablesLastChangeTime.
_WATCHED: Final = tuple(map(ber.oid, ("1.3.6.1.2.1.31.1.5.0", "1.3.6.1.2.1.47.1.4.1.0", "1.0.8802.1.1.2.1.2.1.0")))
_MOST_SCALARS = 512


@dataclass
class Reading:
    """One reading of a device."""

    rows: pa.RecordBatch
    full: bool
    findings: Findings
    failures: dict[str, SnmpError] = field(default_factory=dict)  # tables that gave nothing, and why
    device: list[Fact] = field(default_factory=list)  # of a full reading
    neighbours: list[Fact] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)  # rows by table
    seconds: float = 0.0
    uptime_s: float = 0.0


class DeviceReader:
    """Reads one device. Belongs to the transport's event loop."""

    def __init__(
        self, transport: Transport, endpoint: tuple[str, int], credentials: Sequence[Credential], config: SnmpConfig,
        library: Library, *, exporter: str = "", profile: str = "", interval_s: float = 60.0,
    ) -> None:  # fmt: skip
        self._transport, self.endpoint, self._config, self._library = transport, endpoint, config, library
        self._credentials, self._wanted, self._interval_s = list(credentials), profile, interval_s
        self.exporter = exporter or endpoint[0]
        self._overrides = [
            (re.compile(one.interfaces), one)
            for one in config.interfaces
            if one.devices is None or ip_address(self.exporter) in one.devices
        ]
        self._continuity = Continuity(config.cache_s)
        self._pace = Pace(config.answer_octets)
        self._columns: dict[str, dict[str, str]] = {}  # table → columns to walk in a reading that is not full
        self._scalars: dict[str, dict[str, str]] = {}
        self._sizes: dict[str, int] = {}
        self._watched: list[ber.Value] = []
        self._full_at = 0.0
        self._maker: RowMaker | None = None
        self.session: Session | None = None
        self.system: SystemFacts | None = None
        self.engine_id = b""
        self.profile: DeviceProfile | None = None

    async def identify(self, *, retries: int | None = None) -> SystemFacts:
        """Ask who it is, with every credential in turn. Raises ``SnmpError``: that which says most."""
        worst: SnmpError | None = None
        for credential in self._credentials:
            session = self._session(credential)
            try:
                found = await session.get(list(_SYSTEM.values()), retries=retries)
            except SnmpError as error:
                if worst is None or isinstance(worst, Timeout):
                    worst = error
                continue
            self._credentials.sort(key=lambda one: one is not credential)  # the good one first, next time
            self.session = session
            return await self._known(found)
        raise worst or AuthError("there are no credentials to try", self._name(), "Add some to snmp.credentials.")

    def _session(self, credential: Credential) -> Session:
        if self.session is not None and self.session.credential is credential:
            return self.session
        config = self._config
        return Session(
            self._transport, self.endpoint, credential,
            timeout_s=config.timeout_s, retries=config.retries, requests=config.device_requests,
        )  # fmt: skip

    def _name(self) -> str:
        return f"{self.endpoint[0]}:{self.endpoint[1]}"

    async def _known(self, found: ber.Varbinds) -> SystemFacts:
        values = dict(zip(_SYSTEM, found.values, strict=True))
        engine = values.pop("engine")
        self.engine_id = engine if isinstance(engine, bytes) else b""
        texts = {name: columns.text(value, "oid" if name == "object_id" else "text") for name, value in values.items()}
        profile = self._library.profiles.get(self._wanted) or self._library.match(texts["object_id"], texts["descr"])
        if profile is not self.profile:
            self.profile, self._maker = profile, None
        named = {name: spec.oid for name, spec in profile.device.items() if spec.oid}
        read: dict[str, str] = {}
        if named:
            assert self.session is not None
            got = await self.session.get([ber.oid(one) for one in named.values()])
            read = {name: columns.text(value) for name, value in zip(named, got.values, strict=True)}
        self.system = SystemFacts(self.exporter, read=read, **texts)
        return self.system

    async def read(self, room: asyncio.Semaphore | None = None) -> Reading:
        """One reading; a full one when it is time, or the device restarted or says that something changed.

        A place in ``room`` is taken only after the device answered a first question. Raises ``SnmpError`` where the
        device as a whole does not answer.
        """
        began = time.monotonic()
        if self.session is None or self.system is None:
            await self.identify()
        assert self.session is not None
        uptime_s, restarted, changed, read_ns = await self._pulse(self.session)
        full = self._maker is None or restarted or changed or began - self._full_at >= self._config.names_s
        async with contextlib.nullcontext() if room is None else room:
            if full and self._maker is not None:
                await self.identify()
            walked, failures = await self._walk(full)
        if failures and not walked:
            raise next(iter(failures.values()))
        if full:
            self._learn(walked, failures)
        reading = self._reading(walked, full, uptime_s, restarted, read_ns)
        reading.failures = failures
        reading.seconds = time.monotonic() - began
        return reading

    async def _pulse(self, session: Session) -> tuple[float, bool, bool, int]:
        """(uptime, whether it restarted, whether names may have changed, when)."""
        got = await session.get([_UPTIME, _BOOTS, *_WATCHED])
        now_ns = time.time_ns()
        uptime = got.values[0] / 100 if isinstance(got.values[0], int) else 0.0
        boots = got.values[1] if isinstance(got.values[1], int) else session.boots
        restarted = self._continuity.restarted(uptime, boots, now_ns) if uptime else False
        changed, self._watched = bool(self._watched) and got.values[2:] != self._watched, got.values[2:]
        return uptime, restarted, changed, now_ns

    async def _walk(self, full: bool) -> tuple[dict[str, dict[str, ColumnData]], dict[str, SnmpError]]:
        assert self.session is not None
        assert self.profile is not None
        if full:
            tables = {name: _all_columns(spec) for name, spec in self.profile.tables.items()}
            scalars = {name: _oids(spec) for name, spec in self.profile.scalars.items()}
        else:
            tables, scalars = self._columns, self._scalars
        walked: dict[str, dict[str, ColumnData]] = {}
        failures: dict[str, SnmpError] = {}

        async def one_table(name: str, wanted: dict[str, str]) -> None:
            assert self.session is not None
            try:
                cells = await walk(self.session, self._pace, wanted, self._sizes.get(name))
            except SnmpError as error:
                failures[name] = error
            else:
                if cells:
                    walked[name] = cells

        async def all_scalars() -> None:
            try:
                walked.update(await self._get_scalars(scalars))
            except SnmpError as error:
                failures["scalars"] = error

        async with asyncio.TaskGroup() as group:
            group.create_task(all_scalars())
            for name, wanted in tables.items():
                if wanted:
                    group.create_task(one_table(name, wanted))
        return walked, failures

    async def _get_scalars(self, scalars: dict[str, dict[str, str]]) -> dict[str, dict[str, ColumnData]]:
        assert self.session is not None
        places = [(group, name, ber.oid(oid)) for group, names in scalars.items() for name, oid in names.items()]
        if not places:
            return {}
        got = await self.session.get([oid for _, _, oid in places[:_MOST_SCALARS]])
        now_ns = time.time_ns()
        found: dict[str, dict[str, ColumnData]] = {}
        for (group, name, _), tag, value in zip(places, got.tags, got.values, strict=False):
            if value is not None:
                found.setdefault(group, {})[name] = ColumnData([b""], [value], tag, [(1, now_ns)])
        return found

    def _learn(self, walked: dict[str, dict[str, ColumnData]], failures: dict[str, SnmpError]) -> None:
        """Work out rows and names, and what to walk from now on."""
        assert self.profile is not None
        tables = layout(self.profile, walked)
        self._maker = RowMaker(tables)
        # A table that failed is tried again before long, not only when names are due.
        self._full_at = time.monotonic() if not failures else time.monotonic() - self._config.names_s * 0.8
        spare = needless(tables, walked)
        self._columns, self._scalars = {}, {}
        for name, table in tables.items():
            cells = walked[name]
            oids = {
                column: spec.oid
                for column, spec in table.spec.columns.items()
                if column in cells and (name, column) not in spare
            }
            (self._columns if table.spec.index else self._scalars)[name] = oids
            self._sizes[name] = len(table.keys)

    def _reading(
        self, walked: dict[str, dict[str, ColumnData]], full: bool, uptime_s: float, restarted: bool, read_ns: int
    ) -> Reading:
        assert self._maker is not None
        assert self.system is not None
        assert self.profile is not None
        maker = self._maker
        if not full and maker.unknown(walked):
            self._full_at = 0.0  # rows without names: read those next time
        found = maker.values(walked, read_ns, uptime_s, slow=full)
        discontinuity = walked.get("interfaces", {}).get("discontinuity")
        found, findings = self._continuity.check(found, discontinuity, restarted=restarted, interval_s=self._interval_s)
        found = self._overridden(found)
        rows = maker.batch(found, packed(self.exporter), self.system.name, time.time_ns())
        sizes = {name: len(table.keys) for name, table in maker.tables.items()}
        reading = Reading(rows, full, findings, tables=sizes, uptime_s=uptime_s)
        if full:
            reading.device = device_facts(self.system, self.profile, maker.tables, self._speeds(maker))
            reading.neighbours = neighbour_facts(self.system, maker.tables)
        return reading

    def _override(self, interface: str) -> InterfaceConfig | None:
        return next((one for regex, one in self._overrides if regex.fullmatch(interface)), None)

    def _overridden(self, found: list[MetricValues]) -> list[MetricValues]:
        """Without interfaces that are to be ignored, and with speeds that are known better."""
        if not self._overrides:
            return found
        for one in found:
            if one.table.name != "interfaces":
                continue
            for at, name in enumerate(one.layout.components):
                known = self._override(name)
                if known is not None and known.ignore:
                    one.values[at] = float("nan")
                elif known is not None and known.speed_bps and one.name == "speed_bps":
                    one.values[at] = known.speed_bps
        return found

    def _speeds(self, maker: RowMaker) -> dict[str, float]:
        table = maker.tables.get("interfaces")
        if table is None or not self._overrides:
            return {}
        names = {name for metric in table.metrics for name in metric.components}
        known = {name: self._override(name) for name in names}
        return {name: one.speed_bps for name, one in known.items() if one is not None and one.speed_bps}


def _oids(spec: TableSpec) -> dict[str, str]:
    return {name: column.oid for name, column in spec.columns.items()}


def _all_columns(spec: TableSpec) -> dict[str, str]:
    return {name: column.oid for name, column in (*spec.columns.items(), *spec.names.items())}
