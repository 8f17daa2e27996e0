"""Which detectors there are: those of Weft by name, and those that other packages bring (``weft.detectors``).

Nothing is imported before it is made: a detector that is switched off costs nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from weft.detect.context import Context
from weft.detect.detector import Detector, RowsDetector, SeriesDetector
from weft.errors import InvalidInput

Factory = Callable[[Context], Detector]
GROUP = "weft.detectors"

#: Name → ``module:factory``. The factory takes a ``Context``; a class with such a constructor will do.
BUILT_IN: dict[str, str] = {
    "traffic_site": "weft.detect.baseline.catalogue:traffic_site",
    "traffic_application": "weft.detect.baseline.catalogue:traffic_application",
    "traffic_interface": "weft.detect.baseline.catalogue:traffic_interface",
    "business_site": "weft.detect.baseline.catalogue:business_site",
    "business_series": "weft.detect.baseline.catalogue:business_series",
    "sensor_still": "weft.detect.baseline.catalogue:sensor_still",
    "cloud_traffic": "weft.detect.baseline.catalogue:cloud_traffic",
    "site_together": "weft.detect.baseline.groups:SiteTogether",
    "application_mix": "weft.detect.baseline.groups:MixShift",
    "top_churn": "weft.detect.baseline.churn:TopChurn",
    "slo_burn": "weft.detect.baseline.burn:BurnRate",
    "links": "weft.detect.devices.links:LinkDetector",
    "bgp_sessions": "weft.detect.routing.sessions:SessionDetector",
    "bgp_prefixes": "weft.detect.routing.counts:CountDetector",
    "device_health": "weft.detect.devices.health:HealthDetector",
    "optics": "weft.detect.devices.optics:OpticsDetector",
    "interface_errors": "weft.detect.devices.errors:ErrorsDetector",
    "brute_force": "weft.detect.security.brute:BruteForceDetector",
    "spoofing": "weft.detect.security.spoofing:SpoofingDetector",
    "port_scan": "weft.detect.security.scan:ScanDetector",
    "ddos": "weft.detect.security.ddos:DdosDetector",
    "beacon": "weft.detect.security.beacon:Beacons",
    "exfiltration": "weft.detect.security.exfil:Exfiltration",
    "dns_tunnel": "weft.detect.security.dns:DnsTunnels",
    "lateral_movement": "weft.detect.security.lateral:LateralMovement",
    "long_connection": "weft.detect.security.long_lived:LongLived",
    "threat_list": "weft.detect.security.threat_lists:ThreatMatches",
    "bgp_origins": "weft.detect.routing.origins:OriginDetector",
    "device_burst": "weft.detect.burst:BurstDetector",
    "changes": "weft.detect.devices.changes:ChangesDetector",
    "device_logs": "weft.detect.devices.words:WordsDetector",
    "bgp_others": "weft.detect.routing.others:OthersDetector",
    "bgp_storms": "weft.detect.routing.storms:StormDetector",
    "bgp_leaks": "weft.detect.routing.leaks:LeakDetector",
    "silence": "weft.detect.telemetry.silence:SilenceDetector",
    "clocks": "weft.detect.telemetry.clocks:ClockDetector",
    "paths": "weft.detect.paths.detector:PathDetector",
    "cloud_flows": "weft.detect.cloud.flows:CloudFlowsDetector",
    "fabric_ports": "weft.detect.fabric.ports:FabricPortsDetector",
    "fabric_hosts": "weft.detect.fabric.hosts:FabricHostsDetector",
    "bgp_flaps": "weft.detect.routing.flaps:FlapDetector",
    "lags": "weft.detect.devices.lags:LagDetector",
    "line_ends": "weft.detect.devices.ends:LineEndsDetector",
}


@cache
def _plug_ins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in BUILT_IN}


def names() -> list[str]:
    """Names of all detectors: Weft's own in their order, then those of other packages by name."""
    return [*BUILT_IN, *sorted(_plug_ins())]


def factory(name: str) -> Factory:
    """The factory of a detector. Raises ``InvalidInput`` where there is none of that name, or it cannot be loaded."""
    try:
        if name in BUILT_IN:
            module, _, attribute = BUILT_IN[name].partition(":")
            made: Factory = getattr(importlib.import_module(module), attribute)
            return made
        if name in _plug_ins():
            loaded: Factory = _plug_ins()[name].load()
            return loaded
    except (ImportError, AttributeError) as error:
        raise InvalidInput(f"cannot be loaded: {error}", where=f"detector {name}") from error
    raise InvalidInput("there is no such detector", where=f"detector {name}", fix="`weft detect list` names them all.")


def make(name: str, context: Context) -> Detector:
    """A detector with an empty state. Raises ``InvalidInput`` where it cannot be made."""
    detector = factory(name)(context)
    if not isinstance(detector, SeriesDetector | RowsDetector):
        raise InvalidInput(f"its factory makes a {type(detector).__name__}", where=f"detector {name}")
    return detector
