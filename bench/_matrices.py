"""Public traffic matrices over time (Abilene, GÉANT) with what counters would have said of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from weft.network.load import response
from weft.network.topology import Link, Node, Topology, topology

DATA = Path(os.environ.get("WEFT_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")) / "te" / "traffic-matrices"
_NS = "{http://sndlib.zib.de/network}"
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Matrices:
    """Matrices [times, n, n] in bit/s (of an arbitrary unit) with the loads that shortest paths make of them."""

    name: str
    step_s: float
    topology: Topology
    truth: F64
    link_bps: F64
    edge_in_bps: F64
    edge_out_bps: F64

    def __len__(self) -> int:
        return len(self.truth)

    def counters(self, times: slice) -> tuple[F64, F64, F64]:
        """What an estimator may know of these times."""
        return self.link_bps[times], self.edge_in_bps[times], self.edge_out_bps[times]

    def error(self, found: F64, times: slice) -> float:
        """Relative error (L2) of matrices over all of these times."""
        return float(np.linalg.norm(found - self.truth[times]) / np.linalg.norm(self.truth[times]))

    def errors(self, found: F64, times: slice) -> F64:
        """[times] relative error (L2) of each matrix."""
        off = np.linalg.norm(found - self.truth[times], axis=(1, 2))
        return np.asarray(off / np.linalg.norm(self.truth[times], axis=(1, 2)), np.float64)


def read(name: str, step_s: float) -> Matrices:
    """``abilene`` (5 min) or ``geant`` (15 min); traffic takes shortest paths by the cost that the topology states."""
    root = ElementTree.parse(DATA / "topologies" / f"{name}.xml").getroot()
    nodes = [one.get("id") or "" for one in root.iter(f"{_NS}node")]
    at = {node: place for place, node in enumerate(nodes)}
    links, cost = [], []
    for one in root.iter(f"{_NS}link"):
        a, b = (at[one.findtext(f"{_NS}{end}") or ""] for end in ("source", "target"))
        links.append(Link(one.get("id") or "", a, b))
        cost.append(int(float(one.findtext(f".//{_NS}addModule/{_NS}cost") or 1)))
    made = topology([Node(node) for node in nodes], links, capacity_bps=np.full(len(links), 1e10), metric=cost)
    with np.load(DATA / f"{name}.npz", allow_pickle=False) as held:
        pairs, rates = held["pairs"], held["tm"].astype(np.float64) * 1e6
    truth = np.zeros((len(rates), len(nodes), len(nodes)))
    for column, pair in enumerate(pairs):
        first, second = str(pair).split(">")
        truth[:, at[first], at[second]] = rates[:, column]
    truth = truth[truth.sum(axis=(1, 2)) > 0]
    i, j = (side.astype(np.int32) for side in np.nonzero(truth.sum(axis=0)))
    load = (response(made, i, j) @ np.ascontiguousarray(truth[:, i, j].T)).T
    return Matrices(name, step_s, made, truth, load, truth.sum(axis=2), truth.sum(axis=1))
