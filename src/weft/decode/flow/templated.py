"""NetFlow v5, v9 and IPFIX messages to rows: binds sets to templates in wire order, then decodes them in one go."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import LATE_DATAGRAM, FlowColumns
from weft.decode.flow.counters import C_EXPIRED, C_REPLAYED, C_TEMPLATE_CHANGES
from weft.decode.flow.execute import execute, most_rows
from weft.decode.flow.fields import SCRATCH_VALUES
from weft.decode.flow.held import HeldSet, HeldSets, hold, release
from weft.decode.flow.limits import DecodeLimits
from weft.decode.flow.messages import M_DATAGRAM, M_KIND, M_RECEIVED, M_RECORDS, M_SLOT, Messages
from weft.decode.flow.options import Learned, is_telling, read_options, record_places
from weft.decode.flow.reasons import Reason
from weft.decode.flow.sampling import SamplingState
from weft.decode.flow.sets import (
    DONE,
    S_AT,
    S_COLUMNS,
    S_END,
    S_ID,
    S_MESSAGE,
    S_PROGRAM,
    S_TEMPLATE,
    SKIP,
    TEMPLATES,
    UNRESOLVED,
    count_sets,
    index_sets,
    resolve,
)
from weft.decode.flow.streams import OVERFLOW, StreamTable
from weft.decode.flow.templates import Template, TemplateTable, parse_templates
from weft.model.addresses import address_text
from weft.model.exporters import InterfaceFact

_TEMPLATE_SETS_PER_BATCH = 256  # changed ones, of one stream; refreshes do not count


class TemplatedDecoder:
    """Everything between the headers of NetFlow and IPFIX messages and the columns."""

    def __init__(self, limits: DecodeLimits, streams: StreamTable, sampling: SamplingState) -> None:
        self._limits, self._streams, self._sampling = limits, streams, sampling
        self.templates = TemplateTable(limits)
        self.held = HeldSets(limits)
        self.interfaces: list[InterfaceFact] = []
        self._names: dict[int, dict[int, tuple[str, str]]] = {}
        self._late: list[tuple[Messages, NDArray[np.int64]]] = []
        self._replaced: list[int] = []
        self._scratch = np.zeros((max(limits.max_records_per_datagram, 1), SCRATCH_VALUES), np.int64)
        self._places = np.zeros((max(limits.max_fields, 1), 2), np.int64)
        self._options_left = 0
        self._changes_left: dict[int, int] = {}

    def decode(self, messages: Messages, out: FlowColumns) -> None:
        """Append the records of all NetFlow and IPFIX messages to ``out``, in wire order."""
        most = count_sets(messages.data, messages.info)
        if most == 0:
            return
        sets = np.zeros((most, S_COLUMNS), np.int64)
        sets = sets[: index_sets(messages.data, messages.info, sets, self._streams.errors)]
        self._options_left = self._limits.options_per_batch
        self._changes_left.clear()
        done = position = 0
        while True:
            position, why = self._resolve(messages, sets, position)
            if why == DONE:
                break
            if why == TEMPLATES:
                self._learn_templates(messages, sets, position)
            else:
                contradicts = self._read_set(messages, sets[position], apply=False)
                if contradicts:  # records before this point go by what was said earlier
                    self._execute(messages, sets[done:position], out)
                    done = position
                self._read_set(messages, sets[position], apply=True)
            sets[position, S_TEMPLATE] = SKIP
            position += 1
        self._execute(messages, sets[done:], out)
        self._hold(messages, sets)

    def decode_late(self, out: FlowColumns) -> int:
        """Append records whose template has come since; returns how many of them came in earlier batches."""
        held_back = 0
        late, self._late = self._late, []
        for messages, sets in late:
            before = out.rows
            self._execute(messages, sets, out)
            if messages.info[0, M_DATAGRAM] == LATE_DATAGRAM:
                held_back += out.rows - before
        self._drop(np.array(self._replaced, np.int64))
        self._replaced.clear()
        self.templates.compact()
        return held_back

    def forget(self, slots: NDArray[np.int64]) -> None:
        """Drop what belongs to released streams."""
        gone = {int(slot) for slot in slots}
        self.templates.drop(self.templates.of_streams(slots))
        self.held.drop(gone)
        for slot in gone:
            self._names.pop(slot, None)

    def tick(self, now_ns: int) -> None:
        """Give up on held data and templates that are too old."""
        for slot, count in self.held.expire(now_ns).items():
            self._streams.counters[slot, C_EXPIRED] += count
            self._streams.errors[slot, Reason.HELD_EXPIRED] += count
        self._drop(self.templates.expired(now_ns))

    def _drop(self, indices: NDArray[np.int64]) -> None:
        """Drop templates, keeping what they counted of unknown fields."""
        if len(indices) == 0:
            return
        for index in indices:
            template = self.templates.templates[index]
            if template is not None:
                known = self._streams.unknown_fields.setdefault(template.slot, {})
                for name, count in self.templates.unknown(int(index)).items():
                    if name in known or len(known) < self._limits.max_fields:
                        known[name] = known.get(name, 0) + count
        self.templates.drop(indices)

    def _resolve(self, messages: Messages, sets: NDArray[np.int64], first: int) -> tuple[int, int]:
        table = self.templates
        found: tuple[int, int] = resolve(
            messages.data,
            messages.info,
            sets,
            first,
            table.index.view(),
            table.digests,
            table.seen,
            table.program,
            table.is_options,
            self._streams.errors,
        )
        return found

    def _execute(self, messages: Messages, sets: NDArray[np.int64], out: FlowColumns) -> None:
        code = self.templates.programs.arrays()
        rows = most_rows(messages.info, sets, code.programs, self._limits.max_records_per_datagram)
        if rows == 0:
            return
        m = out.reserve(rows)
        written = execute(
            messages.data,
            messages.info,
            messages.exporter,
            sets,
            code,
            m,
            out.rows,
            self._sampling.arrays(),
            self._streams.counters,
            self._streams.errors,
            self.templates.records,
            self._scratch,
            self._places,
            self._limits.max_records_per_datagram,
        )
        out.commit(written)

    def _learn_templates(self, messages: Messages, sets: NDArray[np.int64], position: int) -> None:
        row = sets[position]
        head = messages.info[row[S_MESSAGE]]
        slot, kind = int(head[M_SLOT]), int(head[M_KIND])
        errors = self._streams.errors[slot]
        left = self._changes_left.setdefault(slot, _TEMPLATE_SETS_PER_BATCH)
        if slot == OVERFLOW or left == 0:
            errors[Reason.TOO_MANY_TEMPLATES] += 1
            return
        self._changes_left[slot] = left - 1
        options = int(row[S_ID]) in (1, 3)
        parsed = parse_templates(
            messages.data, int(row[S_AT]), int(row[S_END]), slot, kind, options, self._limits.max_fields
        )
        for one in parsed:
            if one.template is None:
                if one.reason is not None:
                    errors[one.reason] += 1
                continue
            self._define(one.template, one.fingerprint, int(head[M_RECEIVED]), messages, sets[:position])

    def _define(
        self, template: Template, fingerprint: int, now_ns: int, messages: Messages, before: NDArray[np.int64]
    ) -> None:
        defined = self.templates.define(template, fingerprint, now_ns)
        if isinstance(defined, Reason):
            self._streams.errors[template.slot, defined] += 1
            return
        index, replaced = defined
        if replaced >= 0:
            self._streams.counters[template.slot, C_TEMPLATE_CHANGES] += 1
            self._replaced.append(replaced)
        waiting = self.held.take(template.slot, template.number)
        if waiting:
            self._replay(template, index, waiting)
        self._bind(template, index, messages, before)

    def _bind(self, template: Template, index: int, messages: Messages, before: NDArray[np.int64]) -> None:
        """Sets of this batch that came before their template."""
        mine = (before[:, S_TEMPLATE] == UNRESOLVED) & (before[:, S_ID] == template.number)
        mine &= messages.info[before[:, S_MESSAGE], M_SLOT] == template.slot
        found = np.flatnonzero(mine)
        if len(found) == 0:
            return
        self._streams.counters[template.slot, C_REPLAYED] += len(found)
        before[found, S_TEMPLATE] = SKIP
        bound = before[found].copy()
        bound[:, S_TEMPLATE], bound[:, S_PROGRAM] = index, self.templates.program[index]
        self._release(template, messages, bound)

    def _replay(self, template: Template, index: int, waiting: list[HeldSet]) -> None:
        """Sets of earlier batches that waited for this template."""
        self._streams.counters[template.slot, C_REPLAYED] += len(waiting)
        messages, sets = release(waiting, index, int(self.templates.program[index]))
        self._release(template, messages, sets)

    def _release(self, template: Template, messages: Messages, sets: NDArray[np.int64]) -> None:
        if template.options:
            for row in sets:
                self._read_set(messages, row, apply=True)
        else:
            self._late.append((messages, sets))

    def _read_set(self, messages: Messages, row: NDArray[np.int64], *, apply: bool) -> bool:
        """Read an options data set; returns whether it contradicts what is in use. Nothing changes until ``apply``."""
        head = messages.info[row[S_MESSAGE]]
        slot = int(head[M_SLOT])
        template = self.templates.templates[int(row[S_TEMPLATE])]
        assert template is not None
        telling = is_telling(template)
        most = self._options_left if telling else 0
        places, count = record_places(template, messages.data, int(row[S_AT]), int(row[S_END]), most)
        learned = read_options(template, messages.data, places) if len(places) else Learned()
        if not apply:
            return self._sampling.changes(slot, learned.facts, learned.init_ms)
        self._options_left -= len(places)
        records = count if count >= 0 else -1 - count
        head[M_RECORDS] += records
        if count < 0:
            self._streams.errors[slot, Reason.RECORD_TRUNCATED] += 1
        if telling and len(places) < records:
            self._streams.errors[slot, Reason.TOO_MANY_OPTIONS] += 1
        if slot == OVERFLOW:
            return False
        if learned.facts or learned.init_ms:
            self._sampling.learn(slot, learned.facts, learned.init_ms)
        self._name_interfaces(slot, learned.interfaces, int(head[M_RECEIVED]))
        return False

    def _name_interfaces(self, slot: int, interfaces: dict[int, tuple[str, str]], now_ns: int) -> None:
        """Report interface names that are new or changed."""
        known = self._names.setdefault(slot, {}) if interfaces else {}
        for number, (name, description) in interfaces.items():
            if known.get(number) == (name, description):
                continue
            if number in known or len(known) < self._limits.max_facts_per_stream:
                known[number] = (name, description)
                exporter = address_text(self._streams.exporter(slot), "::")
                self.interfaces.append(InterfaceFact(exporter, number, name, description, 0, now_ns))

    def _hold(self, messages: Messages, sets: NDArray[np.int64]) -> None:
        """Keep what still has no template; count what there is no room for."""
        full: set[int] = set()
        for position in np.flatnonzero(sets[:, S_TEMPLATE] == UNRESOLVED):
            row = sets[position]
            slot = int(messages.info[row[S_MESSAGE], M_SLOT])
            if slot == OVERFLOW or slot in full or not self.held.add(slot, hold(messages, row)):
                full.add(slot)
                self._streams.errors[slot, Reason.NO_TEMPLATE] += 1
                self._streams.counters[slot, C_EXPIRED] += 1
