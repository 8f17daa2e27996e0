"""Settings of what others push (section ``push`` of ``weft.yaml``)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from weft.component import Config


class PushConfig(Config):
    """What may be pushed to the API: Prometheus remote write, OTLP, changes. Senders need a token: docs/api.md."""

    enabled: bool = True
    """Whether pushed telemetry is taken at all."""
    max_body_bytes: int = Field(default=16 << 20, ge=1024, le=1 << 30)
    """Largest request, bytes as they arrive."""
    max_decoded_bytes: int = Field(default=64 << 20, ge=1024, le=1 << 30)
    """Largest request, bytes when decompressed."""
    in_flight_bytes: int = Field(default=256 << 20, ge=1 << 20)
    """Memory for requests that are being received and read, bytes; more are answered 503 with Retry-After."""
    concurrency: int = Field(default=4, ge=1, le=64)
    """Requests that are read at a time."""
    sender_values_per_s: int = Field(default=0, ge=0)
    """Most values (samples, points, records) a second to take from one sender; 0 = no limit. More are answered 429."""
    most_series: int = Field(default=1_000_000, ge=1000, le=50_000_000)
    """Series of Prometheus that are known at a time; those not heard of for longest are forgotten and read again."""
    expected_s: float = Field(default=60.0, ge=0)
    """A sender of metrics that sends nothing for three times this long is shown as silent, seconds; 0 = never."""
    rules: tuple[Path, ...] = ()
    """Files with rules that say whose metric is which of ours, tried before Weft's own. See docs/prometheus.md."""
    resource_labels: tuple[str, ...] = (
        "service.name", "service.namespace", "k8s.cluster.name", "k8s.namespace.name", "k8s.pod.name",
        "k8s.container.name", "job", "site",
    )  # fmt: skip
    """OpenTelemetry resource attributes that become labels of every value."""
