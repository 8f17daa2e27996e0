"""Faults of the AI cluster, and a decoy: where each can happen and what is true of it. What they do: ``cluster``."""

from __future__ import annotations

from collections.abc import Callable

from weft.twin.cluster import layout
from weft.twin.cluster.felt import felt_by
from weft.twin.cluster.jobs import TRACKS, Track
from weft.twin.cluster.layout import HOSTS, LEAF_NODES, PARALLEL, RAILS, SPINES, SWITCHES, UNIT_HOSTS
from weft.twin.cluster.troubles import far_row, lost_uplinks
from weft.twin.faults.model import LEAVE, Fault, FaultGroup, FaultKind, Place, RightAction, Symptom, Truth
from weft.twin.faults.places import device_entity

_MIN = 60.0
_SERVICE = ("AI training",)
_FABRIC = tuple(node for node in SWITCHES if node.role != "frontend")


# --- entities --------------------------------------------------------------------------------------------------------


def _interface(device: str, index: int) -> str:
    return f"interface:{device}|{layout.port(device, index).name}"


def _job(track: Track) -> str:
    return f"job:{track.model}"


def _on(device: str, port: int = 0) -> Track:
    """The jobs that a fault at a device is felt by first: those of the host there, else the one across the spines."""
    host = device
    if port and layout.BY_NAME[device].role == "leaf":
        host = layout.port(device, port).description.split(" ")[0]
    if host.startswith("gpu"):
        number = int(host.removeprefix("gpu")) - 1
        return next(track for track in TRACKS if number in track.hosts)
    return TRACKS[0]


def _slower(track: Track, after_s: float = 30.0) -> Symptom:
    return Symptom("metrics", _job(track), "steps take longer, fewer tokens a second", after_s)


def _slows(fault: Fault, *first: Track) -> tuple[Symptom, ...]:
    """The jobs that are slower: those that it is about, and those whose ways it lies on."""
    return tuple(_slower(track) for track in dict.fromkeys((*first, *felt_by(fault))))


# --- places ----------------------------------------------------------------------------------------------------------


def _leaves(_: int) -> tuple[Place, ...]:
    return tuple(Place(node.name, node.name, node.name) for node in LEAF_NODES)


def _switches(_: int) -> tuple[Place, ...]:
    return tuple(Place(node.name, node.name, node.name) for node in _FABRIC)


def _cards(_: int) -> tuple[Place, ...]:
    """A card of each host."""
    found = []
    for host in range(HOSTS):
        name, rail = layout.host_name(host), host * 3 % RAILS
        title = f"{name} {layout.card(rail)}"
        found.append(Place(title.replace(" ", "-"), title, name, rail + 1))
    return tuple(found)


def _host_ports(_: int) -> tuple[Place, ...]:
    """The leaf's port of a card of each host."""
    found = []
    for host in range(HOSTS):
        rail = (host * 3 + 1) % RAILS
        leaf = LEAF_NODES[layout.leaf_of(host, rail)].name
        index = host % UNIT_HOSTS * 2 + rail % 2 + 1
        name = f"{layout.host_name(host)}-{layout.card(rail)}"
        title = f"{leaf} {layout.port(leaf, index).name} to {layout.host_name(host)}"
        found.append(Place(name, title, leaf, index))
    return tuple(found)


def _optics(_: int) -> tuple[Place, ...]:
    """Ports of leaves, to hosts and to spines."""
    found = []
    for number, node in enumerate(LEAF_NODES):
        for index in (1 + 5 * number % 32, 33 + 11 * number % 32):
            port = node.ports[index - 1]
            title = f"{node.name} {port.name} to {port.description.split(' ')[0]}"
            found.append(Place(f"{node.name}-{port.name}", title, node.name, index))
    return tuple(found)


def _gpus(_: int) -> tuple[Place, ...]:
    """A GPU of each host."""
    found = []
    for host in range(HOSTS):
        name, gpu = layout.host_name(host), host * 5 % RAILS
        found.append(Place(f"{name}-gpu{gpu}", f"{name} GPU {gpu}", name, target=f"gpu{gpu}"))
    return tuple(found)


