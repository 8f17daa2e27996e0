"""Attacks and what looks like them: where they can happen and what is true of each.

Their traffic and their log lines are those of ``weft.twin.attacks``. ``target`` says what is done to whom:
``dns@203.0.113.5`` is a vector and its victim, ``sweep@10.20.0.7`` what a host of ours does.
"""

from __future__ import annotations

import ipaddress

from weft.twin import organisation as org
from weft.twin.attacks.addresses import attackers, host
from weft.twin.attacks.covert import (
    backup_bps,
    backup_store,
    beacon_every_s,
    exfiltration_bps,
    outsider,
    tunnel_rate,
)
from weft.twin.attacks.floods import VECTORS, attack_bps_of
from weft.twin.attacks.logs import RDP_THRESHOLD, firewall_of
from weft.twin.attacks.probes import brute_rate, guessers, scan_rate, scanner_rate, typist
from weft.twin.attacks.sights import from_inside, to_device, to_public, where_is
from weft.twin.attacks.strands import Sight, attack_of, split_target
from weft.twin.attacks.surges import surge_bps
from weft.twin.faults import attack_places as places
from weft.twin.faults.model import LEAVE, Fault, FaultGroup, FaultKind, RightAction, Symptom, Truth

_SECURITY, _BENIGN = FaultGroup.SECURITY, FaultGroup.BENIGN
_MIN = 60.0
_PUBLIC = ("public services",)
#: Received on a port beyond what it carries anyway, bit/s: less does not stand out of its counters.
_PLAIN_BPS = 2.5e9
_FEW_PACKETS = 10.0
_FELT = 0.55  # severity from which on customers notice a flood


# --- truths ----------------------------------------------------------------------------------------------------------


def _host(address: str) -> str:
    return f"host:{address}"


def _rate(bps: float) -> str:
    return f"{bps / 1e9:.1f} Gbit/s" if bps >= 1e9 else f"{bps / 1e6:.0f} Mbit/s"


def _ways_in(sights: tuple[Sight, ...], bps: float) -> tuple[Symptom, ...]:
    """What counters show of a flood at the ports by which it comes in; a small one does not stand out."""
    found = []
    for sight in sights:
        if sight.device.role == "border" and bps * (sight.high - sight.low) > _PLAIN_BPS:
            port = next(port.name for port in sight.device.ports if port.index == sight.outer)
            found.append(Symptom("metrics", f"interface:{sight.device.name}|{port}", "more received", 60.0))
    return tuple(found)


def _seen(fault: Fault, sights: tuple[Sight, ...], packets_per_s: float) -> float | None:
    """Seconds until exporters have likely sampled a few packets of a fault; None where it ends before."""
    per_s = sum(
        packets_per_s * (sight.high - sight.low) / (sight.device.sampling_rate or 1) for sight in sights
        if sight.device in org.EXPORTERS
    )  # fmt: skip
    after = _FEW_PACKETS / per_s if per_s > 0 else float("inf")
    return after if after < fault.end_s - fault.start_s else None


def _if_seen(after_s: float | None, entity: str, said: str) -> tuple[Symptom, ...]:
    return () if after_s is None else (Symptom("flows", entity, said, after_s),)


def _fewer_orders(fault: Fault, site: str) -> tuple[Symptom, ...]:
    """What the shop shows of a flood that is strong enough to keep customers out."""
    if fault.severity < _FELT:
        return ()
    return (Symptom("business", f"site:{site}", "fewer orders while the service is flooded", 60.0),)


def _hit(address: str) -> tuple[str, ...]:
    """Customers whose addresses these are: each has its own part of a data centre's prefix."""
    site = org.BY_CODE[where_is(address)[0]]
    parts = ipaddress.IPv4Network(site.public).subnets(new_prefix=29) if site.kind == "data centre" else ()
    wanted = ipaddress.IPv4Address(address)
    return tuple(one.name for one, part in zip(org.CUSTOMERS, parts, strict=False) if wanted in part)


