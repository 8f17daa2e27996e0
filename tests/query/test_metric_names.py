"""The vocabulary of metrics: what every source of ours uses is in it, and foreign names are read by their endings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from weft.model.metric_names import KNOWN, NAMES, describe

SOURCE = Path(__file__).parents[2] / "src/weft"
PROFILES = sorted((SOURCE / "decode/snmp/profiles").glob("*.yaml"))


def _metrics(node: object) -> list[dict[str, str]]:
    if isinstance(node, dict):
        mine = [node] if isinstance(node.get("metric"), str) else []
        return mine + [m for value in node.values() for m in _metrics(value)]
    return [m for value in node for m in _metrics(value)] if isinstance(node, list) else []


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_metric_of_a_device_profile_is_in_the_vocabulary(path: Path) -> None:
    for one in _metrics(yaml.safe_load(path.read_text(encoding="utf-8"))):
        name = one["metric"]
        assert name in KNOWN, name
        assert (KNOWN[name].type == "counter") == (one.get("type", "gauge") == "counter"), name


def test_names_are_in_snake_case_with_what_belongs_to_them() -> None:
    assert len(KNOWN) == len(NAMES)
    for m in NAMES:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", m.name)
        assert m.meaning.endswith((".", ").")), m.name
        assert (m.type == "counter") == bool(m.rate_unit), m.name
        assert (m.type == "state") == bool(m.states), m.name


@pytest.mark.parametrize(("name", "type_", "unit", "rate_unit"), [
    ("in_octets", "counter", "octets", "bit/s"), ("in_errors", "counter", "packets", "packet/s"),
    ("cpu_percent", "gauge", "%", ""), ("bgp_updates_in", "counter", "updates", "update/s"),
    ("node_network_receive_bytes_total", "counter", "B", "B/s"), ("process_cpu_seconds_total", "counter", "s", "s/s"),
    ("http_request_duration_seconds", "gauge", "s", ""), ("http_request_duration_seconds_count", "counter", "", "/s"),
    ("DCGM_FI_DEV_GPU_TEMP", "unknown", "", ""), ("node_hwmon_temp_celsius", "gauge", "°C", ""),
    ("some_ratio", "unknown", "", ""), ("http_requests_total", "counter", "", "/s"), ("", "unknown", "", ""),
    ("x" * 5000, "unknown", "", ""), ("queue_drops", "counter", "", "/s"),
])  # fmt: skip
def test_foreign_names_are_read_by_their_endings(name: str, type_: str, unit: str, rate_unit: str) -> None:
    found = describe(name)
    assert (found.type, found.unit, found.rate_unit) == (type_, unit, rate_unit)
    assert found.known == (name in KNOWN)
