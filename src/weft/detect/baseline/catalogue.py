"""The detectors that compare what is measured with what it is at this time: which series, what is worth telling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from weft.detect.baseline import interfaces
from weft.detect.baseline.detector import MEANINGS, BaselineDetector, Told
from weft.detect.baseline.tuning import Tuning
from weft.detect.context import Context
from weft.detect.detector import About, Watch
from weft.errors import InvalidInput
from weft.model.events import EventGroup

#: Metrics that are never twice the same for long, where something measures them.
_JITTER = ("temperature_celsius", "optical_rx_dbm", "optical_tx_dbm", "cpu_percent", "memory_used_bytes", "node_load1",
           "DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_GPU_TEMP")  # fmt: skip
#: Settings that all of them know.
SETTINGS = {
    "least": "Smallest difference that is worth telling, in the unit of the values.",
    "ratio": "Smallest ratio of seen and expected that is.",
    "time_zone": "Whose days and weeks series follow, e.g. Europe/Zurich; UTC unless set.",
    "holidays": "Dates (2026-12-25) that are like Sundays.",
    "warm_s": "Nothing is found in a series that was watched for less.",
    "absorb_s": "What lasts this long is the new normal.",
}


@dataclass(frozen=True, slots=True)
class Sort:
    """One of them, before it knows its settings."""

    name: str
    title: str
    description: str
    told: Told
    watch: Watch
    tuning: Mapping[str, Any]
    kinds: tuple[str, ...] = ("spike", "drop", "high", "low", "level_shift", "many")


#: The one whose findings are put together before they are told.
_INTERFACES = "traffic_interface"

SORTS: tuple[Sort, ...] = (
    Sort(
        "traffic_site",
        "Traffic of a site",
        "Traffic to each site against its own days and weeks.",
        Told("Traffic to", EventGroup.TRAFFIC),
        Watch("flows", "bps", ("dst_site",), "site", ("dst_site",), filter='dst_site != ""', most_series=5_000),
        {"least": 5e6, "ratio": 1.5},
    ),
    Sort(
        "traffic_application",
        "Traffic of an application",
        "Traffic of each application against its own days and weeks.",
        Told("Traffic of", EventGroup.TRAFFIC),
        Watch("flows", "bps", ("app",), "application", ("app",), filter='app != ""', most_series=2_000),
        {"least": 20e6, "ratio": 1.8},
    ),
    Sort(
        _INTERFACES,
        "Traffic of an interface",
        "What each interface sends and receives, from its counters, against its own days and weeks.",
        Told("Traffic of", EventGroup.TRAFFIC),
        Watch("metrics", "bps", ("interface", "metric"), "interface", ("interface",),
              filter="metric IN (in_octets, out_octets)"),
        {"least": 10e6, "ratio": 1.5},
        tuple(interfaces.KINDS),
    ),
    Sort(
        "business_site",
        "Business of a site",
        "Orders, sign-ins and the like of each site, against its own days and weeks.",
        Told("Values of", EventGroup.BUSINESS),
        Watch("business", "sum", ("series", "label_site"), "site", ("label_site",), filter='label_site != ""',
              most_series=10_000),
        {"least": 3.0, "ratio": 1.25, "missing_after": 15, "flat_after": 60},
        ("spike", "drop", "high", "low", "level_shift", "missing", "flatline", "many"),
    ),
    Sort(
        "business_series",
        "Business series",
        "Business series that are of no site, against their own days and weeks.",
        Told("Values of", EventGroup.BUSINESS),
        Watch("business", "avg", ("series", "labels"), "business", ("series",), filter='label_site = ""',
              most_series=10_000),
        {"least": 3.0, "ratio": 1.25, "missing_after": 15, "flat_after": 60},
        ("spike", "drop", "high", "low", "level_shift", "missing", "flatline", "many"),
    ),
    Sort(
        "sensor_still",
        "A sensor that stands still",
        "Temperatures, light, loads and the like, which jitter: one that stands still is read no more.",
        Told("Reading of", EventGroup.DEVICE),
        Watch("metrics", "avg", ("exporter", "host", "interface", "component", "metric"), "device", ("exporter",),
              filter=f"metric IN ({', '.join(_JITTER)})", step_s=300, lateness_s=300, most_series=50_000),
        {"least": 1e-6, "values": "level", "up": False, "down": False, "flat_after": 12},
        ("flatline",),
    ),
    Sort(
        "cloud_traffic",
        "Traffic of a cloud network",
        "Traffic of each virtual network against its own days and weeks.",
        Told("Traffic of", EventGroup.CLOUD),
        Watch("cloud_flows", "bps", ("vpc",), "network", ("vpc",), filter='vpc != ""', step_s=300, lateness_s=600,
              most_series=5_000),
        {"least": 2e6, "ratio": 1.8},
    ),
)  # fmt: skip


def make(name: str, context: Context) -> BaselineDetector:
    """The detector of that name. Raises ``InvalidInput`` where its settings make no sense."""
    sort = next(one for one in SORTS if one.name == name)
    meanings = interfaces.KINDS if name == _INTERFACES else MEANINGS
    about = About(name, sort.title, sort.told.group, sort.description, {kind: meanings[kind] for kind in sort.kinds})
    told = about, sort.watch, _tuning(sort, context), sort.told
    if name == _INTERFACES:
        return interfaces.InterfaceTraffic(
            *told, context.facts.get("lines", tuple), context.facts.get("speeds", interfaces.no_speeds)
        )
    return BaselineDetector(*told)


def _tuning(sort: Sort, context: Context) -> Tuning:
    """What is built in, and what the user set over it."""
    settings = dict(context.config.settings)
    where = f"detect.detectors.{sort.name}.settings"
    unknown = settings.keys() - SETTINGS.keys()
    if unknown:
        raise InvalidInput(f"{', '.join(sorted(unknown))}: no such setting", where=where, fix=", ".join(SETTINGS))
    given = dict(sort.tuning)
    try:
        for one in ("least", "ratio"):
            if one in settings:
                given[one] = float(settings[one])
        for one in ("warm_s", "absorb_s"):
            if one in settings:
                given[one] = int(settings[one])
        zone: tzinfo = ZoneInfo(str(settings["time_zone"])) if "time_zone" in settings else UTC
        holidays = frozenset(_day(one) for one in settings.get("holidays", ()))
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInput(str(error), where=where) from error
    wanted = context.config.false_alarms
    return Tuning(
        **given, zone=zone, holidays=holidays, false_alarms=context.false_alarms if wanted is None else wanted
    )


def _day(told: Any) -> date:
    return told if isinstance(told, date) else date.fromisoformat(str(told))


def _factory(name: str) -> Callable[[Context], BaselineDetector]:
    return lambda context: make(name, context)


traffic_site = _factory("traffic_site")
traffic_application = _factory("traffic_application")
traffic_interface = _factory("traffic_interface")
business_site = _factory("business_site")
business_series = _factory("business_series")
sensor_still = _factory("sensor_still")
cloud_traffic = _factory("cloud_traffic")