def _bundles(_: int) -> tuple[Place, ...]:
    """The parallel lines of a leaf to a spine."""
    return tuple(
        Place(f"{node.name}--dai-spine{spine + 1}", f"{node.name} to dai-spine{spine + 1}", node.name,
              2 * UNIT_HOSTS + spine * PARALLEL + 1)
        for node in LEAF_NODES for spine in range(SPINES)
    )  # fmt: skip


def _tracks(_: int) -> tuple[Place, ...]:
    return tuple(Place(track.id, f"job {track.model}", target=track.id) for track in TRACKS)


def _stores(_: int) -> tuple[Place, ...]:
    return tuple(Place(f"store{number + 1}", f"store{number + 1}", f"store{number + 1}")
                 for number in range(layout.STORES))  # fmt: skip


def _everybody(_: int) -> tuple[Place, ...]:
    return (Place("all", "all jobs", layout.SWITCHES[-1].name),)


# --- truths ----------------------------------------------------------------------------------------------------------


def collision(fault: Fault) -> Truth:
    """Large flows at the same time on the same uplinks."""
    first = _interface(fault.device, 2 * UNIT_HOSTS + 1)
    return Truth(
        f"Elephants collide on {fault.device}", device_entity(fault.device), "load balancing",
        f"The hash of {fault.device} puts the queue pairs of a collective onto a few of its 32 uplinks.",
        (
            Symptom("metrics", first, "full, its neighbours nearly empty"),
            Symptom("metrics", first, "ECN marks and a long queue"),
            *_slows(fault, TRACKS[0]),
        ),
        RightAction("adaptive_routing", {"device": fault.device}, "Spread by load, or by more queue pairs."),
        services=_SERVICE,
    )  # fmt: skip


def incast(fault: Fault) -> Truth:
    """Many answer one at once."""
    port = _interface(fault.device, fault.port)
    return Truth(
        f"Incast at {fault.device} {layout.port(fault.device, fault.port).name}", port, "incast",
        "Many senders answer one receiver in the same microseconds: the queue overflows though the line is not full.",
        (
            Symptom("metrics", port, "watermark of the queue high at the usual load"),
            Symptom("metrics", port, "ECN marks"),
            *_slows(fault, _on(fault.device, fault.port)),
        ),
        RightAction("qos", {"device": fault.device, "interface": layout.port(fault.device, fault.port).name},
                    "Stagger the senders; give the port more of the shared buffer."), services=_SERVICE,
    )  # fmt: skip


def storm(fault: Fault) -> Truth:
    """A card that pauses its switch without end."""
    name = layout.port(fault.device, fault.port).name
    port = _interface(fault.device, fault.port)
    return Truth(
        f"PFC storm at {fault.device} {name}", port, "flow control",
        f"The card behind {name} of {fault.device} sends pauses without end; what is meant for it backs up the fabric.",
        (
            Symptom("metrics", port, "receives pauses nearly all the time"),
            Symptom("logs", device_entity(fault.device), "PFC watchdog", 8.0),
            *_slows(fault, _on(fault.device, fault.port)),
        ),
        RightAction("shut", {"device": fault.device, "interface": name}, "Isolate the port; reset the card behind it."),
        services=_SERVICE,
    )  # fmt: skip


def ecn(fault: Fault) -> Truth:
    """A switch that does not mark."""
    index = 1 if layout.BY_NAME[fault.device].role == "leaf" else 5
    return Truth(
        f"ECN misconfigured on {fault.device}", device_entity(fault.device), "change",
        f"A new queue profile of {fault.device} marks far too late: queues grow until PFC stops the senders.",
        (
            Symptom("logs", device_entity(fault.device), "configuration reloaded"),
            Symptom("metrics", device_entity(fault.device), "no ECN marks any more"),
            Symptom("metrics", _interface(fault.device, index), "long queues"),
            Symptom("metrics", device_entity(fault.device), "sends pauses"),
            *_slows(fault, _on(fault.device, index) if layout.BY_NAME[fault.device].role == "leaf" else TRACKS[0]),
        ),
        RightAction("rollback_config", {"device": fault.device}, "Roll back the queue profile."), services=_SERVICE,
    )  # fmt: skip


