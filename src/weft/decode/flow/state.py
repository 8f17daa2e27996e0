"""What a decoder has learned, in a form that survives a restart: JSON-able, independent of slots and compiled code."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from ipaddress import ip_address
from typing import Any

from weft.model.flows import FLOW_TYPES

_U16, _U32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class TemplateState:
    """One template of one stream, or, with ``template_id`` 0, what options data told about the stream."""

    exporter: str  # textual address
    flow_type: int  # key of FLOW_TYPES
    observation_domain: int
    template_id: int
    options: bool = False
    scopes: int = 0  # how many of ``fields`` are scope fields
    fields: list[list[int]] = field(default_factory=list)  # [pen, element, length]
    seen_ns: int = 0
    rates: list[list[str | int]] = field(default_factory=list)  # [scope, number, rate]
    init_ms: int = 0  # systemInitTimeMilliseconds

    def is_sound(self) -> bool:
        """Whether every value is in its range; what was stored may be damaged or of another version."""
        try:
            ip_address(self.exporter)
            sizes = [length for pen, element, length in self.fields if 0 <= pen <= _U32 and 0 <= element <= _U16]
            rates = all(int(number) >= 0 and 0 < int(rate) <= _U32 for _, number, rate in self.rates)
        except (ValueError, TypeError):
            return False
        if not (rates and self.flow_type in FLOW_TYPES and 0 <= self.observation_domain <= _U32):
            return False
        if self.template_id == 0:
            return True
        whole = len(sizes) == len(self.fields) and all(0 <= size <= _U16 for size in sizes)
        return whole and any(sizes) and 0 <= self.scopes <= len(sizes) and 256 <= self.template_id <= _U16

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> TemplateState:
        """From a JSON object; keys of other versions are ignored."""
        return cls(**{name: value[name] for name in cls.__dataclass_fields__ if name in value})
