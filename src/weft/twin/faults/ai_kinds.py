"""Faults of the AI cluster: their names and what is true of each. They can happen nowhere until there is a cluster."""

from __future__ import annotations

from functools import partial

from weft.twin.faults.model import Fault, FaultGroup, FaultKind, Place, RightAction, Symptom, Truth

_MIN = 60.0

#: Name → title, description, cause, action.
_ALL = {
    "ai_elephant_collision": ("Elephants collide", "Synchronised flows of a collective share one uplink.",
                              "load balancing", RightAction("none", text="Spread by adaptive routing.")),
    "ai_microburst_incast": ("Microburst by incast", "Many senders answer one receiver in the same microseconds.",
                             "incast", RightAction("none", text="Stagger the senders.")),
    "ai_pfc_storm": ("PFC storm", "A port that pauses its neighbours without end halts a part of the fabric.",
                     "flow control", RightAction("none", text="Isolate the port that sends pauses.")),
    "ai_ecn_misconfig": ("ECN misconfigured", "A switch marks too late: queues grow until PFC stops all.",
                         "change", RightAction("none", text="Roll back the switch's queue profile.")),
    "ai_lossy_optic": ("Lossy optic", "An optic loses packets; RoCE goes back and sends all of it again.",
                       "optics", RightAction("none", text="Take the line out and swap the optic.")),
    "ai_slow_nic": ("Slow NIC", "A network card runs at a fraction of its speed.",
                    "host", RightAction("none", text="Drain the host and look at its PCIe link.")),
    "ai_gpu_straggler": ("GPU straggler", "One GPU is slower than the others, and all wait for it.",
                         "host", RightAction("none", text="Replace the node in the job.")),
    "ai_path_asymmetry": ("Path asymmetry", "Rails of one job have ways of different capacity.",
                          "topology", RightAction("none", text="Bring the missing uplinks back.")),
    "ai_rail_misplacement": ("Rail misplacement", "A job's ranks are not where the rails want them.",
                             "placement", RightAction("none", text="Place the job anew.")),
    "ai_storage_stall": ("Storage stall", "Checkpoints wait for storage that does not answer.",
                         "storage", RightAction("none", text="Fail over the storage target.")),
}  # fmt: skip


def _truth(name: str, fault: Fault) -> Truth:
    title, text, cause, action = _ALL[name]
    entity = f"interface:{fault.device}|{fault.port}" if fault.port else f"device:{fault.device}"
    return Truth(
        f"{title}: {fault.target or fault.device}", entity, cause, text,
        (Symptom("metrics", entity, text),), action,
    )  # fmt: skip


def _nowhere(_seed: int) -> tuple[Place, ...]:
    return ()


KINDS = tuple(
    FaultKind(name, title, FaultGroup.AI, text, (3 * _MIN, 30 * _MIN), 0.0, _nowhere, partial(_truth, name))
    for name, (title, text, _, _) in _ALL.items()
)
