"""ExaBGP as a program of its own: its configuration, its start, and what it says, line by line."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from weft.collect.routing import exabgp_relay
from weft.collect.routing.session_config import BgpConfig, BgpNeighborConfig
from weft.errors import ConfigError
from weft.model.addresses import packed

_LONGEST = 1 << 18  # octets of one line: a BGP message of 65 535 octets in hexadecimal, and more
_HEADER = 19


@dataclass(frozen=True, slots=True)
class Said:
    """A line that matters: ``kind`` is ``open``, ``update`` (with the whole message), ``up``, ``down`` or ``bad``."""

    kind: str
    peer: bytes = b""
    message: bytes = b""
    reason: str = ""


def program_of(config: BgpConfig) -> str:
    """Path of ExaBGP. Raises ``ConfigError``."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(config.program, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", beside)))
    if found is None:
        fix = "Install it (`pip install weft[exabgp]`, Debian package exabgp), or name its path in routing.bgp.program."
        raise ConfigError(f"there is no program `{config.program}`", where="routing.bgp", fix=fix)
    return found


def configuration(config: BgpConfig, socket: Path) -> str:
    """ExaBGP's configuration: every neighbour, no route of our own. Holds the passwords. Raises ``ConfigError``."""
    relay = f"{sys.executable} {Path(exabgp_relay.__file__).resolve()} {socket}"
    parts = [f"process weft {{\n    run {relay};\n    encoder json;\n}}\n"]
    parts += [_neighbor(config, neighbor) for neighbor in config.neighbors]
    return "".join(parts)


def _neighbor(config: BgpConfig, neighbor: BgpNeighborConfig) -> str:
    families = " ".join(f"{family};" for family in neighbor.families)
    paths = "receive" if neighbor.add_path else "disable"
    lines = [
        f"router-id {config.router_id or config.address};", f"local-address {config.address};",
        f"local-as {config.local_as};", f"peer-as {neighbor.asn};", f"hold-time {neighbor.hold_time};",
        f"passive {'false' if neighbor.connect else 'true'};", f"family {{ {families} }}",
        f"capability {{ asn4 enable; route-refresh enable; add-path {paths}; }}",
        "api { processes [ weft ]; neighbor-changes; receive { packets; open; update; } }",
    ]  # fmt: skip
    if neighbor.password is not None:
        secret = neighbor.password.reveal()
        if not 1 <= len(secret) <= 80 or not secret.isascii() or any(c in "\"'\\;{}[]#" or c <= " " for c in secret):
            raise ConfigError(
                "has 1 to 80 letters, digits and signs other than quotes, brackets, ;, # and spaces",
                where=f"routing.bgp.neighbors {neighbor.address}: password", fix="Choose another key.",
            )  # fmt: skip
        lines.append(f"md5-password '{secret}';")
    return f"neighbor {neighbor.address} {{\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


def environment(config: BgpConfig) -> dict[str, str]:
    """ExaBGP's own settings: listens where told, keeps its user, takes no commands, says little."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "exabgp_api_ack": "false", "exabgp_api_cli": "false", "exabgp_api_respawn": "false",
        "exabgp_daemon_user": _user(), "exabgp_daemon_drop": "false",
        "exabgp_tcp_bind": str(config.address), "exabgp_tcp_port": str(config.port),
        "exabgp_cache_attributes": "false",
    }  # fmt: skip


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run us under a number that has no name
        return str(os.getuid())


def lines_of(rest: bytes, data: bytes) -> tuple[list[bytes], bytes]:
    """Whole lines, and what is left over."""
    *lines, rest = (rest + data).split(b"\n")
    return lines, rest if len(rest) <= _LONGEST else b""


def read_line(line: bytes) -> Said | None:
    """One line of ExaBGP's JSON (versions 4 and 5); None for one that does not matter."""
    try:
        said = json.loads(line)
        kind, neighbor = said["type"], said.get("neighbor")
        if not isinstance(neighbor, dict):
            return None  # about ExaBGP itself
        peer = packed(str(neighbor["address"]["peer"]))
        if kind == "state":
            state = neighbor["state"]
            return Said(state, peer, reason=str(neighbor.get("reason", ""))[:200]) if state in ("up", "down") else None
        if kind not in ("open", "update") or neighbor.get("direction") != "receive":
            return None
        parts = neighbor["message"]
        message = bytes.fromhex(parts["header"].removeprefix("0x") + parts["body"].removeprefix("0x"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Said("bad")
    return Said(kind, peer, message) if len(message) >= _HEADER else Said("bad")
