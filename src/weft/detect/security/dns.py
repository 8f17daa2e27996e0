"""DNS as a way out: tunnels, by the names that logs tell of and by the size of queries in flows; and names made by lot.

A tunnel asks for ever new long names below one domain; everyday look-alikes (virus scanners, content networks) are
asked for by many hosts and seldom. Flows know no names, but a query that carries data is twice as long as others.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.security.covert import (
    UDP,
    Own,
    host,
    keys_of,
    slot_of,
    text_of,
)
from weft.detect.security.names import entropy, is_address_lookup, is_machine_zone, oddness, registered_domain
from weft.detect.security.query_logs import Query, queries
from weft.detect.security.shared import shared
from weft.detect.texts import amount, lasting, moment
from weft.model.events import Entity, EventGroup, Evidence, Severity

_WINDOW_S = 600.0
_SAY_AGAIN_S = 30.0
_DAY_S = 86400.0
_MOST_NAMES = 400  # remembered of a client and a domain
_MOST_KINDS = 16  # types of records, of the same
_MOST_DOMAINS = 1000  # remembered of a client
_MOST_HELD = 200_000  # names, and domains, remembered in all
_MOST_CLIENTS, _MOST_ODD_DOMAINS = 32, 5000  # remembered of a domain; domains below which somebody asked oddly
_LEAST_NAMES, _LEAST_CARRIED, _LEAST_ENTROPY = 15, 26.0, 2.8
_NEVER_TWICE = 100
_SLOW_NAMES, _SLOW_CARRIED = 150, 18.0
_MANY_TIMES = 8.0  # as many odd names as others below the same domain
_MINUTES = 5
_ASKER = np.dtype([
    ("key", "u8"), ("seen", "f8"), ("weight", "f4"), ("src", "u8", (2,)), ("minute", "i8"), ("first", "f8"),
    ("packets", "f4", (_MINUTES,)), ("octets", "f8", (_MINUTES,)),
])  # fmt: skip
_LEAST_QUERIES, _LEAST_QUERY_OCTETS = 60.0, 130.0
_ODD_DOMAINS, _ODD_FAILED = 25, 12


@dataclass(slots=True)
class _Asked:
    """What one client asked for below one domain, in a window and in a day."""

    since: float
    day: float
    names: set[int] = field(default_factory=set)
    names_today: set[int] = field(default_factory=set)
    carried: int = 0
    carried_today: int = 0
    asked: int = 0
    last: float = 0.0
    began: float = 0.0
    told: bool = False
    said: float = 0.0
    samples: list[str] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)
    entropy: float = 0.0


@dataclass(slots=True)
class _Made:
    """Registered domains that one client asked for in a window, and which of them look drawn by lot."""

    since: float
    domains: set[str] = field(default_factory=set)
    odd: set[str] = field(default_factory=set)
    odd_failed: set[str] = field(default_factory=set)
    knows_failures: bool = False
    said: float = 0.0


class DnsTunnels(RowsDetector):
    """Watches clients of DNS. Settings: ``allowed`` (domains), ``least_query_octets``, ``most_pairs``."""

    about = About(
        "dns_tunnel", "DNS tunnels and made-up domains", EventGroup.SECURITY,
        "Data leave or orders come in names that are asked of DNS; malware looks for its master among made-up names.",
        {"dns_tunnel": "Names that carry data.", "dga": "Domains that look drawn by lot, most of which do not exist."},
    )  # fmt: skip
    tables = ("logs", "flows")

    def __init__(self, context: Context) -> None:
        told = context.config.settings
        self._own = Own(context.networks)
        self._allowed = tuple(str(one).lower().strip(".") for one in told.get("allowed", ()))
        self._least_octets = float(told.get("least_query_octets", _LEAST_QUERY_OCTETS))
        self._most = max(100, int(told.get("most_pairs", 20_000)))
        self._asked: OrderedDict[tuple[str, str], _Asked] = OrderedDict()
        self._made: OrderedDict[str, _Made] = OrderedDict()
        self._odd_clients: OrderedDict[str, dict[str, int]] = OrderedDict()
        self._askers = np.zeros(1 << 14, _ASKER)
        self._held_names = self._held_domains = 0
        self._day = 0.0
        self._judged = 0.0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Logs: judge each name in its place. Flows: add up queries."""
        if not rows.num_rows:
            return []
        if table == "logs":
            found = [self._query(one) for one in queries(rows)]
            return [one for pair in found for one in pair]
        flow = shared(rows, self._own()).talk
        which = (flow.dst_port == 53) & (flow.protocol == UDP) & (flow.src_net >= 0) & (flow.src_port > 53)
        if which.any():
            asks = flow.take(which)
            _add_up(self._askers, keys_of(asks.src, 7), asks.src, asks.received, asks.seen, asks.octets / asks.rate)
        return []

    def tick(self, now_s: float) -> list[Finding]:
        """Once a minute, judge the sizes of queries."""
        if now_s - self._judged < 30:
            return []
        self._judged = now_s
        minutes = self._askers["minute"] >= int(now_s // 60) - 1
        packets, octets = self._askers["packets"].sum(axis=1), self._askers["octets"].sum(axis=1)
        long = minutes & (packets >= _LEAST_QUERIES) & (octets >= self._least_octets * packets)
        return [self._sizes(self._askers[slot], now_s) for slot in np.flatnonzero(long)[:200]]

    # --- names ---------------------------------------------------------------------------------------------------

    def _query(self, one: Query) -> list[Finding]:
        if is_machine_zone(one.name) or any(one.name == d or one.name.endswith(f".{d}") for d in self._allowed):
            return []
        if one.at_s - self._day > _DAY_S:
            self._day = one.at_s
            self._odd_clients.clear()
        domain = registered_domain(one.name)
        found = [self._tunnel(one, domain), self._lot(one, domain)]
        return [finding for finding in found if finding is not None]

    def _tunnel(self, one: Query, domain: str) -> Finding | None:
        sub = one.name[: -len(domain) - 1]
        letters = len(sub) - sub.count(".")
        if letters < 8 or is_address_lookup(sub):
            return None
        seen = self._pair(one, domain)
        name = hash(one.name)
        seen.asked += 1
        seen.last = one.at_s
        if one.kind in seen.kinds or len(seen.kinds) < _MOST_KINDS:
            seen.kinds[one.kind] = seen.kinds.get(one.kind, 0) + 1
        if name not in seen.names and len(seen.names) < _MOST_NAMES:
            seen.names.add(name)
            self._held_names += 1
            seen.carried += letters
            seen.entropy += (entropy(sub.replace(".", "")) - seen.entropy) / len(seen.names)
            if len(seen.samples) < 5:
                seen.samples.append(one.name[:120])
        if name not in seen.names_today and len(seen.names_today) < _MOST_NAMES:
            seen.names_today.add(name)
            self._held_names += 1
            seen.carried_today += letters
        return self._judge(one, domain, seen)

    def _judge(self, one: Query, domain: str, seen: _Asked) -> Finding | None:
        count, today = len(seen.names), len(seen.names_today)
        is_fast = count >= _LEAST_NAMES and seen.carried >= _LEAST_CARRIED * count and count >= 0.5 * seen.asked
        is_fast |= count >= _NEVER_TWICE and count >= 0.9 * seen.asked  # idle tunnels ask for short names, ever new
        is_slow = today >= _SLOW_NAMES and seen.carried_today >= _SLOW_CARRIED * today
        clients = self._odd_clients.setdefault(domain, {})
        self._odd_clients.move_to_end(domain)
        if len(self._odd_clients) > _MOST_ODD_DOMAINS:
            self._odd_clients.popitem(last=False)
        if one.client in clients or len(clients) < _MOST_CLIENTS:
            clients[one.client] = max(clients.get(one.client, 0), count)
        if not (is_fast or is_slow) or seen.entropy < _LEAST_ENTROPY:
            return None
        others = sorted((n for who, n in clients.items() if who != one.client), reverse=True)
        if len(others) >= 3 and not seen.told and count < _MANY_TIMES * others[2]:
            return None
        seen.told = True
        if one.at_s < seen.said + _SAY_AGAIN_S:
            return None
        seen.said = one.at_s
        return self._names(one, domain, seen)

    def _names(self, one: Query, domain: str, seen: _Asked) -> Finding:
        count = len(seen.names)
        each, lasted = seen.carried / max(count, 1), max(1.0, seen.last - seen.since)
        kind = max(seen.kinds, key=lambda kind: seen.kinds[kind])
        more = "at least " if count >= _MOST_NAMES else ""
        return Finding(
            "dns_tunnel", host(one.client), one.at_s, f"DNS tunnel from {one.client} by {domain}",
            f"{one.client} asked for {more}{count} different names below {domain} in {lasting(lasted)}, {each:.0f} "
            f"letters each ({seen.entropy:.1f} bits a letter; everyday names have a dozen letters), hardly one twice"
            f"{f', most of type {kind}' if kind else ''}: {amount(seen.carried, 'B')} carried out.",
            Severity.MAJOR, hold_s=1200, started_s=seen.began, seen=each, expected=12.0, unit="letters",
            score=min(30.0, count * 0.4), confidence=0.95, others=[Entity(kind="domain", id=domain)],
            evidence=[Evidence(kind="rows", title="Some of the names", columns=["name"],
                               rows=[[name] for name in seen.samples])],
        )  # fmt: skip

    def _pair(self, one: Query, domain: str) -> _Asked:
        key = (one.client, domain)
        seen = self._asked.get(key)
        if seen is None:
            seen = self._asked[key] = _Asked(one.at_s, one.at_s, began=one.at_s)
        self._asked.move_to_end(key)
        while len(self._asked) > self._most or (self._held_names > _MOST_HELD and len(self._asked) > 1):
            _, gone = self._asked.popitem(last=False)
            self._held_names -= len(gone.names) + len(gone.names_today)
        if one.at_s - seen.since > _WINDOW_S:
            if one.at_s - seen.last > _WINDOW_S:
                seen.told, seen.began = False, one.at_s
            self._held_names -= len(seen.names)
            seen.since, seen.carried, seen.asked, seen.entropy = one.at_s, 0, 0, 0.0
            seen.names, seen.kinds, seen.samples = set(), {}, []
        if one.at_s - seen.day > _DAY_S:
            self._held_names -= len(seen.names_today)
            seen.day, seen.carried_today, seen.names_today = one.at_s, 0, set()
        return seen

    def _lot(self, one: Query, domain: str) -> Finding | None:
        made = self._client(one)
        made.knows_failures |= one.failed
        if domain not in made.domains:
            if len(made.domains) >= _MOST_DOMAINS:
                return None
            made.domains.add(domain)
            self._held_domains += 1
        label = domain.split(".")[0]
        if len(label) < 7 or oddness(label) < 0.25:
            return None
        made.odd.add(domain)
        if one.failed:
            made.odd_failed.add(domain)
        enough = len(made.odd_failed) >= _ODD_FAILED if made.knows_failures else len(made.odd) >= _ODD_DOMAINS
        if not enough or len(made.odd) < 0.5 * len(made.domains) or one.at_s < made.said + _SAY_AGAIN_S:
            return None
        made.said = one.at_s
        failed = f"; {len(made.odd_failed)} of them do not exist" if made.knows_failures else ""
        shown = sorted(made.odd)[:8]
        return Finding(
            "dga", host(one.client), one.at_s, f"{one.client} asks for made-up domains",
            f"{one.client} asked for {len(made.odd)} domains that look drawn by lot, of {len(made.domains)} in "
            f"{lasting(max(1.0, one.at_s - made.since))}{failed}, such as {', '.join(shown[:3])}.",
            Severity.MAJOR, hold_s=1800, started_s=made.since, seen=float(len(made.odd)), expected=0.0, unit="domains",
            score=min(30.0, len(made.odd) * 0.3), confidence=0.9 if made.knows_failures else 0.7,
            evidence=[Evidence(kind="rows", title="Some of the domains", columns=["domain"],
                               rows=[[name] for name in shown])],
        )  # fmt: skip

    def _client(self, one: Query) -> _Made:
        made = self._made.get(one.client)
        if made is None or one.at_s - made.since > _WINDOW_S:
            self._held_domains -= len(made.domains) if made is not None else 0
            made = self._made[one.client] = _Made(one.at_s)
        self._made.move_to_end(one.client)
        while len(self._made) > self._most or (self._held_domains > _MOST_HELD and len(self._made) > 1):
            _, gone = self._made.popitem(last=False)
            self._held_domains -= len(gone.domains)
        return made

    # --- flows ---------------------------------------------------------------------------------------------------

    def _sizes(self, one: Any, now_s: float) -> Finding:
        who, packets = text_of(one["src"]), float(one["packets"].sum())
        each = float(one["octets"].sum()) / packets
        return Finding(
            "dns_tunnel", host(who), now_s, f"DNS tunnel from {who}",
            f"{who} sent {packets:.0f} DNS queries in {_MINUTES} min of {each:.0f} octets each, since "
            f"{moment(float(one['first']))}; ordinary ones have 60 to 100: their names carry data.",
            Severity.MAJOR, hold_s=1200, started_s=float(one["first"]), seen=each, expected=80.0, upper=100.0, unit="B",
            score=min(30.0, packets * 0.1), confidence=0.85,
        )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _add_up(askers: Any, keys: Any, src: Any, at: Any, packets: Any, octets: NDArray[np.float64]) -> None:
    """Queries of each asker by minute; the first minute of an unbroken run is remembered."""
    for i in range(len(keys)):
        slot = slot_of(askers, keys[i], at[i], 3600.0)
        if slot < 0:
            slot = -1 - slot
            askers[slot].key, askers[slot].minute, askers[slot].first = keys[i], 0, at[i]
            askers[slot].src[0], askers[slot].src[1] = src[i, 0], src[i, 1]
        one = askers[slot]
        minute = int(at[i] // 60)
        if minute > one.minute + _MINUTES:
            one.first = at[i]
        if minute > one.minute:
            for gone in range(max(one.minute + 1, minute - _MINUTES + 1), minute + 1):
                one.packets[gone % _MINUTES] = one.octets[gone % _MINUTES] = 0.0
            one.minute = minute
        one.seen = max(one.seen, at[i])
        one.packets[minute % _MINUTES] += packets[i]
        one.octets[minute % _MINUTES] += octets[i]
        one.weight = np.float32(min(one.weight + packets[i], 1e6))
