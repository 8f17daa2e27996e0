"""What this system lets the agent's user do."""

from __future__ import annotations

import socket
import sys

from weft.collect.agent.config import KINDS
from weft.collect.agent.echo import EchoRefused, open_icmp


def abilities() -> dict[str, str]:
    """Kind of test → why it is not possible; empty = it is."""
    found: dict[str, str] = dict.fromkeys(KINDS, "")
    if sys.platform != "linux":
        found["trace"] = "needs Linux: other systems do not tell a program of the ICMP errors to its packets"
    found["ping"] = icmp_refused()
    return found


def icmp_refused(family: socket.AddressFamily = socket.AF_INET) -> str:
    """Why ICMP cannot be sent; empty = it can."""
    try:
        one, _, _ = open_icmp(family)
    except EchoRefused as error:
        return error.message
    except OSError as error:
        return f"no ICMP socket: {error.strerror}"
    one.close()
    return ""


def icmp_kind(family: socket.AddressFamily = socket.AF_INET) -> str:
    """How ICMP is sent: ``datagram`` needs no privilege, ``raw`` does; empty = it cannot be."""
    try:
        one, raw, _ = open_icmp(family)
    except (EchoRefused, OSError):
        return ""
    one.close()
    return "raw" if raw else "datagram"
