"""Faults of lines, devices and routing: what is true of each."""

from __future__ import annotations

from weft.twin import organisation as org
from weft.twin.faults import places
from weft.twin.faults.effects import HIJACKER_AS, INVALID_AS, LEAKER_AS, alarm_after_s, sites_of
from weft.twin.faults.model import Fault, FaultGroup, FaultKind, Place, RightAction, Symptom, Truth
from weft.twin.faults.places import (
    device_entity,
    fewer_orders,
    interface_entity,
    peer_entity,
    port_name,
    site_name,
    site_of,
)

_LINK, _DEVICE, _ROUTING = FaultGroup.LINK, FaultGroup.DEVICE, FaultGroup.ROUTING
_MIN, _H = 60.0, 3600.0
_PUBLIC = ("public services",)
CUSTOMERS = tuple(customer.name for customer in org.CUSTOMERS)


def _ends(fault: Fault) -> str:
    near, far = port_name(fault.device, fault.port), port_name(fault.other, fault.other_port)
    return f"{fault.device} {near} – {fault.other} {far}"


def _both(fault: Fault, dataset: str, text: str, after_s: float = 0.0) -> tuple[Symptom, ...]:
    return tuple(Symptom(dataset, interface_entity(*end), text, after_s) for end in places.both_ends(fault))


def _logs(*devices: str, text: str, after_s: float = 0.0) -> tuple[Symptom, ...]:
    return tuple(Symptom("logs", device_entity(name), text, after_s) for name in dict.fromkeys(devices))


def _carrier(fault: Fault) -> RightAction:
    """Whoever rents out the line mends it; a line within a building is ours."""
    port = places.PORTS[fault.device, fault.port]
    if port.provider:
        return RightAction("call_provider", {"provider": port.provider}, f"Open a case with {port.provider}.")
    where = {"device": fault.device, "interface": port.name}
    return RightAction("replace_optic", where, "Swap the optics and the patch cable.")


def link_cut(fault: Fault) -> Truth:
    """A line is gone at both ends; its traffic goes elsewhere."""
    return Truth(
        f"Line cut: {fault.device} – {fault.other}", interface_entity(fault.device, fault.port), "link down",
        f"The line {_ends(fault)} is cut; its traffic takes other ways.",
        (
            *_both(fault, "metrics", "oper status down, no light, no traffic"),
            *_logs(fault.device, fault.other, text="link down"),
            *fewer_orders(fault.device, fault.other, text="fewer orders while routes converge"),
        ),
        _carrier(fault), services=("servers",),
    )  # fmt: skip


def link_flap(fault: Fault) -> Truth:
    """A line that comes and goes."""
    where = {"device": fault.device, "interface": port_name(fault.device, fault.port)}
    return Truth(
        f"Flapping line: {fault.device} – {fault.other}", interface_entity(fault.device, fault.port), "link flapping",
        f"The line {_ends(fault)} goes down for seconds, over and over.",
        (
            *_both(fault, "metrics", "oper status changes again and again, last change is recent"),
            *_logs(fault.device, fault.other, text="link down and up in turn"),
        ),
        RightAction("shut", where, "Shut the line until it is mended: steady and longer beats short and torn."),
        services=("servers",),
    )  # fmt: skip


def optic_degradation(fault: Fault) -> Truth:
    """Light fades, then packets arrive broken, then some are lost."""
    where = {"device": fault.device, "interface": port_name(fault.device, fault.port)}
    entity, after_s = interface_entity(fault.device, fault.port), alarm_after_s(fault)
    alarm = _logs(fault.device, text="alarm: low receive power", after_s=after_s) if after_s is not None else ()
    return Truth(
        f"Fading optics: {fault.device} {where['interface']}", entity, "optics",
        f"{fault.device} receives ever less light at {where['interface']}; packets from {fault.other} arrive broken.",
        (
            Symptom("metrics", entity, "received light falls, then CRC errors"),
            *alarm,
        ),
        RightAction("replace_optic", where, "Take the line out and swap the optics."), services=("servers",),
    )  # fmt: skip


def congestion_growth(fault: Fault) -> Truth:
    """More and more traffic between two sites until their line is full."""
    where = {"device": fault.device, "interface": port_name(fault.device, fault.port)}
    pair = f"{site_name(site_of(fault.device))} and {site_name(site_of(fault.other))}"
    return Truth(
        f"Congestion by growth: {fault.device} – {fault.other}", interface_entity(fault.device, fault.port),
        "capacity", f"Traffic between {pair} grows until {_ends(fault)} is full.",
        _both(fault, "metrics", "utilisation climbs, then output discards"),
        RightAction("add_capacity", where, "Turn up a further channel; until then move traffic by metric."),
        services=("servers",),
    )  # fmt: skip


