"""A core switch of Acme as a gNMI target sees it: OpenConfig paths and their values at this moment."""

from __future__ import annotations

import time
import zlib

from weft.twin import organisation as org
from weft.twin.agents.gnmi import Value
from weft.twin.answers import Glance, chassis, neighbours
from weft.twin.devices import DeviceState, PortState

_QUEUES = (("0", 0.82), ("3", 0.15), ("5", 0.03))  # name and share: best effort, lossless storage, voice
_NS = 1_000_000_000


def tree(glance: Glance) -> dict[str, Value]:
    """Every leaf now."""
    now = time.time()
    state, device = glance.at(now), glance.twin.device
    hardware = org.HARDWARE[device.role]
    leaves: dict[str, Value] = {
        "/system/state/hostname": device.name,
        "/system/state/software-version": hardware.os_version,
        "/system/state/boot-time": int(glance.twin.booted_s * _NS),
        "/system/memory/state/physical": state.memory_total_bytes,
        "/system/memory/state/used": state.memory_used_bytes,
        "/system/cpus/cpu[index=ALL]/state/total/instant": round(state.cpu_percent),
        "/lldp/state/system-name": device.name,
        "/lldp/state/chassis-id": chassis(device.name).hex(":"),
        "/lldp/state/chassis-id-type": "MAC_ADDRESS",
    }
    _platform(leaves, state, device, hardware)
    for port in state.ports:
        _interface(leaves, port, glance.twin.booted_s)
    for near, other, far in neighbours(device):
        at = f"/lldp/interfaces/interface[name={near.name}]/neighbors/neighbor[id=1]/state"
        leaves |= {
            f"{at}/system-name": other.name, f"{at}/chassis-id": chassis(other.name).hex(":"),
            f"{at}/chassis-id-type": "MAC_ADDRESS", f"{at}/port-id": far.name, f"{at}/port-id-type": "INTERFACE_NAME",
            f"{at}/port-description": far.description, f"{at}/management-address": other.address,
        }  # fmt: skip
    return leaves


def _platform(leaves: dict[str, Value], state: DeviceState, device: org.Exporter, hardware: org.Hardware) -> None:
    part = "/components/component"
    leaves |= {
        f"{part}[name=Chassis]/state/type": "openconfig-platform-types:CHASSIS",
        f"{part}[name=Chassis]/state/description": hardware.model,
        f"{part}[name=Chassis]/state/part-no": hardware.model,
        f"{part}[name=Chassis]/state/mfg-name": hardware.vendor,
        f"{part}[name=Chassis]/state/serial-no": f"ACME{zlib.crc32(device.name.encode()):08X}",
        f"{part}[name=Chassis]/state/software-version": hardware.os_version,
        f"{part}[name=Inlet]/state/temperature/instant": round(state.temperature_celsius, 1),
        f"{part}[name=Fan Tray 0]/fan/state/speed": int(state.fan_rpm),
        f"{part}[name=Power Supply 0]/state/used-power": int(state.power_watts),
    }


def _interface(leaves: dict[str, Value], port: PortState, booted_s: float) -> None:
    at = f"/interfaces/interface[name={port.port.name}]"
    counters = f"{at}/state/counters"
    optics = f"{port.port.name} optics"
    channel = f"/components/component[name={optics}]/transceiver/physical-channels/channel[index=0]/state"
    leaves |= {
        f"{counters}/in-octets": port.in_octets, f"{counters}/out-octets": port.out_octets,
        f"{counters}/in-unicast-pkts": port.in_pkts, f"{counters}/out-unicast-pkts": port.out_pkts,
        f"{counters}/in-errors": port.in_errors, f"{counters}/out-errors": 0,
        f"{counters}/in-discards": 0, f"{counters}/out-discards": port.out_discards,
        f"{at}/state/oper-status": "UP" if port.up else "DOWN",
        f"{at}/state/admin-status": "UP" if port.enabled else "DOWN",
        f"{at}/state/ifindex": port.port.index, f"{at}/state/description": port.port.description,
        f"{at}/state/mtu": port.mtu, f"{at}/state/type": "iana-if-type:ethernetCsmacd",
        f"{at}/state/last-change": int((port.last_change_s - booted_s) * _NS),
        f"{at}/state/transceiver": optics,
        f"{at}/ethernet/state/port-speed": f"openconfig-if-ethernet:SPEED_{port.port.speed_bps // 10**9}GB",
        f"{channel}/input-power/instant": port.rx_dbm, f"{channel}/output-power/instant": port.tx_dbm,
        f"{channel}/index": 0,
    }  # fmt: skip
    for name, share in _QUEUES:
        queue = f"/qos/interfaces/interface[interface-id={port.port.name}]/output/queues/queue[name={name}]/state"
        leaves |= {
            f"{queue}/transmit-octets": int(port.out_octets * share),
            f"{queue}/transmit-pkts": int(port.out_pkts * share),
            f"{queue}/dropped-pkts": int(port.out_pkts * share / 3e7) if name == "0" else 0,
            f"{queue}/max-queue-len": int(port.out_bps / port.port.speed_bps * share * 6e6),
        }
