"""A whole process: started as a user would, on free ports; ready, logged into, asked, stopped."""

import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

SOURCES = str(Path(__file__).resolve().parent.parent / "src")
READY_S = 240  # kernels may have to be compiled first
STOP_S = 60


def environment_of(data_dir):
    """The environment without this machine's settings, and with the sources that are being tested."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
    path = os.pathsep.join(filter(None, (SOURCES, os.environ.get("PYTHONPATH"))))
    return {**clean, "PYTHONPATH": path, "WEFT_PORT": "0", "WEFT_DATA_DIR": str(data_dir)}


class Weft:
    """A running process and what it has said."""

    def __init__(self, directory, verb="up", **environment):
        config = directory / "weft.yaml"
        listeners = "[{port: 0, address: 127.0.0.1}, {port: 0, address: 127.0.0.1}, {port: 0, address: 127.0.0.1}]"
        config.write_text(
            f"collect: {{listeners: {listeners}}}\nsyslog: {{listeners: []}}\ndemo: {{backfill_hours: 0.05}}\n"
        )
        self.data_dir = directory / "data"
        with (directory / "stderr").open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "weft", verb, "--config", str(config)],
                env=environment_of(self.data_dir) | environment,
                cwd=directory, stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip
        self.directory, self.lines = directory, []
        self._said = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith(("Log in", "Everything")):
                self._said.set()
        self._said.set()

    def ready(self):
        assert self._said.wait(READY_S), self.errors
        assert self.lines, self.errors
        assert self.lines[0].startswith("Weft is ready: http://127.0.0.1:"), self.errors
        return self.lines[0].removeprefix("Weft is ready: ")

    @property
    def errors(self):
        return (self.directory / "stderr").read_text()[-4000:]

    @property
    def password(self):
        return re.search(r"password ([A-Za-z0-9-]+)", "\n".join(self.lines))[1]

    def stop(self, with_signal=signal.SIGTERM):
        self.process.send_signal(with_signal)
        return self.process.wait(STOP_S)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_S)
        self._reader.join(STOP_S)
        self.process.stdout.close()


@pytest.fixture
def start(tmp_path):
    started = []

    def start_one(verb="up", **environment):
        started.append(Weft(tmp_path, verb, **environment))
        return started[-1]

    yield start_one
    for one in started:
        one.end()


def logged_in(url, password):
    client = httpx2.Client(base_url=url)
    me = client.post("/api/v1/auth/login", json={"username": "admin", "password": password})
    assert me.status_code == 200, me.text
    client.headers["x-weft-csrf"] = me.json()["csrf"]
    return client


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_up_from_first_start_to_clean_stop_and_again(start):
    weft = start()
    url = weft.ready()
    assert httpx2.get(f"{url}/api/v1/health").json() == {"status": "ok", "version": "0.1.0", "demo": False}
    file = weft.data_dir / "initial-admin-password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() == weft.password
    with closing(logged_in(url, weft.password)) as client:
        answer = client.post("/api/v1/query", json={"view": "stat", "since": "now-1h"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["provenance"]["table"]
        assert client.get("/api/v1/overview").json()["status"] == "unknown"
        assert "weft_" in client.get("/metrics").text
    token = weft.data_dir / "local-token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    # A second of every start, and 30 MB, for what is never used.
    assert "/pandas/" not in Path(f"/proc/{weft.process.pid}/maps").read_text()

    second = subprocess.run(
        [sys.executable, "-m", "weft", "up", "--config", str(weft.directory / "weft.yaml")],
        env=environment_of(weft.data_dir), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert "in use by process" in second.stderr

    assert weft.stop() == 0, weft.errors
    assert not token.exists()
    assert '"level": "error"' not in weft.errors
    assert weft.password not in weft.errors

    again = start()
    url = again.ready()
    assert "until it is changed" in again.lines[1]
    with closing(logged_in(url, file.read_text().strip())):
        pass
    assert again.stop(signal.SIGINT) == 0, again.errors


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_demo_shows_traffic_marked_as_demo(start):
    weft = start("demo")
    url = weft.ready()
    assert httpx2.get(f"{url}/api/v1/health").json()["demo"] is True
    with closing(logged_in(url, weft.password)) as client:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            exporters = client.get("/api/v1/exporters").json()["exporters"]
            if len(exporters) >= 12 and all(one["demo"] for one in exporters):  # names come a moment later
                break
            time.sleep(0.5)
        assert {one["demo"] for one in exporters} == {True}
        assert {protocol for one in exporters for protocol in one["protocols"]} == {
            "netflow_v5", "netflow_v9", "ipfix", "sflow",
        }  # fmt: skip
        rows = client.post("/api/v1/query", json={"view": "table", "by": ["exporter_site"], "since": "now-1h"}).json()[
            "rows"
        ]
        assert len(rows) >= 6
    assert weft.stop() == 0, weft.errors
    refused = start("up")
    assert refused.process.wait(60) == 2
    assert "demo data" in refused.errors


def test_a_taken_port_is_said_plainly(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        from weft.api.config import ApiConfig
        from weft.api.server import Door
        from weft.errors import Unavailable

        with pytest.raises(Unavailable, match="the port is taken"):
            Door(ApiConfig(port=taken.getsockname()[1])).start()


def test_the_halves_need_a_store_server(tmp_path):
    from weft.app import Role, assemble
    from weft.config import Settings
    from weft.errors import ConfigError

    for role in (Role.COLLECT, Role.SERVE):
        with pytest.raises(ConfigError, match=r"store\.url"):
            assemble(Settings(data_dir=Path(tmp_path)), role)


def test_demo_data_does_not_mix_with_real_data(tmp_path):
    from weft.app import Role, assemble
    from weft.config import Settings
    from weft.errors import ConfigError

    (tmp_path / "state.db").touch()
    with pytest.raises(ConfigError, match="holds real telemetry"):
        assemble(Settings(data_dir=tmp_path), Role.UP, demo=True)
    (tmp_path / "demo").touch()
    with pytest.raises(ConfigError, match="holds demo data"):
        assemble(Settings(data_dir=tmp_path), Role.UP)