def congestion_reroute(fault: Fault) -> Truth:
    """A cut line whose traffic fills another."""
    full = places.line_named(fault.target)
    return Truth(
        f"Congestion after a cut: {fault.device} – {fault.other}", interface_entity(fault.device, fault.port),
        "link down", f"The line {_ends(fault)} is cut and its traffic crowds {full.a} – {full.b}.",
        (
            *_both(fault, "metrics", "oper status down"),
            *_logs(fault.device, fault.other, text="link down"),
            Symptom("metrics", interface_entity(full.a, full.a_port), "utilisation jumps"),
            Symptom("metrics", interface_entity(full.b, full.b_port), "utilisation jumps"),
        ),
        _carrier(fault), services=("servers",),
    )  # fmt: skip


def device_reboot(fault: Fault) -> Truth:
    """A device that crashes and starts again."""
    return Truth(
        f"Restart: {fault.device}", device_entity(fault.device), "device",
        f"{fault.device} crashes and starts afresh; its lines are down meanwhile.",
        (
            Symptom("metrics", device_entity(fault.device), "uptime starts at zero"),
            *(Symptom("metrics", interface_entity(*end), "down meanwhile") for end in places.far_ends(fault.device)),
            *_logs(fault.device, text="cold start", after_s=fault.end_s - fault.start_s),
            *places.cut_off(fault.device),
            *fewer_orders(fault.device, text="fewer orders"),
        ),
        RightAction("none", text="Wait until it is back; read why it crashed."), services=("servers", *_PUBLIC),
    )  # fmt: skip


def cpu_overload(fault: Fault) -> Truth:
    """A processor with too much to do."""
    return Truth(
        f"Busy processor: {fault.device}", device_entity(fault.device), "device",
        f"The processor of {fault.device} is overloaded; what passes its slow path is late.",
        (
            Symptom("metrics", device_entity(fault.device), "processor busy, hotter"),
            *_logs(fault.device, text="scheduler slips or temperature alarm", after_s=20.0),
        ),
        RightAction("drain", {"device": fault.device}, "Drain it, then find the process that runs away."),
        services=("servers",),
    )  # fmt: skip


def _neighbour(fault: Fault) -> str:
    return places.PORTS[fault.device, fault.port].provider


def session_down(fault: Fault) -> Truth:
    """A BGP session ends and comes back later."""
    who = _neighbour(fault)
    peer = peer_entity(fault.device, fault.port)
    return Truth(
        f"BGP session lost: {fault.device}, {who}", peer, "BGP session",
        f"The session of {fault.device} with {who} is down; traffic leaves by other neighbours.",
        (
            Symptom("logs", device_entity(fault.device), "neighbour left Established"),
            Symptom("routes", peer, "peer down, all its routes gone"),
            Symptom("metrics", peer, "peer state is not Established"),
            *fewer_orders(fault.device, text="fewer orders, failed sign-ins"),
        ),
        RightAction("call_provider", {"provider": who}, f"Ask {who}; traffic has other ways meanwhile."),
        services=_PUBLIC,
    )  # fmt: skip


def withdrawn_transit(fault: Fault) -> Truth:
    """A provider that stays up and offers nothing any more."""
    who = _neighbour(fault)
    peer = peer_entity(fault.device, fault.port)
    return Truth(
        f"Transit withdrawn: {who} at {fault.device}", peer, "provider",
        f"{who} withdraws its routes at {fault.device}; the session stays up and nothing leaves by it.",
        (
            Symptom("routes", peer, "mass withdrawal"),
            Symptom("metrics", peer, "prefixes received fall to almost none"),
        ),
        RightAction("call_provider", {"provider": who}, f"Open a case with {who}."), services=_PUBLIC,
    )  # fmt: skip


def bgp_hijack(fault: Fault) -> Truth:
    """Somebody else announces a part of Acme's own prefix."""
    prefix = f"prefix:{fault.target}"
    sites = [site for site in sites_of(fault.target) if site in {one.target for one in places.sites(public=True)}]
    return Truth(
        f"Hijack of {fault.target}", prefix, "BGP hijack",
        f"AS {HIJACKER_AS} announces {fault.target}, which is Acme's: part of the world sends our traffic there.",
        (
            Symptom("routes", prefix, f"announced by AS {HIJACKER_AS}, RPKI-invalid"),
            *(Symptom("business", f"site:{site}", "fewer orders from outside", 60.0) for site in sites),
        ),
        RightAction("bgp_announce", {"prefix": fault.target}, "Announce the same prefix; call who accepts the other."),
        services=_PUBLIC, customers=CUSTOMERS,
    )  # fmt: skip


