"""The ground truth of a span as a file: what happened, what showed of it where, what the right thing to do was."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from weft.twin import organisation as org
from weft.twin.agents.prober import EXPIRES_DAYS
from weft.twin.cluster.layout import NODES
from weft.twin.faults.model import Fault, FaultKind, Symptom
from weft.twin.felt import felt
from weft.twin.remedies import Action
from weft.twin.timeline import Timeline

_PORTS = {(device.name, port.index): port.name for device in org.DEVICES for port in org.all_ports(device)}
_PORTS |= {(node.name, port.index): port.name for node in NODES for port in node.ports}


def where_of(fault: Fault) -> str:
    """Where a fault is, in words: ``chi-border1 et-2/0/0 – nyc-border1 et-2/0/0``, a target, a device."""
    ends = [
        " ".join(filter(None, (name, _PORTS.get((name, port), "") if port else "")))
        for name, port in ((fault.device, fault.port), (fault.other, fault.other_port))
        if name
    ]
    return " – ".join(ends) if not fault.target else ", ".join(filter(None, (fault.target, " – ".join(ends))))


def fault_row(fault: Fault, kind: FaultKind, more: Sequence[Symptom] = ()) -> dict[str, Any]:
    """One fault with its truth, as a row of ``truth.jsonl``. Times are UTC seconds. ``more``: further symptoms."""
    truth = kind.truth(fault)
    shown = {(one.dataset, one.entity) for one in truth.symptoms}
    return {
        "type": "fault", "id": fault.id, "kind": fault.kind, "group": kind.group.value, "title": truth.title,
        "is_benign": truth.is_benign, "triggered": fault.triggered, "start": round(fault.start_s, 3),
        "end": round(fault.end_s, 3), "severity": round(fault.severity, 4), "where": where_of(fault),
        "device": fault.device, "port": fault.port, "other": fault.other, "other_port": fault.other_port,
        "target": fault.target, "who": fault.who, "root_cause": truth.root_cause, "cause_type": truth.cause_type,
        "text": truth.text,
        "symptoms": [
            {"dataset": one.dataset, "entity": one.entity, "text": one.text, "after_s": round(one.after_s, 3)}
            for one in (*truth.symptoms, *(one for one in more if (one.dataset, one.entity) not in shown))
        ],
        "action": {
            "kind": truth.action.kind, "parameters": dict(truth.action.parameters), "text": truth.action.text
        },
        "services": list(truth.services), "customers": list(truth.customers),
    }  # fmt: skip


def action_row(action: Action) -> dict[str, Any]:
    """One action of an operator, as a row of ``truth.jsonl``."""
    return {
        "type": "action", "id": action.id, "kind": action.kind, "parameters": dict(action.parameters),
        "asked": round(action.asked_s, 3), "start": round(action.start_s, 3),
        "end": None if math.isinf(action.end_s) else round(action.end_s, 3), "ok": action.ok, "text": action.text,
        "ended": list(action.ended),
    }  # fmt: skip


def truth_rows(
    timeline: Timeline, kinds: Mapping[str, FaultKind], since_s: float, until_s: float
) -> Iterator[dict[str, Any]]:
    """Every fault that touches a span, with all that it is felt at, then every action in it."""
    for fault in timeline.faults(since_s, until_s):
        yield fault_row(fault, kinds[fault.kind], felt(timeline, fault))
    for action in timeline.remedies.between(since_s, until_s):
        yield action_row(action)


def standing_rows(parts: Collection[str], since_s: float, until_s: float) -> Iterator[dict[str, Any]]:
    """What is wrong at Acme all the time, as faults that began before: to find it is right, to miss it no fault."""
    if "probes" not in parts:
        return
    for name in EXPIRES_DAYS:
        service = f"service:Acme {name}"
        yield {
            "type": "standing", "id": f"certificate-{name}", "kind": "certificate_expiring", "group": "application",
            "title": f"Certificate of the {name}", "is_benign": False, "triggered": False,
            "start": round(since_s - 86_400.0, 3), "end": round(until_s, 3), "severity": 0.5, "where": f"Acme {name}",
            "device": "", "port": 0, "other": "", "other_port": 0, "target": f"Acme {name}", "who": "",
            "root_cause": service, "cause_type": "application",
            "text": f"The certificate of the {name} runs out in days.",
            "symptoms": [{"dataset": "probes", "entity": service, "text": "few days left", "after_s": 0.0}],
            "action": {"kind": "none", "parameters": {}, "text": "Renew it."}, "services": [f"Acme {name}"],
            "customers": [],
        }  # fmt: skip


def jsonl(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as text, a line each, the same for the same rows."""
    return "".join(json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many faults of which kind and group, how many decoys, how long something was wrong."""
    faults = [row for row in rows if row["type"] == "fault"]
    bad = [row for row in faults if not row["is_benign"]]
    return {
        "faults": len(bad), "decoys": len(faults) - len(bad),
        "kinds": dict(sorted(Counter(row["kind"] for row in faults).items())),
        "groups": dict(sorted(Counter(row["group"] for row in faults).items())),
        "fault_s": round(sum(row["end"] - row["start"] for row in bad), 1),
        "actions": sum(row["type"] == "action" for row in rows),
    }  # fmt: skip
