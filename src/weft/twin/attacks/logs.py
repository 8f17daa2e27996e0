"""What attacks and their lookalikes make devices log: failed logins, denied packets, alarms, names asked of DNS.

Lines are in the words of Junos (``sshd``, ``PFE_FW_SYSLOG_IP``, ``DDOS_PROTOCOL_VIOLATION_SET``) and of FortiOS
(traffic, event, IPS, anomaly and DNS logs). Attempts are logged at the very moments at which flows show them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from weft.twin import organisation as org
from weft.twin.attacks.addresses import RESOLVER, attackers, host
from weft.twin.attacks.covert import backup_bps, backup_store, beacon_times, exfiltration_bps, outsider, tunnel_rate
from weft.twin.attacks.names import everyday_name, tunnel_name
from weft.twin.attacks.plans import has_traffic
from weft.twin.attacks.probes import brute_rate, guessers, scan_rate, scanner_rate, ticks, typist, typos
from weft.twin.attacks.sights import from_inside, to_cloud, where_is
from weft.twin.attacks.strands import BUCKET_S, Attack, attack_of, dice, split_target
from weft.twin.timeline import Timeline

#: Connections a minute from one source that the IPS signature for RDP waits for.
RDP_THRESHOLD = 10
_ALERT, _WARNING, _NOTICE, _INFO = 1, 4, 5, 6
_DAEMON, _AUTH, _LOCAL7 = 3, 4, 23
_USERS = ("root", "admin", "cisco", "test", "oracle", "ubuntu", "postgres", "netadmin")
_MOST_PER_S = 1.5  # lines of one attack: devices limit how much they log
_DNS_PER_H = 40  # everyday names that a firewall logs
_SWEEP_PER_S = 12.0  # what the anomaly sensor takes for a scan


class Line(NamedTuple):
    """One line that a device logs, by the fields of the message it becomes."""

    time_s: float
    device: str
    facility: int
    severity: int
    program: str
    pid: int
    text: str


def attack_messages(timeline: Timeline, since_s: float, until_s: float) -> Iterator[Line]:
    """What is logged from ``since_s`` to ``until_s`` (exclusive, UTC) of attacks, and the names that firewalls see."""
    for fault in timeline.faults(since_s, until_s):
        if not has_traffic(fault) or fault.kind not in _LINES:
            continue
        for bucket in range(int(max(since_s, fault.start_s) // BUCKET_S), int(until_s // BUCKET_S) + 1):
            for line in _of_bucket(attack_of(fault), timeline.seed, bucket):
                if since_s <= line.time_s < min(until_s, fault.end_s):
                    yield line
    for hour in range(int(since_s // 3600), int(until_s // 3600) + 1):
        yield from (line for line in _everyday(timeline.seed, hour) if since_s <= line.time_s < until_s)


@lru_cache(maxsize=512)
def _of_bucket(attack: Attack, seed: int, bucket: int) -> tuple[Line, ...]:
    since = max(bucket * BUCKET_S, attack.start_s)
    until = (bucket + 1) * BUCKET_S
    rng = np.random.default_rng([seed, zlib.crc32(f"{attack.kind} {attack.id} log".encode()), bucket])
    return tuple(_LINES[attack.kind](attack, rng, since, until, seed)) if since < until else ()


@lru_cache(maxsize=64)
def _everyday(seed: int, hour: int) -> tuple[Line, ...]:
    """Names that people's machines ask for, of which some look as odd as what tunnels ask."""
    found = []
    for number, device in enumerate(org.DEVICES):
        if device.role == "firewall":
            rng = np.random.default_rng([seed, 79, number, hour])
            users = org.BY_CODE[device.site].users
            for at in np.sort(rng.uniform(0, 3600, int(rng.poisson(_DNS_PER_H)))):
                name, kind = everyday_name(rng)
                source = host(users, int(rng.integers(1, 4000)))
                found.append(_dns(hour * 3600 + float(at), device.name, source, name, kind, rng))
    return tuple(found)


