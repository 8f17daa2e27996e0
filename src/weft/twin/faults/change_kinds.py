"""Changes that go wrong, services that fail, and telemetry itself: what is true of each."""

from __future__ import annotations

from weft.twin.faults import places
from weft.twin.faults.model import Fault, FaultGroup, FaultKind, Place, RightAction, Symptom, Truth
from weft.twin.faults.places import device_entity, fewer_orders, interface_entity, port_name

_CHANGE, _APPLICATION = FaultGroup.CHANGE, FaultGroup.APPLICATION
_CLOUD, _TELEMETRY = FaultGroup.CLOUD, FaultGroup.TELEMETRY
_MIN, _H = 60.0, 3600.0
#: What a resolver or a name server is asked for by the synthetic tests, and who asks everybody.
RESOLVERS, OWN_ZONE = ("1.1.1.1", "9.9.9.9"), "shop.example.com"


def _committed(fault: Fault) -> tuple[Symptom, ...]:
    return (
        Symptom("changes", device_entity(fault.device), f"committed by {fault.who}"),
        Symptom("logs", device_entity(fault.device), f"committed by {fault.who}"),
    )


def _undo(fault: Fault) -> RightAction:
    return RightAction("rollback_config", {"device": fault.device}, f"Roll back the last commit of {fault.device}.")


def misconfig_acl(fault: Fault) -> Truth:
    """A filter that refuses what it should let pass."""
    where = f"{fault.device} {port_name(fault.device, fault.port)}"
    return Truth(
        f"Filter refuses customers: {fault.device}", device_entity(fault.device), "change",
        f"{fault.who} commits a filter on {where} that refuses a part of the legitimate traffic.",
        (
            *_committed(fault),
            Symptom("logs", device_entity(fault.device), "denied connections of ordinary people", 5.0),
            Symptom("metrics", interface_entity(fault.device, fault.port), "less traffic than at this hour"),
            *fewer_orders(fault.device, text="fewer orders"),
        ),
        _undo(fault), services=("public services",),
    )  # fmt: skip


def misconfig_mtu(fault: Fault) -> Truth:
    """A port whose MTU is smaller than its line's."""
    return Truth(
        f"MTU too small: {fault.device} {port_name(fault.device, fault.port)}",
        interface_entity(fault.device, fault.port), "change",
        f"{fault.who} sets the MTU of a line to {fault.other} to 1500: large packets are dropped, small ones pass.",
        (
            *_committed(fault),
            Symptom("metrics", interface_entity(fault.device, fault.port), "less traffic: large transfers stall"),
        ),
        _undo(fault), services=("servers",),
    )  # fmt: skip


def misconfig_metric(fault: Fault) -> Truth:
    """A line with a cost that nobody meant."""
    return Truth(
        f"Wrong metric: {fault.device} {port_name(fault.device, fault.port)}",
        interface_entity(fault.device, fault.port), "change",
        f"{fault.who} sets a wrong IGP metric on the line to {fault.other}; traffic takes ways that it should not.",
        (
            *_committed(fault),
            Symptom("metrics", interface_entity(fault.device, fault.port), "load changes at once"),
        ),
        _undo(fault), services=("servers",),
    )  # fmt: skip


def misconfig_vlan(fault: Fault) -> Truth:
    """A row of servers whose network is missing on its port."""
    return Truth(
        f"VLAN missing: {fault.device} {port_name(fault.device, fault.port)}",
        interface_entity(fault.device, fault.port), "change",
        f"{fault.who} leaves a VLAN out of the list of {port_name(fault.device, fault.port)}: its servers are cut off.",
        (
            *_committed(fault),
            Symptom("metrics", interface_entity(fault.device, fault.port), "most of the traffic is gone"),
            *fewer_orders(fault.device, text="fewer orders"),
        ),
        _undo(fault), services=("servers", "public services"),
    )  # fmt: skip


def dns_failure(fault: Fault) -> Truth:
    """A resolver, or the name servers of Acme's own zone, that do not answer or answer wrongly."""
    is_own = fault.target == OWN_ZONE
    shops = tuple(
        Symptom("business", f"site:{one.target}", "fewer orders: the shop's name is not found", 60.0)
        for one in places.sites(public=True)
    )
    return Truth(
        f"DNS failure: {fault.target}", f"host:{fault.target}" if not is_own else f"name:{fault.target}", "DNS",
        f"The name servers of {fault.target} fail." if is_own else f"The resolver {fault.target} fails.",
        (
            Symptom("probes", f"target:{fault.target}", "names are not found, or late"),
            *(shops if is_own else ()),
        ),
        RightAction("failover", {"service": f"DNS {fault.target}"}, "Move to the other resolver or name server."),
        services=("public services",) if is_own else ("people",),
    )  # fmt: skip


