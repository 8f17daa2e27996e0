"""Which path wins, and why."""

from __future__ import annotations

import random
from itertools import permutations

import pytest
from tests.doubles.routes import LOCAL, PARTNER, POST, PRE, TRANSIT, route

from weft.query.routing.best import STEPS, choose, select_best
from weft.query.routing.rows import path_of

PREFIX = "203.0.113.0/24"


def path(as_path="64500 64511", event="announce", **more):
    said = {"path_id": 0, "vrf": "", "nlri": "", "local_pref": 0, "med": 0, "communities": "", "attributes": "",
            "bgp_origin": 0, "reason": ""}  # fmt: skip
    said |= route(1.0, event, PREFIX, as_path, **more)
    return path_of(said | {"at": 1_000_000}, 1_000_000)


def never(_):
    return False


CASES = [
    ("local_pref", "higher local preference: 200 against 100",
     {"as_path": "64500 64505 64511", "local_pref": 200}, {"as_path": "64501 64511", "peer": PARTNER}),
    ("as_path", "shorter AS path: 2 against 3",
     {"as_path": "64501 64511", "peer": PARTNER}, {"as_path": "64500 64505 64511"}),
    ("origin", "lower origin: igp against incomplete",
     {"as_path": "64501 64511", "peer": PARTNER}, {"bgp_origin": 2}),
    ("med", "lower MED: 10 against 20",
     {"as_path": "64500 64511", "peer": PARTNER, "med": 10}, {"as_path": "64500 64511", "med": 20}),
    ("external", "external before internal: eBGP against iBGP",
     {"as_path": "64501 64511", "peer": PARTNER}, {"as_path": "64505 64511", "peer": "192.0.2.9"}),
]  # fmt: skip


@pytest.mark.parametrize(("decided", "why", "winner", "loser"), CASES, ids=[case[0] for case in CASES])
def test_each_step_of_the_selection_decides(decided, why, winner, loser):
    one, other = path(**winner), path(**loser)
    for paths in ([one, other], [other, one]):
        choice = choose(paths, never)
        assert choice.best is one
        assert (choice.decided_by, choice.why) == (decided, why)
        assert not choice.told
        assert [(r.path, r.lost_at) for r in choice.paths] == [(one, ""), (other, decided)]


def test_the_lower_address_of_the_neighbour_comes_last_and_says_what_is_not_seen():
    choice = choose([path(), path("64501 64511", peer=PARTNER)], never)
    assert choice.best.session.peer == TRANSIT
    assert choice.decided_by == "peer_address"
    assert "metric to the next hop" in choice.why


def test_meds_are_compared_within_one_neighbouring_as_only():
    cheap = path("64501 64511", peer=PARTNER, med=500)
    dear = path("64500 64511", med=10)
    assert choose([cheap, dear], never).decided_by == "peer_address"


def test_after_policy_counts_where_it_is_told_and_what_policy_rejects_takes_no_part():
    rejected = path(local_pref=900)
    before, after = path("64501 64511", peer=PARTNER), path("64501 64511", peer=PARTNER, rib=POST, local_pref=50)
    choice = choose([rejected, before, after], lambda p: True)
    assert choice.best is after
    assert choice.decided_by == "only"
    assert {r.lost_at for r in choice.paths if r.path is rejected} == {"policy"}
    # Where the neighbour's routes are not told of after policy, what it sent is what there is.
    assert choose([rejected, before, after], never).best is rejected


def test_the_routers_own_word_wins_over_the_attributes():
    loser, winner = path("64500 64505 64511"), path("64501 64511", peer=PARTNER)
    local = path("64500 64505 64511", rib=LOCAL, peer="", next_hop=TRANSIT)
    choice = choose([loser, winner, local], never)
    assert choice.told
    assert choice.best is local
    assert choice.decided_by == "router"
    assert PARTNER in choice.why
    agreed = path("64501 64511", rib=LOCAL, peer="", next_hop=PARTNER)
    choice = choose([loser, winner, agreed], never)
    assert (choice.decided_by, choice.why) == ("as_path", "shorter AS path: 2 against 3")
    own = path("", rib=LOCAL, peer="", next_hop="192.0.2.1")
    assert "no monitored neighbour" in choose([loser, winner, own], never).why


def test_what_does_not_stand_is_listed_but_never_best():
    choice = choose([path(event="withdraw")], never)
    assert choice.best is None
    assert [(r.eligible, r.lost_at) for r in choice.paths] == [(False, "gone")]
    assert choose([], never).paths == ()


def test_equal_paths_are_a_tie_and_the_order_of_paths_does_not_matter():
    paths = [path(path_id=n) for n in range(3)]
    assert {choose(list(order), never).decided_by for order in permutations(paths)} == {"tie"}
    rng = random.Random(4)
    for _ in range(200):
        some = [
            path(
                f"{rng.choice((64500, 64501))} {'64505 ' * rng.randrange(3)}64511", peer=f"198.51.100.{n + 1}",
                local_pref=rng.choice((0, 100, 200)), med=rng.choice((0, 10)), bgp_origin=rng.choice((0, 2)),
                rib=rng.choice((PRE, POST)),
            )
            for n in range(rng.randrange(1, 6))
        ]  # fmt: skip
        ranked, decided, why = select_best(some)
        rng.shuffle(some)
        again, decided_again, why_again = select_best(some)
        assert (ranked[0].path, decided) == (again[0].path, decided_again)
        assert decided in {"only", *(step.name for step in STEPS)}
        assert why
        assert why_again
        assert sorted(map(id, (r.path for r in ranked))) == sorted(map(id, some))
