"""Who announces what they may not: hijacks of one's own prefixes, and origins that the RPKI calls invalid."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.routing.holds import Holds, Route, read_route, route_state
from weft.detect.routing.own import OwnSpace, OwnSpaceNow, as_numbers
from weft.detect.routing.rows import CHECKPOINT, LOC, PEER_UP, POST, Block, Loading, block
from weft.detect.texts import clock
from weft.errors import InvalidInput
from weft.model.addresses import address_text
from weft.model.events import Entity, EventGroup, Evidence, Severity

_VALID, _INVALID = 1, 2  # model.routes.RPKI_STATES
_HOLD_S = 7 * 86_400.0
_AGAIN_S = 30.0  # what changed of an event is told this often at most
#: Wrong origins that stood when Weft began, or for a day, are known: they are told of once, and not each time again.
_KNOWN_S, _FORGET_S = 86_400.0, 7 * 86_400.0
_MOST_CLAIMS, _MOST_HOLDS, _MOST_KNOWN = 5_000, 100_000, 200_000
#: More invalid prefixes than this, of one origin or in an hour, are one event.
_MANY_OF_ONE, _MANY_AN_HOUR = 10, 30


@dataclass(slots=True)
class _Claim:
    """Somebody says that a prefix is theirs. ``routes``: those that say so."""

    prefix: str
    origin: int
    kind: str
    relation: str
    rpki: int
    first_s: float
    path: str
    routes: set[Route] = field(default_factory=set)
    raised: str = ""  # text of the entity of its event
    changed: bool = True
    told_s: float = 0.0


class OriginDetector(RowsDetector):
    """Routes from origins that are not entitled."""

    about = About(
        "bgp_origins", "Hijacks and RPKI", EventGroup.ROUTING,
        "Somebody announces one's own prefix, or a part of it, or a prefix for which the RPKI (RFC 6811) does not "
        "entitle them. Wrong origins that stand since before Weft looked are known and not told.",
        {"origin_hijack": "Somebody else originates one's own prefix.",
         "subprefix_hijack": "Somebody else originates a part of one's own prefix, which everybody prefers.",
         "rpki_invalid": "An origin that the RPKI calls invalid."},
    )  # fmt: skip
    tables = ("routes",)

    def __init__(self, context: Context) -> None:
        settings = context.config.settings
        self._context = context
        self._own_as = {0, *as_numbers(settings.get("own_as"))}
        self._allowed = as_numbers(settings.get("allowed_origins"))
        self._extra = [ip_network(one) for one in settings.get("prefixes", ())]
        self._own = OwnSpaceNow(lambda: [*context.networks(), *self._extra])
        self._space = OwnSpace(())
        self._loading = Loading()
        self._claims: dict[tuple[str, int], _Claim] = {}
        self._holds = Holds[_Claim](_MOST_HOLDS)
        self._known: dict[tuple[int, int], float] = {}
        self._recent: deque[float] = deque(maxlen=_MANY_AN_HOUR + 1)

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:  # noqa: ARG002
        """Follow claims: new ones, and those that go away."""
        told = block(rows)
        loading = self._loading.rows(told)
        if len(told):
            self._space = self._own.at(float(told.time_s[-1]))
        self._learn_own(told)
        of_routes = (told.event <= CHECKPOINT) & (told.rib != POST)
        wrong = of_routes & (told.event != 3) & self._wrong(told)
        leaving = of_routes & self._holds.meets(told)
        found: list[Finding] = []
        for i in np.flatnonzero(wrong | leaving | (told.event >= PEER_UP)).tolist():
            peer, rib = told.sessions[int(told.session[i])]
            if told.event[i] >= PEER_UP:
                self._holds.drop_session((peer, rib))
                continue
            route = peer, rib, int(told.prefix_id[i])
            if wrong[i] and not peer.vrf:
                found += self._claimed(told, i, route, is_loading=bool(loading[i]))
            else:
                self._holds.drop(route)
        return found

    def tick(self, now_s: float) -> list[Finding]:
        """Tell what changed of claims, and which are no more."""
        found = []
        for key, claim in list(self._claims.items()):
            if not claim.routes:
                del self._claims[key]
                if claim.raised:
                    found.append(self._gone(claim, now_s))
            elif now_s - claim.first_s > _KNOWN_S and not claim.relation:
                self._known[int(next(iter(claim.routes))[2]), claim.origin] = now_s
            elif claim.changed and claim.raised and now_s - claim.told_s >= _AGAIN_S:
                found.append(self._tell(claim, now_s, now_s))
        return [one for one in found if one is not None]

    def _learn_own(self, told: Block) -> None:
        """One's own AS is that of routers' own tables (RFC 9069)."""
        if len(self._own_as) < 64:
            self._own_as |= set(np.unique(told.peer_as[told.rib == LOC]).tolist())

    def _wrong(self, told: Block) -> NDArray[np.bool_]:
        own = self._space.meets(told) & (told.rpki != _VALID)
        mine = np.isin(told.origin_as, np.array(sorted(self._own_as | self._allowed), np.uint32))
        found: NDArray[np.bool_] = ((told.rpki == _INVALID) | own) & ~mine
        return found

    def _claimed(self, told: Block, i: int, route: Route, *, is_loading: bool) -> list[Finding]:
        prefix, origin, at_s = told.prefix_text(i), int(told.origin_as[i]), float(told.time_s[i])
        relation = self._space.relation(ip_network(prefix))
        rpki = int(told.rpki[i])
        held = self._holds.get(route)
        if held is not None and (held.prefix, held.origin) == (prefix, origin):
            return []
        self._holds.drop(route)
        if relation in ("", "around") and rpki != _INVALID:
            return []
        # An invalid origin of one's own prefix is told of, however long it stood.
        if not (relation and rpki == _INVALID) and self._is_known(told, i, is_loading):
            return []
        claim = self._claims.get((prefix, origin))
        if claim is None:
            if len(self._claims) >= _MOST_CLAIMS or self._holds.is_full:
                return []
            kind = {"": "rpki_invalid", "inside": "subprefix_hijack"}.get(relation, "origin_hijack")
            claim = _Claim(prefix, origin, kind, relation, rpki, at_s, told.path(i))
            self._claims[prefix, origin] = claim
        if self._holds.add(route, claim):
            claim.changed = True
        if claim.raised:
            return []
        finding = self._tell(claim, at_s, at_s)
        return [finding] if finding else []

    def _is_known(self, told: Block, i: int, is_loading: bool) -> bool:
        """Whether this wrong origin is an old acquaintance; what is told with a whole table becomes one."""
        key, at_s = (int(told.prefix_id[i]), int(told.origin_as[i])), float(told.time_s[i])
        known_s = self._known.get(key)
        is_old = told.event[i] == CHECKPOINT and is_loading
        if (known_s is None or at_s - known_s > _FORGET_S) and not is_old:
            return False
        if (told.prefix_text(i), key[1]) in self._claims:
            return False
        if len(self._known) >= _MOST_KNOWN and known_s is None:
            self._known.pop(next(iter(self._known)))
        self._known[key] = at_s
        return True

    def _tell(self, claim: _Claim, at_s: float, now_s: float) -> Finding | None:
        """An event of its own, or a share in that of many."""
        if not claim.raised:
            claim.raised = self._entity(claim, at_s)
        claim.changed, claim.told_s = False, now_s
        kind, _, name = claim.raised.partition(":")
        if kind != "prefix":
            return self._many(claim, kind, name, at_s)
        return self._one(claim, at_s)

    def _entity(self, claim: _Claim, at_s: float) -> str:
        if claim.relation:
            return f"prefix:{claim.prefix}"
        of_one = sum(1 for one in self._claims.values() if one.origin == claim.origin and one.raised)
        if of_one >= _MANY_OF_ONE:
            return f"asn:{claim.origin}"
        while self._recent and at_s - self._recent[0] > 3600:
            self._recent.popleft()
        if len(self._recent) >= _MANY_AN_HOUR:
            return "rpki:many"
        self._recent.append(at_s)
        return f"prefix:{claim.prefix}"

    def _many(self, claim: _Claim, kind: str, name: str, at_s: float) -> Finding:
        mine = [one for one in self._claims.values() if one.raised == claim.raised or one.origin == claim.origin]
        who = f"AS {name}" if kind == "asn" else "many origins"
        return Finding(
            "rpki_invalid", Entity(kind=kind, id=name), at_s, f"RPKI-invalid routes of {who}",
            f"{len(mine)} prefixes from {who} are RPKI-invalid, {claim.prefix} is one of them: a mistake in payloads, "
            "or a leak, rather than an attack on one.",
            Severity.MINOR, hold_s=3600.0, seen=float(len(mine)), unit="prefixes",
        )  # fmt: skip

    def _one(self, claim: _Claim, at_s: float) -> Finding:
        names = self._context.names
        peers = list(dict.fromkeys(peer for peer, rib, _ in claim.routes if rib != LOC))
        users = sorted({names.device(peer.exporter) for peer, rib, _ in claim.routes if rib == LOC})
        used = f"In use at {', '.join(users[:5])}: traffic goes there." if users else "No router of ours uses it."
        heard = ", ".join(sorted({address_text(peer.peer) for peer in peers})[:6])
        judged = "The RPKI calls it invalid" if claim.rpki == _INVALID else "The RPKI knows nothing of it"
        if claim.relation:
            what = {"same": "which is ours", "inside": "a part of our own"}.get(claim.relation, "in which our own lies")
            title = f"AS {claim.origin} announces {claim.prefix}, {what}"
            severity = Severity.CRITICAL
        else:
            title = f"RPKI-invalid: AS {claim.origin} announces {claim.prefix}"
            severity = Severity.MAJOR if users else Severity.MINOR
        fact = f"Path {claim.path}; heard since {clock(claim.first_s)}."
        return Finding(
            claim.kind, Entity(kind="prefix", id=claim.prefix), at_s, title,
            f"AS {claim.origin} originates {claim.prefix} since {clock(claim.first_s)}. {judged}. Heard from "
            f"{len(peers)} neighbours ({heard}). {used}",
            severity, hold_s=_HOLD_S, started_s=claim.first_s, labels={"origin": f"AS{claim.origin}"},
            others=[Entity(kind="asn", id=str(claim.origin)), *(peer.entity(names) for peer in peers[:40])],
            evidence=[Evidence(kind="fact", title="Route", text=fact)],
        )  # fmt: skip

    def _gone(self, claim: _Claim, now_s: float) -> Finding | None:
        kind, _, name = claim.raised.partition(":")
        if kind != "prefix":
            return None  # that of many ends by itself
        return Finding(
            claim.kind, Entity(kind="prefix", id=name), now_s, "Withdrawn", "Nobody tells this route any more.",
            Severity.INFO, ends=True, labels={"origin": f"AS{claim.origin}"},
        )  # fmt: skip

    def save(self) -> bytes:
        """Claims and known wrong origins."""
        claims = [
            [one.prefix, one.origin, one.kind, one.relation, one.rpki, one.first_s, one.path, one.raised,
             [route_state(route) for route in one.routes]]
            for one in self._claims.values()
        ]  # fmt: skip
        known = [[prefix, origin, at_s] for (prefix, origin), at_s in self._known.items()]
        return json.dumps({"claims": claims, "known": known, "own_as": sorted(self._own_as)}).encode()

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was."""
        if not state:
            return
        try:
            told: Mapping[str, Any] = json.loads(state)
            claims = list(_read(told["claims"]))
            self._known = {(int(p), int(o)): float(at_s) for p, o, at_s in told["known"][:_MOST_KNOWN]}
            self._own_as |= as_numbers(told["own_as"])
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"is not understood: {error}", where="state of bgp_origins") from error
        self._claims = {(one.prefix, one.origin): one for one in claims}
        self._holds = Holds(_MOST_HOLDS)
        self._holds.restore(claims)


def _read(rows: list[Any]) -> Iterator[_Claim]:
    for prefix, origin, kind, relation, rpki, first_s, path, raised, holds in rows[:_MOST_CLAIMS]:
        routes = {read_route(one) for one in holds}
        yield _Claim(
            str(prefix), int(origin), str(kind), str(relation), int(rpki), float(first_s), str(path), routes,
            str(raised), changed=False,
        )  # fmt: skip
