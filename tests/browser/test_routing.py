"""The Routing page: a look-up as of a time, its timeline, and the tables of sessions, churn, RPKI and policy."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.api.networks import device
from tests.browser.conftest import Server
from tests.browser.pages import needs_axe, page_of, violations
from tests.doubles.routes import EDGE1, EDGE2, batch, story

from weft.api.routing import RoutingPages
from weft.api.topology_network import network_of
from weft.model.routes import ROUTES
from weft.query.routing.questions import RoutingQuestions
from weft.store.config import StoreConfig
from weft.store.open import open_store

pytestmark = pytest.mark.browser
DAY = 1_794_960_000
NOW = DAY + 20 * 3600
WEB = "203.0.113.0/24"
RANGE = f"since={DAY + 9 * 3600}&until={NOW}"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Real answers to what the page asks, from a store with a day of routes."""
    store = open_store(StoreConfig(data_dir=tmp_path_factory.mktemp("store"), retention_days={"routes": 20000}))
    store.start()
    store.insert(ROUTES, batch(story(DAY)))
    network = network_of([device("edge1", EDGE1), device("edge2", EDGE2)])
    pages = RoutingPages(RoutingQuestions(store, clock=lambda: NOW), lambda _: network)

    def answer(part: str, asked: dict[str, str]) -> str:
        at, since, until = (asked.get(name, "now") for name in ("at", "since", "until"))
        view: Any = {
            "lookup": lambda: pages.look_up(asked["prefix"], at, asked["match"], asked, 200),  # type: ignore[arg-type]
            "timeline": lambda: pages.timeline(asked["prefix"], since, until, asked),
            "sessions": lambda: pages.sessions(since, until, True),
            "churn": lambda: pages.churn(since, until, asked["by"], asked, 200),  # type: ignore[arg-type]
            "policy": lambda: pages.policy(at, asked["direction"], asked["verdict"], asked, 200),  # type: ignore[arg-type]
            "validity": lambda: pages.judged(at, asked["state"], asked, 200),
        }[part]()
        return view.model_dump_json()

    yield answer
    store.stop()


def opened(page: Any, answers: Any, path: str) -> Any:
    """The page at ``path``, its routing questions answered from the day of routes."""

    def fulfil(route: Any) -> None:
        from urllib.parse import parse_qsl, urlsplit

        url = urlsplit(route.request.url)
        body = answers(url.path.rsplit("/", 1)[1], dict(parse_qsl(url.query, keep_blank_values=True)))
        route.fulfill(status=200, content_type="application/json", body=body)

    page.route(re.compile(r"/api/v1/routing/"), fulfil)
    page.goto(path)
    return page


def test_a_look_up_says_which_path_is_best_and_why(browser: Any, server: Server, answers: Any) -> None:
    with page_of(browser, server) as page:
        opened(page, answers, f"/routing?{RANGE}")
        page.get_by_role("textbox", name="Prefix or address").fill(WEB)
        page.get_by_role("button", name="Look up").click()
        router = page.get_by_role("region", name="edge1", exact=True).first
        router.wait_for()
        assert "uses 64500 64511" in re.sub(r"\s+", " ", router.inner_text())
        assert f"prefix={WEB.replace('/', '%2F')}" in page.url
        # As of before the partner's session went away, another path was used: a click on an event goes there.
        page.get_by_role("row", name=re.compile("changed.*Loc-RIB 64501")).first.click()
        page.get_by_text("higher local preference: 200 against 100").first.wait_for()
        assert "at=" in page.url
        page.get_by_role("button", name="Back to the end of the range").click()
        page.get_by_text("session restarted").first.wait_for()


def test_lanes_tell_what_was_used_when(browser: Any, server: Server, answers: Any) -> None:
    with page_of(browser, server) as page:
        opened(page, answers, f"/routing?{RANGE}&prefix={WEB}")
        lane = page.get_by_role("img", name=re.compile("^uses: 64501 64505 64511 from")).first
        lane.wait_for()
        words = lane.get_attribute("aria-label")
        assert "64501 64511 from" in words
        assert "64500 64511 from" in words
        lane.click(position={"x": 3, "y": 5})
        page.wait_for_url(re.compile(r"[?&]at=\d+"))
        page.get_by_text("64505").first.wait_for()