def bgp_leak(fault: Fault) -> Truth:
    """A customer of a provider passes on what it learned from its other provider."""
    return Truth(
        f"Route leak by way of {fault.target}", f"provider:{fault.target}", "BGP leak",
        f"AS {LEAKER_AS} tells {fault.target} routes that it has from another provider; our traffic takes the detour.",
        tuple(
            Symptom("routes", peer_entity(device, port), f"paths through AS {LEAKER_AS}")
            for device, port in places.ports_of(fault.target)
        ),
        RightAction("reject_routes", {"neighbour": fault.target, "asn": LEAKER_AS}, "Refuse paths with that AS."),
        services=("Google", "Netflix"),
    )  # fmt: skip


def rpki_invalid(fault: Fault) -> Truth:
    """Somebody announces a network's prefix without being entitled; Acme refuses it."""
    return Truth(
        f"RPKI-invalid routes to {fault.target}", f"prefix:{fault.target}", "RPKI",
        f"AS {INVALID_AS} announces {fault.target}, for which it has no authorisation; Acme's policy refuses it.",
        (Symptom("routes", f"prefix:{fault.target}", f"origin AS {INVALID_AS}, RPKI-invalid"),),
        RightAction("none", text="The policy refuses it; tell the network that it concerns."),
    )  # fmt: skip


def _transit_providers(_seed: int) -> tuple[Place, ...]:
    names = dict.fromkeys(places.PORTS[one.device, one.port].provider for one in places.transits())
    return tuple(Place(name, name, target=name) for name in names)


KINDS = (
    FaultKind("link_cut", "Line cut", _LINK, "A line between two routers is gone until its carrier mends it.",
              (3 * _MIN, 25 * _MIN), 1.6, places.lines, link_cut),
    FaultKind("link_flap", "Flapping line", _LINK, "A line goes down for seconds, over and over.",
              (4 * _MIN, 20 * _MIN), 1.0, places.lines, link_flap, (0.2, 1.0)),
    FaultKind("optic_degradation", "Fading optics", _LINK,
              "Received light falls; below the receiver's limit packets arrive broken and some are lost.",
              (20 * _MIN, 3 * _H), 0.8, places.router_line_ends, optic_degradation, (0.25, 1.0)),
    FaultKind("congestion_growth", "Congestion by growth", _LINK,
              "Traffic between two sites grows until the line between them is full.",
              (20 * _MIN, 2 * _H), 0.7, places.long_lines, congestion_growth, (0.2, 1.0)),
    FaultKind("congestion_reroute", "Congestion by reroute", _LINK, "A line is cut, and its traffic fills another.",
              (4 * _MIN, 25 * _MIN), 0.7, places.rerouted_lines, congestion_reroute, (0.3, 1.0)),
    FaultKind("device_reboot", "Restart of a device", _DEVICE, "A device crashes and is back after minutes.",
              (2 * _MIN, 6 * _MIN), 0.5, places.devices, device_reboot),
    FaultKind("cpu_overload", "Busy processor", _DEVICE, "A device's processor has more to do than it can.",
              (3.5 * _MIN, 15 * _MIN), 1.0, places.devices, cpu_overload, (0.1, 1.0)),
    FaultKind("session_down", "BGP session lost", _ROUTING, "A session with a provider or an exchange goes down.",
              (45.0, 9 * _MIN), 1.4, places.sessions, session_down),
    FaultKind("withdrawn_transit", "Transit withdrawn", _ROUTING,
              "A provider withdraws its routes; the session stays up.", (4 * _MIN, 20 * _MIN), 0.6, places.transits,
              withdrawn_transit, (0.3, 1.0)),
    FaultKind("bgp_hijack", "BGP hijack", _ROUTING, "Somebody else announces a part of Acme's own prefix.",
              (5 * _MIN, 20 * _MIN), 0.3, places.own_prefixes, bgp_hijack, (0.2, 1.0)),
    FaultKind("bgp_leak", "BGP route leak", _ROUTING,
              "A customer of a provider passes on routes of its other provider.", (8 * _MIN, 30 * _MIN), 0.3,
              _transit_providers, bgp_leak, (0.3, 1.0)),
    FaultKind("rpki_invalid", "RPKI-invalid routes", _ROUTING,
              "Somebody announces another network's prefix without authorisation.", (5 * _MIN, 30 * _MIN), 0.4,
              places.authorised, rpki_invalid, (0.2, 1.0)),
)  # fmt: skip
