"""Which of several paths to one prefix a router uses, and why: RFC 4271 §9.1.2.2 as far as BMP lets one see it.

Where the router tells its Loc-RIB (RFC 9069), that is the answer and the attributes only explain it. Otherwise the best
path is worked out from what its neighbours sent, after policy where that is known. The metric to the next hop, weights
and ages are not in what routers tell: what hangs on them is said to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import not_

from weft.model.addresses import NO_ADDRESS, packed
from weft.query.routing.rows import Path

DEFAULT_LOCAL_PREF = 100
_ORIGINS = {"igp": 0, "egp": 1, "incomplete": 2}
_IN_PRE, _IN_POST, _LOCAL = "adj_rib_in_pre", "adj_rib_in_post", "loc_rib"


@dataclass(frozen=True, slots=True)
class Ranked:
    """A path with its place: ``best``; else ``lost_at``, the step of the selection that took it out, in words."""

    path: Path
    best: bool
    eligible: bool
    lost_at: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Paths of one router to one prefix, the best first. ``decided_by``: the step that left one, ``why`` in words.

    ``told``: the router itself said which it uses. ``decided_by`` is ``only``, a step of ``STEPS``, ``router`` (its own
    choice differs from what attributes say), ``tie``, or empty where nothing stands.
    """

    paths: tuple[Ranked, ...]
    decided_by: str = ""
    why: str = ""
    told: bool = False

    @property
    def best(self) -> Path | None:
        """The path in use."""
        return next((ranked.path for ranked in self.paths if ranked.best), None)


def local_pref(path: Path) -> int:
    """LOCAL_PREF; the customary default where none was sent."""
    return path.local_pref or DEFAULT_LOCAL_PREF


def is_external(path: Path) -> bool:
    """Whether it was learned from another AS: its path then begins with that AS."""
    return path.neighbor_as != 0 and path.neighbor_as == path.session.peer_as


