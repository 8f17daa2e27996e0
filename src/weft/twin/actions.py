"""What operators can do to Acme: kinds of actions, how long each takes, how often it fails, and what it undoes.

An executor as those on a real network: commands take their time, some are refused. The right action (``Truth.action``)
ends its fault once it takes effect; any other changes what it changes and leaves the fault.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from weft.errors import InvalidInput
from weft.twin import organisation as org
from weft.twin.cluster import layout as cluster
from weft.twin.faults.model import Fault, RightAction
from weft.twin.remedies import Action, Value
from weft.twin.timeline import Timeline

#: Bounds of what an action is told.
MOST_PARAMETERS, LONGEST_VALUE = 12, 200


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something an action needs to be told."""

    name: str
    meaning: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class ActionKind:
    """A kind of action. ``takes_s``: from asking to effect; ``fails``: how often it comes to nothing, 0 to 1.

    ``stays``: in force until undone, else done and over. ``undoes``: kinds of earlier actions on the same ``subject``
    (parameters that say what it is about) that end with it.
    """

    name: str
    title: str
    description: str
    parameters: tuple[Parameter, ...]
    takes_s: tuple[float, float]
    fails: float = 0.02
    stays: bool = True
    undoes: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()


_DEVICE = Parameter("device", "Name of the device.")
_INTERFACE = Parameter("interface", "Name of the interface, or its ifIndex.")
_PREFIX = Parameter("prefix", "The prefix, as 203.0.113.0/24.")
_NEIGHBOUR = Parameter("neighbour", "Address, provider or AS number of the BGP neighbour; all where left out.", False)
_HOST = Parameter("host", "Address of the host.")
_AT = Parameter("device", "Name of the router; all borders where left out.", False)
_PORT, _DEV = ("device", "interface"), ("device",)

