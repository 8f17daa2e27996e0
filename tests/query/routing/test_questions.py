"""Questions about routes of a store: as of any time, and what happened in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.doubles.routes import EDGE1, EDGE2, LOCAL, PARTNER, POST, PRE, TRANSIT
from tests.query.routing.conftest import DAY, NOW, H

from weft.errors import InvalidInput
from weft.query.answer.runner import Runner
from weft.query.config import QueryConfig
from weft.query.routing.prefixes import exactly, parse_prefix
from weft.query.routing.questions import RoutingQuestions
from weft.query.routing.rows import US, Moment, Only, last_words

WEB = "203.0.113.0/24"


def hour(hours: float) -> str:
    return str(int(DAY + hours * H))


def routers(found, prefix=WEB, vrf=""):
    (view,) = [v for v in found.prefixes if str(v.prefix) == prefix and v.vrf == vrf]
    return {router.exporter: router for router in view.routers}


def standing(choice):
    return {(r.path.session.rib, r.path.session.peer): r.path.as_path for r in choice.paths if r.path.standing}


def test_a_prefix_as_of_any_time(ask):
    choice = routers(ask.look_up(WEB, hour(11), "exact").found)[EDGE1].choice
    assert choice.told
    assert choice.best.as_path == "64501 64505 64511"
    assert choice.why == "higher local preference: 200 against 100"
    assert standing(choice) == {
        (PRE, TRANSIT): "64500 64511", (POST, TRANSIT): "64500 64511", (PRE, PARTNER): "64501 64505 64511",
        (POST, PARTNER): "64501 64505 64511", (LOCAL, ""): "64501 64505 64511",
    }  # fmt: skip
    before = ask.look_up(WEB, hour(0.5), "exact").found
    assert before.prefixes == ()
    later = routers(ask.look_up(WEB, hour(13), "exact").found)[EDGE1].choice
    assert later.best.as_path == "64501 64511"
    assert later.best.since == (DAY + 12 * H + 1) * 10**6


def test_a_session_that_goes_away_takes_its_routes_with_it(ask):
    choice = routers(ask.look_up(WEB, hour(14.5), "exact").found)[EDGE1].choice
    assert choice.best.as_path == "64500 64511"
    gone = [r.path for r in choice.paths if not r.path.standing]
    assert {(p.session.peer, p.gone, p.since) for p in gone} == {(PARTNER, "session down", (DAY + 14 * H) * 10**6)}
    # It came back without the route: the old one does not come back with it.
    choice = routers(ask.look_up(WEB, hour(17), "exact").found)[EDGE1].choice
    assert {r.path.gone for r in choice.paths if not r.path.standing} == {"session restarted"}
    other = "198.51.100.0/25"
    assert (PRE, PARTNER) in standing(routers(ask.look_up(other, "now", "exact").found, other)[EDGE1].choice)


def test_covering_and_more_specific_prefixes_and_which_one_is_used(ask):
    found = ask.look_up("203.0.113.200", hour(10.05), "all").found
    assert str(found.asked) == "203.0.113.200/32"
    seen = [(str(v.prefix), v.relation) for v in found.prefixes if not v.vrf]
    assert seen == [
        ("203.0.113.128/25", "covering"), (WEB, "covering"), ("203.0.112.0/20", "covering"), ("0.0.0.0/0", "covering"),
    ]  # fmt: skip
    # The more specific one is kept out by policy: what is used is the longest that policy lets in.
    used = [(str(v.prefix), r.exporter) for v in found.prefixes for r in v.routers if r.used and not v.vrf]
    assert used == [(WEB, EDGE1)]
    (hijack,) = [r for v in found.prefixes if v.prefix.length == 25 for r in v.routers]
    assert [r.lost_at for r in hijack.choice.paths] == ["policy"]

    inside = ask.look_up("203.0.112.0/20", hour(10.05), "longer").found
    assert [str(v.prefix) for v in inside.prefixes if v.relation == "longer" and not v.vrf] == [
        "203.0.112.0/24", WEB, "203.0.113.128/25",
    ]  # fmt: skip
    cut = ask.look_up("203.0.112.0/20", hour(10.05), "longer", most=1).found
    assert cut.truncated
    assert [str(v.prefix) for v in cut.prefixes if v.relation == "longer"] == ["203.0.112.0/24"]


def test_a_route_that_is_only_repeated_stands_for_as_long_as_it_is(ask):
    kept = "198.51.100.0/24"
    path = routers(ask.look_up(kept, hour(11), "exact").found, kept)[EDGE2].choice.best
    assert (path.as_path, path.event, path.since) == ("64500 64509", "checkpoint", None)
    # Three days on nobody has said anything of it for longer than a checkpoint takes.
    found = RoutingQuestions(ask._store, clock=lambda: NOW + 3 * 86400).look_up(kept, "now", "exact").found
    assert found.prefixes == ()
    assert found.last_heard == DAY * 10**6


def test_how_far_back_is_read_follows_the_checkpoints(store):
    weekly = RoutingQuestions(store, checkpoint_s=7 * 86400, clock=lambda: NOW)
    kept = "198.51.100.0/24"
    path = routers(weekly.look_up(kept, "now", "exact").found, kept)[EDGE2].choice.best
    assert path.since == (DAY - 72 * H) * 10**6


def test_a_collector_uses_no_path(ask):
    choice = routers(ask.look_up(WEB, hour(11), "exact").found)["192.0.2.200"].choice
    assert choice.best is None
    assert "collector" in choice.why
    assert len(choice.paths) == 2


def test_vrfs_families_and_add_path_are_told_apart(ask):
    found = ask.look_up(WEB, hour(11), "exact").found
    assert {v.vrf for v in found.prefixes} == {"", "64496:7"}
    (inside,) = ask.look_up(WEB, hour(11), "exact", Only(vrf="64496:7")).found.prefixes
    assert inside.routers[0].choice.best.origin_as == 64599
    more = "203.0.112.0/24"
    choice = routers(ask.look_up(more, hour(11), "exact").found, more)[EDGE1].choice
    assert [r.path.path_id for r in choice.paths if r.path.standing] == [1, 2]
    six = ask.look_up("2001:db8:1::5", hour(11), "covering").found
    assert [str(v.prefix) for v in six.prefixes] == ["2001:db8:1::/48"]
    assert ask.look_up("::/0", hour(11), "longer").found.prefixes[0].family == "ipv6_unicast"


@pytest.mark.parametrize("only", [Only(exporters=(EDGE1,)), Only(peers=(TRANSIT,)), Only(rib=PRE)])
def test_only_some_sessions(ask, only):
    found = ask.look_up(WEB, hour(11), "exact", only).found
    paths = [r.path for v in found.prefixes for x in v.routers for r in x.choice.paths]
    assert paths
    for path in paths:
        assert not only.exporters or path.session.exporter in only.exporters
        assert not only.peers or path.session.peer in only.peers
        assert not only.rib or path.session.rib == only.rib


@pytest.mark.parametrize(
    "prefix", ["", "example.com", "192.0.2.0/33", "10.0.0.0/8' OR 1=1", "2001:db8::/129", "1" * 60]
)
def test_what_is_no_prefix_is_refused(ask, prefix):
    with pytest.raises(InvalidInput):
        ask.look_up(prefix)


def test_other_bad_questions_are_refused(ask):
    for wrong in (Only(exporters=("edge1' --",)), Only(peers=("x",)), Only(rib="' OR 1")):
        with pytest.raises(InvalidInput):
            ask.look_up(WEB, "now", "exact", wrong)
    with pytest.raises(InvalidInput):
        ask.look_up(WEB, "yesterday")
    with pytest.raises(InvalidInput):
        ask.timeline(WEB, "now", "now-1h")
    with pytest.raises(InvalidInput):
        ask.judged("now", "bogus")
    with pytest.raises(InvalidInput):
        ask.policy("now", Only(exporters=(EDGE1,)))
    # Text of the user's own reaches the store as text.
    assert ask.look_up(WEB, hour(11), "exact", Only(vrf="x' OR ''='")).found.prefixes == ()


def test_mapped_and_unaligned_prefixes_mean_what_they_say(ask):
    assert str(ask.look_up("203.0.113.77/24", hour(11), "exact").found.asked) == WEB
    assert str(ask.look_up("::ffff:203.0.113.0/120", hour(11), "exact").found.asked) == WEB


def test_the_timeline_tells_every_event_and_what_each_router_used(ask):
    found = ask.timeline(WEB, hour(9), hour(18), Only(vrf="")).found
    told = [(round((e.at / 10**6 - DAY) / H, 2), e.event, e.session.peer, e.session.rib) for e in found.events]
    assert told[:3] == [(12, "change", PARTNER, PRE), (12, "change", PARTNER, POST), (12, "change", "", LOCAL)]
    assert (14, "peer_down", PARTNER, PRE) in told
    assert (15, "peer_up", PARTNER, POST) in told
    changed = found.events[0].changed
    assert changed == {"as_path": ("64501 64505 64511", "64501 64511")}
    assert {e.reason for e in found.events if e.event == "peer_down"} == {"hold timer expired"}

    (used,) = [lane for lane in found.lanes if lane.session is None and lane.exporter == EDGE1]
    story = [(round((s.start / 10**6 - DAY) / H, 2), s.path.as_path if s.path else None) for s in used.segments]
    assert story == [(9, "64501 64505 64511"), (12, "64501 64511"), (14, "64500 64511")]
    assert used.segments[-1].end == (DAY + 18 * H) * 10**6
    lanes = {(lane.session.peer, lane.session.rib): lane for lane in found.lanes if lane.session}
    partner = lanes[PARTNER, PRE]
    assert [s.path and s.path.as_path for s in partner.segments] == ["64501 64505 64511", "64501 64511", None]
    for lane in found.lanes:
        assert all(one.end == other.start for one, other in zip(lane.segments, lane.segments[1:], strict=False))


def test_a_timeline_with_too_much_in_it_keeps_its_newest_part(ask, monkeypatch):
    monkeypatch.setattr("weft.query.routing.timeline.MOST_EVENTS", 4)
    found = ask.timeline("192.0.2.0/25", hour(15), hour(17)).found
    assert found.truncated
    assert len(found.events) == 4
    assert found.begins == found.events[0].at


def test_sessions_with_their_routes_and_what_changed(ask):
    views = {(v.session.exporter, v.session.peer, v.session.rib, v.session.vrf): v
             for v in ask.sessions(hour(9), hour(20)).found}  # fmt: skip
    partner = views[EDGE1, PARTNER, PRE, ""]
    assert (partner.state, partner.since, partner.routes) == ("up", (DAY + 15 * H) * 10**6, 1)
    assert (partner.ups, partner.downs, partner.changes, partner.announcements) == (1, 1, 1, 1)
    transit = views[EDGE1, TRANSIT, PRE, ""]
    assert transit.routes == 7
    assert transit.rpki == {"not_found": 6, "invalid": 1}
    assert transit.families == {"ipv4_unicast": 6, "ipv6_unicast": 1}
    assert (transit.announcements, transit.withdrawals) == (6, 6)
    assert views[EDGE2, TRANSIT, PRE, ""].routes == 1
    dump = views["192.0.2.200", "198.51.100.77", PRE, ""]
    assert (dump.state, dump.routes) == ("unknown", 1)
    down = {v.session.peer: v for v in ask.sessions(hour(9), hour(14.5)).found if v.session.rib == POST}
    assert (down[PARTNER].state, down[PARTNER].routes, down[PARTNER].reason) == ("down", 0, "hold timer expired")
    assert all(v.routes is None for v in ask.sessions(hour(9), hour(14), count=False).found)


def test_churn_by_prefix_peer_and_origin(ask):
    (first, *_) = ask.churn(hour(9), hour(20), "prefix").found
    assert (first.prefix, first.updates, first.flaps, first.peers) == ("192.0.2.0/25", 20, 10, 1)
    assert first.origin_as == 64503
    by_peer = ask.churn(hour(9), hour(20), "peer").found
    assert {(row.peer, row.rib) for row in by_peer} >= {(TRANSIT, 1), (TRANSIT, 2), (PARTNER, 1), ("", 3)}
    assert ask.churn(hour(9), hour(20), "origin").found[0].origin_as == 64503
    assert {row.prefix for row in ask.churn(hour(9), hour(20), "prefix", Only(peers=(PARTNER,))).found} == {
        WEB, "198.51.100.0/25",
    }  # fmt: skip


def test_what_policy_does(ask):
    found = ask.policy(hour(11), Only(exporters=(EDGE1,), peers=(PARTNER,))).found
    assert (found.told, found.before, found.after, found.rejected, found.changed) == (True, 1, 1, 0, 1)
    assert found.by_attribute == {"local_pref": 1, "communities": 1}
    (treated,) = found.routes
    assert treated.verdict == "changed"
    assert treated.changed == {"local_pref": ("0", "200"), "communities": ("", "64496:100")}

    found = ask.policy(hour(11), Only(exporters=(EDGE1,), peers=(TRANSIT,), vrf="")).found
    rejected = {one.prefix for one in found.routes if one.verdict == "rejected"}
    assert rejected == {"192.0.2.128/25", "0.0.0.0/0", "2001:db8:1::/48", "203.0.112.0/24"}
    assert (found.before, found.after, found.rejected, found.added) == (7, 2, 5, 0)
    none = ask.policy(hour(11), Only(exporters=(EDGE1,), peers=(TRANSIT,)), verdict="added").found
    assert none.routes == ()
    assert not ask.policy(hour(11), Only(exporters=(EDGE2,), peers=(TRANSIT,))).found.told
    # Nothing of a session that went away is compared.
    gone = ask.policy(hour(14.5), Only(exporters=(EDGE1,), peers=(PARTNER,))).found
    assert (gone.before, gone.after) == (0, 0)


def test_invalid_routes_that_stand(ask):
    paths, more = ask.judged(hour(10.05), "invalid").found
    assert [str(p.prefix) for p in paths] == ["192.0.2.128/25", "203.0.113.128/25"]
    assert not more
    assert [str(p.prefix) for p in ask.judged("now", "invalid").found[0]] == ["192.0.2.128/25"]


def test_sessions_that_were_not_asked_about_take_no_room(store):
    runner, moment = Runner(store, QueryConfig(), NOW, {}), Moment(int((DAY + 11 * H) * US))
    only = Only((EDGE1,), (PARTNER,))
    paths, cut = last_words(runner, moment, exactly([parse_prefix(WEB)]), only, limit=4)
    assert {(path.session.exporter, path.session.peer, path.session.rib) for path in paths} == {
        (EDGE1, PARTNER, PRE), (EDGE1, PARTNER, POST),
    }  # fmt: skip
    assert not cut


def test_names_of_ases(ask):
    assert ask.as_names({64511, 64500, 0}) == {"64511": "Example Net"}
    assert ask.as_names(set()) == {}


def test_answers_carry_what_they_rest_on_and_may_be_asked_at_once(ask):
    answer = ask.look_up(WEB, hour(11), "all")
    assert "FROM routes" in answer.sql
    assert answer.rows_read > 0
    assert answer.window.until == DAY + 11 * H
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda h: len(ask.look_up(WEB, hour(h), "all").found.prefixes), range(2, 18)))
    assert found == [len(ask.look_up(WEB, hour(h), "all").found.prefixes) for h in range(2, 18)]