def saas_slowdown(fault: Fault) -> Truth:
    """A SaaS that is slow: itself, or by way of one provider."""
    service, _, provider = fault.target.partition("@")
    action = RightAction("call_provider", {"provider": service}, f"Nothing of ours: open a case with {service}.")
    if provider:
        action = RightAction("local_pref", {"neighbour": provider, "value": 50}, f"Send it by another than {provider}.")
    return Truth(
        f"{service} is slow" + (f" by way of {provider}" if provider else ""),
        f"provider:{provider}" if provider else f"service:{service}", "provider",
        f"{service} answers slowly and packets are lost" + (f" beyond {provider}." if provider else ", everywhere."),
        (Symptom("probes", f"service:{service}", "longer round trips, loss beyond our border"),), action,
        services=(service,),
    )  # fmt: skip


def exporter_silent(fault: Fault) -> Truth:
    """A device that still forwards, but exports no flows."""
    return Truth(
        f"No flows from {fault.device}", device_entity(fault.device), "telemetry",
        f"The flow export of {fault.device} has stopped; the device forwards as before.",
        (Symptom("flows", device_entity(fault.device), "no records, while its counters go on"),),
        RightAction("restart_exporter", {"device": fault.device}, "Restart its flow export."),
    )  # fmt: skip


def clock_skew(fault: Fault) -> Truth:
    """A device whose clock is off."""
    return Truth(
        f"Clock off: {fault.device}", device_entity(fault.device), "telemetry",
        f"The clock of {fault.device} is wrong, and so are the times that it tells.",
        (Symptom("flows", device_entity(fault.device), "times of its records are not those of their arrival"),),
        RightAction("sync_clock", {"device": fault.device}, "Point it at a time server that works."),
    )  # fmt: skip


def _dns_places(_seed: int) -> tuple[Place, ...]:
    return (
        *(Place(one, f"Resolver {one}", target=one) for one in RESOLVERS),
        Place(OWN_ZONE, f"Name servers of {OWN_ZONE}", target=OWN_ZONE),
    )


KINDS = (
    FaultKind("misconfig_acl", "Wrong filter", _CHANGE, "A commit adds a filter that refuses legitimate traffic.",
              (5 * _MIN, 40 * _MIN), 0.6, places.guarded_ports, misconfig_acl, (0.2, 1.0)),
    FaultKind("misconfig_mtu", "Wrong MTU", _CHANGE, "A commit makes the MTU of a line too small.",
              (6 * _MIN, 40 * _MIN), 0.5, places.line_ends, misconfig_mtu, (0.3, 1.0)),
    FaultKind("misconfig_metric", "Wrong metric", _CHANGE, "A commit gives a line a cost that nobody meant.",
              (6 * _MIN, 40 * _MIN), 0.6, places.router_line_ends, misconfig_metric),
    FaultKind("misconfig_vlan", "Missing VLAN", _CHANGE, "A commit leaves a VLAN out of a port to servers.",
              (5 * _MIN, 30 * _MIN), 0.5, places.server_ports, misconfig_vlan, (0.3, 1.0)),
    FaultKind("dns_failure", "DNS failure", _APPLICATION,
              "A resolver, or the name servers of Acme's own zone, fail or are slow.", (4 * _MIN, 25 * _MIN), 0.6,
              _dns_places, dns_failure, (0.2, 1.0)),
    FaultKind("saas_slowdown", "SaaS slowdown", _APPLICATION,
              "A SaaS outside is slow, everywhere or by way of one provider.", (8 * _MIN, 40 * _MIN), 0.9, places.saas,
              saas_slowdown, (0.2, 1.0)),
    FaultKind("exporter_silent", "Exporter silent", _TELEMETRY, "A device exports no flows any more.",
              (4 * _MIN, 25 * _MIN), 0.5, places.exporters, exporter_silent),
    FaultKind("clock_skew", "Clock skew", _TELEMETRY, "The clock of a device is off.",
              (10 * _MIN, 60 * _MIN), 0.4, places.exporters, clock_skew, (0.0, 1.0)),
)  # fmt: skip
