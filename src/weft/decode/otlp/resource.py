"""Which device an OpenTelemetry resource is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from weft.decode.otlp.wire import snake, texts
from weft.decode.prometheus.rules import without_port
from weft.model.addresses import NO_ADDRESS, address_of_host

#: Attributes that name the device, best first.
HOSTS = ("host.name", "net.host.name", "device.name", "k8s.node.name", "service.instance.id", "host.id")
#: Attributes that hold an address of it.
ADDRESSES = ("host.ip", "net.host.ip", "device.ip", "server.address")
#: Resource attributes that become labels of every value: enough to tell programs apart, few enough to be read.
LABELS = (
    "service.name", "service.namespace", "k8s.cluster.name", "k8s.namespace.name", "k8s.pod.name",
    "k8s.container.name", "job", "site",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """A resource: its host, address and labels."""

    host: str
    exporter: bytes
    labels: dict[str, str]
    service: str


def origin_of(resource: Any, labels: Sequence[str] = LABELS) -> Origin:
    """Host, address and labels of a ``Resource``."""
    attributes = texts(resource.attributes[:256])
    host = next((without_port(attributes[name]) for name in HOSTS if attributes.get(name)), "")
    exporter = next((one for name in ADDRESSES for one in _addresses(attributes.get(name, ""))), address_of_host(host))
    kept = {snake(name): attributes[name] for name in labels if attributes.get(name)}
    return Origin(host[:512], exporter, kept, attributes.get("service.name", ""))


def _addresses(value: str) -> list[bytes]:
    """The addresses in an attribute, a text or a list; loopback and link-local ones name nobody."""
    if value.startswith("["):
        try:
            many = [str(one) for one in json.loads(value)]
        except ValueError:
            many = []
    else:
        many = [value] if value else []
    found = [address_of_host(one) for one in many if not one.startswith(("127.", "fe80", "::1", "169.254."))]
    return [one for one in found if one != NO_ADDRESS]
