"""The facade of flow decoding: one decoder per collector, fed with batches of datagrams of any protocol."""

from __future__ import annotations

from ipaddress import ip_address

import numpy as np
import structlog
from numpy.typing import NDArray

from weft.decode.datagrams import DatagramBatch
from weft.decode.flow.columns import FlowColumns
from weft.decode.flow.decoded import Decoded
from weft.decode.flow.limits import DecodeLimits, SamplingOverrides
from weft.decode.flow.messages import M_SLOT, SFLOW, Messages
from weft.decode.flow.metric_columns import MetricColumns
from weft.decode.flow.programs import Field
from weft.decode.flow.reasons import Reason
from weft.decode.flow.sampling import Fact, SamplingState
from weft.decode.flow.sequence import account
from weft.decode.flow.sflow import SflowDecoder
from weft.decode.flow.state import TemplateState
from weft.decode.flow.streams import OVERFLOW, StreamTable
from weft.decode.flow.templated import TemplatedDecoder
from weft.decode.flow.templates import Template
from weft.model.addresses import address_text
from weft.model.exporters import InterfaceFact, StreamStatus

_MAPPED = bytes(10) + b"\xff\xff"

log = structlog.get_logger(__name__)


class FlowDecoder:
    """Decodes NetFlow v5, v9, IPFIX and sFlow v5; keeps templates, sampling rates and loss accounting per exporter.

    Not thread-safe: one thread decodes. ``decode`` never raises, whatever the bytes.
    """

    def __init__(self, limits: DecodeLimits | None = None, sampling: SamplingOverrides | None = None) -> None:
        self._limits = limits or DecodeLimits()
        self._streams = StreamTable(self._limits)
        self._sampling = SamplingState(self._streams, self._limits, sampling or SamplingOverrides())
        self._templated = TemplatedDecoder(self._limits, self._streams, self._sampling)
        self._sflow = SflowDecoder(self._streams, self._sampling)
        self._columns = FlowColumns()
        self._metrics = MetricColumns()

    def decode(self, batch: DatagramBatch) -> Decoded:
        """Everything that the datagrams hold. Unreadable parts are counted by exporter and reason, never raised."""
        released = self._streams.make_room(batch)
        if len(released):
            self._forget(released)
        messages = self._streams.identify(batch)
        try:
            return self._decode(messages)
        except Exception:
            log.exception("decode_failed", datagrams=len(batch))
            self._streams.errors[np.unique(messages.info[:, M_SLOT]), Reason.INTERNAL] += 1
            self._columns, self._metrics = FlowColumns(), MetricColumns()
            return Decoded(self._columns.to_batch(), self._metrics.to_batch())

    def streams(self) -> list[StreamStatus]:
        """The health of every stream seen."""
        statuses = {int(slot): self._streams.status(int(slot)) for slot in self._streams.slots()}
        for slot, status in statuses.items():
            status.templates = self._templated.templates.count(slot)
            status.held = self._templated.held.count(slot)
        for index, template in self._templated.templates.live():
            fields = statuses[template.slot].unknown_fields
            for name, count in self._templated.templates.unknown(index).items():
                fields[name] = fields.get(name, 0) + count
        return list(statuses.values())

    def tick(self, now_ns: int) -> None:
        """Give up on held data and templates that are older than the limits allow."""
        self._templated.tick(now_ns)

    def export_state(self) -> list[TemplateState]:
        """Templates and sampling rates, to be given to ``import_state`` after a restart."""
        states = []
        for index, template in self._templated.templates.live():
            states.append(
                TemplateState(
                    *self._identity(template.slot),
                    template.number,
                    template.options,
                    template.scopes,
                    [list(field) for field in template.fields],
                    int(self._templated.templates.seen[index]),
                )
            )
        for slot in self._streams.slots():
            facts, init_ms = self._sampling.facts(int(slot))
            if facts or init_ms:
                rates: list[list[str | int]] = [[fact.scope, fact.number, fact.rate] for fact in facts]
                states.append(TemplateState(*self._identity(int(slot)), 0, rates=rates, init_ms=init_ms))
        return states

    def import_state(self, states: list[TemplateState]) -> None:
        """Take over what another decoder had learned. What this one knows already stays; bad entries are skipped."""
        for state in states:
            if not state.is_sound():
                continue
            address = ip_address(state.exporter).packed
            packed = address if len(address) == 16 else _MAPPED + address
            slot = self._streams.open(packed, state.flow_type, state.observation_domain)
            if slot == OVERFLOW:
                continue
            self._sampling.register()
            if state.template_id:
                self._import_template(slot, state)
            else:
                facts = [Fact(str(scope), int(number), int(rate)) for scope, number, rate in state.rates]
                self._sampling.learn(slot, facts, state.init_ms)

    def _decode(self, messages: Messages) -> Decoded:
        self._sampling.register()
        self._templated.decode(messages, self._columns)
        sflow = messages.of_kind(SFLOW)
        interfaces: list[InterfaceFact] = []
        if len(sflow):
            interfaces = self._sflow.decode(messages, sflow, self._columns, self._metrics)
        held_back = self._templated.decode_late(self._columns)
        account(messages.info, self._streams.sequence, self._streams.counters)
        interfaces.extend(self._templated.interfaces)
        self._templated.interfaces.clear()
        return Decoded(self._columns.to_batch(), self._metrics.to_batch(), interfaces, held_back)

    def _import_template(self, slot: int, state: TemplateState) -> None:
        fields = tuple(Field(int(pen), int(element), int(length)) for pen, element, length in state.fields)
        template = Template(slot, state.flow_type, state.template_id, fields, state.scopes, state.options)
        known = self._templated.templates.find(slot, state.template_id)
        if known is None and len(fields) <= self._limits.max_fields:
            self._templated.templates.define(template, 0, state.seen_ns)

    def _identity(self, slot: int) -> tuple[str, int, int]:
        return (address_text(self._streams.exporter(slot), "::"), self._streams.kind(slot), self._streams.domain(slot))

    def _forget(self, slots: NDArray[np.int64]) -> None:
        self._templated.forget(slots)
        self._sflow.forget()
        for slot in slots:
            self._sampling.forget(int(slot))
