"""The explorer follows the dataset: tabs, metrics with their units, presets, what goes along from one to another."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.conftest import Server
from tests.browser.pages import answered, drawn, page_of, parameters

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_tabs_keep_the_time_and_the_device(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto('/explore?since=now-1h&filter=exporter_site+%3D+"fra"+AND+app+%3D+"https"')
        drawn(page)
        page.get_by_role("navigation", name="Datasets").get_by_role("link", name="Metrics").click()
        assert parameters(page) == {
            "since": "now-1h", "dataset": "metrics", "by": "interface",
            "filter": 'metric = in_octets AND exporter_site = "fra"',
        }  # fmt: skip
        page.get_by_role("heading", name="Rate by interface").wait_for()
        page.get_by_role("button", name="Sankey").wait_for(state="detached")
        page.go_back()
        page.get_by_role("heading", name="Bits per second by").wait_for()


def test_a_metric_brings_its_unit(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/explore?dataset=metrics&since=now-1h")
        page.get_by_role("button", name="Metric choose one").click()
        page.get_by_label("Search metrics").fill("octets received")
        found = page.get_by_role("dialog").get_by_role("button", name="in_octets").first
        found.wait_for()
        answer = answered(page, found.click)
        assert parameters(page)["filter"] == "metric = in_octets"
        assert parameters(page)["by"] == "interface"
        assert answer["unit"] == "bit/s"
        page.keyboard.press("Escape")
        page.get_by_role("heading", name="Rate by interface").wait_for()
        row = page.get_by_role("row").nth(1)
        assert "bit/s" in row.inner_text()
        assert (row.get_by_role("link").first.get_attribute("href") or "").startswith("/devices/")


def test_several_metrics_are_kept_apart(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/explore?dataset=metrics&since=now-1h&filter=metric+%3D+in_octets&by=interface")
        page.get_by_role("button", name="Metric in_octets").click()
        more = page.get_by_role("button", name="Add out_octets")
        more.wait_for()
        answer = answered(page, more.click)
        assert parameters(page)["filter"] == "metric IN (in_octets, out_octets)"
        assert answer["query"]["by"] == ["interface", "metric"]


def test_presets_are_those_of_the_dataset(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/explore?dataset=metrics&since=now-1h")
        page.get_by_role("button", name="Views").click()
        answer = answered(page, page.get_by_role("menuitem", name="Utilisation").click)
        assert answer["unit"] == "%"
        assert parameters(page)["since"] == "now-1h"
        page.get_by_role("heading", name="Utilisation by").wait_for()


def test_filters_are_completed_from_the_dataset(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/explore?dataset=logs&since=now-1h")
        page.get_by_role("button", name="Live tail").wait_for()
        page.keyboard.press("/")
        page.keyboard.type("sever")
        page.get_by_role("option", name="severity").wait_for()
        page.keyboard.type("ity_of_rain = 1 ")
        page.get_by_text("unknown field").wait_for()


def test_labels_are_dimensions_named_by_the_person(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/explore?dataset=metrics&since=now-1h&filter=metric+%3D+in_octets&by=exporter")
        drawn(page)
        page.get_by_label("Add a dimension").click()
        page.get_by_label("Search dimensions").fill("label_queue")
        answer = answered(page, lambda: page.keyboard.press("Enter"))
        assert answer["query"]["by"] == ["exporter", "label_queue"]
