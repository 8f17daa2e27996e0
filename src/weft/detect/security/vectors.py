"""What floods are made of: classes of packets, and the services that amplify."""

from __future__ import annotations

import numpy as np

#: Classes of what a host receives; the last is what it answers as a service that amplifies.
AMPLIFIED, FRAGMENTS, SYN, SYN_ACK, TCP, UDP, ICMP, OTHER, ANSWERS = range(9)
CLASSES = 9

#: UDP services whose answers are larger than what is asked: US-CERT TA14-017A, and those found since.
AMPLIFIERS = {
    17: "QOTD", 19: "CharGEN", 53: "DNS", 69: "TFTP", 111: "portmapper", 123: "NTP", 137: "NetBIOS", 161: "SNMP",
    389: "CLDAP", 427: "SLP", 500: "ISAKMP", 520: "RIPv1", 623: "IPMI", 1194: "OpenVPN", 1434: "MS-SQL", 1604: "Citrix",
    1900: "SSDP", 2123: "GTP-C", 3283: "Apple Remote Desktop", 3389: "RDP", 3478: "STUN", 3702: "WS-Discovery",
    4500: "ISAKMP", 5060: "SIP", 5351: "NAT-PMP", 5353: "mDNS", 5683: "CoAP", 6881: "BitTorrent", 10001: "Ubiquiti",
    10074: "TP-240", 11211: "memcached", 17185: "VxWorks", 27015: "Source engine", 30120: "FiveM", 32414: "Plex",
    37810: "DVR-DHCP", 47808: "BACnet",
}  # fmt: skip

TITLES = {
    AMPLIFIED: "amplification",
    FRAGMENTS: "UDP fragments",
    SYN: "SYN flood",
    SYN_ACK: "SYN-ACK reflection",
    TCP: "TCP flood",
    UDP: "UDP flood",
    ICMP: "ICMP flood",
    OTHER: "flood of another IP protocol",
    ANSWERS: "amplifier",
}


def amplifier_ports() -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Bool [65536]: whether a UDP port is of a service that amplifies."""
    out = np.zeros(65536, np.bool_)
    out[list(AMPLIFIERS)] = True
    return out
