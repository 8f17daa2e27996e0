"""The Sources page: every kind, what is wrong and what to do, how to set one up, and whether the data agrees."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser import fakes
from tests.browser.conftest import Server
from tests.browser.pages import needs_axe, page_of, parameters, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]

REASON = {
    "status": "critical", "code": "source_failing", "title": "core2: every attempt fails: no answer",
    "detail": "Counters are missing.", "fix": "Check the credentials.", "exporter": "192.0.2.2",
    "source": "snmp:core2:161", "since": None,
}  # fmt: skip
TIMEOUT = {"reason": "timeout", "count": 7, "what": "No answer in time", "fix": "Raise snmp.timeout_s."}
SOURCES = [
    fakes.source("core2", state="failing", status="critical", reasons=[REASON], coverage=0.2, errors=[TIMEOUT]),
    fakes.source("core1"),
    fakes.source("fw1", id="syslog:fw1", kind="syslog", target="fw1", clock_skew_s=-95.0, coverage=None),
]  # fmt: skip
RECONCILED = fakes.reconciliation_view(
    fakes.reconciled("et-0/0/0", "off", 0.5, reasons=[{
        "code": "missing_direction", "title": "Only one direction is exported", "fix": "Sample both.",
        "confidence": 0.8, "expected": 0.5,
    }]),
    fakes.reconciled("et-0/0/1", "agrees", 1.0),
)  # fmt: skip


def serve(page: Any) -> None:
    page.route("**/api/v1/sources?*", lambda route: route.fulfill(json=fakes.sources_view(SOURCES)))
    page.route("**/api/v1/quality/reconciliation?*", lambda route: route.fulfill(json=RECONCILED))


def test_what_is_wrong_and_what_to_do(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        serve(page)
        page.goto("/sources")
        kinds = page.get_by_role("navigation", name="Kinds of sources")
        kinds.get_by_role("link", name="SNMP 2 1 failing").click()
        page.get_by_role("row").filter(has_text="core2").press("Enter")
        page.get_by_role("dialog", name="core2").wait_for()
        assert parameters(page) == {"kind": "snmp", "source": "snmp:core2:161"}
        for text in ("Check the credentials.", "7 × No answer in time", "Raise snmp.timeout_s.", "Profile"):
            page.get_by_text(text).first.wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
        assert "source" not in parameters(page)


def test_search_and_state(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        serve(page)
        page.goto("/sources")
        page.get_by_text("1 min 35 s behind").wait_for()
        page.get_by_label("Search sources").fill("core")
        page.get_by_role("row").filter(has_text="fw1").wait_for(state="detached")
        page.get_by_text("Need attention", exact=True).click()
        page.get_by_role("row").filter(has_text="core1").wait_for(state="detached")
        assert parameters(page) == {"search": "core", "state": "attention"}


def test_how_to_begin(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        serve(page)
        page.goto("/sources?kind=gnmi")
        page.get_by_text("gNMI: no subscription yet").wait_for()
        assert "targets:" in page.get_by_label("Configuration for weft.yaml").inner_text()
        page.get_by_text("Arista EOS").click()
        assert "management api gnmi" in page.get_by_label("Configuration for Arista EOS").inner_text()


def test_flows_against_counters(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        serve(page)
        page.goto("/sources?tab=quality&since=now-1h")
        row = page.get_by_role("row").filter(has_text="et-0/0/0")
        assert "Only one direction is exported" in row.inner_text()
        assert row.get_by_role("link").get_attribute("href") == "/devices/core1/interfaces/et-0%2F0%2F0"
        row.press("Enter")
        page.get_by_text("80 % sure").wait_for()
        page.get_by_role("link", name="Chart of counters").click()
        shown = parameters(page)
        assert shown["dataset"] == "metrics"
        assert shown["filter"] == "metric = in_octets"
        assert int(shown["until"]) - int(shown["since"]) == 3600


def test_weak_sources_lead_to_themselves(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        serve(page)
        page.goto("/sources?tab=quality&since=now-1h")
        page.get_by_role("row").filter(has_text="brings nothing").click()
        page.get_by_role("dialog", name="core2").wait_for()


@needs_axe
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("path", ["/sources?source=snmp:core2:161", "/sources?tab=quality&since=now-1h"])
def test_accessible(browser: Any, server: Server, path: str, scheme: str) -> None:
    with page_of(browser, server, scheme=scheme) as page:
        serve(page)
        page.goto(path)
        page.get_by_text("Only one direction" if "tab" in path else "Check the credentials").first.wait_for()
        page.wait_for_timeout(400)
        assert violations(page) == []
