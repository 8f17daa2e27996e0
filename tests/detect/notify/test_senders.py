"""How messages leave: to doubles of webhooks, pagers, chat and mail that listen here; no key shows anywhere."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.machinery import BuiltinImporter, PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from sysconfig import get_config_var

import pytest
from tests.detect.notify.boxes import NOW, Box, event, until

from weft.detect.notify.config import ChannelConfig, NotifyConfig
from weft.detect.notify.dispatcher import Notifier
from weft.detect.notify.marks import StateMarks
from weft.detect.notify.message import message_of
from weft.detect.notify.senders import AppriseSender, PagerDutySender, WebhookSender
from weft.errors import Failed, Unavailable
from weft.model.events import Event, EventState, Severity
from weft.store.config import StoreConfig
from weft.store.state import open_state

#: One of the services that Apprise loads asks for it.
of_apprise = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def server() -> Iterator[tuple[str, list, list]]:
    got, answers = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            answer = answers.pop(0) if answers else 204
            self.send_response(200 if answer == "endless" else answer)
            self.end_headers()
            with contextlib.suppress(OSError):
                while answer == "endless":
                    self.wfile.write(b"x" * 65536)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as one:
        thread = threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{one.server_port}/hook", got, answers
        one.shutdown()
        thread.join(5)


def test_webhook(server) -> None:
    url, got, answers = server
    config = ChannelConfig(name="itsm", webhook=url, token={"value": "t0ken"}, signing_key={"value": "key"})
    sender = WebhookSender(config)
    sender.send(message_of(event(), "opened", "https://weft.test"))
    headers, body = got[0]
    told = json.loads(body)
    assert (told["change"], told["event"]["id"], told["link"]) == ("opened", "e1", "https://weft.test/events/e/e1")
    assert Event.model_validate(told["event"]) == event()
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["X-Weft-Signature"] == "sha256=" + hmac.new(b"key", body, hashlib.sha256).hexdigest()
    answers += [500, 429, 403]
    for kind in (Unavailable, Unavailable, Failed):
        with pytest.raises(kind):
            sender.send(message_of(event(), "opened"))
    with pytest.raises(Unavailable, match="cannot be reached"):
        WebhookSender(ChannelConfig(name="x", webhook="http://127.0.0.1:1/")).send(message_of(event(), "opened"))


def test_pagerduty_opens_and_resolves_the_same_incident(server) -> None:
    url, got, _ = server
    sender = PagerDutySender(ChannelConfig(name="pager", pagerduty={"value": "r" * 32}), url)
    sender.send(message_of(event(severity=Severity.CRITICAL), "opened", "https://weft.test"))
    sender.send(message_of(event(state=EventState.CLOSED, ended_s=NOW + 5), "closed"))
    opened, closed = (json.loads(body) for _, body in got)
    assert (opened["event_action"], opened["dedup_key"], opened["payload"]["severity"]) == ("trigger", "e1", "critical")
    assert opened["links"][0]["href"] == "https://weft.test/events/e/e1"
    assert (closed["event_action"], closed["dedup_key"]) == ("resolve", "e1")


SECRET = "s3cret"


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"webhook": f"http://user:{SECRET}@127.0.0.1:1/{SECRET}"}, Unavailable),
        ({"webhook": f"http://127.0.0.1:1x/{SECRET}"}, Failed),
        ({"webhook": "HOOK", "token": f"{SECRET}\nX: 1"}, Failed),
        ({"webhook": "HOOK", "token": f"{SECRET}\N{EURO SIGN}"}, Failed),
        ({"webhook": f"HOOK?key={SECRET}", "token": SECRET}, Failed),
        ({"webhook": {"env": "WEFT_TEST_HOOK"}}, Failed),
    ],
)
def test_no_key_shows_where_sending_fails(server, settings, kind, caplog, capfd, monkeypatch) -> None:
    url, _, answers = server
    answers += [403, 403]
    monkeypatch.setenv("WEFT_TEST_HOOK", f"file:///{SECRET}")
    caplog.set_level(logging.DEBUG)
    hook = settings["webhook"]
    settings = settings | {"webhook": hook.replace("HOOK", url) if isinstance(hook, str) else hook}
    config = NotifyConfig(channels=[ChannelConfig(name="noc", hold_s=0, **settings)])
    with pytest.raises(kind) as refused:
        WebhookSender(config.channels[0]).send(message_of(event(), "opened"))
    one = Notifier(config, tick_s=0.01)
    one.start()
    one.take([event()])
    until(lambda: one.status()[0].counts.retried + one.status()[0].counts.failed)
    status = one.status()[0]
    one.stop()
    shown = [caplog.text, *capfd.readouterr(), str(refused.value), repr(refused.value), status.last_error, repr(config)]
    assert status.last_error
    assert not any(SECRET in text for text in shown)


def test_an_unexpected_fault_of_a_service_is_told_without_its_text(capfd) -> None:
    box = Box()
    box.errors = [RuntimeError(f"https://hooks.example.net/{SECRET}")]
    config = NotifyConfig(channels=[ChannelConfig(name="noc", webhook="http://127.0.0.1/", hold_s=0)])
    one = Notifier(config, senders=lambda _: box, tick_s=0.01)
    one.start()
    one.take([event(1)])
    until(lambda: one.status()[0].counts.failed)
    one.stop()
    assert one.status()[0].last_error.startswith("internal error: RuntimeError at boxes.py:")
    assert SECRET not in "".join(capfd.readouterr())


def test_an_answer_without_end_is_not_read(server) -> None:
    url, got, answers = server
    answers += ["endless"]
    WebhookSender(ChannelConfig(name="x", webhook=url)).send(message_of(event(), "opened"))
    assert len(got) == 1


def test_what_a_pager_has_no_place_for_is_opened_and_resolved_through_all_of_it(server, tmp_path: Path) -> None:
    """From the event to the pager and back, over a restart: the same incident, once, and resolved once."""
    url, got, answers = server
    answers += [503, 202]
    state = open_state(StoreConfig(data_dir=tmp_path))
    state.start()
    config = NotifyConfig(channels=[ChannelConfig(name="pager", pagerduty="r" * 32, min_severity="major")])
    marks = StateMarks(state, "up@a")

    def made() -> Notifier:
        return Notifier(config, marks, senders=lambda one: PagerDutySender(one, url), tick_s=0.01, clock=clock)

    now = [NOW]

    def clock() -> float:
        return now[0]

    try:
        one = made()
        one.start()
        one.take([event(1, Severity.CRITICAL)])
        until(lambda: one.status()[0].counts.retried)
        now[0] += 2
        until(lambda: one.status()[0].counts.sent == 1)
        one.stop()
        again = made()
        again.start()
        again.take([event(1, Severity.CRITICAL)])
        again.take([event(1, Severity.CRITICAL, EventState.CLOSED, ended_s=NOW + 9)])
        until(lambda: again.status()[0].counts.sent == 1)
        again.stop()
    finally:
        state.stop()
    told = [json.loads(body) for _, body in got]
    assert [(one["event_action"], one["dedup_key"]) for one in told] == [
        ("trigger", "e1"), ("trigger", "e1"), ("resolve", "e1"),
    ]  # fmt: skip
    assert again.status()[0].counts.repeated == 1


@of_apprise
@pytest.mark.usefixtures("real_syslog")
def test_mail_is_sent_and_its_password_shows_nowhere(caplog, capfd) -> None:
    got: list[bytes] = []
    caplog.set_level(logging.DEBUG)
    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=_mail_server, args=(door, got), daemon=True)
        thread.start()
        port = door.getsockname()[1]
        address = f"mailto://127.0.0.1:{port}?from=weft@example.net&to=noc@example.net&mode=insecure"
        AppriseSender(ChannelConfig(name="mail", apprise=address)).send(message_of(event(), "opened"))
        thread.join(10)
    said = b"".join(got).decode()
    assert "MAJOR: Line 1 is down" in said
    assert "noc@example.net" in said
    address = f"mailto://user:{SECRET}@127.0.0.1:1?from=weft@example.net&to=noc@example.net&mode=insecure"
    wrong = ChannelConfig(name="mail", apprise=address)
    with pytest.raises(Unavailable) as refused:
        AppriseSender(wrong).send(message_of(event(), "opened"))
    shown = [caplog.text, *capfd.readouterr(), str(refused.value), repr(wrong)]
    assert not any(SECRET in text for text in shown)


def _mail_server(door: socket.socket, got: list[bytes]) -> None:
    """Takes one mail (RFC 5321)."""
    connection, _ = door.accept()
    with connection, connection.makefile("rb") as lines:
        connection.sendall(b"220 mail.example.net\r\n")
        is_body = False
        for line in lines:
            if is_body:
                got.append(line)
                if line == b".\r\n":
                    is_body = False
                    connection.sendall(b"250 taken\r\n")
            elif line.upper().startswith(b"DATA"):
                is_body = True
                connection.sendall(b"354 go on\r\n")
            elif line.upper().startswith(b"QUIT"):
                connection.sendall(b"221 bye\r\n")
                return
            else:
                got.append(line)
                connection.sendall(b"250 ok\r\n")


@of_apprise
@pytest.mark.usefixtures("real_syslog")
def test_slack_is_told_and_its_token_shows_nowhere(server, caplog, monkeypatch: pytest.MonkeyPatch) -> None:
    url, got, answers = server
    import apprise

    caplog.set_level(logging.DEBUG)
    service = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    schema = apprise.plugins.N_MGR["slack"]
    monkeypatch.setattr(schema, "webhook_url", url.rsplit("/", 1)[0])
    sender = AppriseSender(ChannelConfig(name="chat", apprise=f"slack://{service}/%23noc"))
    answers += [200]
    with contextlib.suppress(Unavailable):  # Slack says "ok", which the double does not
        sender.send(message_of(event(), "opened"))
    assert b"MAJOR: Line 1 is down" in got[0][1]
    answers += [500]
    with pytest.raises(Unavailable) as refused:
        sender.send(message_of(event(state=EventState.CLOSED, ended_s=NOW + 9), "closed"))
    assert b"OVER: Line 1 is down" in got[1][1]
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in caplog.text + str(refused.value)


@pytest.fixture
def real_syslog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own module, which a folder of tests of that name can hide from the services of Apprise."""
    spec = BuiltinImporter.find_spec("syslog") or PathFinder.find_spec("syslog", [get_config_var("DESTSHARED")])
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "syslog", module)


@of_apprise
@pytest.mark.usefixtures("real_syslog")
def test_apprise_delivers_and_hides_its_address(server, caplog) -> None:
    url, got, answers = server
    address = url.replace("http://", "json://user:s3cret@")
    sender = AppriseSender(ChannelConfig(name="chat", apprise={"value": address}))
    sender.send(message_of(event(), "opened"))
    told = json.loads(got[0][1])
    assert told["title"] == "MAJOR: Line 1 is down"
    assert "Where: chi-border1" in told["message"]
    answers += [500]
    with pytest.raises(Unavailable):
        sender.send(message_of(event(), "opened"))
    with pytest.raises(Failed, match="not understood") as refused:
        AppriseSender(ChannelConfig(name="chat", apprise={"value": "nothing s3cret"})).send(
            message_of(event(), "opened")
        )
    assert "s3cret" not in caplog.text + str(refused.value)
