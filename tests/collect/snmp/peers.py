"""Net-SNMP's own programs, each with a configuration and a directory of its own, on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import needs

#: User → how ``createUser`` of snmpd.conf says it.
USERS = {
    "md5des": "MD5 authpass1 DES privpass1", "shaaes": "SHA authpass1 AES privpass1",
    "sha256": "SHA-256 authpass1 AES privpass1", "sha512": "SHA-512 authpass1 AES-256 privpass1",
    "aes192": "SHA-224 authpass1 AES-192 privpass1", "authonly": "SHA authpass1", "nothing": "",
}  # fmt: skip


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def snmpd(folder: Path, more: str = "", *, users: dict[str, str] | None = None) -> Iterator[int]:
    """A running snmpd; its port."""
    program, port = needs("snmpd", "snmpd"), free_port()
    users = USERS if users is None else users
    lines = [f"agentaddress udp:127.0.0.1:{port}", "rocommunity public 127.0.0.1", "sysname lab1", "syslocation rack",
             "sysobjectid .1.3.6.1.4.1.8072.3.2.10"]  # fmt: skip
    for name, spec in users.items():
        level = {3: "noauth", 2: "auth"}.get(3 - len(spec.split()) // 2 if len(spec.split()) < 4 else 0, "priv")
        lines += [f"createUser {name} {spec}".strip(), f"rouser {name} {level}"]
    (folder / "snmpd.conf").write_text("\n".join([*lines, more, ""]))
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(folder / "state"), "SNMPCONFPATH": str(folder), "MIBS": ""}
    process = subprocess.Popen(
        [program, "-f", "-C", "-c", str(folder / "snmpd.conf"), "-Lf", str(folder / "log"), "-I", "-smux"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port, process, folder)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _wait(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    from weft.decode.snmp import ber

    ask = ber.encode_message(1, b"public", ber.request(ber.GET, 1, [ber.oid("1.3.6.1.2.1.1.5.0")]))
    deadline = time.monotonic() + 15
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(0.2)
        while time.monotonic() < deadline:
            assert process.poll() is None, (folder / "log").read_text()
            one.sendto(ask, ("127.0.0.1", port))
            try:
                one.recv(4096)
            except TimeoutError:
                continue
            return
    raise AssertionError("snmpd did not answer in time")


def run(program: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one of Net-SNMP's tools without MIBs, and with a state of its own."""
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(folder), "SNMPCONFPATH": str(folder), "MIBS": ""}
    command = [needs(program, "snmp"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)
