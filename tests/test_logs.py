"""What Weft says about itself: one event per line, no secret in any of them."""

import io
import json
import logging
import sys

import pytest
import structlog

from weft.logs import configure_logging


@pytest.fixture
def logged(monkeypatch):
    """Configure logging to a buffer; everything is as before afterwards."""
    buffer = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level

    def configure(**how):
        monkeypatch.setattr(sys, "stderr", buffer)
        configure_logging(**how)
        return buffer

    yield configure
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def test_json_lines_where_nobody_watches(logged):
    out = logged()
    structlog.get_logger("x").info("something_happened", rows=3)
    logging.getLogger("some.library").warning("careful %s", "now")
    ours, theirs = (json.loads(line) for line in out.getvalue().splitlines())
    assert (ours["event"], ours["rows"], ours["level"]) == ("something_happened", 3, "info")
    assert (theirs["event"], theirs["level"]) == ("careful now", "warning")


def test_text_when_asked_for(logged):
    out = logged(format="text")
    structlog.get_logger("x").info("something_happened", rows=3)
    assert "something_happened" in out.getvalue()
    assert "rows=3" in out.getvalue()


def test_level(logged):
    out = logged(level="warning")
    structlog.get_logger("x").info("hidden")
    structlog.get_logger("x").warning("shown")
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["shown"]


@pytest.mark.parametrize("how", [{"format": "json"}, {"format": "text"}])
def test_secrets_are_masked_and_tracebacks_show_no_variables(logged, how):
    out = logged(**how)

    def fails():
        password = "hunter2"  # noqa: F841
        raise ValueError("no good")

    log = structlog.get_logger("x")
    log.info("login", password="hunter2", api_token="hunter2", Authorization="hunter2")
    try:
        fails()
    except ValueError:
        log.exception("failed")
    assert "no good" in out.getvalue()
    assert "password" in out.getvalue()
    assert '"hunter2"' not in out.getvalue().replace(
        'password = "hunter2"', ""
    )  # the source line may show, no value may
