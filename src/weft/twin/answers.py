"""Acme's devices as SNMP agents and gNMI targets see them: MIBs and trees over ``DeviceTwin``."""

from __future__ import annotations

import zlib

from weft.twin import organisation as org
from weft.twin.agents.snmp import Mib
from weft.twin.agents.snmp_mibs import (
    AgentDevice,
    AgentInterface,
    AgentNeighbour,
    AgentPeer,
    AgentSensor,
    Counters,
    mib_of,
)
from weft.twin.devices import DeviceState, DeviceTwin, PeerState, PortState


class Glance:
    """A device's state, looked at once a second at most: a poll asks for hundreds of values of one moment."""

    def __init__(self, twin: DeviceTwin) -> None:
        self.twin = twin
        self._second = -1
        self._state: DeviceState | None = None

    def at(self, now_s: float) -> DeviceState:
        """The state in the second of ``now_s``."""
        second = int(now_s)
        if self._state is None or self._second != second:
            self._second, self._state = second, self.twin.state(float(second))
        return self._state


def chassis(name: str) -> bytes:
    """The MAC address that a device goes by in LLDP; made up, locally administered."""
    return b"\x02\xac" + zlib.crc32(name.encode()).to_bytes(4, "big")


def neighbours(device: org.Exporter) -> list[tuple[org.Port, org.Exporter, org.Port]]:
    """(own port, other device, its port) of every line of a device."""
    by_name = {one.name: one for one in org.DEVICES}
    found = []
    for link in org.LINKS:
        for near, near_port, far, far_port in (
            (link.a, link.a_port, link.b, link.b_port), (link.b, link.b_port, link.a, link.a_port),
        ):  # fmt: skip
            if near == device.name:
                found.append((port_of(device, near_port), by_name[far], port_of(by_name[far], far_port)))
    return found


def port_of(device: org.Exporter, index: int) -> org.Port:
    """The port with that ifIndex."""
    return next(port for port in org.all_ports(device) if port.index == index)


def mib(twin: DeviceTwin) -> Mib:
    """The MIB of a device, its values as of the time of each request."""
    device, glance = twin.device, Glance(twin)
    hardware = org.HARDWARE[device.role]
    site = next(site for site in org.SITES if site.code == device.site)
    return mib_of(
        AgentDevice(
            name=device.name, descr=f"{hardware.vendor} {hardware.model}, {hardware.os} {hardware.os_version}",
            object_id=hardware.sys_object_id, location=f"{site.name}, {site.country}", contact="noc@acme.example",
            serial=f"ACME{zlib.crc32(device.name.encode()):08X}", model=hardware.model, chassis=chassis(device.name),
            interfaces=[_interface(glance, row, port) for row, port in enumerate(twin.ports)],
            sensors=[
                AgentSensor("Inlet", "celsius", lambda now: glance.at(now).temperature_celsius),
                AgentSensor("Fan Tray 0", "rpm", lambda now: glance.at(now).fan_rpm),
                AgentSensor("Power Supply 0", "watts", lambda now: glance.at(now).power_watts),
            ],
            peers=[_peer(glance, row, peer) for row, peer in enumerate(twin.state(twin.began_s).peers)],
            neighbours=[
                AgentNeighbour(near.index, other.name, far.name, chassis(other.name), other.address)
                for near, other, far in neighbours(device)
            ],
            cpus=[lambda now: glance.at(now).cpu_percent],
            memory=(twin.state(twin.began_s).memory_total_bytes, lambda now: glance.at(now).memory_used_bytes),
        )
    )  # fmt: skip


def _interface(glance: Glance, row: int, port: org.Port) -> AgentInterface:
    def state(now: float) -> PortState:
        return glance.at(now).ports[row]

    def counters(now: float) -> Counters:
        one = state(now)
        return Counters(one.in_octets, one.out_octets, one.in_pkts, one.out_pkts, one.in_errors, 0, 0, one.out_discards)

    return AgentInterface(
        index=port.index, name=port.name, alias=port.description, counters=counters, up=lambda now: state(now).up,
        admin_up=lambda now: state(now).enabled, speed_bps=port.speed_bps, mtu=lambda now: state(now).mtu,
        mac=chassis(f"{glance.twin.device.name}:{port.name}"),
        rx_dbm=lambda now: state(now).rx_dbm, tx_dbm=lambda now: state(now).tx_dbm,
    )  # fmt: skip


def _peer(glance: Glance, row: int, peer: PeerState) -> AgentPeer:
    def state(now: float) -> PeerState:
        return glance.at(now).peers[row]

    return AgentPeer(
        peer.address, peer.asn, lambda now: 6 if state(now).established else 3,
        lambda now: max(0, int(now - state(now).since_s)),
    )  # fmt: skip