def _address_order(path: Path) -> bytes:
    return packed(path.session.peer) if path.session.peer else NO_ADDRESS


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the selection: the lowest ``rank`` stays, and ``show`` says the value."""

    name: str
    title: str
    rank: Callable[[Path], object]
    show: Callable[[Path], str]
    per_neighbor: bool = False


STEPS = (
    Step("local_pref", "higher local preference", lambda p: -local_pref(p), lambda p: str(local_pref(p))),
    Step("as_path", "shorter AS path", lambda p: p.as_path_length, lambda p: str(p.as_path_length)),
    Step("origin", "lower origin", lambda p: _ORIGINS.get(p.bgp_origin, 3), lambda p: p.bgp_origin),
    Step("med", "lower MED", lambda p: p.med, lambda p: str(p.med), per_neighbor=True),
    Step("external", "external before internal", lambda p: not is_external(p),
         lambda p: "eBGP" if is_external(p) else "iBGP"),
    Step("peer_address", "lower address of the neighbour", _address_order, lambda p: p.session.peer or "none"),
)  # fmt: skip
#: Not visible in what routers tell, and between "external" and "peer_address" in the selection.
_UNSEEN = "the metric to the next hop, which comes before it, is not told"


def choose(paths: Sequence[Path], monitored_post: Callable[[Path], bool]) -> Choice:
    """Rank what one router knows of one prefix. ``monitored_post``: whether its neighbour is told of after policy."""
    standing = [p for p in paths if p.standing]
    local = [p for p in standing if p.session.rib == _LOCAL]
    candidates, rejected = _candidates(standing, monitored_post)
    places, decided, why = select_best(candidates)
    left_out = [Ranked(p, False, False, "policy", "rejected by the import policy") for p in rejected]
    if local:
        return _told(local, places, decided, why, left_out + _rest(paths, [*candidates, *rejected, *local]))
    return Choice((*places, *left_out, *_rest(paths, [*candidates, *rejected])), decided, why)


def _candidates(standing: Sequence[Path], monitored_post: Callable[[Path], bool]) -> tuple[list[Path], list[Path]]:
    """Paths that the selection sees, and those that policy kept out: per neighbour after policy, else before it."""
    post = [p for p in standing if p.session.rib == _IN_POST]
    told = {(p.session.peer, p.session.vrf, p.path_id) for p in post}
    pre = [p for p in standing if p.session.rib == _IN_PRE]
    pre = [p for p in pre if (p.session.peer, p.session.vrf, p.path_id) not in told]
    kept_out = [monitored_post(p) for p in pre]
    return post + list(compress(pre, map(not_, kept_out))), list(compress(pre, kept_out))


def select_best(candidates: Sequence[Path]) -> tuple[list[Ranked], str, str]:
    """The candidates ranked, the step that decided, and why in words."""
    if not candidates:
        return [], "", ""
    left, decided, why = list(candidates), "only", "the only path"
    lost: list[Ranked] = []
    for step in STEPS:
        if len(left) == 1:
            break
        stay, out = _divided(step, left)
        if not out:
            continue
        near = min(out, key=step.rank)  # type: ignore[arg-type]
        decided, why = step.name, f"{step.title}: {step.show(stay[0])} against {step.show(near)}"
        if step.name == "peer_address":
            why += f" ({_UNSEEN})"
        lost = [Ranked(p, False, True, step.name, f"{step.title}: {step.show(p)}") for p in out] + lost
        left = stay
    if len(left) > 1:
        decided, why = "tie", "several paths are equal in all that routers tell"
    return [Ranked(left[0], True, True), *(Ranked(p, False, True, "tie") for p in left[1:]), *lost], decided, why


def _divided(step: Step, left: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Those that no other beats in this step, and the rest; MEDs are compared among paths of one neighbouring AS."""
    best: dict[int, object] = {}
    for path in left:
        group = path.neighbor_as if step.per_neighbor else 0
        rank = step.rank(path)
        if group not in best or rank < best[group]:  # type: ignore[operator]
            best[group] = rank
    stays = [step.rank(p) == best[p.neighbor_as if step.per_neighbor else 0] for p in left]
    return list(compress(left, stays)), list(compress(left, map(not_, stays)))


def _told(local: Sequence[Path], places: Sequence[Ranked], decided: str, why: str, rest: Sequence[Ranked]) -> Choice:
    """The router's own word, explained by the attributes of what its neighbours sent where they agree."""
    chosen = local[0]
    twin = next((r for r in places if same_route(r.path, chosen)), None)
    tops = [Ranked(p, i == 0, True, "" if i == 0 else "multipath") for i, p in enumerate(local)]
    if twin is None:
        if places:
            decided, why = "router", "the router uses a path that no monitored neighbour sent: its own, or another's"
        else:
            decided, why = "only", "what the router uses; no neighbour of it is monitored for this prefix"
    elif not twin.best:
        first = next(r for r in places if r.best)
        decided = "router"
        why = (
            f"the router's own choice; by attributes alone the path by {first.path.session.peer} would win "
            f"({twin.why or 'a tie'}): weight, the metric to the next hop, age or a policy decide"
        )
    ordered = sorted(places, key=lambda r: r is not twin)
    return Choice((*tops, *(Ranked(r.path, False, r.eligible, r.lost_at, r.why) for r in ordered), *rest), decided,
                  why, told=True)  # fmt: skip


def same_route(one: Path, other: Path) -> bool:
    """Whether two tables hold the same path: next hop and AS path agree."""
    return one.as_path == other.as_path and one.next_hop == other.next_hop


def _rest(paths: Sequence[Path], seen: Sequence[Path]) -> list[Ranked]:
    """What does not take part: routes that are gone, and those that the router sends to others."""
    known = set(map(id, seen))
    return [Ranked(p, False, False, p.gone and "gone", p.gone) for p in paths if id(p) not in known]
