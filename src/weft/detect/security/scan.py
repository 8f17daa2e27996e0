"""Scans: who tries hosts and ports that do not answer, fast or over hours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from ipaddress import ip_address, ip_network

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from weft.component import Config
from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.security.rows import CurrentNetworks, address_text, same_rows
from weft.detect.security.scan_kernels import ANY, HOST, PORT, sources, watch
from weft.detect.texts import lasting
from weft.errors import InvalidInput
from weft.model.events import Entity, EventGroup, Evidence, Severity

_SAY_EVERY_S = 30.0
_KEEP_SAID = 8192
_ROUND_S = 1800.0  # what scans again after so long begins another round
_HABIT_S = 30 * 86400.0
_KEEP_HABITS = 1024
_HABITUAL = 2  # earlier rounds from which on it is only worth an information


@dataclass(slots=True)
class _Habit:
    """Rounds that a host inside has made: how many, when last, and of which ports (64-bit map)."""

    rounds: int
    last_s: float
    ports: int


class ScanSettings(Config):
    """What is taken for a scan."""

    approved: list[str] = Field(default_factory=list)
    """Addresses or prefixes that may scan: one's own scanners and monitors."""
    evidence: float = Field(default=18.0, gt=3)
    """Natural logarithm of the odds that it is a scan; 18 are thirteen tries in vain and none that worked, or nine at
    ports that nobody uses."""
    evidence_without_connections: float = Field(default=80.0, gt=3)
    """The same of UDP and ping, where silence means less."""
    half_life_h: float = Field(default=12.0, gt=0, le=1000)
    """Evidence counts half after so many hours: how slow a scan may be."""
    most_sources: int = Field(default=32_768, ge=256, le=1 << 22)
    """Entries (a source, a source and a port, a source and a host) that are remembered; 170 octets each."""

    @field_validator("approved")
    @classmethod
    def _prefixes(cls, given: list[str]) -> list[str]:
        for one in given:
            ip_network(one, strict=False)
        return given


