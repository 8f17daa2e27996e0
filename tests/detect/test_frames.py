"""Frames: series are named as entities are, stay in sight when they fall silent, and are bounded."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft.detect.detector import Watch
from weft.detect.frames import MatrixFrames, both
from weft.detect.inbox import Inbox
from weft.model.addresses import packed
from weft.model.metrics import METRICS
from weft.model.rows import batch_of
from weft.query.matrix import Matrix
from weft.query.model import Query

EDGE = "192.0.2.1"
NAN = float("nan")


class Names:
    def device(self, address: bytes) -> str:
        return "edge1" if address == packed(EDGE) else "198.51.100.9"

    def interface(self, address: bytes, if_index: int) -> str:
        return f"et-0/0/{if_index}"

    def site(self, device: str) -> str:
        return ""

    def site_of_address(self, address: bytes) -> str:
        return ""


class Answers:
    """Gives out prepared matrices, and remembers what was asked."""

    def __init__(self, **more: Any) -> None:
        self.more: dict[str, Any] = {"absent_is_zero": False} | more
        self.lines: dict[tuple[str, ...], list[float]] = {}
        self.heard: dict[str, list[bool]] = {}
        self.asked: list[Query] = []

    def matrix(self, query: Query, since_s: int, until_s: int, *, most: int) -> Matrix:
        self.asked.append(query)
        step = query.every or 60
        times = np.arange(since_s, until_s, step, dtype=np.int64)
        kinds = tuple({"exporter": "exporter", "interface": "interface"}.get(name, "") for name in query.by)
        values = np.array(list(self.lines.values())).reshape(len(self.lines), len(times))
        heard = {name: np.array(some) for name, some in self.heard.items()}
        return Matrix(tuple(query.by), kinds, list(self.lines), times, values, step, "bit/s", heard=heard, **self.more)


def watch(by: tuple[str, ...], entity_by: tuple[str, ...], kind: str = "device", **more: Any) -> Watch:
    return Watch("metrics", "rate", by, kind, entity_by, **more)


def test_series_are_called_what_the_inventory_calls_them() -> None:
    answers = Answers()
    answers.lines = {(EDGE, f"{EDGE}|3", "", "in_octets"): [1.0], (EDGE, f"{EDGE}|0", "ae0", "in_octets"): [2.0],
                     ("203.0.113.1", "203.0.113.1|1", "x", "in_octets"): [3.0]}  # fmt: skip
    by = ("exporter", "interface", "component", "metric")
    frame = MatrixFrames(answers, Names()).frame(
        watch(by, by[:3], "interface", filter="a = 1"), "b = 2 OR c = 3", 0, 60
    )
    assert [key.entity.text for key in frame.keys] == [
        "interface:edge1|et-0/0/3", "interface:edge1|ae0", "interface:198.51.100.9|et-0/0/1",
    ]  # fmt: skip
    assert frame.keys[0].labels == {"metric": "in_octets"}
    assert frame.keys[0].text == "interface:edge1|et-0/0/3?metric=in_octets"
    assert answers.asked[0].filter == "(a = 1) AND (b = 2 OR c = 3)"
    assert (frame.unit, frame.step_s) == ("bit/s", 60)


def test_what_has_no_name_is_left_out_and_hosts_stand_for_devices() -> None:
    answers = Answers()
    answers.lines = {("::", "gpu1", ""): [1.0], ("::", "", ""): [1.0], (EDGE, "x", "a"): [5.0]}
    found = MatrixFrames(answers, Names()).frame(watch(("exporter", "host", "component"), ("exporter",)), "", 0, 60)
    assert [key.entity.text for key in found.keys] == ["device:gpu1", "device:edge1"]
    answers.lines = {("",): [1.0], ("chi",): [2.0]}
    found = MatrixFrames(answers, Names()).frame(watch(("site",), ("site",), "site"), "", 0, 60)
    assert [key.entity.text for key in found.keys] == ["site:chi"]
    answers.lines = {(): [1.0]}
    found = MatrixFrames(answers, Names()).frame(watch((), (), "network"), "", 0, 60)
    assert [key.entity.text for key in found.keys] == ["network:all"]


def test_two_names_of_the_same_thing_are_one_series() -> None:
    lines = {(EDGE, f"{EDGE}|3", ""): [1.0, NAN], (EDGE, f"{EDGE}|3", "et-0/0/3"): [NAN, 2.0]}
    by = ("exporter", "interface", "component")
    for adds, expected in ((False, [1.0, 2.0]), (True, [1.0, 2.0])):
        answers = Answers(absent_is_zero=adds)
        answers.lines = lines
        frame = MatrixFrames(answers, Names()).frame(watch(by, by, "interface"), "", 0, 120)
        assert frame.values.tolist() == [expected]


def test_a_series_that_falls_silent_is_zero_while_its_sender_is_heard() -> None:
    answers = Answers(absent_is_zero=True)
    frames = MatrixFrames(answers, Names())
    asked = watch(("exporter", "app"), ("exporter",))
    answers.lines, answers.heard = {(EDGE, "https"): [5.0]}, {"": [True], EDGE: [True]}
    assert frames.frame(asked, "", 0, 60).values.tolist() == [[5.0]]
    answers.lines = {}
    frame = frames.frame(asked, "", 60, 120)
    assert ([key.labels["app"] for key in frame.keys], frame.values.tolist()) == (["https"], [[0.0]])
    answers.heard = {"": [True]}  # others are heard, but not the one that told of it
    assert np.isnan(frames.frame(asked, "", 120, 180).values).all()
    assert frames.frame(asked, "", 10 * 86400, 10 * 86400 + 60).keys != []
    assert frames.frame(asked, "", 10 * 86400 + 60, 10 * 86400 + 120).keys == []  # long gone


def test_more_series_than_are_watched_are_forgotten_longest_silent_first() -> None:
    answers = Answers()
    frames = MatrixFrames(answers, Names())
    asked = watch(("component",), ("component",), "x", most_series=10)
    for round_ in range(50):
        answers.lines = {(f"c{round_}-{i}",): [1.0] for i in range(10)}
        frame = frames.frame(asked, "", 60 * round_, 60 * round_ + 60)
        assert len(frame.keys) <= 20
    assert {key.entity.id.split("-")[0] for key in frame.keys[-10:]} == {"c49"}
    assert len(frames._books[asked, ""]._seats) <= 20


def test_filters_are_joined() -> None:
    assert both("", " ") == ""
    assert both("a = 1", "") == both(" ", "a = 1") == "a = 1"


def test_the_inbox_is_bounded_and_counts_what_it_drops() -> None:
    rows = batch_of(METRICS, 100, metric="cpu_percent")
    inbox = Inbox(rows.nbytes * 3)
    assert [inbox.put("metrics", rows) for _ in range(5)] == [True, True, True, False, False]
    assert (inbox.taken["metrics"], inbox.dropped["metrics"]) == (300, 200)
    assert inbox.fill == 1.0
    assert inbox.get(0) is not None
    assert inbox.put("metrics", rows)
    inbox.close()
    assert not inbox.put("metrics", rows)
    assert len([1 for _ in range(5) if inbox.get(0) is not None]) == 3
