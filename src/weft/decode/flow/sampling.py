"""Sampling rates by scope: what options data said of samplers, interfaces and exporters, and the operator's rules.

Order for a record: the operator's override; the record itself; its sampler (of its domain, else of any domain of the
exporter); its interface; its domain; the exporter, if all its domains agree; the operator's default; else unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from weft.decode.flow.finish import (
    FACT_EXPORTER_SAMPLER,
    FACT_INTERFACE,
    FACT_NUMBERS,
    FACT_SAMPLER,
    R_COLUMNS,
    R_EXPORTER,
    R_FORCED,
    R_INIT_MS,
    R_RATE,
    R_SCOPED,
    R_SOURCE,
    RATE_CONFIGURED,
    RATE_OPTIONS,
    RATE_UNKNOWN,
    Sampling,
    fact_key,
)
from weft.decode.flow.hashing import IntMap
from weft.decode.flow.limits import DecodeLimits, SamplingOverrides, SamplingRule
from weft.decode.flow.streams import StreamTable

DOMAIN, SAMPLER, INTERFACE = "domain", "sampler", "interface"

#: Exporters work out anew when they booted for every announcement, a few ms apart; a restart moves it further.
_BOOT_JITTER_MS = 1000


@dataclass(frozen=True, slots=True)
class Fact:
    """One rate learned from options data; ``number`` is the sampler's id or the ifIndex."""

    scope: str  # DOMAIN, SAMPLER or INTERFACE
    number: int
    rate: int


@dataclass(slots=True)
class _Learned:
    rates: dict[tuple[str, int], int] = field(default_factory=dict)
    init_ms: int = 0

    def rate(self) -> int:
        """The rate that holds for the stream as a whole: stated for it, or the same for all its samplers."""
        whole = self.rates.get((DOMAIN, 0), 0)
        samplers = {rate for (scope, _), rate in self.rates.items() if scope == SAMPLER and rate > 0}
        return whole or (samplers.pop() if len(samplers) == 1 else 0)


@dataclass(slots=True)
class _Exporter:
    """What the streams of one exporter share."""

    number: int
    rule: SamplingRule | None
    slots: set[int] = field(default_factory=set)
    rate: int = 0  # the one all domains that know a rate agree on
    scoped: bool = False  # some domain knows samplers or interfaces


