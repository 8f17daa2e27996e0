"""Names to addresses, by the system's resolver, in few threads and with a short memory."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from weft.errors import Failed

Family = Literal["any", "ipv4", "ipv6"]
_FAMILIES = {"any": socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
_THREADS = 16
_KEEP_S, _KEEP_FAILED_S = 30.0, 5.0
_MOST_KEPT = 4096


class LookupFailed(Failed):
    """A name has no address, or nobody says which."""


class Lookups:
    """Looks names up. What was found counts for half a minute, except for those who measure the looking up itself."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="agent-lookup")
        self._known: OrderedDict[tuple[str, Family], tuple[float, str]] = OrderedDict()
        self._under_way: dict[tuple[str, Family], asyncio.Future[str]] = {}

    def close(self) -> None:
        """Begin nothing new. Does not wait for a resolver that does not answer."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def address(self, host: str, family: Family, timeout_s: float, *, fresh: bool = False) -> str:
        """The first address of ``host`` (name or address) in the order of RFC 6724. Raises ``LookupFailed``."""
        literal = _literal(host)
        if literal is not None:
            if family != "any" and literal != family:
                raise LookupFailed(f"is not an {_proper(family)} address", where=host)
            return host
        key = (host.lower(), family)
        if not fresh and (kept := self._known.get(key)) is not None and time.monotonic() < kept[0]:
            return self._kept(host, family, kept[1])
        future = None if fresh else self._under_way.get(key)
        if future is None:
            future = asyncio.get_running_loop().run_in_executor(self._pool, _ask, host, family)
            self._under_way[key] = future
            future.add_done_callback(lambda done: self._came(key, done))
        try:
            found = await asyncio.wait_for(asyncio.shield(future), timeout_s)
        except TimeoutError:
            raise LookupFailed("was not looked up in time: the resolver does not answer", where=host) from None
        return self._kept(host, family, found)

    def _came(self, key: tuple[str, Family], done: asyncio.Future[str]) -> None:
        if self._under_way.get(key) is done:
            del self._under_way[key]
        if done.cancelled() or done.exception() is not None:
            return
        found = done.result()
        self._known[key] = (time.monotonic() + (_KEEP_S if found else _KEEP_FAILED_S), found)
        self._known.move_to_end(key)
        while len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)

    @staticmethod
    def _kept(host: str, family: Family, found: str) -> str:
        if not found:
            raise LookupFailed("has no address" if family == "any" else f"has no {_proper(family)} address", where=host)
        return found


def _ask(host: str, family: Family) -> str:
    try:
        found = socket.getaddrinfo(host, None, _FAMILIES[family], socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ""
    return str(found[0][4][0]) if found else ""


def _literal(host: str) -> Family | None:
    try:
        return "ipv6" if ipaddress.ip_address(host).version == 6 else "ipv4"
    except ValueError:
        return None


def _proper(family: Family) -> str:
    return "IPv6" if family == "ipv6" else "IPv4"


def family_of(address: str) -> socket.AddressFamily:
    """Address family of an address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET
