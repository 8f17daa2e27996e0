"""CSV files: layouts, what is appended or corrected, restarts, and files that are not what they should be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.collect.business.kit import running, told
from tests.collect.intake.fakes import FakeIntake
from tests.waiting import until

DAY = 1774915200  # 2026-03-31
LINES = "time,series,value,site,unit\n2026-03-31T00:00Z,orders,5,fra,orders/min\n2026-03-31T00:01Z,orders,6,,\n"


def settled(path: Path, text: str) -> Path:
    """A file that was written a while ago: nobody is writing it now."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, (DAY, DAY))
    return path


def test_lines_become_values_and_other_columns_labels(tmp_path):
    path = settled(tmp_path / "a.csv", LINES)
    with running(tmp_path / "d", files=[{"path": path, "every_s": 0.5}]) as intake:
        until(lambda: len(told(intake)) == 2)
        assert told(intake) == [("orders", 'site="fra"', DAY, 5.0), ("orders", "", DAY + 60, 6.0)]
        rows = intake.rows("business")
        assert [(r["unit"], r["source"], r["origin"]) for r in rows] == [("orders/min", 2, "a.csv"), ("", 2, "a.csv")]
        (book,) = intake.books
        assert (book.status().kind, book.status().target) == ("business", str(path))


@pytest.mark.parametrize(("text", "setting", "expected"), [
    ("when;sold\n2026-03-31;3,5\n2026-03-31;7\n", {"time": "when", "value": "sold", "series": "sales"},
     [("sales", "", DAY, 7.0)]),
    ("time\tin\tout\n1774915200\t1\t2\n1774915260\t\t3\n", {"values": {"in": "calls_in", "out": "calls_out"}},
     [("calls_in", "", DAY, 1.0), ("calls_out", "", DAY, 2.0), ("calls_out", "", DAY + 60, 3.0)]),
    ("time,value,site,note\n2026-03-31 02:00,1,fra,x\n",
     {"series": "s", "labels": ["site"], "time_zone": "Europe/Berlin"}, [("s", 'site="fra"', DAY, 1.0)]),
    ("\ufefftime,value\r\n# remark\r\n\r\n2026-03-31,4", {"series": "s"}, [("s", "", DAY, 4.0)]),
])  # fmt: skip
def test_layouts(tmp_path, text, setting, expected):
    path = settled(tmp_path / ("a.tsv" if "\t" in text else "a.csv"), text)
    with running(tmp_path / "d", files=[{"path": path, "every_s": 0.5, **setting}]) as intake:
        assert until(lambda: told(intake)) == expected


def test_lines_that_are_no_csv_or_out_of_time_cost_only_themselves(tmp_path):
    long = "x" * 200_000
    text = f'time,value,note\n2026-03-31,1,{long}\n3026-03-31,2,\n2026-03-31,3,a\u2028b\n2026-03-31,4,"c\nd"\n'
    path = settled(tmp_path / "a.csv", text)
    with running(tmp_path / "d", files=[{"path": path, "every_s": 0.5, "series": "s"}]) as intake:
        until(lambda: len(told(intake)) == 2)
        assert [(labels, value) for _, labels, _, value in told(intake)] == [
            ('note="a\u2028b"', 3.0), ('note="c\\nd"', 4.0),
        ]  # fmt: skip
        assert intake.books[0].status().errors == {"bad_row": 2}


def test_a_first_line_that_is_no_csv_is_a_bad_file(tmp_path):
    path = settled(tmp_path / "a.csv", "time\rvalue\n2026-03-31,1\n")
    with running(tmp_path / "d", files=[{"path": path, "every_s": 0.5, "series": "s"}]) as intake:
        until(lambda: intake.books[0].status().errors.get("bad_file"))
        assert told(intake) == []


def test_what_is_appended_is_read_on_and_half_a_line_waits(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(LINES)
    with running(tmp_path / "d", files=[{"path": path, "every_s": 0.5}]) as intake:
        until(lambda: len(told(intake)) == 2)
        with path.open("a") as file:
            file.write("2026-03-31T00:02Z,orders,7,,\n2026-03-31T00:03Z,ord")
        until(lambda: len(told(intake)) == 3)
        with path.open("a") as file:
            file.write("ers,8,,\n")
        until(lambda: len(told(intake)) == 4)
        assert [value for *_, value in told(intake)] == [5.0, 6.0, 7.0, 8.0]
        assert intake.books[0].status().duplicates == 0


def test_a_restart_goes_on_where_it_was_and_a_correction_is_taken(tmp_path):
    path = settled(tmp_path / "a.csv", LINES)
    section = {"files": [{"path": path, "every_s": 0.5}]}
    with running(tmp_path / "d", **section) as intake:
        until(lambda: len(told(intake)) == 2)
    with running(tmp_path / "d", **section) as intake:
        until(lambda: "files" in intake.books[0].status().detail)
        assert told(intake) == []
        settled(path, LINES.replace(",6,", ",66,") + "2026-03-31T00:02Z,orders,7,,\n")
        until(lambda: len(told(intake)) == 3)  # it changed before its end: all of it is read again
        assert sorted(value for *_, value in told(intake)) == [5.0, 7.0, 66.0]


def test_a_directory_and_bad_rows(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    settled(folder / "a.csv", "time,series,value\n2026-03-31,a,1\nno,a,1\n2026-03-31,a,x\n2026-03-31,,1\n")
    settled(folder / "b.csv", "x,y\n1,2\n")
    settled(folder / "c.txt", LINES)
    (folder / "d.csv").write_bytes(b"time,series,value\n2026-03-31,\xff\xfe,1\n")
    os.utime(folder / "d.csv", (DAY, DAY))
    with running(tmp_path / "d", files=[{"path": folder, "every_s": 0.5}]) as intake:
        until(lambda: intake.books[0].status().errors.get("bad_file", 0) >= 2)
        assert told(intake) == [("a", "", DAY, 1.0)]
        assert intake.books[0].status().errors == {"bad_row": 3, "bad_file": 2}


def test_a_file_that_is_missing_shows_and_is_read_when_it_comes(tmp_path):
    path = tmp_path / "a.csv"
    with running(tmp_path / "d", files=[{"path": path, "every_s": 0.5}]) as intake:
        until(lambda: intake.books[0].status().errors == {"unreadable": 1})
        settled(path, LINES)
        until(lambda: len(told(intake)) == 2)


def test_an_intake_that_is_full_is_tried_again(tmp_path):
    path, intake = settled(tmp_path / "a.csv", LINES), FakeIntake()
    intake.full = True
    with running(tmp_path / "d", intake, files=[{"path": path, "every_s": 0.5}]):
        until(lambda: intake.books[0].status().errors)
        intake.full = False
        until(lambda: len(told(intake)) == 2)
