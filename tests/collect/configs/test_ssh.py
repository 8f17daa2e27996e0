"""Configurations over SSH: from a router's command line with its prompts, pagers and moods, from FRR and from sshd."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import asyncssh
import pytest
from tests.collect.intake.fakes import FakeFacts, FakeIntake
from tests.doubles.router_ssh import ENABLE, PASSWORD, Router
from tests.waiting import until

from weft.collect.configs import ConfigCollector, ConfigsConfig
from weft.errors import ConfigError, InvalidInput
from weft.model.addresses import packed
from weft.model.inventory import Claim, InventoryObject, ObjectKind

LINES = "".join(
    f"interface Ethernet{i}\n description port {i}\n ip address 10.0.{i}.1 255.255.255.0\n!\n" for i in range(60)
)
IOS = (
    "Building configuration...\n\nCurrent configuration : 4711 bytes\n!\n"
    "! Last configuration change at 10:00:00 UTC Mon Oct 5 2026 by ada\n!\nhostname r1\n"
    f"enable secret 9 $9$hunter2222$abc\nsnmp-server community hunter3333 RO\n{LINES}end\n"
)


def device(name, **attributes):
    claims = {key: Claim(value, "file") for key, value in {"name": name, **attributes}.items()}
    return InventoryObject(ObjectKind.DEVICE, (name,), claims, ("file",), 0.0, 0.0)


@pytest.fixture
def collect(collecting, tmp_path):
    """Start a collector for routers; answers it with its intake."""

    def start(*routers, facts=None, platform="ios", known=True, **more):
        settings = {
            "devices": [{"address": "127.0.0.1", "name": router.name, "platform": platform, "port": router.port}
                        for router in routers],
            "logins": {"default": {"username": "weft", "password": PASSWORD, "enable": ENABLE}},
            "settle_s": 0.1, "timeout_s": 15, "known_hosts": tmp_path / "known_hosts",
        }  # fmt: skip
        if known:
            (tmp_path / "known_hosts").write_text("".join(router.known_hosts() for router in routers))
        return collecting(facts, **settings | more)

    return start


@pytest.mark.parametrize("mood", ["", "enable", "stubborn", "slow"])
def test_a_configuration_is_fetched_whole(collect, mood):
    with Router(IOS, mood=mood) as router:
        running, intake = collect(router)
        until(lambda: running.history.versions("r1") or intake.errors())
        assert intake.errors() == {}
    (version,) = running.history.versions("r1")
    text = running.history.text("r1", 1)
    assert (version.author, version.source, version.platform) == ("ada", "ssh", "ios")
    assert text.count("interface Ethernet") == 60
    assert text.startswith("!\n!\nhostname r1\n")
    assert text.endswith(" ip address 10.0.59.1 255.255.255.0\n!\nend\n")
    assert "More" not in text
    assert "hunter" not in text
    assert "4711" not in text


def test_a_commit_in_the_log_is_fetched_at_once_and_told(collect):
    facts = FakeFacts(device("r1", addresses=["10.255.0.1", "127.0.0.1"]))
    with Router(IOS) as router:
        running, intake = collect(router, facts=facts)
        until(lambda: running.history.versions("r1"))
        router.config = IOS.replace("description port 7\n", "description uplink\n").replace("hunter3333", "hunter4444")
        assert running.request("10.255.0.1", "grace")  # its log comes from its loopback
        until(lambda: intake.rows("changes"))
    (row,) = intake.rows("changes")
    assert (row["host"], row["exporter"], row["source"], row["kind"]) == ("r1", packed("127.0.0.1"), "ssh", 1)
    assert (row["author"], row["added"], row["removed"]) == ("grace", 2, 2)
    assert "interface Ethernet7" in row["component"]
    assert "- description port 7\n+ description uplink" in row["detail"]
    assert "hunter" not in str(row)
    (fact,) = facts.said["configs", "r1"]
    assert fact.key == ("127.0.0.1",)
    assert fact.attributes == {"name": "r1", "platform": "ios", "addresses": ["127.0.0.1"]}
    assert not running.request("192.0.2.9")


def test_what_did_not_change_is_no_change(collect):
    with Router(IOS) as router:
        running, intake = collect(router)
        until(lambda: running.history.versions("r1"))
        router.config = IOS.replace("4711", "4712").replace("Oct 5", "Oct 6")
        running.request("r1")
        until(lambda: router.sessions == 2 and intake.sources()[0].received == 2)
    assert (len(running.history.versions("r1")), intake.rows("changes")) == (1, [])


@pytest.mark.parametrize(
    ("mood", "reason"), [("refusing", "command_refused"), ("cut", "incomplete"), ("silent", "timeout")]
)
def test_what_is_not_a_whole_configuration_is_not_believed(collect, mood, reason):
    with Router(IOS, mood=mood) as router:
        running, intake = collect(router, timeout_s=2 if mood == "silent" else 15)
        until(intake.errors)
    assert intake.errors().keys() == {reason}
    assert intake.sources()[0].state == "failing"
    assert running.history.versions("r1") == []


def test_wrong_passwords_show_nowhere(collect, caplog, capsys):
    with Router(IOS) as router:
        _, intake = collect(router, logins={"default": {"username": "weft", "password": "wrong-hunter6"}})
        until(intake.errors)
    assert intake.errors().keys() == {"login_refused"}
    shown = str(intake.sources()) + caplog.text + "".join(capsys.readouterr())
    assert "hunter6" not in shown


def test_a_wrong_enable_password(collect):
    with Router(IOS, mood="enable") as router:
        login = {"username": "weft", "password": PASSWORD, "enable": "wrong-hunter7"}
        _, intake = collect(router, logins={"default": login})
        until(intake.errors)
    assert intake.errors().keys() == {"enable_refused"}


def test_a_secret_that_is_not_there_is_said_without_it(collect, tmp_path):
    with Router(IOS) as router:
        _, intake = collect(
            router, logins={"default": {"username": "weft", "password": {"file": str(tmp_path / "no")}}}
        )
        until(intake.errors)
    assert intake.errors().keys() == {"credentials"}


def test_an_unknown_host_key_is_not_believed(collect):
    with Router(IOS) as router:
        running, intake = collect(router, known=False)
        until(intake.errors)
        assert (set(intake.errors()), router.sessions) == ({"host_key_unknown"}, 0)
        assert running.history.versions("r1") == []


def test_the_first_key_is_believed_where_that_is_wanted_and_another_never(collect, tmp_path):
    with Router(IOS) as router:
        running, _ = collect(router, known=False, trust_first_use=True)
        until(lambda: running.history.versions("r1"))
        assert f"[127.0.0.1]:{router.port} ssh-ed25519 " in (tmp_path / "known_hosts").read_text()
        running.stop()
        router.key = asyncssh.generate_private_key("ssh-ed25519")
    with Router(IOS) as other:
        (tmp_path / "known_hosts").write_text(
            (tmp_path / "known_hosts").read_text().replace(f":{router.port}", f":{other.port}")
        )
        running, intake = collect(other, known=False, trust_first_use=True)
        until(intake.errors)
        assert (set(intake.errors()), other.sessions) == ({"host_key_changed"}, 0)


def test_a_dead_device_delays_nobody(collect):
    with socket.create_server(("127.0.0.1", 0)) as mute:  # accepts and says nothing

        class Mute:
            name, port = "mute", mute.getsockname()[1]

            @staticmethod
            def known_hosts():
                return ""

        with Router(IOS) as router:
            facts = FakeFacts(device("r2", addresses=["127.0.0.2"], tags=["x"]))
            running, _ = collect(
                Mute, facts=facts, concurrency=2, timeout_s=60,
                devices=[{"address": "127.0.0.1", "name": "r1", "platform": "ios", "port": router.port},
                               {"address": "localhost", "name": "mute", "platform": "ios", "port": Mute.port}],
                known=False, trust_first_use=True,
            )  # fmt: skip
            before = time.monotonic()
            until(lambda: running.history.versions("r1"), 30)
            assert time.monotonic() - before < 30


def test_devices_of_the_inventory_by_tag(collect, tmp_path):
    facts = FakeFacts(
        device("r1", addresses=["127.0.0.1"], tags=["backup", "core"], os="Cisco_IOS"),
        device("r2", addresses=["127.0.0.2"], tags=["core"], platform="ios"),
        device("r3", addresses=["127.0.0.3"], tags=["backup"], platform="toaster"),
        device("r4", addresses=[], tags=["backup"], platform="ios"),
    )
    _, intake = collect(facts=facts, tags=["backup"], timeout_s=2)
    until(lambda: intake.sources())
    assert [(one.name, one.target) for one in intake.sources()] == [("r1", "ssh://127.0.0.1:22")]


def test_settings_that_cannot_work_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no login 'default'"):
        ConfigsConfig.model_validate({"devices": [{"address": "10.0.0.1", "platform": "ios"}]})
    config = ConfigsConfig.model_validate(
        {"devices": [{"address": "10.0.0.1", "platform": "toaster"}], "logins": {"default": {"username": "x"}}}
    )
    with pytest.raises(InvalidInput, match="no platform 'toaster'"):
        ConfigCollector(config, FakeIntake(), FakeFacts(), tmp_path).start()


def test_known_hosts_that_is_none(collect, tmp_path):
    (tmp_path / "known_hosts").write_bytes(b"\xff\xfe")
    with Router(IOS) as router, pytest.raises(ConfigError, match="known_hosts"):
        collect(router, known=False)


@pytest.mark.peers
def test_frr_over_ssh(collect):
    """A real zebra behind its real shell."""
    zebra = next((path for path in ("/usr/lib/frr/zebra",) if os.path.exists(path)), None)
    if zebra is None or shutil.which("vtysh") is None or os.getuid() != 0:
        pytest.skip("needs FRR's zebra and vtysh (Debian package frr), and root")
    try:
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()
    except OSError as error:
        pytest.skip(f"zebra cannot start here, it needs netlink sockets: {error}")
    place = Path(tempfile.mkdtemp(prefix="weft-frr-"))  # pytest's own folders are closed to the user frr
    shutil.chown(place, "frr", "frr")
    place.chmod(0o755)
    (place / "zebra.conf").write_text("hostname frr1\npassword hunter8888\n")
    process = subprocess.Popen(
        [zebra, "-f", f"{place}/zebra.conf", "-z", f"{place}/zserv.api", "-i", f"{place}/zebra.pid", "-P", "0",
 "--vty_socket", str(place)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: (place / "zebra.vty").exists() or process.poll() is not None)
        assert process.poll() is None, "zebra ended"
        shell = ["vtysh", "--vty_socket", str(place), "-c"]

        class Frr(Router):
            def _answer(self, command):
                return subprocess.run([*shell, command], capture_output=True, text=True, timeout=20).stdout

        with Frr("", name="frr1") as router:
            running, intake = collect(router, platform="frr")
            until(lambda: running.history.versions("frr1") or intake.errors())
            assert intake.errors() == {}
            change = ["configure terminal", "-c", "interface weft9", "-c", "description uplink"]
            subprocess.run([*shell, *change], check=True, timeout=20, capture_output=True)
            running.request("127.0.0.1", "lab")
            until(lambda: intake.rows("changes"))
        (row,) = intake.rows("changes")
        assert "+ description uplink" in row["detail"]
        assert (row["component"], row["author"]) == ("interface weft9", "lab")
        assert "hunter8888" not in running.history.text("frr1", 1) + str(row)
        assert "password <secret " in running.history.text("frr1", 1)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(place)


@pytest.mark.peers
def test_openssh_with_a_key_and_a_platform_of_ones_own(collect, tmp_path):
    sshd = shutil.which("sshd") or ("/usr/sbin/sshd" if os.path.exists("/usr/sbin/sshd") else None)
    ours = not os.path.isdir("/run/sshd")  # sshd wants this folder, which only its service makes
    if sshd is None or (ours and os.getuid() != 0):
        pytest.skip("needs OpenSSH's sshd (Debian package openssh-server), and root or /run/sshd")
    if ours:
        os.makedirs("/run/sshd", 0o755)
    key, host = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    host.write_private_key(str(tmp_path / "host"))
    key.write_private_key(str(tmp_path / "key"), passphrase="p-hunter9")
    for file in ("host", "key"):
        os.chmod(tmp_path / file, 0o600)
    (tmp_path / "authorized").write_bytes(key.export_public_key("openssh"))
    (tmp_path / "device.conf").write_text("hostname box\npassword hunter1234\nmtu 1500\n")
    (tmp_path / "platforms.yaml").write_text(
        f"platforms:\n  box:\n    mode: exec\n    config: cat {tmp_path}/device.conf\n"
        "    name: '^hostname (?P<name>\\S+)'\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    (tmp_path / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/authorized\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\nPermitRootLogin prohibit-password\n"
    )
    process = subprocess.Popen([sshd, "-D", "-f", str(tmp_path / "sshd_config"), "-E", str(tmp_path / "log")])
    try:
        until(lambda: process.poll() is not None or _answers(port))
        assert process.poll() is None, (tmp_path / "log").read_text()
        (tmp_path / "known_hosts").write_bytes(b"[127.0.0.1]:%d " % port + host.export_public_key("openssh"))
        login = {"username": getpass.getuser(), "key": {"file": str(tmp_path / "key")}, "passphrase": "p-hunter9"}
        running, intake = collect(
            devices=[{"address": "127.0.0.1", "platform": "box", "port": port}], logins={"default": login},
            platforms=[tmp_path / "platforms.yaml"], known=False,
        )  # fmt: skip
        until(lambda: running.history.devices() or intake.errors())
        assert intake.errors() == {}, (tmp_path / "log").read_text()
        text = running.history.text("box", 1)  # by its own name
        assert text.startswith("hostname box\npassword <secret ")
        assert running.history.text("127.0.0.1", 1) == text
    finally:
        process.terminate()
        process.wait(20)
        if ours:
            os.rmdir("/run/sshd")


def _answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False
