"""The daemons of one router: FRR, snmpd (with FRR and lldpd as AgentX sub-agents), lldpd, rsyslogd."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from lab.shell import inside, run
from lab.topology import MANAGEMENT, Router, Topology

_FRR = Path("/usr/lib/frr")
_WRAP = Path(__file__).with_name("node.sh")
_AGENTX = "tcp:127.0.0.1:705"  # loopback is a namespace's own
SYSLOG_PORT = 5514
BMP_PORT = 11019
COMMUNITY = "lab-public"
V3_USER, V3_AUTH, V3_PRIV = "lab-v3", "lab-authpass1", "lab-privpass1"


@dataclass(frozen=True)
class Node:
    """A router with the place of its files."""

    router: Router
    topology: Topology
    namespace: str
    directory: Path

    def start(self) -> None:
        """Start everything; returns when the daemons have forked."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._rsyslogd()
        self._snmpd()
        self._frr()
        self._lldpd()

    def vtysh(self, *commands: str) -> str:
        """What FRR answers."""
        arguments = [part for command in commands for part in ("-c", command)]
        return run("vtysh", "-N", self.namespace, *arguments)

    def _wrapped(self, *command: str) -> None:
        run(str(_WRAP), self.namespace, self.router.name, str(self.directory), *command)

    def _rsyslogd(self) -> None:
        config = self.directory / "rsyslog.conf"
        config.write_text(
            'module(load="imuxsock" SysSock.Use="off")\n'
            f'global(localHostname="{self.router.name}" workDirectory="{self.directory}")\n'
            f'input(type="imuxsock" Socket="{self.directory}/syslog" CreatePath="off" UseSysTimeStamp="on")\n'
            f'*.* action(type="omfwd" target="{MANAGEMENT}.1" port="{SYSLOG_PORT}" protocol="udp" '
            'template="RSYSLOG_SyslogProtocol23Format")\n'
        )
        command = f"umask 0; exec rsyslogd -f {config} -i {self.directory}/rsyslogd.pid"
        inside(self.namespace, "sh", "-c", command)

    def _snmpd(self) -> None:
        directory = self.directory / "snmp"
        directory.mkdir(exist_ok=True)
        config = directory / "snmpd.conf"
        config.write_text(
            f"agentaddress udp:{self.router.management}:161\nrocommunity {COMMUNITY} {MANAGEMENT}.0/24\n"
            f"sysname {self.router.name}\nsyslocation lab\nsyscontact noc@example.net\n"
            f"createUser {V3_USER} SHA {V3_AUTH} AES {V3_PRIV}\nrouser {V3_USER}\n"
            f"master agentx\nagentXSocket {_AGENTX}\n"
            + "".join(f"interface {end.interface} 6 1000000000\n" for end in self.topology.ends_of(self.router))
        )
        inside(
            self.namespace, "env", f"SNMP_PERSISTENT_DIR={directory}", f"SNMPCONFPATH={directory}", "snmpd", "-C",
            "-c", str(config), "-p", str(directory / "snmpd.pid"), "-Lf", str(directory / "snmpd.log"), "-I", "-smux",
        )  # fmt: skip

    def _lldpd(self) -> None:
        interfaces = ",".join(end.interface for end in self.topology.ends_of(self.router))
        socket = self.directory / "lldpd.socket"
        # A file, not a command after the start: lldpd configures itself, then resumes, and would undo the command.
        config = self.directory / "lldpd.conf"
        config.write_text("configure lldp tx-interval 2\n")
        self._wrapped(
            "lldpd", "-u", str(socket), "-O", str(config), "-x", "-X", _AGENTX, "-I", interfaces,
            "-S", "Weft lab router",
        )  # fmt: skip

    def _frr(self) -> None:
        etc, var = Path("/etc/frr") / self.namespace, Path("/var/run/frr") / self.namespace
        for directory in (etc, var):
            directory.mkdir(parents=True, exist_ok=True)
            shutil.chown(directory, "frr", "frr")
        config = etc / "frr.conf"
        config.write_text(self._config())
        shutil.chown(config, "frr", "frr")
        (etc / "vtysh.conf").write_text("service integrated-vtysh-config\n")
        daemons = {"zebra": "-s 4000000", "staticd": "", "bgpd": "-M snmp -M bmp"}
        parts = [
            f"{_FRR}/{name} -d -N {self.namespace} -i {var}/{name}.pid --vty_addr 127.0.0.1 {more} -f /dev/null"
            for name, more in daemons.items()
        ]
        parts.append(f"vtysh -N {self.namespace} -d bgpd -c 'conf t' -c agentx && vtysh -N {self.namespace} -b")
        self._wrapped("sh", "-c", " && ".join(parts))

    def _config(self) -> str:
        """FRR's configuration: eBGP to every neighbour, state changes to syslog, BMP to the station, quick timers."""
        router, ends = self.router, self.topology.ends_of(self.router)
        lines = [f"hostname {router.name}", "log syslog informational", "log facility local7"]
        lines += ["no zebra nexthop kernel enable", "ip nht resolve-via-default", f"router bgp {router.asn}"]
        lines += [f" bgp router-id {router.loopback}", " bgp log-neighbor-changes", " no bgp ebgp-requires-policy"]
        lines += [" no bgp network import-check", " bgp bestpath as-path multipath-relax", " timers bgp 1 3"]
        for end in ends:
            lines += [f" neighbor {end.peer_address} remote-as {end.peer.asn}"]
            lines += [f" neighbor {end.peer_address} description {end.peer.name}"]
            lines += [f" neighbor {end.peer_address} timers connect 1"]
        lines += [" address-family ipv4 unicast", f"  network {router.loopback}/32"]
        # Without it bgpd does not keep what it received, and tells every route before policy as a withdrawal.
        lines += [f"  neighbor {end.peer_address} soft-reconfiguration inbound" for end in ends]
        lines += [" exit-address-family", " bmp targets weft"]
        lines += [f"  bmp connect {MANAGEMENT}.1 port {BMP_PORT} min-retry 200 max-retry 1000"]
        lines += ["  bmp monitor ipv4 unicast pre-policy", "  bmp monitor ipv4 unicast post-policy"]
        lines += ["  bmp stats interval 5000", " exit", "exit"]
        return "\n".join(lines) + "\n"
