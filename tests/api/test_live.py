"""The one WebSocket per tab: who may open it, what it sends, and that a slow tab holds nobody up."""

import asyncio
import contextlib
import json

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from weft.api.live import LiveHub, Subscriber

LIVE = "ws://localhost/api/v1/live"  # the test client would name another host


def test_updates_of_the_topics_asked_for(client, login):
    login("viewer")
    with client.websocket_connect(LIVE) as socket:
        socket.send_json({"subscribe": ["overview"]})
        message = socket.receive_json()
        assert message["topic"] == "overview"
        assert message["data"]["demo"] is True
        socket.send_json({"subscribe": ["exporters", "no-such-topic"]})
        message = socket.receive_json()
        while message["topic"] == "overview":
            message = socket.receive_json()
        assert message["topic"] == "exporters"
        assert message["data"]["pipeline"]["running"] is True


def refused(client, headers=None, send=None):
    with pytest.raises(WebSocketDisconnect) as caught, client.websocket_connect(LIVE, headers=headers or {}) as socket:  # noqa: PT012
        if send is not None:
            socket.send_text(send)
        socket.receive_json()
    return caught.value.code


def test_the_anonymous_are_refused(client):
    assert refused(client) == 4401


def test_foreign_origins_are_refused(client, login):
    login("viewer")
    assert refused(client, {"origin": "http://evil.example"}) == 4403
    assert refused(client, {"host": "evil.example"}) == 4403


def test_tokens_open_it_too(as_role):
    client = as_role("viewer")
    with client.websocket_connect(LIVE, headers={"authorization": client.headers["authorization"]}) as socket:
        socket.send_json({"subscribe": []})


@pytest.mark.parametrize(
    "text", ["", "nonsense", '{"subscribe": 1}', '{"other": []}', '{"subscribe": ["' + "x" * 5000 + '"]}']
)
def test_nonsense_closes_it(client, login, text):
    login("viewer")
    assert refused(client, send=text) == 4400


def test_too_many_tabs_are_refused(client, login, app):
    login("viewer")
    app.state.live._limit = 0
    assert refused(client) == 4429


def test_a_slow_tab_gets_the_newest_of_each_topic():
    async def scenario():
        tab = Subscriber()
        assert tab.offer("a", "a1")
        assert not tab.offer("a", "a2")
        assert tab.offer("b", "b1")
        assert [await tab.next(), await tab.next()] == ["a2", "b1"]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(tab.next(), 0.01)
            raise AssertionError("nothing was waiting")

    asyncio.run(scenario())


def test_each_update_is_computed_and_encoded_once_for_all():
    calls = []

    async def compute():
        calls.append(1)
        return {"n": len(calls)}

    async def scenario():
        hub = LiveHub({"a": compute, "unwatched": compute}, CollectorRegistry(), interval_s=0.05)
        with hub.connected() as one, hub.connected() as other:
            for tab in (one, other):
                hub.subscribe(tab, frozenset({"a"}))
            running = asyncio.create_task(hub.run())
            first, second = await one.next(), await other.next()
            running.cancel()
            assert first is second
            assert json.loads(first) == {"topic": "a", "data": {"n": 1}}
        assert len(calls) == 1

    asyncio.run(scenario())


def test_what_fails_is_counted_and_does_not_stop_the_rest():
    async def broken():
        raise RuntimeError("no")

    async def fine():
        return 1

    async def scenario():
        registry = CollectorRegistry()
        hub = LiveHub({"broken": broken, "fine": fine}, registry, interval_s=0.02)
        with hub.connected() as tab:
            hub.subscribe(tab, frozenset({"broken", "fine"}))
            running = asyncio.create_task(hub.run())
            assert json.loads(await asyncio.wait_for(tab.next(), 5))["topic"] == "fine"
            running.cancel()
        assert registry.get_sample_value("weft_live_failed_total", {"topic": "broken"}) >= 1
        assert registry.get_sample_value("weft_live_clients") == 0

    import structlog

    with structlog.testing.capture_logs():
        asyncio.run(scenario())


def test_nothing_is_computed_while_nobody_watches(app, deps):
    with TestClient(app, base_url="http://localhost"):
        pass
    assert deps.questions.asked is not None
