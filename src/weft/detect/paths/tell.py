"""Findings about groups of tests, in words with their numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median

from weft.detect.context import Names
from weft.detect.detector import Finding
from weft.detect.paths.groups import Group
from weft.detect.paths.hops import Culprit, HopBook
from weft.detect.paths.series import HTTP, PHASES, Round, Series
from weft.detect.paths.ways import WayChange, evidence, traces, words
from weft.detect.texts import clock
from weft.model.addresses import address_text
from weft.model.events import Entity, Evidence, Severity

#: What it is called, by sort of subject and what is bad of most rounds.
_KINDS = {
    ("resolver", "fail"): "dns_failure", ("resolver", "slow"): "dns_slow", ("name", "fail"): "dns_failure",
    ("name", "name"): "dns_failure", ("name", "slow"): "dns_slow", ("service", "fail"): "service_failing",
    ("service", "name"): "dns_failure", ("service", "slow"): "service_slow", ("service", "loss"): "path_loss",
    ("target", "fail"): "unreachable", ("agent", "fail"): "unreachable",
    ("uplink", "fail"): "unreachable",
    ("pair", "fail"): "unreachable",
}  # fmt: skip
_ASPECTS = {"slow": "path_latency", "loss": "path_loss", "jitter": "path_jitter", "throughput": "throughput_drop",
            "fail": "unreachable", "name": "dns_failure"}  # fmt: skip
_WORDS = {
    "dns_failure": "names are not found",
    "dns_slow": "names are found late",
    "service_failing": "fails",
    "service_slow": "is slow",
    "path_loss": "loses packets",
    "path_latency": "is late",
    "path_jitter": "is unsteady",
    "path_change": "takes another way, which is longer",
    "throughput_drop": "has less throughput",
    "unreachable": "is not reached",
}
_SHOWN = 8
#: What costs less, without loss, is for information: another way, or a queue.
DETOUR_MS = 50.0
_MOST_WAYS = 0.6  # share of the bad ways that a device must be on to be named


@dataclass(frozen=True, slots=True)
class Told:
    """What a group's bad rounds come to."""

    kind: str
    aspect: str
    bad: list[tuple[Series, Round, float]]
    rounds: int
    agents: list[str]


def kind_of(group: Group, now_s: float) -> Told:
    """Kind of event, by what is bad of most rounds; of an open one what it was opened as."""
    bad, seen = group.window(now_s)
    aspect = Counter(said.aspect for _, said, _ in bad).most_common(1)[0][0] if bad else "fail"
    kind = group.kind or _KINDS.get((group.subject.sort, aspect)) or _ASPECTS[aspect]
    agents = list(dict.fromkeys(series.key.agent for series, _, _ in bad))
    return Told(kind, aspect, bad, len(seen), agents)


def entity_of(group: Group, names: Names) -> Entity:
    """What people would say that it is about."""
    sort, name = group.subject.sort, group.subject.id
    if sort in ("agent", "uplink"):
        source = next((one.source for one, _, _ in group.bad if one.key.agent == name and any(one.source)), b"")
        source = source or next((one.address for one, _, _ in group.bad if one.key.target_agent == name), b"")
        site = names.site_of_address(source) if source else ""
        return Entity(kind="site", id=site) if site else Entity(kind="agent", id=name)
    if sort == "pair":
        return Entity(kind="path", id=name[:400], title=name.replace("|", " – ")[:400])
    return Entity(kind={"resolver": "target"}.get(sort, sort), id=name[:400])


def finding(group: Group, names: Names, hops: HopBook, change: WayChange, now_s: float) -> Finding:
    """What is wrong, since when, how far from usual, where on the way."""
    told, entity = kind_of(group, now_s), entity_of(group, names)
    agents = f"{', '.join(told.agents[:4])}{' …' if len(told.agents) > 4 else ''}"
    worst, usual, unit, numbers = _numbers(told)
    blamed = culprits(group, hops, group.since_s)
    where = f" From hop {blamed[0].ttl} ({_hop(blamed[0])}) on." if blamed else ""
    causes = _phases(told) + where + words(change, names) + _joined(group, now_s)
    share = len(told.bad) / max(told.rounds, 1)
    return Finding(
        told.kind, entity, told.bad[-1][1].at_s if told.bad else now_s,
        f"{entity.title or entity.id} {_WORDS[told.kind]}",
        f"Since {clock(group.since_s)} {len(told.bad)} of {told.rounds} rounds were bad, as told by {agents}: {numbers}"
        f"{causes}",
        _severity(told, share, worst, usual), hold_s=max(600.0, 6 * group.every_s), started_s=group.since_s,
        seen=worst, expected=usual, unit=unit, score=round(group.score, 1),
        others=_others(group, names, hops, blamed),
        evidence=_evidence(told) + (evidence(group, change, names) if told.aspect == "slow" else []),
    )  # fmt: skip


def _joined(group: Group, now_s: float) -> str:
    """Other ways on which the same shows."""
    if not group.joined:
        return ""
    told = []
    for one in group.joined[:_SHOWN]:
        bad, seen = one.window(now_s)
        told.append(f"{one.subject.id.replace('|', ' – ')} ({len(bad)} of {len(seen)} rounds)")
    more = f" and {len(group.joined) - _SHOWN} more" if len(group.joined) > _SHOWN else ""
    return f" The same shows at {', '.join(told)}{more}."


