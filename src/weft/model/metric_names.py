"""The vocabulary of metrics: what the names in the ``metrics`` table mean, in which unit, of what part of a device.

Every source of Weft uses these names. What others push (Prometheus, OTLP) keeps its own name; its unit and type are
read from the customary endings (``_bytes``, ``_seconds_total``). Pure data: no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

#: ``state``: numbers that stand for a state (1 = up). ``unknown``: nothing is known of the name.
MetricType = Literal["counter", "gauge", "state", "unknown"]


@dataclass(frozen=True, slots=True)
class MetricName:
    """One metric. ``unit`` is that of the value as stored; ``component`` what it is of (empty: the device itself).

    A counter's rate is its growth per second × ``scale``, in ``rate_unit`` (octets: × 8, bit/s). ``labels`` are those
    that tell its series apart. ``known``: declared here, not guessed from the name.
    """

    name: str
    type: MetricType
    unit: str
    meaning: str
    component: str = ""
    rate_unit: str = ""
    scale: float = 1.0
    labels: tuple[str, ...] = ()
    states: Mapping[int, str] | None = None
    known: bool = True


#: IF-MIB ifOperStatus, RFC 2863.
OPER_STATES = {
    1: "up", 2: "down", 3: "testing", 4: "unknown", 5: "dormant", 6: "not present", 7: "lower layer down",
}  # fmt: skip
#: BGP4-MIB bgpPeerState, RFC 4273.
BGP_STATES = {1: "idle", 2: "connect", 3: "active", 4: "opensent", 5: "openconfirm", 6: "established"}
#: UPS-MIB upsBatteryStatus, RFC 1628.
BATTERY_STATES = {1: "unknown", 2: "normal", 3: "low", 4: "depleted"}
ON_OFF = {1: "stopped", 2: "running"}

_INTERFACE, _PEER, _QUEUE, _OPTIC = "interface", "BGP peer", "interface", "interface"
_RATES = {"octets": ("bit/s", 8.0), "packets": ("packet/s", 1.0), "B": ("B/s", 1.0)}


def _counter(
    name: str, unit: str, meaning: str, component: str = _INTERFACE, labels: tuple[str, ...] = ()
) -> MetricName:
    rate, scale = _RATES.get(unit, (f"{_SINGULAR.get(unit, unit)}/s", 1.0))
    return MetricName(name, "counter", unit, meaning, component, rate, scale, labels)


_SINGULAR = {
    "errors": "error",
    "updates": "update",
    "transitions": "transition",
    "ticks": "tick",
    "codewords": "codeword",
    "": "",
}


def _gauge(name: str, unit: str, meaning: str, component: str = "", labels: tuple[str, ...] = ()) -> MetricName:
    return MetricName(name, "gauge", unit, meaning, component, labels=labels)


def _directions() -> tuple[MetricName, ...]:
    out = []
    for way, word in (("in", "received"), ("out", "sent")):
        out.append(_counter(f"{way}_octets", "octets", f"Octets {word}, framing included (ifHC{way.title()}Octets)."))
        out += [
            _counter(f"{way}_{kind}_pkts", "packets", f"{kind.title()} packets {word}.")
            for kind in ("unicast", "multicast", "broadcast")
        ]
        out.append(_counter(f"{way}_pkts", "packets", f"Packets {word}."))
        out.append(_counter(f"{way}_errors", "packets", f"Packets with errors, not {word} for that reason."))
        out.append(_counter(f"{way}_discards", "packets", "Packets discarded although nothing was wrong with them."))
    return tuple(out)


_BGP = ("afi_safi", "remote_as", "vrf")
_LANE = ("lane",)
_Q, _PRIORITY, _PG = ("queue",), ("priority",), ("pg",)

NAMES: tuple[MetricName, ...] = (
    *_directions(),
    _counter("in_unknown_protos", "packets", "Packets received for a protocol that is not there."),
    _counter("in_fcs_errors", "packets", "Frames received with a wrong check sum."),
    _counter("in_oversize_frames", "packets", "Frames received that are longer than the port takes."),
    _counter("out_late_collisions", "packets", "Collisions later than a line in half duplex may have them."),
    MetricName("oper_status", "state", "", "Operational state (IF-MIB numbers).", _INTERFACE, states=OPER_STATES),
    MetricName("admin_status", "state", "", "Configured state (IF-MIB numbers).", _INTERFACE, states=OPER_STATES),
    MetricName("physical_status", "state", "", "State of the physical layer (IF-MIB numbers).", _INTERFACE,
               states=OPER_STATES),
    _gauge("in_bps", "bit/s", "Rate received, as the device averages it.", _INTERFACE),
    _gauge("out_bps", "bit/s", "Rate sent, as the device averages it.", _INTERFACE),
    _gauge("speed_bps", "bit/s", "Nominal speed.", _INTERFACE),
    _gauge("last_change_s", "s", "When the state changed last, seconds since the device started.", _INTERFACE),
    _gauge("cpu_percent", "%", "Processor in use.", "processor or card"),
    _gauge("memory_used_bytes", "B", "Memory in use.", "memory pool"),
    _gauge("memory_total_bytes", "B", "Memory there is.", "memory pool"),
    _gauge("memory_percent", "%", "Memory in use.", "memory pool"),
    _gauge("temperature_celsius", "°C", "Temperature.", "sensor"),
    _gauge("fan_rpm", "rpm", "Speed of a fan.", "fan"),
    _gauge("power_watts", "W", "Power drawn or delivered.", "power supply"),
    _gauge("uptime_s", "s", "Since the device started."),
    _gauge("load_average", "", "Processes that run or wait to, averaged over minutes.", labels=("minutes",)),
    _counter("cpu_user_ticks", "ticks", "Processor time spent in programs.", ""),
    _counter("cpu_nice_ticks", "ticks", "Processor time spent in programs of low priority.", ""),
    _counter("cpu_system_ticks", "ticks", "Processor time spent in the kernel.", ""),
    _counter("cpu_idle_ticks", "ticks", "Processor time spent idle.", ""),
    _counter("cpu_wait_ticks", "ticks", "Processor time spent waiting for storage.", ""),
    _gauge("firewall_sessions", "sessions", "Sessions that a firewall keeps."),
    _gauge("firewall_sessions_percent", "%", "Sessions as a share of those that it can keep."),
    _gauge("humidity_percent", "%", "Relative humidity.", "sensor"),
    _gauge("current_a", "A", "Electric current.", "sensor"),
    _gauge("voltage_v", "V", "Voltage.", "sensor"),
    _gauge("load_percent", "%", "Load of a power supply or of a phase.", "power supply"),
    _gauge("power_supply_capacity_w", "W", "The most that it delivers.", "power supply"),
    _gauge("power_supply_input_current_a", "A", "Current taken.", "power supply"),
    _gauge("power_supply_input_voltage_v", "V", "Voltage taken.", "power supply"),
    _gauge("power_supply_output_current_a", "A", "Current delivered.", "power supply"),
    _gauge("power_supply_output_voltage_v", "V", "Voltage delivered.", "power supply"),
    MetricName("battery_status", "state", "", "State of the battery (UPS-MIB numbers).", "", states=BATTERY_STATES),
    _gauge("battery_charge_percent", "%", "Charge of the battery."),
    _gauge("battery_seconds_left", "s", "How long the battery would last."),
    _gauge("battery_seconds_used", "s", "How long it has been running on battery; 0 = it is not."),
    _gauge("storage_used_bytes", "B", "Storage in use.", "volume"),
    _gauge("storage_total_bytes", "B", "Storage there is.", "volume"),
    _gauge("optical_rx_dbm", "dBm", "Optical power received.", _OPTIC, _LANE),
    _gauge("optical_tx_dbm", "dBm", "Optical power sent.", _OPTIC, _LANE),
    _gauge("optical_bias_ma", "mA", "Bias current of the laser.", _OPTIC, _LANE),
    _gauge("laser_temperature_celsius", "°C", "Temperature of the laser.", _OPTIC, _LANE),
    _gauge("optical_voltage_v", "V", "Supply voltage of the transceiver.", _OPTIC),
    MetricName("bgp_peer_state", "state", "", "State of the session (BGP4-MIB numbers).", _PEER, labels=_BGP,
               states=BGP_STATES),
    MetricName("bgp_peer_admin_status", "state", "", "Whether the session is wanted.", _PEER, labels=_BGP,
               states=ON_OFF),
    _gauge("bgp_peer_uptime_s", "s", "Since the session was established.", _PEER, _BGP),
    _gauge("bgp_prefixes_received", "prefixes", "Prefixes that the peer announces.", _PEER, _BGP),
    _gauge("bgp_prefixes_accepted", "prefixes", "Prefixes that were accepted of them.", _PEER, _BGP),
    _gauge("bgp_prefixes_sent", "prefixes", "Prefixes announced to the peer.", _PEER, _BGP),
    _counter("bgp_updates_in", "updates", "UPDATE messages received.", _PEER, _BGP),
    _counter("bgp_updates_out", "updates", "UPDATE messages sent.", _PEER, _BGP),
    _counter("bgp_transitions", "transitions", "Times that the session came up.", _PEER, _BGP),
    _counter("queue_out_octets", "octets", "Octets sent from a queue.", _QUEUE, _Q),
    _counter("queue_out_pkts", "packets", "Packets sent from a queue.", _QUEUE, _Q),
    _counter("queue_dropped_pkts", "packets", "Packets that a queue had no room for.", _QUEUE, _Q),
    _counter("queue_dropped_octets", "octets", "Octets that a queue had no room for.", _QUEUE, _Q),
    _gauge("queue_depth_bytes", "B", "What waits in a queue.", _QUEUE, _Q),
    _gauge("queue_watermark_bytes", "B", "The most that waited in a queue since it was read last.", _QUEUE, _Q),
    _counter("ecn_marked_pkts", "packets", "Packets marked as having met congestion (ECN).", _QUEUE, _Q),
    _counter("wred_dropped_octets", "octets", "Octets dropped early to keep a queue short (WRED).", _QUEUE, _Q),
    _counter("wred_dropped_pkts", "packets", "Packets dropped early to keep a queue short (WRED).", _QUEUE, _Q),
    _counter("pfc_rx_pkts", "packets", "Pause frames received (PFC).", _INTERFACE, _PRIORITY),
    _counter("pfc_tx_pkts", "packets", "Pause frames sent (PFC).", _INTERFACE, _PRIORITY),
    _counter("pfc_tx_pause_us", "µs", "Time that the other side was asked to wait (PFC).", _INTERFACE, _PRIORITY),
    _counter("pfc_rx_pause_us", "µs", "Time that pause frames held the interface (PFC).", _INTERFACE, _PRIORITY),
    _gauge("buffer_pool_watermark_bytes", "B", "The most that was taken of a buffer pool.", "buffer pool"),
    _gauge("pg_headroom_watermark_bytes", "B", "The most headroom a priority group took.", _INTERFACE, _PG),
    _counter("pg_dropped_pkts", "packets", "Packets that a priority group had no room for.", _INTERFACE, _PG),
    _counter("fec_codeword_errors", "codewords", "Codewords by how many symbols had to be corrected.", _INTERFACE,
             ("symbols",)),
    _gauge("pg_shared_watermark_bytes", "B", "The most shared buffer a priority group took.", _INTERFACE, _PG),
)  # fmt: skip

KNOWN: Mapping[str, MetricName] = {m.name: m for m in NAMES}

#: Endings of foreign names, longest first: unit of the value.
_ENDINGS: tuple[tuple[str, str], ...] = (
    ("_milliseconds", "ms"), ("_microseconds", "µs"), ("_nanoseconds", "ns"), ("_seconds", "s"), ("_bytes", "B"),
    ("_octets", "octets"), ("_packets", "packets"), ("_pkts", "packets"), ("_errors", "packets"),
    ("_discards", "packets"), ("_bits", "bit"), ("_percent", "%"), ("_celsius", "°C"), ("_watts", "W"),
    ("_joules", "J"), ("_volts", "V"), ("_amperes", "A"), ("_hertz", "Hz"), ("_dbm", "dBm"), ("_rpm", "rpm"),
    ("_bps", "bit/s"), ("_ms", "ms"), ("_us", "µs"), ("_s", "s"), ("_ma", "mA"), ("_a", "A"), ("_v", "V"),
    ("_w", "W"), ("_ratio", ""), ("_percentage", "%"),
)  # fmt: skip
#: Words at the end that counters have in common.
_COUNTS = ("_octets", "_pkts", "_packets", "_errors", "_discards", "_drops", "_ticks")


@lru_cache(maxsize=4096)
def describe(name: str) -> MetricName:
    """What is known of a metric, or guessed from the ending of its name."""
    if name in KNOWN:
        return KNOWN[name]
    kind: MetricType = "unknown"
    body = name.lower()
    if body.endswith(("_total", "_count", "_sum", "_bucket")):
        # Of a histogram, count and buckets are numbers of events, not of what its name is in.
        kind, body = "counter", "" if body.endswith(("_count", "_bucket")) else body.rpartition("_")[0]
    elif body.endswith(_COUNTS):
        kind = "counter"
    unit = next((unit for ending, unit in _ENDINGS if body.endswith(ending)), "")
    if kind == "unknown" and unit:
        kind = "gauge"
    rate, scale = _RATES.get(unit, (f"{unit}/s" if unit else "/s", 1.0)) if kind == "counter" else ("", 1.0)
    return MetricName(name, kind, unit, "", rate_unit=rate, scale=scale, known=False)
