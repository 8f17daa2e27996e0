"""What Acme's devices would answer if asked at any moment: ports, CPU, memory, heat, light, BGP peers.

The counters are the integral of what the world says that ports carry (plus Ethernet's share), of which the flows are
made, too: flows and counters of a port agree as well as they do on real routers. A few things are off on purpose, for
the pages that look for such: one port carries traffic that its router does not meter.
"""

from __future__ import annotations

import threading
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.config import DemoConfig
from weft.twin.demand import BLOCK_S
from weft.twin.events import Events
from weft.twin.exits import exits
from weft.twin.exits import peer_address as peer_address
from weft.twin.faults import effects
from weft.twin.timeline import Timeline
from weft.twin.ways import Structure
from weft.twin.world import World

_ETHERNET_OCTETS = 18  # header and checksum, which flow records leave out
_MEAN_PACKET_OCTETS = 820.0
_WITH_ETHERNET = 1 + _ETHERNET_OCTETS / _MEAN_PACKET_OCTETS
_UPTIME_S = 41 * 86400
_DAY_S = 86_400
#: What was is looked for this far back.
_PAST_S = _DAY_S
#: (device, port) → how much of its traffic is not seen by the device's flow export.
_UNMETERED = {("nyc-border1", 3): 0.35}
#: (device, port) → loss of light in dB per day: a connector that is getting dirty.
_FADING = {("fra-border1", 2): 0.9}
_IN, _OUT = 0, 1
_JUMBO = 9192
#: Routes that a full table and an exchange bring.
_FULL_TABLE, _EXCHANGE_TABLE = 948_000, 142_000


@dataclass(frozen=True, slots=True)
class PortState:
    """A port at one moment. Counters are 64 bits wide and never wrap."""

    port: org.Port
    up: bool
    in_octets: int
    out_octets: int
    in_pkts: int
    out_pkts: int
    in_errors: int
    out_discards: int
    in_bps: float
    out_bps: float
    rx_dbm: float
    tx_dbm: float
    last_change_s: float  # UTC seconds
    enabled: bool = True  # administratively
    mtu: int = _JUMBO


