"""The Topology page of the demo: a map, a site opened, a link's panel, the table, and a slider through time."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from tests.browser.conftest import Server
from tests.browser.pages import needs_axe, page_of, parameters, violations

from weft.twin import organisation as org

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATHS = ("/topology?since=now-1h", "/topology?level=device", "/topology?site=fra", "/topology?show=table")
WAIT_MS = 40_000  # a demo that has just begun is still polled for the first time


def picture(page: Any, path: str = "/topology?since=now-1h") -> Any:
    """The drawing, once it is there."""
    page.goto(path)
    drawing = page.locator("svg[data-ready]")
    drawing.wait_for(timeout=WAIT_MS)
    return drawing


@needs_axe
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("path", PATHS)
def test_accessible(browser: Any, server: Server, path: str, scheme: str) -> None:
    with page_of(browser, server, scheme=scheme) as page:
        page.goto(path)
        page.get_by_role("region", name="Links").or_(page.locator("svg[data-ready]")).first.wait_for(timeout=WAIT_MS)
        page.wait_for_timeout(500)
        assert violations(page) == []


def test_from_the_map_to_a_site_to_a_device(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        drawing = picture(page)
        assert drawing.get_by_role("link").count() >= len(org.SITES)
        page.get_by_role("link", name="Frankfurt").focus()
        page.keyboard.press("Enter")
        page.get_by_role("navigation", name="Breadcrumb").get_by_text("Frankfurt").wait_for()
        assert parameters(page)["site"] == "fra"
        page.get_by_role("link", name="fra-border1").click()
        page.get_by_role("heading", name="fra-border1").wait_for()
        page.go_back()
        page.get_by_role("link", name="All sites").last.click()
        page.get_by_role("link", name="Singapore").wait_for()


def test_a_link_says_how_loaded_it_is_by_what_and_between_whom(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        picture(page)
        line = page.get_by_role("button", name="Amsterdam – Frankfurt")
        line.focus()
        page.keyboard.press("Enter")
        panel = page.get_by_role("complementary", name="Link Amsterdam – Frankfurt")
        panel.wait_for()
        for text in ("Capacity", "by counters", "Top talkers", "ams-border1", "fra-border1"):
            panel.get_by_text(text).first.wait_for()
        link = parameters(page)["link"]
        page.reload()  # the panel is part of the link to the page
        page.get_by_role("complementary", name="Link Amsterdam – Frankfurt").wait_for()
        assert parameters(page)["link"] == link
        page.get_by_role("link", name="fra-border1 et-").first.click()
        page.get_by_role("heading", name="Traffic").wait_for()


def test_the_table_says_the_same_as_the_picture(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        picture(page)
        lines = page.get_by_role("button", name=" – ").count()
        page.get_by_text("Table", exact=True).click()
        table = page.get_by_role("table", name="Links")
        table.wait_for()
        assert table.get_by_role("row").count() - 1 == lines
        busiest = [text.strip() for text in table.locator("tbody td:nth-child(4)").all_inner_texts()]
        shares = [float(text.split()[0].replace("<", "")) for text in busiest if text != "–" and text[0].isdigit()]
        assert shares == sorted(shares, reverse=True)
        assert parameters(page)["show"] == "table"


def test_the_slider_goes_back_in_time_and_plays(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        picture(page)
        slider = page.get_by_role("slider", name="Moment")
        slider.wait_for(timeout=WAIT_MS)
        slider.focus()
        page.keyboard.press("Home")
        page.wait_for_url("**at=*")
        first = parameters(page)["at"]
        page.get_by_role("button", name="Play").click()
        page.wait_for_function("first => new URLSearchParams(location.search).get('at') > first", arg=first)
        page.get_by_role("button", name="Pause").click()
        page.get_by_role("button", name="Latest").click()
        page.wait_for_function("() => !location.search.includes('at=')")


def test_search_marks_what_it_finds(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        picture(page, "/topology?level=device")
        page.get_by_label("Find a site or device").fill("fra border1")
        page.get_by_text("1 found").wait_for()
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="fra-border1").wait_for()


@pytest.mark.parametrize("width", [1024, 1440])
@pytest.mark.parametrize("path", ["/topology", "/topology?site=fra", "/topology?show=table"])
def test_fits_the_window(browser: Any, server: Server, path: str, width: int) -> None:
    with page_of(browser, server, width=width) as page:
        page.goto(path)
        page.get_by_role("region", name="Links").or_(page.locator("svg[data-ready]")).first.wait_for(timeout=WAIT_MS)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_cut_line_is_seen_and_its_load_elsewhere_soon(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        picture(page)
        page.get_by_role("button", name="Chicago – New York").wait_for()
        csrf = page.context.request.get("/api/v1/auth/me").json()["csrf"]
        before, headers = _bps(page, "dal"), {"Origin": server.url, "X-Weft-CSRF": csrf}
        told = {"kind": "link_cut", "place": "chi-border1--nyc-border1", "duration_s": 120}
        answer = page.context.request.post("/api/v1/twin/faults", data=told, headers=headers)
        assert answer.ok, answer.text()
        began = time.monotonic()
        try:
            page.get_by_role("button", name=re.compile("Chicago – New York.*, down")).wait_for(timeout=60_000)
            while (now := _bps(page, "dal")) < 2 * before:
                assert time.monotonic() - began < 60, f"{now:.3g} bit/s, {before:.3g} before"
                time.sleep(0.5)
        finally:
            fault = answer.json()["id"]
            assert page.context.request.post(f"/api/v1/twin/faults/{fault}/end", headers=headers).ok


def _bps(page: Any, site: str) -> float:
    """What the line from Chicago to a site carries, as the page's own question has it."""
    view = page.context.request.get("/api/v1/topology?at=now").json()
    edge = next(one for one in view["edges"] if {one["a"], one["b"]} == {"site:chi", f"site:{site}"})
    return float(edge["forward"]["bps"]) + float(edge["backward"]["bps"])