def optic(fault: Fault) -> Truth:
    """An optic that loses packets."""
    name = layout.port(fault.device, fault.port).name
    port = _interface(fault.device, fault.port)
    return Truth(
        f"Lossy optic: {fault.device} {name}", port, "optics",
        f"The optic in {name} of {fault.device} loses packets; RoCE goes back and sends all of a window again.",
        (
            Symptom("metrics", port, "frames that FEC cannot mend, errors"),
            Symptom("metrics", port, "less light received"),
            Symptom("metrics", _job(_on(fault.device, fault.port)), "packets out of sequence at its cards"),
            *_slows(fault),
        ),
        RightAction("replace_optic", {"device": fault.device, "interface": name}, "Take the line out, swap the optic."),
        services=_SERVICE,
    )  # fmt: skip


def card(fault: Fault) -> Truth:
    """A network card at a fraction of its speed."""
    port = _interface(fault.device, fault.port)
    return Truth(
        f"Slow card: {fault.device} {layout.card(fault.port - 1)}", port, "host",
        f"PCIe of {layout.card(fault.port - 1)} in {fault.device} fell back to fewer lanes: it carries a fraction.",
        (
            Symptom("metrics", port, "its rate is lower than that of the others"),
            Symptom("metrics", port, "sends pauses to its leaf"),
            Symptom("logs", device_entity(fault.device), "PCIe bandwidth limited", 2.0),
            *_slows(fault, _on(fault.device)),
        ),
        RightAction("drain", {"device": fault.device}, "Drain the host and reseat the card."), services=_SERVICE,
    )  # fmt: skip


def gpu(fault: Fault) -> Truth:
    """One GPU is slow, all wait for it."""
    host = device_entity(fault.device)
    return Truth(
        f"Straggler: {fault.device} {fault.target}", host, "host",
        f"{fault.target} of {fault.device} runs hot and slow; every rank of its job waits for it at each step.",
        (
            Symptom("metrics", host, f"clock of {fault.target} low, power low, temperature high"),
            Symptom("logs", host, "XID: clocks throttled", 5.0),
            _slower(_on(fault.device)),
        ),
        RightAction("drain", {"device": fault.device}, "Replace the host in the job."), services=_SERVICE,
    )  # fmt: skip


def paths(fault: Fault) -> Truth:
    """Some of the parallel lines are down."""
    port = layout.port(fault.device, fault.port)
    rows = lost_uplinks(fault)
    spine = port.description.split(" ")[0]
    near = [layout.port(fault.device, row - layout.FIRST[fault.device] + 1).name for row in rows]
    far = [layout.port(spine, far_row(row) - layout.FIRST[spine] + 1).name for row in rows]
    return Truth(
        f"Unequal ways: {fault.device} to {spine}", device_entity(fault.device), "topology",
        f"{len(rows)} of 8 lines of {fault.device} to {spine} are down; the rest carry the same share of the rails.",
        (
            *(Symptom("metrics", f"interface:{fault.device}|{name}", "down") for name in near),
            *(Symptom("metrics", f"interface:{spine}|{name}", "down") for name in far),
            Symptom("logs", device_entity(fault.device), "operation status down"),
            Symptom("logs", device_entity(spine), "operation status down"),
            *_slows(fault),
        ),
        RightAction("no_shut", {"device": fault.device, "interface": port.name}, "Bring the missing lines back."),
        services=_SERVICE,
    )  # fmt: skip


def misplaced(fault: Fault) -> Truth:
    """Ranks that are not where the rails want them."""
    track = next(one for one in TRACKS if one.id == fault.target)
    leaves = sorted({LEAF_NODES[layout.leaf_of(host, rail)].name for host in track.hosts for rail in range(RAILS)})
    return Truth(
        f"Misplaced ranks: {track.model}", _job(track), "placement",
        f"The ranks of {track.model} lie across the rails: what should stay in a leaf goes by the spines.",
        (
            *(Symptom("metrics", device_entity(leaf), "more on its uplinks than the job needs") for leaf in leaves),
            *_slows(fault, track),
        ),
        RightAction("reschedule_job", {"job": track.model}, "Place the job anew, along its rails."), services=_SERVICE,
    )  # fmt: skip