def firewall_of(address: str) -> str:
    """The firewall that a host of ours goes out by; empty where there is none."""
    sights = (*from_inside(*where_is(address)), *to_cloud(*where_is(address)))
    return next((sight.device.name for sight in sights if sight.device.role == "firewall"), "")


# --- the vendors' words ----------------------------------------------------------------------------------------------


def _forti(at: float, device: str, severity: int, level: str, kind: str, rest: str, logid: str) -> Line:
    return Line(at, device, _LOCAL7, severity, "", 0, f'logid="{logid}" {kind} level="{level}" vd="root" {rest}')


def _dns(at: float, device: str, source: str, name: str, kind: str, rng: np.random.Generator) -> Line:
    rest = (
        f'policyid=7 srcip={source} srcport={int(rng.integers(32768, 61000))} srcintf="{_inside_port(device)}" '
        f'dstip={RESOLVER} dstport=53 dstintf="port1" proto=17 xid={int(rng.integers(0, 65536))} qname="{name}" '
        f'qtype="{kind}" qclass="IN" msg="Domain is monitored" action="pass" cat=0'
    )
    return _forti(at, device, _NOTICE, "notice", 'type="utm" subtype="dns" eventtype="dns-query"', rest, "1500054000")


def _traffic(
    at: float, device: str, source: str, target: str, port: int, octets: tuple[int, int], *, out: str = "port1",
    action: str = "close", lasted_s: int = 1,
) -> Line:  # fmt: skip
    denied = action == "deny"
    rest = (
        f"srcip={source} srcport={40_000 + zlib.crc32(f'{at:.3f}'.encode()) % 20_000} "
        f'srcintf="{out if denied else _inside_port(device)}" dstip={target} dstport={port} '
        f'dstintf="{_inside_port(device) if denied else out}" proto=6 action="{action}" policyid={0 if denied else 12} '
        f'service="tcp/{port}" duration={lasted_s} sentbyte={octets[0]} rcvdbyte={octets[1]}'
    )
    severity, level = (_WARNING, "warning") if denied else (_NOTICE, "notice")
    return _forti(at, device, severity, level, 'type="traffic" subtype="forward"', rest, "0000000013")


def _inside_port(device: str) -> str:
    return next(port.name for port in reversed(org.BY_NAME[device].ports) if port.boundary == "internal")


def _failed(at: float, device: str, user: str, source: str, rng: np.random.Generator) -> Line:
    if org.BY_NAME[device].role == "firewall":
        rest = (
            f'logdesc="Admin login failed" user="{user}" ui="ssh({source})" action="login" status="failed" '
            f'reason="name_invalid" msg="Administrator {user} login failed from ssh({source}) because of invalid user '
            f'name"'
        )
        return _forti(at, device, _ALERT, "alert", 'type="event" subtype="system"', rest, "0100032002")
    text = f"Failed password for {user} from {source} port {int(rng.integers(30000, 65000))} ssh2"
    return Line(at, device, _AUTH, _INFO, "sshd", int(rng.integers(20000, 60000)), text)


# --- per kind --------------------------------------------------------------------------------------------------------


