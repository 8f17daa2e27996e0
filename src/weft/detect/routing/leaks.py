"""Routes that somebody passes on who should not (RFC 7908): paths with a valley that were not there before."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.routing.holds import Holds, Route, read_route, route_state
from weft.detect.routing.relations import hops_of, relations_from
from weft.detect.routing.rows import CHECKPOINT, LOC, PEER_UP, POST, Block, Loading, block, paths_of
from weft.detect.texts import clock
from weft.errors import InvalidInput
from weft.model.events import Entity, EventGroup, Evidence, Severity

_HOLD_S = 7 * 86_400.0
_AGAIN_S = 30.0
#: Before so many triples of neighbours were seen, or so long, nothing is known of what is usual.
_ENOUGH, _LEARNING_S = 50, 900.0
#: A leak is of more than a stray route.
_LEAST_PREFIXES = 5
_STANDING_S = 86_400.0  # after a day it is how things are
_MOST_LEAKS, _MOST_ROUTES, _MOST_JUDGED = 200, 50_000, 100_000


@dataclass(slots=True)
class _Leak:
    """What one AS passes on by way of one neighbour AS of ours."""

    leaker: int
    via: int
    why: str
    path: tuple[int, ...]
    first_s: float
    routes: set[Route] = field(default_factory=set)
    origins: set[int] = field(default_factory=set)
    paths: set[tuple[int, ...]] = field(default_factory=set)
    raised: bool = False
    grew: bool = True
    told_s: float = 0.0

    @property
    def prefixes(self) -> int:
        """Different ones among the routes."""
        return len({prefix for _, _, prefix in self.routes})


class LeakDetector(RowsDetector):
    """New paths with a valley."""

    about = About(
        "bgp_leaks", "BGP route leaks", EventGroup.ROUTING,
        "A network passes on to one of its providers or peers what it has from another: traffic takes a detour through "
        "somebody too small for it. Relations are from a file (setting relations), or inferred from usual paths.",
        {"route_leak": "Routes with a valley in their path (RFC 7908)."},
    )  # fmt: skip
    tables = ("routes",)

    def __init__(self, context: Context) -> None:
        settings = context.config.settings
        self._names = context.names
        self._facts = context.facts
        self._relations = relations_from(str(settings.get("relations", "")))
        self._least = max(1, int(settings.get("least_prefixes", _LEAST_PREFIXES)))
        self._loading = Loading()
        self._leaks: dict[tuple[int, int], _Leak] = {}
        self._holds = Holds[_Leak](_MOST_ROUTES)
        self._judged: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._began_s = 0.0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:  # noqa: ARG002
        """Learn usual paths; follow those with a valley."""
        told = block(rows)
        if not len(told):
            return []
        self._began_s = self._began_s or float(told.time_s[0])
        loading = self._loading.rows(told)
        chosen = (told.event <= CHECKPOINT) & (told.event != 3) & (told.rib != POST) & (told.rib != LOC)
        if not chosen.any() and not len(self._holds) and not (told.event >= PEER_UP).any():
            return []
        codes, words = paths_of(told)
        suspects = self._judge(told, codes, words, chosen, loading)
        leaving = (told.event <= CHECKPOINT) & self._holds.meets(told)
        wanted = np.isin(codes, list(suspects)) & chosen if suspects else np.zeros(len(told), bool)
        found: list[Finding] = []
        for i in np.flatnonzero(wanted | leaving | (told.event >= PEER_UP)).tolist():
            peer, rib = told.sessions[int(told.session[i])]
            if told.event[i] >= PEER_UP:
                self._holds.drop_session((peer, rib))
                continue
            route = peer, rib, int(told.prefix_id[i])
            self._holds.drop(route)
            if wanted[i]:
                found += self._add(route, suspects[int(codes[i])], int(told.origin_as[i]), float(told.time_s[i]))
        return found

    def tick(self, now_s: float) -> list[Finding]:
        """Tell what grew, what is over, and what is usual by now."""
        found = []
        for key, leak in list(self._leaks.items()):
            if not leak.routes:
                del self._leaks[key]
                if leak.raised:
                    found.append(self._over(leak, now_s, "Nobody tells these routes any more."))
            elif now_s - leak.first_s > _STANDING_S:
                del self._leaks[key]
                self._holds.drop_case(leak)
                for path in leak.paths:
                    self._relations.learn(path)
                self._judged.clear()
                if leak.raised:
                    found.append(self._over(leak, now_s, "It has stood for a day: from now on it is taken for usual."))
            elif leak.raised and leak.grew and now_s - leak.told_s >= _AGAIN_S:
                found.append(self._tell(leak, now_s))
        return found

    def _judge(
        self, told: Block, codes: NDArray[np.int64], words: list[str], chosen: NDArray[np.bool_],
        loading: NDArray[np.bool_],
    ) -> dict[int, tuple[int, str, tuple[int, ...]]]:  # fmt: skip
        """Which paths (their codes) have a valley: who leaks, why. Paths without teach what is usual."""
        for code in np.unique(codes[chosen & loading]).tolist():
            self._relations.learn(hops_of(words[code]))
        is_ready = (
            self._relations.triples >= _ENOUGH and float(told.time_s[-1]) - self._began_s >= _LEARNING_S
        )  # fmt: skip
        found = {}
        for code in np.unique(codes[chosen & ~loading]).tolist():
            hops = hops_of(words[code])
            if len(hops) < 3:
                continue
            verdict = self._judged.get(words[code])
            if verdict is None:
                verdict = self._relations.leak(hops) if is_ready else (0, "")
                if not verdict[0]:
                    self._relations.learn(hops)
                self._judged[words[code]] = verdict
                if len(self._judged) > _MOST_JUDGED:
                    self._judged.popitem(last=False)
            if verdict[0]:
                found[code] = *verdict, hops
        return found

    def _add(self, route: Route, suspect: tuple[int, str, tuple[int, ...]], origin: int, at_s: float) -> list[Finding]:
        leaker, why, hops = suspect
        leak = self._leaks.get((leaker, hops[0]))
        if leak is None:
            if len(self._leaks) >= _MOST_LEAKS:
                return []
            leak = self._leaks[leaker, hops[0]] = _Leak(leaker, hops[0], why, hops, at_s)
        self._holds.add(route, leak)
        if len(leak.origins) < 1000:
            leak.origins.add(origin)
        if len(leak.paths) < 1000:
            leak.paths.add(hops)
        leak.grew = True
        if leak.raised or leak.prefixes < self._least:
            return []
        leak.raised = True
        return [self._tell(leak, at_s)]

    def _entity(self, leak: _Leak) -> Entity:
        """The neighbour by whom they come: its name where somebody knows it."""
        as_name = self._facts.get("as_name")
        name = str(as_name(leak.via) or "") if as_name else ""
        return Entity(kind="provider", id=name) if name else Entity(kind="asn", id=str(leak.via))

    def _tell(self, leak: _Leak, at_s: float) -> Finding:
        leak.grew, leak.told_s = False, at_s
        peers = [peer.entity(self._names) for peer in dict.fromkeys(peer for peer, _, _ in leak.routes)]
        many = ", ".join(f"AS {one}" for one in sorted(leak.origins)[:5])
        rest = f" and {len(leak.origins) - 5} more" if len(leak.origins) > 5 else ""
        path = " ".join(map(str, leak.path))
        return Finding(
            "route_leak", self._entity(leak), at_s, f"AS {leak.leaker} leaks routes by way of AS {leak.via}",
            f"Since {clock(leak.first_s)} {leak.prefixes} prefixes of {many}{rest} come with paths through AS "
            f"{leak.leaker} (such as {path}), as they never did: {leak.why}. {len(peers)} of our sessions hear it.",
            Severity.MAJOR, hold_s=_HOLD_S, started_s=leak.first_s, seen=float(leak.prefixes), expected=0.0,
            unit="prefixes", labels={"leaker": f"AS{leak.leaker}", "via": f"AS{leak.via}"},
            others=[Entity(kind="asn", id=str(leak.leaker)), *peers[:48]],
            evidence=[Evidence(kind="fact", title="Path", text=f"{path}: {leak.why}.")],
        )  # fmt: skip

    def _over(self, leak: _Leak, now_s: float, text: str) -> Finding:
        return Finding(
            "route_leak", self._entity(leak), now_s, "Over", text, Severity.INFO, ends=True,
            labels={"leaker": f"AS{leak.leaker}", "via": f"AS{leak.via}"},
        )  # fmt: skip

    def save(self) -> bytes:
        """What is usual, and leaks that stand."""
        leaks = [
            [one.leaker, one.via, one.why, list(one.path), one.first_s, one.raised, sorted(one.origins),
             [list(path) for path in one.paths],
             [route_state(route) for route in one.routes]]
            for one in self._leaks.values()
        ]  # fmt: skip
        return json.dumps({"began": self._began_s, "usual": self._relations.state(), "leaks": leaks}).encode()

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was."""
        if not state:
            return
        try:
            told: Mapping[str, Any] = json.loads(state)
            leaks = list(_read(told["leaks"]))
            self._began_s = float(told["began"])
            self._relations.restore(told["usual"])
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"is not understood: {error}", where="state of bgp_leaks") from error
        self._leaks = {(one.leaker, one.via): one for one in leaks}
        self._holds = Holds(_MOST_ROUTES)
        self._holds.restore(leaks)


def _read(rows: list[Any]) -> Iterator[_Leak]:
    for leaker, via, why, path, first_s, raised, origins, paths, routes in rows[:_MOST_LEAKS]:
        yield _Leak(
            int(leaker), int(via), str(why), tuple(map(int, path)), float(first_s),
            {read_route(one) for one in routes},
            set(map(int, origins)), {tuple(map(int, one)) for one in paths}, bool(raised), grew=False,
        )  # fmt: skip
