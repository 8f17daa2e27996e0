"""Public data that detection is scored on: series with labels, and what others' detectors reached on them."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DATA = Path(os.environ.get("WEFT_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")) / "detect"
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """One labelled series. ``train``: points at its start that a model may learn from without being scored on them."""

    name: str
    values: F64
    label: U8
    train: int
    step_s: float = 60.0
    start_s: float = 0.0
    published: dict[str, float] = field(default_factory=dict)

    @property
    def family(self) -> str:
        return self.name.split("_")[1] if self.name[:3].isdigit() else self.name.split("/")[0]


def tsb() -> Iterator[Series]:
    """Series of TSB-AD-U's evaluation list, with the VUS-PR of 32 published detectors."""
    folder = DATA / "tsb-ad-u"
    with (folder / "published_vus_pr_per_series.csv").open() as file:
        told = {row["file"].removesuffix(".csv"): row for row in csv.DictReader(file)}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as one:
            row = told[path.stem]
            names = list(row)[1 : list(row).index("ts_len")]
            train = int(path.stem.split("_tr_")[1].split("_")[0])
            published = {name: float(row[name]) for name in names}
            yield Series(path.stem, one["data"].astype(np.float64), one["label"], train, published=published)


def nab() -> Iterator[tuple[Series, I64]]:
    """Series of NAB, each with [windows, 2] the first and last point of its labelled windows."""
    from weft.detect.scoring.nab import probation, window_places

    folder = DATA / "nab"
    told = json.loads((folder / "labels" / "combined_windows.json").read_text())
    for path in sorted((folder / "data").rglob("*.csv")):
        name = path.relative_to(folder / "data").as_posix()
        with path.open() as file:
            rows = list(csv.DictReader(file))
        times = np.asarray([row["timestamp"] for row in rows], "datetime64[s]").astype(np.int64)
        windows = np.asarray(told[name], "datetime64[s]").astype(np.int64).reshape(-1, 2)
        places = window_places(times, windows)
        label = np.zeros(len(rows), np.uint8)
        for first, last in places:
            label[first : last + 1] = 1
        values = np.asarray([float(row["value"]) for row in rows])
        step = float(np.median(np.diff(times)))
        yield Series(name, values, label, probation(len(rows)), step, float(times[0])), places


def nab_published() -> dict[str, dict[str, float]]:
    """Scoreboard of NAB by detector and profile."""
    found: dict[str, dict[str, float]] = json.loads((DATA / "nab" / "results" / "final_results.json").read_text())
    return found


def kpi() -> Iterator[Series]:
    """AIOPS 2018: indicators of web services; the first half of each is to learn from."""
    with np.load(DATA / "kpi" / "AIOPS.npz") as held:
        for name in sorted({key.split("__")[0] for key in held}):
            train, test = held[f"{name}__train"], held[f"{name}__test"]
            label = np.concatenate([held[f"{name}__train_label"], held[f"{name}__test_label"]]).astype(np.uint8)
            values = np.concatenate([train, test]).astype(np.float64)
            yield Series(f"aiops/{name}", values, label, len(train), float(held[f"{name}__interval"]),
                         float(held[f"{name}__t0"][0]))  # fmt: skip


def tcpd() -> Iterator[tuple[str, F64, list[list[int]]]]:
    """Series of one dimension of the Turing Change Point Dataset, each with what five people said."""
    told = json.loads((DATA / "tcpd-changepoint" / "annotations.json").read_text())
    for path in sorted((DATA / "tcpd-changepoint" / "datasets").glob("*/*.json")):
        held = json.loads(path.read_text())
        if held["n_dim"] == 1 and held["name"] in told:
            raw = held["series"][0]["raw"]
            yield (
                held["name"],
                np.asarray([np.nan if v is None else v for v in raw], np.float64),
                list(told[held["name"]].values()),
            )


@dataclass(frozen=True)
class Node:
    """Features [times, features] that one device sent, a row every few seconds."""

    name: str
    times_s: F64
    names: list[str]
    values: F64


def cisco() -> tuple[list[Node], list[tuple[str, float, float]]]:
    """Devices of a Clos fabric, and (device, begin, end) of the BGP sessions cleared by hand."""
    nodes = []
    for path in sorted((DATA / "cisco-telemetry" / "nodes").glob("*.csv.gz")):
        with gzip.open(path, "rt") as file:
            reader = csv.reader(file)
            names = next(reader)[2:]
            rows = [[float(v) if v else np.nan for v in row[1:]] for row in reader]
        held = np.asarray(rows)
        nodes.append(Node(path.name.split("bgpclear")[0], held[:, 0], names, held[:, 1:]))
    with (DATA / "cisco-telemetry" / "ground_truth" / "bgpclear_first.txt").open() as file:
        events = [(row["Node"], float(row["Start"]), float(row["End"])) for row in csv.DictReader(file)]
    return nodes, events


def optical() -> tuple[list[str], F64, F64, U8]:
    """(features, times, [times, features], failure) of the soft failures of an optical line."""
    with (DATA / "optical" / "SoftFailure_dataset.csv").open() as file:
        rows = list(csv.DictReader(file))
    times = sorted({float(row["Timestamp"]) for row in rows})
    place = {time: at for at, time in enumerate(times)}
    names = sorted(
        {f"{row['ID']} {name}" for row in rows for name in ("BER", "OSNR", "InputPower", "OutputPower") if row[name]}
    )
    column = {name: at for at, name in enumerate(names)}
    values, failed = np.full((len(times), len(names)), np.nan), np.zeros(len(times), np.uint8)
    for row in rows:
        at = place[float(row["Timestamp"])]
        failed[at] |= row["Failure"].strip() not in ("", "0", "0.0", "False")
        for name in ("BER", "OSNR", "InputPower", "OutputPower"):
            if row[name]:
                values[at, column[f"{row['ID']} {name}"]] = float(row[name])
    return names, np.asarray(times), values, failed