def _amplification(fault: Fault) -> Truth:
    what, whom = split_target(attack_of(fault))
    vector, bps = VECTORS[what], attack_bps_of(attack_of(fault))
    return Truth(
        f"DDoS: {vector.title} amplification on {whom}", _host(whom), "attack",
        f"{_rate(bps)} of answers from UDP port {vector.port} that {whom} never asked for.",
        (
            Symptom("flows", _host(whom), f"UDP from port {vector.port}, from thousands of sources; most in, none out",
                    60.0),
            *_ways_in(to_public(where_is(whom)[0]), bps),
            *_fewer_orders(fault, where_is(whom)[0]),
        ),
        RightAction("flowspec", {"prefix": f"{whom}/32", "protocol": "udp", "port": str(vector.port)},
                    f"Drop UDP from port {vector.port} to {whom} at the borders."),
        services=_PUBLIC, customers=_hit(whom),
    )  # fmt: skip


def _syn_flood(fault: Fault) -> Truth:
    whom = split_target(attack_of(fault))[1]
    return Truth(
        f"DDoS: SYN flood on {whom}", _host(whom), "attack",
        f"{_rate(attack_bps_of(attack_of(fault)))} of SYNs with sources that never send anything else.",
        (
            Symptom("flows", _host(whom), "TCP flows of one SYN each, every one from another address", 5.0),
            Symptom("flows", _host(whom), "answers to addresses that never asked", 5.0),
            *_fewer_orders(fault, where_is(whom)[0]),
        ),
        RightAction("flowspec", {"prefix": f"{whom}/32", "protocol": "tcp"},
                    f"Limit TCP to {whom} at the borders; have SYN cookies answer the rest."),
        services=_PUBLIC, customers=_hit(whom),
    )  # fmt: skip


def _carpet(fault: Fault) -> Truth:
    prefix = split_target(attack_of(fault))[1]
    site = where_is(host(prefix, 0))[0]
    return Truth(
        f"DDoS: carpet bombing of {prefix}", f"prefix:{prefix}", "attack",
        f"{_rate(attack_bps_of(attack_of(fault)))} of amplified UDP over every address of {prefix}; no single one has "
        "much.",
        (
            Symptom("flows", f"prefix:{prefix}", "UDP from one port to every address alike", 60.0),
            *_ways_in(to_public(site), attack_bps_of(attack_of(fault))),
            *_fewer_orders(fault, site),
        ),
        RightAction("flowspec", {"prefix": prefix, "protocol": "udp"}, f"Limit UDP to {prefix} at the borders."),
        services=_PUBLIC,
        customers=tuple(c.name for c in org.CUSTOMERS) if org.BY_CODE[site].kind == "data centre" else (),
    )  # fmt: skip


def _port_scan(fault: Fault) -> Truth:
    (what, whom), attack = split_target(attack_of(fault)), attack_of(fault)
    per_s = scan_rate(attack)
    if what in ("sweep", "slow"):
        return Truth(
            f"Scan from inside: {whom}", _host(whom), "attack",
            f"{whom} tries {per_s:.2g} hosts and ports a second in the clouds; somebody else commands it.",
            (Symptom("flows", _host(whom), "SYNs to ever other hosts, hardly any answered",
                     0.0 if what == "sweep" else 20 / per_s),),
            RightAction("quarantine", {"host": whom}, f"Quarantine {whom}."),
        )  # fmt: skip
    source = attackers(attack)[0]
    sites = [where_is(whom)[0]] if what == "vertical" else [site.code for site in places.open_sites()]
    scanned = f"the ports of {whom}" if what == "vertical" else "one port after another of every public address"
    after = _seen(fault, tuple(sight for code in sites for sight in to_public(code)), per_s / len(sites))
    return Truth(
        f"Port scan by {source}", _host(source), "attack", f"{source} tries {scanned}, {per_s:.3g} a second.",
        (
            Symptom("logs", _host(source), "packets denied at ever other ports", 10 / min(0.2 * per_s, 1.5)),
            *_if_seen(after, _host(source), f"SYNs to {scanned}, as far as borders sample them"),
        ),
        RightAction("block_source", {"source": source}, f"Block {source}."),
    )  # fmt: skip


