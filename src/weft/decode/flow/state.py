"""What a decoder has learned, in a form that survives a restart: JSON-able, independent of slots and compiled code."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


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

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> TemplateState:
        """From a JSON object; keys of other versions are ignored."""
        return cls(**{name: value[name] for name in cls.__dataclass_fields__ if name in value})
