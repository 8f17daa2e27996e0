"""Routing as the API answers it: addresses with the names of devices, times in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from weft.api.models.routing import (
    BgpSession,
    BgpSessionsView,
    Changed,
    ChurnRow,
    ChurnView,
    JudgedRoute,
    JudgedRoutesView,
    LaneSegment,
    LaneView,
    LookupView,
    PrefixRoutes,
    RankedPath,
    RouteEvent,
    RoutePath,
    RoutePolicyView,
    RouterRoutes,
    RouteTimelineView,
    TreatedRoute,
)
from weft.api.topology_network import Network
from weft.errors import InvalidInput
from weft.model.addresses import packed
from weft.model.routes import RIBS
from weft.query.routing.churn import By, Churn
from weft.query.routing.lookup import Match, PrefixView
from weft.query.routing.policy import Side
from weft.query.routing.questions import Answered, RoutingQuestions, Verdict
from weft.query.routing.rows import US, Only, Path
from weft.query.routing.sessions import SessionView
from weft.query.routing.timeline import Event, Lane


class RoutingPages:
    """Makes the answers. ``networks`` knows which device has which address (None = now)."""

    def __init__(self, questions: RoutingQuestions, networks: Callable[[float | None], Network]) -> None:
        self._questions, self._networks = questions, networks

    def look_up(self, prefix: str, at: str, match: Match, who: Mapping[str, str], limit: int) -> LookupView:
        """Routes to a prefix or an address at a time."""
        names = _Names(self._networks(None))
        answer = self._questions.look_up(prefix, at, match, names.only(who), most=limit)
        found = answer.found
        return LookupView(
            **_rested(answer), asked=str(found.asked), at=found.moment.at / US, truncated=found.truncated,
            prefixes=[_prefix(view, names) for view in found.prefixes],
            last_heard=None if found.last_heard is None else found.last_heard / US,
            as_names=self._as_names(
                p.path for view in found.prefixes for router in view.routers for p in router.choice.paths
            ),
        )  # fmt: skip

    def timeline(self, prefix: str, since: str, until: str, who: Mapping[str, str]) -> RouteTimelineView:
        """What happened to exactly this prefix."""
        names = _Names(self._networks(None))
        answer = self._questions.timeline(prefix, since, until, names.only(who))
        found = answer.found
        paths = [s.path for lane in found.lanes for s in lane.segments if s.path is not None]
        return RouteTimelineView(
            **_rested(answer), prefix=str(found.prefix), begins=found.begins / US, truncated=found.truncated,
            lanes=[_lane(lane, names) for lane in found.lanes], events=[_event(one, names) for one in found.events],
            as_names=self._as_names(paths),
        )  # fmt: skip

    def sessions(self, since: str, until: str, count: bool) -> BgpSessionsView:
        """Every session."""
        names = _Names(self._networks(None))
        answer = self._questions.sessions(since, until, count=count)
        return BgpSessionsView(
            **_rested(answer), sessions=[_session(view, names) for view in answer.found],
            as_names=self._questions.as_names({view.session.peer_as for view in answer.found}),
        )  # fmt: skip

    def churn(self, since: str, until: str, by: By, who: Mapping[str, str], limit: int) -> ChurnView:
        """What changes most."""
        names = _Names(self._networks(None))
        answer = self._questions.churn(since, until, by, names.only(who), top=limit)
        return ChurnView(
            **_rested(answer), rows=[_churn(row, names) for row in answer.found],
            as_names=self._questions.as_names({row.origin_as for row in answer.found}),
        )  # fmt: skip

    def policy(self, at: str, side: Side, verdict: Verdict, who: Mapping[str, str], limit: int) -> RoutePolicyView:
        """What policy does to the routes of one neighbour."""
        names = _Names(self._networks(None))
        only = names.only(who)
        answer = self._questions.policy(at, only, side, verdict, most=limit)
        found = answer.found
        routes = [
            TreatedRoute(
                prefix=one.prefix, verdict=one.verdict,
                before=None if one.before is None else _path(one.before, names),
                after=None if one.after is None else _path(one.after, names), changed=_changed(one.changed),
            )
            for one in found.routes
        ]  # fmt: skip
        return RoutePolicyView(
            **_rested(answer), exporter=only.exporters[0], name=names.of(only.exporters[0]), peer=only.peers[0],
            peer_name=names.known(only.peers[0]), direction=side, told=found.told, before=found.before,
            after=found.after, rejected=found.rejected, added=found.added, changed=found.changed,
            by_attribute=found.by_attribute, routes=routes, truncated=found.truncated,
        )  # fmt: skip

    def judged(self, at: str, state: str, who: Mapping[str, str], limit: int) -> JudgedRoutesView:
        """Standing routes with a state of origin validation."""
        names = _Names(self._networks(None))
        answer = self._questions.judged(at, state, names.only(who), most=limit)
        paths, truncated = answer.found
        routes = [
            JudgedRoute(
                **_fields(path, names), exporter=path.session.exporter, name=names.of(path.session.exporter)
            )
            for path in paths
        ]  # fmt: skip
        return JudgedRoutesView(
            **_rested(answer), state=state, routes=routes, truncated=truncated, as_names=self._as_names(paths)
        )

    def _as_names(self, paths: Iterable[Path]) -> dict[str, str]:
        numbers: set[int] = set()
        for path in paths:
            numbers |= {
                int(word) for word in path.as_path.replace("{", " ").replace("}", " ").split() if word.isdigit()
            }
            numbers.add(path.session.peer_as)
        return self._questions.as_names(numbers)


class _Names:
    """Names of devices by address, and addresses by name."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def of(self, address: str) -> str:
        """The device's name, else the address."""
        return self.known(address) or address

    def known(self, address: str) -> str:
        """The device's name, or nothing."""
        machine = self._network.machine(address) if address else None
        return machine.name if machine else ""

    def only(self, who: Mapping[str, str]) -> Only:
        """Sessions by what people write: ``exporter`` and ``peer`` are addresses or names of devices."""
        vrf = who.get("vrf", "")
        return Only(
            self._addresses(who.get("exporter", ""), "exporter"), self._addresses(who.get("peer", ""), "peer"),
            {"": None, "global": ""}.get(vrf, vrf), who.get("rib", ""),
        )  # fmt: skip

    def _addresses(self, text: str, where: str) -> tuple[str, ...]:
        if not text:
            return ()
        try:
            packed(text)
        except ValueError:
            machine = self._network.machine(text)
            if machine is None or not machine.addresses:
                fix = "GET /api/v1/routing/sessions lists them"
                raise InvalidInput(f"no device {text[:60]!r} is known", where=where, fix=fix) from None
            return tuple(machine.addresses)
        return (text,)


