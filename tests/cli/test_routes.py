"""``weft routes``: what it asks of the API, and how it shows the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from tests.doubles.routes import EDGE1, PARTNER, batch, story

from weft.api.routing import RoutingPages
from weft.api.topology_network import Network
from weft.cli import weft
from weft.model.routes import ROUTES
from weft.query.routing.questions import RoutingQuestions
from weft.store.config import StoreConfig
from weft.store.open import open_store

DAY = 1_794_960_000
NOW = DAY + 20 * 3600
WEB = "203.0.113.0/24"
AT11 = str(DAY + 11 * 3600)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    store = open_store(StoreConfig(data_dir=tmp_path_factory.mktemp("store"), retention_days={"routes": 20000}))
    store.start()
    store.insert(ROUTES, batch(story(DAY)))
    yield RoutingPages(RoutingQuestions(store, clock=lambda: NOW), lambda _: Network())
    store.stop()


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch, pages: RoutingPages) -> list[str]:
    paths: list[str] = []

    class Client:
        def __init__(self, *_: Any) -> None: ...

        def get(self, path: str, **asked: str) -> Any:
            paths.append(path)
            at, since, until = asked.get("at", "now"), asked.get("since", "now-24h"), asked.get("until", "now")
            limit = int(asked.get("limit", "200"))
            view: Any = {
                "/routing/lookup": lambda: pages.look_up(asked["prefix"], at, asked["match"], asked, limit),  # type: ignore[arg-type]
                "/routing/timeline": lambda: pages.timeline(asked["prefix"], since, until, asked),
                "/routing/sessions": lambda: pages.sessions(since, until, True),
                "/routing/churn": lambda: pages.churn(since, until, asked["by"], asked, limit),  # type: ignore[arg-type]
                "/routing/policy": lambda: pages.policy(at, "in", asked.get("verdict", ""), asked, limit),  # type: ignore[arg-type]
                "/routing/validity": lambda: pages.judged(at, asked["state"], asked, limit),
            }[path]()
            return json.loads(view.model_dump_json())

    monkeypatch.setattr("weft.cli.client.ApiClient", Client)
    return paths


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(weft, ["routes", *words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_a_look_up_marks_the_best_path_and_says_why() -> None:
    text = run("lookup", WEB, "--at", AT11)
    assert f"{WEB}  exact" in text
    assert "> Loc-RIB" in text
    assert "best: higher local preference: 200 against 100" in text
    assert "203.0.112.0/20  covering" in text
    assert "RPKI not found" in text


def test_no_route_is_an_exit_code_and_says_when_there_was_one() -> None:
    text = run("lookup", "203.0.113.128/25", "--match", "exact", code=1)
    assert "withdrawn" in text
    assert "No route to 203.0.113.128/25" in text
    assert f"--at {DAY + 10 * 3600 + 601}" in text


def test_timeline() -> None:
    text = run("timeline", WEB, "--since", str(DAY + 9 * 3600))
    assert "as_path 64501 64505 64511 → 64501 64511" in text
    assert "hold timer expired" in text
    assert "uses [64500 64511]" in text
    assert "Nothing happened" in run("timeline", "192.0.2.128/25", "--since", "now-1h")


def test_sessions_churn_policy_validity() -> None:
    text = run("sessions")
    assert "✓" in text
    assert "1 invalid" in text
    assert "192.0.2.0/25" in run("churn", "--top", "1")
    assert "AS64503" in run("churn", "--by", "origin", "--top", "1")
    text = run("policy", EDGE1, PARTNER, "--at", AT11)
    assert "changed   203.0.113.0/24" in text
    assert "1 before, 1 after: 0 rejected, 1 changed, 0 added" in text
    assert "Nothing can be said" in run("policy", "192.0.2.2", "198.51.100.1")
    assert "192.0.2.128/25" in run("validity")
    assert "No standing route is valid." in run("validity", "--state", "valid")


@pytest.mark.parametrize(
    "words",
    [("lookup", WEB), ("timeline", WEB), ("sessions",), ("churn",), ("policy", EDGE1, PARTNER), ("validity",)],
    ids=lambda words: words[0],
)
def test_every_answer_can_be_had_as_json(words: tuple[str, ...], asked: list[str]) -> None:
    view = json.loads(run(*words, "--json"))
    assert "sql" in view
    assert len(asked) == 1