def _numbers(told: Told) -> tuple[float, float, str, str]:
    """(worst, usual, unit, in words) of what is bad."""
    rounds = [said for _, said, _ in told.bad if said.aspect == told.aspect] or [said for _, said, _ in told.bad]
    if not rounds:
        return 0.0, 0.0, "", ""
    middle, usual = median(one.value for one in rounds), median(one.expected for one in rounds)
    bound, worst = median(one.bound for one in rounds), max(one.value for one in rounds)
    if told.aspect in ("slow", "jitter"):
        what = "round trip" if told.aspect == "slow" else "jitter"
        text = f"{what} {middle:.0f} ms (median), usually {usual:.0f} ms and below {bound:.0f} ms."
        return worst, usual, "ms", text
    if told.aspect == "loss":
        return 100 * worst, 100 * usual, "%", f"{middle:.0%} of packets lost, usually {usual:.1%}."
    if told.aspect == "throughput":
        text = f"{middle / 1e6:.0f} Mbit/s, usually {usual / 1e6:.0f} Mbit/s."
        return min(one.value for one in rounds), usual, "bit/s", text
    notes = Counter(one.note for one in rounds).most_common(1)[0][0]
    return 100.0 * len(rounds) / max(told.rounds, 1), 0.0, "%", f"{notes}."


def _phases(told: Told) -> str:
    if told.aspect != "slow":
        return ""
    rises: dict[str, list[float]] = {}
    for series in dict.fromkeys(id(one) for one, _, _ in told.bad):
        one = next(each for each, _, _ in told.bad if id(each) == series)
        for name, rise in one.slower_phases(told.bad[0][1].at_s):
            rises.setdefault(name, []).append(rise)
    if not rises:
        return ""
    most = sorted(((median(values), name) for name, values in rises.items()), reverse=True)[:2]
    return " Longer by " + ", ".join(f"{rise:.0f} ms in {PHASES[name]}" for rise, name in most) + "."


def culprits(group: Group, hops: HopBook, since_s: float) -> list[Culprit]:
    """Hops that most traces of the group name since then, most first."""
    found: Counter[bytes] = Counter()
    kept: dict[bytes, Culprit] = {}
    for agent, target in traces(group):
        one = hops.culprit(agent, target, since_s)
        if one is not None:
            found[one.address] += 1
            kept[one.address] = one
    return [kept[address] for address, _ in found.most_common(3)]


def _hop(one: Culprit) -> str:
    name = one.device or (address_text(one.address) if any(one.address) else "which does not answer")
    return f"{name}, AS {one.asn}" if one.asn and not one.device else name


def _severity(told: Told, share: float, worst: float, usual: float) -> Severity:
    if told.kind in ("service_failing", "unreachable", "dns_failure"):
        return Severity.MAJOR if share > 0.3 else Severity.MINOR
    if told.kind == "path_loss":
        return Severity.MAJOR if worst >= 20 and share > 0.5 else Severity.MINOR
    if told.kind in ("path_latency", "path_change", "path_jitter") and rise(told) < DETOUR_MS:
        return Severity.INFO  # another way, or a queue: nobody waits longer for it
    if (
        told.kind in ("service_slow", "dns_slow", "path_latency", "path_change")
        and worst > 3 * max(usual, 1.0)
        and share > 0.3
    ):
        return Severity.MAJOR
    return Severity.MINOR


def rise(told: Told) -> float:
    """By how much the worst round is beyond what is usual of its series."""
    return max((said.value - said.expected for _, said, _ in told.bad if said.aspect == told.aspect), default=0.0)


def _others(group: Group, names: Names, hops: HopBook, blamed: list[Culprit]) -> list[Entity]:
    """Devices that hops name, then the service, sites and devices that most of the bad rounds have to do with."""
    found = [Entity(kind="device", id=one.device) for one in blamed if one.device]
    for one in (group, *group.joined):
        found += _at(one, names, hops)
    return list(dict.fromkeys(found))[:30]


def _at(group: Group, names: Names, hops: HopBook) -> list[Entity]:
    """Services and sites at the ends of a way, and devices of ours on it."""
    found: list[Entity] = []
    sort = group.subject.sort
    if sort == "pair":
        services = dict.fromkeys(one.key.test for one, _, _ in group.bad if one.key.kind == HTTP)
        found += [Entity(kind="service", id=name) for name in services]
        for address in dict.fromkeys(a for one, _, _ in group.bad for a in (one.source, one.address) if any(a)):
            site = names.site_of_address(address)
            if site:
                found.append(Entity(kind="site", id=site))
    if sort in ("pair", "agent", "uplink"):
        ways = traces(group)
        on = Counter(name for agent, target in ways for name in hops.devices(agent, target))
        devices = [name for name, count in on.most_common(12) if count >= _MOST_WAYS * len(ways)]
        if not on:
            devices = [name for agent in dict.fromkeys(agent for agent, _ in ways) for name in hops.near(agent)]
        found += [Entity(kind="device", id=name) for name in devices]
    return found


def _evidence(told: Told) -> list[Evidence]:
    rows: list[list[str | float | int | None]] = [
        [clock(said.at_s), series.key.agent, series.key.target, said.aspect, round(said.value, 3),
         round(said.expected, 3), said.note[:120]]
        for series, said, _ in told.bad[-_SHOWN:]
    ]  # fmt: skip
    columns = ["time", "agent", "target", "what", "seen", "usual", "note"]
    if not rows:
        return []
    return [Evidence(kind="rows", title="Bad rounds", columns=columns, rows=rows)]
