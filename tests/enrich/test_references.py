"""Reference tables: what rows say together over time, what is written when they change, and flows as of their time."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import numpy as np
import pytest
from tests.enrich.flowbatch import decoded

from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.enrich.epochs import Epochs
from weft.enrich.ids import IdRegistry
from weft.enrich.merge import Merged, merge
from weft.enrich.references import References, at_time, timeline
from weft.enrich.stated import Stated, load_stated
from weft.enrich.values import FOREVER, Period, parse_period
from weft.errors import InvalidInput

DAY = 86_400
MARCH = 1772323200  # 2026-03-01
PAGE = (Path(__file__).parents[2] / "docs" / "reference-tables.md").read_text(encoding="utf-8")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("since", "until", "expected"), [
    ("", "", Period()), ("2026-03-01", "", Period(MARCH)), ("", "2026-03-01", Period(0, MARCH + DAY)),
    ("2026-03-01", "2026-03-01", Period(MARCH, MARCH + DAY)),
    ("2026-03-01T00:00:00+01:00", "2026-03-01T12:00", Period(MARCH - 3600, MARCH + DAY // 2)),
])  # fmt: skip
def test_a_last_day_is_included_and_a_time_is_not(since: str, until: str, expected: Period) -> None:
    assert parse_period(since, until) == expected


@pytest.mark.parametrize(("since", "until"), [
    ("soon", ""), ("2026-13-01", ""), ("2026-03-02", "2026-03-01"), ("2200-01-01", ""), ("1960-01-01", ""),
    ("2026-03-01T00:00", "2026-03-01T00:00"),
])  # fmt: skip
def test_periods_that_are_none(since: str, until: str) -> None:
    with pytest.raises(InvalidInput):
        parse_period(since, until)


def test_what_rows_say_together_against_a_naive_search() -> None:
    rng = random.Random(5)
    for _ in range(200):
        rows = []
        for _ in range(rng.randrange(1, 6)):
            since = rng.choice((0, rng.randrange(1, 30)))
            until = rng.choice((FOREVER, since + rng.randrange(1, 20)))
            values = {name: rng.choice("xyz-") for name in "abc" if rng.random() < 0.6}
            rows.append(Stated("k", Period(since, until), values))
        line = timeline(rows)
        assert line[0][0] == 0
        for second in range(60):
            holding = [(r.period.since, i, r) for i, r in enumerate(rows) if r.period.since <= second < r.period.until]
            expected: dict[str, str] = {}
            for *_, row in sorted(holding, key=lambda one: one[:2]):
                expected |= row.values
            found = at_time(line, second)
            assert (found is None) == (not holding)
            assert dict(found or ()) == {name: text for name, text in expected.items() if text != "-"}


def row(text: str, since: int = 0, until: int = FOREVER) -> Stated:
    return Stated("fra", Period(since, until), {"owner": text})


def said(references: References, now: int, *rows: Stated) -> list[tuple[int, int, str]]:
    references.use({"site": [("t", rows)]})
    return [(r["valid_from"], r["listed"], r.get("owner", "")) for r in references.changes(now).get("ref_site", [])]


def test_an_undated_change_holds_from_when_it_was_seen() -> None:
    references = References()
    assert said(references, 100, row("Anne")) == [(0, 1, "Anne")]
    assert said(references, 200, row("Anne")) == []
    assert said(references, 300, row("Bob")) == [(300, 1, "Bob")]
    assert said(references, 400) == [(400, 0, "")]
    assert said(references, 500, row("Bob")) == [(500, 1, "Bob")]


def test_dates_say_it_all_and_correct_the_past() -> None:
    references = References()
    said(references, 100, row("Anne"))
    said(references, 300, row("Bob"))
    # What was written for 300 is taken back: nothing begins then any more.
    assert said(references, 400, row("Anne"), row("Bob", 250)) == [(250, 1, "Bob")]
    assert said(references, 500, row("Anne", 50, 150)) == [
        (0, 0, ""),
        (50, 1, "Anne"),
        (150, 0, ""),
        (250, 0, ""),
        (300, 0, ""),
    ]
    references.use({"customer": []})
    assert references.changes(600) == {}


def test_what_the_store_has_is_not_written_again() -> None:
    first = References()
    first.use({"site": [("t", [row("Anne"), row("Bob", 250)])]})
    stored = first.changes(300)["ref_site"]
    again = References()
    again.remember("site", stored)
    assert said(again, 400, row("Anne"), row("Bob", 250)) == []


def test_tables_that_were_not_read_again_are_not_gone_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    references, sites = References(), [Stated("fra", Period(), {"owner": "Anne"})]
    references.use({"site": [("sites", sites)], "vlan": [("vlans", [])]})
    assert references.changes(1000).keys() == {"ref_site"}
    seen: list[str] = []
    rows_of = References._rows
    monkeypatch.setattr(References, "_rows", lambda self, kind, *rest: seen.append(kind) or rows_of(self, kind, *rest))
    vlans = [Stated(7, Period(), {"use": "voice"})]
    references.use({"site": [("sites", sites)], "vlan": [("vlans", vlans)]})
    assert references.changes(2000).keys() == {"ref_vlan"}
    assert seen == ["vlan"]
    references.use({"site": [("sites", [])], "vlan": [("vlans", vlans)]})
    assert references.changes(3000).keys() == {"ref_site"}


def test_an_import_of_old_flows_does_not_push_out_what_live_ones_use() -> None:
    built: list[int] = []

    def build(second: int) -> Merged:
        built.append(second)
        return merge([], IdRegistry())

    epochs = Epochs(build, range(10, 100, 10), 1000)
    for old in range(15, 95, 10):
        epochs.at(old)
        epochs.at(1000)
    assert built == [90, *range(10, 90, 10)]


def test_kinds_of_tables_and_bad_rows(tmp_path: Path) -> None:
    texts = {
        "asn": "asn,name,customer\nAS64501,x,Globex\nx,,y\n",
        "exporter": "address,name,owner\n192.0.2.1,r1,Net\nr1,,x\n",
        "interface": "exporter,if_index,speed,contract\n192.0.2.1,5,10G,C1\n192.0.2.1,x,,C2\n",
        "vlan": "vlan,use\n10,guests\n5000,x\n", "site": "site,owner\nfra,Anne\n,Bob\n",
        "app": "name,owner,category\nhttps,Web,x\n,y,\n",
    }  # fmt: skip
    for kind, text in texts.items():
        rows, report = load_stated(write(tmp_path / f"{kind}.csv", text), kind)
        assert (len(rows), report.skipped, len(rows[0].values)) == (1, 1, 1), kind
    rows, report = load_stated(write(tmp_path / "c.csv", "site,Good One,0bad,listed,id\nfra,1,2,3,4\n"), "site")
    assert dict(rows[0].values) == {"good_one": "1"}
    assert len(report.problems) == 3


def enricher(tmp_path: Path, **texts: str) -> Enricher:
    section = {name: [write(tmp_path / f"{name}.csv", text)] for name, text in texts.items()}
    return Enricher(EnrichConfig.model_validate(section))


def test_other_columns_of_tables_are_references_and_bad_files_take_nothing_back(tmp_path: Path) -> None:
    one = enricher(
        tmp_path, sites="site,owner\nfra,Anne\n", asns="asn,tier\n64501,1\n", applications="name,owner\nhttps,Web\n"
    )
    rows = one.dictionary_rows()
    assert {name for name in rows if name.startswith("ref_")} == {"ref_site", "ref_asn", "ref_app"}
    assert one.user_columns("ref_asn") == {"tier": "Importance: gold, silver, 1, 2 …"}
    assert [len(names) for kind, names in one.references().items()] == [1, 1, 1]
    path = write(tmp_path / "sites.csv", "nothing\n")
    os.utime(path, (1, 1))
    assert not one.reload()
    assert "ref_site" not in one.dictionary_rows()


def test_a_table_that_was_never_read_ends_nothing(tmp_path: Path) -> None:
    known = {"ref_site": [{"site": "fra", "valid_from": 0, "listed": 1, "owner": "Anne"}]}
    one = Enricher(EnrichConfig.model_validate({"sites": [tmp_path / "missing.csv"]}), known=lambda: known)
    assert "ref_site" not in one.dictionary_rows()
    write(tmp_path / "missing.csv", "site,owner\n")
    assert one.reload()
    (row,) = one.dictionary_rows()["ref_site"]
    assert (row["site"], row["listed"]) == ("fra", 0)


def test_prefixes_hold_at_the_time_of_the_flow(tmp_path: Path) -> None:
    one = enricher(tmp_path, prefixes=(
        "prefix,customer,valid_from,valid_to\n10.0.0.0/8,,,\n10.1.0.0/16,Globex,,2026-02-28\n10.1.0.0/16,Initech,2026-03-01,\n"
    ))  # fmt: skip
    times = [MARCH - 1, MARCH, MARCH - 40 * DAY, MARCH + DAY]
    flows = decoded(4, src_addr=["10.1.0.1"] * 4, dst_addr=["10.2.0.1"] * 4, time_received=[t * 10**9 for t in times])
    nets = np.asarray(one.enrich(flows).column("src_net"))
    names = {r["id"]: r["customer"] for r in one.dictionary_rows()["networks"]}
    assert [names[n] for n in nets.tolist()] == ["Globex", "Initech", "Globex", "Initech"]
    (table,) = [t for t in one.tables() if t.kind == "prefixes"]
    assert (table.rows, table.resting) == (2, 1)


def test_the_tables_of_the_page_are_read_without_complaint(tmp_path: Path) -> None:
    kinds = {"sites": "site", "customers": "customer", "asns": "asn", "apps": "app"}
    blocks = re.findall(r"`(\w+)\.csv`[^`]*?(?:`[^`\n]*`[^`]*?)*```csv\n(.*?)```", PAGE, re.DOTALL)
    assert [name for name, _ in blocks] == list(kinds)
    for name, text in blocks:
        rows, report = load_stated(write(tmp_path / f"{name}.csv", text), kinds[name])
        assert (len(rows), report.problems) == (report.rows, []), name
