"""A network behind a TUN device, whose hops are awkward: ``python tun_network.py`` in a namespace of its own.

Targets are 198.51.100.X; X says what the way there is like. Prints ``ready`` and answers until standard input ends.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import socket
import struct
import subprocess
import sys
import time

FAN, BRIEF, LABELS, PROHIBITED, SILENT, UNEQUAL, LATE = 10, 20, 30, 40, 50, 60, 70
OWN = "10.9.0.1"
LABELS_TOLD = (16001, 24005)


def checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def datagram(source: str, icmp: bytes) -> bytes:
    """An IPv4 packet with ICMP to us."""
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 0, 0, 60, 1, 0, socket.inet_aton(source), socket.inet_aton(OWN)
    )
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + icmp


def error(source: str, kind: int, code: int, packet: bytes, *, most: int = 548, labels: tuple[int, ...] = ()) -> bytes:
    """An ICMP error about a packet, of which ``most`` bytes are quoted."""
    quoted = packet[:most]
    if not labels:
        return datagram(source, struct.pack("!BBHI", kind, code, 0, 0) + quoted)
    quoted = quoted[:128].ljust(128, b"\0")
    entries = [struct.pack("!I", label << 12 | (at == len(labels) - 1) << 8 | 1) for at, label in enumerate(labels)]
    stack = struct.pack("!HBB", 4 + 4 * len(entries), 1, 1) + b"".join(entries)
    extension = b"\x20\0\0\0" + stack
    extension = extension[:2] + struct.pack("!H", checksum(extension)) + extension[4:]
    return datagram(source, struct.pack("!BBHBBH", kind, code, 0, 0, 32, 0) + quoted + extension)


def answer(packet: bytes) -> tuple[float, bytes] | None:
    """(seconds later, packet) that comes for one that was sent."""
    ttl, protocol, target = packet[8], packet[9], packet[19]
    address = socket.inet_ntoa(packet[16:20])
    at = (packet[0] & 15) * 4
    flow = int.from_bytes(packet[at + 4 : at + 6] if protocol == 1 else packet[at : at + 2], "big") % 4
    hops = ["10.9.1.1", f"10.9.2.{1 + flow % 2}", f"10.9.3.{1 + flow // 2}", "10.9.4.1"]
    if target == UNEQUAL and flow % 2:
        hops.insert(2, "10.9.5.1")
    if ttl <= len(hops):
        hop = hops[ttl - 1]
        if target == LABELS:
            if ttl == 2:
                return None
            if ttl == 3:
                return 0, error(hop, 11, 0, packet, labels=LABELS_TOLD)
        if target == PROHIBITED and ttl == 3:
            return 0, error(hop, 3, 13, packet)
        # Nearer hops take longer, so that answers come in another order than probes went.
        later = 0.05 * (5 - ttl) if target in (BRIEF, LATE) else 0
        return later, error(hop, 11, 0, packet, most=28 if target == BRIEF else 548)
    if target == SILENT:
        return None
    if protocol == 1:
        reply = bytes([0, 0]) + packet[at + 2 :]
        return 0, datagram(address, reply[:2] + b"\0\0" + reply[4:])
    return 0, error(address, 3, 3, packet, most=28 if target == BRIEF else 548)


def main() -> None:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, 0x400454CA, struct.pack("16sH", b"tun0", 0x1001))  # TUNSETIFF: IFF_TUN | IFF_NO_PI
    for command in ("addr add 10.9.0.1/32 dev tun0", "link set tun0 up", "link set lo up",
                    "route add 198.51.100.0/24 dev tun0 src 10.9.0.1", "route add 10.9.0.0/16 dev tun0"):  # fmt: skip
        subprocess.run(["ip", *command.split()], check=True)
    selector = selectors.DefaultSelector()
    selector.register(device, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print("ready", flush=True)
    waiting: list[tuple[float, bytes]] = []
    while True:
        ready = selector.select(0.005 if waiting else 1)
        for due, packet in [one for one in waiting if one[0] <= time.monotonic()]:
            os.write(device, packet)
            waiting.remove((due, packet))
        for key, _ in ready:
            if key.fileobj is sys.stdin:
                return
            try:
                packet = os.read(device, 4096)
            except BlockingIOError:
                continue
            if packet[0] >> 4 == 4 and (said := answer(packet)) is not None:
                waiting.append((time.monotonic() + said[0], said[1]))


if __name__ == "__main__":
    main()
