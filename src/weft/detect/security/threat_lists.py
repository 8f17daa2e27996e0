"""Threat lists: addresses, prefixes and domains that users say are bad, and rows that have to do with them.

A list is text, one entry a line: ``198.51.100.7``, ``203.0.113.0/24``, ``bad.example``; lines of hosts files and the
first field of CSV are understood; ``#`` and ``;`` begin remarks. Files are read by ``ThreatFiles``, which whoever makes
the detectors owns: detectors do no I/O. They get it as the fact ``threat_lists``.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import numpy as np
import pyarrow as pa
import structlog
from numpy.typing import NDArray

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.security.covert import Network, Own, Talk, U64s, host, text_of
from weft.detect.security.query_logs import queries
from weft.detect.security.shared import shared
from weft.detect.texts import amount
from weft.errors import InvalidInput
from weft.model.addresses import mapped_network
from weft.model.events import Entity, EventGroup, Evidence, Severity

MOST_ENTRIES = 2_000_000
MOST_OCTETS = 256 << 20
_MOST_TOLD = 50_000  # hosts and entries, of the last hour
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)+[a-z][a-z0-9-]{1,62}")
_SINKS = frozenset(("0.0.0.0", "127.0.0.1", "::", "::1"))  # noqa: S104 - first field of hosts files
_V4 = np.uint64(0xFFFF)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ThreatList:
    """One list. ``skipped``: lines that are neither address nor domain."""

    name: str
    networks: tuple[Network, ...]
    domains: frozenset[str]
    skipped: int = 0


def parse_list(name: str, lines: Iterable[str]) -> ThreatList:
    """A list from its lines. Raises ``InvalidInput`` where it has more than ``MOST_ENTRIES``."""
    networks: list[Network] = []
    domains: set[str] = set()
    skipped = 0
    for line in lines:
        entry = _entry(line)
        if not entry:
            continue
        try:
            networks.append(ip_network(entry, strict=False))
        except ValueError:
            if _DOMAIN.fullmatch(entry) and len(entry) <= 253:
                domains.add(entry)
            else:
                skipped += 1
        if len(networks) + len(domains) > MOST_ENTRIES:
            raise InvalidInput(f"has more than {MOST_ENTRIES:,} entries", where=f"threat list {name}")
    return ThreatList(name, tuple(networks), frozenset(domains), skipped)


def _entry(line: str) -> str:
    text = re.split(r"[#;]", line[:1000], maxsplit=1)[0].strip().lower()
    if not text:
        return ""
    fields = [one for one in re.split(r"[\s,]+", text) if one]
    chosen = fields[1] if len(fields) > 1 and fields[0] in _SINKS else fields[0] if fields else ""
    return chosen.strip('"').removeprefix("*.").rstrip(".")


class ThreatLists:
    """Several lists, made for looking up whole columns."""

    def __init__(self, lists: Sequence[ThreatList]) -> None:
        self.lists = tuple(lists)
        spans4, spans6 = [], []
        for which, one in enumerate(lists):
            for network in one.networks:
                mapped = mapped_network(network)
                first, last = int(mapped.network_address), int(mapped.broadcast_address)
                if network.version == 4:
                    spans4.append((first & 0xFFFFFFFF, last & 0xFFFFFFFF, which))
                else:
                    spans6.append((first >> 64, last >> 64, which))
        self._v4, self._v6 = _flat(spans4), _flat(spans6)
        self._domains = {domain: which for which, one in enumerate(lists) for domain in one.domains}

    def find(self, address: U64s) -> NDArray[np.int64]:
        """Which list holds each address (uint64 [N, 2]); −1 = none. IPv6 entries longer than /64 count as /64."""
        is_v4 = (address[:, 0] == 0) & (address[:, 1] >> np.uint64(32) == _V4)
        low = address[:, 1] & np.uint64(0xFFFFFFFF)
        found: NDArray[np.int64] = np.where(is_v4, _within(self._v4, low), _within(self._v6, address[:, 0]))
        return found

    def find_domain(self, name: str) -> tuple[str, str]:
        """The entry that a name is or is below, and its list; empty texts where there is none."""
        labels = name.split(".")
        for at in range(len(labels) - 1):
            entry = ".".join(labels[at:])
            if entry in self._domains:
                return entry, self.lists[self._domains[entry]].name
        return "", ""


_Spans = tuple[U64s, U64s, NDArray[np.int64]]


def _flat(spans: list[tuple[int, int, int]]) -> _Spans:
    """Spans that nest or touch made one after another; what is held by several is said of the first."""
    flat: list[list[int]] = []
    for first, last, which in sorted(spans):
        if flat and first <= flat[-1][1]:
            if last > flat[-1][1]:
                flat.append([flat[-1][1] + 1, last, which])
        else:
            flat.append([first, last, which])
    return (np.array([one[0] for one in flat], np.uint64), np.array([one[1] for one in flat], np.uint64),
            np.array([one[2] for one in flat], np.int64))  # fmt: skip


def _within(spans: _Spans, value: U64s) -> NDArray[np.int64]:
    first, last, which = spans
    if not len(first):
        return np.full(len(value), -1, np.int64)
    at = np.searchsorted(first, value, side="right").astype(np.int64) - 1
    is_in = (at >= 0) & (value <= last[np.maximum(at, 0)])
    return np.where(is_in, which[np.maximum(at, 0)], -1)


class ThreatFiles:
    """Lists in files, read again when one changed. A file that cannot be read keeps what it said before."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._stamps: dict[Path, tuple[int, int]] = {}
        self._read: dict[Path, ThreatList] = {}
        self._lists = ThreatLists(())
        self.errors: dict[Path, str] = {}

    def current(self) -> ThreatLists:
        """The lists as of now; cheap while no file changed."""
        changed = False
        for path in self._paths:
            try:
                told = path.stat()
                stamp = (told.st_mtime_ns, told.st_size)
                if self._stamps.get(path) == stamp:
                    continue
                self._stamps[path] = stamp
                if told.st_size > MOST_OCTETS:
                    raise InvalidInput("is too large", where=str(path))
                with path.open(encoding="utf-8", errors="replace") as lines:
                    self._read[path] = parse_list(path.stem, lines)
                self.errors.pop(path, None)
                changed = True
            except InvalidInput as error:
                self._failed(path, error)
            except OSError as error:
                self._stamps.pop(path, None)  # it is tried again: that it may be read now changes no stamp
                self._failed(path, error)
        if changed:
            self._lists = ThreatLists([self._read[path] for path in self._paths if path in self._read])
        return self._lists

    def _failed(self, path: Path, error: Exception) -> None:
        if self.errors.get(path) != str(error):
            _log.warning("threat_list_not_read", path=str(path), error=str(error))
            self.errors[path] = str(error)


