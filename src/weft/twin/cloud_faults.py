"""What goes wrong in Acme's clouds: a security group that lost a rule, and a job that reads from another region.

Functions of one fault; ``weft.twin.cloud_logs`` asks them for every interval. Rules are as security groups have them:
what may reach the databases of a network, by subnet of the applications.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from weft.twin.cloud import NETS, Host, Net, Talk, hosts, talks
from weft.twin.faults.model import Fault

#: Kinds of faults that show here.
BLOCK, SPIKE = "cloud_sg_block", "cloud_cost_spike"
#: Where rules can be lost: the network, who asks, who is asked, at which port.
GUARDED = (("prod-us", "app", "db", 5432), ("prod-eu", "app", "db", 5432), ("vnet-erp", "erp", "sql", 1433))
#: Who reads from whom when a job is set to the wrong region.
FAR = {"prod-eu": "prod-us", "prod-us": "prod-eu"}
_RETRY_BPS = 900.0  # a pool that keeps trying to connect, each host to each database
_ONE_ZONE_BELOW = 0.6  # severity up to which a rule is lost for one zone only
_WEAKEST_READ_BPS, _WORST_READ_BPS = 12e6, 900e6  # of a host, at severity 0 and 1


def net_of(fault: Fault) -> Net:
    """The network that a fault is in."""
    return next(net for net in NETS if net.key == fault.target)


@cache
def _guarded(net: Net) -> tuple[str, str, int]:
    return next((asking, asked, port) for name, asking, asked, port in GUARDED if name == net.name)


def group_of(net: Net) -> str:
    """The security group of a network's databases, as its provider names it: an id, or resource group and name."""
    return f"sg-{net.key[4:]}db" if net.provider == "aws" else f"{net.key.split('/')[0]}/nsg-databases"


def admitted(net: Net, faults: Iterable[Fault]) -> tuple[tuple[str, int], ...]:
    """Prefixes of applications that the databases' group lets in while such faults are on, and to which port."""
    asking, _, port = _guarded(net)
    subnets = dict.fromkeys(subnet_of(host) for host in hosts(net, asking))
    lost = {subnet_of(host) for fault in faults if fault.kind == BLOCK and net_of(fault) is net
            for host in cut_off(fault)}  # fmt: skip
    return tuple((subnet, port) for subnet in subnets if subnet not in lost)


def subnet_of(host: Host) -> str:
    """The /24 that a host is in."""
    return host.address.rsplit(".", 1)[0] + ".0/24"


def cut_off(fault: Fault) -> tuple[Host, ...]:
    """Hosts that a lost rule keeps from their database: those of one subnet where it is mild."""
    net = net_of(fault)
    asking = hosts(net, _guarded(net)[0])
    if fault.severity < _ONE_ZONE_BELOW:
        return tuple(host for host in asking if subnet_of(host) == subnet_of(asking[0]))
    return tuple(asking)


def hurt(fault: Fault) -> float:
    """Share of what people ask of a network's services that fails while a rule is lost."""
    net = net_of(fault)
    return 0.85 * len(cut_off(fault)) / len(hosts(net, _guarded(net)[0]))


def orders_kept(fault: Fault, region: str) -> float:
    """Share of the orders of a continent's sites that go through while a fault is on: each uses its next network."""
    served = {"prod-us": "Americas", "prod-eu": "Europe"}
    is_theirs = fault.kind == BLOCK and served.get(net_of(fault).name) == region
    return 1 - hurt(fault) if is_theirs else 1.0


def lasted(fault: Fault, since_s: float, until_s: float) -> float:
    """Share of a span in which a fault is on."""
    return max(0.0, min(fault.end_s, until_s) - max(fault.start_s, since_s)) / (until_s - since_s)


def kept(fault: Fault, talk: Talk) -> float:
    """Share of a conversation that goes on while a fault is on; 1 where it has nothing to do with it."""
    if fault.kind != BLOCK or talk.rejected:
        return 1.0
    net = net_of(fault)
    _, asked, port = _guarded(net)
    is_asked = isinstance(talk.peer, Host) and talk.peer.net is net and talk.peer.name.startswith(f"{asked}-")
    if talk.port == port and is_asked and talk.host in cut_off(fault):
        return 0.0
    # Pages that lack their data are short: all that is asked of this network by people and by its own front ends.
    is_upstream = talk.host.net is net and talk.port in (443, 8080, 8443) and not talk.service
    return 1 - hurt(fault) if is_upstream and not talk.host.name.startswith(asked) else 1.0


def added(fault: Fault) -> Iterator[Talk]:
    """Conversations that are there only because of a fault: attempts that are refused, reads from far away."""
    if fault.kind == BLOCK:
        for talk in _talks():
            if kept(fault, talk) == 0.0:
                yield replace(talk, bps=_RETRY_BPS, ask=1.0, shape="flat", service="", path=0, rejected=True)
    elif fault.kind == SPIKE:
        net = net_of(fault)
        far = next(one for one in NETS if one.name == FAR[net.name])
        stores = hosts(far, "db")
        for number, host in enumerate(hosts(net, "app")[:4]):
            yield Talk(host, stores[number % len(stores)], 5432, read_bps(fault), 0.02, "flat", path=5)


def read_bps(fault: Fault) -> float:
    """Bit/s that each host of a misplaced job reads from another region."""
    return float(_WEAKEST_READ_BPS * (_WORST_READ_BPS / _WEAKEST_READ_BPS) ** fault.severity)


@cache
def _talks() -> tuple[Talk, ...]:
    return talks()


def concerned(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Those of the faults that show in the clouds."""
    return tuple(fault for fault in faults if fault.kind in (BLOCK, SPIKE))


def guards(host: Host) -> bool:
    """Whether the databases' group of its network guards a host."""
    return any(host.net.name == name and host.name.startswith(f"{asked}-") for name, _, asked, _ in GUARDED)


def rules(faults: Iterable[Fault]) -> dict[str, tuple[tuple[str, int], ...]]:
    """What each group of databases lets in while such faults are on, by the group's name."""
    now = tuple(faults)
    return {group_of(net): admitted(net, now) for net in NETS if any(net.name == name for name, *_ in GUARDED)}
