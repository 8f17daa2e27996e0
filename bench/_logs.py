# ruff: noqa: E501  # a message is one line
"""Log messages as a mixed network sends them: the shapes of nine systems, every variable part drawn anew."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

Shape = Callable[[random.Random], str]


def _interface(rng: random.Random) -> str:
    return rng.choice(("GigabitEthernet{}/{}", "TenGigE0/{}/0/{}", "Ethernet{}/{}", "HundredGigE0/0/{}/{}")).format(
        rng.randrange(1, 9), rng.randrange(1, 49)
    )


def _ip(rng: random.Random) -> str:
    return f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def _port(rng: random.Random) -> int:
    return rng.randrange(1024, 65535)


def _host(rng: random.Random) -> str:
    return f"{rng.choice(('core', 'edge', 'leaf', 'spine'))}{rng.randrange(1, 60)}.{rng.choice(('ams', 'fra', 'nyc'))}"


def _word(rng: random.Random) -> str:
    return rng.choice(("alice", "bob", "carol", "netops", "ci-bot", "root", "admin"))


def _state(rng: random.Random) -> str:
    return rng.choice(("up", "down"))


_now = time.time()


def _bsd(rng: random.Random) -> str:
    return time.strftime("%b %e %H:%M:%S", time.gmtime(_now - rng.random() * 20))


def _iso(rng: random.Random) -> str:
    moment = _now - rng.random() * 20
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{rng.randrange(1000000):06}+00:00"


#: Weight and shape. Half of what routers and firewalls log is access lists, links and sessions; servers say the rest.
SHAPES: tuple[tuple[int, Shape], ...] = (
    (10, lambda r: f"<189>{r.randrange(99999)}: {_host(r)}: *{_bsd(r)}.{r.randrange(1000):03} UTC: %LINK-3-UPDOWN: Interface {_interface(r)}, changed state to {_state(r)}"),
    (10, lambda r: f"<190>{r.randrange(99999)}: {_host(r)}: {_bsd(r)}.{r.randrange(1000):03}: %SEC-6-IPACCESSLOGP: list EDGE-IN denied tcp {_ip(r)}({_port(r)}) -> {_ip(r)}({r.randrange(1024)}), {r.randrange(1, 9)} packets"),
    (4, lambda r: f"<189>{r.randrange(99999)}: {_host(r)} RP/0/RSP1/CPU0:{_bsd(r)}.{r.randrange(1000):03} UTC: bgp[1051]: %ROUTING-BGP-5-ADJCHANGE : neighbor {_ip(r)} Up (VRF: default) (AS: {r.randrange(64512, 65535)})"),
    (4, lambda r: f"<189>{r.randrange(99999)}: {_host(r)}: {_bsd(r)}.{r.randrange(1000):03}: %SYS-5-CONFIG_I: Configured from console by {_word(r)} on vty0 ({_ip(r)})"),
    (8, lambda r: f"<28>{_bsd(r)} {_host(r)} rpd[{r.randrange(9999)}]: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {_ip(r)} (External AS {r.randrange(65535)}) changed state from Established to Idle (event HoldTime) (instance master)"),
    (6, lambda r: f"<28>{_bsd(r)} {_host(r)} mib2d[2424]: SNMP_TRAP_LINK_DOWN: ifIndex {r.randrange(999)}, ifAdminStatus up(1), ifOperStatus down(2), ifName xe-0/{r.randrange(4)}/{r.randrange(48)}"),
    (6, lambda r: f"<14>1 {_iso(r)} {_host(r)} RT_FLOW - RT_FLOW_SESSION_DENY [junos@2636.1.1.1.2.26 source-address=\"{_ip(r)}\" source-port=\"{_port(r)}\" destination-address=\"{_ip(r)}\" destination-port=\"443\"] session denied {_ip(r)}/{_port(r)}->{_ip(r)}/443 0x0 None 6(0) deny-all"),
    (6, lambda r: f"<165>{_bsd(r)} {_host(r)} Ebra: %LINEPROTO-5-UPDOWN: Line protocol on Interface Ethernet{r.randrange(1, 60)}, changed state to {_state(r)}"),
    (4, lambda r: f"<166>{_iso(r)} {_host(r)} Bgp: %BGP-5-ADJCHANGE: peer {_ip(r)} (VRF default AS {r.randrange(65535)}) old state OpenConfirm event Established new state Established"),
    (8, lambda r: f"<30>1 {_iso(r)} {_host(r)} bgpd {r.randrange(9999)} - - [M59KS-A3ZXZ] bgp_update_receive: rcvd End-of-RIB for IPv4 Unicast from {_ip(r)} in vrf default"),
    (4, lambda r: f"<29>{_bsd(r)} {_host(r)} bgpd[{r.randrange(9999)}]: [H4B4J-DCW2R][EC 33554455] {_ip(r)} [Error] bgp_read_packet error: Connection reset by peer"),
    (4, lambda r: f"<29>{_bsd(r)} {_host(r)} bgpd[{r.randrange(9999)}]: [M7Q4P-46WDR] %ADJCHANGE: neighbor {_ip(r)}({_host(r)}) in vrf default Up"),
    (8, lambda r: f"<164>{_bsd(r)} {_host(r)} : %ASA-4-106023: Deny tcp src outside:{_ip(r)}/{_port(r)} dst inside:{_ip(r)}/443 by access-group \"OUTSIDE_IN\" [0x0, 0x0]"),
    (8, lambda r: f"<166>{_bsd(r)} {_host(r)} : %ASA-6-302013: Built inbound TCP connection {r.randrange(9**9)} for outside:{_ip(r)}/{_port(r)} ({_ip(r)}/{_port(r)}) to inside:{_ip(r)}/443 ({_ip(r)}/443)"),
    (6, lambda r: f"<189>date={time.strftime('%Y-%m-%d')} time={time.strftime('%H:%M:%S')} devname={_host(r)} devid=FG800D0123456789 logid=0000000013 type=traffic subtype=forward level=notice vd=root srcip={_ip(r)} srcport={_port(r)} srcintf=\"port1\" dstip={_ip(r)} dstport=443 dstintf=\"port3\" sessionid={r.randrange(9**9)} proto=6 action=close policyid=34 service=\"HTTPS\" duration={r.randrange(99)} sentbyte={r.randrange(99999)} rcvdbyte={r.randrange(99999)}"),
    (8, lambda r: f"<38>{_bsd(r)} {_host(r)} sshd[{r.randrange(99999)}]: Failed password for invalid user {_word(r)} from {_ip(r)} port {_port(r)} ssh2"),
    (6, lambda r: f"<86>{_iso(r)} {_host(r)} sshd[{r.randrange(99999)}]: pam_unix(sshd:session): session opened for user {_word(r)}(uid=0) by (uid=0)"),
    (6, lambda r: f"<78>{_bsd(r)} {_host(r)} CRON[{r.randrange(99999)}]: ({_word(r)}) CMD (test -x /usr/sbin/job && /usr/sbin/job --run {r.randrange(99)})"),
    (6, lambda r: f"<30>{_iso(r)} {_host(r)} systemd[1]: Started session-{r.randrange(9999)}.scope - Session {r.randrange(9999)} of User {_word(r)}."),
    (4, lambda r: f"<6>{_bsd(r)} {_host(r)} kernel: [{r.randrange(99999)}.{r.randrange(999999):06}] e1000e 0000:00:1f.6 eth{r.randrange(8)}: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx"),
    (4, lambda r: f"<30>{_bsd(r)} {_host(r)} dhcpd[{r.randrange(9999)}]: DHCPACK on {_ip(r)} to 00:50:56:{r.randrange(99):02}:60:{r.randrange(99):02} (host{r.randrange(999)}) via eth1"),
)  # fmt: skip


def messages(count: int, seed: int = 1) -> Iterator[bytes]:
    """``count`` messages; the same seed gives the same."""
    rng = random.Random(seed)
    shapes = [shape for weight, shape in SHAPES for _ in range(weight)]
    for _ in range(count):
        yield rng.choice(shapes)(rng).encode()
