"""SONiC: what its telemetry serves of its databases, from the files that its own tests use."""

import json
import re

import pytest
from tests.decode.conftest import DATA
from tests.decode.gnmi.messages import NOW, decoder, note, rows, values

GNMI = DATA / "metrics" / "sonic-net+sonic-gnmi" / "testdata"
UTILITIES = DATA / "metrics" / "sonic-net+sonic-utilities"
TABLES = ("COUNTERS", "PERIODIC_WATERMARKS", "RATES")
#: Answers to requests: what the telemetry sends, not what is in the database (oid) nor what is made for other tests.
ANSWERS = sorted(
    path for path in GNMI.glob("*:*") if path.name.split(":")[0] in TABLES and ":oid:" not in path.name
)  # fmt: skip
CANONICAL = {
    "SAI_PORT_STAT_IF_IN_OCTETS": "in_octets", "SAI_PORT_STAT_IF_OUT_OCTETS": "out_octets",
    "SAI_PORT_STAT_IF_IN_UCAST_PKTS": "in_unicast_pkts", "SAI_PORT_STAT_IF_IN_DISCARDS": "in_discards",
    "SAI_QUEUE_STAT_BYTES": "queue_out_octets", "SAI_QUEUE_STAT_PACKETS": "queue_out_pkts",
    "SAI_QUEUE_STAT_DROPPED_PACKETS": "queue_dropped_pkts", "SAI_QUEUE_STAT_DROPPED_BYTES": "queue_dropped_octets",
    "SAI_QUEUE_STAT_CURR_OCCUPANCY_BYTES": "queue_depth_bytes",
    "SAI_QUEUE_STAT_SHARED_WATERMARK_BYTES": "queue_watermark_bytes",
    "SAI_INGRESS_PRIORITY_GROUP_STAT_SHARED_WATERMARK_BYTES": "pg_shared_watermark_bytes",
    "SAI_INGRESS_PRIORITY_GROUP_STAT_XOFF_ROOM_WATERMARK_BYTES": "pg_headroom_watermark_bytes",
    "SAI_PORT_STAT_PFC_7_RX_PKTS": "pfc_rx_pkts", "SAI_PORT_STAT_PFC_3_TX_PKTS": "pfc_tx_pkts",
    "SAI_PORT_STAT_PFC_3_ON2OFF_RX_PKTS": "pfc_on2off_rx_pkts", "PFC_WD_QUEUE_STATS_DEADLOCK_DETECTED":
    "pfc_deadlocks_detected",
}  # fmt: skip

needs_data = pytest.mark.skipif(not ANSWERS, reason=f"no SONiC data below {GNMI}: set WEFT_TEST_DATA")


def path_of(name):
    name = re.sub(r"(_alias)?(_expected)?\.(txt|json)$", "", name)
    name = name.replace("_PFC_7_RX", ":SAI_PORT_STAT_PFC_7_RX_PKTS")
    name = re.sub(r"(Ethernet|PORT|SWITCH|SID|ACL|PriorityGroups)_(wildcard)(asic\d)?", r"\1*", name)
    name = re.sub(r"Ethernet\*_(Queues|Pfcwd)", r"Ethernet*:\1", name)
    return "/COUNTERS_DB/" + "/".join(name.split(":"))


def leaves(tree, path=()):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), value


def number(text):
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text) else None


def thing(parts):
    """(component, labels that must be there) of the last part that names a thing."""
    if not parts:
        return None, {}
    match = re.fullmatch(r"(?:.*\|)?(.+?):(\d+)(:periodic)?", parts[-1])
    return (match[1], {"queue": match[2]}) if match else (parts[-1], {})


@needs_data
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda path: path.name)
def test_every_number_is_a_row_of_its_port_and_queue(answer):
    tree = json.loads(answer.read_text())
    place = path_of(answer.name)
    by_target = note({place.removeprefix("/COUNTERS_DB"): answer.read_bytes()}, target="COUNTERS_DB")
    by_path = note({place.replace("COUNTERS_DB", "COUNTERS_DB/localhost"): answer.read_bytes()}, prefix="sonic-db:/")
    found = rows(decoder().decode([by_target], NOW))
    assert rows(decoder().decode([by_path], NOW)) == found
    base = [part for part in place.split("/") if part and "*" not in part]
    compared = 0
    for path, text in leaves(tree):
        value = number(text)
        component, labels = thing([*base, *path[:-1]][2:])
        if value is None:
            continue
        metric = CANONICAL.get(path[-1])
        if "WATERMARK" in path[-1] and "PRIORITY_GROUP" in path[-1]:
            labels = {"pg": labels["queue"]}
        if path[-1] in {"RX_BPS", "TX_BPS"}:
            value *= 8  # the database has octets per second
        assert any(
            row["value"] == pytest.approx(value) and (component is None or row["component"] == component)
            and (metric is None or row["metric"] == metric)
            and all(f'{name}="{label}"' in row["labels"] for name, label in labels.items())
            for row in found
        ), f"{path} = {text}"  # fmt: skip
        compared += 1
    assert compared > 0
    assert len({(row["metric"], row["component"], row["labels"]) for row in found}) == len(found)


