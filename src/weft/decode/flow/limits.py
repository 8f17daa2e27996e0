"""What a decoder may spend, and what the operator says about sampling."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Network, ip_address, ip_network


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Bounds that keep any input, however hostile, from growing memory or time without end."""

    max_streams: int = 16384  # (exporter, protocol, domain) at once; further ones share one overflow stream
    max_streams_per_source: int = 1024  # of those, from one UDP source address
    max_templates_per_stream: int = 4096
    max_templates: int = 65536  # over all streams
    max_fields: int = 1024  # of one template
    max_records_per_datagram: int = 4096  # the rest of the datagram is counted and skipped
    held_sets_per_stream: int = 256  # data before its template
    held_bytes_per_stream: int = 1 << 18
    held_bytes: int = 1 << 25  # over all streams
    held_seconds: float = 1800.0  # common template refresh intervals are 1 to 30 minutes
    template_seconds: float = 30 * 86400.0  # a template not announced again for this long is dropped
    options_per_batch: int = 20000  # options records looked at in one batch
    max_facts_per_stream: int = 8192  # sampler and interface facts kept


@dataclass(frozen=True, slots=True)
class SamplingRule:
    """What the operator says about the exporters within ``exporters`` (a prefix or an address).

    ``override`` replaces whatever the exporter says; ``default`` is used where it says nothing. 0 = not set.
    """

    exporters: str
    default: int = 0
    override: int = 0


class SamplingOverrides:
    """Sampling rules; the longest matching prefix decides."""

    def __init__(self, rules: tuple[SamplingRule, ...] = ()) -> None:
        parsed = [(_mapped(rule.exporters), rule) for rule in rules]
        self._rules = sorted(parsed, key=lambda item: -item[0].prefixlen)

    def match(self, exporter: bytes) -> SamplingRule | None:
        """The rule for an exporter's 16-byte address."""
        address = ip_address(exporter)
        return next((rule for network, rule in self._rules if address in network), None)


def _mapped(prefix: str) -> IPv6Network:
    network = ip_network(prefix, strict=False)
    if isinstance(network, IPv6Network):
        return network
    return IPv6Network(f"::ffff:{network.network_address}/{network.prefixlen + 96}")