def _brute_force(fault: Fault) -> Truth:
    (what, whom), attack = split_target(attack_of(fault)), attack_of(fault)
    own = guessers(attack)
    source = own[0] if len(own) == 1 else str(ipaddress.IPv4Network((own[0], 28), strict=False))
    per_s = brute_rate(attack)
    sights = to_device(fault.device) if what == "ssh" else from_inside(*where_is(whom))
    where = _if_seen(_seen(fault, sights, 34 * per_s), _host(whom), "short connections of one size from few sources")
    each = 60 * per_s / len(own)
    logs: tuple[Symptom, ...] = ()
    if what == "ssh":
        logs = (Symptom("logs", f"device:{fault.device}", "failed logins from outside", 2 / per_s),)
    elif each > 1.5 * RDP_THRESHOLD:
        logs = (Symptom("logs", f"device:{fault.device}", "IPS: RDP brute force", 120.0),)
    return Truth(
        f"Brute force on {what.upper()} of {whom}", _host(own[0]), "attack",
        f"{own[0] if len(own) == 1 else f'{len(own)} neighbours in {source} together'}: {per_s:.2g} passwords a second "
        f"at {what.upper()} of {whom}.",
        (*logs, *where), RightAction("block_source", {"source": source}, f"Block {source}."),
    )  # fmt: skip


def _beacon(fault: Fault) -> Truth:
    whom, attack = split_target(attack_of(fault))[1], attack_of(fault)
    every = beacon_every_s(attack)
    return Truth(
        f"C2 beacon of {whom}", _host(whom), "attack",
        f"Malware on {whom} calls {outsider(attack)} about every {every:.0f} s.",
        (
            Symptom("flows", _host(whom), f"small connections to {outsider(attack)}, alike, about every {every:.0f} s",
                    6 * every),
            Symptom("flows", _host(outsider(attack)), "nobody else here talks to it"),
        ),
        RightAction("quarantine", {"host": whom}, f"Quarantine {whom}."),
    )  # fmt: skip


def _exfiltration(fault: Fault) -> Truth:
    whom, attack = split_target(attack_of(fault))[1], attack_of(fault)
    bps = exfiltration_bps(attack)
    seen = "far more out than in" + ("" if firewall_of(whom) else ", under the public address of the site")
    return Truth(
        f"Data theft from {whom}", _host(whom), "attack",
        f"{whom} sends {_rate(bps)} to {outsider(attack)}, whom nobody here talks to.",
        (
            Symptom("flows", _host(outsider(attack)), f"receives {_rate(bps)} from us; {seen}", 60.0),
            *((Symptom("logs", f"device:{firewall_of(whom)}", "one long connection with ever more sent", 120.0),)
              if any(sight.device.role == "firewall" for sight in from_inside(*where_is(whom))) else ()),
        ),
        RightAction("quarantine", {"host": whom}, f"Quarantine {whom}."), services=("servers",),
    )  # fmt: skip


def _tunnelling(fault: Fault) -> Truth:
    whom, attack = split_target(attack_of(fault))[1], attack_of(fault)
    return Truth(
        f"DNS tunnel from {whom}", _host(whom), "attack",
        f"{whom} hides data in {tunnel_rate(attack):.2g} DNS queries a second.",
        (
            Symptom("flows", _host(whom), "many more DNS packets than its peers, of twice their size", 60.0),
            Symptom("logs", f"device:{firewall_of(whom)}", "ever new long random names below one domain", 60.0),
        ),
        RightAction("quarantine", {"host": whom}, f"Quarantine {whom}."),
    )  # fmt: skip


def _benign(title: str, root: str, said: str, *symptoms: Symptom) -> Truth:
    return Truth(title, root, "benign", said, symptoms, LEAVE, is_benign=True)


def _typo(fault: Fault) -> Truth:
    where = f"device:{fault.device}"
    return _benign(
        f"Mistyped password on {fault.device}", where,
        f"{fault.who or 'An engineer'} mistypes a password a few times at {typist(attack_of(fault))} and gets in.",
        Symptom("logs", where, "a few failed logins from inside, then one that works"),
    )  # fmt: skip


def _scanner(fault: Fault) -> Truth:
    whom = split_target(attack_of(fault))[1]
    return _benign(
        f"Approved scanner {whom}", _host(whom),
        f"Acme's own scanner {whom} looks at the clouds, {scanner_rate(attack_of(fault)):.0f} ports a second.",
        Symptom("flows", _host(whom), "SYNs to many hosts and ports"),
    )  # fmt: skip


def _backup(fault: Fault) -> Truth:
    whom, attack = split_target(attack_of(fault))[1], attack_of(fault)
    return _benign(
        f"Backup of {whom} out of its time", _host(whom),
        f"{whom} sends {_rate(backup_bps(attack))} to Acme's own store {backup_store(attack)}.",
        Symptom("flows", _host(whom), "far more out than in", 60.0),
    )  # fmt: skip