def _brute_force(
    attack: Attack, rng: np.random.Generator, since_s: float, until_s: float, seed: int
) -> Iterator[Line]:  # fmt: skip
    (what, whom), own = split_target(attack), guessers(attack)
    key = zlib.crc32(f"{attack.kind} {attack.id}".encode())
    for number, source in enumerate(own):
        same = np.random.default_rng([seed, key, number, int(since_s // BUCKET_S)])  # the dice of the strand's flows
        _, at = ticks(attack, same, brute_rate(attack) / len(own), since_s, until_s, jitter=0.8)
        if what == "ssh":
            for one in at:
                yield _failed(float(one) + 1.1, attack.device, _USERS[int(rng.integers(len(_USERS)))], source, rng)
        elif len(at) >= RDP_THRESHOLD:
            rest = (
                f'eventtype="signature" severity="high" srcip={source} srcintf="port1" dstip={whom} dstport=3389 '
                f'proto=6 action="detected" attack="MS.RDP.Connection.Brute.Force" attackid=36777 '
                f'msg="applications: MS.RDP.Connection.Brute.Force, repeated {len(at)} times"'
            )
            yield _forti(float(at[-1]), attack.device, _ALERT, "alert", 'type="utm" subtype="ips"', rest, "0419016384")


def _login_typo(
    attack: Attack, rng: np.random.Generator, since_s: float, until_s: float, _seed: int
) -> Iterator[Line]:  # fmt: skip
    source, user = typist(attack), attack.who or "mchen"
    which, at = ticks(attack, rng, 1 / 9.0, since_s, until_s)
    for number, one in zip(which, at, strict=True):
        if number < typos(attack):
            yield _failed(float(one), attack.device, user, source, rng)
        elif number == typos(attack):
            yield _accepted(float(one), attack.device, user, source, rng)


def _accepted(at: float, device: str, user: str, source: str, rng: np.random.Generator) -> Line:
    if org.BY_NAME[device].role == "firewall":
        rest = (
            f'logdesc="Admin login successful" user="{user}" ui="ssh({source})" action="login" status="success" '
            f'reason="none" msg="Administrator {user} logged in successfully from ssh({source})"'
        )
        return _forti(at, device, _INFO, "information", 'type="event" subtype="system"', rest, "0100032001")
    text = f"Accepted password for {user} from {source} port {int(rng.integers(30000, 65000))} ssh2"
    return Line(at, device, _AUTH, _INFO, "sshd", int(rng.integers(20000, 60000)), text)


def _scan(attack: Attack, rng: np.random.Generator, since_s: float, until_s: float, _seed: int) -> Iterator[Line]:
    what, whom = split_target(attack)
    if what in ("sweep", "slow"):
        yield from _sweep(attack, rng, since_s, until_s, _seed)
        return
    source = attackers(attack)[0]
    sites = [where_is(whom)[0]] if what == "vertical" else [site.code for site in org.SITES if site.kind != "branch"]
    count = rng.poisson(min(scan_rate(attack) * 0.2, _MOST_PER_S) * (until_s - since_s))
    for at in np.sort(rng.uniform(since_s, until_s, count)):
        code = sites[int(rng.integers(len(sites)))]
        target = whom if what == "vertical" else host(org.BY_CODE[code].public, int(rng.integers(0, 30)))
        port = int(rng.integers(1, 1024)) if what == "vertical" else int(rng.choice([22, 23, 445, 3389, 6379]))
        yield from _denied(float(at), code, source, target, port)


def _denied(at: float, site: str, source: str, target: str, port: int) -> Iterator[Line]:
    """A packet from outside that a site's firewall or, without one, the filter of its border drops."""
    own = [device for device in org.DEVICES if device.site == site]
    firewall = next((device for device in own if device.role == "firewall"), None)
    if firewall is not None:
        yield _traffic(at, firewall.name, source, target, port, (0, 0), action="deny")
        return
    border = next(device for device in own if device.role == "border")
    text = f"PFE_FW_SYSLOG_IP: FW: {border.ports[0].name}.0 D tcp {source} {target} 54321 {port} (1 packets)"
    yield Line(at, border.name, _DAEMON, _NOTICE, "fpc0", 0, text)


def _sweep(attack: Attack, rng: np.random.Generator, since_s: float, until_s: float, _seed: int) -> Iterator[Line]:
    per_s = scanner_rate(attack) if attack.kind == "scanner_approved" else scan_rate(attack)
    source = split_target(attack)[1]
    if per_s < _SWEEP_PER_S or not firewall_of(source):
        return
    count = int(per_s * (until_s - since_s))
    rest = (
        f'eventtype="anomaly" severity="critical" srcip={source} srcintf="{_inside_port(firewall_of(source))}" '
        f'proto=6 action="detected" count={count} attack="tcp_port_scan" attackid=100663398 '
        f'msg="anomaly: tcp_port_scan, {int(per_s * rng.uniform(0.95, 1.1)) + 1} > threshold {int(_SWEEP_PER_S)}"'
    )
    kind = 'type="utm" subtype="anomaly"'
    yield _forti(float(rng.uniform(since_s, until_s)), firewall_of(source), _ALERT, "alert", kind, rest, "0720018432")


def _carpet(attack: Attack, rng: np.random.Generator, since_s: float, until_s: float, _seed: int) -> Iterator[Line]:
    """Packets for addresses that nobody has make a border look for them, until it is asked too often."""
    if attack.severity < 0.35:
        return
    site = where_is(host(split_target(attack)[1], 0))[0]
    border = next(device.name for device in org.DEVICES if (device.site, device.role) == (site, "border"))
    minute = int((since_s - attack.start_s) // BUCKET_S)
    if minute % 5 == 0:
        text = (
            "DDOS_PROTOCOL_VIOLATION_SET: Warning: Host-bound traffic for protocol/exception RESOLVE:ucast-v4 exceeded "
            f"its allowed bandwidth at fpc 0 for {minute // 5 + 1} times"
        )
        at = since_s + float(rng.uniform(8, 30)) * (until_s - since_s) / BUCKET_S
        yield Line(at, border, _DAEMON, _WARNING, "jddosd", 14_233, text)


def _tunnel(attack: Attack, rng: np.random.Generator, since_s: float, until_s: float, _seed: int) -> Iterator[Line]:
    source = split_target(attack)[1]
    domain = str(dice(attack, "domain").choice(["cdn-telemetry.example", "upd-sync.example", "px7.example"]))
    kind = str(dice(attack, "type").choice(["TXT", "NULL", "CNAME", "A"]))
    count = rng.poisson(min(tunnel_rate(attack), _MOST_PER_S) * (until_s - since_s))
    for at in np.sort(rng.uniform(since_s, until_s, count)):
        yield _dns(float(at), firewall_of(source), source, tunnel_name(rng, domain), kind, rng)


def _calls(attack: Attack, rng: np.random.Generator, since_s: float, until_s: float, _seed: int) -> Iterator[Line]:
    """The firewall logs connections that it inspects: about one call in three."""
    source, times = split_target(attack)[1], beacon_times(attack)
    for at in times[(times >= since_s) & (times < until_s)]:
        if rng.random() < 0.35:
            octets = int(rng.integers(620, 900)), int(rng.integers(480, 800))
            yield _traffic(float(at) + 0.4, firewall_of(source), source, outsider(attack), 443, octets)


def _upload(attack: Attack, rng: np.random.Generator, since_s: float, until_s: float, _seed: int) -> Iterator[Line]:
    """Long connections are logged while they last, every other minute, with what they carried so far."""
    source, is_backup = split_target(attack)[1], attack.kind == "backup_burst"
    if int(since_s // BUCKET_S) % 2 or not firewall_of(source) or not _leaves_by_firewall(source, is_backup=is_backup):
        return
    lasted = since_s - attack.start_s + 30
    bps = backup_bps(attack) if is_backup else exfiltration_bps(attack)
    sent = int(bps / 8 * lasted * rng.uniform(0.2, 0.4))
    target = backup_store(attack) if is_backup else outsider(attack)
    yield _traffic(
        min(since_s + 30, until_s - 1e-3), firewall_of(source), source, target, 443, (sent, sent // 55),
        out="port2" if is_backup else "port1", action="accept", lasted_s=int(lasted),
    )  # fmt: skip


def _leaves_by_firewall(source: str, *, is_backup: bool) -> bool:
    sights = to_cloud(*where_is(source)) if is_backup else from_inside(*where_is(source))
    return any(sight.device.role == "firewall" for sight in sights)


_Maker = Callable[[Attack, np.random.Generator, float, float, int], Iterator[Line]]
_LINES: Mapping[str, _Maker] = {
    "brute_force": _brute_force, "login_typo": _login_typo, "port_scan": _scan, "scanner_approved": _sweep,
    "ddos_carpet": _carpet, "dns_tunnelling": _tunnel, "c2_beacon": _calls, "data_exfiltration": _upload,
    "backup_burst": _upload,
}  # fmt: skip
