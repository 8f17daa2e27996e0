"""What Acme's devices would answer if asked at any moment: ports, CPU, memory, heat, light, BGP peers.

The counters are the integral of the same traffic that the flows are made of (plus Ethernet's share, plus the backbone,
which no flow tells of), so that flows and counters of a port agree as well as they do on real routers. A few things are
off on purpose, for the pages that look for such: one port carries traffic that its router does not meter.
"""

from __future__ import annotations

import ipaddress
import threading
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.config import DemoConfig
from weft.twin.timeline import Timeline
from weft.twin.traffic import ExporterTraffic, activity

_STEP_S = 15
_EXTEND_S = 1800
_ETHERNET_OCTETS = 18  # header and checksum, which flow records leave out
_MEAN_PACKET_OCTETS = 820.0
_UPTIME_S = 41 * 86400
#: (device, port) → how much of its traffic is not seen by the device's flow export.
_UNMETERED = {("nyc-border1", 3): 0.35}
#: (device, port) → loss of light in dB per day: a connector that is getting dirty.
_FADING = {("fra-border1", 2): 0.9}
_IN, _OUT = 0, 1


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
        self.device, self._timeline = device, timeline
        self.ports = org.all_ports(device)
        self._traffic = ExporterTraffic(device, config.records_per_s, config.seed)
        self._start = since_s // _STEP_S * _STEP_S
        self.booted_s = self._start - _UPTIME_S - zlib.crc32(device.name.encode()) % 86_400
        self.began_s = self._start  # UTC seconds of the first moment that can be asked for
        self._lock = threading.Lock()
        base = np.random.default_rng([config.seed, zlib.crc32(device.name.encode())]).uniform(
            1e12, 9e13, (len(self.ports), 2)
        )
        self._octets = np.floor(base)[:, :, None]  # [port, in/out, step], at the beginning of each step
        self._bps = np.zeros((len(self.ports), 2, 0))

    def state(self, now_s: float) -> DeviceState:
        """The device at ``now_s`` (UTC seconds)."""
        with self._lock:
            self._extend(now_s)
            octets, bps = self._at(now_s)
        mean = float(bps.sum(1).max(initial=0.0))
        load = mean / max(p.speed_bps for p in self.ports)
        wave = np.sin(now_s / 97.0 + len(self.device.name)) + np.sin(now_s / 611.0)
        hot = any(
            i.kind == "cpu_overload" and i.device == self.device.name and i.start_s <= now_s < i.end_s
            for i in self._timeline.faults(now_s, now_s + 1)
        )
        cpu = 9 + 46 * load + 2.2 * wave + (38 if hot else 0)
        total = 32 << 30
        return DeviceState(
            uptime_s=now_s - self.booted_s, cpu_percent=float(np.clip(cpu, 2, 99)),
            memory_used_bytes=int(total * (0.41 + 0.02 * wave / 2 + 0.05 * load)), memory_total_bytes=total,
            temperature_celsius=float(34 + 9 * load + 0.7 * wave + (27 if hot else 0)),
            fan_rpm=float(5200 + 900 * load + (2600 if hot else 0)), power_watts=float(690 + 210 * load),
            ports=tuple(self._port(i, octets[i], bps[i], now_s) for i in range(len(self.ports))),
            peers=self._peers(now_s),
        )  # fmt: skip

    def octets(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Octets counted at each of ``times_s`` (UTC seconds, ascending): ``[port, in/out, time]``."""
        with self._lock:
            self._extend(float(times_s[-1]))
            at = (times_s - self._start) / _STEP_S
            step = np.clip(at.astype(np.int64), 0, self._bps.shape[2] - 1)
            grown: NDArray[np.float64] = self._bps[:, :, step] / 8 * _STEP_S * np.clip(at - step, 0, 1)
            return np.floor(self._octets[:, :, step] + grown)

    def _port(self, i: int, octets: NDArray[np.float64], bps: NDArray[np.float64], now_s: float) -> PortState:
        port = self.ports[i]
        down = [(a, b) for index, a, b in self._outages(now_s - 86_400, now_s + 1) if index == port.index]
        up = not any(start <= now_s < end for start, end in down)
        changes = [t for start, end in down for t in (start, end) if t <= now_s]
        light = -2.1 - (zlib.crc32(f"{self.device.name}{port.name}".encode()) % 23) / 10
        fading = _FADING.get((self.device.name, port.index), 0.0) * (now_s - self._start) / 86_400
        ripple = 0.06 * float(np.sin(now_s / 1800 + port.index))
        packet = _MEAN_PACKET_OCTETS + _ETHERNET_OCTETS
        return PortState(
            port, up, int(octets[_IN]), int(octets[_OUT]), int(octets[_IN] / packet), int(octets[_OUT] / packet),
            in_errors=int(octets[_IN] / 4e13), out_discards=int(octets[_OUT] / 2e12) if port.speed_bps < 5e10 else 0,
            in_bps=float(bps[_IN]), out_bps=float(bps[_OUT]),
            rx_dbm=round(-40.0 if not up else light - fading + ripple, 2), tx_dbm=round(-0.9 + ripple / 2, 2),
            last_change_s=max(changes, default=self.booted_s + 60),
        )  # fmt: skip

    def _peers(self, now_s: float) -> tuple[PeerState, ...]:
        if self.device.role != "border":
            return ()
        peers = []
        site = next(s for s in org.SITES if s.code == self.device.site)
        recent = list(self._timeline.faults(now_s - 86_400, now_s + 1))
        for port in self.device.ports[:3]:
            mine = [
                i for i in recent if i.kind == "session_down" and (i.device, i.port) == (self.device.name, port.index)
            ]
            down = any(i.start_s <= now_s < i.end_s for i in mine)
            since = max((t for i in mine for t in (i.start_s, i.end_s) if t <= now_s), default=self.booted_s + 90)
            routes = 948_000 if port.connectivity == "transit" else 142_000
            received = 0 if down else routes + zlib.crc32(port.provider.encode()) % 9000
            description = f"{port.provider} ({site.name})"
            peers.append(
                PeerState(peer_address(self.device, port), peer_asn(port), description, not down, since, received)
            )
        return tuple(peers)

    def _outages(self, since_s: float, until_s: float) -> list[tuple[int, float, float]]:
        """(ifIndex, from, until) of ports that are down in that time."""
        found = []
        for one in self._timeline.faults(since_s, until_s):
            if one.kind == "link_cut":
                for name, port in ((one.device, one.port), (one.other, one.other_port)):
                    if name == self.device.name:
                        found.append((port, one.start_s, one.end_s))
        return found

    def _at(self, now_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Octets counted until, and rates at, ``now_s``: ``[port, in/out]``."""
        at = (now_s - self._start) / _STEP_S
        step = int(np.clip(at, 0, self._bps.shape[2] - 1))
        bps = self._bps[:, :, step]
        return self._octets[:, :, step] + bps / 8 * _STEP_S * min(max(at - step, 0.0), 1.0), bps

    def _extend(self, until_s: float) -> None:
        """Make sure that the integral reaches beyond ``until_s``."""
        have = self._bps.shape[2]
        need = max(0, int((until_s - self._start) // _STEP_S)) + 2
        if need <= have:
            return
        times = self._start + np.arange(have, need + _EXTEND_S // _STEP_S, dtype=np.float64) * _STEP_S
        bps = self._rates(times + _STEP_S / 2)
        grown = self._octets[:, :, -1:] + np.cumsum(np.floor(bps / 8 * _STEP_S), axis=2)
        self._octets = np.concatenate([self._octets, grown], axis=2)
        self._bps = np.concatenate([self._bps, bps], axis=2)

    def _rates(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rate of every port at ``times``, Ethernet's octets included: ``[port, in/out, time]``, bit/s."""
        out = np.zeros((len(self.ports), 2, len(times)))
        row = {port.index: i for i, port in enumerate(self.ports)}
        for near, far, forward, backward in self._traffic.port_rates_bps(times):
            out[row[near], _IN] += forward
            out[row[far], _OUT] += forward
            out[row[far], _IN] += backward
            out[row[near], _OUT] += backward
        for link in org.BACKBONE:
            for name, index, sends, receives in (
                (link.a, link.a_port, *link.peak_bps),
                (link.b, link.b_port, *link.peak_bps[::-1]),
            ):
                if name == self.device.name:
                    level = _backbone_level(link, times)
                    out[row[index], _OUT] += sends * level
                    out[row[index], _IN] += receives * level
        for (name, index), share in _UNMETERED.items():
            if name == self.device.name:
                out[row[index]] *= 1 / (1 - share)
        out *= 1 + _ETHERNET_OCTETS / _MEAN_PACKET_OCTETS
        for index, start, end in self._outages(float(times[0]), float(times[-1])):
            out[row[index]][:, (times >= start) & (times < end)] = 0.0
        speeds = np.array([port.speed_bps for port in self.ports])[:, None, None]
        return np.minimum(out, 0.995 * speeds)


def _backbone_level(link: org.Link, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """How busy a line is, 0–1: its shape at the local time of its first end, with slow swings of its own."""
    site = next(s for s in org.SITES if s.code == link.a.split("-")[0])
    phase = zlib.crc32(link.a.encode() + link.b.encode()) % 628 / 100
    swing = 0.05 * np.sin(times / 830 + phase) + 0.04 * np.sin(times / 4700 + 2 * phase) + 0.02 * np.sin(times / 61)
    level: NDArray[np.float64] = activity(link.shape, times, site.utc_offset_h) * np.exp(swing)
    return np.minimum(level, 1.0)


def is_streaming(device: org.Exporter) -> bool:
    """Whether a device speaks gNMI; the others answer SNMP."""
    return device.role == "core"


def peer_address(device: org.Exporter, port: org.Port) -> str:
    """Address of the BGP peer behind an external port."""
    third, fourth = ipaddress.IPv4Address(device.address).packed[2:]
    return f"192.0.2.{(third * 40 + fourth * 8 + port.index * 2) % 254 + 1}"


_PEER_ASNS = {
    "Lumen": 3356, "Arelion": 1299, "Cogent": 174, "GTT": 3257, "Singtel": 7473, "DTAG": 3320, "Equinix CH": 24115,
    "DE-CIX NY": 63034, "AMS-IX": 6777, "Equinix SG": 24115, "DE-CIX": 6695, "LINX": 8714,
}  # fmt: skip


def peer_asn(port: org.Port) -> int:
    """AS number of the peer behind an external port."""
    return _PEER_ASNS.get(port.provider, 64499)