def storage(fault: Fault) -> Truth:
    """A store that hardly answers."""
    return Truth(
        f"Storage stall: {fault.device}", device_entity(fault.device), "storage",
        f"{fault.device} answers slowly; checkpoints are striped over all stores and wait for it.",
        (
            Symptom("metrics", device_entity(fault.device), "writes take long"),
            Symptom("metrics", _job(TRACKS[0]), "the next checkpoint takes long", TRACKS[0].checkpoint_every_s),
        ),
        RightAction("failover", {"service": fault.device}, "Fail over the target."), services=_SERVICE,
    )  # fmt: skip


def burst(fault: Fault) -> Truth:
    """All jobs write checkpoints at once: it looks like incast at the stores, and is over soon."""
    port = next(one for one in layout.BY_NAME[fault.device].ports if one.connectivity == "storage")
    return Truth(
        "Checkpoints of all jobs", device_entity(fault.device), "benign",
        "Before a change window every job writes a checkpoint at the same time: stores and their queues are full.",
        (
            Symptom("metrics", _interface(fault.device, port.index), "full, ECN marks, a long queue"),
        ),
        LEAVE, is_benign=True,
    )  # fmt: skip


def _kind(
    name: str, title: str, text: str, lasts_min: tuple[float, float], weight: float,
    places: Callable[[int], tuple[Place, ...]], truth: Callable[[Fault], Truth],
    severity: tuple[float, float] = (0.3, 1.0),
) -> FaultKind:  # fmt: skip
    lasts = lasts_min[0] * _MIN, lasts_min[1] * _MIN
    return FaultKind(name, title, FaultGroup.AI, text, lasts, weight, places, truth, severity)


KINDS = (
    _kind("ai_elephant_collision", "Elephants collide", "Synchronised flows of a collective share a few uplinks.",
          (5, 40), 1.2, _leaves, collision),
    _kind("ai_microburst_incast", "Microburst by incast", "Many senders answer one receiver in the same microseconds.",
          (4, 25), 1.2, _host_ports, incast, (0.15, 1.0)),
    _kind("ai_pfc_storm", "PFC storm", "A port that pauses its neighbours without end halts a part of the fabric.",
          (2, 12), 0.6, _host_ports, storm),
    _kind("ai_ecn_misconfig", "ECN misconfigured", "A switch marks too late: queues grow until PFC stops all.",
          (15, 90), 0.7, _switches, ecn, (0.2, 1.0)),
    _kind("ai_lossy_optic", "Lossy optic", "An optic loses packets; RoCE goes back and sends all of a window again.",
          (10, 90), 1.2, _optics, optic),
    _kind("ai_slow_nic", "Slow network card", "A network card runs at a fraction of its speed.",
          (10, 90), 1.0, _cards, card),
    _kind("ai_gpu_straggler", "GPU straggler", "One GPU is slower than the others, and all wait for it.",
          (5, 60), 1.4, _gpus, gpu, (0.1, 1.0)),
    _kind("ai_path_asymmetry", "Path asymmetry", "Parallel lines are down: the ways of a job's rails are not equal.",
          (5, 40), 0.8, _bundles, paths, (0.2, 1.0)),
    _kind("ai_rail_misplacement", "Rail misplacement", "A job's ranks are not where the rails want them.",
          (20, 120), 0.5, _tracks, misplaced),
    _kind("ai_storage_stall", "Storage stall", "Checkpoints wait for storage that hardly answers.",
          (35, 70), 0.8, _stores, storage),
    FaultKind("ai_checkpoint_burst", "Checkpoint burst", FaultGroup.BENIGN,
              "All jobs write a checkpoint at once: the stores' ports look like incast.", (40.0, 150.0), 0.9,
              _everybody, burst),
)  # fmt: skip