def _rested(answer: Answered[Any]) -> dict[str, Any]:
    return {
        "window": answer.window, "sql": answer.sql, "rows_read": answer.rows_read,
        "elapsed_ms": round(answer.elapsed_ms, 2),
    }  # fmt: skip


def _fields(path: Path, names: _Names) -> dict[str, Any]:
    session = path.session
    same = ("family", "path_id", "standing", "gone", "origin_as", "neighbor_as", "as_path", "as_path_length",
            "next_hop", "bgp_origin", "local_pref", "med", "attributes", "rpki")  # fmt: skip
    return {name: getattr(path, name) for name in same} | {
        "prefix": path.text, "rib": session.rib, "peer": session.peer, "peer_name": names.known(session.peer),
        "peer_as": session.peer_as, "vrf": session.vrf, "said": path.at / US,
        "since": None if path.since is None else path.since / US, "communities": path.communities.split(),
        "next_hop_name": names.known(path.next_hop),
    }  # fmt: skip


def _path(path: Path, names: _Names) -> RoutePath:
    return RoutePath(**_fields(path, names))


def _prefix(view: PrefixView, names: _Names) -> PrefixRoutes:
    routers = [
        RouterRoutes(
            exporter=router.exporter, name=names.of(router.exporter), source=router.source, used=router.used,
            told=router.choice.told, decided_by=router.choice.decided_by, why=router.choice.why,
            paths=[
                RankedPath(
                    **_fields(r.path, names), best=r.best, eligible=r.eligible, lost_at=r.lost_at, why=r.why
                )
                for r in router.choice.paths
            ],
        )
        for router in view.routers
    ]  # fmt: skip
    return PrefixRoutes(
        prefix=view.nlri or str(view.prefix), family=view.family, vrf=view.vrf, relation=view.relation,
        standing=view.standing, routers=routers,
    )  # fmt: skip


def _lane(lane: Lane, names: _Names) -> LaneView:
    session = lane.session
    told: dict[str, Any] = {}
    if session is not None:
        told = {
            "rib": session.rib, "peer": session.peer, "peer_name": names.known(session.peer),
            "peer_as": session.peer_as, "vrf": session.vrf,
        }  # fmt: skip
    return LaneView(
        exporter=lane.exporter, name=names.of(lane.exporter), source=lane.source, used=session is None,
        path_id=lane.path_id, **told,
        segments=[
            LaneSegment(
                start=s.start / US, end=s.end / US, path=None if s.path is None else _path(s.path, names), why=s.why
            )
            for s in lane.segments
        ],
    )  # fmt: skip


def _event(event: Event, names: _Names) -> RouteEvent:
    session = event.session
    return RouteEvent(
        at=event.at / US, event=event.event, exporter=session.exporter, name=names.of(session.exporter),
        rib=session.rib, peer=session.peer, peer_name=names.known(session.peer), peer_as=session.peer_as,
        vrf=session.vrf, path=None if event.path is None else _path(event.path, names),
        changed=_changed(event.changed), reason=event.reason,
    )  # fmt: skip


def _changed(changed: Mapping[str, tuple[str, str]]) -> list[Changed]:
    return [Changed(attribute=name, before=before, after=after) for name, (before, after) in changed.items()]


def _session(view: SessionView, names: _Names) -> BgpSession:
    session = view.session
    same = ("state", "reason", "routes", "families", "rpki", "announcements", "changes", "withdrawals", "updates",
            "prefixes", "ups", "downs")  # fmt: skip
    return BgpSession(
        exporter=session.exporter, name=names.of(session.exporter), source=session.source, rib=session.rib,
        peer=session.peer, peer_name=names.known(session.peer), peer_as=session.peer_as, vrf=session.vrf,
        since=None if view.since is None else view.since / US, last=None if view.last is None else view.last / US,
        **{name: getattr(view, name) for name in same},
    )  # fmt: skip


def _churn(row: Churn, names: _Names) -> ChurnRow:
    same = ("prefix", "exporter", "peer", "vrf", "origin_as", "announcements", "changes", "withdrawals", "updates",
            "flaps", "paths", "prefixes", "peers")  # fmt: skip
    return ChurnRow(
        **{name: getattr(row, name) for name in same}, name=names.of(row.exporter) if row.exporter else "",
        peer_name=names.known(row.peer), rib=RIBS.get(row.rib, ""), first=row.first / US, last=row.last / US,
    )  # fmt: skip
