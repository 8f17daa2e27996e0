"""What is known of the health of one exporter's stream: the loss ledger that says *why* totals look wrong."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class StreamStatus:
    """One (exporter, protocol, observation domain) stream as the decoder sees it. Counts since the decoder was made."""

    exporter: str  # textual address: UDP source, or the sFlow agent address
    source: str  # textual UDP source address
    flow_type: int  # key of FLOW_TYPES
    observation_domain: int
    datagrams: int = 0
    octets: int = 0  # UDP payload bytes
    records: int = 0  # flow records or samples decoded
    templates: int = 0  # live templates, options templates included
    template_changes: int = 0  # redefinitions with a different layout
    sampling_rate: int = 0  # last known; 0 = unknown
    sampling_source: int = 0  # key of SAMPLING_SOURCES
    unsampled_records: int = 0  # records stored with an unknown rate
    lost: int = 0  # in `lost_unit`, from sequence numbers
    lost_unit: str = "datagrams"  # v5: flows, v9: datagrams, IPFIX: records, sFlow: datagrams
    agent_drops: int = 0  # sFlow: samples the agent says it dropped
    reordered: int = 0
    restarts: int = 0
    held: int = 0  # sets waiting for a template now
    replayed: int = 0  # sets decoded after their template came
    expired: int = 0  # sets given up on
    errors: dict[str, int] = field(default_factory=dict)  # by reason
    unknown_fields: dict[str, int] = field(default_factory=dict)  # "pen/id" → records
    first_seen_ns: int = 0
    last_seen_ns: int = 0


@dataclass(frozen=True, slots=True)
class InterfaceFact:
    """An interface name learned from options data."""

    exporter: str
    if_index: int
    name: str = ""
    description: str = ""
    speed_bps: int = 0
    learned_ns: int = 0
