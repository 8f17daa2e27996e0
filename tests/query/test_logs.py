"""Questions about logs and changes: counts, searching for words, paging, facets, completion; against plain Python."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from datetime import UTC, datetime
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.query.conftest import EXPORTER_NAMES, FIRST, LAST, packed

from weft.errors import InvalidInput
from weft.model.changes import CHANGES
from weft.model.logs import LOGS, SEVERITIES
from weft.model.rows import batch_of
from weft.query.engine import QueryEngine
from weft.query.filter import parse, show
from weft.query.model import Query
from weft.store.telemetry import TelemetryStore

Row = dict[str, Any]
COUNT = 3000
_TEXTS = (
    "Interface {port}, changed state to {state}",
    "LINK-3-UPDOWN: Interface {port} link {state}",
    "BGP neighbor 10.0.0.{n} {STATE}", "Login failed for user {user} from 10.0.0.{n}",
    "Größe der Tabelle: {n} Einträge",
    "ÉTAT {port} {state}", "uplink shutdown {n}", "", "temperature {n}% of limit_{n} on [slot {n}]", "{state} {state}",
)  # fmt: skip


def make_logs(seed: int = 3) -> list[Row]:
    """Messages that come in bursts, many in the same microsecond."""
    rng = random.Random(seed)
    rows = []
    for number in range(COUNT):
        at = (FIRST * 10**6 + rng.randrange((LAST - FIRST) // 60) * 60 * 10**6) + rng.choice((0, 0, 1, 123456))
        port = rng.choice(("ge-0/0/1", "ge-0/0/11", "Ethernet1", "xe-1/0/0"))
        text = rng.choice(_TEXTS).format(
            port=port, n=rng.randrange(12), user=rng.choice(("root", "o'neil", "a_b")),
            state=rng.choice(("up", "down", "Down")), STATE=rng.choice(("UP", "DOWN")),
        )  # fmt: skip
        rows.append({
            "time": at, "time_received": at + 1000, "time_device": at if number % 2 else 0, "clock": number % 2,
            "exporter": packed(rng.choice(list(EXPORTER_NAMES))), "host": rng.choice(("r1", "r2", "")), "source": 1,
            "facility": rng.choice((0, 23)), "severity": rng.choice(list(SEVERITIES)),
            "program": rng.choice(("rpd", "kernel", "")), "event": rng.choice(("", "INTERFACE_DOWN", "LOGIN_FAILED")),
            "template": "<*>", "component": port, "message": text, "process_id": str(number),
        })  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def messages() -> list[Row]:
    return make_logs()


@pytest.fixture(scope="module")
def logs(store: TelemetryStore, engine: QueryEngine, messages: list[Row]) -> QueryEngine:
    half = COUNT // 2
    for number, part in enumerate((messages[:half], messages[half:])):
        columns: dict[str, Any] = {name: [m[name] for m in part] for name in part[0]}
        for name in ("time", "time_received", "time_device"):
            columns[name] = [at * 1000 for at in columns[name]]
        store.insert(LOGS, batch_of(LOGS, len(part), **columns), token=f"logs of the tests {number}")
    return engine


def ask(**more: Any) -> Query:
    return Query.model_validate({"dataset": "logs", "since": str(FIRST), "until": str(LAST)} | more)


def counted(engine: QueryEngine, text: str) -> int:
    return int(engine.run(ask(view="stat", filter=text)).rows[0][0])


# --- searching --------------------------------------------------------------------------------------------------------


def has_words(text: str, message: str) -> bool:
    """The meaning of ``~`` in plain Python."""
    words = set(re.findall(r"[0-9a-z\x80-\U0010ffff]+", message.lower()))
    for term in text.lower().split():
        if term.endswith("*"):
            body = term.rstrip("*")
            if not re.search(r"(^|[^0-9a-z])" + re.escape(body), message.lower()):
                return False
        elif not set(re.findall(r"[0-9a-z\x80-\U0010ffff]+", term)) <= words:
            return False
        elif re.search(r"[^0-9a-z\x80-\U0010ffff]", term):
            before = r"(^|[^0-9a-z])" if re.match(r"[0-9a-z\x80-\U0010ffff]", term) else ""
            after = r"($|[^0-9a-z])" if re.match(r"[0-9a-z\x80-\U0010ffff]", term[-1]) else ""
            if not re.search(before + re.escape(term) + after, message.lower()):
                return False
    return True


SEARCHES = [
    "down", "DOWN", "link down", "down link", "ge-0/0/1", "GE-0/0/1 down", "10.0.0.1", "inter*", "up*", "größe",
    "GRÖSSE", "état", "LINK-3-UPDOWN", "limit_3", "10.0.0.1 login failed", "%", "5%", "nothing", "[slot", "o'neil",
    "a_b", "link*",
]  # fmt: skip


@pytest.mark.parametrize("text", [s for s in SEARCHES if re.search(r"\w", s)])
def test_words_are_found(logs: QueryEngine, messages: list[Row], text: str) -> None:
    found = sum(has_words(text, m["message"]) for m in messages)
    assert counted(logs, f"message ~ {json.dumps(text, ensure_ascii=False)}") == found
    assert counted(logs, f"message !~ {json.dumps(text, ensure_ascii=False)}") == COUNT - found
    assert found > 0 or text in ("nothing", "GRÖSSE")


@given(st.lists(st.sampled_from([*SEARCHES, "é", "1", "0*", "\\", "'", "state"]), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_words_are_found_or_refused(logs: QueryEngine, messages: list[Row], parts: list[str]) -> None:
    text = " ".join(parts)
    question = f"message ~ {json.dumps(text, ensure_ascii=False)}"
    if not all(re.search(r"[0-9A-Za-z\x80-\U0010ffff]", part) for part in parts):
        assert not logs.check(question, "logs").ok
        return
    assert counted(logs, question) == sum(has_words(text, m["message"]) for m in messages)


@pytest.mark.parametrize("pattern", ["neighbor 10\\.0\\.0\\.[0-3] ", "(?i)^interface", "^$", "[[:digit:]]{2}$", "a|b"])
def test_regular_expressions(logs: QueryEngine, messages: list[Row], pattern: str) -> None:
    plain = re.compile(pattern.replace("[[:digit:]]", "[0-9]"))
    found = sum(bool(plain.search(m["message"])) for m in messages)
    assert counted(logs, f"message MATCHES {json.dumps(pattern)}") == found
    assert counted(logs, f"message NOT MATCHES {json.dumps(pattern)}") == COUNT - found


@pytest.mark.parametrize(("text", "hint"), [
    ("message ~ '!!'", "letter"), ("message ~ ''", "word"), ("message ~", "value"), ("program ~ x", "LIKE"),
    ("message MATCHES '(?=a)'", "look-around"), (f"message MATCHES '{'a' * 501}'", "500"),
    (f"message ~ '{' '.join(map(str, range(21)))}'", "20 words"), ("severity < 20000000000", "emergency"),
])  # fmt: skip
def test_what_cannot_be_searched_for(logs: QueryEngine, text: str, hint: str) -> None:
    check = logs.check(text, "logs")
    assert not check.ok
    assert check.error is not None
    assert hint in f"{check.error.message} {check.error.fix}"


def test_a_pattern_that_only_the_store_refuses_is_the_askers_mistake(logs: QueryEngine) -> None:
    with pytest.raises(InvalidInput, match="regular expression"):
        counted(logs, "message MATCHES '(a'")


def test_searches_are_written_back(logs: QueryEngine) -> None:
    dataset = logs.catalogue().datasets["logs"]
    for text, canonical in (
        ("Message~'link down'", 'message ~ "link down"'), ("message !~ down", "message !~ down"),
        ("message matches 'a~b'", 'message MATCHES "a~b"'), ("severity <= error AND clock != none", None),
        ("NOT message ~ event", 'NOT message ~ "event"'),
    ):  # fmt: skip
        node = parse(text, dataset)
        assert show(node, dataset) == (canonical or text)
        assert parse(show(node, dataset), dataset) == node


def test_searching_reads_the_index_and_names_it_nowhere_else(logs: QueryEngine) -> None:
    sql = logs.run(ask(view="records", filter='message ~ "ge-0/0/1 down"')).provenance.sql
    assert "hasAllTokens(lowerUTF8(message), lowerUTF8('ge 0 0 1 down'))" in sql
    assert "match(message, " in sql


# --- records ----------------------------------------------------------------------------------------------------------


def test_records_come_newest_first_with_all_of_their_times(logs: QueryEngine, messages: list[Row]) -> None:
    result = logs.run(ask(view="records", limit=50))
    names = [c.name for c in result.columns]
    assert names == ["time", "time_received", "time_device", "exporter", "host", "severity", "program", "event",
                     "component", "message"]  # fmt: skip
    times = [datetime.fromisoformat(r[0]) for r in result.rows]
    assert times == sorted(times, reverse=True)
    newest = max(m["time"] for m in messages)
    assert result.rows[0][0] == datetime.fromtimestamp(newest // 10**6, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{newest % 10**6:06}Z"
    )
    assert {r[2] is None for r in result.rows} == {True, False}


@pytest.mark.parametrize("limit", [7, 500])
def test_pages_hold_every_record_once(logs: QueryEngine, messages: list[Row], limit: int) -> None:
    question: dict[str, Any] = {"view": "records", "by": ["process_id"], "limit": limit, "filter": "message ~ down"}
    seen: list[str] = []
    before = None
    while True:
        result = logs.run(ask(**question, before=before))
        seen += [r[3] for r in result.rows]
        before = result.next_before
        if before is None:
            break
        assert len(result.rows) == limit
    assert sorted(seen) == sorted(m["process_id"] for m in messages if has_words("down", m["message"]))


@pytest.mark.parametrize("before", ["", "x", "1:", "1:2:3", "99999999999999999:1", "-1:1"])
def test_a_cursor_that_is_none_is_refused(logs: QueryEngine, before: str) -> None:
    with pytest.raises(InvalidInput, match="next_before"):
        logs.run(ask(view="records", before=before))


def test_what_was_searched_for_is_to_be_marked(logs: QueryEngine) -> None:
    def marked(text: str) -> list[str]:
        return logs.run(ask(view="records", filter=text, limit=1)).highlight

    assert marked('message ~ "link down"') == ["down", "link"]
    assert marked('message ~ "ge-0/0/1 up*" AND message ILIKE "%State to%"') == ["State to", "ge-0/0/1", "up"]
    assert marked("NOT message ~ down AND severity = error") == []


def test_records_are_exported_whole(logs: QueryEngine) -> None:
    question = ask(view="records", filter="message ~ down", limit=20)
    rows = list(csv.reader(io.StringIO(b"".join(logs.export(question, "csv")).decode())))
    assert rows[0][-1] == "message"
    assert len(rows) == 21
    table = pq.read_table(io.BytesIO(b"".join(logs.export(question, "parquet"))))
    assert str(table.schema.field("time").type) in ("timestamp[us, tz=UTC]", "timestamp[ms, tz=UTC]")
    assert table["time_device"].null_count > 0


# --- counting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "filter_text"),
    [(["severity"], ""), (["exporter_site", "program"], "severity <= error"), (["event"], "message ~ down"),
     (["host", "component"], "NOT severity IN (debug, info)")],
)  # fmt: skip
def test_counts_equal_the_reference(logs: QueryEngine, messages: list[Row], by: list[str], filter_text: str) -> None:
    result = logs.run(ask(view="table", by=by, filter=filter_text, top=100, measures=["messages", "unique_component"]))
    sites = {packed(e): site for e, (_, site, _) in EXPORTER_NAMES.items()}
    groups: dict[tuple[str, ...], list[Row]] = {}
    for m in messages:
        kept = {
            "": True, "severity <= error": m["severity"] <= 3, "message ~ down": has_words("down", m["message"]),
            "NOT severity IN (debug, info)": m["severity"] < 6,
        }[filter_text]  # fmt: skip
        shown = m | {"severity": SEVERITIES[m["severity"]], "exporter_site": sites[m["exporter"]]}
        if kept:
            groups.setdefault(tuple(shown[name] for name in by), []).append(m)
    want = {k: [len(g), len({m["component"] for m in g})] for k, g in groups.items()}
    assert {tuple(r[: len(by)]): r[len(by) :] for r in result.rows} == want
    assert result.totals["messages"] == sum(n for n, _ in want.values())


def test_quiet_is_zero_not_a_gap(logs: QueryEngine, messages: list[Row]) -> None:
    result = logs.run(ask(filter="message ~ login", every=60))
    counts = [0.0] * 360
    for m in messages:
        if has_words("login", m["message"]):
            counts[(m["time"] // 10**6 - FIRST) // 60] += 1
    assert result.series[0].values == counts
    assert result.unit == "messages"
    rates = logs.run(ask(measures=["mps"], every=3600)).series[0].values
    assert sum(v * 3600 for v in rates if v is not None) == pytest.approx(COUNT)


def test_facets_are_the_top_values_of_several_dimensions(logs: QueryEngine, messages: list[Row]) -> None:
    found = logs.facets(ask(filter="message ~ down", top=2), ["severity", "exporter", "program"])
    down = [m for m in messages if has_words("down", m["message"])]
    assert found.total == len(down)
    assert [f.dimension for f in found.facets] == ["severity", "exporter", "program"]
    for facet in found.facets:
        assert sum(v.count for v in facet.values) + facet.other == len(down)
        assert [v.count for v in facet.values] == sorted((v.count for v in facet.values), reverse=True)
    exporters = found.facets[1].values
    assert {v.label for v in exporters} < {name for name, _, _ in EXPORTER_NAMES.values()}


def test_values_that_rows_have_had_complete_a_filter(logs: QueryEngine) -> None:
    def offered(text: str) -> list[str]:
        return [o.insert for o in logs.complete(text, len(text), "logs").options]

    assert sorted(offered("program = ")[:2]) == ["kernel", "rpd"]
    assert offered("component = ge-0/0/11") == ["ge-0/0/11"]
    assert offered("severity <= e")[:2] == ["emergency", "error"]
    assert offered("message ")[0] == "~"
    assert offered("event = INTER") == ["INTERFACE_DOWN"]


# --- changes ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def changes(store: TelemetryStore, engine: QueryEngine) -> QueryEngine:
    at = [(FIRST + n * 600) * 10**9 for n in range(30)]
    store.insert(CHANGES, batch_of(
        CHANGES, 30, time=at, time_received=at, exporter=packed("192.0.2.1"), kind=[n % 3 + 1 for n in range(30)],
        author=["ann" if n % 2 else "bob" for n in range(30)], change_id=[f"c{n // 2}" for n in range(30)],
        title=[f"Raise MTU of et-0/0/{n}" for n in range(30)], detail="- mtu 1500\n+ mtu 9000", added=2,
        removed=list(range(30)),
    ), token="changes of the tests")  # fmt: skip
    return engine


def test_changes_are_counted_and_listed(changes: QueryEngine) -> None:
    def table(**more: Any) -> Any:
        return changes.run(ask(dataset="changes", **more))

    assert {r[0]: r[1] for r in table(view="table", by=["kind"]).rows} == {"config": 10, "deployment": 10, "ticket": 10}
    lines = table(view="table", by=["author"], measures=["added", "removed", "unique_change_id"])
    assert {r[0]: r[1:] for r in lines.rows} == {
        "ann": [30, sum(range(1, 30, 2)), 15],
        "bob": [30, sum(range(0, 30, 2)), 15],
    }
    found = table(view="records", filter='title ~ "mtu et-0/0/7" AND detail ~ 9000')
    assert [r[[c.name for c in found.columns].index("title")] for r in found.rows] == ["Raise MTU of et-0/0/7"]
    assert table(view="series", every=3600).series[0].values == [6.0] * 5 + [0.0]
    sankey = table(view="sankey", by=["author", "kind"])
    assert sum(link[3] for link in sankey.links) == 30
