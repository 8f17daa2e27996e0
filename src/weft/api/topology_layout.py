"""Where to draw the nodes of a network: the same picture for the same network, whatever the time.

Comes in: nodes, the pairs that are joined, their roles. Goes out: x and y in 0–1 for each. Few nodes whose links lead
from tier to tier are drawn as layers (borders above, hosts below); anything else by *stress majorisation*: distances on
the page as near as can be to the number of links between two nodes, begun from classical scaling so that no chance is
involved. Must do no I/O.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Node = TypeVar("Node", bound=Hashable)
Points = NDArray[np.float64]

#: Tiers from the edge of the network inwards; a role that is not named stands below them all.
TIERS: Mapping[str, int] = {
    "outside": 0, "border": 1, "edge": 1, "pe": 1, "firewall": 2, "core": 3, "p": 3, "superspine": 3, "spine": 4,
    "distribution": 4, "aggregation": 4, "leaf": 5, "tor": 5, "access": 6, "switch": 6, "ap": 7, "host": 8,
    "server": 8, "gpu": 8,
}  # fmt: skip
_OTHER_TIER = 7
_ROW = 14  # nodes side by side in a layer before it takes another row
_MOST_LAYERED = 90
_SWEEPS = 8
_ROUNDS = 80


def layout(
    nodes: Sequence[Node], links: Sequence[tuple[Node, Node]], roles: Mapping[Node, str]
) -> tuple[str, dict[Node, tuple[float, float]]]:
    """``layered`` or ``force``, and where each node stands."""
    order = sorted(nodes, key=str)
    tiers = {node: TIERS.get(roles.get(node, "").lower(), _OTHER_TIER) for node in order}
    known = sum(roles.get(node, "").lower() in TIERS for node in order)
    within = sum(tiers.get(a) == tiers.get(b) for a, b in links)
    tiered = len(set(tiers.values())) > 1 and known * 3 >= 2 * len(order) and within * 4 <= len(links)
    if tiered and len(order) <= _MOST_LAYERED:
        return "layered", layered(order, links, tiers)
    return "force", stress(order, links)


def layered(
    order: Sequence[Node], links: Sequence[tuple[Node, Node]], tiers: Mapping[Node, int]
) -> dict[Node, tuple[float, float]]:
    """Layers by tier, ordered so that neighbours stand above each other (barycentres, a few sweeps)."""
    rows: list[list[Node]] = []
    for tier in sorted(set(tiers.values())):
        members = [node for node in order if tiers[node] == tier]
        count = -(-len(members) // _ROW)
        rows += [list(members[i::count]) for i in range(count)]
    near: dict[Node, list[Node]] = defaultdict(list)
    for a, b in links:
        near[a].append(b)
        near[b].append(a)
    at = _spread(rows)
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            middle = {node: np.mean([at[other] for other in near[node]]) if near[node] else at[node] for node in row}
            row.sort(key=lambda node: (middle[node], str(node)))
        at = _spread(rows)
    down = max(1, len(rows) - 1)
    return {node: (at[node], y / down if len(rows) > 1 else 0.5) for y, row in enumerate(rows) for node in row}


def _spread(rows: Sequence[Sequence[Node]]) -> dict[Node, float]:
    """Across, of every node: its row spread evenly over the width."""
    return {node: (i + 0.5) / len(row) for row in rows for i, node in enumerate(row)}


def stress(nodes: Sequence[Node], links: Sequence[tuple[Node, Node]]) -> dict[Node, tuple[float, float]]:
    """Distances on the page follow distances in the network."""
    order = sorted(nodes, key=str)
    n = len(order)
    if n == 0:
        return {}
    if n == 1:
        return {order[0]: (0.5, 0.5)}
    wanted = distances(order, links)
    points = _majorised(_scaled(wanted), wanted)
    return {node: (float(x), float(y)) for node, (x, y) in zip(order, _fitted(points), strict=True)}


def distances(order: Sequence[Node], links: Sequence[tuple[Node, Node]]) -> Points:
    """Links between every two nodes; what is not joined at all is a little farther than what is joined at all."""
    index = {node: i for i, node in enumerate(order)}
    near: list[set[int]] = [set() for _ in order]
    for a, b in links:
        if a in index and b in index and a != b:
            near[index[a]].add(index[b])
            near[index[b]].add(index[a])
    n = len(order)
    out = np.full((n, n), np.inf)
    for start in range(n):
        row = out[start]
        row[start] = 0.0
        queue = deque([start])
        while queue:
            one = queue.popleft()
            for other in near[one]:
                if row[other] == np.inf:
                    row[other] = row[one] + 1
                    queue.append(other)
    finite = out[np.isfinite(out)]
    out[np.isinf(out)] = finite.max() + 1.0
    return out


def _scaled(wanted: Points) -> Points:
    """Classical scaling, with signs fixed so that equal networks look equal."""
    n = len(wanted)
    centre = np.eye(n) - 1.0 / n
    values, vectors = np.linalg.eigh(-0.5 * centre @ (wanted**2) @ centre)
    points: Points = vectors[:, [-1, -2]] * np.sqrt(np.maximum(values[[-1, -2]], 1e-9))
    for axis in range(2):
        most = np.argmax(np.abs(points[:, axis]) > 0.5 * np.abs(points[:, axis]).max())
        if points[most, axis] < 0:
            points[:, axis] *= -1
    # Nodes that scaling puts on one spot are moved apart a little, each in a direction of its own.
    turn = np.arange(n) * 2.399963  # the golden angle
    return points + 0.05 * np.column_stack((np.cos(turn), np.sin(turn)))


def _majorised(points: Points, wanted: Points) -> Points:
    """SMACOF with weights of 1/d²."""
    weights = np.where(wanted > 0, 1.0 / np.maximum(wanted, 1e-9) ** 2, 0.0)
    total = weights.sum(axis=1, keepdims=True)
    for _ in range(_ROUNDS):
        apart = points[:, None, :] - points[None, :, :]
        length = np.maximum(np.linalg.norm(apart, axis=2), 1e-6)
        pull = (weights * wanted / length)[:, :, None] * apart
        points = (weights @ points + pull.sum(axis=1)) / total
    return points


def _fitted(points: Points) -> Points:
    """Into the unit square, both axes used to the full."""
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.where(high - low > 1e-9, high - low, 1.0)
    out: Points = np.where(high - low > 1e-9, (points - low) / size, 0.5)
    return np.round(out, 4)