@needs_data
def test_columns_of_the_table_have_their_type():
    text = (GNMI / "COUNTERS:Ethernet68:Queues.txt").read_bytes()
    found = rows(decoder().decode([note({"/COUNTERS/Ethernet68/Queues": text}, target="COUNTERS_DB")], NOW))
    kinds = {row["metric"]: row["metric_type"] for row in found}
    assert kinds["queue_out_octets"] == kinds["queue_dropped_pkts"] == 1
    assert kinds["queue_watermark_bytes"] == kinds["queue_depth_bytes"] == 2
    assert kinds["pfc_wd_operational"] == 2


def databases():
    return sorted(UTILITIES.glob("**/counter*_db.json"))


@pytest.mark.skipif(not databases(), reason=f"no SONiC databases below {UTILITIES}: set WEFT_TEST_DATA")
@pytest.mark.parametrize("dump", databases(), ids=lambda path: "-".join(path.parts[-3:]))
def test_a_whole_database_as_its_telemetry_would_serve_it(dump):
    """Names of ports, queues and priority groups put in for object ids, as the virtual paths of its telemetry do."""
    database = json.loads(dump.read_text())
    database = {key: one["value"] if "value" in one and "ttl" in one else one for key, one in database.items()}
    gnmi, sent, expected = decoder(), [], 0
    for names, table, below in (
        ("COUNTERS_PORT_NAME_MAP", "COUNTERS", ""), ("COUNTERS_QUEUE_NAME_MAP", "COUNTERS", "Queues"),
        ("COUNTERS_PG_NAME_MAP", "USER_WATERMARKS", "PriorityGroups"),
        ("COUNTERS_BUFFER_POOL_NAME_MAP", "USER_WATERMARKS", ""),
        ("COUNTERS_PORT_NAME_MAP", "RATES", ""),
    ):  # fmt: skip
        tree = {
            name: database[f"{table}:{oid}"] for name, oid in database.get(names, {}).items()
            if isinstance(database.get(f"{table}:{oid}"), dict)
        }  # fmt: skip
        expected += sum(1 for _, text in leaves(tree) if number(str(text)) is not None)
        place = f"/{table}/Ethernet*/{below}".rstrip("/")
        sent.append(note({place: json.dumps(tree).encode()}, target="COUNTERS_DB"))
    assert expected > 0
    found = rows(gnmi.decode(sent, NOW))
    assert sum(1 for row in found if not row["text"]) >= expected
    assert len({(row["metric"], row["component"], row["labels"]) for row in found}) == len(found)
    ports = {
        name: database[f"COUNTERS:{oid}"] for name, oid in database.get("COUNTERS_PORT_NAME_MAP", {}).items()
        if f"COUNTERS:{oid}" in database
    }  # fmt: skip
    octets = {row["component"]: row["value"] for row in found if row["metric"] == "in_octets"}
    wanted = {
        name: number(port["SAI_PORT_STAT_IF_IN_OCTETS"]) for name, port in ports.items()
        if "SAI_PORT_STAT_IF_IN_OCTETS" in port
    }  # fmt: skip
    assert octets == {name: value for name, value in wanted.items() if value is not None}


def test_states_speeds_neighbours_and_light():
    gnmi = decoder()
    port = (
        b'{"Ethernet0": {"oper_status": "up", "admin_status": "up", "speed": "100000", "mtu": "9100", "alias": "etp1"}}'
    )
    optic = b'{"Ethernet0": {"rx1power": "-2.5", "tx1bias": "6.75", "rx2power": "N/A", "temperature": "30.9"}}'
    out = gnmi.decode([
        note({"/PORT_TABLE": port}, target="APPL_DB"),
        note({"/TRANSCEIVER_DOM_SENSOR": optic}, target="STATE_DB"),
        note({"/NEIGH_STATE_TABLE/10.0.0.57/state": "Established"}, target="STATE_DB"),
        note({"/LLDP_ENTRY_TABLE": b'{"Ethernet0": {"lldp_rem_port_id": "Eth9", "lldp_rem_sys_name": "spine1"}}'},
             target="APPL_DB"),
    ], NOW)  # fmt: skip
    assert values(out) == {
        ("oper_status", "Ethernet0", ""): 1.0, ("admin_status", "Ethernet0", ""): 1.0,
        ("speed_bps", "Ethernet0", ""): 1e11, ("optical_rx_dbm", "Ethernet0", 'lane="1"'): -2.5,
        ("optical_bias_ma", "Ethernet0", 'lane="1"'): 6.75, ("laser_temperature_celsius", "Ethernet0", ""): 30.9,
        ("bgp_peer_state", "10.0.0.57", ""): 6.0,
    }  # fmt: skip
    assert out.skipped == {"not_there": 1}
    own, neighbours = gnmi.facts()
    assert dict(own[1].attributes) == {
        "name": "Ethernet0",
        "short_name": "etp1",
        "mtu": 9100,
        "speed_bps": 100_000_000_000,
    }
    assert neighbours[1].key == ("r1", "Ethernet0", "spine1", "Eth9")
