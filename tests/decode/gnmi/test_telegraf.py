"""Telegraf's gNMI cases: every field that it makes of a response is a row or a fact of ours, and no row is made up.

What is different on purpose, everywhere:

* Fields that have a name in Weft's vocabulary carry that (``RENAMED``); states are numbers (``STATES``).
* ``default`` routing instances and the protocol's own name are no labels: they tell nothing apart.
* Names, types and indexes of things are facts of the inventory, not telemetry; so are descriptions, which Telegraf
  copies into a tag of every series where it is told to (``tag_subscription``).
* Tags that Telegraf adds of its own (``path``, ``source``, the sensor of Juniper's header) are no keys of the device's.
"""

import json
import math
import os
import re
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict
from tests.decode.gnmi.messages import decoder

from weft.decode.gnmi.paths import snake
from weft.decode.gnmi.proto import pb

DATA = Path(os.environ.get("WEFT_TEST_DATA", "../shared/data")) / "metrics" / "influxdata+telegraf"
CASES = sorted(DATA.glob("gnmi*/testcases/*/responses.json"))
OWN_TAGS = {"path", "source", "component", "component_id", "sub_component_id", "test_tag"}
NO_LABELS = {"default", "BGP"}
STATES = {"UP": 1, "DOWN": 2, "LOWER_LAYER_DOWN": 7, "ESTABLISHED": 6}
RENAMED = {
    "temperature/instant": "temperature_celsius", "temperature/avg": "temperature_celsius",
    "temperature/min": "temperature_celsius", "temperature/max": "temperature_celsius", "avg": "temperature_celsius",
    "instant": "temperature_celsius", "min": "temperature_celsius", "max": "temperature_celsius",
    "memory/available": "memory_available_bytes", "memory/utilized": "memory_used_bytes",
    "utilization/state/instant": "cpu_percent", "utilization/state/avg": "cpu_percent",
    "utilization/state/min": "cpu_percent", "utilization/state/max": "cpu_percent",
    "reserved": "memory_reserved_bytes", "used": "memory_used_bytes", "state/reserved": "memory_reserved_bytes",
    "state/used": "memory_used_bytes", "session_state": "bgp_peer_state", "last_clear": "counters_last_clear",
    "capacity": "power_supply_capacity_w", "input_current": "power_supply_input_current_a",
    "input_voltage": "power_supply_input_voltage_v", "output_current": "power_supply_output_current_a",
    "output_voltage": "power_supply_output_voltage_v", "output_power": "power_watts", "enabled": "power_supply_enabled",
    "discontinuity_time": "counters_discontinuity_time",
    "egress/packets": "queue_out_pkts", "egress/bytes": "queue_out_octets",
    "egress/tail_drop_packets": "queue_dropped_pkts", "egress/tail_drop_bytes": "queue_dropped_octets",
    "egress/peak_buffer_occupancy_bytes": "queue_watermark_bytes",
    "egress/peak_buffer_occupancy_percent": "queue_watermark_percent", "module_temp": "laser_temperature_celsius",
}  # fmt: skip
RENAMED_PATTERNS = (
    (re.compile(r".*red_drop_packets_color_\d"), "wred_dropped_pkts"),
    (re.compile(r".*red_drop_bytes_color_\d"), "wred_dropped_octets"),
    (re.compile(r".*lane_laser_receiver_power_dbm"), "optical_rx_dbm"),
    (re.compile(r".*lane_laser_output_power_dbm"), "optical_tx_dbm"),
    (re.compile(r".*lane_laser_bias_current"), "optical_bias_ma"),
    (re.compile(r".*lane_laser_temperature"), "laser_temperature_celsius"),
    (re.compile(r".*property/state/value"), None),  # called as the property
)
FACTS = re.compile(
    r"(.*/)?(name|description|type|serial_no|part_no|mfg_name|parent|index|snmp_if_index|interval|location)"
)

LINE = re.compile(r"(?P<tags>(?:\\.|[^ \\])+) (?P<fields>.*?) (?P<time>\d+)\s*$")
FIELD = re.compile(r'((?:\\.|[^=,\\])+)=("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)')


