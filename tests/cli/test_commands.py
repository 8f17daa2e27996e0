"""The commands around a running Weft: settings, people, sources, doctor."""

import json
import re

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry
from tests.api.fakes import FakeCollector, FakeQuestions

from weft.api.application import create_app
from weft.api.auth.accounts import LocalAccess
from weft.api.config import ApiConfig
from weft.api.ports import ApiDependencies
from weft.api.server import ApiServer, Door
from weft.cli import weft
from weft.collect.listener import ListenerStatus
from weft.collect.status import CollectStatus
from weft.errors import InvalidInput, NotAllowed, Unavailable
from weft.store.state import StateStore


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty directory, with its data there."""
    for name in ("WEFT_CONFIG", "WEFT_URL", "WEFT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEFT_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()

    def run_one(*arguments, code=0, **more):
        result = CliRunner().invoke(weft, arguments, standalone_mode=False, **more)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        returned = result.return_value if isinstance(result.return_value, int) else result.exit_code
        assert returned == code, result.output
        return result.output

    return run_one


@pytest.fixture
def state(tmp_path, run):
    state = StateStore(f"sqlite:///{tmp_path / 'data' / 'state.db'}")
    state.start()
    yield state
    state.stop()


def test_config_check(run, tmp_path):
    assert "fine" in run("config", "check")
    assert json.loads(run("config", "check", "--json")) == {"ok": True}
    (tmp_path / "weft.yaml").write_text("api: {prot: 1}")
    answer = json.loads(run("config", "check", "--json", code=2))
    assert answer["error"]["where"].endswith("weft.yaml:1: api.prot")


def test_config_dump(run, monkeypatch):
    monkeypatch.setenv("WEFT_API__PORT", "9999")
    assert json.loads(run("config", "dump", "--json"))["api"]["port"] == 9999
    assert "port: 8080" in run("config", "dump", "--defaults")


def test_people(run, state):
    said = run("user", "add", "ada", "--role", "admin")
    assert re.search(r"with the password [A-Za-z0-9-]{19}$", said.strip())
    assert "password" not in run("user", "add", "bob", "--ask", input="long enough pw\n")
    with pytest.raises(InvalidInput, match="taken"):
        run("user", "add", "bob")
    with pytest.raises(InvalidInput, match="too short"):
        run("user", "passwd", "bob", "--ask", input="short\n")
    before = state.user("bob").password_hash
    run("user", "passwd", "bob")
    assert state.user("bob").password_hash != before
    people = {person["username"]: person["role"] for person in json.loads(run("user", "list", "--json"))}
    assert people == {"ada": "admin", "bob": "viewer"}
    assert "ada" in run("user", "list")
    run("user", "remove", "bob")
    with pytest.raises(InvalidInput, match="last admin"):
        run("user", "remove", "ada")
    with pytest.raises(InvalidInput, match=r"no person 'bob'.*ada"):
        run("user", "remove", "bob")
    with pytest.raises(InvalidInput, match="not a name"):
        run("user", "add", "no spaces please")


def test_tokens_of_people(run, state):
    run("user", "add", "bob")
    secret = run("user", "token", "bob", "reports", "--days", "3").strip()
    assert secret.startswith("weft_")
    (token,) = state.tokens()
    assert (token.name, token.role) == ("reports", "viewer")
    assert secret not in token.digest
    with pytest.raises(NotAllowed):
        run("user", "token", "bob", "more", "--role", "admin")


@pytest.fixture
def serving(state, tmp_path, monkeypatch):
    """A Weft that answers on this machine, with no exporter yet."""
    collector = FakeCollector()
    collector.now = CollectStatus(listeners=[ListenerStatus("127.0.0.1", 2055)])
    config = ApiConfig(port=0)
    app = create_app(
        ApiDependencies(
            config, tmp_path / "data", state=state, questions=FakeQuestions(), collector=collector,
            registry=CollectorRegistry(),
        )
    )  # fmt: skip
    access, door = LocalAccess(state, tmp_path / "data"), Door(config)
    server = ApiServer(config, app, door)
    for part in (access, door, server):
        part.start()
    monkeypatch.setenv("WEFT_PORT", server.url.rsplit(":", 1)[1])
    yield server, access
    for part in (server, door, access):
        part.stop()


def test_sources_of_a_running_weft_on_this_machine(run, serving):
    assert "UDP 127.0.0.1:2055" in run("sources")
    assert json.loads(run("sources", "--json"))["pipeline"]["running"] is True
    others = json.loads(run("sources", "--json", "--kind", "snmp"))
    assert (others["sources"], others["intake"]["running"]) == ([], False)


def test_sources_without_a_login(run, serving, monkeypatch):
    monkeypatch.setenv("WEFT_TOKEN", "weft_wrong")
    with pytest.raises(NotAllowed, match="WEFT_TOKEN"):
        run("sources")


def test_the_token_of_this_machine_ends_with_the_process(serving, state, tmp_path):
    _, access = serving
    assert len(state.tokens()) == 1
    access.start()  # after a crash: the old one is replaced
    assert len(state.tokens()) == 1
    access.stop()
    assert not state.tokens()
    assert not (tmp_path / "data" / "local-token").exists()


def test_sources_without_a_weft(run, monkeypatch):
    monkeypatch.setenv("WEFT_PORT", "1")
    with pytest.raises(Unavailable, match="no Weft answers"):
        run("sources")


def test_sources_in_words():
    from weft.cli.sources import show

    reason = {"title": "r1 has sent nothing for 5 min", "fix": "Check the device."}
    one = {
        "name": "r1", "address": "192.0.2.1", "status": "warning", "protocols": ["ipfix"], "sampling_rates": [0, 100],
        "records_per_s": 1.5, "last_seen": 0.0, "reasons": [reason],
    }  # fmt: skip
    import io
    from contextlib import redirect_stdout

    with redirect_stdout(io.StringIO()) as out:
        show({"exporters": [one], "pipeline": {}})
    assert "! r1  192.0.2.1" in out.getvalue()
    assert "?/1:100" in out.getvalue()
    assert "Check the device." in out.getvalue()


def test_other_sources_in_words(capsys):
    from weft.cli.sources import show_others

    one = {
        "name": "core1", "kind": "snmp", "state": "failing", "status": "critical", "target": "192.0.2.1:161",
        "rows_per_s": 0.0, "last_seen": None, "coverage": 0.25,
        "reasons": [{"title": "core1: every attempt fails: no answer", "fix": "Check the credentials."}],
    }  # fmt: skip
    show_others([one])
    out = capsys.readouterr().out
    assert "✗ core1  snmp        failing" in out
    assert "last seen never  25% of the last hour" in out
    assert "Check the credentials." in out


def test_doctor_finds_what_is_wrong(run, tmp_path, monkeypatch):
    monkeypatch.setenv("WEFT_COLLECT__LISTENERS", "[{port: 0}]")
    findings = {one["check"]: one for one in json.loads(run("doctor", "--json", code=0 if built() else 1))}
    assert findings["settings"]["level"] == "ok"
    assert findings["disk"]["level"] in {"ok", "warning"}
    (tmp_path / "weft.yaml").write_text("nonsense: 1")
    assert "✗ settings" in run("doctor", code=1)


def test_doctor_finds_taken_ports(run, monkeypatch):
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setenv("WEFT_COLLECT__LISTENERS", f"[{{port: {port}, address: 127.0.0.1}}]")
        findings = json.loads(run("doctor", "--json", code=0 if built() else 1))
    (finding,) = (one for one in findings if one["check"] == "telemetry port")
    assert finding["level"] == "warning"
    assert finding["fix"]


def built():
    from weft.api.static import DIST

    return (DIST / "index.html").is_file()
