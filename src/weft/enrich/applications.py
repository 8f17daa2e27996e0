"""Ports to application: one table of 65536 numbers per protocol that has ports, one number for each that has none.

Which port names the flow: the one that is in the table; where both are, **the lower one** (nearly always the server's).
The rule looks at neither direction nor order, so both halves of a conversation get the same application.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput

#: Protocols whose ports are looked up, and the row of the port table that is theirs (row 0 is all zero).
PORT_PROTOCOLS = {6: 1, 17: 2, 132: 3, 33: 4, 136: 5}
PROTOCOL_NUMBERS = {
    "icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "egp": 8, "udp": 17, "dccp": 33, "ipv6": 41, "rsvp": 46, "gre": 47,
    "esp": 50, "ah": 51, "icmpv6": 58, "eigrp": 88, "ospf": 89, "etherip": 97, "pim": 103, "ipcomp": 108, "vrrp": 112,
    "l2tp": 115, "isis": 124, "fc": 133, "sctp": 132, "udplite": 136, "mpls": 137, "srv6": 143,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ApplicationRule:
    """``name`` is what runs on ``ports`` of ``protocols``; no ports = all of the protocol that nothing else names."""

    name: str
    category: str
    protocols: tuple[int, ...]
    ports: tuple[tuple[int, int], ...]  # inclusive ranges


def parse_protocols(text: str) -> tuple[int, ...]:
    """Protocol names or numbers separated by ``/``, commas or spaces; empty = TCP and UDP.

    Raises:
        InvalidInput: a part is neither.
    """
    found = []
    for part in text.replace("/", " ").replace(",", " ").split() or ("tcp", "udp"):
        number = PROTOCOL_NUMBERS.get(part.lower(), int(part) if part.isascii() and part.isdigit() else -1)
        if not 0 <= number <= 255:
            raise InvalidInput(f"'{part}' is not a protocol", fix="Write tcp, udp, icmp … or a number from 0 to 255")
        found.append(number)
    return tuple(found)


def parse_ports(text: str) -> tuple[tuple[int, int], ...]:
    """Ports and ranges (``80 8000-8100``) separated by spaces, commas or semicolons.

    Raises:
        InvalidInput: a part is not a port or a range of ports.
    """
    found = []
    for part in text.replace(",", " ").replace(";", " ").split():
        first, dash, last = part.partition("-")
        if not (first.isascii() and first.isdigit() and (not dash or (last.isascii() and last.isdigit()))):
            raise InvalidInput(f"'{part}' is not a port", fix="Write 443, 8000-8100, or several with spaces between")
        low, high = int(first), int(last or first)
        if low > high or high > 65535:
            raise InvalidInput(
                f"'{part}' is not a range of ports", fix="Ports run from 0 to 65535, the lower one first"
            )
        found.append((low, high))
    return tuple(found)


@dataclass(frozen=True)
class PortTable:
    """What ``app`` kernels read: numbers of applications by protocol and port; ``ids`` turns a number into its id."""

    by_port: NDArray[np.uint16]  # [1 + number of port protocols, 65536]
    by_protocol: NDArray[np.uint16]  # [256]
    row: NDArray[np.uint8]  # [256] row of by_port
    ids: NDArray[np.uint32]  # [applications + 1]; ids[0] = 0

    @cached_property
    def empty(self) -> bool:
        """Whether nothing is named at all."""
        return len(self.ids) == 1


def build_port_table(rules: Iterable[ApplicationRule], ids: Mapping[str, int]) -> PortTable:
    """Lay out ``rules``; of two that name one port the later wins. ``ids`` is by application name."""
    numbers: dict[str, int] = {}
    by_port = np.zeros((len(PORT_PROTOCOLS) + 1, 65536), np.uint16)
    by_protocol = np.zeros(256, np.uint16)
    row = np.zeros(256, np.uint8)
    for protocol, index in PORT_PROTOCOLS.items():
        row[protocol] = index
    for rule in rules:
        number = numbers.setdefault(rule.name, len(numbers) + 1)
        for protocol in rule.protocols:
            if not rule.ports:
                by_protocol[protocol] = number
            elif row[protocol]:
                for low, high in rule.ports:
                    by_port[row[protocol], low : high + 1] = number
    table = np.array([0, *(ids[name] for name in numbers)], np.uint32)
    return PortTable(by_port, by_protocol, row, table)


@numba.njit(cache=True, nogil=True)
def classify_ports(protocol, src_port, dst_port, by_port, by_protocol, row, ids, out):  # type: ignore[no-untyped-def]
    """Write the application id of each flow into ``out`` and return how many were named."""
    named = 0
    for i in range(len(protocol)):
        p = protocol[i]
        r = row[p]
        app = np.uint16(0)
        if r:
            a, b = src_port[i], dst_port[i]
            if a > b:
                a, b = b, a
            app = by_port[r, a]
            if app == 0:
                app = by_port[r, b]
        if app == 0:
            app = by_protocol[p]
        out[i] = ids[app]
        if app:
            named += 1
    return named
