"""Who is told of what, when, and how often."""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.machinery import BuiltinImporter, PathFinder
from importlib.util import module_from_spec
from sysconfig import get_config_var

import pytest

from weft.detect.notify.config import ChannelConfig, NotifyConfig
from weft.detect.notify.dispatcher import Channel, Notifier
from weft.detect.notify.message import Message, amount, duration, message_of, summary_of
from weft.detect.notify.senders import AppriseSender, PagerDutySender, WebhookSender
from weft.errors import Failed, Unavailable
from weft.model.events import Entity, Event, EventGroup, EventState, Severity

NOW = 1_780_000_000.0


def event(number: int = 1, severity: Severity = Severity.MAJOR, state: EventState = EventState.OPEN, **fields) -> Event:
    return Event(
        id=f"e{number}", detector="links", kind="link_down", group=EventGroup.LINK, severity=severity, state=state,
        title=f"Line {number} is down", text="It went down.", entity=Entity(kind="device", id="chi-border1"),
        started_s=NOW, detected_s=NOW, raised_s=NOW, seen_s=NOW, **fields,
    )  # fmt: skip


class Box:
    """A sender that keeps what it is given, and fails where told to."""

    def __init__(self, takes_each: bool = False) -> None:
        self.takes_each, self.got, self.errors = takes_each, [], []

    def send(self, message: Message) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.got.append(message)


def channel(box: Box | None = None, **settings) -> Channel:
    return Channel(
        ChannelConfig(name="noc", webhook="http://127.0.0.1/", **settings), box or Box(), "https://weft.test"
    )


def drain(one: Channel, now_s: float) -> list[Message]:
    found = []
    while waiting := one.due(now_s):
        found.append(waiting.message)
        one.sent(now_s)
    return found


def test_an_event_is_told_once_and_its_end_once() -> None:
    one = channel(hold_s=30)
    one.take(event(), NOW)
    assert drain(one, NOW + 29) == []
    assert [m.change for m in drain(one, NOW + 30)] == ["opened"]
    one.take(event(), NOW + 40)
    assert drain(one, NOW + 100) == []
    over = event(state=EventState.CLOSED, ended_s=NOW + 250)
    one.take(over, NOW + 250)
    one.take(over, NOW + 251)
    (end,) = drain(one, NOW + 251)
    assert (end.change, end.title) == ("closed", "OVER: Line 1 is down")
    assert "4 min 10 s" in end.body
    assert one.counts.repeated == 1


def test_what_is_over_soon_is_not_told() -> None:
    one = channel(hold_s=30)
    one.take(event(), NOW)
    one.take(event(state=EventState.CLOSED, ended_s=NOW + 20), NOW + 20)
    assert drain(one, NOW + 100) == []
    assert one.counts.held == 1


def test_what_is_critical_is_told_at_once_and_what_becomes_worse_again() -> None:
    one = channel(hold_s=30)
    one.take(event(severity=Severity.CRITICAL), NOW)
    assert [m.severity for m in drain(one, NOW)] == [Severity.CRITICAL]
    one.take(event(2), NOW)
    drain(one, NOW + 30)
    one.take(event(2, Severity.CRITICAL), NOW + 31)
    assert [m.change for m in drain(one, NOW + 31)] == ["worse"]


def test_only_what_the_channel_wants() -> None:
    one = channel(hold_s=0, groups=["security"], min_severity="minor")
    one.take(event(), NOW)
    one.take(event(2).model_copy(update={"group": EventGroup.SECURITY}), NOW)
    one.take(event(3, Severity.INFO).model_copy(update={"group": EventGroup.SECURITY}), NOW)
    assert [m.event.id for m in drain(one, NOW)] == ["e2"]
    one = channel(hold_s=0, kinds=["ddos"])
    one.take(event(), NOW)
    assert drain(one, NOW) == []


def test_a_flood_is_summed_up_once_an_hour() -> None:
    one = channel(Box(), hold_s=0, most_per_hour=3)
    for number in range(50):
        one.take(event(number, Severity.CRITICAL if number == 40 else Severity.MAJOR), NOW)
    assert len(drain(one, NOW)) == 3
    assert drain(one, NOW + 3599) == []
    (summary,) = drain(one, NOW + 3601)
    assert summary.title.startswith("47 more events")
    assert summary.body.splitlines()[0].startswith("CRITICAL: Line 40")
    assert summary.body.splitlines()[-2] == "and 27 more"
    assert one.counts.summed_up == 47


def test_machines_get_each() -> None:
    one = channel(Box(takes_each=True), hold_s=0, most_per_hour=1)
    for number in range(20):
        one.take(event(number), NOW)
    assert len(drain(one, NOW)) == 20


def test_what_waits_is_bounded() -> None:
    one = channel(Box(takes_each=True), hold_s=0)
    for number in range(3000):
        one.take(event(number), NOW)
    assert one.waiting == 1000
    assert one.counts.dropped == 2000
    held = channel(hold_s=60)
    for number in range(3000):
        held.take(event(number), NOW)
    assert len(drain(held, NOW + 61)) == 30
    assert held.counts.dropped == 2000