def lines(text):
    """(tags, fields, time) of influx line protocol."""
    for line in text.splitlines():
        match = LINE.match(line)
        if match:
            tags = dict(tag.split("=", 1) for tag in re.split(r"(?<!\\),", match["tags"])[1:])
            yield (
                {k: v.replace("\\", "") for k, v in tags.items()},
                dict(FIELD.findall(match["fields"])),
                int(match["time"]),
            )


def value_of(text):
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if text in {"true", "false"}:
        return float(text == "true")
    return float(text.rstrip("ui"))


def named(field, metric):
    field = re.sub(r"[\w-]+:", "", field).replace("-", "_")
    for pattern, name in RENAMED_PATTERNS:
        if pattern.fullmatch(field):
            return name in {None, metric}
    for known, name in RENAMED.items():
        if (field == known or field.endswith(f"/{known}")) and name == metric:
            return True
    leaf = snake(field.rpartition("/")[2])
    return metric == leaf or metric.endswith(f"_{leaf}") or metric == f"{leaf}_text"


def same(value, row):
    if isinstance(value, str):
        number = STATES.get(value.upper())
        if number is None and re.fullmatch(r"-?\d+(\.\d+)?", value):
            number = float(value)  # RFC 7951 has decimals and 64-bit numbers as text
        return row["text"] == value or (number is not None and row["value"] == number)
    exact = value.is_integer()  # Telegraf computes decimals in single precision
    return math.isclose(row["value"], value, rel_tol=0 if exact else 1e-7) or row["text"] == f"{value:.0f}"


def told(tags, row):
    """Whether a row carries every key that the tags do."""
    wanted = {v for k, v in tags.items() if k not in OWN_TAGS and v not in NO_LABELS and not k.endswith("description")}
    labels = dict(re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', row["labels"]))
    has = {row["component"], *row["component"].split("."), *labels.values(), row["metric"]}
    return all(value in has or snake(value) in has for value in wanted)


def decode(case):
    """(rows, every attribute of every fact) of a case, one response after the other at its own time."""
    gnmi = decoder()
    rows, skipped = [], {}
    for response in json.loads(case.read_text()):
        message = ParseDict(response, pb.SubscribeResponse())
        out = gnmi.decode([message.SerializeToString()], (message.update.timestamp or 1) + 10**9)
        for reason, count in out.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + count
        if out.rows is not None:
            rows += out.rows.to_pylist()
    return rows, skipped, gnmi.facts()[0]


@pytest.mark.skipif(not CASES, reason=f"no telegraf cases below {DATA}: set WEFT_TEST_DATA")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.parent.name)
def test_every_field_is_a_row_or_a_fact(case):
    rows, skipped, facts = decode(case)
    unexplained = list(rows)
    attributes = [fact.attributes for fact in facts]
    for tags, fields, time in lines((case.parent / "expected.out").read_text()):
        for field, text in fields.items():
            value = value_of(text)
            if field == "operation" and value == "delete":
                found = [row for row in rows if row["metric"] == "deleted" and told(tags, row)]
            else:
                found = [
                    row for row in rows
                    if named(field, row["metric"]) and same(value, row) and told(tags, row)
                ]  # fmt: skip
            found = [row for row in found if row["time"].value == time]
            if not found and FACTS.fullmatch(snake_path(field)):
                continue  # checked below where the inventory has a use for it
            assert found, f"{tags} {field}={text} {time}: no such row"
            unexplained = [row for row in unexplained if row not in found]
        for tag, value in tags.items():  # what another subscription says, copied to a tag
            if tag.endswith("/description"):
                assert any(one.get("description") == value for one in attributes) or "neighbor" in str(tags), tag
    tolerated = {"deleted"} if "17412" in str(case) else set()  # Telegraf leaves deletions out unless told otherwise
    assert {row["metric"] for row in unexplained} <= tolerated
    assert set(skipped) <= {"no_value", "no_path", "not_there"}, skipped


def snake_path(field):
    return "/".join(snake(part) for part in re.sub(r"[\w-]+:", "", field).split("/"))
