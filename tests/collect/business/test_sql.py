"""Databases: what is asked from when to when, what may not be done, and errors that tell no password."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime

import pytest
from tests.collect.business.kit import running, told
from tests.waiting import until

NOW = int(time.time()) // 60 * 60
QUERY = "SELECT at AS time, n AS value, site FROM sales WHERE at >= :since AND at < :until ORDER BY at"


def text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture
def shop(tmp_path):
    """A database with a sale an hour; the last three within a day."""
    connection = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    connection.execute("CREATE TABLE sales (at TEXT, n REAL, site TEXT)")
    connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", [
        (text(NOW - 30 * 3600), 1, "fra"), (text(NOW - 3600), 2, "fra"), (text(NOW - 1800), 3, None),
        (text(NOW - 600), 4, "nyc"),
    ])  # fmt: skip
    yield connection
    connection.close()


def source(tmp_path, **query):
    given = {"series": "sales", "query": QUERY, "bind": "text", "every_s": 1, "unit": "CHF", **query}
    return [{"name": "shop", "url": f"sqlite:///{tmp_path}/shop.db", "queries": [given]}]


def test_rows_since_the_last_time_and_a_while_before(tmp_path, shop):
    with running(tmp_path / "d", sql=source(tmp_path)) as intake:
        until(lambda: len(told(intake)) == 3)
        assert told(intake) == [
            ("sales", 'site="fra"', NOW - 3600, 2.0), ("sales", "", NOW - 1800, 3.0),
            ("sales", 'site="nyc"', NOW - 600, 4.0),
        ]  # fmt: skip
        assert intake.rows("business")[0]["unit"] == "CHF"
        shop.execute("INSERT INTO sales VALUES (?, 5, 'fra')", (text(NOW - 700),))  # written late
        shop.execute("UPDATE sales SET n = 44 WHERE n = 4")
        until(lambda: len(told(intake)) == 5)
        assert {value for *_, value in told(intake)[3:]} == {5.0, 44.0}
    with running(tmp_path / "d", sql=source(tmp_path, overlap_s=0)) as intake:  # goes on where it was
        until(lambda: intake.books[0].status().received)
        assert {value for *_, value in told(intake)} <= {44.0}


def test_nothing_can_be_written(tmp_path, shop):
    for query in ("DELETE FROM sales", "INSERT INTO sales VALUES ('2026-01-01', 1, 'x')"):
        with running(tmp_path / "d", sql=source(tmp_path, query=query)) as intake:
            until(lambda: intake.books[0].status().errors.get("query"))
    assert shop.execute("SELECT count(*) FROM sales").fetchone() == (4,)


@pytest.mark.parametrize(("query", "reason"), [
    ("SELEKT 1", "query"), ("SELECT 1 AS value", "query"), ("SELECT 'x' AS time, 1 AS value", "bad_row"),
    ("SELECT '2026-03-31' AS time, 'abc' AS value", "bad_row"),
    ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS time, i AS value FROM n", "too_many"),
    ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS time, 1 AS value FROM n",
     "timeout"),
])  # fmt: skip
def test_what_goes_wrong_has_a_reason(tmp_path, shop, query, reason):
    section = source(tmp_path, query=query)
    section[0] |= {"timeout_s": 1, "most_rows": 1000}
    with running(tmp_path / "d", sql=section) as intake:
        until(lambda: intake.books[0].status().errors.get(reason))


def test_the_password_is_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP", "postgresql+psycopg://reader:hunter2@127.0.0.1:1/shop")
    section = [{"name": "shop", "url": {"env": "SHOP"}, "queries": [{"series": "x", "query": "SELECT 1"}]}]
    with running(tmp_path / "d", sql=section) as intake:
        until(lambda: intake.books[0].status().errors)
        status = intake.books[0].status()
        assert list(status.errors) == ["unreachable"]
        assert status.target == "postgresql://127.0.0.1:1/shop"
        assert "hunter2" not in repr(status)
        assert "reader" not in status.target