def test_what_fails_is_tried_again_in_order_and_given_up_at_last() -> None:
    one = channel(hold_s=0)
    one.take(event(1), NOW)
    one.take(event(2), NOW)
    first = one.due(NOW)
    one.not_sent(first, Unavailable("away"), NOW)
    assert one.due(NOW + 1.9) is None
    assert one.due(NOW + 2).message.event.id == "e1"
    one.not_sent(first, Unavailable("away"), NOW + 2)
    assert one.due(NOW + 5.9) is None
    one.not_sent(one.due(NOW + 6), Failed("refused"), NOW + 6)
    assert one.counts.failed == 1
    late = one.due(NOW + 6)
    one.not_sent(late, Unavailable("away"), NOW + 7 * 3600)
    assert (one.counts.failed, one.waiting) == (2, 0)


class Memory:
    def __init__(self, told: bytes = b"") -> None:
        self.told = told

    def load(self) -> bytes:
        return self.told

    def save(self, told: bytes) -> None:
        self.told = told


def notifier(box: Box, memory: Memory | None = None, **settings) -> Notifier:
    config = NotifyConfig(channels=[ChannelConfig(name="noc", webhook="http://127.0.0.1/", **settings)])
    return Notifier(config, memory, senders=lambda _: box, tick_s=0.01)


def until(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_restart_tells_nothing_twice_and_forgets_nothing() -> None:
    box, memory = Box(), Memory()
    one = notifier(box, memory, hold_s=0)
    one.start()
    one.take([event(1)])
    until(lambda: len(box.got) == 1)
    box.errors = [Unavailable("away")] * 1000
    one.take([event(2)])
    until(lambda: one.status()[0].counts.retried)
    one.stop()
    box.errors = []
    again = notifier(box, memory, hold_s=0)
    again.start()
    again.take([event(1), event(2)])
    until(lambda: len(box.got) == 2)
    again.stop()
    assert [m.event.id for m in box.got] == ["e1", "e2"]
    assert again.status()[0].counts.repeated == 1


@pytest.mark.parametrize("told", [b"[]", b"nonsense", b'{"noc": 3}', b'{"noc": {"e1": "x"}}'])
def test_a_memory_that_is_damaged_is_no_harm(told) -> None:
    box = Box()
    one = notifier(box, Memory(told), hold_s=0)
    one.start()
    one.take([event()])
    until(lambda: box.got)
    one.stop()


def test_a_fault_in_a_service_ends_neither_channel_nor_process() -> None:
    box = Box()
    box.errors = [RuntimeError("a bug")]
    one = notifier(box, hold_s=0)
    one.start()
    one.take([event(1), event(2)])
    until(lambda: box.got)
    status = one.status()[0]
    one.stop()
    assert (status.counts.failed, box.got[0].event.id) == (1, "e2")


@pytest.fixture
def server() -> Iterator[tuple[str, list, list]]:
    got, answers = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop(0) if answers else 204)
            self.end_headers()

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


@pytest.fixture
def real_syslog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own module, which a folder of tests of that name can hide from the services of Apprise."""
    spec = BuiltinImporter.find_spec("syslog") or PathFinder.find_spec("syslog", [get_config_var("DESTSHARED")])
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "syslog", module)


@pytest.mark.usefixtures("real_syslog")
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # one of the services of Apprise
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


@pytest.mark.parametrize(
    "settings",
    [{}, {"webhook": "http://x/", "pagerduty": "k"}, {"webhook": "ftp://x/"}, {"pagerduty": "k", "token": "t"}],
)
def test_a_channel_says_one_way(settings) -> None:
    with pytest.raises(ValueError, match=r"noc|webhook"):
        ChannelConfig(name="noc", **settings)


def test_channels_have_names_of_their_own() -> None:
    one = {"name": "a", "webhook": "http://x/"}
    with pytest.raises(ValueError, match="same name"):
        NotifyConfig(channels=[one, one])


def test_words() -> None:
    assert amount(9.2e9, "bit/s") == "9.2 Gbit/s"
    assert amount(97.3, "%") == "97.3%"
    assert amount(12345, "ms") == "1.23e+04 ms"
    assert amount(float("nan"), "bit/s") == "–"
    assert [duration(s) for s in (3, 60, 250, 7260, 90000)] == ["3 s", "1 min", "4 min 10 s", "2 h 1 min", "1 d 1 h"]
    text = message_of(event(seen=9e9, expected=3e9, lower=2e9, upper=4e9, unit="bit/s"), "opened").body
    assert "Seen 9 Gbit/s, expected 2 Gbit/s to 4 Gbit/s" in text
    assert "Since: 2026-05-28 20:26:40 UTC" in text
    assert summary_of([event()]).title.startswith("1 more event than")
