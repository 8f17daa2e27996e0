"""Logs and changes are read: search, facets, details, context, live tail, diffs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser import fakes
from tests.browser.conftest import Server
from tests.browser.pages import answered, drawn, needs_axe, page_of, parameters, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOGS = "/explore?dataset=logs&since=now-1h"
ROWS = [
    fakes.log("BGP peer 192.0.2.9 went <b>down</b>", 10, severity="error", event="BGP_NEIGHBOR_STATE_CHANGED",
              template="BGP peer <*> went down", fields='{"bgp": {"neighbor": "192.0.2.9"}}', clock="wrong"),
    fakes.log("user ada logged in", 20, program="sshd"),
    fakes.log("user ada logged in", 20, program="sshd"),
]  # fmt: skip


def feed(page: Any, records: Any = None) -> fakes.Questions:
    return fakes.Questions(
        page, "logs", records or (lambda _: fakes.logs_view(ROWS, highlight=["down"])),
        fakes.series_view("severity", ["error", "info"]),
        fakes.facets_view(severity=["error", "info"], program=["rpd", "sshd"]),
    )  # fmt: skip


def test_messages_are_read(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        feed(page)
        page.goto(LOGS)
        drawn(page)
        lines = page.get_by_role("listitem").filter(has=page.locator("[data-toggle]"))
        assert lines.count() == 3
        first = lines.first
        assert "error" in first.inner_text()
        assert first.get_by_role("link", name="core1").get_attribute("href") == "/devices/core1"
        assert first.locator("mark").inner_text() == "down"
        assert "<b>" in first.inner_text()  # text from a device is text
        first.get_by_role("button", name="Details").click()
        for text in ("bgp.neighbor", "BGP peer <*> went down", "its clock disagrees", "200 ms later"):
            page.get_by_text(text).first.wait_for()


def test_details_lead_on(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        feed(page)
        page.goto(LOGS)
        page.get_by_role("button", name="Details").first.click()
        page.get_by_role("button", name="Messages like this").click()
        assert parameters(page)["filter"] == 'template = "BGP peer <*> went down"'
        page.go_back()  # what was open stays open
        page.get_by_role("button", name="Without Program rpd").first.click()
        assert parameters(page)["filter"] == 'program != "rpd"'
        page.go_back()
        page.get_by_role("button", name="Around it").click()
        page.get_by_role("menuitem", name="±5 min").click()
        around = parameters(page)
        assert around["filter"] == 'exporter = "192.0.2.1"'
        assert int(around["until"]) - int(around["since"]) in (600, 601)
        page.locator("[data-here]").wait_for()


def test_search_and_facets(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        questions = feed(page)
        page.goto(LOGS)
        page.get_by_role("textbox", name="Search messages").fill("peer down")
        answered(page, lambda: page.keyboard.press("Enter"))
        assert parameters(page)["filter"] == 'message ~ "peer down"'
        answered(page, page.get_by_title("Only Program sshd").click)
        assert parameters(page)["filter"] == 'message ~ "peer down" AND program = "sshd"'
        assert questions.records()[-1]["filter"] == parameters(page)["filter"]
        page.get_by_role("button", name="Clear the search").click()
        assert parameters(page)["filter"] == 'program = "sshd"'


def test_older_messages_are_fetched_as_they_come_into_sight(browser: Any, server: Server) -> None:
    def records(query: fakes.Answer) -> fakes.Answer:
        if query.get("before") == "page two":
            return fakes.logs_view([fakes.log(f"old {i}", 1000 + i) for i in range(50)])
        return fakes.logs_view([fakes.log(f"new {i}", i) for i in range(200)], next_before="page two")

    with page_of(browser, server) as page:
        questions = feed(page, records)
        page.goto(LOGS)
        box = page.get_by_role("region", name="messages, newest first")
        box.get_by_text("new 0", exact=True).wait_for()
        assert page.get_by_role("listitem").filter(has=page.locator("[data-toggle]")).count() < 80
        for _ in range(12):
            box.evaluate("box => box.scrollTo(0, box.scrollHeight)")
            page.wait_for_timeout(150)
        box.get_by_text("old 49", exact=True).wait_for()
        page.get_by_text("250 messages, no older ones").wait_for()
        assert [query.get("before") for query in questions.records()] == [None, "page two"]


def test_live_tail_is_bounded_and_waits_for_the_reader(browser: Any, server: Server) -> None:
    count = 0

    def records(query: fakes.Answer) -> fakes.Answer:
        nonlocal count
        count += 1
        rows = [fakes.log(f"line {count}", 0), *(fakes.log(f"earlier {i}", 5 + i) for i in range(120))]
        return fakes.logs_view(rows[: query["limit"]])

    with page_of(browser, server) as page:
        questions = feed(page, records)
        page.goto(LOGS)
        page.get_by_text("line 1", exact=True).wait_for()
        page.get_by_role("button", name="Live tail").click()
        page.get_by_text("line 3", exact=True).wait_for()
        assert questions.records()[-1] | {"limit": 200, "since": "now-15m"} == questions.records()[-1]
        page.get_by_role("region", name="messages, newest first").evaluate("box => box.scrollTo(0, 400)")
        page.get_by_text("Paused while you read").wait_for()
        asked = len(questions.records())
        page.wait_for_timeout(2600)
        assert len(questions.records()) == asked


def test_zoom_in_the_histogram(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        feed(page)
        page.goto(LOGS)
        box = drawn(page).bounding_box()
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] * 0.4, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
        page.mouse.up()
        page.wait_for_url("**until=*")
        assert 300 < int(parameters(page)["until"]) - int(parameters(page)["since"]) < 1500


def test_changes_show_their_lines(browser: Any, server: Server) -> None:
    rows = [
        fakes.change("core1: description", 60, 1, 1, detail=fakes.DIFF, author="ada", reference="https://ci.example.net/1"),
        fakes.change("window", 900, kind="maintenance", reference="javascript:alert(1)", exporter="::"),
    ]  # fmt: skip
    with page_of(browser, server) as page:
        fakes.Questions(
            page, "changes", lambda _: fakes.changes_view(rows), fakes.series_view("kind", ["config"]),
            fakes.facets_view(kind=["config", "maintenance"]),
        )  # fmt: skip
        page.goto("/explore?dataset=changes&since=now-1h")
        page.get_by_role("button", name="Details: core1").click()
        table = page.get_by_role("region", name="Lines of core1: description")
        assert table.locator("tr[data-kind=removed]").inner_text().split() == [
            "2",
            "−",
            "removed",
            "description",
            "old",
        ]
        assert "<b>new</b>" in table.locator("tr[data-kind=added]").inner_text()
        assert page.get_by_role("link", name="https://ci.example.net/1").get_attribute("rel") == "noreferrer noopener"
        page.get_by_role("button", name="Details: window").click()
        page.get_by_text("javascript:alert(1)").wait_for()
        assert page.get_by_role("link", name="javascript:alert(1)").count() == 0


@needs_axe
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("width", [1024, 1440])
def test_accessible_when_open(browser: Any, server: Server, scheme: str, width: int) -> None:
    with page_of(browser, server, scheme=scheme, width=width) as page:
        feed(page)
        page.goto(LOGS)
        first = page.get_by_role("button", name="Details").first
        first.wait_for(timeout=20_000)
        first.press("Enter")
        page.get_by_text("bgp.neighbor").wait_for()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Details: user ada")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