def test_nothing_asked_and_nothing_found(browser: Any, server: Server, answers: Any) -> None:
    with page_of(browser, server) as page:
        opened(page, answers, f"/routing?{RANGE}")
        page.get_by_text("Which prefix or address?").wait_for()
        field = page.get_by_role("textbox", name="Prefix or address")
        field.fill("example.com")
        page.get_by_text("Neither a prefix nor an address").wait_for()
        field.fill("203.0.113.128/25")
        page.get_by_role("radiogroup", name="Which prefixes").get_by_text("Exact", exact=True).click()
        field.press("Enter")
        page.get_by_text("No route to 203.0.113.128/25").wait_for()
        page.get_by_role("button", name="Go to when it was last heard of").click()
        page.wait_for_url(re.compile(rf"at={DAY + 10 * 3600 + 601}"))


def test_sessions_lead_to_policy(browser: Any, server: Server, answers: Any) -> None:
    with page_of(browser, server) as page:
        opened(page, answers, f"/routing/sessions?{RANGE}")
        table = page.get_by_role("table", name=re.compile("^Sessions"))
        table.wait_for()
        assert table.get_by_role("row").count() == 10
        page.get_by_role("textbox", name="Find a session").fill("198.51.100.2")
        table.get_by_role("row", name=re.compile(r"198\.51\.100\.1 .*accepted")).wait_for(state="detached")
        row = table.get_by_role("row", name=re.compile("accepted"))
        assert "up" in row.inner_text()
        row.click()
        page.wait_for_url(re.compile("/routing/policy"))
        page.get_by_text("before policy").first.wait_for()


def test_churn_and_validity(browser: Any, server: Server, answers: Any) -> None:
    with page_of(browser, server) as page:
        opened(page, answers, f"/routing/churn?{RANGE}")
        first = page.get_by_role("table", name="What changes most").get_by_role("row").nth(1)
        assert "192.0.2.0/25" in first.inner_text()
        page.get_by_role("radiogroup", name="By").get_by_text("Origins").click()
        page.get_by_text("AS64503").first.wait_for()
        page.get_by_role("link", name="RPKI").click()
        page.get_by_role("table", name="Routes by origin validation").get_by_text("192.0.2.128/25").wait_for()
        page.get_by_role("link", name="192.0.2.128/25").click()
        page.get_by_text("rejected by the import policy").first.wait_for()


def test_policy_shows_what_it_changes(browser: Any, server: Server, answers: Any) -> None:
    at_eleven = f"since={DAY + 9 * 3600}&until={DAY + 11 * 3600}"
    with page_of(browser, server) as page:
        opened(page, answers, f"/routing/policy?{at_eleven}&router={EDGE1}&peer=198.51.100.2")
        row = page.get_by_role("row").filter(has_text=WEB)
        row.wait_for()
        assert "local preference none → 200" in row.inner_text()
        assert "communities +64496:100" in row.inner_text()
        page.get_by_role("radiogroup", name="What policy does").get_by_text("Rejected").click()
        page.get_by_text("Policy lets every route through as it came").wait_for()


def test_another_neighbour_is_picked_with_its_router(browser: Any, server: Server, answers: Any) -> None:
    with page_of(browser, server) as page:
        opened(page, answers, f"/routing/policy?since={DAY + 9 * 3600}&until={DAY + 11 * 3600}")
        page.locator("input[aria-label='Router and neighbour']").click()
        page.get_by_role("option", name=re.compile("198.51.100.2")).click()
        page.wait_for_url(lambda url: f"router={EDGE1}" in url and "peer=198.51.100.2" in url, timeout=5000)
        page.get_by_role("row").filter(has_text="communities +64496:100").first.wait_for()


def test_traffic_by_as_path_is_asked_of_the_flows(browser: Any, server: Server, answers: Any) -> None:
    with page_of(browser, server) as page:
        asked: list[dict[str, Any]] = []
        page.on(
            "request",
            lambda r: (
                asked.append(json.loads(r.post_data)) if r.url.endswith("/api/v1/query") and r.post_data else None
            ),
        )
        opened(page, answers, "/routing/paths")
        page.get_by_text("Traffic by AS path").last.wait_for()
        page.get_by_role("table", name="Traffic").wait_for()
        assert {one["by"][0] for one in asked} == {"dst_as_path"}
        page.get_by_role("radiogroup", name="Side").get_by_text("To the source").click()
        page.wait_for_url(re.compile("side=src"))


@needs_axe
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("part", [f"?{RANGE}&prefix={WEB}", f"/sessions?{RANGE}", f"/policy?{RANGE}"])
def test_pages_are_accessible(browser: Any, server: Server, answers: Any, part: str, scheme: str) -> None:
    with page_of(browser, server, width=1024, scheme=scheme) as page:
        opened(page, answers, f"/routing{part}")
        page.locator("table, [role=img]").first.wait_for()
        page.wait_for_timeout(400)
        assert violations(page) == []
