"""Changes that can be asked about: what people, plans and rehearsals say, as data. The JSON names are a contract.

A place (``node``, ``ingress``, ``egress``) is a name as ``weft.network.places`` reads it: a device, a site, an AS, a
provider, a cloud, a service, an address, a prefix. A ``link`` is its id, or the two devices it joins (``a -- b``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Of one question.
MOST_CHANGES = 100
_MOST_PLACES = 1000
_Name = Annotated[str, Field(min_length=1, max_length=300)]
_Rate = Annotated[float, Field(gt=0, le=1e18, allow_inf_nan=False)]


class _Change(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class FailLink(_Change):
    """A link goes down, both ways."""

    kind: Literal["fail_link"]
    link: _Name


class FailNode(_Change):
    """A device (or all of a site) goes down, and every link at it."""

    kind: Literal["fail_node"]
    node: _Name


class FailSrlg(_Change):
    """Everything in a shared risk group goes down: a duct, a ship's anchor, a power feed."""

    kind: Literal["fail_srlg"]
    srlg: _Name


class Maintenance(_Change):
    """Planned work: traffic is drained first (overload bit, maximum metric), then devices and links go away."""

    kind: Literal["maintenance"]
    nodes: list[_Name] = Field(default_factory=list, max_length=_MOST_PLACES)
    links: list[_Name] = Field(default_factory=list, max_length=_MOST_PLACES)


class AddDemand(_Change):
    """New traffic from one place to another."""

    kind: Literal["add_demand"]
    ingress: _Name
    egress: _Name
    bps: _Rate
    traffic_class: str = Field(default="", max_length=100)


class ScaleDemand(_Change):
    """All traffic, or that from or to a place, or of a class, times a factor."""

    kind: Literal["scale_demand"]
    factor: float = Field(ge=0, le=1e6, allow_inf_nan=False)
    ingress: str = Field(default="", max_length=300)
    """Empty = from everywhere."""
    egress: str = Field(default="", max_length=300)
    """Empty = to everywhere."""
    traffic_class: str = Field(default="", max_length=100)
    """Empty = all classes."""


class SetCapacity(_Change):
    """A link gets another capacity, bit/s in each direction."""

    kind: Literal["set_capacity"]
    link: _Name
    capacity_bps: _Rate


class SetMetric(_Change):
    """A link gets another IGP metric: from ``a`` to ``b`` (forward), back, or both ways."""

    kind: Literal["set_metric"]
    link: _Name
    metric: int = Field(ge=1, le=2**24 - 1)
    direction: Literal["both", "forward", "backward"] = "both"


class Withdraw(_Change):
    """Routes to the outside are no longer heard: all that match every field given."""

    kind: Literal["withdraw"]
    prefixes: list[_Name] = Field(default_factory=list, max_length=_MOST_PLACES)
    """Prefixes or groups of prefixes (``AS64501``); empty = all."""
    node: str = Field(default="", max_length=300)
    """Border that hears them; empty = any."""
    provider: str = Field(default="", max_length=300)
    """Who tells of them: a provider's name or ``AS64501``; empty = anybody."""
    link: str = Field(default="", max_length=300)
    """Link behind which the neighbour is; empty = any."""


class AddLink(_Change):
    """A new link between two devices."""

    kind: Literal["add_link"]
    a: _Name
    b: _Name
    capacity_bps: _Rate
    delay_ms: float = Field(default=0.0, ge=0, le=10_000, allow_inf_nan=False)
    metric: int | None = Field(default=None, ge=1, le=2**24 - 1)
    """None = as the network's other links have it for that delay."""


class Overload(_Change):
    """A device sets the overload bit (RFC 3787 §2, RFC 6987): it is reached, but nothing passes through it."""

    kind: Literal["overload"]
    node: _Name


Change = Annotated[
    FailLink | FailNode | FailSrlg | Maintenance | AddDemand | ScaleDemand | SetCapacity | SetMetric | Withdraw
    | AddLink | Overload,
    Field(discriminator="kind"),
]  # fmt: skip


def text_of(change: Change) -> str:
    """A change in a few words."""
    match change:
        case FailLink():
            return f"{change.link} fails"
        case FailNode():
            return f"{change.node} fails"
        case FailSrlg():
            return f"all of risk group {change.srlg} fails"
        case Maintenance():
            return f"maintenance of {', '.join([*change.nodes, *change.links]) or 'nothing'}"
        case AddDemand():
            return f"{rate_text(change.bps)} more from {change.ingress} to {change.egress}"
        case ScaleDemand():
            which = [f"from {change.ingress}" if change.ingress else "", f"to {change.egress}" if change.egress else "",
                     f"of {change.traffic_class}" if change.traffic_class else ""]  # fmt: skip
            return " ".join(["traffic", *filter(None, which), f"× {change.factor:g}"])
        case SetCapacity():
            return f"{change.link} has {rate_text(change.capacity_bps)}"
        case SetMetric():
            ways = {"both": "", "forward": " (forward)", "backward": " (backward)"}[change.direction]
            return f"{change.link} has metric {change.metric}{ways}"
        case Withdraw():
            which = [", ".join(change.prefixes) or "all prefixes", change.provider and f"from {change.provider}",
                     change.node and f"at {change.node}", change.link and f"over {change.link}"]  # fmt: skip
            return " ".join(["withdrawn:", *filter(None, which)])
        case AddLink():
            return f"new link {change.a} -- {change.b} of {rate_text(change.capacity_bps)}"
        case Overload():
            return f"{change.node} is overloaded"


def rate_text(bps: float) -> str:
    """A rate as people write it, three digits: ``12.5 Gbit/s``."""
    for unit, factor in (("Tbit/s", 1e12), ("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3)):
        if bps >= factor:
            return f"{bps / factor:.3g} {unit}"
    return f"{bps:.3g} bit/s"