def _crowd(fault: Fault) -> Truth:
    whom, bps = split_target(attack_of(fault))[1], surge_bps(attack_of(fault))
    return _benign(
        f"Flash crowd at {whom}", _host(whom), f"Thousands of people open one page: {_rate(bps)} from {whom}.",
        Symptom("flows", _host(whom), "many sources, whole connections, far more out than in", 120.0),
        Symptom("business", f"site:{where_is(whom)[0]}", "more orders than usual", 180.0),
    )  # fmt: skip


def _update(fault: Fault) -> Truth:
    name, code = split_target(attack_of(fault))
    return _benign(
        f"Update day: {name} in {org.BY_CODE[code].name}", f"site:{code}",
        f"Everybody's machine in {org.BY_CODE[code].name} fetches an update: {_rate(surge_bps(attack_of(fault)))}.",
        Symptom("flows", f"site:{code}", f"much more received from {name}", 120.0),
    )  # fmt: skip


KINDS = (
    FaultKind("ddos_udp_amplification", "DDoS: UDP amplification", _SECURITY,
              "Answers of thousands of DNS, NTP, CLDAP, memcached or SSDP servers crowd a public service.",
              (4 * _MIN, 30 * _MIN), 0.7, places.amplified, _amplification, (0.1, 1.0)),
    FaultKind("ddos_syn", "DDoS: SYN flood", _SECURITY,
              "Connection requests from made-up addresses exhaust a public service.",
              (4 * _MIN, 30 * _MIN), 0.5, places.syn, _syn_flood, (0.1, 1.0)),
    FaultKind("ddos_carpet", "DDoS: carpet bombing", _SECURITY,
              "Amplified UDP over every address of a prefix, little for each.",
              (6 * _MIN, 40 * _MIN), 0.4, places.carpets, _carpet, (0.1, 1.0)),
    FaultKind("port_scan", "Port scan", _SECURITY,
              "One host's ports, one port everywhere, or from inside into the clouds, fast or slowly.",
              (5 * _MIN, 90 * _MIN), 1.0, places.scans, _port_scan, (0.1, 1.0)),
    FaultKind("brute_force", "Password guessing", _SECURITY,
              "Attempt after attempt to sign in by SSH at a device or by RDP at an open desktop.",
              (5 * _MIN, 60 * _MIN), 1.0, places.logins, _brute_force, (0.1, 1.0)),
    FaultKind("c2_beacon", "C2 beacon", _SECURITY,
              "Malware that calls its master at intervals with jitter.",
              (90 * _MIN, 340 * _MIN), 0.5, places.infected, _beacon, (0.1, 1.0)),
    FaultKind("data_exfiltration", "Data theft", _SECURITY,
              "A host that sends far more than it gets to somebody unknown.",
              (10 * _MIN, 120 * _MIN), 0.5, places.thieves, _exfiltration, (0.1, 1.0)),
    FaultKind("dns_tunnelling", "DNS tunnel", _SECURITY, "Data hidden in names that are asked of DNS.",
              (15 * _MIN, 180 * _MIN), 0.5, places.infected, _tunnelling, (0.1, 1.0)),
    FaultKind("login_typo", "Mistyped password", _BENIGN, "A few failed logins of somebody who may.",
              (1 * _MIN, 2 * _MIN), 0.8, places.typos, _typo),
    FaultKind("scanner_approved", "Approved scanner", _BENIGN, "Acme's own vulnerability scanner on its round.",
              (10 * _MIN, 60 * _MIN), 0.5, places.scanners, _scanner),
    FaultKind("backup_burst", "Backup out of its time", _BENIGN, "A large upload to Acme's own cloud store.",
              (10 * _MIN, 60 * _MIN), 0.5, places.backups, _backup),
    FaultKind("flash_crowd", "Flash crowd", _BENIGN, "Thousands of people open one page at once.",
              (10 * _MIN, 60 * _MIN), 0.5, places.crowds, _crowd),
    FaultKind("benign_surge", "Update day", _BENIGN, "Everybody's machine fetches an update at once.",
              (15 * _MIN, 90 * _MIN), 0.5, places.updates, _update),
)  # fmt: skip
