"""BGP sessions by ExaBGP: its lines, its configuration, and a real router's routes."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.collect.intake.fakes import FakeIntake
from tests.programs import needs
from tests.waiting import until

from weft.collect.intake.identity import Nobody
from weft.collect.routing.exabgp import configuration, lines_of, program_of, read_line
from weft.collect.routing.feed import Feed
from weft.collect.routing.rib import Rib
from weft.collect.routing.session import BgpSessions
from weft.collect.routing.session_config import BgpConfig
from weft.errors import ConfigError
from weft.model.addresses import packed
from weft.model.routes import ROUTES

ROUTER = {"address": "198.51.100.1", "asn": 64500}
NEIGHBOR = {"address": {"local": "198.51.100.9", "peer": "198.51.100.1"}, "asn": {"local": 64500, "peer": 64500}}
_MARK = "F" * 32


def _line(kind: str, **more: Any) -> bytes:
    return json.dumps({"exabgp": "5.0.0", "type": kind, "neighbor": NEIGHBOR | more}).encode()


def _message(kind: int, body: str) -> dict[str, Any]:
    header = f"0x{_MARK}{19 + len(body) // 2:04X}{kind:02X}"
    return {"direction": "receive", "message": {"category": kind, "header": header, "body": f"0x{body}"}}


def _config(**settings: Any) -> BgpConfig:
    return BgpConfig.model_validate({"address": "198.51.100.9", "neighbors": [ROUTER]} | settings)


def test_lines_are_read() -> None:
    peer = packed("198.51.100.1")
    up, down = read_line(_line("state", state="up")), read_line(_line("state", state="down", reason="hold timer"))
    assert up is not None
    assert (up.kind, up.peer) == ("up", peer)
    assert down is not None
    assert (down.kind, down.reason) == ("down", "hold timer")
    update = read_line(_line("update", **_message(2, "00000000")))
    assert update is not None
    assert update.message == bytes.fromhex(_MARK + "00170200000000")
    for one in (_line("state", state="connected"), b'{"type": "notification", "notification": "shutdown"}',
                _line("update", **(_message(2, "00000000") | {"direction": "send"}))):  # fmt: skip
        assert read_line(one) is None


def test_damaged_lines_are_told_as_such() -> None:
    rng = random.Random(4271)
    good = _line("update", **_message(2, "00000000"))
    for one in (b"{", b"[]", b'"x"', b"7", b"\xff", b'{"type": 1, "neighbor": {}}', b"[" * 200_000):
        said = read_line(one)
        assert said is not None
        assert said.kind == "bad"
    for _ in range(300):
        data = bytearray(good)
        for _ in range(rng.randint(1, 5)):
            data[rng.randrange(len(data))] = rng.getrandbits(8)
        read_line(bytes(data))
    assert lines_of(b"ab", b"c\nd\ne") == ([b"abc", b"d"], b"e")
    assert lines_of(b"x" * (1 << 18), b"y") == ([], b"")


def test_nothing_is_announced_and_the_key_is_in_the_configuration_alone() -> None:
    config = _config(neighbors=[ROUTER | {"password": "s3cret-key", "families": ["ipv4 unicast"], "add_path": True}])
    text = configuration(config, Path("socket"))
    assert "md5-password 's3cret-key';" in text
    assert "add-path receive" in text
    assert not any(word in text for word in ("static", "announce", "route 1"))
    assert "s3cret-key" not in repr(config)


@pytest.mark.parametrize("key", ["", "a b", "x'; } process evil { run /bin/sh; } #", 'q"', "k\n", "ü", "x" * 81])
def test_keys_that_would_change_the_configuration_are_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="Choose another key") as told:
        configuration(_config(neighbors=[ROUTER | {"password": key}]), Path("socket"))
    assert not key or key not in told.value.message


@pytest.mark.parametrize(
    "settings",
    [{"address": None}, {"address": "2001:db8::9"}, {"neighbors": [ROUTER, ROUTER]},
     {"neighbors": [ROUTER | {"families": ["ipv4 unicast; static"]}]}, {"neighbors": [ROUTER | {"name": "x; y"}]}],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _config(**settings)


def test_a_missing_program_is_named() -> None:
    with pytest.raises(ConfigError, match=r"weft\[exabgp\]"):
        program_of(_config(program="exabgp-that-is-not-there"))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


class _Gobgp:
    """A router: GoBGP, speaking to one port on loopback."""

    def __init__(self, folder: Path, port: int) -> None:
        self._api = _free_port()
        file = folder / "gobgpd.toml"
        families = "".join(
            f'[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = "{name}"\n'
            for name in ("ipv4-unicast", "ipv6-unicast")
        )
        file.write_text(
            '[global.config]\nas = 64501\nrouter-id = "198.51.100.1"\nport = -1\n'
            '[[neighbors]]\n[neighbors.config]\nneighbor-address = "127.0.0.1"\npeer-as = 64500\n'
            f"[neighbors.transport.config]\nremote-port = {port}\n"
            f"[neighbors.timers.config]\nconnect-retry = 1\n{families}"
        )
        self.process = subprocess.Popen(
            [needs("gobgpd", "gobgpd"), "-f", str(file), "--api-hosts", f"127.0.0.1:{self._api}", "--pprof-disable"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def says(self, *words: str) -> bool:
        command = [needs("gobgp", "gobgpd"), "-p", str(self._api), *words]
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0


@pytest.fixture
def sessions() -> Iterator[tuple[BgpSessions, Rib, FakeIntake, int]]:
    rib, intake, port = Rib(), FakeIntake(), _free_port()
    program = os.environ.get("WEFT_TEST_EXABGP", "exabgp")
    needs(program, "exabgp")
    config = BgpConfig.model_validate({
        "address": "127.0.0.1", "port": port, "local_as": 64500, "program": program,
        "neighbors": [{"address": "127.0.0.1", "asn": 64501, "name": "border1"}],
    })  # fmt: skip
    running = BgpSessions(config, Feed(rib, intake), Nobody())
    running.start()
    yield running, rib, intake, port
    running.stop()


@pytest.mark.peers
def test_a_routers_routes_come_and_go_with_its_session(
    sessions: tuple[BgpSessions, Rib, FakeIntake, int], tmp_path: Path
) -> None:
    running, rib, intake, port = sessions
    router = _Gobgp(tmp_path, port)
    try:
        path = ("nexthop", "203.0.113.1", "community", "64501:1", "aspath", "64502 64503")
        until(lambda: router.says("global", "rib", "add", "192.0.2.0/24", *path), 60)
        router.says("global", "rib", "add", "-a", "ipv6", "2001:db8::/32", "nexthop", "2001:db8::1")

        def told() -> list[Any]:  # the RIB knows first, the rows follow
            return [one for one in intake.rows(ROUTES) if one["prefix"] == packed("192.0.2.0")]

        until(lambda: len(rib) == 2 and told(), 90)  # GoBGP takes its time between attempts
        (row,) = told()
        assert (row["as_path"], row["communities"], row["source"], row["rib"]) == ("64501 64502 64503", "64501:1", 3, 5)
        assert (row["exporter"], row["peer"], row["peer_as"]) == (packed("127.0.0.1"), packed("127.0.0.1"), 64500)
        assert rib.best(packed("127.0.0.1")).length.tolist() != []
        router.says("global", "rib", "del", "192.0.2.0/24", *path[:2])
        until(lambda: len(rib) == 1)
        assert intake.status("border1").state == "ok"
    finally:
        router.process.terminate()
        router.process.wait(10)
    until(lambda: len(rib) == 0 and [one["event"] for one in intake.rows(ROUTES)][-1] == 6)
    events = [one["event"] for one in intake.rows(ROUTES)]
    assert (events[0], events.count(1), events.count(3), events[-1]) == (5, 2, 1, 6)
    assert intake.errors() == {}
    running.stop()
    assert intake.open == []


@pytest.mark.peers
def test_exabgp_that_ends_is_started_again(sessions: tuple[BgpSessions, Rib, FakeIntake, int]) -> None:
    *_, intake, port = sessions

    def listening() -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    until(listening, 60)
    found = subprocess.run(
        ["pgrep", "-f", "weft-bgp-.*exabgp.conf", "-P", str(os.getpid())], capture_output=True, text=True, check=True
    )
    os.kill(int(found.stdout.split()[0]), 9)
    until(lambda: intake.errors().get("exabgp_ended"))
    until(listening, 60)


def test_exabgp_that_cannot_be_started_is_told_and_tried_again(tmp_path: Path) -> None:
    """As while it is being replaced by a newer one."""
    program = tmp_path / "exabgp"
    program.write_text("#!/nothing/here\n")
    program.chmod(0o755)
    intake = FakeIntake()
    config = _config(address="127.0.0.1", port=_free_port(), program=str(program))
    running = BgpSessions(config, Feed(Rib(), intake), Nobody())
    running.start()
    try:
        until(lambda: intake.errors().get("exabgp_ended", 0) > 1)
    finally:
        running.stop()


def test_nothing_is_started_where_nothing_is_configured() -> None:
    intake = FakeIntake()
    running = BgpSessions(BgpConfig(), Feed(Rib(), intake), Nobody())
    running.start()
    running.stop()
    assert intake.books == []