class ThreatMatches(RowsDetector):
    """Compares flows and DNS queries with threat lists. Settings: ``entries``, a list of its own in the settings."""

    about = About(
        "threat_list", "Threat lists", EventGroup.SECURITY,
        "A host has to do with an address or a domain that is on one of your lists.",
        {"threat_match": "Traffic or DNS query to something on a threat list."},
    )  # fmt: skip
    tables = ("flows", "logs")

    def __init__(self, context: Context) -> None:
        entries = context.config.settings.get("entries", ())
        self._own = Own(context.networks)
        self._fact = context.facts.get("threat_lists")
        self._inline = ThreatLists([parse_list("settings", [str(one) for one in entries])])
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Match rows; what was found within the last minute is not said again."""
        lists = self._fact() if self._fact is not None else self._inline
        if not rows.num_rows or not isinstance(lists, ThreatLists) or not lists.lists:
            return []
        if table == "logs":
            return self._names(rows, lists)
        return self._sent(shared(rows, self._own()).talk, lists)

    def tick(self, now_s: float) -> list[Finding]:
        """Forget what was said long ago."""
        while self._told and next(iter(self._told.values())) < now_s - 3600:
            self._told.popitem(last=False)
        return []

    def _sent(self, flow: Talk, lists: ThreatLists) -> list[Finding]:
        which = lists.find(flow.dst)
        rows = np.flatnonzero((which >= 0) & (flow.src_net >= 0))
        found = []
        for i in rows[:20_000]:
            is_client = flow.dst_port[i] < flow.src_port[i] or flow.dst_port[i] == 0
            if not is_client and (flow.seen[i] < 4 or flow.octets[i] < 1000):
                continue  # a refusal of what knocks from outside
            who, whom = text_of(flow.src[i]), text_of(flow.dst[i])
            if not self._is_news(who, whom, float(flow.received[i])):
                continue
            name = lists.lists[which[i]].name
            found.append(Finding(
                "threat_match", host(who), float(flow.received[i]), f"{who} talks to {whom}, which is on {name}",
                f"{who} sent {amount(float(flow.octets[i]), 'B')} to {whom} port {flow.dst_port[i]}, which is on the "
                f"threat list {name}" + ("." if is_client else "; it answered, and did not begin."),
                Severity.MAJOR if is_client else Severity.MINOR, hold_s=3600, started_s=float(flow.start[i]),
                score=6.0, labels={"entry": whom}, others=[host(whom)],
                evidence=[Evidence(kind="fact", title="Threat list", text=f"{whom} is on {name}.")],
            ))  # fmt: skip
        return found

    def _names(self, rows: pa.RecordBatch, lists: ThreatLists) -> list[Finding]:
        found = []
        for one in queries(rows):
            entry, name = lists.find_domain(one.name)
            if not entry or not self._is_news(one.client, entry, one.at_s):
                continue
            found.append(Finding(
                "threat_match", host(one.client), one.at_s, f"{one.client} asks for {entry}, which is on {name}",
                f"{one.client} asked for {one.name}; {entry} is on the threat list {name}.", Severity.MAJOR,
                hold_s=3600, score=6.0, labels={"entry": entry}, others=[Entity(kind="domain", id=entry)],
                evidence=[Evidence(kind="fact", title="Threat list", text=f"{entry} is on {name}.")],
            ))  # fmt: skip
        return found

    def _is_news(self, who: str, what: str, at_s: float) -> bool:
        if self._told.get((who, what), -1e9) > at_s - 60:
            return False
        self._told[(who, what)] = at_s
        self._told.move_to_end((who, what))
        if len(self._told) > _MOST_TOLD:
            self._told.popitem(last=False)
        return True