#: Every kind, in the order in which people are offered them.
KINDS: Mapping[str, ActionKind] = {
    kind.name: kind
    for kind in (
        ActionKind("shut", "Shut an interface", "Takes an interface and its line out of service.",
                   (_DEVICE, _INTERFACE), (2, 6), undoes=("no_shut",), subject=_PORT),
        ActionKind("no_shut", "Bring an interface up", "Takes back a shut; bounces a port that is up.",
                   (_DEVICE, _INTERFACE), (2, 8), stays=False, undoes=("shut",), subject=_PORT),
        ActionKind("drain", "Drain a device", "Overloads a router: others route around it, its own prefixes stay.",
                   (_DEVICE,), (15, 45), subject=_DEV),
        ActionKind("undrain", "Put a device back", "Takes back a drain.", (_DEVICE,), (10, 30), stays=False,
                   undoes=("drain",), subject=_DEV),
        ActionKind("set_metric", "Set an IGP metric", "Changes the cost of a line as seen from one end.",
                   (_DEVICE, _INTERFACE, Parameter("metric", "Cost, 1 to 16777214.")), (3, 10), undoes=("set_metric",),
                   subject=_PORT),
        ActionKind("bgp_withdraw", "Withdraw a prefix", "Stops to announce a prefix of ours to neighbours.",
                   (_PREFIX, _AT, _NEIGHBOUR), (20, 75), undoes=("bgp_announce", "prepend"), subject=("prefix",)),
        ActionKind("bgp_announce", "Announce a prefix", "Announces a prefix, also one more specific than is hijacked.",
                   (_PREFIX, _AT, _NEIGHBOUR), (20, 75), undoes=("bgp_withdraw",), subject=("prefix",)),
        ActionKind("prepend", "Prepend our AS", "Makes a way into the network longer for the rest of the world.",
                   (_PREFIX, _AT, _NEIGHBOUR, Parameter("times", "How often, 1 to 5.", False)), (20, 75),
                   undoes=("prepend",), subject=("prefix", "device", "neighbour")),
        ActionKind("local_pref", "Prefer a neighbour", "Changes the preference of routes from a neighbour.",
                   (_AT, Parameter("neighbour", "Address, provider or AS number of the neighbour."),
                    Parameter("value", "Local preference, 0 to 65535.")), (5, 30), undoes=("local_pref",),
                   subject=("device", "neighbour")),
        ActionKind("reject_routes", "Refuse routes", "Refuses what a neighbour announces of a prefix or an AS.",
                   (_AT, _NEIGHBOUR, Parameter("prefix", "Prefix to refuse.", False),
                    Parameter("asn", "AS number to refuse.", False)), (5, 30), subject=("neighbour", "prefix", "asn")),
        ActionKind("flowspec", "Filter by FlowSpec", "Drops or limits matching packets at the border.",
                   (Parameter("prefix", "Destination prefix."), Parameter("source", "Source prefix.", False),
                    Parameter("protocol", "IP protocol, number or name.", False),
                    Parameter("port", "Destination or source port.", False),
                    Parameter("bps", "Limit in bit/s; 0 or left out = drop.", False)), (8, 30), fails=0.04,
                   undoes=("flowspec",), subject=("prefix", "source", "protocol", "port")),
        ActionKind("no_flowspec", "Remove a FlowSpec filter", "Takes back filters of a prefix.",
                   (_PREFIX,), (8, 30), stays=False, undoes=("flowspec",), subject=("prefix",)),
        ActionKind("rtbh", "Black-hole an address", "Drops everything for a prefix at the border (RFC 5635).",
                   (_PREFIX,), (10, 40), subject=("prefix",)),
        ActionKind("no_rtbh", "Remove a black hole", "Takes back a black hole.", (_PREFIX,), (10, 40), stays=False,
                   undoes=("rtbh",), subject=("prefix",)),
        ActionKind("qos", "Change a queue's share", "Gives a class of traffic another share of an interface.",
                   (_DEVICE, _INTERFACE, Parameter("class", "Class of traffic.", False),
                    Parameter("share", "Share of the line, 0 to 1.", False)), (4, 15), undoes=("qos",), subject=_PORT),
        ActionKind("quarantine", "Quarantine a host", "Puts a host where it reaches nothing.", (_HOST,), (5, 25),
                   fails=0.04, undoes=("release",), subject=("host",)),
        ActionKind("release", "Release a host", "Takes back a quarantine.", (_HOST,), (5, 25), stays=False,
                   undoes=("quarantine",), subject=("host",)),
        ActionKind("block_source", "Block a source", "Drops what comes from an address or prefix at the firewalls.",
                   (Parameter("source", "Address or prefix."),), (5, 20), subject=("source",)),
        ActionKind("restart_exporter", "Restart telemetry", "Restarts the flow export of a device.", (_DEVICE,),
                   (10, 40), fails=0.05, stays=False),
        ActionKind("sync_clock", "Synchronise a clock", "Points a device at a time server that works.", (_DEVICE,),
                   (5, 30), stays=False),
        ActionKind("rollback_config", "Roll back a configuration",
                   "Loads the configuration before the last commit; what was changed on the device is undone.",
                   (_DEVICE,), (10, 40), fails=0.03, stays=False, undoes=("set_metric", "qos", "local_pref"),
                   subject=_DEV),
        ActionKind("replace_optic", "Replace an optic", "A technician swaps the optics of a line.",
                   (_DEVICE, _INTERFACE), (120, 420), fails=0.03, stays=False, subject=_PORT),
        ActionKind("reload", "Reload a device", "Restarts a device; its lines are down meanwhile.", (_DEVICE,),
                   (90, 240), fails=0.03, stays=False),
        ActionKind("add_capacity", "Add capacity", "Turns up a further line or channel beside an interface.",
                   (_DEVICE, _INTERFACE), (180, 600), fails=0.05, stays=False, subject=_PORT),
        ActionKind("security_group", "Mend a security group", "Allows again what a rule of a cloud's group refuses.",
                   (Parameter("group", "Id of the group."),), (3, 15), stays=False),
        ActionKind("failover", "Fail over a service", "Moves a service to where it works.",
                   (Parameter("service", "Name of the service."), Parameter("to", "Site or region.", False)), (15, 60),
                   fails=0.04, stays=False),
        ActionKind("adaptive_routing", "Spread by load", "Has a switch of the AI fabric choose lines by their load.",
                   (_DEVICE,), (5, 20), stays=False),
        ActionKind("reschedule_job", "Place a job anew", "Restarts a training job from its last checkpoint elsewhere.",
                   (Parameter("job", "Model that it trains."),), (60, 240), fails=0.03, stays=False),
        ActionKind("call_provider", "Call the provider", "Opens a case with whoever is at fault.",
                   (Parameter("provider", "Name of the provider."),), (240, 900), fails=0.1, stays=False),
    )
}  # fmt: skip
_REFUSALS = (
    "the device did not answer in time", "the commit was refused: the configuration is locked by another session",
    "the change was rolled back: the commit was not confirmed", "the controller lost its session to the device",
)  # fmt: skip
#: The ports of every device that there is, by its name.
_PORTS = {device.name: org.all_ports(device) for device in org.DEVICES}
_PORTS |= {node.name: node.ports for node in cluster.NODES}