class SamplingState:
    """Rates of all streams, as arrays for kernels: ``rows`` has one row of ``R_*`` columns per stream slot."""

    def __init__(self, streams: StreamTable, limits: DecodeLimits, overrides: SamplingOverrides) -> None:
        self._streams, self._limits, self._overrides = streams, limits, overrides
        self.rows = np.zeros((len(streams.counters), R_COLUMNS), np.int64)
        self._facts = IntMap()
        self._learned: dict[int, _Learned] = {}
        self._exporters: dict[tuple[bytes, int], _Exporter] = {}  # by address and protocol
        self._of_slot: dict[int, _Exporter] = {}
        self._free_numbers: list[int] = []

    def arrays(self) -> Sampling:
        """What kernels need."""
        return Sampling(self.rows.ctypes.data, self._facts.view())

    def register(self) -> None:
        """Give streams that are new a row."""
        if len(self._of_slot) == self._streams.keys.state[0]:
            return
        for slot in np.flatnonzero(self._streams.keys.used & (self.rows[:, R_EXPORTER] == 0)):
            self._add(int(slot))

    def changes(self, slot: int, facts: list[Fact], init_ms: int = 0) -> bool:
        """Whether a rate or the boot time in use is contradicted, so that earlier records must be decoded first."""
        learned = self._learned.get(slot)
        if learned is None:
            return False
        if init_ms and learned.init_ms and abs(init_ms - learned.init_ms) > _BOOT_JITTER_MS:
            return True
        return any(learned.rates.get((fact.scope, fact.number), fact.rate) != fact.rate for fact in facts)

    def learn(self, slot: int, facts: list[Fact], init_ms: int = 0) -> None:
        """Keep what options data said."""
        learned = self._learned.setdefault(slot, _Learned())
        learned.init_ms = init_ms or learned.init_ms
        self.rows[slot, R_INIT_MS] = learned.init_ms
        new = [f for f in facts if learned.rates.get((f.scope, f.number)) != f.rate]
        for fact in new:
            key = (fact.scope, fact.number)
            if key in learned.rates or len(learned.rates) < self._limits.max_facts_per_stream:
                learned.rates[key] = fact.rate
                self._put(slot, fact)
        if new:
            exporter = self._of_slot[slot]
            self._agree(exporter)
            for member in exporter.slots:
                self._settle(member)

    def facts(self, slot: int) -> tuple[list[Fact], int]:
        """What is kept of a stream, for export."""
        learned = self._learned.get(slot)
        if learned is None:
            return [], 0
        return [Fact(scope, number, rate) for (scope, number), rate in learned.rates.items()], learned.init_ms

    def forget(self, slot: int) -> None:
        """Drop a released stream."""
        self.rows[slot] = 0
        learned = self._learned.pop(slot, None)
        exporter = self._of_slot.pop(slot, None)
        if exporter is not None:
            exporter.slots.discard(slot)
            if not exporter.slots:
                self._exporters = {a: e for a, e in self._exporters.items() if e is not exporter}
                self._free_numbers.append(exporter.number)
        if learned is not None and exporter is not None:
            for scope, number in learned.rates:
                for key in self._keys(slot, exporter, scope, number):
                    self._facts.put(key, 0)
            self._facts.keep(self._facts.entries[:, 1] > 0)

    def _add(self, slot: int) -> None:
        address = self._streams.exporter(slot)
        identity = (address, self._streams.kind(slot))
        exporter = self._exporters.get(identity)
        if exporter is None:
            number = self._free_numbers.pop() if self._free_numbers else len(self._exporters) + 1
            exporter = self._exporters[identity] = _Exporter(number, self._overrides.match(address))
        exporter.slots.add(slot)
        self._of_slot[slot] = exporter
        self.rows[slot, R_EXPORTER] = exporter.number
        self._settle(slot)

    def _put(self, slot: int, fact: Fact) -> None:
        exporter = self._of_slot[slot]
        for i, key in enumerate(self._keys(slot, exporter, fact.scope, fact.number)):
            rate = fact.rate
            if i == 1:  # for domains that know no rate themselves: only what no domain contradicts
                others = [
                    self._learned[s].rates.get((SAMPLER, fact.number)) for s in exporter.slots & set(self._learned)
                ]
                rate = 0 if any(other and other != rate for other in others) else rate
            self._facts.put(key, rate)

    def _keys(self, slot: int, exporter: _Exporter, scope: str, number: int) -> list[int]:
        """Keys in the table of facts: of the stream, and for samplers of the exporter as a whole."""
        if scope == DOMAIN or number >= FACT_NUMBERS:
            return []
        if scope == INTERFACE:
            return [int(fact_key(FACT_INTERFACE, slot, number))]
        return [
            int(fact_key(FACT_SAMPLER, slot, number)),
            int(fact_key(FACT_EXPORTER_SAMPLER, exporter.number, number)),
        ]

    def _agree(self, exporter: _Exporter) -> None:
        """Find what the domains of an exporter agree on."""
        learned = [self._learned[slot] for slot in exporter.slots if slot in self._learned]
        rates = {one.rate() for one in learned} - {0}
        exporter.rate = rates.pop() if len(rates) == 1 else 0
        exporter.scoped = any(scope != DOMAIN for one in learned for scope, _ in one.rates)

    def _settle(self, slot: int) -> None:
        """Decide what holds for the stream as a whole."""
        exporter, rule = self._of_slot[slot], self._of_slot[slot].rule
        rate = (self._learned[slot].rate() if slot in self._learned else 0) or exporter.rate
        source = RATE_OPTIONS if rate else RATE_UNKNOWN
        forced = rule is not None and rule.override > 0
        if rule is not None and (forced or (not rate and rule.default)):
            rate, source = rule.override or rule.default, RATE_CONFIGURED
        row = self.rows[slot]
        row[R_RATE], row[R_SOURCE], row[R_FORCED], row[R_SCOPED] = rate, source, forced, exporter.scoped
