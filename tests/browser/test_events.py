"""The Events pages of the demo: a fault is triggered, its event found, read, taken care of, judged; policies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.browser.conftest import Server
from tests.browser.pages import needs_axe, page_of, parameters, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WAIT_MS = 90_000  # detection begins some seconds after the demo, and a cut line is told of by its neighbours
TABS = {"": "events", "/policies": "policies", "/detectors": "detectors", "/feedback": "judgements",
        "/channels": "Nobody is told of events"}  # fmt: skip


@contextmanager
def line_cut(page: Any, server: Server) -> Iterator[None]:
    """A line of the demo is cut, and mended afterwards."""
    csrf = page.context.request.get("/api/v1/auth/me").json()["csrf"]
    headers = {"Origin": server.url, "X-Weft-CSRF": csrf}
    kind = next(k for k in page.context.request.get("/api/v1/twin").json()["kinds"] if k["name"] == "link_cut")
    told = {"kind": "link_cut", "place": kind["places"][0]["id"], "duration_s": 240}
    answer = page.context.request.post("/api/v1/twin/faults", data=told, headers=headers)
    assert answer.ok, answer.text()
    try:
        yield
    finally:
        fault = answer.json()["id"]
        assert page.context.request.post(f"/api/v1/twin/faults/{fault}/end", headers=headers).ok


@needs_axe
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize(("tab", "text"), TABS.items(), ids=[tab or "events" for tab in TABS])
def test_accessible(browser: Any, server: Server, tab: str, text: str, scheme: str) -> None:
    with page_of(browser, server, scheme=scheme) as page:
        page.goto(f"/events{tab}")
        page.get_by_text(text).last.wait_for(timeout=WAIT_MS)
        page.wait_for_timeout(400)
        assert violations(page) == []


@pytest.mark.parametrize("width", [1024, 1440])
@pytest.mark.parametrize("tab", ["", "/detectors"])
def test_fits_the_window(browser: Any, server: Server, tab: str, width: int) -> None:
    with page_of(browser, server, width=width) as page:
        page.goto(f"/events{tab}")
        page.get_by_role("table").first.wait_for(timeout=WAIT_MS)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@needs_axe
def test_a_cut_line_is_an_event_that_people_can_judge(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/events?q=is+down&since=now-15m")
        with line_cut(page, server):
            page.get_by_role("link", name=re.compile("is down$")).first.click(timeout=WAIT_MS)
            page.get_by_role("heading", name="Why it was raised").wait_for()
            page.get_by_role("heading", name="What it rests on").wait_for()
            page.wait_for_timeout(500)
            assert violations(page) == []
            page.get_by_role("button", name="I take care of it").click()
            page.get_by_text("admin takes care of it").wait_for()
            page.get_by_role("button", name="Snooze…").click()
            page.get_by_label("Why").fill("We are on it.")
            page.get_by_role("button", name="Say so").click()
            page.get_by_role("heading", name="What people said").wait_for()
            page.get_by_role("button", name="Leave it to others").click()
            page.get_by_role("button", name="I take care of it").wait_for()
        page.goto("/events/feedback")
        said = page.get_by_role("row").filter(has_text="We are on it.").first
        said.get_by_role("button", name=re.compile("^Withdraw")).click()
        said.get_by_text("withdrawn by admin").wait_for()


def test_filters_are_in_the_address(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/events")
        page.get_by_role("button", name=re.compile("^Critical")).click()
        page.get_by_role("button", name=re.compile("^Critical"), pressed=True).wait_for()
        page.get_by_label("Find an event").fill("nothing is called like this")
        page.get_by_text("No event matches").wait_for()
        assert parameters(page) == {"severity": "critical", "q": "nothing is called like this"}
        page.get_by_role("button", name="Clear the filters").click()
        page.wait_for_url(lambda url: "severity" not in url)


def test_a_policy_says_how_often_it_would_have_fired(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/events/policies")
        page.get_by_role("button", name="New policy").first.click(timeout=WAIT_MS)
        page.get_by_label("Name", exact=True).first.fill("Site above nothing")
        page.get_by_text("needs a number").first.wait_for()
        page.get_by_label("For each").fill("exporter")
        page.get_by_label("Than").fill("1k")
        page.get_by_label("Looking back over").select_option("now-1d")
        page.get_by_text(re.compile("It would have fired|It would not have fired")).wait_for(timeout=WAIT_MS)
        page.get_by_role("button", name="Add policy").click()
        page.get_by_role("row").filter(has_text="Site above nothing").click()
        page.get_by_role("button", name="Remove").click()
        page.get_by_text("No policy yet").wait_for()