class ScanDetector(RowsDetector):
    """Scans by who does them. Memory: ``most_sources`` entries."""

    about = About(
        "port_scan", "Scans", EventGroup.SECURITY,
        "Who tries ever other hosts or ports that do not answer: vertical, horizontal, fast or over hours.",
        {"port_scan": "A host tries ports or hosts that do not answer."},
    )  # fmt: skip
    tables = ("flows",)

    def __init__(self, context: Context) -> None:
        self._settings = ScanSettings.model_validate(context.config.settings)
        slots = 1 << (self._settings.most_sources - 1).bit_length()
        self._sources = sources(slots)
        self._found = np.zeros(slots, np.bool_)
        # Chances of a try in vain by a scanner and by others: of what is sampled, and of what is not. The latter hardly
        # ever try ports at which nobody is served.
        self._gains = np.log(0.8 / np.array([[0.3, 0.2], [0.15, 0.1]]))
        self._limits = np.array([self._settings.evidence, self._settings.evidence_without_connections])
        self._approved = [ip_network(one, strict=False) for one in self._settings.approved]
        self._own = CurrentNetworks(context.networks)
        self._said_s: dict[str, float] = {}
        self._habits: dict[str, _Habit] = {}
        self._faded_s = 0.0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:  # noqa: ARG002 - flows are all it is given
        """Weigh rows; who has become suspect by them."""
        if not rows.num_rows:
            return []
        flows = same_rows(rows)
        at_s = np.where(flows.received_s - flows.end_s > 120, flows.received_s, flows.end_s)
        watch(
            self._sources, (flows.src_high, flows.src_low, flows.dst_high, flows.dst_low),
            (flows.src_port, flows.dst_port, flows.protocol, flows.flags, flows.seen, flows.octets, flows.rate, at_s),
            self._gains, self._settings.half_life_h * 3600, self._limits, self._found,
        )  # fmt: skip
        if not self._found.any():
            return []
        slots = np.flatnonzero(self._found)
        self._found[slots] = False
        now_s = float(flows.received_s.max())
        # Of a source, what says most precisely what it does is told first.
        worth = self._sources.score[slots] * np.where(self._sources.family[slots] == ANY, 1.0, 1.5)
        return list(self._told(slots[np.argsort(-worth)], now_s))

    def tick(self, now_s: float) -> list[Finding]:
        """Entries of long ago give way sooner."""
        if now_s - self._faded_s >= 3600:
            self._sources.weights[:] *= np.float32(0.8)
            self._said_s = {key: at for key, at in self._said_s.items() if now_s - at < 3600}
            self._habits = {who: one for who, one in self._habits.items() if now_s - one.last_s < _HABIT_S}
            self._faded_s = now_s
        return []

    def save(self) -> bytes:
        """Who scans again and again; what is under way is forgotten."""
        return json.dumps({who: astuple(one) for who, one in self._habits.items()}).encode()

    def load(self, state: bytes) -> None:
        """Raises ``InvalidInput`` where the state is not understood."""
        try:
            told = json.loads(state or b"{}")
            self._habits = {
                str(who): _Habit(int(rounds), float(last_s), int(ports))
                for who, (rounds, last_s, ports) in list(told.items())[:_KEEP_HABITS]
            }
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidInput(f"is not understood: {error}", where="state of port_scan") from None

    def _habitual(self, who: str, slot: int, now_s: float) -> int:
        """Earlier rounds of a host inside that were like this one; 0 where it is the first, or of other ports."""
        ports = int(self._sources.ports[slot])
        habit = self._habits.get(who)
        if habit is None:
            if len(self._habits) < _KEEP_HABITS:
                self._habits[who] = _Habit(0, now_s, ports)
            return 0
        if now_s - habit.last_s > _ROUND_S:
            habit.rounds += 1
        known = habit.rounds > 0 and (ports & ~habit.ports).bit_count() <= 1
        habit.last_s = now_s
        habit.ports |= ports
        return habit.rounds if known else 0

    @property
    def bytes_used(self) -> int:
        """Octets of memory."""
        return sum(column.nbytes for column in self._sources) + self._found.nbytes

    def _told(self, slots: np.ndarray[tuple[int], np.dtype[np.int64]], now_s: float) -> Iterator[Finding]:
        own = self._own()
        for slot in slots.tolist():
            high, low = self._sources.high[slot], self._sources.low[slot]
            who = address_text(high, low)
            if now_s - self._said_s.get(who, -1e9) < _SAY_EVERY_S or self._may(who):
                continue
            if len(self._said_s) < _KEEP_SAID:
                self._said_s[who] = now_s
            inside = bool(own.find(np.array([high]), np.array([low]))[0] >= 0)
            rounds = self._habitual(who, slot, now_s) if inside else 0
            yield self._finding(slot, who, inside, rounds, now_s)

    def _may(self, who: str) -> bool:
        address = ip_address(who)
        return any(address.version == one.version and address in one for one in self._approved)

    def _finding(self, slot: int, who: str, inside: bool, rounds: int, now_s: float) -> Finding:
        s = self._sources
        tried, since, family = int(s.tried[slot]), float(s.since_s[slot]), int(s.family[slot])
        lasts = max(1.0, now_s - since)
        host = address_text(s.host_high[slot], s.host_low[slot])
        port = {6: "TCP port ", 17: "UDP port "}.get(int(s.protocol[slot]), "ping")
        port += str(int(s.port[slot])) if int(s.protocol[slot]) in (6, 17) else ""
        what = {
            PORT: f"{port} of ever other hosts, {tried} so far",
            HOST: f"ever other ports of {host}, {tried} so far",
            ANY: f"ever other hosts and ports, {tried} so far, last {port} of {host}",
        }[family]
        kind = {PORT: "Horizontal scan", HOST: "Vertical scan", ANY: "Scan"}[family]
        habit = (
            f" It did the same in {rounds} earlier rounds: if it may, name it in `approved`." if rounds >= _HABITUAL
            else ""
        )  # fmt: skip
        slow = ", slowly" if tried / lasts < 0.3 and lasts > 600 else ""
        return Finding(
            "port_scan", Entity(kind="host", id=who), now_s, f"{kind} by {who}{slow}",
            f"{who} tries {what} in {lasting(lasts)}; next to none answers. By chance, with one try in five in vain, "
            f"once in 10^{s.score[slot] / np.log(10):.0f} times.{habit}",
            Severity.INFO if rounds >= _HABITUAL else Severity.MAJOR if inside else Severity.MINOR,
            hold_s=900.0, started_s=min(since, now_s), seen=tried / lasts, unit="tries/s",
            score=min(30.0, float(s.score[slot]) / float(np.log(10))), confidence=0.95,
            others=(Entity(kind="host", id=host),) if family == HOST else (),
            evidence=(Evidence(
                kind="query", title="What it tries",
                query={"dataset": "flows", "view": "table", "by": ["dst_addr", "dst_port"],
                       "filter": f"src_addr = {who}"},
            ),),
        )  # fmt: skip
