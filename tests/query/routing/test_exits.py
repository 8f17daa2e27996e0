"""Routes to the outside in short equal what the single routes say."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from tests.query.routing.conftest import DAY, H

from weft.query.routing.questions import RoutingQuestions


@pytest.mark.parametrize("at", [DAY + 2 * H, DAY + 9 * H, DAY + 20 * H])
def test_counts_and_attributes_are_those_of_the_routes_that_stand(ask: RoutingQuestions, at: int) -> None:
    routes = defaultdict(list)
    for whole in ("0.0.0.0/0", "::/0"):
        for view in ask.look_up(whole, str(at), "all", most=20_000).found.prefixes:
            for router in view.routers:
                for path in (ranked.path for ranked in router.choice.paths):
                    told = path.session.source != "mrt" and path.session.rib in {"adj_rib_in_pre", "adj_rib_in_post"}
                    plain = path.family in {"ipv4_unicast", "ipv6_unicast"} and not path.nlri
                    if path.standing and told and plain and not path.session.vrf:
                        session = path.session
                        is_default = view.prefix.length == 0
                        key = (session.exporter, session.rib == "adj_rib_in_post", session.peer, session.peer_as,
                               path.origin_as, is_default)  # fmt: skip
                        routes[key].append(path)
    found = ask.exits(str(at)).found
    assert len(found) == len(routes) > 0
    for one in found:
        paths = routes[one.exporter, one.is_post_policy, one.peer, one.peer_as, one.origin_as, one.is_default]
        assert one.prefixes == len(paths)
        ways = Counter((p.neighbor_as, p.as_path_length, p.local_pref, p.med) for p in paths)
        way = (one.neighbor_as, one.as_path_length, one.local_pref, one.med)
        assert ways[way] == max(ways.values())
        assert set(one.named) <= {p.text for p in paths}
        assert len(one.named) == len(set(one.named)) <= 8