#: What a good operator would do about a fault.
RightActionOf = Callable[[Fault], RightAction]


class TwinExecutor:
    """Carries out actions on the organisation of a timeline. The same actions at the same times end the same way."""

    def __init__(self, timeline: Timeline, right_action: RightActionOf) -> None:
        self._timeline, self._right_action = timeline, right_action

    def execute(self, kind: str, parameters: Mapping[str, Value], at_s: float) -> Action:
        """Ask for an action at ``at_s``; says when it takes effect, or that it fails. Raises ``InvalidInput``."""
        known = checked(kind, parameters)
        kept = self._timeline.remedies
        subject = _subject(known, parameters)
        tries = sum(1 for one in kept.between(-math.inf, math.inf) if one.kind == kind and one.parameters == parameters)
        told = f"{kind} {sorted((name, str(value)) for name, value in parameters.items())}"
        rng = np.random.default_rng([self._timeline.seed, zlib.crc32(told.encode()), tries])
        effect_s = at_s + float(rng.uniform(*known.takes_s))
        if rng.random() < known.fails:
            text = f"{known.title}: {_REFUSALS[int(rng.integers(len(_REFUSALS)))]}"
            return self._timeline.act(Action("", kind, dict(parameters), at_s, effect_s, effect_s, False, text))
        ended = [
            fault for fault in self._timeline.faults(at_s - 1.0, at_s + 1.0)
            if fault.start_s <= at_s < fault.end_s and _repairs(kind, parameters, self._right_action(fault))
        ]  # fmt: skip
        for fault in ended:
            self._timeline.end(fault, effect_s)
        undone = tuple(
            one.id
            for one in kept.between(at_s, math.inf)
            if one.kind in known.undoes and one.ok and one.end_s > effect_s and _same(one, known, subject)
        )
        return self._timeline.act(
            Action(
                "", kind, dict(parameters), at_s, effect_s, math.inf if known.stays else effect_s, True,
                f"{known.title}: done", tuple(fault.id for fault in ended), undone,
            )
        )  # fmt: skip


def checked(kind: str, parameters: Mapping[str, Value]) -> ActionKind:
    """The kind of an action that can be carried out. Raises ``InvalidInput`` with what is wrong with it."""
    known = KINDS.get(kind)
    if known is None:
        raise InvalidInput(f"there is no action {kind[:40]!r}", where="kind", fix=f"One of: {', '.join(KINDS)}.")
    if len(parameters) > MOST_PARAMETERS or any(len(str(value)) > LONGEST_VALUE for value in parameters.values()):
        raise InvalidInput("has more parameters, or longer ones, than any action needs", where="parameters")
    missing = [one.name for one in known.parameters if one.required and str(parameters.get(one.name, "")) == ""]
    if missing:
        raise InvalidInput(f"needs {', '.join(missing)}", where=f"action {kind}")
    if "device" in parameters:
        port_of(str(parameters["device"]), str(parameters.get("interface", "")))
    return known


def port_of(device: str, interface: str = "") -> org.Port | None:
    """The port of a device by its name or ifIndex, None where none is named. Raises ``InvalidInput``."""
    known = _PORTS.get(device)
    if known is None:
        raise InvalidInput(f"Acme has no device {device[:60]!r}", where="device")
    if not interface:
        return None
    for port in known:
        if interface in (port.name, str(port.index)):
            return port
    raise InvalidInput(f"{device} has no interface {interface[:60]!r}", where="interface")


def _repairs(kind: str, given: Mapping[str, Value], right: RightAction) -> bool:
    """Whether an action is the right one: of its kind, and about what that is about."""
    return right.kind == kind and all(
        _plain(given, name) == _plain(right.parameters, name)
        for name in right.parameters
        if name in given or any(one.name == name and one.required for one in KINDS[kind].parameters)
    )


def _plain(parameters: Mapping[str, Value], name: str) -> str:
    """A parameter as it is compared: interfaces by their name."""
    value = str(parameters.get(name, ""))
    ports = _PORTS.get(str(parameters.get("device", "")), ())
    if name == "interface":
        value = next((port.name for port in ports if value == str(port.index)), value)
    return value.lower()


def _subject(kind: ActionKind, parameters: Mapping[str, Value]) -> dict[str, str]:
    return {name: _plain(parameters, name) for name in kind.subject}


def _same(earlier: Action, kind: ActionKind, subject: Mapping[str, str]) -> bool:
    """Whether an earlier action is about the same thing, as far as this kind of action says what it is about."""
    return all(_plain(earlier.parameters, name) == subject[name] for name in kind.subject)
