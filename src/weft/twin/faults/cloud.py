"""Faults in Acme's clouds: where they can happen and what is true of each. What they do: ``weft.twin.cloud_faults``."""

from __future__ import annotations

from weft.twin.cloud import NETS
from weft.twin.cloud_faults import BLOCK, FAR, GUARDED, SPIKE, cut_off, group_of, hurt, net_of, read_bps
from weft.twin.faults.model import Fault, FaultGroup, FaultKind, Place, RightAction, Symptom, Truth

_MIN = 60.0


def _guarded(_seed: int) -> tuple[Place, ...]:
    asked = {name: (whom, port) for name, _, whom, port in GUARDED}
    return tuple(
        Place(net.name, f"{asked[net.name][0]} of {net.name}, {net.region}", target=net.key)
        for net in NETS if net.name in asked
    )  # fmt: skip


def _readers(_seed: int) -> tuple[Place, ...]:
    return tuple(Place(net.name, f"{net.name}, {net.region}", target=net.key) for net in NETS if net.name in FAR)


def _sg_block(fault: Fault) -> Truth:
    net, group = net_of(fault), group_of(net_of(fault))
    _, asking, asked, port = next(one for one in GUARDED if one[0] == net.name)
    hosts = cut_off(fault)
    symptoms = [
        Symptom("cloud_flows", f"network:{net.key}", f"connections to TCP {port} refused", 300.0),
        Symptom("cloud_flows", f"host:{hosts[0].address}", f"no more traffic to {asked}, only attempts", 300.0),
        Symptom("inventory", f"security_group:{group}", f"rules for port {port} are gone", 10.0),
    ]
    shop = net.name != "vnet-erp"
    if shop:
        said = f"up to {100 * hurt(fault):.0f} % fewer orders in its region"
        symptoms.append(Symptom("business", "product:app", said, 60.0))
    return Truth(
        f"Security group blocks {asked} in {net.name}", f"security_group:{group}", "change",
        f"A rule of {group} in {net.name} is gone: {len(hosts)} hosts of {asking} do not reach {asked} at port {port}.",
        tuple(symptoms), RightAction("security_group", {"group": group}, "Put the rule back."),
        services=("public services",) if shop else ("servers",),
    )  # fmt: skip


def _cost_spike(fault: Fault) -> Truth:
    net = net_of(fault)
    far = next(one for one in NETS if one.name == FAR[net.name])
    return Truth(
        f"Cost spike: {net.name} reads from {far.region}", f"network:{net.key}", "cost",
        f"A job in {net.name} ({net.region}) reads {4 * read_bps(fault) / 1e6:.0f} Mbit/s from {far.name} "
        f"({far.region}) rather than from the copy beside it.",
        (
            Symptom("cloud_flows", f"network:{net.key}", f"far more octets from {far.region}, which cost", 300.0),
            Symptom("cloud_flows", f"network:{far.key}", "far more octets to another region", 300.0),
        ),
        RightAction("failover", {"service": net.name, "to": net.region}, "Let it read the copy in its own region."),
    )  # fmt: skip


KINDS = (
    FaultKind(BLOCK, "Security group blocks", FaultGroup.CLOUD,
              "A rule of a cloud's security group is gone; applications do not reach their database.",
              (8 * _MIN, 40 * _MIN), 0.5, _guarded, _sg_block, (0.2, 1.0)),
    FaultKind(SPIKE, "Cross-region traffic", FaultGroup.CLOUD, "A job reads its data from another region.",
              (20 * _MIN, 180 * _MIN), 0.4, _readers, _cost_spike, (0.1, 1.0)),
)  # fmt: skip