@dataclass(frozen=True, slots=True)
class PeerState:
    """A BGP session at one moment."""

    address: str
    asn: int
    description: str
    established: bool
    since_s: float  # UTC seconds of the last change
    prefixes_received: int


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A device at one moment."""

    uptime_s: float
    cpu_percent: float
    memory_used_bytes: int
    memory_total_bytes: int
    temperature_celsius: float
    fan_rpm: float
    power_watts: float
    ports: tuple[PortState, ...]
    peers: tuple[PeerState, ...]


class DeviceTwin:
    """One device of Acme. Thread-safe: several protocols ask it."""

    def __init__(self, device: org.Exporter, config: DemoConfig, since_s: float, timeline: Timeline) -> None:
        """``since_s``: UTC seconds before which nobody will ask."""
        self.device, self._timeline, self._world = device, timeline, World.of(timeline)
        self.ports = org.all_ports(device)
        self.began_s = float(since_s // 60 * 60)  # UTC seconds of the first moment that can be asked for
        self._booted_s = self.began_s - _UPTIME_S - zlib.crc32(device.name.encode()) % _DAY_S
        self._lock = threading.Lock()
        rng = np.random.default_rng([config.seed, zlib.crc32(device.name.encode())])
        self._first = int(self.began_s // BLOCK_S)
        base = np.floor(rng.uniform(1e12, 9e13, (len(self.ports), 2)))
        #: Octets, lost packets, broken packets counted before each half hour.
        self._before = [(base, np.zeros_like(base), np.zeros_like(base))]
        self._scale = np.full((len(self.ports), 1, 1), _WITH_ETHERNET)
        for i, port in enumerate(self.ports):
            self._scale[i] /= 1 - _UNMETERED.get((device.name, port.index), 0.0)
        self._past: tuple[tuple[int, int], _Past] | None = None
        self._restarted: set[float] = set()
        self._settled_s = self.began_s - _PAST_S  # up to when that is complete

    @property
    def booted_s(self) -> float:
        """UTC seconds when it was started, the last time before it was first asked."""
        return self._booted_s

    # --- now ----------------------------------------------------------------------------------------------------------

    def state(self, now_s: float) -> DeviceState:
        """The device at ``now_s`` (UTC seconds)."""
        now = np.array([now_s])
        past = self._known(now_s)
        octets, lost, broken = (counted[:, :, 0] for counted in self._counted(now))
        bps = self._world.port_bps(self.device.name, now)[:, :, 0] * self._scale[:, :, 0]
        load = float(bps.sum(1).max(initial=0.0)) / max(p.speed_bps for p in self.ports)
        wave = np.sin(now_s / 97.0 + len(self.device.name)) + np.sin(now_s / 611.0)
        on, structure = past.events.active(now_s), past.events.structure(now_s)
        busy = sum(effects.cpu_percent(one, self.device.name, now_s) for one in on)
        heat = sum(effects.heat_celsius(one, self.device.name, now_s) for one in on)
        total = 32 << 30
        return DeviceState(
            uptime_s=now_s - past.booted(now_s, self._booted_s),
            cpu_percent=float(np.clip(9 + 46 * load + 2.2 * wave + busy, 2, 99)),
            memory_used_bytes=int(total * (0.41 + 0.02 * wave / 2 + 0.05 * load)), memory_total_bytes=total,
            temperature_celsius=float(34 + 9 * load + 0.7 * wave + heat),
            fan_rpm=float(5200 + 900 * load + 96 * heat), power_watts=float(690 + 210 * load),
            ports=tuple(
                self._port(i, octets[i], bps[i], (lost[i, _OUT], broken[i, _IN]), now_s, past, structure)
                for i in range(len(self.ports))
            ),
            peers=self._peers(now_s, past, structure),
        )  # fmt: skip

    def octets(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Octets counted at each of ``times_s`` (UTC seconds, ascending): ``[port, in/out, time]``."""
        return self._counted(times_s)[0]

    def _counted(self, times_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Octets, lost packets and broken packets at each time; all begin anew when the device does."""
        raw = self._integrals(times_s)
        ends = np.array([end for end in self._known(float(times_s[-1])).reboots if end > self.began_s])
        if len(ends) and (times_s >= ends[0]).any():
            at_end = self._integrals(ends)
            last = np.searchsorted(ends, times_s, side="right") - 1
            raw = tuple(
                np.where(last >= 0, values - start[:, :, np.maximum(last, 0)], values)
                for values, start in zip(raw, at_end, strict=True)
            )
        return tuple(np.floor(values) for values in raw)

    def _integrals(self, times_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        block = (times_s // BLOCK_S).astype(np.int64) - self._first
        with self._lock:
            while len(self._before) <= block.max():
                grown = self._world.grown(self.device.name, self._first + len(self._before) - 1)
                octets, lost, broken = self._before[-1]
                self._before.append((octets + grown[0] * self._scale[:, 0], lost + grown[1], broken + grown[2]))
            known = [np.stack([self._before[at][kind] for at in block], axis=2) for kind in range(3)]
        octets, lost, broken = self._world.counts(self.device.name, times_s)
        return known[0] + octets * self._scale, known[1] + lost, known[2] + broken

    # --- ports and peers ----------------------------------------------------------------------------------------------

    def _port(
        self, i: int, octets: NDArray[np.float64], bps: NDArray[np.float64], troubles: tuple[float, float],
        now_s: float, past: _Past, structure: Structure,
    ) -> PortState:  # fmt: skip
        port, name, on = self.ports[i], self.device.name, past.events.active(now_s)
        up = (name, port.index) not in structure.down
        changes = [t for index, a, b in past.outages if index == port.index for t in (a, b) if t <= now_s]
        now = np.array([now_s])
        light = -2.1 - (zlib.crc32(f"{name}{port.name}".encode()) % 23) / 10
        light -= _FADING.get((name, port.index), 0.0) * (now_s - self.began_s) / _DAY_S
        light -= sum(float(effects.optic_rx_db(one, name, port.index, now)[0]) for one in on)
        ripple = 0.06 * float(np.sin(now_s / 1800 + port.index))
        packet = _MEAN_PACKET_OCTETS + _ETHERNET_OCTETS
        usual = octets[_OUT] / 2e12 if port.speed_bps < 5e10 else 0
        return PortState(
            port, up, int(octets[_IN]), int(octets[_OUT]), int(octets[_IN] / packet), int(octets[_OUT] / packet),
            in_errors=int(octets[_IN] / 4e13 + troubles[1]), out_discards=int(usual + troubles[0]),
            in_bps=float(bps[_IN]), out_bps=float(bps[_OUT]),
            rx_dbm=round(-40.0 if not up else light + ripple, 2), tx_dbm=round(-0.9 + ripple / 2, 2),
            last_change_s=max(changes, default=self._booted_s + 60),
            enabled=(name, port.index) not in past.events.shut(now_s),
            mtu=max((effects.mtu(one, name, port.index, now_s) for one in on), default=0) or _JUMBO,
        )  # fmt: skip

    def _peers(self, now_s: float, past: _Past, structure: Structure) -> tuple[PeerState, ...]:
        peers = []
        for way in exits():
            if way.device != self.device.name or not way.is_bgp:
                continue
            port = way.port
            mine = [(a, b) for index, a, b in past.sessions if index == port.index]
            down = any(start <= now_s < end for start, end in mine)
            since = max((t for span in mine for t in span if t <= now_s), default=self._booted_s + 90)
            routes = _FULL_TABLE if port.connectivity == "transit" else _EXCHANGE_TABLE
            silent = down or way.at in structure.no_routes
            received = 0 if silent else routes + zlib.crc32(port.provider.encode()) % 9000
            description = f"{port.provider} ({org.BY_CODE[self.device.site].name})"
            peers.append(PeerState(peer_address(self.device, port), way.asn, description, not down, since, received))
        return tuple(peers)

    def _known(self, now_s: float) -> _Past:
        """What happened of late; looked up once in half an hour, and when somebody does something."""
        key = int(now_s // BLOCK_S), self._timeline.version
        known = self._past
        if known is None or known[0] != key:
            since, until = key[0] * BLOCK_S - _PAST_S, (key[0] + 1) * BLOCK_S
            events = Events.of(self._timeline, since, until)
            known = self._past = key, _Past.of(events, self.device.name, self._restarts(since))
        return known[1]

    def _restarts(self, until_s: float) -> frozenset[float]:
        """When restarts that lie back were over: uptime and counters go on from the last one, however long ago."""
        with self._lock:
            if until_s > self._settled_s:
                for one in self._timeline.faults(self._settled_s, until_s):
                    if effects.reboots(one) == self.device.name and one.end_s <= until_s:
                        self._restarted.add(one.end_s)
                self._settled_s = until_s
            return frozenset(self._restarted)


@dataclass(frozen=True)
class _Past:
    """What happened to a device in the day before a half hour, and happens in it."""

    events: Events
    outages: tuple[tuple[int, float, float], ...]  # ifIndex, from, until
    sessions: tuple[tuple[int, float, float], ...]  # of BGP that are down
    reboots: tuple[float, ...]  # when they were over; of earlier days, too

    @classmethod
    def of(cls, events: Events, device: str, restarted: frozenset[float]) -> _Past:
        """``restarted``: when restarts of earlier days were over."""
        outages = {
            (port, start, end)
            for fault in events.faults
            for name, port, start, end in effects.outages(fault)
            if name == device
        }
        lost = {
            (one.port, one.start_s, one.end_s)
            for one in events.faults
            if one.kind == "session_down" and one.device == device
        }
        ports = {port.index for port in org.BY_NAME[device].ports if port.boundary == "external"}
        reboots = sorted(restarted | {one.end_s for one in events.faults if effects.reboots(one) == device})
        sessions = lost | {one for one in outages if one[0] in ports}
        return cls(events, tuple(sorted(outages)), tuple(sorted(sessions)), tuple(reboots))

    def booted(self, now_s: float, before_s: float) -> float:
        """When the device was last started."""
        return max((end for end in self.reboots if end <= now_s), default=before_s)


def is_streaming(device: org.Exporter) -> bool:
    """Whether a device speaks gNMI; the others answer SNMP."""
    return device.role == "core"


def peer_asn(port: org.Port) -> int:
    """AS number of the peer behind an external port."""
    return org.PROVIDER_ASNS.get(port.provider, 64499)
